"""A bot decides the same live and from its tape: simulated hours with faults, at six exchanges.

    python tests/simulation/bot_days.py [--hours 34] [--venue NAME] [--seed 1]

Each hour is a run with an account, its journal and the tape of its session, at a market with every
kind of fault (see `days.py`). The engine is then stepped again through journal and tape: no
decision may differ.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from account_days import KEY, PASSPHRASE, SECRET, SYMBOLS, money, tier_of
from days import CHECKSUMMED, script
from msgspec import Struct

from fluxum import Channel, Credentials, MemoryOrderJournal, Subscription, connect
from fluxum.bot import (
    BotEvent,
    BotLimits,
    Intent,
    Level,
    Market,
    Quote,
    Remembered,
    Strategy,
    View,
    Want,
)
from fluxum.bot import run as run_bot
from fluxum.bot.compare import Comparison, compare
from fluxum.bot.journal import read_lines
from fluxum.errors import FluxumError
from fluxum.replay import Replay
from fluxum.session.account_config import AccountConfig
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape.recording import TapeRecorder
from fluxum.tape.writer import TapeWriter
from fluxum.trader import ACCOUNT_CHANNELS, trader_of
from fluxum.venues.register import find_venue

CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.INSTRUMENT)
HOUR_S = 3600.0
VENUES = ("kraken", "binance", "bybit", "okx", "coinbase", "gemini")
LIMITS = BotLimits(commands_per_second_max=None)


class Follower(Strategy, kw_only=True):
    """Quotes both sides of the middle, on the whole, whenever the market has moved."""

    market: Market
    size: Decimal = Decimal("0.01")
    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want]:
        return [Want(self.market, "book"), Want(self.market, "trade")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.seen += 1
        book = view.book(self.market)
        if not book.is_valid or book.mid is None:
            return []
        middle, one = book.mid.quantize(Decimal(1)), Decimal(1)
        return [Quote(self.market, Level(middle - one, self.size), Level(middle + one, self.size))]


class Hour(Struct):
    """What one hour came to."""

    venue: str
    seed: int
    decisions: int
    differing: int
    unreached: int
    first: str


def live(name: str, seed: int, length_s: float, folder: Path) -> Path:
    """Run the bot for so long; returns the tape."""
    venue, symbol = find_venue(name), SYMBOLS[name][0]
    faults = script(Random(f"bot {name} {seed}"), length_s, is_checksummed=name in CHECKSUMMED)
    plan = FaultPlan(parse_faults(faults), Random(f"plan {seed}"))
    tape = folder / "tape.jsonl.gz"
    keys = AccountConfig(
        Credentials(KEY, SECRET, PASSPHRASE), tier=tier_of(venue), symbols=(symbol,)
    )

    async def story() -> None:
        clock = SimulatedClock()
        async with SimulatedExchange(
            venue, [symbol], seed=seed, clock=clock, rate_per_s=2.0, faults=plan
        ) as exchange:
            exchange.open_account(
                KEY, SECRET, money(SYMBOLS[name]), tier=tier_of(venue), passphrase=PASSPHRASE
            )
            runtime = SimulatedRuntime(exchange, clock=clock, seed=seed)
            with TapeWriter(tape, name, runtime.clock) as writer:
                async with connect(
                    name,
                    [symbol],
                    CHANNELS,
                    runtime=runtime,
                    account_config=keys,
                    recorder=TapeRecorder(writer),
                ) as session:
                    session.subscribe(*map(Subscription, ACCOUNT_CHANNELS))
                    await session.wait_ready(600)
                    async with (
                        trader_of(session, MemoryOrderJournal(), runtime) as trader,
                        run_bot(
                            Follower(market=Market(name, symbol)),
                            {name: trader},
                            limits=LIMITS,
                            journal=folder,
                            runtime=runtime,
                        ) as made,
                    ):
                        await asyncio.sleep(length_s)
                        assert not made.engine.failed, made.engine.failed

    run(story())
    return tape


def compared(name: str, folder: Path, tape: Path) -> Comparison:
    """The run again, through its journal and its tape."""
    head, lines = read_lines(folder / "decisions.jsonl")
    events = (event for moment in Replay(tape).moments() for event in moment.events)
    return compare(head, lines, Follower(market=Market(name, SYMBOLS[name][0])), events)


def hour(length_s: float, wished: tuple[str, int]) -> Hour:
    """One hour, run and compared."""
    name, seed = wished
    with TemporaryDirectory() as place:
        folder = Path(place)
        try:
            found = compared(name, folder, live(name, seed, length_s, folder))
        except (FluxumError, AssertionError) as error:
            return Hour(name, seed, 0, 1, 0, f"{type(error).__name__}: {error}")
    first = str(found.differences[0])[:600] if found.differences else ""
    return Hour(name, seed, found.decisions, found.differing, found.unreached, first)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=34, help="at each exchange")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seconds", type=float, default=HOUR_S, help="of one hour")
    parser.add_argument("--venue", choices=VENUES, action="append")
    wishes = parser.parse_args()
    begun, bad = time.perf_counter(), 0
    with ProcessPoolExecutor(2) as pool:
        for name in wishes.venue or VENUES:
            seeds = range(wishes.seed, wishes.seed + wishes.hours)
            ran = list(pool.map(partial(hour, wishes.seconds), [(name, seed) for seed in seeds]))
            wrong = [one for one in ran if one.differing or one.unreached or not one.decisions]
            bad += len(wrong)
            decisions, differing = (
                sum(getattr(one, what) for one in ran) for what in ("decisions", "differing")
            )
            print(
                f"{name}: {len(ran)} hours, {decisions} decisions, {differing} differ", flush=True
            )
            for one in wrong:
                print(f"  {one}")
    print(f"{time.perf_counter() - begun:.0f} s; {bad} hours are wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
