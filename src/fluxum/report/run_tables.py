"""The tables of a report on the run itself: ratios, time, setup, gaps, notes; and all tables."""

from collections.abc import Callable

from fluxum.model.instant import format_second
from fluxum.report.course import gap_spans
from fluxum.report.money_tables import (
    cost_tables,
    dearest_table,
    fee_table,
    order_table,
    profit_table,
)
from fluxum.report.performance import Performance
from fluxum.report.report import Report, Row, Table, columns, shown
from fluxum.report.statistics import BLOCK_POWER, Interval
from fluxum.report.wording import UNKNOWN, amount_text, duration_text, rate_text, ratio_text

__all__ = ["GAPS_SHOWN", "NOTES_SHOWN", "all_tables"]

GAPS_SHOWN = 50
"""How many gaps are listed."""
NOTES_SHOWN = 20
"""How many of the last notes are listed."""
_MONTH_NS = 30 * 86_400 * 1_000_000_000
_PERIODS = {86_400: "a day", 3600: "an hour", 60: "a minute", 1: "a second"}


def all_tables(report: Report) -> list[Table]:
    """All tables of a report, in the order a reader needs them."""
    return [
        profit_table(report),
        order_table(report),
        *cost_tables(report),
        fee_table(report),
        _ratios(report),
        _time(report),
        _setup(report),
        *([dearest_table(report)] if report.facts.orders else []),
        *([_gaps(report)] if report.facts.gaps else []),
        *([_notes(report)] if report.facts.notes else []),
    ]


def _ratios(report: Report) -> Table:
    one = report.performance.of(report.numbers.world)
    lasted = duration_text(report.numbers.lasted_ns)
    return Table(
        title="Ratios",
        columns=columns(report),
        rows=(
            *_sharpe_rows(report, one),
            _ratio_row(
                report,
                "Sortino",
                lambda each: ratio_text(each.sortino),
                "Annual, as Sharpe; by the deviation below the risk-free rate of all returns.",
            ),
            _ratio_row(
                report,
                "Calmar",
                lambda each: ratio_text(each.calmar),
                f"Compound growth a year, extrapolated from {lasted}, by the greatest fall.",
            ),
            _ratio_row(
                report,
                "Probabilistic Sharpe",
                lambda each: ratio_text(each.probabilistic),
                "The probability that the true ratio is above 0, given length, skewness "
                f"{ratio_text(one.skewness)} and kurtosis {ratio_text(one.kurtosis)}.",
            ),
            _ratio_row(
                report, "Deflated Sharpe", lambda each: ratio_text(each.deflated), _trials(one)
            ),
        ),
        note=_ratio_note(one, report.numbers.lasted_ns),
    )


def _sharpe_rows(report: Report, one: Performance) -> list[Row]:
    returns = f"{one.returns:,} returns of {_PERIODS.get(one.period_s, f'{one.period_s} s')} each"
    return [
        _ratio_row(
            report,
            "Sharpe",
            lambda each: ratio_text(each.sharpe),
            f"Annual, of {returns}, times the root of {one.periods_per_year:,.0f} (365 days a "
            f"year); risk-free {one.risk_free * 100:.2f} % a year.",
        ),
        _ratio_row(
            report,
            "  95 % interval",
            lambda each: _interval_text(each.sharpe_interval),
            "For independent returns of any skewness and kurtosis (Mertens 2002).",
        ),
        _ratio_row(
            report,
            "  by bootstrap",
            lambda each: _interval_text(each.bootstrap_interval),
            f"95 %, stationary bootstrap (Politis & Romano 1994): {one.resamples:,} series, mean "
            f"block {one.returns**BLOCK_POWER:.1f} returns, seed {one.seed}.",
        ),
        _ratio_row(
            report,
            "  for autocorrelation",
            lambda each: ratio_text(each.sharpe_corrected),
            f"Annual as by Lo (2002), from {one.lags} lags; further ones count as none.",
        ),
    ]


def _ratio_row(report: Report, name: str, cell: Callable[[Performance], str], assumes: str) -> Row:
    worlds = (report.performance.of(world) for world in shown(report))
    return Row(name, tuple(map(cell, worlds)), assumes)


def _trials(one: Performance) -> str:
    if one.trials is None:
        return "How many variants were tried is not known, so it is not defined."
    if one.trials < 2:
        return "One trial: the same as the probabilistic one. It is wrong if more were tried."
    source = "assumed, as without skill" if one.is_variance_assumed else "of their annual ratios"
    return (
        f"The probability that the true ratio is above the best of {one.trials:,} trials without "
        f"skill (Bailey & López de Prado 2014); variance {ratio_text(one.trials_variance)}, "
        f"{source}. Below 0.95 it may be luck."
    )


