"""Simulated hours of an account with every kind of fault, and a judge of every event.

Run as a program: `account_days.py --seeds 200`, or `--venue bybit --seed 7`. Somebody trades all
the time; links are lost, answers swallowed, tokens expire, calls are refused, the process is killed
and comes back to its journal. Every ten minutes it is calm for two, and what is known must be what
is true.
"""

import argparse
import asyncio
import base64
import gc
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from decimal import Decimal
from random import Random

from msgspec import Struct
from truth import Truth

from fluxum.errors import FluxumError
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.ledger.ledger import Ledger
from fluxum.model.account import Credentials
from fluxum.model.codec import encode_event
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
)
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.order import Order
from fluxum.orders.risk import RiskLimits
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import Fault, FaultKind, FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue
from fluxum.venues.server.accounts import OrderFault
from fluxum.venues.triggers import rises
from fluxum.venues.venue import Venue

KEY = "planted-key-of-the-account"
SECRET = base64.b64encode(b"planted secret of 32 bytes, here").decode()
PASSPHRASE = "planted-passphrase-of-the-account"
KEYS = Credentials(KEY, SECRET, PASSPHRASE)
PHASE_S, CALM_S, PHASES = 480.0, 120.0, 6
SYMBOLS = {
    "kraken": (Symbol("BTC/USD"), Symbol("ETH/USD")),
    "binance": (Symbol("BTC/USDT"), Symbol("ETH/USDT")),
    "binance-usdm": (Symbol("BTC/USDT:PERP"), Symbol("ETH/USDT:PERP")),
    "bybit": (Symbol("BTC/USDT"), Symbol("ETH/USDT")),
    "bybit-linear": (Symbol("BTC/USDT:PERP"), Symbol("ETH/USDT:PERP")),
    "okx": (Symbol("BTC/USDT"), Symbol("ETH/USDT:PERP")),
    "gemini": (Symbol("BTC/USD"), Symbol("ETH/USD")),
    "coinbase": (Symbol("BTC/USD"), Symbol("ETH/USD")),
    "coinbase-exchange": (Symbol("BTC/USD"), Symbol("ETH/USD")),
}
"""The two markets that are traded at each exchange, by its name."""
STOPS = frozenset({"okx"})
"""Where orders that wait for a price are placed as well: what goes on for one is another order."""


def money(symbols: Sequence[Symbol]) -> dict[str, Decimal]:
    """What an account has at first."""
    amounts = (Decimal(20), Decimal(300))
    bases: dict[str, Decimal] = {
        one.base: amount for one, amount in zip(symbols, amounts, strict=True)
    }
    return {symbols[0].quote: Decimal(1_000_000), **bases}


def tier_of(venue: Venue) -> str:
    """The last class of customers, which may do most."""
    assert venue.private is not None
    return list(venue.private.tiers)[-1]


STOP_TYPES = [one for one in OrderType if one.is_triggered and one.value != "trailing_stop_limit"]


class Day(Struct):
    """What one seed's hour came to."""

    seed: int
    events: int
    compared: int
    fills: int
    entries: int
    asked: int
    refused: int
    twice: int
    faults: dict[str, int]
    digest: str


def script(random: Random, length_s: float) -> str:
    """Faults of frames all the time, and one of each greater kind somewhere."""
    faults = [f"{kind}=0.002" for kind in ("drop", "duplicate", "reorder", "delay")]
    faults += [f"hangup@{random.uniform(0, length_s):.3f}s" for _ in range(6)]
    faults += [
        f"{kind}@{random.uniform(0, length_s):.3f}s+{random.uniform(5, 40):.3f}s"
        for kind in ("silence", "freeze", "refuse", "refuse:503", "maintenance")
    ]
    return ",".join(faults)


