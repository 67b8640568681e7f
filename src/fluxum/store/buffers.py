"""Rows that wait for their file, and how they become columns.

Most rows are levels of books. What all levels of a message have in common is kept once, and
repeated only by Arrow.
"""

from itertools import chain, repeat
from typing import Any

from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.store.arrow import arrow
from fluxum.store.tables import COMMON, TABLES, Row, schema

__all__ = ["Buffer", "LevelBuffer", "RowBuffer"]


class RowBuffer:
    """Rows of any table, as tuples in the order of its columns."""

    def __init__(self, table: str) -> None:
        self._schema = schema(table)
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: list[Row]) -> None:
        """Add rows behind the others."""
        self._rows += rows

    def take(self) -> Any:
        """All rows as a record batch; there are none afterwards."""
        pa = arrow()
        columns = zip(*self._rows, strict=True)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._rows.clear()
        return pa.record_batch(arrays, schema=self._schema)


class LevelBuffer:
    """Rows of levels, message by message."""

    def __init__(self) -> None:
        self._schema = schema("book_level")
        self._messages: list[Row] = []
        self._counts: list[int] = []
        self._sides: list[int | None] = []
        self._levels: list[Level | None] = []

    def __len__(self) -> int:
        return len(self._levels)

    def add(self, event: BookSnapshot | BookUpdate, origin: Row, state: Row) -> int:
        """Add a message: its values of `COMMON`, `generation` and `proved`; returns its rows."""
        kind, depth, cut_at = "update", None, None
        if isinstance(event, BookSnapshot):
            kind, depth, cut_at = "snapshot", event.depth, event.cut_at
        self._messages.append(
            (*origin, kind, event.sequence, event.checksum, depth, cut_at, *state)
        )
        bids, asks = len(event.bids), len(event.asks)
        if bids:
            self._levels += event.bids
            self._sides += (0,) * bids
        if asks:
            self._levels += event.asks
            self._sides += (1,) * asks
        if not bids and not asks:
            self._levels.append(None)
            self._sides.append(None)
        count = bids + asks or 1
        self._counts.append(count)
        return count

    def take(self) -> Any:
        """All rows as a record batch; there are none afterwards."""
        pa = arrow()
        where = pa.array(
            list(chain.from_iterable(map(repeat, range(len(self._counts)), self._counts))),
            pa.int32(),
        )
        sides = pa.DictionaryArray.from_arrays(
            pa.array(self._sides, pa.int32()), pa.array(("bid", "ask"))
        )
        own = {"side": sides}
        for name in ("price", "quantity", "orders"):
            values = [None if one is None else getattr(one, name) for one in self._levels]
            own[name] = pa.array(values, self._schema.field(name).type)
        of_messages = dict(zip(_OF_MESSAGES, zip(*self._messages, strict=True), strict=True))
        arrays = [
            own[field.name]
            if field.name in own
            else pa.array(of_messages[field.name], field.type).take(where)
            for field in self._schema
        ]
        for one in (self._messages, self._counts, self._sides, self._levels):
            one.clear()
        return pa.record_batch(arrays, schema=self._schema)


Buffer = RowBuffer | LevelBuffer
_OF_LEVELS = ("side", "price", "quantity", "orders")
_OF_MESSAGES = tuple(name for name in (*COMMON, *TABLES["book_level"]) if name not in _OF_LEVELS)
