"""Rows of price and quantity as text, exactly: `["0.0024", "10"]` becomes a level; and symbols.

Rows of a list are read one by one, so that one that cannot be read costs itself alone.

Levels are for venues that quote their numbers. Of an update the rows are handed on as they came
(see `fluxum.model.levels`); a snapshot's become levels at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec
from msgspec import MsgspecError, Raw, Struct

from fluxum.book.fast import changes
from fluxum.errors import BadInput, FluxumError, RemoteProtocolError
from fluxum.model.event import Event, LeftOut, Subscription
from fluxum.model.fast import exact
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level, Row

__all__ = [
    "LeftOutRows",
    "Rows",
    "Sides",
    "WholeSides",
    "best_first",
    "changes",
    "checked",
    "decimals",
    "decode_readable",
    "decoded_or_none",
    "digits",
    "exact",
    "exact_or_none",
    "finite",
    "joined",
    "levels",
    "of_currencies",
    "positive",
    "price_or_none",
    "read_rows",
    "sides",
    "signed",
    "split_name",
    "step",
    "symbol_of",
    "with_left_out",
]

Sides = tuple[Sequence[Level], Sequence[Level]]
WholeSides = tuple[tuple[Level, ...], tuple[Level, ...]]
Wire = TypeVar("Wire")
Item = TypeVar("Item")
Pair = TypeVar("Pair", bound=tuple[str, ...])
_SAMPLE_CHARACTERS = 200
_HUGE = Decimal(10) ** 30
_TINY = 1 / _HUGE
_DIGITS_MAX = 13
_NO_FIELDS: Mapping[str, Callable[[Raw], object]] = {}
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_encode = msgspec.json.Encoder().encode
_STEP_MAX = Decimal(10) ** 12
# What reading a row of any JSON value may raise.
_UNREADABLE = (MsgspecError, FluxumError, ArithmeticError, ValueError, TypeError, RecursionError)


class LeftOutRows(Struct, frozen=True):
    """How many rows of a list could not be read, and why the first of them could not."""

    count: int
    reason: str
    sample: str

    def event(self, venue: str, subscription: Subscription | None, received_ns: int) -> LeftOut:
        """The same as an event of a stream."""
        return LeftOut(
            venue=venue,
            subscription=subscription,
            count=self.count,
            reason=self.reason,
            sample=self.sample,
            received_ns=received_ns,
        )


def joined(one: LeftOutRows | None, other: LeftOutRows | None) -> LeftOutRows | None:
    """Rows left out of two lists that belong together, such as the sides of a book."""
    if one is None or other is None:
        return one or other
    return LeftOutRows(one.count + other.count, one.reason, one.sample)


def with_left_out(
    events: Sequence[Event],
    left_out: LeftOutRows | None,
    venue: str,
    subscription: Subscription,
    received_ns: int,
) -> Sequence[Event]:
    """The events of a message, behind the LeftOut of its rows; a message of no events has none."""
    if left_out is None or not events:
        return events
    return (left_out.event(venue, subscription, received_ns), *events)


class Rows(Struct, Generic[Item], frozen=True):
    """The rows of a list that could be read, in its order, and those that were left out."""

    items: tuple[Item, ...]
    left_out: LeftOutRows | None = None

    def reversed(self) -> "Rows[Item]":
        """The rows in the opposite order."""
        return Rows(self.items[::-1], self.left_out)

    def where(self, is_wanted: Callable[[Item], bool]) -> "Rows[Item]":
        """The rows that are wanted; the others do not count as left out."""
        return Rows(tuple([one for one in self.items if is_wanted(one)]), self.left_out)


def read_rows(rows: Iterable[Wire], read: Callable[[Wire], Item | None]) -> Rows[Item]:
    """Read a list row by row: a row that `read` raises for is counted and left out.

    A row for which `read` returns `None` is skipped and does not count.
    """
    items: list[Item] = []
    count = 0
    reason = sample = ""
    for row in rows:
        try:
            item = read(row)
        except _UNREADABLE as error:
            if not count:
                reason = str(error) or type(error).__name__
                sample = _shown(row)
            count += 1
        else:
            if item is not None:
                items.append(item)
    return Rows(tuple(items), LeftOutRows(count, reason, sample) if count else None)


def decoded_or_none(decode: Callable[[Raw], Item], raw: Raw) -> Item | None:
    """The value of a field that is not needed, `None` if it cannot be decoded."""
    try:
        return decode(raw)
    except (MsgspecError, UnicodeDecodeError):
        return None


def decode_readable(
    data: bytes,
    decode: Callable[[bytes], Item],
    read: Callable[[Raw], object],
    lists: Iterable[str],
    optional: Mapping[str, Callable[[Raw], object]] = _NO_FIELDS,
) -> tuple[Item, LeftOutRows | None]:
    """Decode a JSON object without those rows of its lists that cannot be read.

    `lists` are the names of these lists; `read` reads a row, and raises for one that is odd.
    `optional` are decoders of the fields that are not needed: one that cannot be decoded is dropped
    and not counted. Raises MsgspecError for an object that cannot be decoded without all of them.
    """

    def keep(row: Raw) -> Raw:
        read(row)
        return row

    fields = _decode_object(data)
    left_out: LeftOutRows | None = None
    for name in lists:
        if name in fields:
            rows = read_rows(_decode_list(fields[name]), keep)
            fields[name] = Raw(_encode(rows.items))
            left_out = joined(left_out, rows.left_out)
    for name in optional.keys() & fields.keys():
        if decoded_or_none(optional[name], fields[name]) is None:
            del fields[name]
    return decode(_encode(fields)), left_out


def _shown(row: object) -> str:
    """The beginning of a row as text."""
    if isinstance(row, Raw):
        row = bytes(row)
    text = row.decode("utf-8", "replace") if isinstance(row, bytes) else repr(row)
    return text[:_SAMPLE_CHARACTERS]


def exact_or_none(text: str | None) -> Decimal | None:
    """The number of a field that may be left out or empty; raises RemoteProtocolError."""
    return exact(text) if text else None


def signed(text: str) -> Decimal:
    """A number that may be below zero, such as a rebate or a debt; raises RemoteProtocolError."""
    return -exact(text[1:]) if text.startswith("-") else exact(text)


def price_or_none(text: str | None) -> Decimal | None:
    """A price that may be left out; zero is what venues write for an empty side, so it is `None`.

    Raises RemoteProtocolError.
    """
    return (exact(text) if text else None) or None


def positive(text: str | None) -> Decimal:
    """A number above zero, such as a tick or a lot; raises RemoteProtocolError."""
    value = exact(text or "")
    if not value:
        raise RemoteProtocolError(f"a number above zero was expected, was {text!r}")
    return value


def digits(text: str | None) -> int | None:
    """A whole number of up to 13 digits, such as milliseconds; `None` for any other text."""
    if text is None or len(text) > _DIGITS_MAX or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)


def finite(value: Decimal) -> Decimal:
    """A number that was not quoted on the wire; raises RemoteProtocolError as `exact` does."""
    is_short = value.is_finite() and -30 <= value.adjusted() < 30 and len(str(value)) <= 40
    if not is_short or value < 0:
        raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {value:.40}")
    return value


def step(value: Decimal) -> Decimal:
    """A tick or a lot; raises RemoteProtocolError for a number that can be none."""
    if not value.is_finite() or not _TINY <= value <= _STEP_MAX:
        raise RemoteProtocolError(f"a step was expected, was {value}")
    return value


def decimals(step: Decimal) -> int:
    """How many digits behind the point a finite step has: two for 0.01 and for 0.010."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), step
    return max(0, -exponent)


