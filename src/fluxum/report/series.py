"""What a chart shows of a run: few enough points, round numbers on its axes, texts for them.

A chart has as many columns as fit. Of the points in one column the first, the least, the greatest
and the last remain, so no peak and no trough is lost.
"""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from math import floor, log10

from msgspec import Struct

from fluxum.model.instant import format_rfc3339
from fluxum.model.market import Side
from fluxum.report.course import Span, gap_spans
from fluxum.report.run import ByWorld, RunFacts

__all__ = [
    "Axis",
    "FillMark",
    "Sample",
    "Series",
    "axis_for",
    "column_samples",
    "series_of",
    "thinned",
    "time_ticks",
]

_STEPS_S = (
    *(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600),
    *(86_400 * days for days in (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650)),
)
_NS = 1_000_000_000
_DAY_S = 86_400


class Sample(Struct, frozen=True, kw_only=True):
    """The run at one moment: equity of the world that is followed and of the worst and the best.

    `fall` is the equity below its highest value so far, zero or less. `exposure` is `None` where
    it is not known.
    """

    at_ns: int
    equity: float
    low: float
    high: float
    fall: float
    exposure: float | None


class FillMark(Struct, frozen=True):
    """A fill in the world that is followed."""

    at_ns: int
    side: Side


class Series(Struct, frozen=True, kw_only=True):
    """What charts are made of, in time. `has_band` is whether the worlds differ anywhere."""

    begins_ns: int
    ends_ns: int
    samples: tuple[Sample, ...]
    fills: tuple[FillMark, ...]
    gaps: tuple[Span, ...]
    has_band: bool


class Axis(Struct, frozen=True, kw_only=True):
    """An axis of numbers: its ends, and the round numbers on it with their texts."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def series_of(facts: RunFacts) -> Series:
    """The series of a run. Points without a value of the followed world are left out."""
    begin = float(facts.header.equity_begins)
    samples = [
        Sample(at_ns=facts.begins_ns, equity=begin, low=begin, high=begin, fall=0.0, exposure=None)
    ]
    peak = begin
    for point in facts.equity:
        value = point.equity.of(facts.world)
        if value is None:
            continue
        peak = max(peak, float(value))
        low, high = _ends(point.equity)
        samples.append(
            Sample(
                at_ns=point.at_ns,
                equity=float(value),
                low=low,
                high=high,
                fall=float(value) - peak,
                exposure=None if point.exposure is None else float(point.exposure),
            )
        )
    fills = [
        FillMark(fill.at_ns, order.side)
        for order in facts.orders
        for fill in order.fills.of(facts.world)
    ]
    return Series(
        begins_ns=facts.begins_ns,
        ends_ns=max(facts.ends_ns, samples[-1].at_ns),
        samples=tuple(samples),
        fills=tuple(sorted(fills, key=lambda one: one.at_ns)),
        gaps=tuple(gap_spans(facts)),
        has_band=any(one.low != one.high for one in samples),
    )


def thinned(samples: Sequence[Sample], begins_ns: int, ends_ns: int, columns: int) -> list[Sample]:
    """The samples that a chart of so many columns needs, in time: at most eight a column.

    They are the first and the last of a column, and those with the least and the greatest of each
    of its lines.
    """
    if len(samples) <= 2 * columns:
        return list(samples)
    kept: list[Sample] = []
    for column in _columns(samples, begins_ns, ends_ns, columns):
        chosen = {id(one): one for one in (column[0], column[-1])}
        for one in (
            min(column, key=lambda one: one.low),
            max(column, key=lambda one: one.high),
            min(column, key=lambda one: one.equity),
            max(column, key=lambda one: one.equity),
            min(column, key=lambda one: one.fall),
            max(column, key=lambda one: one.exposure or 0.0),
        ):
            chosen[id(one)] = one
        kept += sorted(chosen.values(), key=lambda one: one.at_ns)
    return kept


def column_samples(series: Series, columns: int) -> list[list[Sample]]:
    """The samples of each column, in time; an empty column has the last one before it."""
    times = [one.at_ns for one in series.samples]
    width = max(1, series.ends_ns - series.begins_ns)
    found: list[list[Sample]] = []
    for column in range(columns):
        first = bisect_right(times, series.begins_ns + width * column // columns - 1)
        last = bisect_right(times, series.begins_ns + width * (column + 1) // columns - 1)
        if column == columns - 1:
            last = len(times)
        found.append(
            list(series.samples[first:last] or series.samples[max(0, first - 1) : max(1, first)])
        )
    return found


def axis_for(low: float, high: float, ticks: int = 4) -> Axis:
    """An axis that has both numbers on it, with about so many round numbers."""
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-12):
        away = abs(high) * 0.001 or 1.0
        low, high = low - away, high + away
    step = _round_step((high - low) / ticks)
    first = floor(low / step)
    last = -floor(-high / step)
    decimals = max(0, -floor(log10(step) + 1e-9))
    return Axis(
        low=low,
        high=high,
        ticks=tuple(
            (number * step, f"{number * step:,.{decimals}f}")
            for number in range(first, last + 1)
            if low <= number * step <= high
        ),
    )


def time_ticks(begins_ns: int, ends_ns: int, most: int) -> list[tuple[int, str]]:
    """At most so many round instants, UTC, between two, with their texts."""
    span_s = max(1, (ends_ns - begins_ns) // _NS)
    step_s = next((one for one in _STEPS_S if span_s <= one * most), _STEPS_S[-1])
    first = -(-begins_ns // (step_s * _NS))
    ticks = range(first * step_s * _NS, ends_ns + 1, step_s * _NS)
    return [(at_ns, _time_text(at_ns, step_s, span_s)) for at_ns in ticks][:most]


def _time_text(at_ns: int, step_s: int, span_s: int) -> str:
    text = format_rfc3339(at_ns)
    day, clock = text[5:10], text[11:19] if step_s < 60 else text[11:16]
    if step_s >= _DAY_S:
        return text[:10] if span_s > 300 * _DAY_S else day
    return f"{day} {clock}" if span_s > _DAY_S else clock


def _ends(equity: ByWorld[Decimal | None]) -> tuple[float, float]:
    known = [float(one) for one in equity.all if one is not None]
    return min(known), max(known)


def _columns(
    samples: Sequence[Sample], begins_ns: int, ends_ns: int, columns: int
) -> list[list[Sample]]:
    width = max(1, ends_ns - begins_ns)
    found: dict[int, list[Sample]] = {}
    for one in samples:
        found.setdefault((one.at_ns - begins_ns) * columns // width, []).append(one)
    return [found[number] for number in sorted(found)]


def _round_step(least: float) -> float:
    """The least of 1, 2, 5, 10, 20 and so on that is not below a number."""
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
