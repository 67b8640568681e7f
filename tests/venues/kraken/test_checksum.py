"""Kraken's checksums, against the vectors Kraken publishes."""

import json
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Level,
    Level3Snapshot,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
)
from fluxum.venues.kraken.checksum import DEPTH_PROVED, book_checksum, digits, level3_checksum

CAPTURES = Path(__file__).parent / "captures"
BTC = Symbol("BTC/USD")

# The worked example of https://docs.kraken.com/api/docs/guides/spot-ws-book-v2, best first.
BTC_ASKS = (
    ("45285.2", "0.00100000"),
    ("45286.4", "1.54571953"),
    ("45286.6", "1.54571109"),
    ("45289.6", "1.54560911"),
    ("45290.2", "0.15890660"),
    ("45291.8", "1.54553491"),
    ("45294.7", "0.04454749"),
    ("45296.1", "0.35380000"),
    ("45297.5", "0.09945542"),
    ("45299.5", "0.18772827"),
)
BTC_BIDS = (
    ("45283.5", "0.10000000"),
    ("45283.4", "1.54582015"),
    ("45282.1", "0.10000000"),
    ("45281.0", "0.10000000"),
    ("45280.3", "1.54592586"),
    ("45279.0", "0.07990000"),
    ("45277.6", "0.03310103"),
    ("45277.5", "0.30000000"),
    ("45277.3", "1.54602737"),
    ("45276.6", "0.15445238"),
)
BTC_CHECKSUM = 3310070434

# The snapshot and update of https://docs.kraken.com/api/docs/websocket-v2/book, with the digits
# the pair has on the wire (4 and 8); the page prints them without trailing zeros.
MATIC_ASKS = (
    ("0.5668", "4410.79769741"),
    ("0.5669", "4655.40412487"),
    ("0.5670", "49844.89424998"),
    ("0.5671", "24306.41678000"),
    ("0.5672", "29783.25223475"),
    ("0.5673", "57234.71239278"),
    ("0.5674", "45065.04744000"),
    ("0.5675", "5912.76380354"),
    ("0.5676", "42514.92434778"),
    ("0.5677", "36304.08470220"),
)
MATIC_BIDS = (
    ("0.5666", "4831.75496356"),
    ("0.5665", "6658.22734739"),
    ("0.5664", "18724.91513344"),
    ("0.5663", "11563.92544914"),
    ("0.5662", "14006.65365711"),
    ("0.5661", "17454.85679807"),
    ("0.5660", "18097.15470000"),
    ("0.5659", "33644.89175666"),
    ("0.5658", "148.34640000"),
    ("0.5657", "606.70854372"),
)
MATIC_CHECKSUM = 2439117997
MATIC_UPDATE = (("0.5657", "1098.39475580"),)
MATIC_CHECKSUM_AFTER = 2114181697

Pairs = tuple[tuple[str, str], ...]


def levels(pairs: Pairs) -> tuple[Level, ...]:
    return tuple(
        Level(Decimal(price), Decimal(quantity), None, text_of(price, quantity))
        for price, quantity in pairs
    )


def text_of(price: str, quantity: str) -> bytes:
    return digits(price.encode()) + digits(quantity.encode())


def book_of(bids: Pairs, asks: Pairs, depth: int | None = None) -> Book:
    book = Book("kraken", BTC)
    book.replace(
        BookSnapshot(
            venue="kraken",
            symbol=BTC,
            bids=levels(bids),
            asks=levels(asks),
            depth=depth,
            received_ns=1,
        )
    )
    return book


def update(bids: Pairs = (), asks: Pairs = ()) -> BookUpdate:
    return BookUpdate("kraken", BTC, levels(bids), levels(asks), None, 1)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (b"0.00100000", b"100000"),
        (b"45285.2", b"452852"),
        (b"5.0", b"50"),
        (b"0.00000001", b"1"),
        (b"10", b"10"),
        (b"0.00000000", b""),
    ],
)
def test_digits_lose_the_point_and_leading_zeros_only(number: bytes, expected: bytes) -> None:
    assert digits(number) == expected


def test_the_published_example_of_a_book() -> None:
    book = book_of(BTC_BIDS, BTC_ASKS)

    assert book.asks.joined(DEPTH_PROVED) == (
        b"452852100000452864154571953452866154571109452896154560911452902158906604529181545534914529"
        b"474454749452961353800004529759945542452995"
        b"18772827"
    )
    assert book_checksum(book) == BTC_CHECKSUM


def test_the_order_in_which_levels_came_does_not_matter() -> None:
    assert book_checksum(book_of(BTC_BIDS[::-1], BTC_ASKS[::-1])) == BTC_CHECKSUM


