"""Whether the facts of a run close: profit with fills and marks, positions with fills, orders.

The profit has to be what cash, fees and the change of positions at their marks make of it, to the
last digit. That needs markets that are quoted in the run's currency and fees in one of their two
assets; for other runs the reason is given instead.
"""

from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.report.run import FillFact, Held, OrderFact, RunFacts, World

__all__ = ["Closing", "close", "findings"]

_ZERO = Decimal(0)


class Closing(Struct, frozen=True, kw_only=True):
    """What is left of one world's profit after all that explains it: zero if the facts close.

    `unexplained` is in the run's currency; `None` if it cannot be known, and `why` is the reason.
    `findings` are contradictions between positions and fills.
    """

    unexplained: Decimal | None
    why: str = ""
    findings: tuple[str, ...] = ()


def close(facts: RunFacts, world: World, net: Decimal | None) -> Closing:
    """Explain a profit by the fills of its world; see `Closing`."""
    why = _why_not(facts, world) if net is not None else "the equity at the end is not known"
    if net is None or why:
        return Closing(unexplained=None, why=why)
    with localcontext(EXACT):
        return _close(facts, world, net)


def findings(facts: RunFacts) -> list[str]:
    """Contradictions in the orders of a run, and what a crash left out."""
    found: list[str] = []
    if facts.header.ends_ns is None:
        found.append("the run did not end in order: its last known instant is taken as its end")
    if facts.header.halted:
        found.append(f"the bot was halted: {facts.header.halted}")
    if facts.torn:
        found.append(f"unfinished last lines that a crash left: {facts.torn}, left out")
    for is_wrong, text in (
        (_overfilled, "orders with more filled than their quantity"),
        (_unordered, "orders with more filled in a worse world than in a better one"),
        (_early, "orders with a fill before they arrived"),
    ):
        names = [order.name for order in facts.orders if is_wrong(order)]
        if names:
            found.append(f"{text}: {len(names)}, such as {names[0]}")
    return found


Market = tuple[str, Symbol]


def _why_not(facts: RunFacts, world: World) -> str:
    """Why the profit of a run cannot be explained; empty if it can."""
    currency = facts.header.currency
    for order in facts.orders:
        symbol = order.symbol
        if symbol.quote != currency or symbol.is_inverse or symbol.counts_contracts:
            return f"{symbol} is not valued in {currency} by price times quantity"
        for fill in order.fills.of(world):
            if fill.fee and fill.fee_asset not in (currency, symbol.base):
                return f"a fee was charged in {fill.fee_asset}"
    if any(one.mark is None for one in facts.header.held_begins):
        return "a position at the begin has no mark"
    return ""


def _close(facts: RunFacts, world: World, net: Decimal) -> Closing:
    currency = facts.header.currency
    cash = _ZERO
    held = {(one.venue, one.symbol): one.quantity for one in facts.header.held_begins}
    for order in facts.orders:
        market = (order.venue, order.symbol)
        for fill in order.fills.of(world):
            paid, bought = _changes(order, fill, currency)
            cash -= paid
            held[market] = held.get(market, _ZERO) + bought
    last = {(one.venue, one.symbol): one for one in facts.equity[-1].held}
    findings = _positions(held, last) if world is facts.world else ()
    ends = _ZERO
    for market, quantity in held.items():
        mark = last[market].mark if market in last else None
        if quantity and mark is None:
            return Closing(
                unexplained=None, why="a position at the end has no mark", findings=findings
            )
        ends += quantity * (mark or _ZERO)
    begins = sum((one.quantity * (one.mark or _ZERO) for one in facts.header.held_begins), _ZERO)
    return Closing(unexplained=net - (cash + ends - begins), findings=findings)


def _changes(order: OrderFact, fill: FillFact, currency: Asset) -> tuple[Decimal, Decimal]:
    """What a fill cost in the currency, and what it added to the position."""
    bought = fill.quantity if order.side is Side.BUY else -fill.quantity
    paid = bought * fill.price
    if fill.fee_asset == currency:
        return paid + fill.fee, bought
    return paid, bought - fill.fee


def _positions(held: dict[Market, Decimal], last: dict[Market, Held]) -> tuple[str, ...]:
    """The markets whose position at the end is not the sum of their fills."""
    return tuple(
        f"{market[0]} {market[1]}: fills make a position of {held.get(market, _ZERO):f}, the run "
        f"ended with {last[market].quantity if market in last else _ZERO:f}"
        for market in sorted(held.keys() | last.keys())
        if held.get(market, _ZERO) != (last[market].quantity if market in last else _ZERO)
    )


def _filled(order: OrderFact) -> list[Decimal]:
    with localcontext(EXACT):
        return [sum((fill.quantity for fill in fills), _ZERO) for fills in order.fills.all]


def _overfilled(order: OrderFact) -> bool:
    return max(_filled(order)) > order.quantity


def _unordered(order: OrderFact) -> bool:
    return _filled(order) != sorted(_filled(order))


def _early(order: OrderFact) -> bool:
    first_ns = min((fill.at_ns for fills in order.fills.all for fill in fills), default=None)
    return first_ns is not None and (order.arrived_ns is None or first_ns < order.arrived_ns)
