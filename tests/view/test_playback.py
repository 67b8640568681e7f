"""A recording that is played and wound: at every instant it shows what the tape had sent by then.

The tape is made by `kraken_tape`, which shares no code with the product: update `n` is received
`n` steps after the start, and every tenth one is a trade with its book update.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from fluxum.book.proof import BookStatus
from fluxum.errors import TapeError
from fluxum.model.event import State
from fluxum.view import Extent, Playback, View, view
from kraken_tape import START_NS, STEP_NS, Market, write

UPDATES = 300


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return write(tmp_path / "tape.jsonl.gz", UPDATES)


def shown(playback: Playback) -> View:
    return view(playback, playback.keeper, Extent(candles=5))


def quantities(updates: int) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    """The market's own book after so many updates."""
    market = Market(42)
    for number in range(1, updates + 1):
        if number % 10:
            market.update(0)
        else:
            market.trade(0)
    market._cut()
    bids, asks = (
        {Decimal(price) / 10: Decimal(units) / 10**8 for price, units in side.items()}
        for side in market.sides
    )
    return bids, asks


def expect(made: View, updates: int) -> None:
    """The view is that after so many updates: 3 frames before them, and one more a trade."""
    (venue,), (market,) = made.venues, made.markets
    trades = updates // 10
    assert venue.frames == 3 + updates + trades
    assert (venue.data, venue.control, venue.rejected) == (1 + updates + trades, 2, 0)
    assert venue.sums_close
    assert market.trades_seen == trades
    assert market.book is not None
    assert market.book.proof.status is BookStatus.VALID
    assert market.book.proof.checks == 1 + updates
    bids, asks = quantities(updates)
    assert {one.price: one.quantity for one in market.book.bids} == bids
    assert {one.price: one.quantity for one in market.book.asks} == asks


def test_the_start_has_what_was_received_at_that_instant(tape: Path) -> None:
    playback = Playback(tape, "kraken")

    playback.advance(playback.start_ns)

    assert (playback.start_ns, playback.end_ns) == (START_NS, START_NS + UPDATES * STEP_NS)
    expect(shown(playback), 0)


@pytest.mark.parametrize("updates", [1, 9, 10, 57, 299])
def test_no_frame_is_played_before_its_time(tape: Path, updates: int) -> None:
    playback = Playback(tape, "kraken")

    playback.advance(START_NS + (updates + 1) * STEP_NS - 1)

    assert playback.at_ns == START_NS + (updates + 1) * STEP_NS - 1
    expect(shown(playback), updates)


def test_winding_back_shows_the_past_again(tape: Path) -> None:
    playback = Playback(tape, "kraken")
    playback.advance(START_NS + 200 * STEP_NS)

    playback.seek(START_NS + 40 * STEP_NS)
    expect(shown(playback), 40)
    playback.seek(START_NS + 120 * STEP_NS)
    expect(shown(playback), 120)


def test_the_end_is_an_end_and_not_a_ready_venue(tape: Path) -> None:
    playback = Playback(tape, "kraken")

    playback.seek(START_NS + 10**18)

    assert playback.is_over
    assert playback.at_ns == playback.end_ns
    made = shown(playback)
    assert not made.is_ready
    assert made.venues[0].missing == ("the recording has ended",)
    expect(made, UPDATES)
    playback.seek(0)
    assert (playback.at_ns, playback.is_over) == (playback.start_ns, False)


def test_a_link_that_closes_on_the_tape_withdraws_the_book(tmp_path: Path) -> None:
    closed_ns = START_NS + 20 * STEP_NS + 1
    path = write(tmp_path / "tape.jsonl", 20)
    with path.open("a") as file:
        file.write(f'{{"ns":{closed_ns},"link":1,"frame":"","closed":true}}\n')
    playback = Playback(path, "kraken")

    playback.seek(closed_ns)

    made = shown(playback)
    assert made.markets[0].book is not None
    assert made.markets[0].book.bids == ()
    assert made.venues[0].state is State.DISCONNECTED
    assert made.losses[0].text == "link lost: closed on the tape"
    assert made.losses[0].at_ns == closed_ns


def test_a_damaged_tape_plays_to_the_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "tape.jsonl", 20)
    lines = path.read_text().splitlines(keepends=True)
    lines[20] = "no line of a tape\n"
    path.write_text("".join(lines))
    playback = Playback(path, "kraken")

    playback.seek(START_NS + 20 * STEP_NS)

    assert playback.is_over
    assert ":21" in playback.damage or "line 21" in playback.damage


def test_a_recording_without_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text('{"channel":"status","type":"update","data":[]}\n')

    with pytest.raises(TapeError, match="has no times"):
        Playback(path, "kraken")
