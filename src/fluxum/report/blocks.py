"""A run as characters: equity with the band of its worlds, fills, drawdown, gaps, for a terminal.

It needs no colour. `has_blocks` is whether the terminal has block characters; without them the
chart is of plain ASCII.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from fluxum.model.market import Side
from fluxum.report.run import RunFacts
from fluxum.report.series import (
    Axis,
    Sample,
    Series,
    axis_for,
    column_samples,
    series_of,
    time_ticks,
)
from fluxum.report.wording import amount_text

__all__ = ["run_blocks"]

_SMALL_ROWS = 2
_LANES = 3  # buys, sells, no data
_AROUND = 2  # the legend and the times
_ROWS_MIN = 4
_WIDTH_MIN = 40
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def run_blocks(facts: RunFacts, width: int, height: int, *, has_blocks: bool = True) -> list[str]:
    """The lines of a chart, so wide and so high; it needs 40 columns and 13 lines at least."""
    series = series_of(facts)
    rows = max(_ROWS_MIN, height - 2 * _SMALL_ROWS - _LANES - _AROUND)
    axis = axis_for(min(one.low for one in series.samples), max(one.high for one in series.samples))
    labels = _labels(axis, rows)
    small = ("drawdown", _most(-one.fall for one in series.samples))
    large = ("exposure", _most(one.exposure or 0.0 for one in series.samples))
    margin = max(map(len, (*labels, *small, *large))) + 1
    columns = max(_WIDTH_MIN, width) - margin
    parts = column_samples(series, columns)
    falls = [max(abs(one.fall) for one in part) for part in parts]
    held = [max(one.exposure or 0.0 for one in part) for part in parts]
    signs = _Signs(has_blocks=has_blocks)
    lines = [
        ("", signs.legend(series, facts.header.currency, columns)),
        *zip(labels, signs.equity(parts, axis, rows), strict=True),
        *zip(small, signs.bars(falls), strict=True),
        *zip(large, signs.bars(held), strict=True),
        ("buys", _fills(series, Side.BUY, signs.buy, columns)),
        ("sells", _fills(series, Side.SELL, signs.sell, columns)),
        ("no data", _gaps(series, columns, signs.gap)),
        ("", _times(series, columns)),
    ]
    return [f"{label:>{margin - 1}} {text}".rstrip() for label, text in lines]


class _Signs:
    """The characters of a chart, and what is drawn with them."""

    def __init__(self, *, has_blocks: bool) -> None:
        self._flat, self._steep, self._band = "━┃░" if has_blocks else "=|:"
        self.buy, self.sell, self.gap = "▲▼▒" if has_blocks else "^v#"
        self._has_blocks = has_blocks

    def legend(self, series: Series, currency: str, columns: int) -> str:
        """What the characters are, in so many columns."""
        line = f"{self._flat} equity in {currency}"
        if not series.has_band:
            return line[:columns]
        long = f"{line}, {self._band} from the worst to the best world"
        short = f"{self._flat} equity, {self._band} worst to best"
        return long if len(long) <= columns else short[:columns]

    def equity(self, parts: Sequence[Sequence[Sample]], axis: Axis, rows: int) -> list[str]:
        """The rows of the equity, from the top."""
        row = _row_of(axis, rows)
        grid = [[" "] * len(parts) for _ in range(rows)]
        for column, part in enumerate(parts):
            top, bottom = row(max(one.high for one in part)), row(min(one.low for one in part))
            for number in range(top, bottom + 1):
                grid[number][column] = self._band
            top, bottom = row(max(one.equity for one in part)), row(min(one.equity for one in part))
            for number in range(top, bottom + 1):
                grid[number][column] = self._flat if top == bottom else self._steep
        return ["".join(one) for one in grid]

    def bars(self, values: Sequence[float]) -> list[str]:
        """The rows of bars from zero up to the greatest value, from the top."""
        most = max(values)
        steps = 8 if self._has_blocks else 1
        heights = [
            -(-round(one / most * 1000) * _SMALL_ROWS * steps // 1000) if most > 0 else 0
            for one in values
        ]
        return [
            "".join(self._bar(height - below * steps) for height in heights)
            for below in reversed(range(_SMALL_ROWS))
        ]

    def _bar(self, height: int) -> str:
        if self._has_blocks:
            return _EIGHTHS[min(8, max(0, height))]
        return "#" if height > 0 else " "


def _most(values: Iterable[float]) -> str:
    """The greatest of some amounts as text."""
    return amount_text(Decimal(repr(max(values))))


def _row_of(axis: Axis, rows: int) -> Callable[[float], int]:
    def row(value: float) -> int:
        share = (value - axis.low) / (axis.high - axis.low)
        return min(rows - 1, max(0, round((1 - share) * (rows - 1))))

    return row


def _labels(axis: Axis, rows: int) -> list[str]:
    """The text of each row: that of the round number there, if any."""
    row = _row_of(axis, rows)
    texts = {row(value): text for value, text in axis.ticks}
    return [texts.get(number, "") for number in range(rows)]


def _fills(series: Series, side: Side, mark: str, columns: int) -> str:
    found = {_column(one.at_ns, series, columns) for one in series.fills if one.side is side}
    return "".join(mark if column in found else " " for column in range(columns))


def _gaps(series: Series, columns: int, mark: str) -> str:
    found: set[int] = set()
    for begins_ns, ends_ns in series.gaps:
        first, last = (_column(one, series, columns) for one in (begins_ns, ends_ns - 1))
        found.update(range(first, last + 1))
    return "".join(mark if column in found else " " for column in range(columns))


def _times(series: Series, columns: int) -> str:
    line = ""
    for at_ns, text in time_ticks(series.begins_ns, series.ends_ns, max(2, columns // 14)):
        column = _column(at_ns, series, columns)
        if column >= len(line) and column + len(text) <= columns:
            line = f"{line:<{column}}{text} "
    return f"{line} UTC" if len(line) + 4 <= columns else line


def _column(at_ns: int, series: Series, columns: int) -> int:
    width = max(1, series.ends_ns - series.begins_ns)
    return min(columns - 1, max(0, (at_ns - series.begins_ns) * columns // width))