class Trader:
    """Somebody who trades without much sense, and does not wait for one answer to ask again."""

    def __init__(self, exchange: SimulatedExchange, random: Random) -> None:
        self._symbols = exchange.symbols
        self.asked = 0
        self.refused = 0
        self._exchange = exchange
        self._random = random

    async def act(self, desk: OrderDesk) -> None:
        """Ask for something; a refusal of any kind is a fine answer."""
        self.asked += 1
        random, first = self._random, self._symbols[0]
        orders = [one for one in desk.open_orders() if one.is_ours]
        chance = random.random()
        try:
            if orders and chance < 0.2:
                await desk.cancel(random.choice(orders).client_order_id, timeout_s=3)
            elif orders and chance < 0.35:
                await desk.amend(self._amend(random.choice(orders)), timeout_s=3)
            elif chance < 0.37:
                await desk.cancel_all(timeout_s=3)
            elif chance < 0.42:
                batch = [self._request(first) for _ in range(3)]
                await desk.place_batch([one for one in batch if not one.trigger], timeout_s=3)
            else:
                symbol = random.choice(self._symbols)
                await desk.place(self._request(symbol), timeout_s=3)
        except FluxumError:
            self.refused += 1

    def nonsense(self) -> Command:
        """What no venue can be asked."""
        return CancelBatch()

    def _amend(self, order: Order) -> Amend:
        quantity = (order.quantity or Decimal(1)) / 2
        return Amend(
            client_order_id=order.client_order_id,
            quantity=max(order.filled, quantity.quantize(Decimal("0.00000001"))),
        )

    def _stop(self, symbol: Symbol) -> OrderRequest:
        """An order that waits for a price near the last one."""
        random = self._random
        kind = random.choice(STOP_TYPES)
        is_spot = not symbol.contract
        side = random.choice((Side.BUY, Side.SELL))
        if kind is OrderType.TRAILING_STOP:
            side = Side.SELL if is_spot else side
            trigger, limit = Trigger(Decimal(random.randint(1, 20)) / 100, PriceKind.PERCENT), None
        else:
            last = self._exchange.market(symbol).last_price
            tick = self._exchange.market(symbol).instrument.tick
            assert last is not None
            away = Decimal(random.randint(1, 20)) / 10_000
            at = last * (1 + away if rises(side, kind) else 1 - away) // tick * tick
            trigger, limit = Trigger(at), at if kind.has_limit else None
        return OrderRequest(
            symbol=symbol,
            side=side,
            order_type=kind,
            quantity=Decimal(random.randint(1, 50)) / 100,
            limit_price=limit,
            trigger=trigger,
        )

    def _request(self, symbol: Symbol) -> OrderRequest:
        random = self._random
        if self._exchange.venue.name in STOPS and random.random() < 0.3:
            return self._stop(symbol)
        side = random.choice((Side.BUY, Side.SELL))
        quantity = Decimal(random.randint(1, 50)) / 100
        is_at_market = random.random() < 0.25
        best = next(iter(self._exchange.levels(symbol, side, 1)), None)
        if is_at_market or best is None:  # a side may be taken empty
            return OrderRequest(
                symbol=symbol, side=side, order_type=OrderType.MARKET, quantity=quantity
            )
        away = Decimal(random.randint(-3, 20)) / 10_000
        price = best.price * (1 - away if side is Side.BUY else 1 + away)
        tick = next(one.tick for one in self._exchange.instruments() if one.symbol == symbol)
        return OrderRequest(
            symbol=symbol,
            side=side,
            quantity=quantity,
            limit_price=(price // tick) * tick,
            time_in_force=random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)),
        )


class Killed(Exception):
    """The process is no more."""


class World:
    """What a day is made of."""

    def __init__(self, seed: int, random: Random, venue: Venue) -> None:
        self.venue = venue
        self.clock = SimulatedClock()
        self.random = random
        self.readers: list[Pipe[Event]] = []
        """What reads the sessions; a stream that is not held any more closes itself."""
        self.plan = Plan(
            parse_faults(script(random, PHASES * (PHASE_S + CALM_S))), Random(f"plan {seed}")
        )
        symbols = SYMBOLS[venue.name]
        self.exchange = SimulatedExchange(
            venue, symbols, seed=seed, clock=self.clock, rate_per_s=2.0, faults=self.plan
        )
        self.start_ns = self.clock.now_ns() - 10**9
        self.digest = hashlib.sha256()
        account = self.exchange.open_account(
            KEY, SECRET, money(symbols), tier=tier_of(venue), passphrase=PASSPHRASE
        )
        self.truth = Truth(self.exchange, account)


def make_session(world: World, life: int) -> Session:
    session = Session(
        world.venue,
        dial=world.exchange.dial,
        clock=world.clock,
        random=Random(f"session {life}"),
        http=world.exchange,
        account_config=AccountConfig(
            KEYS,
            tier=tier_of(world.venue),
            since_ns=world.start_ns,
            symbols=SYMBOLS[world.venue.name],
        ),
    )

    def look(event: Event) -> bool:
        world.digest.update(encode_event(event))
        return world.truth.look(event)

    world.readers.append(
        session._processor.bus.subscribe(look, capacity=1, overflow=Overflow.RAISE)
    )
    return session


async def live(world: World, trader: Trader, journal: MemoryOrderJournal, life: int) -> None:
    """One life of a process, which ends well or, as often as not, in the middle."""
    random, truth = world.random, world.truth
    dies_at = random.randrange(40, 200) if life < PHASES - 1 and random.random() < 0.5 else None
    async with make_session(world, life) as session:
        session.subscribe(
            Subscription(Channel.EXECUTION),
            Subscription(Channel.BALANCE),
            Subscription(Channel.INSTRUMENT),
        )
        truth.begin_again()
        ledger = Ledger()
        world.readers.append(
            session._processor.bus.subscribe(
                lambda event: bool(ledger.apply(event)) and False,
                capacity=1,
                overflow=Overflow.RAISE,
            )
        )
        names = Random(f"names {life} {random.random()}")
        desk = OrderDesk(
            session.account,
            journal,
            random=names,
            rules=session.account.rules,
            limits=RiskLimits(collar_percent=None),  # there is no book to hold anything against
        )
        async with desk, background() as work:
            end_s = asyncio.get_running_loop().time() + PHASE_S
            count = 0
            while asyncio.get_running_loop().time() < end_s:
                await asyncio.sleep(random.expovariate(0.5))
                work.start(trader.act(desk), name="trader")
                mishap(world.exchange, random)
                count += 1
                if count == dies_at:
                    raise Killed
            await calm(world, session, desk)
            truth.compare(session)
            truth.compare_desk(desk)
            assert not world.readers[-1].is_closed
            truth.compare_ledger(ledger)
            assert session.statistics().sums_close
            assert desk.statistics().sums_close


