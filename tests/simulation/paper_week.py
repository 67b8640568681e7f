"""A week on paper in virtual time: memory stays flat, all sums close, the ledger to the last unit.

    python tests/simulation/paper_week.py [--hours 168] [--rate 1] [--seed 1] [--keep 1000]

A trader quotes both sides of a simulated market, takes now and then, amends and cancels, while
links are lost and commands and answers disappear. It is checked every hour.

A week does not fill every store: 100,000 fills are remembered, and it has 30,000. So each store
that grows keeps only `--keep` orders, fills and entries, and a twentieth of what faults leave
behind: all are full within the first half. With `--keep 0` they have their own limits.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from unittest import mock

from msgspec import Struct

import fluxum
from fluxum.errors import FluxumError
from fluxum.ledger.audit import audit
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.policy import Policy
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderRequest, OrderStatus
from fluxum.orders import desk, gateway
from fluxum.orders.cache import Retention
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.paper import account as paper_account
from fluxum.paper import venue as paper_venue
from fluxum.paper.transit import PaperFaults
from fluxum.session import gaps
from fluxum.sim import history
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Symbol("BTC/USD")
SIZE = Decimal("0.01")
FAULTS = PaperFaults(lost_command_every=97, lost_answer_every=89)


class Hour(Struct):
    """What was found after an hour."""

    at_h: int
    resident_kib: int
    orders: int
    fills: int
    forgotten: int
    refused: int
    differences: int
    uncertain: int
    sums_close: bool


class Week:
    """One trader on paper for some hours."""

    def __init__(self, seed: int, rate: float, keep: int = 0) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.rate = rate
        self.keep = keep
        self.orders = self.refused = 0
        self.hours = list[Hour]()

    async def run(self, hours: int) -> list[Hour]:
        with kept(self.keep):
            return await self.live(hours)

    async def live(self, hours: int) -> list[Hour]:
        policy = Policy(fills_seen=self.keep, lots_max=self.keep) if self.keep else Policy()
        clock = SimulatedClock()
        venue = find_venue("kraken")
        async with SimulatedExchange(
            venue, [BTC], seed=self.seed, clock=clock, rate_per_s=self.rate
        ) as exchange:
            runtime = SimulatedRuntime(exchange, clock=clock, seed=self.seed)
            async with fluxum.paper(
                "kraken",
                [BTC],
                deposit={"USD": 1_000_000, "BTC": 10},
                runtime=runtime,
                faults=FAULTS,
                limits=fluxum.RiskLimits(orders_max=50),
                ledger=Ledger(policy),
            ) as trader:
                for hour in range(1, hours + 1):
                    await self.trade(trader, exchange)
                    await self.check(trader, hour)
        return self.hours

    async def trade(self, trader: fluxum.PaperTrader, exchange: SimulatedExchange) -> None:
        """An hour: new quotes every half minute, and one lost link."""
        for turn in range(120):
            try:
                await self.requote(trader)
            except FluxumError:
                self.refused += 1
            if turn == 60:
                exchange.hangup_all()
            await asyncio.sleep(25)

    async def requote(self, trader: fluxum.PaperTrader) -> None:
        if self.random.random() < 0.7:
            await trader.cancel_all()
        book, luck = trader.book(BTC), self.random.random()
        if book.bid is None or book.ask is None or not book.proof().is_valid:
            return
        if luck < 0.1:
            self.orders += 1
            await (trader.buy if luck < 0.05 else trader.sell)(BTC, SIZE)
            return
        for side, price in ((Side.BUY, book.bid.price), (Side.SELL, book.ask.price)):
            self.orders += 1
            order = await trader.orders.place(
                OrderRequest(
                    symbol=BTC, side=side, quantity=SIZE, limit_price=price, post_only=True
                )
            )
            if luck > 0.9 and order.status is OrderStatus.OPEN:
                smaller = Amend(client_order_id=order.client_order_id, quantity=SIZE / 2)
                await trader.orders.amend(smaller)

    async def check(self, trader: fluxum.PaperTrader, hour: int) -> None:
        """All sums close, and what the ledger computed is what the account has."""
        await trader.orders.wait_reconciled(600)
        account = trader.paper.account
        counts = trader.orders.statistics().orders
        position = trader.position(BTC)
        held = Decimal(0) if position is None else position.quantity
        entries = list(account.entries)[2:]
        result = audit(entries, account.balances(0))
        differences = (
            len(account.difference())
            + (account.total(Asset("BTC")) - 10 != held)
            + (not result.is_clean)
        )
        gc.collect()
        self.hours.append(
            Hour(
                at_h=hour,
                resident_kib=resident_kib(),
                orders=self.orders,
                fills=counts.counted,
                forgotten=counts.forgotten,
                refused=self.refused,
                differences=differences,
                uncertain=sum(one.uncertainty is not None for one in trader.orders.open_orders()),
                sums_close=trader.session.statistics().sums_close,
            )
        )


@contextmanager
def kept(keep: int) -> Generator[None]:
    """All stores that grow in a week keep `keep` things, or what they always do if it is zero."""
    with ExitStack() as lowered:
        # A simulated exchange keeps the candles of a week: that is not of the product.
        lowered.enter_context(mock.patch.object(history, "_MINUTES_MAX", 60))
        if keep:
            rare = max(1, keep // 20)
            retention = Retention(ended=keep, fills=keep, unmatched=keep)
            policy = partial(ReconcilePolicy, retention=retention)
            lowered.enter_context(mock.patch.object(desk, "ReconcilePolicy", policy))
            for module, name, most in (
                (paper_account, "_KEPT_MAX", keep),
                (paper_venue, "_KEPT_MAX", keep),
                (gateway, "_KEPT_MAX", rare),
                (gaps, "_CLOSED_KEPT", rare),
            ):
                lowered.enter_context(mock.patch.object(module, name, most))
        yield


def resident_kib() -> int:
    """How much memory the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


def main() -> int:
    """Run it and print an hour in each line; returns the status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=168)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=int, default=1000, help="how much stores keep; 0: as ever")
    wishes = parser.parse_args()
    hours = run(Week(wishes.seed, wishes.rate, wishes.keep).run(wishes.hours))
    for one in hours if len(hours) < 30 else hours[:: len(hours) // 24]:
        print(one)
    half = hours[len(hours) // 2]
    growth = hours[-1].resident_kib / half.resident_kib - 1
    bad = sum(one.differences + one.uncertain + (not one.sums_close) for one in hours)
    print(f"second half: {growth:+.1%} memory; {bad} differences in {len(hours)} hours")
    return 1 if bad or growth > 0.05 else 0


if __name__ == "__main__":
    sys.exit(main())
