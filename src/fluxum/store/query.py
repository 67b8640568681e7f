"""Questions in SQL to a folder of columns, answered by DuckDB.

Each table is a view of that name over the files of finished builds, with the columns `venue`,
`symbol` and `date` of their folders. A query reads that folder and nothing else, writes nothing
and loads nothing over the network.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fluxum.errors import BadInput
from fluxum.store.arrow import duckdb
from fluxum.store.manifest import manifests

__all__ = ["Answer", "query"]

_ROWS = 1000
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT")


class Answer:
    """The rows of an answer, once, as Python's values: decimals are exact.

    `names` are the columns; a name that comes twice gets a number. `are_numbers` says of each
    column whether it has numbers.
    """

    def __init__(self, connection: Any) -> None:
        self.names: Sequence[str] = _distinct([str(one[0]) for one in connection.description])
        self.are_numbers: Sequence[bool] = [
            any(word in str(one[1]).upper() for word in _NUMBERS) for one in connection.description
        ]
        self._connection = connection

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows; raises BadInput if they cannot be computed."""
        while rows := _told(self._connection.fetchmany, _ROWS):
            yield from rows


def query(folder: Path, sql: str) -> Answer:
    """Answer one SELECT, as `SELECT symbol, sum(price * quantity) FROM trade GROUP BY symbol`.

    Raises BadInput for a folder without columns, for SQL that is no single SELECT or that fails,
    with DuckDB's own words, and if DuckDB is not installed (the extra `frames`).
    """
    library = duckdb()
    found = manifests(folder)
    if not found:
        raise BadInput(f"{folder} has no columns")
    statements = _told(library.extract_statements, sql)
    kinds = [str(one.type).rpartition(".")[2] for one in statements]
    if kinds not in (["SELECT"], ["EXPLAIN"]):
        raise BadInput(f"one SELECT was expected, was {' and '.join(kinds) or 'nothing'}")
    files: dict[str, list[str]] = {}
    place = folder.resolve()
    for file in (one for manifest in found for one in manifest.files):
        files.setdefault(file.table, []).append(str(place / file.path))
    connection = library.connect()
    for table, paths in files.items():
        listed = ", ".join(map(_quoted, paths))
        view = f"CREATE VIEW {table} AS SELECT * FROM"
        _told(connection.execute, f"{view} read_parquet([{listed}], hive_partitioning = true)")
    connection.execute(f"SET allowed_directories = [{_quoted(f'{place}/')}]")
    for setting in (
        "autoinstall_known_extensions = false",
        "enable_external_access = false",
        "enable_progress_bar = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return Answer(_told(connection.execute, sql))


def _told(work: Callable[..., Any], *arguments: object) -> Any:
    """Call DuckDB; its errors become BadInput."""
    try:
        return work(*arguments)
    except duckdb().Error as error:
        raise BadInput(f"DuckDB: {error}") from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, those that were there before with a number."""
    found: list[str] = []
    for name in names:
        number, one = 1, name
        while one in found:
            number += 1
            one = f"{name}_{number}"
        found.append(one)
    return found
