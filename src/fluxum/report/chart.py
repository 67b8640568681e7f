"""A run as one SVG image: equity with the band of its worlds, fills, drawdown, exposure, gaps.

All panels share the axis of time. Times without data are grey bands over all of them. Buys and
sells have a lane each, so colour is never the only difference. The image has its own light and dark
colours, a title and a description, and needs no script, no font and no network.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import pairwise

from msgspec import Struct

from fluxum.model.instant import format_second
from fluxum.model.market import Side
from fluxum.report.run import RunFacts
from fluxum.report.series import Axis, Sample, Series, axis_for, series_of, thinned, time_ticks

__all__ = ["NARROW", "WIDE", "chart_text", "run_chart", "thinning_note"]

WIDE = 960
"""The width of a chart for a screen, px."""
NARROW = 400
"""The width of a chart for a phone, px."""

_LEFT, _RIGHT, _TOP = 74, 14, 40
_EQUITY, _LANES, _SMALL = 220, 34, 76
_BETWEEN = 30
_BOTTOM = 26
_CHARACTER = 6.6
_BAND_MIN = 1.5
_APART_MIN = 0.5
_STYLE = """
.page{fill:#ffffff}.text{fill:#1f2328;font:12px system-ui,sans-serif}.soft{fill:#59636e}
.grid{stroke:#d1d9e0;stroke-width:1}.gap{fill:#8c959f;fill-opacity:.32}
.line{fill:none;stroke:#0550ae;stroke-width:1.6;stroke-linejoin:round}
.band{fill:#0550ae;fill-opacity:.2}.start{stroke:#59636e;stroke-dasharray:4 4}
.fall{fill:#bc4c00;fill-opacity:.35;stroke:#bc4c00;stroke-width:1}
.held{fill:#6639ba;fill-opacity:.25;stroke:#6639ba;stroke-width:1}
.buy{stroke:#116329;stroke-width:1.2}.sell{stroke:#a40e26;stroke-width:1.2}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}.text{fill:#f0f6fc}.soft{fill:#9198a1}.grid{stroke:#3d444d}
.gap{fill:#9198a1;fill-opacity:.35}.line{stroke:#79c0ff}.band{fill:#79c0ff;fill-opacity:.25}
.start{stroke:#9198a1}.fall{fill:#ffa657;stroke:#ffa657}.held{fill:#d2a8ff;stroke:#d2a8ff}
.buy{stroke:#7ee787}.sell{stroke:#ff9492}}
""".replace("\n", "")
_NOTE = (
    "Chart of {columns} columns: of the {samples} values of equity and the {fills} fills, each "
    "column shows its first, least, greatest and last value, and one mark a side."
)


class _Panel(Struct, frozen=True, kw_only=True):
    """A rectangle of the image and the scales of its two axes."""

    left: float
    top: float
    width: float
    height: float
    begins_ns: int
    ends_ns: int
    axis: Axis

    def x(self, at_ns: int) -> float:
        """Where an instant is."""
        share = (at_ns - self.begins_ns) / max(1, self.ends_ns - self.begins_ns)
        return self.left + self.width * min(1.0, max(0.0, share))

    def y(self, value: float) -> float:
        """Where a number is."""
        share = (value - self.axis.low) / (self.axis.high - self.axis.low)
        return self.top + self.height * (1 - share)


def run_chart(facts: RunFacts, width: int = WIDE) -> str:
    """The SVG text of a run, so many px wide; at most about 330 kB, however long the run was."""
    series = series_of(facts)
    samples = thinned(series.samples, series.begins_ns, series.ends_ns, _columns(width))
    place = _placing(series, width)
    equity = place(_TOP, _EQUITY, _equity_axis(samples))
    lanes = place(_TOP + _EQUITY + _BETWEEN, _LANES, axis_for(0, 1))
    fall = place(_bottom(lanes) + _BETWEEN, _SMALL, _below_zero(samples))
    held = place(_bottom(fall) + _BETWEEN, _SMALL, _above_zero(samples))
    height = round(_bottom(held) + _BOTTOM)
    currency = facts.header.currency
    title = f"{facts.header.strategy}: equity in {currency}"
    parts = [
        f'<rect class="page" width="{width}" height="{height}"/>',
        *_bands(series, (equity, lanes, fall, held)),
        *_frame(equity, f"Equity, {currency}" + _legend(series, width)),
        *_equity_lines(samples, equity, series),
        *_frame(lanes, f"Fills: {len(series.fills):,}", has_ticks=False),
        *_marks(series, lanes, _columns(width)),
        *_frame(fall, f"Drawdown, {currency}"),
        *_area(fall, "fall", [(one.at_ns, one.fall) for one in samples], series.ends_ns),
        *_frame(held, f"Exposure, {currency}"),
        *_area(held, "held", _exposures(samples), series.ends_ns),
        *_times(held, series, width),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="t d">'
        f'<title id="t">{escape(title)}</title>'
        f'<desc id="d">{escape(_description(series))}</desc><style>{_STYLE}</style>'
        f"{''.join(parts)}</svg>"
    )


def chart_text(facts: RunFacts) -> str:
    """What the chart shows, in words."""
    return _description(series_of(facts))


def thinning_note(facts: RunFacts, width: int = WIDE) -> str:
    """What a chart of this width leaves out; empty if it has every point and every fill."""
    series = series_of(facts)
    columns = _columns(width)
    marked = {(_column(one.at_ns, series, columns), one.side) for one in series.fills}
    kept = len(thinned(series.samples, series.begins_ns, series.ends_ns, columns))
    if kept == len(series.samples) and len(marked) == len(series.fills):
        return ""
    return _NOTE.format(
        columns=columns, samples=f"{len(series.samples):,}", fills=f"{len(series.fills):,}"
    )


def _description(series: Series) -> str:
    first, last = series.samples[0], series.samples[-1]
    lowest = min(one.equity for one in series.samples)
    highest = max(one.equity for one in series.samples)
    return (
        f"From {first.equity:,.2f} at {format_second(series.begins_ns)} to {last.equity:,.2f} at "
        f"{format_second(series.ends_ns)}, between {lowest:,.2f} and {highest:,.2f}; at the end "
        f"{last.low:,.2f} in the worst world and {last.high:,.2f} in the best. "
        f"{len(series.fills):,} fills, {len(series.gaps)} times without data."
    )


# Panels


def _columns(width: int) -> int:
    return (width - _LEFT - _RIGHT) // 3


def _placing(series: Series, width: int) -> Callable[[float, float, Axis], _Panel]:
    def place(top: float, height: float, axis: Axis) -> _Panel:
        return _Panel(
            left=_LEFT,
            top=top,
            width=width - _LEFT - _RIGHT,
            height=height,
            begins_ns=series.begins_ns,
            ends_ns=series.ends_ns,
            axis=axis,
        )

    return place


def _bottom(panel: _Panel) -> float:
    return panel.top + panel.height


def _equity_axis(samples: Sequence[Sample]) -> Axis:
    return axis_for(min(one.low for one in samples), max(one.high for one in samples), ticks=5)


def _below_zero(samples: Sequence[Sample]) -> Axis:
    return axis_for(min(one.fall for one in samples) or -1.0, 0.0, ticks=3)


def _above_zero(samples: Sequence[Sample]) -> Axis:
    return axis_for(0.0, max(one.exposure or 0.0 for one in samples) or 1.0, ticks=3)


def _legend(series: Series, width: int) -> str:
    band = "line: followed, band: worst to best world" if width > NARROW else "band: worlds"
    parts = [band] * series.has_band + ["grey: no data"] * bool(series.gaps)
    return f" ({', '.join(parts)})" if parts else ""


# What is drawn


def _frame(panel: _Panel, title: str, *, has_ticks: bool = True) -> Iterable[str]:
    yield (
        f'<text class="text" x="{panel.left:.0f}" y="{panel.top - 9:.0f}" font-weight="600">'
        f"{escape(title)}</text>"
    )
    for value, text in panel.axis.ticks if has_ticks else ():
        y = panel.y(value)
        yield _line("grid", panel.left, y, panel.left + panel.width, y)
        yield (
            f'<text class="text soft" x="{panel.left - 8:.0f}" y="{y + 4:.1f}" '
            f'text-anchor="end">{text}</text>'
        )


def _bands(series: Series, panels: Sequence[_Panel]) -> Iterable[str]:
    """Times without data, each wide enough to be seen; what would touch is one band."""
    first, last = panels[0], panels[-1]
    bands: list[tuple[float, float]] = []
    for begins_ns, ends_ns in series.gaps:
        left = first.x(begins_ns)
        right = max(first.x(ends_ns), left + _BAND_MIN)
        if bands and left <= bands[-1][1] + _APART_MIN:
            bands[-1] = (bands[-1][0], max(right, bands[-1][1]))
        else:
            bands.append((left, right))
    height = _bottom(last) - first.top
    for left, right in bands:
        yield (
            f'<rect class="gap" x="{left:.1f}" y="{first.top:.0f}" width="{right - left:.1f}" '
            f'height="{height:.0f}"/>'
        )


def _equity_lines(samples: Sequence[Sample], panel: _Panel, series: Series) -> Iterable[str]:
    begin = panel.y(samples[0].equity)
    yield _line("start", panel.left, begin, panel.left + panel.width, begin)
    if series.has_band:
        over = _steps(panel, [(one.at_ns, one.high) for one in samples], series.ends_ns)
        under = _steps(panel, [(one.at_ns, one.low) for one in samples], series.ends_ns)
        yield f'<path class="band" d="M{" ".join([*over, *reversed(under)])}Z"/>'
    line = _steps(panel, [(one.at_ns, one.equity) for one in samples], series.ends_ns)
    yield f'<path class="line" d="M{" ".join(line)}"/>'


def _area(
    panel: _Panel, name: str, points: Sequence[tuple[int, float]], ends_ns: int
) -> Iterable[str]:
    """The area between a line and zero."""
    zero = panel.y(0.0)
    yield _line("grid", panel.left, zero, panel.left + panel.width, zero)
    if points:
        line = _steps(panel, points, ends_ns)
        ends = f"{panel.x(ends_ns):.1f},{zero:.1f}", f"{panel.x(points[0][0]):.1f},{zero:.1f}"
        yield f'<path class="{name}" d="M{" ".join([*line, *ends])}Z"/>'


def _exposures(samples: Sequence[Sample]) -> list[tuple[int, float]]:
    return [(one.at_ns, one.exposure) for one in samples if one.exposure is not None]


def _steps(panel: _Panel, points: Sequence[tuple[int, float]], ends_ns: int) -> list[str]:
    """The corners of a line on which each value holds until the next."""
    corners = [f"{panel.x(points[0][0]):.1f},{panel.y(points[0][1]):.1f}"]
    for (_, before), (at_ns, value) in pairwise(points):
        x = f"{panel.x(at_ns):.1f}"
        if value != before:
            corners += [f"{x},{panel.y(before):.1f}", f"{x},{panel.y(value):.1f}"]
    return [*corners, f"{panel.x(ends_ns):.1f},{panel.y(points[-1][1]):.1f}"]


def _marks(series: Series, panel: _Panel, columns: int) -> Iterable[str]:
    """One mark for each side in a column that has fills."""
    half = panel.height / 2
    for side, name, top in ((Side.BUY, "buy", 0.0), (Side.SELL, "sell", half)):
        seen = {_column(one.at_ns, series, columns) for one in series.fills if one.side is side}
        y = panel.top + top
        yield (
            f'<text class="text soft" x="{panel.left - 8:.0f}" y="{y + 13:.0f}" '
            f'text-anchor="end">{name}s</text>'
        )
        path = " ".join(
            f"M{panel.left + (one + 0.5) * panel.width / columns:.1f},{y + 3:.0f}v{half - 6:.0f}"
            for one in sorted(seen)
        )
        if path:
            yield f'<path class="{name}" d="{path}"/>'


def _column(at_ns: int, series: Series, columns: int) -> int:
    width = max(1, series.ends_ns - series.begins_ns)
    return min(columns - 1, max(0, (at_ns - series.begins_ns) * columns // width))


def _times(panel: _Panel, series: Series, width: int) -> Iterable[str]:
    right = 0.0
    for at_ns, text in time_ticks(series.begins_ns, series.ends_ns, 8 if width > NARROW else 4):
        x = panel.x(at_ns)
        half = len(text) * _CHARACTER / 2
        if x - half < right or x + half > width:
            continue
        right = x + half + 8
        yield _line("grid", x, _bottom(panel), x, _bottom(panel) + 5)
        yield (
            f'<text class="text soft" x="{x:.1f}" y="{_bottom(panel) + 19:.0f}" '
            f'text-anchor="middle">{text}</text>'
        )


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
