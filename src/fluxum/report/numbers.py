"""The numbers of a run: profit in each world, costs, the course of equity, and what does not close.

Profit is the equity at the end less that at the begin: fees are paid. The three worlds are a
spread, no proof: bounds hold for each order, and more fills may lose more. So a result is
`is_separated` only if the profit has the same sign in all three.
"""

from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.instrument import Asset
from fluxum.report.closing import Closing, close, findings
from fluxum.report.course import (
    Drawdown,
    Exposure,
    GapTime,
    drawdown,
    equity_of,
    exposure,
    gap_time,
)
from fluxum.report.run import ByWorld, RunFacts, World
from fluxum.report.trading import Trading, trading

__all__ = ["RunNumbers", "WorldNumbers", "is_separated", "run_numbers"]


class WorldNumbers(Struct, frozen=True, kw_only=True):
    """The numbers of one world, in the run's currency; `None` is unknown.

    `net` is the profit after fees, `gross` before them. `closing` is whether fills, fees and marks
    explain `net`.
    """

    net: Decimal | None
    gross: Decimal | None
    trading: Trading
    drawdown: Drawdown
    closing: Closing


class RunNumbers(Struct, frozen=True, kw_only=True):
    """The numbers of a run. `findings` are the contradictions and the holes in its facts."""

    currency: Asset
    world: World
    is_simulated: bool
    lasted_ns: int
    worlds: ByWorld[WorldNumbers]
    is_separated: bool
    exposure: Exposure
    gaps: tuple[GapTime, ...]
    findings: tuple[str, ...]


def run_numbers(facts: RunFacts) -> RunNumbers:
    """The numbers of a run."""
    worlds = ByWorld(*(_world_numbers(facts, world) for world in World))
    return RunNumbers(
        currency=facts.header.currency,
        world=facts.world,
        is_simulated=facts.header.world is not None,
        lasted_ns=facts.ends_ns - facts.begins_ns,
        worlds=worlds,
        is_separated=is_separated(ByWorld(*(one.net for one in worlds.all))),
        exposure=exposure(facts),
        gaps=gap_time(facts),
        findings=(*_contradictions(worlds, facts.header.currency), *findings(facts)),
    )


def is_separated(net: ByWorld[Decimal | None]) -> bool:
    """Whether the profit is above zero in all worlds, or below zero in all."""
    known = [one for one in net.all if one is not None]
    return len(known) == len(World) and (max(known) < 0 or min(known) > 0)


def _world_numbers(facts: RunFacts, world: World) -> WorldNumbers:
    points = equity_of(facts, world)
    traded = trading(facts, world)
    fees = traded.fees_value
    last = facts.equity[-1].equity.of(world) if facts.equity else None
    with localcontext(EXACT):
        net = None if last is None else last - facts.header.equity_begins
        gross = None if net is None or fees is None else net + fees
        closing = close(facts, world, net)
    return WorldNumbers(
        net=net,
        gross=gross,
        trading=traded,
        drawdown=drawdown(points, facts.ends_ns),
        closing=closing,
    )


def _contradictions(worlds: ByWorld[WorldNumbers], currency: Asset) -> list[str]:
    """What does not close; worlds in which as much is not explained share a line."""
    amounts: dict[Decimal, list[str]] = {}
    for world in World:
        unexplained = worlds.of(world).closing.unexplained
        if unexplained:
            amounts.setdefault(unexplained, []).append(world.value)
    found = [
        f"{EXACT.normalize(amount):+f} {currency} of the profit is not explained by fills, fees "
        f"and marks ({', '.join(names)})"
        for amount, names in amounts.items()
    ]
    return found + [text for one in worlds.all for text in one.closing.findings]
