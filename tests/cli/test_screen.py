"""The picture at any size: within the terminal, no digit cut, and a word for what is left out."""

import io
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fluxum.book.proof import BookProof, BookStatus
from fluxum.cli.screen import Picture, screen
from fluxum.model.event import State
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Level, Side, Trade
from fluxum.session.books import BookReading

NOW = 1_767_268_800_000_000_000
SYMBOLS = ("BTC/USD", "ETH/USDT:PERP", "SOL/EUR", "AAPLx/USD", "DOGE/USDT", "XRP/USDC")


def reading(number: int, rows: int, digits: int, reason: str) -> BookReading:
    symbol = Symbol(SYMBOLS[number % len(SYMBOLS)])
    price = Decimal(10**digits + number)
    bids = tuple(Level(price - one, Decimal("0.12345678") + one) for one in range(rows))
    asks = tuple(Level(price + 1 + one, Decimal("0.12345678") + one) for one in range(rows))
    status = BookStatus.DESYNCED if reason else BookStatus.VALID
    return BookReading(
        BookSnapshot(venue=f"venue{number}", symbol=symbol, bids=bids, asks=asks, received_ns=NOW),
        BookProof(
            venue=f"venue{number}",
            symbol=symbol,
            status=status,
            reason=reason,
            generation=1,
            checks=1234,
            checksum=None,
            sequence=1,
            proved_ns=NOW,
            updated_ns=NOW,
            depth_proved=None,
            depth=None,
        ),
    )


def trade(number: int) -> Trade:
    return Trade(
        venue="venue0",
        symbol=Symbol("ETH/USDT:PERP"),
        side=Side.SELL,
        price=Decimal("1234567.12345678"),
        quantity=Decimal("1234567.12345678"),
        trade_id=str(number),
        venue_ns=NOW,
        received_ns=NOW,
    )


def picture(
    books: int, rows: int = 10, digits: int = 5, reason: str = "", failure: str = ""
) -> Picture:
    return Picture(
        states=[(f"venue{one}", State.READY) for one in range(min(books, 10))],
        readings=[reading(one, rows, digits, reason) for one in range(books)],
        failures=[failure] * books,
        trades=[trade(one) for one in range(8)],
        log=[f"12:00:00.000r happening-{one}, told at some length" for one in range(8)],
        rows=rows,
        now_ns=NOW,
    )


def drawn(one: Picture, width: int, height: int, page: int = 0, encoding: str = "utf-8") -> str:
    """The picture as a terminal shows it, without its colours."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height, color_system=None)
    console.print(screen(one, width, height, page, is_ascii=console.options.ascii_only), crop=False)
    file.flush()
    buffer = file.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


def words(text: str) -> str:
    """The words of a picture, without borders and line ends."""
    return " ".join(re.sub("[\u2500-\u257f\n]", " ", text).split()) + " "


sizes = st.tuples(st.integers(40, 200), st.integers(10, 60))


@given(sizes, st.integers(1, 25), st.integers(1, 25), st.integers(1, 12), st.booleans())
def test_a_picture_is_never_larger_than_the_terminal(
    size: tuple[int, int], books: int, rows: int, digits: int, is_odd: bool
) -> None:
    reason = "checksum 123456789 was expected, 987654321 was computed" if is_odd else ""

    lines = drawn(picture(books, rows, digits, reason), *size).splitlines()

    assert max(map(len, lines)) <= size[0]
    assert len(lines) <= size[1]


@given(sizes, st.integers(1, 25), st.integers(1, 25), st.integers(1, 12))
def test_what_is_not_shown_is_said(
    size: tuple[int, int], books: int, rows: int, digits: int
) -> None:
    one = picture(books, rows, digits)
    flat = [words(drawn(one, *size))]
    if "the others follow in turn" in flat[0]:
        flat += [words(drawn(one, *size, page)) for page in range(1, books)]

    assert "\u2026" not in "".join(flat)
    names = [f"venue{number} " for number in range(books)]
    assert all(any(name in page for page in flat) for name in names)
    if any(name not in flat[0] for name in names):
        assert f"of {books}, the others follow in turn" in flat[0]
    for level in one.readings[0].snapshot.bids:
        if f" {level.price} " not in flat[0]:
            assert "levels a side fit" in flat[0] or "levels do not fit" in flat[0]
    if "1234567.12345678 @ 1234567.12345678" not in flat[0]:
        assert "trades" in flat[0]
    if "happening-7" not in flat[0]:
        assert "what happens to links do not fit" in flat[0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20)])
def test_two_books_stand_side_by_side_on_a_common_terminal(width: int, height: int) -> None:
    text = drawn(picture(2), width, height)

    first = next(line for line in text.splitlines() if "BTC/USD venue0" in line)
    assert "ETH/USDT:PERP venue1" in first
    assert "of 10 levels a side fit" in text
    assert "happening-7" in text


def test_a_large_terminal_has_room_for_everything() -> None:
    text = drawn(picture(2), 160, 50)

    assert "fit" not in text
    assert text.count("\u2588") > 20


def test_a_book_that_was_refused_says_so_in_its_place() -> None:
    text = drawn(picture(1, failure="venue0 refused 'book BTC/USD 10': no such pair"), 80, 40)

    assert "venue0 refused 'book BTC/USD 10': no such pair" in words(text)


def test_a_terminal_without_the_signs_gets_others() -> None:
    text = drawn(picture(2), 100, 40, encoding="ascii")

    assert "* venue0 ready" in text
    assert "####" in text
