"""Fills by single orders beside real ones: Kraken's level 3 in the box, over its own protocol.

    python tests/simulation/level3_truth.py [--seeds 50] [--orders 20] [--seed 7]

Real orders rest at the simulated exchange. For each one, the fills are also computed from level 3
and the trades alone, from what stood ahead of it when it appeared. The two must be the same.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from decimal import Decimal
from random import Random

from msgspec import Struct

import fluxum
from fluxum.fill.exact import ExactPlace, ExactSide
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Credentials, Fill
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level3Update, OrderAction, OrderChange, RestingOrder, Side, Trade
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Symbol("BTC/USD")
TICK, LOT, SIZE = Decimal("0.1"), Decimal("0.00000001"), Decimal("0.05")
DEPTH = 10
KEYS = Credentials("key", "c2VjcmV0")
KINDS = (Level3Update, Trade, Fill)


class Compared(Struct):
    """One order: what was really filled, and what was computed, in lots."""

    real: int
    computed: int
    is_whole: bool
    """Whether its level was among the ten that level 3 shows, all the time."""


class Shadow:
    """The place of a real order, by the single orders of others and the trades."""

    def __init__(self, side: Side, resting: Sequence[RestingOrder]) -> None:
        self.side = side
        self.sign = 1 if side is Side.BUY else -1
        self.others = {one.order_id: one for one in resting}
        self.exact = ExactSide()
        self.place: ExactPlace | None = None
        self.order_id = ""
        self.is_whole = True
        self.real = 0
        self.gone_ns = 1 << 63

    def key(self, price: Decimal) -> int:
        return self.sign * int(price / TICK)

    def is_gone(self, trade: Trade) -> bool:
        """Whether the order had ended before a trade; level 3 has a link of its own."""
        return trade.venue_ns is not None and trade.venue_ns > self.gone_ns

    def is_better(self, price: Decimal) -> bool:
        return self.place is not None and self.key(price) > self.place.key

    def take(self, event: Event) -> None:
        match event:
            case Level3Update():
                for change in event.bids if self.side is Side.BUY else event.asks:
                    self.change(change, event.venue_ns)
            case Trade() if event.side is self.side.opposite and not self.is_gone(event):
                quantity = int(event.quantity / LOT)
                self.exact.trade(self.key(event.price), quantity, event.venue_ns)
            case Fill() if event.order_id == self.order_id:
                self.real += int(event.quantity / LOT)
            case _:
                pass

    def change(self, change: OrderChange, at_ns: int | None) -> None:
        order = change.order
        if order.order_id == self.order_id:
            if change.action is OrderAction.ADD and self.place is not None:
                self.is_whole = False
            elif change.action is OrderAction.ADD:
                ahead = [one for one in self.others.values() if one.price == order.price]
                queue = [(one.order_id, int(one.quantity / LOT)) for one in ahead]
                key, quantity = self.key(order.price), int(SIZE / LOT)
                self.place = self.exact.enter(1, key, quantity, queue)
            elif change.action is OrderAction.DELETE and at_ns is not None:
                self.gone_ns = at_ns
            return
        is_gone = change.action is OrderAction.DELETE
        if is_gone or change.action is OrderAction.ADD:
            self.others.pop(order.order_id, None)
        if not is_gone:
            self.others[order.order_id] = order
        if self.place is not None and is_gone:
            better = {one.price for one in self.others.values() if self.is_better(one.price)}
            self.is_whole &= len(better) < DEPTH - 1
        quantity = 0 if is_gone else int(order.quantity / LOT)
        self.exact.change(self.key(order.price), order.order_id, quantity, at_ns)


async def follow(trader: fluxum.Trader, pipe: Pipe[Event], side: Side) -> Compared:
    """Rest one order at the best price for five seconds."""
    pipe.drain()
    book = trader.session.level3(BTC)
    ladder = book.bids if side is Side.BUY else book.asks
    shadow = Shadow(side, [one for queue in ladder.queues() for one in queue])
    assert ladder.best is not None, "the book is deep"
    place = trader.buy if side is Side.BUY else trader.sell
    order = await place(BTC, SIZE, limit=ladder.best, post_only=True)
    shadow.order_id = order.order_id
    for _ in range(50):
        for event in pipe.drain():
            shadow.take(event)
        await asyncio.sleep(0.1)
    await trader.cancel_all()
    for event in pipe.drain():
        shadow.take(event)
    assert shadow.place is not None, "level 3 shows the order"
    return Compared(shadow.real, shadow.place.filled, shadow.is_whole)


async def compare(orders: int, seed: int = 5) -> list[Compared]:
    """As many orders, one after the other."""
    clock, random = SimulatedClock(), Random(seed)
    venue, symbols = find_venue("kraken"), [BTC]
    async with SimulatedExchange(venue, symbols, seed=seed, clock=clock, rate_per_s=40) as exchange:
        money = {"USD": Decimal(10**9), "BTC": Decimal(10**4)}
        exchange.open_account(KEYS.key, KEYS.secret, money, tier="pro")
        async with fluxum.trade(
            "kraken",
            [BTC],
            keys=KEYS,
            journal=MemoryOrderJournal(),
            channels=("book", "trade", "level3"),
            runtime=SimulatedRuntime(exchange, clock=clock, seed=3),
        ) as trader:
            pipe = trader.session.events(_is_wanted, capacity=100_000)
            found: list[Compared] = []
            while len(found) < orders:
                try:
                    found.append(await follow(trader, pipe, random.choice(list(Side))))
                except fluxum.VenueRefused:  # it would have traded at once
                    await asyncio.sleep(1)
            return found


def _is_wanted(event: Event) -> bool:
    return isinstance(event, KINDS)


def main() -> int:
    """Compare orders in many markets, each of its own seed; returns the status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--orders", type=int, default=20, help="of each seed")
    asked = parser.parse_args()
    seeds = range(asked.seeds) if asked.seed is None else [asked.seed]
    orders = filled = different = left_out = 0
    for seed in seeds:
        for number, one in enumerate(run(compare(asked.orders, seed))):
            left_out += not one.is_whole
            orders += one.is_whole
            filled += one.is_whole and one.real > 0
            if one.is_whole and one.real != one.computed:
                different += 1
                print(f"seed {seed}, order {number}: {one}", flush=True)
    print(
        f"{orders} orders of {len(seeds)} seeds, {filled} filled, {different} different;"
        f" {left_out} more left the levels that are shown"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
