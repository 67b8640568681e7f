"""Prepared tapes: exact rows, in order, with their gaps and their proof; or refused by name."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

import kraken_tape
from fluxum.back.columns import MAGIC, Columns
from fluxum.back.player import Player
from fluxum.back.prepare import prepare
from fluxum.back.watching import Signal
from fluxum.errors import BadInput, TapeError
from fluxum.model.codec import encode_event
from fluxum.model.event import Event, Gap, LinkLost
from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.replay import Replay

NS = kraken_tape.START_NS


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return kraken_tape.write(tmp_path / "btc.jsonl.gz", 300)


def played(columns: Columns) -> list[Event]:
    player = Player(columns)
    events: list[Event] = []
    while (event := player.next()) is not None:
        assert not isinstance(event, Signal)
        events.append(event)
    return events


def replayed(path: Path) -> list[bytes]:
    return [encode_event(event) for moment in Replay(path).moments() for event in moment.events]


def test_every_event_of_the_tape_is_a_row_and_none_changed(tape: Path) -> None:
    columns = prepare(tape, tape.with_suffix(".cols"))

    assert [encode_event(event) for event in played(columns)] == replayed(tape)
    proof = columns.provenance.tapes[0]
    assert (proof.frames, proof.book_messages, proof.checks_passed) == (333, 301, 301)
    assert proof.is_proved
    assert columns.provenance.is_proved


def test_prices_are_integers_in_the_smallest_place_and_digits_are_those_of_the_wire(
    tape: Path,
) -> None:
    columns = prepare(tape, tape.with_suffix(".cols"))

    (market,) = columns.markets
    assert (market.venue, market.symbol) == ("kraken", "BTC/USD")
    assert (market.price_places, market.quantity_places) == (1, 8)
    snapshot = next(one for one in played(columns) if isinstance(one, BookSnapshot))
    assert columns.column("row_price")[0] == 450_000
    assert str(snapshot.bids[0].price) == "45000.0"
    assert snapshot.bids[0].quantity.as_tuple().exponent == -8


def test_a_smaller_place_later_on_changes_the_units_of_all_rows_before(tmp_path: Path) -> None:
    path = binance_trades(tmp_path, ["100", "100.5", "0.00000001", "123456789.25"])

    columns = prepare(path, tmp_path / "t.cols")

    (market,) = columns.markets
    assert market.price_places == 8
    assert list(columns.column("row_price")) == [
        100 * 10**8, 100 * 10**8 + 5 * 10**7, 1, 123_456_789 * 10**8 + 25 * 10**6
    ]  # fmt: skip
    prices = [one.price for one in played(columns) if isinstance(one, Trade)]
    assert [str(price) for price in prices] == ["100", "100.5", "1E-8", "123456789.25"]


def test_a_number_that_does_not_fit_is_refused_with_its_value(tmp_path: Path) -> None:
    path = binance_trades(tmp_path, ["0.000000000001", "9999999999"])

    with pytest.raises(TapeError, match=r"price of BTC/USDT at binance that fits.*was 9999999999"):
        prepare(path, tmp_path / "t.cols")
    assert list(tmp_path.glob("*.cols*")) == []


def test_a_lost_link_is_told_at_its_own_time_before_newer_data(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    frames = list(kraken_tape.frames(40, trade_every=0))
    later = [(ns + 5 * 10**9, frame) for ns, frame in kraken_tape.frames(40, seed=7, trade_every=0)]
    lost_ns = frames[-1][0] + 10**9
    with path.open("w") as file:
        file.write(kraken_tape.header())
        file.writelines(kraken_tape.line(ns, frame) for ns, frame in frames)
        file.write(f'{{"ns":{lost_ns},"link":1,"closed":true}}\n')
        file.writelines(kraken_tape.line(ns, frame, 2) for ns, frame in later)

    columns = prepare(path, tmp_path / "cut.cols")

    player = Player(columns)
    told: list[tuple[int, Event]] = []
    while (event := player.next()) is not None:
        assert not isinstance(event, BookUpdate) or player.books[0].is_valid
        if isinstance(event, LinkLost | Gap | BookSnapshot):
            told.append((player.now_ns, event))
            assert player.books[0].is_valid is isinstance(event, BookSnapshot)
    assert [(ns, type(event)) for ns, event in told] == [
        (NS, BookSnapshot),
        (lost_ns, LinkLost),
        (later[2][0], Gap),
        (later[2][0], BookSnapshot),
    ]
    (span,) = columns.provenance.gaps
    assert (span.since_ns, span.until_ns) == (frames[-1][0], later[2][0])
    assert not columns.provenance.is_proved


def test_tapes_of_several_venues_are_merged_by_time(tape: Path, tmp_path: Path) -> None:
    other = binance_trades(tmp_path, ["100", "101", "102"], step_ns=10**8)

    columns = prepare([tape, other], tmp_path / "both.cols")

    times = list(columns.column("frame_ns"))
    assert times == sorted(times)
    assert {market.venue for market in columns.markets} == {"kraken", "binance"}
    ours = [event for event in played(columns) if getattr(event, "venue", "") == "kraken"]
    assert [encode_event(event) for event in ours] == replayed(tape)
    assert len([event for event in played(columns) if isinstance(event, Trade)]) == 30 + 3


def test_what_is_no_prepared_tape_is_refused_by_name(tape: Path, tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"btc\.jsonl\.gz: .* expected, was a recording"):
        Columns(tape)
    foreign = tmp_path / "foreign.cols"
    foreign.write_bytes(b"PK\x03\x04 something else, and long enough to be read")
    with pytest.raises(TapeError, match=r"foreign\.cols: a prepared tape was expected"):
        Columns(foreign)
    foreign.write_bytes(MAGIC + (2).to_bytes(4, "little") + bytes(60))
    with pytest.raises(TapeError, match="version 1 was expected, was 2"):
        Columns(foreign)
    with pytest.raises(TapeError, match="cannot read"):
        Columns(tmp_path / "none.cols")


@pytest.mark.parametrize("place", [20, 60, -1, -400, -2000])
def test_a_flipped_bit_anywhere_is_found(tape: Path, tmp_path: Path, place: int) -> None:
    path = tmp_path / "b.cols"
    prepare(tape, path)
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)

    with pytest.raises(TapeError, match="damaged"):
        Columns(path)


def test_a_file_cut_short_is_refused(tape: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.cols"
    prepare(tape, path)
    path.write_bytes(path.read_bytes()[:-8])

    with pytest.raises(TapeError, match="were expected"):
        Columns(path)


def test_a_file_that_exists_is_not_replaced(tape: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.cols"
    path.write_text("mine")

    with pytest.raises(BadInput, match="is there already"):
        prepare(tape, path)
    assert path.read_text() == "mine"


def test_a_recording_without_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text("".join(frame + "\n" for _, frame in kraken_tape.frames(5)))

    with pytest.raises(TapeError, match="frame 0 has no time"):
        prepare(path, tmp_path / "b.cols", venue="kraken")


def binance_trades(folder: Path, prices: list[str], step_ns: int = 10**9) -> Path:
    path = folder / "binance.jsonl"
    lines = [kraken_tape.header("binance")]
    for number, price in enumerate(prices, 1):
        trade = {
            "e": "trade", "E": 1, "s": "BTCUSDT", "t": number, "p": price, "q": "0.5",
            "T": NS // 10**6, "m": False, "M": True,
        }  # fmt: skip
        frame = json.dumps({"stream": "btcusdt@trade", "data": trade})
        lines.append(kraken_tape.line(NS + number * step_ns, frame))
    path.write_text("".join(lines))
    return path


def test_the_sum_of_trades_is_exact(tmp_path: Path) -> None:
    columns = prepare(binance_trades(tmp_path, ["0.1", "0.2"]), tmp_path / "t.cols")

    prices = [event.price for event in played(columns) if isinstance(event, Trade)]
    assert sum(prices) == Decimal("0.3")
