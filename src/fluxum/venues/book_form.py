"""How a venue writes an update of a book, as data: see `fluxum.venues.book_scan`."""

from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

__all__ = ["BookForm", "BookHole"]


class BookHole(Enum):
    """What changes in a frame.

    SYMBOL: a key of the scanner's symbols. BIDS and ASKS: levels, none or more. CHECKSUM: a whole
    number. TIME: RFC 3339 text with a fraction.
    """

    SYMBOL = auto()
    BIDS = auto()
    ASKS = auto()
    CHECKSUM = auto()
    TIME = auto()


class BookForm(Struct, frozen=True, kw_only=True):
    """A whole frame with an update: `parts` in their order, as letters or as what changes.

    `level` is what stands before, between and behind the price and the quantity of a level. A level
    gets the digits that a checksum reads.
    """

    venue: str
    parts: Sequence[bytes | BookHole]
    level: tuple[bytes, bytes, bytes]