def _ratio_note(one: Performance, lasted_ns: int) -> str:
    if one.why:
        return f"Not defined: {one.why}."
    left = f" The last {duration_text(one.left_out_ns)} are left out." if one.left_out_ns else ""
    short = (
        f" A year is extrapolated from {duration_text(lasted_ns)}, which says next to nothing."
        if lasted_ns < _MONTH_NS
        else ""
    )
    return (
        "Returns are of equity at whole periods since the begin, the last known value at each; "
        f"times without data count as they were marked.{left}{short}"
    )


def _interval_text(interval: Interval | None) -> str:
    if interval is None:
        return "undefined"
    return f"{ratio_text(interval.low)} to {ratio_text(interval.high)}"


def _time(report: Report) -> Table:
    numbers = report.numbers
    held = numbers.exposure
    whole = numbers.lasted_ns
    currency = numbers.currency
    rows = [
        Row("The run lasted", (duration_text(whole), ""), "From its begin to its end."),
        Row(
            "Something was held",
            (duration_text(held.held_ns), _part(held.held_ns, held.known_ns)),
            "Between two points of the equity file the earlier one holds; of the time it covers.",
        ),
        Row(
            "  while data was missing",
            (duration_text(held.held_in_gap_ns), _part(held.held_in_gap_ns, held.known_ns)),
            "Of any venue.",
        ),
        Row(
            f"Mean exposure, {currency}",
            (amount_text(held.mean), ""),
            "The absolute value of all positions, weighted by time.",
        ),
        Row(f"Greatest exposure, {currency}", (amount_text(held.most), ""), "At one instant."),
    ]
    for gap in numbers.gaps:
        name = f"Data of {gap.venue} was missing" if gap.venue else "Data was missing"
        assumes = "Overlapping gaps of venues count once." if not gap.venue else ""
        cells = (duration_text(gap.missing_ns), _part(gap.missing_ns, whole))
        rows.append(Row(name, cells, f"{gap.gaps} gaps. {assumes}".strip()))
    return Table(
        title="Time and exposure", columns=("Value", "Share of time"), rows=tuple(rows), note=""
    )


def _part(some_ns: int, all_ns: int) -> str:
    return f"{some_ns / all_ns * 100:.2f} %" if all_ns else UNKNOWN


def _setup(report: Report) -> Table:
    header = report.facts.header
    provenance = header.provenance
    rows = [
        Row("Strategy", (header.strategy,)),
        *(Row(f"  {name}", (value,)) for name, value in header.parameters.items()),
        *([Row("Code", (header.code[:16],), f"SHA-256 {header.code}")] if header.code else []),
        Row("Markets", (", ".join(f"{venue} {symbol}" for venue, symbol in header.markets),)),
        Row("Begin", (format_second(header.begins_ns),)),
        Row("End", (format_second(report.facts.ends_ns),)),
    ]
    if provenance is None:
        about = "As it was received; `fluxum bot compare` repeats it from tapes beside it."
        rows.append(Row("Data", ("live",), about))
    else:
        rows += [
            Row("Recording", (provenance.tape,), f"SHA-256 {provenance.digest}"),
            Row(
                "Frames",
                (f"{provenance.frames:,}",),
                f"{provenance.proved:,} of them proved by the venue's own rule; "
                f"{provenance.gaps} gaps.",
            ),
        ]
    fills = f"simulated, {header.world.value} world" if header.world else "the venue's own"
    rows += [
        Row("Fills", (fills,)),
        Row("Latency", (header.latency or ("unknown" if header.world else "real"),)),
        *(
            Row(
                f"Fees of {one.venue}, {one.tier}",
                (f"maker {rate_text(one.maker)}, taker {rate_text(one.taker)}",),
            )
            for one in header.fees
        ),
        Row("Seed", ("none" if header.seed is None else str(header.seed),)),
        Row("Trials", (UNKNOWN if header.trials is None else f"{header.trials:,}",)),
    ]
    return Table(title="What was run", columns=("Value",), rows=tuple(rows))


def _gaps(report: Report) -> Table:
    gaps = report.facts.gaps
    ends_ns = report.facts.ends_ns
    rows = tuple(
        Row(
            format_second(one.begins_ns),
            (
                " ".join(filter(None, (one.venue, one.symbol))),
                "not over"
                if one.ends_ns is None
                else duration_text(max(0, one.ends_ns - one.begins_ns)),
                one.reason or UNKNOWN,
            ),
        )
        for one in gaps[:GAPS_SHOWN]
    )
    apart = len(gap_spans(report.facts))
    return Table(
        title="Gaps",
        columns=("Market", "Lasted", "Reason"),
        rows=rows,
        note=f"{len(rows)} of {len(gaps)} gaps, {apart} apart from each other; the run ended at "
        f"{format_second(ends_ns)}.",
    )


def _notes(report: Report) -> Table:
    notes = report.facts.notes
    rows = tuple(
        Row(format_second(one.at_ns), (one.name, one.value)) for one in notes[-NOTES_SHOWN:]
    )
    return Table(
        title="Notes of the strategy",
        columns=("Name", "Value"),
        rows=rows,
        note=f"The last {len(rows)} of {len(notes):,}.",
    )
