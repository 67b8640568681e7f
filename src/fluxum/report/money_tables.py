"""The tables of a report on money: profit, orders and fills, costs, fees."""

from collections.abc import Callable
from decimal import Decimal

from fluxum.model.instrument import Asset
from fluxum.report.numbers import WorldNumbers
from fluxum.report.report import Report, Row, Table, columns, row, shown
from fluxum.report.run import OrderFact, World
from fluxum.report.trading import Cost, FeeSum, OrderCost, QuoteNumbers, Trading, order_costs
from fluxum.report.wording import (
    UNKNOWN,
    amount_text,
    cost_text,
    duration_text,
    rate_text,
    share_text,
    signed_text,
)

__all__ = [
    "ORDERS_SHOWN",
    "cost_tables",
    "dearest_table",
    "fee_table",
    "order_table",
    "profit_table",
]

ORDERS_SHOWN = 20
"""How many of the dearest orders are listed."""


def profit_table(report: Report) -> Table:
    """Profit before and after fees, falls, and whether it is explained."""
    currency = report.numbers.currency
    begins = f"{amount_text(report.facts.header.equity_begins)} {currency}"
    net = (
        f"Equity at the end less {begins} at the begin. Open positions count at their last mark, "
        "without the cost of closing them."
    )
    fees = f"Valued in {currency} at the time of each fill."
    rows = (
        row(report, "Net profit", lambda one: signed_text(one.net), net),
        row(report, "Fees", lambda one: amount_text(one.trading.fees_value), fees),
        row(report, "Gross profit", lambda one: signed_text(one.gross), "Net profit plus fees."),
        *_falls(report),
        row(
            report,
            "Not explained",
            lambda one: amount_text(one.closing.unexplained),
            _explained(report),
        ),
    )
    note = "Bounds hold for each order. The profit of the three worlds is a spread, no proof: "
    return Table(
        title=f"Profit, {currency}",
        columns=columns(report),
        rows=rows,
        note=f"{note}more fills may lose more." if report.numbers.is_simulated else "",
    )


_COUNTS: tuple[tuple[str, Callable[[Trading], int], str], ...] = (
    ("Orders", lambda one: one.orders.all, "All that were decided."),
    ("  filled whole", lambda one: one.orders.filled, "These three add up to all orders."),
    ("  filled in part", lambda one: one.orders.partly, ""),
    ("  not filled", lambda one: one.orders.unfilled, ""),
    (
        "Never arrived",
        lambda one: one.orders.never_arrived,
        "Among those not filled: refused before they were sent, or lost.",
    ),
    (
        "Improved the best price",
        lambda one: one.orders.improving,
        "A recording gives no upper bound for their fills.",
    ),
    (
        "Rested in a gap",
        lambda one: one.orders.in_gap,
        "What happened to them while data was missing is assumed.",
    ),
    ("Fills", lambda one: one.fills.all, "Each part of an order."),
    ("  as maker", lambda one: one.fills.maker, "These three add up to all fills."),
    ("  as taker", lambda one: one.fills.taker, ""),
    ("  not known which", lambda one: one.fills.unknown, ""),
)


def order_table(report: Report) -> Table:
    """How many orders and fills there were."""
    note = (
        f"Fills are simulated; the account followed the {report.numbers.world.value} world. The "
        "market does not react to these orders."
    )
    return Table(
        title="Orders and fills",
        columns=columns(report),
        rows=tuple(_count_row(report, *one) for one in _COUNTS),
        note=note if report.numbers.is_simulated else "",
    )


def cost_tables(report: Report) -> list[Table]:
    """Turnover, slippage and mark-outs, a table for each quote asset."""
    assets = {quote.asset for one in report.numbers.worlds.all for quote in one.trading.quotes}
    return [_costs(report, asset) for asset in sorted(assets)]


def fee_table(report: Report) -> Table:
    """The fees by venue, tier and asset."""
    keys = sorted(
        {
            (fee.venue, fee.tier, fee.asset)
            for one in report.numbers.worlds.all
            for fee in one.trading.fees
        }
    )
    rows: list[Row] = []
    for venue, tier, asset in keys:

        def cell(one: WorldNumbers, key: tuple[str, str, Asset] = (venue, tier, asset)) -> str:
            return amount_text(sum(map(_amount, _alike(one.trading.fees, key)), Decimal(0)))

        name = " ".join(filter(None, (venue, tier, f"in {asset}")))
        rows.append(row(report, name, cell, _terms_text(report, venue, tier)))
    return Table(
        title="Fees by venue, tier and asset",
        columns=columns(report),
        rows=tuple(rows),
        note="A rebate is below 0." if rows else "There were no fills.",
    )


def dearest_table(report: Report) -> Table:
    """The orders that cost most against the middle at their decision."""
    costs = order_costs(report.facts, report.numbers.world)
    measured = [one for one in costs if one.slippage_decision.fills]
    dearest = sorted(measured, key=lambda one: one.slippage_decision.amount, reverse=True)
    orders = {one.name: one for one in report.facts.orders}
    rows = [_dear(one, orders[one.name]) for one in dearest[:ORDERS_SHOWN]]
    titles: tuple[str, ...] = (
        "Market",
        "Side",
        "Filled",
        "Price",
        "Cost",
        "Decision",
        "Arrival",
        "60 s",
    )
    if len({row.cells[0] for row in rows}) == 1:  # the market would be the same in every row
        titles = titles[1:]
        rows = [Row(row.name, row.cells[1:]) for row in rows]
    return Table(
        title="Dearest orders",
        columns=titles,
        rows=tuple(rows),
        note=f"The {len(rows)} of {len(costs):,} filled orders with the greatest slippage from the "
        f"middle at their decision, in the {report.numbers.world.value} world. The cost is in the "
        "quote asset. In basis points: slippage from decision and from arrival, mark-out after "
        "60 s. JSON has all orders.",
    )


