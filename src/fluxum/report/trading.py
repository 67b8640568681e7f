"""What a run traded, and at what cost: counts, turnover, fees, slippage, mark-outs.

Slippage is a cost: above zero if the fills were worse than the middle of the book, below zero if
they were better. A mark-out is a gain: above zero if the middle moved the way of the fill. Both are
exact amounts in the quote asset, and in basis points of the value at the middle that they are
measured against. Amounts in different quote assets are never added.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT, average
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.report.run import FillFact, OrderFact, RunFacts, World

__all__ = [
    "Cost",
    "FeeSum",
    "FillCounts",
    "OrderCost",
    "OrderCounts",
    "QuoteNumbers",
    "Trading",
    "fee_value",
    "order_costs",
    "trading",
]

_ZERO = Decimal(0)
_BPS = Decimal(10_000)


class Cost(Struct, frozen=True, kw_only=True):
    """A sum over fills, against the middle of the book at some moment.

    `amount` is in the quote asset, `bps` its share of `value`, which is the filled quantity at
    that middle. `fills` were measured; `unmeasured` were not, as there was no middle.
    """

    amount: Decimal
    value: Decimal
    bps: Decimal | None
    fills: int
    unmeasured: int


class QuoteNumbers(Struct, frozen=True, kw_only=True):
    """What was traded in the markets of one quote asset."""

    asset: Asset
    turnover: Decimal
    turnover_maker: Decimal
    slippage_decision: Cost
    slippage_arrival: Cost
    after_1s: Cost
    after_10s: Cost
    after_60s: Cost

    @property
    def maker_share(self) -> Decimal | None:
        """The share of the turnover that provided liquidity."""
        return average(self.turnover_maker, self.turnover)


class FeeSum(Struct, frozen=True, kw_only=True):
    """The fees charged in one asset, at one venue, by the terms of one tier."""

    venue: str
    tier: str
    asset: Asset
    amount: Decimal
    fills: int


class OrderCounts(Struct, frozen=True, kw_only=True):
    """How many orders there were: `all` = `filled` + `partly` + `unfilled`.

    `never_arrived`, `improving` and `in_gap` are among them.
    """

    all: int
    filled: int
    partly: int
    unfilled: int
    never_arrived: int
    improving: int
    in_gap: int


class FillCounts(Struct, frozen=True, kw_only=True):
    """How many fills there were: `all` = `maker` + `taker` + `unknown`."""

    all: int
    maker: int
    taker: int
    unknown: int


class Trading(Struct, frozen=True, kw_only=True):
    """What was traded in one world.

    `fees_value` are all fees in the run's currency, `None` if the value of some
    (`fees_unvalued`) is not known. `untotalled` fills are of contracts of an unknown size: they
    are in no turnover.
    """

    orders: OrderCounts
    fills: FillCounts
    fees: tuple[FeeSum, ...]
    fees_value: Decimal | None
    fees_unvalued: int
    quotes: tuple[QuoteNumbers, ...]
    untotalled: int


class OrderCost(Struct, frozen=True, kw_only=True):
    """One order's fills against the middles of the book; see `Cost` for signs."""

    name: str
    filled: Decimal
    average_price: Decimal | None
    slippage_decision: Cost
    slippage_arrival: Cost
    after_1s: Cost
    after_10s: Cost
    after_60s: Cost


def trading(facts: RunFacts, world: World) -> Trading:
    """What was traded in one world."""
    with localcontext(EXACT):
        pairs = [(order, fill) for order in facts.orders for fill in order.fills.of(world)]
        values = [fee_value(fill, facts.header.currency) for _, fill in pairs]
        known = [value for value in values if value is not None]
        quotes = sorted({order.symbol.quote for order, _ in pairs})
        return Trading(
            orders=_order_counts(facts.orders, world),
            fills=_fill_counts(fill for _, fill in pairs),
            fees=_fees(pairs),
            fees_value=sum(known, _ZERO) if len(known) == len(values) else None,
            fees_unvalued=len(values) - len(known),
            quotes=tuple(
                _quote_numbers(asset, [one for one in pairs if one[0].symbol.quote == asset])
                for asset in quotes
            ),
            untotalled=sum(1 for order, _ in pairs if order.symbol.counts_contracts),
        )


