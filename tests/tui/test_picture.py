"""The whole screen as text: golden files that were checked by eye, and laws for every size.

The golden files are written by `python tests/tui/test_picture.py`; look at what has changed.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len

from fluxum.book.proof import BookStatus
from fluxum.tui.layout import LEAST_HEIGHT, LEAST_WIDTH, Pane
from fluxum.tui.picture import Beside, Choice, Memory, Page, draw, entries, text
from fluxum.tui.row import text_of
from fluxum.view import View
from screens import sample

GOLDEN = Path(__file__).with_name("golden")
PICTURES: dict[str, tuple[int, int, Choice]] = {
    "markets-80x24": (80, 24, Choice()),
    "markets-120x40": (120, 40, Choice()),
    "markets-160x45": (160, 45, Choice()),
    "markets-60x20": (60, 20, Choice()),
    "desynced-80x24": (80, 24, Choice(entry=1)),
    "failed-80x24": (80, 24, Choice(entry=3, beside=Beside.POSITIONS, status="paused, 412 behind")),
    "consolidated-80x24": (80, 24, Choice(entry=4, beside=Beside.CANDLES)),
    "depth-80x24": (80, 24, Choice(is_summed=True)),
    "gaps-80x24": (80, 24, Choice(page=Page.GAPS)),
    "missing-80x24": (80, 24, Choice(page=Page.MISSING)),
    "help-80x24": (80, 24, Choice(page=Page.HELP, is_tape=True, status="0:12 of 1:00 x1")),
}


def shown(choice: Choice, width: int = 80, height: int = 24, view: View | None = None) -> str:
    return text(draw(view or sample(), choice, Memory(), width, height), width, height)


@pytest.mark.parametrize("name", PICTURES)
def test_the_screen_is_as_it_was_checked_by_eye(name: str) -> None:
    width, height, choice = PICTURES[name]

    assert shown(choice, width, height) == (GOLDEN / f"{name}.txt").read_text()


@given(
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    entry=st.integers(0, 20),
    page=st.sampled_from(Page),
    beside=st.sampled_from(Beside),
    is_summed=st.booleans(),
)
def test_every_pane_has_rows_of_exactly_its_size(
    width: int, height: int, entry: int, page: Page, beside: Beside, is_summed: bool
) -> None:
    choice = Choice(entry=entry, page=page, beside=beside, is_summed=is_summed)

    picture = draw(sample(), choice, Memory(), width, height)

    for pane, (place, rows) in picture.items():
        assert len(rows) == place.height, pane
        assert {cell_len(text_of(row)) for row in rows} <= {place.width}, pane


@given(width=st.integers(LEAST_WIDTH, 220), height=st.integers(LEAST_HEIGHT, 70))
def test_no_digit_of_the_best_prices_is_cut(width: int, height: int) -> None:
    screen = shown(Choice(), width, height)

    assert "84000.1   0.01000000" in screen  # the best ask of the sample, and its quantity
    assert "84000.0   0.01500000" in screen


def test_columns_stand_still_when_the_numbers_get_shorter() -> None:
    long = sample()
    (market, *others), memory = long.markets, Memory()
    assert market.book is not None
    few = structs.replace(market.book, asks=market.book.asks[:1], bids=market.book.bids[:1])
    short = structs.replace(long, markets=(structs.replace(market, book=few, trades=()), *others))

    before = text(draw(long, Choice(), memory, 80, 24), 80, 24)
    after = text(draw(short, Choice(), memory, 80, 24), 80, 24)

    row = " 84000.1   0.01000000 "
    assert row in before
    assert row in after  # two digits before the point of a quantity: a trade had them


def test_a_withdrawn_book_shows_its_reason_and_no_level() -> None:
    _, rows = draw(sample(), Choice(entry=1), Memory(), 80, 24)[Pane.FIRST]
    ladder = "\n".join(map(text_of, rows))

    assert "✗ desynced" in ladder
    assert "1408038839" in ladder
    assert "1458038839" in ladder
    assert "0.0" not in ladder


@pytest.mark.parametrize("status", BookStatus)
def test_every_status_of_a_book_has_a_sign_and_its_word(status: BookStatus) -> None:
    view = sample()
    market = view.markets[0]
    assert market.book is not None
    proof = structs.replace(market.book.proof, status=status, reason="the reason")
    book = structs.replace(market.book, proof=proof)
    changed = structs.replace(view, markets=(structs.replace(market, book=book),))

    first, rows = draw(changed, Choice(), Memory(), 80, 24)[Pane.FIRST]
    title = text_of(rows[0])

    assert status.value in title
    assert any(sign in title for sign in "✓!○✗")
    if status is not BookStatus.VALID:
        assert "the reason" in "\n".join(map(text_of, rows))
    assert first.width == 38


def test_sums_that_do_not_close_are_shown_at_every_width() -> None:
    view = structs.replace(sample(), sums_close=False)

    for width in range(64, 200, 7):
        assert "SUMS DO NOT CLOSE" in shown(Choice(), width, 24, view)


def test_entries_are_the_markets_and_then_the_books_of_all_venues() -> None:
    names = [getattr(one, "venue", "all") + " " + one.symbol for one in entries(sample())]

    assert names == [
        "kraken BTC/USD",
        "kraken ETH/USD",
        "coinbase BTC/USD",
        "gemini BTC/USD",
        "all BTC/USD",
    ]


def test_without_any_market_the_screen_shows_what_is_missing() -> None:
    empty = structs.replace(sample(), markets=(), consolidated=())

    screen = shown(Choice(), view=empty)

    assert "What is missing" in screen
    assert "symbol BTC/USD is not listed" in screen


def test_a_terminal_that_is_too_small_has_one_page() -> None:
    assert list(draw(sample(), Choice(), Memory(), 30, 8)) == [Pane.PAGE]


if __name__ == "__main__":
    for name, (width, height, choice) in PICTURES.items():
        (GOLDEN / f"{name}.txt").write_text(shown(choice, width, height))
