"""Several runs beside each other: ranked, with the ranks that their worlds leave open.

A run ranks by its profit in the world that its account followed. What it may rank is a range: the
best if all others had their worst world and it its best, and the other way round. Where the ranges
of two runs overlap, the simulated fills do not separate them. The best of many variants is good by
luck alone, so their ratios are deflated by the number of trials.
"""

from collections.abc import Sequence
from decimal import Decimal
from statistics import variance

from msgspec import Struct
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.model.instrument import Asset
from fluxum.report.numbers import RunNumbers, run_numbers
from fluxum.report.performance import annual, excess_returns, period_for
from fluxum.report.report import Row, Table
from fluxum.report.run import RunFacts
from fluxum.report.statistics import Moments, deflated_sharpe, moments
from fluxum.report.wording import UNKNOWN, ratio_text, share_text, signed_text

__all__ = ["Comparison", "RunRow", "compare", "comparison_table"]


class RunRow(Struct, frozen=True, kw_only=True, tag="bot_run"):
    """A run beside others. Profits are net, in the run's currency; ratios are annual.

    `parameters` are those that differ between the runs. `rank` is by `net`; `rank_best` and
    `rank_worst` are what the worlds leave open. All three are `None` if the profit of a world is
    not known.
    """

    name: str
    strategy: str
    parameters: str
    currency: Asset
    rank: int | None
    rank_best: int | None
    rank_worst: int | None
    net: Decimal | None
    net_low: Decimal | None
    net_high: Decimal | None
    is_separated: bool
    fall_share: Decimal | None
    orders: int
    fills: int
    sharpe: float | None
    deflated: float | None
    findings: int


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs beside each other, best first; `notes` are what makes them hard to compare.

    `trials_variance` is the variance of their annual Sharpe ratios, of returns of `period_s`;
    `None` if there are less than two.
    """

    rows: tuple[RunRow, ...]
    period_s: int
    trials: int
    trials_variance: float | None
    risk_free: float
    notes: tuple[str, ...]


def compare(
    runs: Sequence[tuple[str, RunFacts]], *, risk_free: float = 0.0, trials: int | None = None
) -> Comparison:
    """Rank runs of one currency, each with its name.

    `trials` is how many variants were tried in all: at least the number of runs, and what is taken
    if it is `None`, unless a run itself has more. Raises BadInput for no runs, for several
    currencies, and as `excess_returns` does.
    """
    currencies = sorted({facts.header.currency for _, facts in runs})
    if len(currencies) != 1:
        raise BadInput(f"runs of one currency were expected, was {', '.join(currencies) or 'none'}")
    known = [len(runs), *(facts.header.trials or 1 for _, facts in runs)]
    if trials is not None and trials < len(runs):
        raise BadInput(f"at least {len(runs)} trials were expected, one for each run, was {trials}")
    period_s = period_for(min(facts.ends_ns - facts.begins_ns for _, facts in runs))
    found = [
        moments(excess_returns(facts, facts.world, risk_free, period_s) or ()) for _, facts in runs
    ]
    ratios = [one.sharpe for one in found if one is not None]
    spread = variance(ratios) if len(ratios) > 1 else None
    tried = trials or max(known)
    rows = [
        _row(name, facts, one, period_s, _deflated(one, tried, spread), _differing(runs))
        for (name, facts), one in zip(runs, found, strict=True)
    ]
    return Comparison(
        rows=tuple(_ranked(rows)),
        period_s=period_s,
        trials=tried,
        trials_variance=None if spread is None else spread * annual(period_s),
        risk_free=risk_free,
        notes=tuple(_notes([facts for _, facts in runs])),
    )


def comparison_table(comparison: Comparison) -> Table:
    """The comparison as a table, with what its numbers assume."""
    spread = ratio_text(comparison.trials_variance)
    rows = tuple(
        Row(
            one.parameters or one.name,
            (
                _rank_text(one),
                signed_text(one.net),
                signed_text(one.net_low),
                signed_text(one.net_high),
                share_text(one.fall_share),
                ratio_text(one.sharpe),
                ratio_text(one.deflated),
                f"{one.fills:,}",
            ),
        )
        for one in comparison.rows
    )
    periods = f"{comparison.period_s:,} s"
    return Table(
        title=f"{len(rows)} runs, {comparison.rows[0].currency}",
        columns=("Rank", "Net", "Lowest", "Highest", "Fall", "Sharpe", "Deflated", "Fills"),
        rows=rows,
        note="Net profit after fees; lowest and highest are of the three worlds. A rank in "
        "brackets is what the worlds leave open: runs whose ranks overlap are not separated. Fall "
        "is the greatest share lost from a peak. Sharpe is annual (365 days), of returns of "
        f"{periods}, risk-free {comparison.risk_free * 100:.2f} % a year. Deflated is the "
        f"probability that it is above the best of {comparison.trials:,} trials without skill, "
        f"variance of their ratios {spread}; below 0.95 it may be luck."
        + "".join(f" {note}" for note in comparison.notes),
    )


def _deflated(one: Moments | None, trials: int, spread: float | None) -> float | None:
    if one is None:
        return None
    return deflated_sharpe(one, trials, 1 / (one.count - 1) if spread is None else spread)


def _row(
    name: str,
    facts: RunFacts,
    found: Moments | None,
    period_s: int,
    deflated: float | None,
    differing: Sequence[str],
) -> RunRow:
    numbers = run_numbers(facts)
    one = numbers.worlds.of(numbers.world)
    low, high = _ends(numbers)
    parameters = facts.header.parameters
    return RunRow(
        name=name,
        strategy=facts.header.strategy,
        parameters=" ".join(f"{each}={parameters.get(each, '')}" for each in differing),
        currency=numbers.currency,
        rank=None,
        rank_best=None,
        rank_worst=None,
        net=one.net,
        net_low=low,
        net_high=high,
        is_separated=numbers.is_separated,
        fall_share=one.drawdown.share,
        orders=one.trading.orders.all,
        fills=one.trading.fills.all,
        sharpe=None if found is None else found.sharpe * annual(period_s) ** 0.5,
        deflated=deflated,
        findings=len(numbers.findings),
    )


def _ends(numbers: RunNumbers) -> tuple[Decimal | None, Decimal | None]:
    nets = [one.net for one in numbers.worlds.all]
    known = [one for one in nets if one is not None]
    return (min(known), max(known)) if len(known) == len(nets) else (None, None)


def _differing(runs: Sequence[tuple[str, RunFacts]]) -> list[str]:
    """The parameters that are not equal in all runs, in the order they come."""
    names = dict.fromkeys(name for _, facts in runs for name in facts.header.parameters)
    return [
        name for name in names if len({facts.header.parameters.get(name) for _, facts in runs}) > 1
    ]


def _ranked(rows: Sequence[RunRow]) -> list[RunRow]:
    known = [
        (one.net, one.net_low, one.net_high)
        for one in rows
        if one.net is not None and one.net_low is not None and one.net_high is not None
    ]
    ranked: list[RunRow] = []
    for one in rows:
        net, low, high = one.net, one.net_low, one.net_high
        if net is None or low is None or high is None:
            ranked.append(one)
            continue
        ranked.append(
            replace(
                one,
                rank=1 + sum(each > net for each, _, _ in known),
                rank_best=1 + sum(lowest > high for _, lowest, _ in known),
                rank_worst=sum(highest >= low for _, _, highest in known),
            )
        )
    return sorted(ranked, key=lambda one: (one.rank is None, one.rank or 0, one.name))


def _rank_text(one: RunRow) -> str:
    if one.rank is None:
        return UNKNOWN
    if one.rank_best == one.rank_worst:
        return str(one.rank)
    return f"{one.rank} [{one.rank_best}-{one.rank_worst}]"


def _notes(runs: Sequence[RunFacts]) -> list[str]:
    notes: list[str] = []
    tapes = {one.header.provenance.digest if one.header.provenance else "" for one in runs}
    if len(tapes) > 1:
        notes.append("They are not of one recording.")
    if len({(one.begins_ns, one.ends_ns) for one in runs}) > 1:
        notes.append("They do not cover the same time.")
    if len({one.header.world for one in runs}) > 1:
        notes.append("Their accounts did not follow the same world.")
    return notes