async def live_a_day(seed: int, venue: Venue) -> Day:
    """One account at one exchange; raises AssertionError when anything is not as it must be."""
    random = Random(f"account day {seed}")
    world = World(seed, random, venue)
    exchange = world.exchange
    async with exchange:
        trader = Trader(exchange, random)
        journal = MemoryOrderJournal()
        for life in range(PHASES):
            with suppress(Killed):
                await live(world, trader, journal, life)
        assert world.truth.compared > 0
    return Day(
        seed=seed,
        events=world.truth.events,
        compared=world.truth.compared,
        fills=len(world.truth.fills),
        entries=len(world.truth.entries),
        asked=trader.asked,
        refused=trader.refused,
        twice=world.truth.twice,
        faults={kind.value: count for kind, count in sorted_faults(exchange.injected)},
        digest=world.digest.hexdigest(),
    )


def mishap(exchange: SimulatedExchange, random: Random) -> None:
    """What goes wrong with accounts only."""
    chance = random.random()
    if chance < 0.01:
        exchange.lose_next_ack()
    elif chance < 0.015:
        exchange.expire_tokens()
    elif chance < 0.02:
        exchange.limit_calls(random.uniform(1, 30))
    elif chance < 0.025:
        exchange.cut_next_command()


class Plan(FaultPlan):
    """Faults that can rest."""

    is_resting = False

    def strike(self, frame: bytes, elapsed_s: float) -> Fault | None:
        return None if self.is_resting else super().strike(frame, elapsed_s)

    def refusal(self) -> Fault | None:
        return None if self.is_resting else super().refusal()

    def roll_fault(self, order_fault: OrderFault, elapsed_s: float) -> bool:
        return not self.is_resting and super().roll_fault(order_fault, elapsed_s)


async def calm(world: World, session: Session, desk: OrderDesk) -> None:
    """Faults rest; a line of the account and ended orders make holes show; all gets settled."""
    world.plan.is_resting = True
    account = world.truth.account
    await session.wait_ready(300)
    account.deposit({world.exchange.symbols[0].quote: Decimal(1)})
    account.cancel_all()
    await asyncio.sleep(CALM_S)
    await desk.wait_reconciled(600)
    while not session.account.is_following:  # a hang-up may still fall into the calm
        await session.wait_ready(300)
        await desk.wait_reconciled(600)
        await asyncio.sleep(1.0)
    # What still rests may be filled in the calm: its lines are looked up two seconds later.
    while world.clock.now_ns() - world.truth.moved_ns < 5 * 10**9:  # noqa: ASYNC110 - no event
        await asyncio.sleep(1.0)
    world.plan.is_resting = False


def sorted_faults(injected: Counter[FaultKind]) -> list[tuple[FaultKind, int]]:
    """Counts in a fixed order."""
    return sorted(injected.items(), key=lambda item: item[0].value)


def day(seed: int, venue: str = "kraken") -> Day:
    """A whole hour on a loop of its own."""
    gc.collect()
    return run(live_a_day(seed, find_venue(venue)))


def main() -> int:
    """Live through seeds side by side; the exit status is 1 when any fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, from 1 on")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--venue", choices=SYMBOLS, default="kraken", help="the exchange")
    wishes = parser.parse_args()
    seeds = [wishes.seed] if wishes.seed is not None else range(1, wishes.seeds + 1)
    started = time.perf_counter()
    failed: list[int] = []
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(2) as pool:
        futures = {seed: pool.submit(day, seed, wishes.venue) for seed in seeds}
        for seed, future in futures.items():
            try:
                one = future.result()
            except BaseException as error:  # noqa: BLE001 - told, and counted as failed
                print(f"seed {seed} FAILED: {type(error).__name__}: {error}")
                failed.append(seed)
                continue
            total.update(
                seeds=1,
                events=one.events,
                compared=one.compared,
                fills=one.fills,
                entries=one.entries,
                asked=one.asked,
                refused=one.refused,
            )
            total.update({f"fault {kind}": count for kind, count in one.faults.items()})
            if wishes.seed is not None:
                print(one)
    print(", ".join(f"{count} {name}" for name, count in total.items()))
    print(f"{time.perf_counter() - started:.1f} s; failed seeds: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
