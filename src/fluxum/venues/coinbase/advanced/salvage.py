"""What can be read of a frame of which something cannot be: event by event, row by row."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import MsgspecError, Raw, Struct

from fluxum.venues.coinbase.advanced import native
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["EventRows", "Odd", "Salvaged", "salvage"]

Wire = TypeVar("Wire")


class Odd(Struct, frozen=True):
    """Something that could not be read, and the product it names; `None` where it names none."""

    product: str | None
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
            odd.append(Odd(_product(raw), read.left_out))
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
            odd.append(Odd(product or _product(row), read.left_out))
    return EventRows(event.type, product, found, odd)


def _product(raw: Raw) -> str | None:
    try:
        return native.decode_named_row(raw).product_id
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _text(raw: Raw) -> str:
    try:
        return native.decode_text(raw)
    except (MsgspecError, UnicodeDecodeError):
        return ""