def order_costs(facts: RunFacts, world: World) -> list[OrderCost]:
    """The costs of each order that was filled in this world, in the order they were decided."""
    with localcontext(EXACT):
        return [_order_cost(one, world) for one in facts.orders if one.fills.of(world)]


def fee_value(fill: FillFact, currency: Asset) -> Decimal | None:
    """A fill's fee in the run's currency; `None` if that is not known."""
    if fill.fee_value is not None or fill.fee_asset != currency:
        return fill.fee_value if fill.fee else _ZERO
    return fill.fee


Pair = tuple[OrderFact, FillFact]


def _order_counts(orders: Iterable[OrderFact], world: World) -> OrderCounts:
    counts = Counter[str]()
    for order in orders:
        filled = sum((fill.quantity for fill in order.fills.of(world)), _ZERO)
        counts["filled" if filled >= order.quantity else "partly" if filled else "unfilled"] += 1
        counts["never_arrived"] += order.arrived_ns is None
        counts["improving"] += order.is_improving
        counts["in_gap"] += order.was_in_gap
        counts["all"] += 1
    return OrderCounts(**{name: counts[name] for name in OrderCounts.__struct_fields__})


def _fill_counts(fills: Iterable[FillFact]) -> FillCounts:
    kinds = Counter(fill.is_maker for fill in fills)
    return FillCounts(all=kinds.total(), maker=kinds[True], taker=kinds[False], unknown=kinds[None])


def _fees(pairs: Iterable[Pair]) -> tuple[FeeSum, ...]:
    sums: dict[tuple[str, str, Asset], tuple[Decimal, int]] = {}
    for order, fill in pairs:
        key = (order.venue, fill.tier, fill.fee_asset)
        amount, count = sums.get(key, (_ZERO, 0))
        sums[key] = (amount + fill.fee, count + 1)
    return tuple(
        FeeSum(venue=venue, tier=tier, asset=asset, amount=amount, fills=count)
        for (venue, tier, asset), (amount, count) in sorted(sums.items())
    )


def _quote_numbers(asset: Asset, pairs: list[Pair]) -> QuoteNumbers:
    notionals = [(fill.is_maker, _notional(order, fill)) for order, fill in pairs]
    return QuoteNumbers(
        asset=asset,
        turnover=sum((value for _, value in notionals), _ZERO),
        turnover_maker=sum((value for is_maker, value in notionals if is_maker), _ZERO),
        **_costs(pairs),
    )


def _notional(order: OrderFact, fill: FillFact) -> Decimal:
    """A fill's value in the quote asset; zero if the size of a contract is not known."""
    if order.symbol.counts_contracts:
        return _ZERO
    return fill.quantity if order.symbol.is_inverse else fill.price * fill.quantity


def _order_cost(order: OrderFact, world: World) -> OrderCost:
    fills = order.fills.of(world)
    filled = sum((fill.quantity for fill in fills), _ZERO)
    paid = sum((fill.price * fill.quantity for fill in fills), _ZERO)
    return OrderCost(
        name=order.name,
        filled=filled,
        average_price=average(paid, filled),
        **_costs([(order, fill) for fill in fills]),
    )


def _costs(pairs: list[Pair]) -> dict[str, Cost]:
    return {
        "slippage_decision": _cost(pairs, [order.decision_mid for order, _ in pairs]),
        "slippage_arrival": _cost(pairs, [order.arrival_mid for order, _ in pairs]),
        "after_1s": _gain(pairs, [fill.mid_1s for _, fill in pairs]),
        "after_10s": _gain(pairs, [fill.mid_10s for _, fill in pairs]),
        "after_60s": _gain(pairs, [fill.mid_60s for _, fill in pairs]),
    }


def _gain(pairs: list[Pair], mids: list[Decimal | None]) -> Cost:
    return _cost(pairs, mids, sign=-1)


def _cost(pairs: list[Pair], mids: list[Decimal | None], sign: int = 1) -> Cost:
    amount = value = _ZERO
    measured = 0
    for (order, fill), mid in zip(pairs, mids, strict=True):
        symbol = order.symbol
        if mid is None or symbol.is_inverse or symbol.counts_contracts:
            continue
        toward = sign if order.side is Side.BUY else -sign
        amount += toward * (fill.price - mid) * fill.quantity
        value += mid * fill.quantity
        measured += 1
    return Cost(
        amount=amount,
        value=value,
        bps=average(amount * _BPS, value),
        fills=measured,
        unmeasured=len(pairs) - measured,
    )
