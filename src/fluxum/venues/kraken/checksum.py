"""Kraken's book checksums: CRC32 over the digits of the best ten levels, asks before bids.

Sources: https://docs.kraken.com/api/docs/guides/spot-ws-book-v2 for levels,
https://docs.kraken.com/api/docs/guides/spot-ws-l3-v2 for single orders in queue order.
With fewer than ten levels a side, those that exist are used.
"""

from zlib import crc32

from fluxum.book.checksum import JoinedChecksum
from fluxum.book.level3 import Level3Book, OrderLadder

__all__ = ["DEPTH_PROVED", "book_checksum", "digits", "level3_checksum"]

DEPTH_PROVED = 10

book_checksum = JoinedChecksum(DEPTH_PROVED)
"""The checksum of a level 2 book."""


def digits(number: bytes) -> bytes:
    """What the checksum reads of a number's wire text: no point, no leading zeros.

    `b"0.00100000"` gives `b"100000"`. The text must be plain, without an exponent.
    """
    return number.replace(b".", b"").lstrip(b"0")


def level3_checksum(book: Level3Book) -> int:
    """The checksum of a level 3 book, which also proves the order of each queue."""
    return crc32(_joined(book.bids), crc32(_joined(book.asks)))


def _joined(ladder: OrderLadder) -> bytes:
    return b"".join(order.text for queue in ladder.queues(DEPTH_PROVED) for order in queue)