def levels(rows: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
    """A level of each pair of texts, in the order given; raises RemoteProtocolError."""
    return tuple([Level(exact(price), exact(quantity)) for price, quantity in rows])


def best_first(bids: Iterable[Level], asks: Iterable[Level]) -> WholeSides:
    """The sides of a whole book in order, at a venue that promises none."""
    return tuple(sorted(bids, key=_price, reverse=True)), tuple(sorted(asks, key=_price))


def checked(row: Pair) -> Pair:
    """The row itself; raises RemoteProtocolError where its last two texts are no numbers."""
    exact(row[-2])
    exact(row[-1])
    return row


def sides(rows: Iterable[tuple[str, str, str]], bid: str) -> Sides:
    """Bids and asks of rows of side, price and quantity, each in the order given.

    `bid` is the venue's word for the side of the bids; any other is that of the asks. Raises
    RemoteProtocolError.
    """
    bids: list[Row] = []
    asks: list[Row] = []
    for side, price, quantity in rows:
        (bids if side == bid else asks).append((price, quantity))
    return changes(bids), changes(asks)


@lru_cache(1 << 12)
def symbol_of(text: str) -> Symbol:
    """The symbol of a text of ours; raises RemoteProtocolError for one that is none."""
    try:
        return Symbol(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def of_currencies(base: str, quote: str, contract: str = "") -> Symbol:
    """The symbol of a market whose currencies are known; raises RemoteProtocolError."""
    symbol = symbol_of(f"{base}/{quote}:{contract}" if contract else f"{base}/{quote}")
    if (symbol.base, symbol.quote) != (base, quote):
        raise RemoteProtocolError(f"two currencies were expected, were {base!r} and {quote!r}")
    return symbol


def split_name(name: str, quotes: Iterable[str]) -> tuple[str, str] | None:
    """Base and quote of a name that ends in the first of these quotes; `None` if it ends in none.

    One quote may end in another: the longer one comes first.
    """
    for quote in quotes:
        base = name.removesuffix(quote)
        if base and base != name:
            return base, quote
    return None


def _price(level: Level) -> Decimal:
    return level.price
