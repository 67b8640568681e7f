"""Rows of a table that wait for their file, and how they become columns.

Here they are kept as tuples; `store.fast` has the compiled buffer, which does the same.
"""

from typing import Any

from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.store.arrow import arrow
from fluxum.store.tables import Row, rows_of, schema, unfit

__all__ = ["Buffer"]


class Buffer:
    """Rows of a table, in the order of its columns."""

    def __init__(self, table: str) -> None:
        self._schema = schema(table)
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: list[Row]) -> None:
        """Add rows that fit behind the others."""
        self._rows += rows

    def put_event(self, event: Trade | Ticker | Candle, epoch: int, number: int, frame: int) -> int:
        """Add the row of an event, with its `epoch`, `n` and `frame`: 1, or 0 if it is unfit."""
        return self._put(event, (event.received_ns, event.venue_ns, epoch, number, frame))

    def put_book(
        self,
        event: BookSnapshot | BookUpdate,
        epoch: int,
        number: int,
        frame: int,
        generation: int,
        is_proved: bool,
    ) -> int:
        """Add the rows of a message of a book: how many they are, or 0 if one is unfit."""
        origin = (event.received_ns, event.venue_ns, epoch, number, frame)
        return self._put(event, origin, (generation, is_proved))

    def _put(
        self, event: BookSnapshot | BookUpdate | Trade | Ticker | Candle, start: Row, end: Row = ()
    ) -> int:
        table, rows = rows_of(event)
        if unfit(table, rows):
            return 0
        self._rows += [start + row + end for row in rows]
        return len(rows)

    def take(self) -> Any:
        """All rows as a record batch; there are none afterwards."""
        pa = arrow()
        columns = zip(*self._rows, strict=True)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self.clear()
        return pa.record_batch(arrays, schema=self._schema)

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
