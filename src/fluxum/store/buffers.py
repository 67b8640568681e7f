"""Rows of a table that wait for their file, and how they become columns.

Here they are kept as tuples; `store.fast` has the compiled buffer, which does the same.
"""

from typing import Any

from fluxum.store.arrow import arrow
from fluxum.store.tables import Columnar, Row, rows_of, schema, unfit

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

    def put(
        self,
        event: Columnar,
        epoch: int,
        number: int,
        frame: int,
        generation: int,
        is_proved: bool,
    ) -> int:
        """Add the rows of an event: how many they are, or 0 if one of them is unfit.

        The last two are of books.
        """
        table, rows = rows_of(event)
        if unfit(event, table, rows):
            return 0
        start = (event.received_ns, event.venue_ns, epoch, number, frame)
        end = (generation, is_proved) if table == "book_level" else ()
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