def _dear(one: OrderCost, order: OrderFact) -> Row:
    filled, wanted = one.filled.normalize(), order.quantity.normalize()
    parts = (one.slippage_decision, one.slippage_arrival, one.after_60s)
    return Row(
        one.name,
        (
            f"{order.venue} {order.symbol}",
            order.side.value,
            f"{filled:f}" if filled == wanted else f"{filled:f}/{wanted:f}",
            amount_text(one.average_price),
            signed_text(one.slippage_decision.amount),
            *(UNKNOWN if part.bps is None else f"{part.bps:+.2f}" for part in parts),
        ),
    )


def _money(cost: Cost) -> str:
    return signed_text(cost.amount) if cost.fills else cost_text(cost)


def _count_row(report: Report, name: str, count: Callable[[Trading], int], assumes: str) -> Row:
    return row(report, name, lambda one: f"{count(one.trading):,}", assumes)


def _falls(report: Report) -> list[Row]:
    return [
        row(
            report,
            "Deepest fall",
            lambda one: amount_text(one.drawdown.amount),
            "From the highest equity so far, at the instants of the equity file only.",
        ),
        row(
            report,
            "Greatest fall, share",
            lambda one: share_text(one.drawdown.share),
            "Of the equity it fell from.",
        ),
        row(
            report,
            "Longest below a peak",
            lambda one: duration_text(one.drawdown.longest_ns),
            "From a peak to the recovery, or to the end of the run.",
        ),
    ]


def _explained(report: Report) -> str:
    whys = {one.closing.why for one in report.numbers.worlds.all if one.closing.why}
    if whys:
        return f"Not checked: {', '.join(sorted(whys))}."
    return "Net profit less cash, fees and positions at their marks, to the last digit: 0."


_MEASURED: tuple[tuple[str, Callable[[QuoteNumbers], Cost], str], ...] = (
    ("Slippage from decision", lambda one: one.slippage_decision, "when the order was decided"),
    ("Slippage from arrival", lambda one: one.slippage_arrival, "when it reached the venue"),
    ("Mark-out after 1 s", lambda one: one.after_1s, "1 s after each fill"),
    ("Mark-out after 10 s", lambda one: one.after_10s, "10 s after each fill"),
    ("Mark-out after 60 s", lambda one: one.after_60s, "60 s after each fill"),
)


def _costs(report: Report, asset: Asset) -> Table:
    rows = [
        _quote_row(
            report,
            asset,
            "Turnover",
            lambda one: amount_text(one.turnover),
            "Price times quantity of all fills.",
        ),
        _quote_row(
            report,
            asset,
            "Share as maker",
            lambda one: share_text(one.maker_share),
            "Of the turnover.",
        ),
    ]
    for name, cost, when in _MEASURED:
        rows += _cost_rows(report, asset, name, cost, when)
    return Table(
        title=f"Costs against the middle of the book, {asset}",
        columns=columns(report),
        rows=tuple(rows),
        note="Slippage is a cost: below 0 is better than the middle. A mark-out is a gain: below 0 "
        "the market went against the fill. Weighted by value. An order without a fill costs "
        "nothing here, though it may have missed something.",
    )


def _cost_rows(
    report: Report, asset: Asset, name: str, cost: Callable[[QuoteNumbers], Cost], when: str
) -> list[Row]:
    assumes = f"Against the middle of the book {when}.{_holes(report, asset, cost)}"
    return [
        _quote_row(report, asset, name, lambda one: cost_text(cost(one)), assumes),
        _quote_row(report, asset, "  as an amount", lambda one: _money(cost(one))),
    ]


def _quote_row(
    report: Report,
    asset: Asset,
    name: str,
    cell: Callable[[QuoteNumbers], str],
    assumes: str = "",
) -> Row:
    return row(report, name, lambda one: _in_quote(one, asset, cell), assumes)


def _in_quote(one: WorldNumbers, asset: Asset, cell: Callable[[QuoteNumbers], str]) -> str:
    found = [quote for quote in one.trading.quotes if quote.asset == asset]
    return cell(found[0]) if found else "no fills"


def _holes(report: Report, asset: Asset, cost: Callable[[QuoteNumbers], Cost]) -> str:
    """How many fills were not measured, in the world with most of them."""
    worlds: list[World] = list(shown(report))
    missing = [
        cost(quote).unmeasured
        for world in worlds
        for quote in report.numbers.worlds.of(world).trading.quotes
        if quote.asset == asset
    ]
    return (
        f" Not measured: {max(missing):,} fills, as no book was known then." if any(missing) else ""
    )


def _terms_text(report: Report, venue: str, tier: str) -> str:
    """The terms of a tier; a fill that names none had those of its venue, if they are alone."""
    if not report.numbers.is_simulated:
        return "As the venue charged them."
    terms = [
        one for one in report.facts.header.fees if one.venue == venue and tier in ("", one.tier)
    ]
    if not terms:
        return "The run does not have its terms."
    if len(terms) > 1:
        return "By the tier of the volume; the tiers are below, where it is listed what was run."
    return f"Maker {rate_text(terms[0].maker)}, taker {rate_text(terms[0].taker)} of the value."


def _alike(fees: tuple[FeeSum, ...], key: tuple[str, str, Asset]) -> list[FeeSum]:
    return [one for one in fees if (one.venue, one.tier, one.asset) == key]


def _amount(fee: FeeSum) -> Decimal:
    return fee.amount
