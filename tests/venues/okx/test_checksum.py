"""The checksum, against the worked examples the venue published and real frames of 2022."""

from decimal import Decimal

import pytest

from fluxum.book.book import Book
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Level
from fluxum.venues.okx.checksum import book_checksum

Pairs = tuple[tuple[str, str], ...]


def book_of(bids: Pairs, asks: Pairs) -> Book:
    def levels(pairs: Pairs) -> tuple[Level, ...]:
        return tuple(
            Level(Decimal(price), Decimal(size), None, f"{price}:{size}".encode())
            for price, size in pairs
        )

    book = Book("okx", Symbol("BTC/USDT"))
    book.replace(
        BookSnapshot(
            venue="okx",
            symbol=book.symbol,
            bids=levels(bids),
            asks=levels(asks),
            received_ns=1,
        )
    )
    return book


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
        # (older page, which printed the results)
        ((("3366.1", "7"), ("3366", "6")), (("3366.8", "9"), ("3368", "8")), -1881014294),
        ((("3366.1", "7"),), (("3366.8", "9"), ("3368", "8"), ("3372", "8")), 831078360),
        # bmoscon/cryptofeed sample_data/OKX.ws.1.0 @ ed5b53508eeb, ETH-USD-220429-1900-P
        ((("0.034", "1001"), ("0.0325", "505")), (("0.038", "1506"),), -1328280565),
        ((), (), 0),
    ],
)
def test_bids_and_asks_take_turns_and_the_rest_follows(
    bids: Pairs, asks: Pairs, expected: int
) -> None:
    assert book_checksum(book_of(bids, asks)) == expected


def test_a_twenty_sixth_level_is_not_read() -> None:
    bids = tuple((str(100 - n), "1") for n in range(26))

    assert book_checksum(book_of(bids, ())) == book_checksum(book_of(bids[:25], ()))
    assert book_checksum(book_of(bids[:25], ())) != book_checksum(book_of(bids[:24], ()))
