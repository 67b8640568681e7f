"""What can be read of a frame of which something cannot be: event by event, row by row."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Raw, Struct

from fluxum.venues.coinbase.advanced import native
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.members import Members
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["EventRows", "LooseFrame", "Odd", "read_loosely"]

Wire = TypeVar("Wire")


class Odd(Struct, frozen=True):
    """Something that could not be read, and the products it names, which may be none."""

    products: Sequence[str]
    rows: LeftOutRows


class EventRows(Struct, Generic[Wire], frozen=True):
    """An event whose rows were read, but for the odd ones. Only events of books have a product."""

    kind: native.Kind
    product: str
    rows: Sequence[Wire]
    odd: Sequence[Odd] = ()


class LooseFrame(Struct, Generic[Wire], frozen=True):
    """A frame's events; `odd` are those of which nothing could be read."""

    timestamp: str
    events: Sequence[EventRows[Wire]]
    odd: Sequence[Odd]


def read_loosely(frame: bytes, rows: native.RowsOf[Wire]) -> LooseFrame[Wire]:
    """Read a frame whose rows are of one kind; raises MsgspecError where its events are no list."""
    loose = Members(frame)
    events: list[EventRows[Wire]] = []
    odd: list[Odd] = []
    for raw in loose.rows("events"):
        read = read_rows((raw,), lambda one: _event(Members(one), rows))
        events += read.items
        if read.left_out is not None:
            odd.append(Odd(_products(raw), read.left_out))
    return LooseFrame(loose.text_or_empty("timestamp"), events, odd)


def _event(event: Members, rows: native.RowsOf[Wire]) -> EventRows[Wire]:
    kind = native.decode_kind(event.raw("type"))
    product = event.text("product_id") if rows.are_of_one_product else ""
    found: list[Wire] = []
    odd: list[Odd] = []
    for row in event.rows(rows.member):
        read = read_rows((row,), rows.decode)
        found += read.items
        if read.left_out is not None:
            odd.append(Odd([product] if product else _products(row), read.left_out))
    return EventRows(kind, product, found, odd)


def _products(raw: Raw) -> list[str]:
    """The product that an event or a row names, or those that the rows of an event name."""
    try:
        members = Members(raw)
    except UNREADABLE:
        return []
    own = read_rows(("product_id",), members.text).items
    rows = [row for name in members.names for row in read_rows((name,), members.rows).items]
    named = [read_rows(one, lambda row: Members(row).text("product_id")).items for one in rows]
    return list(own) or list(dict.fromkeys(name for names in named for name in names))
