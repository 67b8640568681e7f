"""Simulated hours of an account with every kind of fault, and a judge of every event.

Run as a program: `account_days.py --seeds 200` or `--seed 7`. Somebody trades all the time; links
are lost, answers swallowed, tokens expire, calls are refused, the process is killed and comes back
to its journal. Every ten minutes it is calm for two, and what is known must be what is true.
"""

import argparse
import asyncio
import base64
import gc
import hashlib
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from decimal import Decimal
from random import Random

from msgspec import Struct
from truth import Truth

from fluxum.errors import FluxumError
from fluxum.flow.pipe import Overflow
from fluxum.model.account import Credentials
from fluxum.model.codec import encode_event
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    Command,
    OrderRequest,
    OrderType,
    Place,
    TimeInForce,
)
from fluxum.session.login import Login
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import Fault, FaultKind, FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.accounts import Mishap
from fluxum.venues.kraken.venue import KRAKEN

KEY = "planted-key-of-the-account"
SECRET = base64.b64encode(b"planted secret of the account").decode()
BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
PHASE_S, CALM_S, PHASES = 480.0, 120.0, 6
MONEY = {"USD": Decimal(1_000_000), "BTC": Decimal(20), "ETH": Decimal(300)}


class Day(Struct):
    """What one seed's hour came to."""

    seed: int
    events: int
    compared: int
    fills: int
    entries: int
    commands: int
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
    """Somebody who trades without much sense, and never waits."""

    def __init__(self, exchange: SimulatedExchange, random: Random) -> None:
        self.commands = 0
        self._exchange = exchange
        self._random = random

    def act(self, session: Session) -> None:
        """Ask for something; what is refused at once was not sent."""
        try:
            session.account.command(self._command(session))
        except FluxumError:
            return
        self.commands += 1

    def _command(self, session: Session) -> Command:
        random = self._random
        names = list(session.account.following.orders)
        chance = random.random()
        if names and chance < 0.2:
            return Cancel(order_ids=(random.choice(names),))
        if names and chance < 0.35:
            order = session.account.following.orders[random.choice(names)]
            quantity = max(order.filled, order.quantity / 2).quantize(Decimal("0.00000001"))
            return Amend(order_id=order.order_id, quantity=quantity or Decimal("0.01"))
        if chance < 0.37:
            return CancelAll()
        return Place(request=self._request())

    def _request(self) -> OrderRequest:
        random = self._random
        symbol = random.choice((BTC, ETH))
        side = random.choice((Side.BUY, Side.SELL))
        quantity = Decimal(random.randint(1, 50)) / 100
        name = f"{random.getrandbits(128):032x}"
        if random.random() < 0.25:
            return OrderRequest(
                symbol=symbol,
                side=side,
                order_type=OrderType.MARKET,
                quantity=quantity,
                client_order_id=name,
            )
        (best,) = self._exchange.levels(symbol, side, 1)
        away = Decimal(random.randint(-3, 20)) / 10_000
        price = best.price * (1 - away if side is Side.BUY else 1 + away)
        tick = next(one.tick for one in self._exchange.instruments() if one.symbol == symbol)
        return OrderRequest(
            symbol=symbol,
            side=side,
            quantity=quantity,
            limit_price=(price // tick) * tick,
            time_in_force=random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)),
            post_only=False,
            client_order_id=name,
        )


class World:
    """What a day is made of."""

    def __init__(self, seed: int, random: Random) -> None:
        self.clock = SimulatedClock()
        self.plan = Plan(
            parse_faults(script(random, PHASES * (PHASE_S + CALM_S))), Random(f"plan {seed}")
        )
        self.exchange = SimulatedExchange(
            KRAKEN, [BTC, ETH], seed=seed, clock=self.clock, rate_per_s=2.0, faults=self.plan
        )
        self.start_ns = self.clock.now_ns() - 10**9
        self.digest = hashlib.sha256()
        account = self.exchange.open_account(KEY, SECRET, MONEY, tier="pro")
        self.truth = Truth(self.exchange, account)


def make_session(world: World, life: int) -> Session:
    session = Session(
        KRAKEN,
        dial=world.exchange.dial,
        clock=world.clock,
        random=Random(f"session {life}"),
        http=world.exchange,
        login=Login(Credentials(KEY, SECRET), tier="pro", since_ns=world.start_ns),
    )

    def look(event: Event) -> bool:
        world.digest.update(encode_event(event))
        return world.truth.look(event)

    session._intake.bus.subscribe(look, capacity=1, overflow=Overflow.RAISE)
    return session


async def live_a_day(seed: int) -> Day:
    """One account at one exchange; raises AssertionError when anything is not as it must be."""
    random = Random(f"account day {seed}")
    world = World(seed, random)
    exchange = world.exchange
    async with exchange:
        trader = Trader(exchange, random)
        for life in range(PHASES):
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(make_session(world, life))
                session.subscribe(
                    Subscription(Channel.EXECUTION),
                    Subscription(Channel.BALANCE),
                    Subscription(Channel.BOOK, BTC),
                )
                world.truth.begin_again()
                end_s = asyncio.get_running_loop().time() + PHASE_S
                while asyncio.get_running_loop().time() < end_s:
                    await asyncio.sleep(random.expovariate(0.5))
                    trader.act(session)
                    mishap(exchange, random)
                await calm(world, session)
                assert session.statistics().sums_close
    return Day(
        seed=seed,
        events=world.truth.events,
        compared=world.truth.compared,
        fills=len(world.truth.fills),
        entries=len(world.truth.entries),
        commands=trader.commands,
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

    def befalls(self, mishap: Mishap, elapsed_s: float) -> bool:
        return not self.is_resting and super().befalls(mishap, elapsed_s)


async def calm(world: World, session: Session) -> None:
    """Faults rest; a line of the account and an order make holes show; then compare."""
    world.plan.is_resting = True
    account = world.truth.account
    await session.wait_ready(300)
    account.deposit({"USD": Decimal(1)})
    account.cancel_all()
    await asyncio.sleep(CALM_S)
    while not session.account.is_following:  # a hang-up may still fall into the calm
        await session.wait_ready(300)
        await asyncio.sleep(1.0)
    world.truth.compare(session)
    world.plan.is_resting = False


def sorted_faults(injected: Counter[FaultKind]) -> list[tuple[FaultKind, int]]:
    """Counts in a fixed order."""
    return sorted(injected.items(), key=lambda item: item[0].value)


def day(seed: int) -> Day:
    """A whole hour on a loop of its own."""
    gc.collect()
    return run(live_a_day(seed))


def main() -> int:
    """Live through seeds side by side; the exit status is 1 when any fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, from 1 on")
    parser.add_argument("--seed", type=int, help="only this one")
    wishes = parser.parse_args()
    seeds = [wishes.seed] if wishes.seed is not None else range(1, wishes.seeds + 1)
    started = time.perf_counter()
    failed: list[int] = []
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(2) as pool:
        futures = {seed: pool.submit(day, seed) for seed in seeds}
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
                commands=one.commands,
            )
            total.update({f"fault {kind}": count for kind, count in one.faults.items()})
            if wishes.seed is not None:
                print(one)
    print(", ".join(f"{count} {name}" for name, count in total.items()))
    print(f"{time.perf_counter() - started:.1f} s; failed seeds: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
