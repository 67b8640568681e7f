"""A report as plain lines for a terminal: what came out, a chart, the tables with what they assume.

Each row has its assumption in the line below it, so that no number stands alone.
"""

from collections.abc import Iterable, Sequence
from textwrap import wrap

from fluxum.report.blocks import run_blocks
from fluxum.report.report import Report, Row, Table, headline
from fluxum.report.run_tables import all_tables

__all__ = ["report_lines", "table_lines", "wrapped"]

_WIDTH_MIN = 40
_CHART_ROWS = 18
_INDENT = "    "


def report_lines(
    report: Report, width: int, height: int = 24, *, has_blocks: bool = True
) -> list[str]:
    """The lines of a report. What came out and the chart fit on one screen of this size."""
    width = max(_WIDTH_MIN, width)
    first = [
        line
        for text in (report.facts.header.strategy, *headline(report))
        for line in wrapped(text, width)
    ]
    # The prompt of the shell and an empty line take two lines.
    rows = max(_CHART_ROWS - 5, height - len(first) - 2)
    chart = run_blocks(report.facts, width, rows, has_blocks=has_blocks)
    lines = [*first, "", *chart]
    for table in all_tables(report):
        lines += ["", *table_lines(table, width)]
    return lines


def table_lines(table: Table, width: int) -> list[str]:
    """A table in lines of this width: aligned, or one cell a line where it does not fit."""
    lines = wrapped(table.title.upper(), width)
    cells = [[row.name, *row.cells] for row in table.rows]
    if cells:
        aligned = _aligned([["", *table.columns], *cells])
        if max(map(len, aligned)) <= width:
            lines.append(aligned[0])
            for row, line in zip(table.rows, aligned[1:], strict=True):
                lines += [line, *wrapped(row.assumes, width, _INDENT)]
        else:
            lines += [line for row in table.rows for line in _stacked(row, table.columns, width)]
    return [*lines, *wrapped(table.note, width)]


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A text in lines of this width; none if it is empty."""
    return wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows with the names to the left and the cells to the right of their columns."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _stacked(row: Row, columns: Sequence[str], width: int) -> Iterable[str]:
    yield from wrapped(row.name, width)
    for title, cell in zip(columns, row.cells, strict=True):
        yield from wrapped(f"{title}: {cell}", width, "  ")
    yield from wrapped(row.assumes, width, _INDENT)
