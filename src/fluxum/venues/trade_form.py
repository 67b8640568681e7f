"""How a venue writes a frame of trades, as data: see `fluxum.venues.trade_scan`."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from msgspec import Struct

__all__ = ["Field", "Holds", "Hole", "TradeForm"]


class Holds(Enum):
    """What a member of a row is.

    SYMBOL: text, a key of the scanner's symbols. SIDE: one of `tokens`, the taker's side. PRICE and
    QUANTITY: a number above zero. NUMBER: the id, which is the trade's number too. ID: the id, as
    text. WHOLE_ID: the id, a whole number that is no trade's number. OTHER_ID: the same, where
    there is no WHOLE_ID. WORD: the order type, as text. TIME: RFC 3339 text. MILLIS and NANOS:
    milliseconds and nanoseconds since the epoch. WHOLE and TEXT: not used. TOKEN: one of `tokens`,
    not used. UNNUMBERED: the same, and the trade has no number then. ABSENT: a member that no row
    of the form has.
    """

    SYMBOL = auto()
    SIDE = auto()
    PRICE = auto()
    QUANTITY = auto()
    NUMBER = auto()
    ID = auto()
    WHOLE_ID = auto()
    OTHER_ID = auto()
    WORD = auto()
    TIME = auto()
    MILLIS = auto()
    NANOS = auto()
    WHOLE = auto()
    TEXT = auto()
    TOKEN = auto()
    UNNUMBERED = auto()
    ABSENT = auto()


class Hole(Enum):
    """What changes in the head of a frame.

    SYMBOL: a key of the scanner's symbols. TEXT and WHOLE: not used. DUE: the number of the frame,
    which has to be the one that is due.
    """

    SYMBOL = auto()
    TEXT = auto()
    WHOLE = auto()
    DUE = auto()


class Field(Struct, frozen=True, kw_only=True):
    """A member of a row; `tokens` are the values that it may have, as JSON, and what they mean.

    `is_quoted` is of numbers: text is always quoted.

    Every member that the venue's Python reads has to be described, as a wrong type makes it refuse
    the row. Others are passed over.
    """

    name: str
    holds: Holds
    is_quoted: bool = False
    is_needed: bool = True
    tokens: Mapping[str, object] = {}


class TradeForm(Struct, frozen=True, kw_only=True):
    """How a venue writes a frame of trades: `head`, then a row or a list of rows, then `tail`.

    If `is_sorted`, the venue's Python sorts the trades of a frame by their numbers.
    """

    venue: str
    head: Sequence[bytes | Hole]
    fields: Sequence[Field]
    tail: bytes
    is_list: bool
    is_sorted: bool = False
