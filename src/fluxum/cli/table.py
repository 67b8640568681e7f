"""A table of text that is written row by row: names to the left, numbers by their points."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

__all__ = ["Column", "Table"]

_BETWEEN = "  "
_NUMBER = re.compile(r"[-+]?\d+(?:\.(\d+))?")


class Column(Struct, frozen=True):
    """A column: its title, and whether it has numbers."""

    title: str
    is_number: bool = False


class Table:
    """Aligns rows that come in parts; a column is as wide as its widest cell so far.

    Numbers of a column get as many decimals as the one that needs most of them, so zeros at the
    end may be left out or added. `title` is a line above the header, if it is not empty.
    """

    def __init__(self, columns: Sequence[Column], title: str = "") -> None:
        self._columns = columns
        self._title = title
        self._widths = [len(one.title) for one in columns]
        self._decimals = [0 for _ in columns]
        self._is_begun = False

    def lines(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """The rows as lines, below the title and the header if these are the first."""
        table = self._aligned([list(row) for row in rows])
        for row in table:
            self._widths = [
                max(width, len(cell)) for width, cell in zip(self._widths, row, strict=True)
            ]
        lines = [self._line(row) for row in table]
        if not self._is_begun:
            self._is_begun = True
            header = self._line([one.title for one in self._columns])
            lines = [*filter(None, [self._title]), header, *lines]
        return lines

    def _aligned(self, rows: list[list[str]]) -> list[list[str]]:
        for number, column in enumerate(self._columns):
            if not column.is_number:
                continue
            most = max((_decimals(row[number]) for row in rows), default=0)
            self._decimals[number] = max(self._decimals[number], most)
            for row in rows:
                row[number] = _with_decimals(row[number], self._decimals[number])
        return rows

    def _line(self, cells: Sequence[str]) -> str:
        return _BETWEEN.join(
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for column, width, cell in zip(self._columns, self._widths, cells, strict=True)
        ).rstrip()


def _decimals(text: str) -> int:
    """How many decimals a number needs, without zeros at its end; zero for other text."""
    match = _NUMBER.fullmatch(text)
    return 0 if match is None or match[1] is None else len(match[1].rstrip("0"))


def _with_decimals(text: str, count: int) -> str:
    """The number with so many decimals, at least as many as it needs; other text unchanged."""
    if not _NUMBER.fullmatch(text):
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<{count}}" if count else whole
