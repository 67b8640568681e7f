"""A market maker of one's own, on paper: live books, simulated orders, fills with bounds."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import fluxum
from fluxum.bot import BotEvent, CancelAll, Intent, Level, Market, Quote, Strategy, View, Want

SECONDS = 4


class Maker(Strategy, kw_only=True):
    """Quotes around the middle, and leans against what it holds."""

    market: Market
    size: Decimal
    held_max: Decimal
    half_spread_bps: Decimal = Decimal("0.5")

    def wants(self) -> Sequence[Want]:
        """The book of its market."""
        return [Want(self.market, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        """What should rest now; nothing while the book is not proved."""
        book = view.book(self.market)
        if not book.is_valid or book.mid is None:
            return [CancelAll(self.market)]
        held = view.position(self.market)
        half = book.mid * self.half_spread_bps / 10_000
        fair = book.mid - half * held / self.held_max
        bid = Level(fair - half, self.size) if held < self.held_max else None
        ask = Level(fair + half, self.size) if held > -self.held_max else None
        return [Quote(self.market, bid, ask)]


async def main() -> None:
    market = Market("kraken", "BTC/USD")
    maker = Maker(market=market, size=Decimal("0.05"), held_max=Decimal("0.5"))
    deposit = {"USD": 50_000, "BTC": 1}
    async with (
        fluxum.paper("kraken", ["BTC/USD"], deposit=deposit) as trader,
        fluxum.bot.run(maker, {"kraken": trader}) as run,
    ):
        await asyncio.sleep(SECONDS)  # or: await run.wait_halted()
        print(run.engine.decisions, "decisions,", len(trader.orders.orders()), "orders")
        for order in trader.orders.orders():
            record = trader.record(order.client_order_id)
            print(order.side.value, order.limit_price, record and record.bounds)


asyncio.run(main())