def test_the_published_snapshot_and_update() -> None:
    book = book_of(MATIC_BIDS, MATIC_ASKS)
    assert book_checksum(book) == MATIC_CHECKSUM

    book.apply(update(bids=MATIC_UPDATE))
    assert book_checksum(book) == MATIC_CHECKSUM_AFTER


def test_an_eleventh_level_is_not_read() -> None:
    book = book_of((*BTC_BIDS, ("1.0", "1.00000000")), (*BTC_ASKS, ("99999.0", "1.00000000")))

    assert book_checksum(book) == BTC_CHECKSUM


def test_a_level_that_comes_and_goes_leaves_the_checksum_as_it_was() -> None:
    book = book_of(BTC_BIDS, BTC_ASKS)
    book.apply(update(asks=(("45285.3", "1.00000000"),)))
    assert book_checksum(book) != BTC_CHECKSUM

    book.apply(update(asks=(("45285.3", "0.00000000"),)))
    assert book_checksum(book) == BTC_CHECKSUM


def test_a_level_lost_or_changed_is_seen() -> None:
    assert book_checksum(book_of(BTC_BIDS[:9], BTC_ASKS)) != BTC_CHECKSUM
    changed = (*BTC_ASKS[:4], ("45290.2", "0.15890661"), *BTC_ASKS[5:])
    assert book_checksum(book_of(BTC_BIDS, changed)) != BTC_CHECKSUM


def test_a_ghost_below_the_depth_fails_the_check_once_it_comes_up() -> None:
    """Why books are cut: the venue sends nothing more about a level below the depth."""
    cut, uncut = (book_of(BTC_BIDS, BTC_ASKS, depth) for depth in (10, None))
    for book in (cut, uncut):
        book.apply(update(asks=(("45285.1", "1.00000000"),)))  # 45299.5 is pushed out, and goes
        book.apply(update(asks=(("45285.1", "0.00000000"), ("45300.0", "3.00000000"))))

    published = book_checksum(book_of(BTC_BIDS, (*BTC_ASKS[:9], ("45300.0", "3.00000000"))))
    assert book_checksum(cut) == published
    assert book_checksum(uncut) != published


def test_fewer_than_ten_levels_are_read_as_they_are() -> None:
    assert book_checksum(book_of((), ())) == zlib.crc32(b"")
    assert book_checksum(book_of((("1.5", "2.00"),), ())) == zlib.crc32(b"15200")
    assert book_checksum(book_of((("1.5", "2.00"),), (("0.7", "3.10"),))) == zlib.crc32(
        b"731015200"
    )


# Level 3


def capture() -> dict[str, Any]:
    """The worked example of https://docs.kraken.com/api/docs/guides/spot-ws-l3-v2."""
    published = json.loads((CAPTURES / "level3_checksum.json").read_text())
    assert published["source"] == "https://docs.kraken.com/api/docs/guides/spot-ws-l3-v2"
    data: dict[str, Any] = published["message"]["data"][0]
    assert data["checksum"] == 1063832831
    return data


def orders(side: list[dict[str, str]]) -> tuple[RestingOrder, ...]:
    return tuple(
        RestingOrder(
            one["order_id"],
            Decimal(one["limit_price"]),
            Decimal(one["order_qty"]),
            None,
            text_of(one["limit_price"], one["order_qty"]),
        )
        for one in side
    )


def level3_of(bids: tuple[RestingOrder, ...], asks: tuple[RestingOrder, ...]) -> Level3Book:
    book = Level3Book("kraken", BTC)
    book.replace(
        Level3Snapshot(venue="kraken", symbol=BTC, bids=bids, asks=asks, depth=10, received_ns=1)
    )
    return book


def test_the_published_example_of_single_orders() -> None:
    published = capture()
    bids, asks = orders(published["bids"]), orders(published["asks"])
    assert (len(bids), len(asks)) == (21, 14)

    assert level3_checksum(level3_of(bids, asks)) == published["checksum"]


def test_the_place_in_a_queue_is_proved_too() -> None:
    published = capture()
    bids, asks = orders(published["bids"]), orders(published["asks"])
    assert bids[0].price == bids[1].price
    swapped = (bids[1], bids[0], *bids[2:])

    assert level3_checksum(level3_of(swapped, asks)) != published["checksum"]


def test_an_order_that_comes_and_goes_leaves_the_checksum_as_it_was() -> None:
    published = capture()
    bids, asks = orders(published["bids"]), orders(published["asks"])
    book = level3_of(bids, asks)
    new = RestingOrder("OABCDE", bids[0].price, Decimal(1), None, b"449394100000000")
    for action, expected in ((OrderAction.ADD, False), (OrderAction.DELETE, True)):
        change = (OrderChange(action, new),)
        book.apply(Level3Update(venue="kraken", symbol=BTC, bids=change, asks=(), received_ns=1))

        assert (level3_checksum(book) == published["checksum"]) == expected
