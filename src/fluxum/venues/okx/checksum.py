"""The checksum of OKX's older recordings: CRC32 over the best 25 levels a side, in turn.

A bid, an ask, the next bid and so on: each level adds `price:size` as it was written, all joined
by colons; where one side has no more, the rest of the other follows. The result is a signed
number of 32 bits. Since 23 June 2026 the venue sends 0 instead
(https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel).
"""

from zlib import crc32

from fluxum.book.book import Book

__all__ = ["DEPTH_PROVED", "book_checksum"]

DEPTH_PROVED = 25


def book_checksum(book: Book) -> int:
    """The checksum of a book whose levels carry their text."""
    bids = [level.text for level in book.bids.top(DEPTH_PROVED)]
    asks = [level.text for level in book.asks.top(DEPTH_PROVED)]
    both = min(len(bids), len(asks))
    texts = [b""] * (2 * both)
    texts[::2] = bids[:both]
    texts[1::2] = asks[:both]
    texts += bids[both:] or asks[both:]
    unsigned = crc32(b":".join(texts))
    return unsigned - (1 << 32) if unsigned >> 31 else unsigned
