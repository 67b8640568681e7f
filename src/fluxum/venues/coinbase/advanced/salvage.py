"""What can be read of a frame of which something cannot be: event by event, row by row."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import MsgspecError, Raw, Struct

from fluxum.venues.coinbase.advanced import native
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["EventRows", "Odd", "Salvaged", "salvage"]

Wire = TypeVar("Wire")
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


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


class Salvaged(Struct, Generic[Wire], frozen=True):
    """A frame's events; `odd` are those of which nothing could be read."""

    timestamp: str
    events: Sequence[EventRows[Wire]]
    odd: Sequence[Odd]


def salvage(frame: bytes, rows: native.RowsOf[Wire]) -> Salvaged[Wire]:
    """Read a frame whose rows are of one kind; raises MsgspecError where its events are no list."""
    loose = native.decode_loose_frame(frame)
    events: list[EventRows[Wire]] = []
    odd: list[Odd] = []
    for raw in loose.events:
        read = read_rows((raw,), lambda one: _event(one, rows))
        events += read.items
        if read.left_out is not None:
            odd.append(Odd(_products(raw), read.left_out))
    return Salvaged(_text(loose.timestamp), events, odd)


def _event(raw: Raw, rows: native.RowsOf[Wire]) -> EventRows[Wire]:
    event = native.decode_loose_event(raw)
    product = native.decode_named_row(raw).product_id if rows.are_of_one_product else ""
    found: list[Wire] = []
    odd: list[Odd] = []
    for row in rows.of(event):
        read = read_rows((row,), rows.decode)
        found += read.items
        if read.left_out is not None:
            odd.append(Odd([product] if product else _products(row), read.left_out))
    return EventRows(event.type, product, found, odd)


def _products(raw: Raw) -> list[str]:
    """The product that an event or a row names, or those that the rows of an event name."""
    try:
        return [native.decode_named_row(raw).product_id]
    except _UNREADABLE:
        pass
    try:
        members = native.decode_members(raw)
    except _UNREADABLE:
        return []
    names: dict[str, None] = {}
    for member in members.values():
        for row in read_rows((member,), native.decode_rows).items:
            names |= {one.product_id: None for one in read_rows(row, native.decode_named_row).items}
    return list(names)


def _text(raw: Raw) -> str:
    try:
        return native.decode_text(raw)
    except _UNREADABLE:
        return ""
