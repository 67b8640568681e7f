"""The rows of Parquet files as tables of bounded size, and whether they are the same."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fluxum.store.arrow import arrow, parquet

__all__ = ["GROUP_ROWS", "are_same", "cut", "regrouped", "row_groups"]

GROUP_ROWS = 100_000
"""Rows of a full row group."""


def row_groups(paths: Iterable[Path]) -> Iterator[Any]:
    """The rows of files, a row group at a time, without metadata."""
    for path in paths:
        with parquet().ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number).replace_schema_metadata()


def cut(tables: Iterable[Any], first: int, rows: int) -> Iterator[Any]:
    """So many rows from one on."""
    at = 0
    for table in tables:
        begin, end = max(first - at, 0), min(first + rows - at, table.num_rows)
        if begin < end:
            yield table.slice(begin, end - begin)
        at += table.num_rows


def regrouped(tables: Iterable[Any]) -> Iterator[Any]:
    """The same rows in full groups; only the last one has fewer rows. Each column is one chunk."""
    pa = arrow()
    waiting: Any = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while waiting.num_rows >= GROUP_ROWS:
            yield _plain(waiting.slice(0, GROUP_ROWS))
            waiting = waiting.slice(GROUP_ROWS)
    if waiting is not None and waiting.num_rows:
        yield _plain(waiting)


def are_same(tables: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether all rows are equal, in their order."""
    try:
        return all(
            one.equals(other)
            for one, other in zip(regrouped(tables), regrouped(others), strict=True)
        )
    except ValueError:  # one has more groups
        return False


def _plain(table: Any) -> Any:
    """A table of one chunk a column; dictionaries have the values in use, in their order."""
    pa = arrow()
    columns = [
        table[field.name].cast(field.type.value_type).combine_chunks().dictionary_encode()
        if pa.types.is_dictionary(field.type)
        else table[field.name].combine_chunks()
        for field in table.schema
    ]
    return pa.table(columns, names=table.schema.names)
