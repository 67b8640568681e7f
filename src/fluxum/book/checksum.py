"""Checksums of books that compiled code can compute too."""

from zlib import crc32

from fluxum.book.book import Book

__all__ = ["JoinedChecksum"]


class JoinedChecksum:
    """CRC32 over the checksum texts of the best `depth` levels a side, asks before bids.

    With fewer levels, those that exist are used.
    """

    __slots__ = ("depth",)

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def __call__(self, book: Book) -> int:
        """The checksum of a book; what a side adds is kept until that side changes."""
        bids, asks, depth = book.bids, book.asks, self.depth
        return crc32(
            bids.joined_text or bids.joined(depth), crc32(asks.joined_text or asks.joined(depth))
        )
