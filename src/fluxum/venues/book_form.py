"""How a venue writes an update of a book, as data: see `fluxum.venues.book_scan`."""

from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

__all__ = ["BookField", "BookForm", "BookHolds", "LevelForm"]


class BookHolds(Enum):
    """What a member or a part of a frame is.

    SYMBOL: text, a key of the scanner's books. NAME: text, the name of that book. BIDS and ASKS:
    lists of levels, none or more. CHECKSUM: a whole number. TIME: RFC 3339 text with a fraction.
    MILLIS and NANOS: milliseconds and nanoseconds since the epoch. SIDES: a list of levels of both
    sides. TOKEN: text that is `token`. WHOLE and TEXT: not used. ABSENT: a member that no frame of
    the form has.

    Numbers of the book's frames: LAST, above that of the frame before. BEFORE: the last number of
    the frame before. FIRST: one more than that. OVERLAPPING: at most that of BEFORE. NEXT: FIRST
    and LAST in one. Of the link's frames, one by one: DUE, the number that is due.
    """

    SYMBOL = auto()
    NAME = auto()
    BIDS = auto()
    ASKS = auto()
    CHECKSUM = auto()
    TIME = auto()
    MILLIS = auto()
    NANOS = auto()
    TOKEN = auto()
    WHOLE = auto()
    TEXT = auto()
    ABSENT = auto()
    LAST = auto()
    BEFORE = auto()
    FIRST = auto()
    OVERLAPPING = auto()
    NEXT = auto()
    SIDES = auto()
    DUE = auto()


class BookField(Struct, frozen=True, kw_only=True):
    """A member of the object with the levels; `is_quoted` is of numbers, `token` is as in JSON.

    Every member that the venue's Python reads has to be described. Others are passed over.
    """

    name: str
    holds: BookHolds
    is_quoted: bool = False
    is_needed: bool = True
    token: bytes = b""


class LevelForm(Struct, frozen=True, kw_only=True):
    """What stands before, between and behind the price and the quantity of a level.

    If there is a number of orders, it is behind `behind`, and `last` is behind that. If `has_text`,
    a level gets the digits that a checksum reads. Where a list has both sides, `before` is that of
    a bid and `before_ask` that of an ask; if there is a text behind either, `skipped` is behind
    that.
    """

    before: bytes
    between: bytes
    behind: bytes
    last: bytes = b""
    has_text: bool = False
    before_ask: bytes = b""
    skipped: bytes = b""


class BookForm(Struct, frozen=True, kw_only=True):
    """A whole frame with an update: `head`, an object of these fields in any order, `tail`.

    A frame has either a number or a checksum, or neither.
    """

    venue: str
    head: Sequence[bytes | BookHolds]
    fields: Sequence[BookField]
    tail: Sequence[bytes | BookHolds]
    level: LevelForm
