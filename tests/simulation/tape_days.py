"""A bot beside a live session in simulated hours with every fault, and again from the tape.

Run as a program: `tape_days.py --seeds 200` or `tape_days.py --seed 7 --venue okx`. Every seed is a
virtual hour of its own, recorded; the tape is prepared, and a back-test over its columns must make
the same decisions, to the hash, as the bot did live. The bot decides at every event it receives:
it notes the kind of the event, whether the book is valid, and its mid. What a live session finds
out by waiting alone (`DataStale`) is on no tape: such a decision is compared as left out of both.

With `--trades` it is a market maker on paper, whose journal has what its account sent. It is
stepped again through journal and tape, and the sums of its report must close in all three worlds.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from days import CHECKSUMMED, script
from msgspec import Struct

from fluxum.back.backtest import backtest
from fluxum.back.prepare import prepare
from fluxum.bot import BotEvent, Intent, Market, Note, Remembered, Strategy, View, Want
from fluxum.bot import run as run_bot
from fluxum.bot.books import Books
from fluxum.bot.compare import compare as compare_run
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import Step
from fluxum.bot.journal import read_lines
from fluxum.bot.strategies.maker import Maker
from fluxum.connect import connect
from fluxum.flow.pipe import Overflow
from fluxum.model.event import Channel, DataStale, Event, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.paper_trader import PaperTerms, paper_trader_of
from fluxum.replay import Replay
from fluxum.report.files import read_run
from fluxum.report.numbers import run_numbers
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape import TapeRecorder, TapeWriter, recording, recording_calls
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

HOUR_S = 3600.0
SIZE, NEAR_BPS = Decimal("0.05"), Decimal("0.2")
CLEAN_S = 30.0
"""How long the session has to open its books, before the first fault."""


class Observer(Strategy, kw_only=True):
    """Notes what it receives and what it sees then, at every event."""

    markets: list[Market]
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        kinds = ("book", "trade")
        return [Want(market, kind) for market in self.markets for kind in kinds]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        self.seen += 1
        kind = type(event).__name__
        if not isinstance(event, BookSnapshot | BookUpdate):
            return [Note(kind, event.received_ns)]
        book = view.book(Market(event.venue, event.symbol))
        return [Note(kind, event.received_ns), Note("mid", book.mid if book.is_valid else None)]


class Compared(Struct):
    """One seed's hour: how many decisions, and the first place where live and tape differ."""

    seed: int
    venue: str
    decisions: int
    stale: int
    gaps: int
    difference: str
    fills: int = 0


def compare(
    seed: int, venue: str = "kraken", length_s: float = HOUR_S, rate: float = 2.0, faults: str = ""
) -> Compared:
    """Live with faults, every kind of them unless they are given, then from the tape."""
    gc.collect()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tape.jsonl.gz"
        live: list[str] = []
        is_checksummed = venue in CHECKSUMMED
        faults = faults or script(Random(f"day {seed}"), length_s, is_checksummed=is_checksummed)
        plan = FaultPlan(parse_faults(faults), Random(f"plan {seed}"))
        stale = run(_live(VENUES[venue], seed, length_s, rate, path, live, plan))
        columns = prepare(path, Path(folder) / "tape.cols")
        markets = _markets(VENUES[venue])
        backtest(Observer(markets=markets), columns, out=Path(folder) / "run")
        tape = (Path(folder) / "run" / "decisions.jsonl").read_text().splitlines()
        return Compared(
            seed=seed,
            venue=venue,
            decisions=len(live),
            stale=stale,
            gaps=len(columns.provenance.gaps),
            difference=_difference(live, tape),
        )


def trade(
    seed: int, venue: str = "kraken", length_s: float = HOUR_S, rate: float = 2.0
) -> Compared:
    """A market maker on paper with every kind of fault, then again from its journal and tape."""
    gc.collect()
    with TemporaryDirectory() as name:
        folder = Path(name)
        faults = script(Random(f"day {seed}"), length_s, is_checksummed=venue in CHECKSUMMED)
        plan = FaultPlan(parse_faults(faults), Random(f"plan {seed}"))
        market = _markets(VENUES[venue])[0]
        maker = Maker(market=market, size=SIZE, held_max=SIZE * 10, half_spread_bps=NEAR_BPS)
        run(_traded(VENUES[venue], maker, seed, length_s, rate, folder, plan))
        head, lines = read_lines(folder / "decisions.jsonl")
        tape = Replay(folder / "tape.jsonl.gz")
        found = compare_run(head, lines, maker, (one for each in tape for one in each.events))
        facts = read_run(folder)
        wrong = [*map(str, found.differences[:1]), *run_numbers(facts).findings]
        wrong += [f"{found.unreached} not reached"] * bool(found.unreached)
        fills = sum(len(one.fills.expected) for one in facts.orders)
        return Compared(
            seed=seed,
            venue=venue,
            decisions=found.decisions,
            stale=0,
            gaps=len(facts.gaps),
            difference="; ".join(wrong)[:900],
            fills=fills,
        )


async def _traded(
    venue: Venue,
    strategy: Maker,
    seed: int,
    length_s: float,
    rate: float,
    folder: Path,
    plan: FaultPlan,
) -> None:
    clock, symbol = SimulatedClock(), strategy.market.symbol
    exchange = SimulatedExchange(
        venue, venue.sample_symbols, seed=seed, clock=clock, rate_per_s=rate, faults=plan,
        resolution_ns=1_000_000,
    )  # fmt: skip
    kinds = (Channel.BOOK, Channel.TRADE)
    terms = PaperTerms(deposit={symbol.base: 100, symbol.quote: 10_000_000})
    async with exchange:
        runtime = SimulatedRuntime(exchange, clock=clock, seed=seed)
        with TapeWriter(folder / "tape.jsonl.gz", venue.name, clock) as tape:
            async with connect(venue, runtime=runtime, recorder=TapeRecorder(tape)) as session:
                session.subscribe(
                    *(Subscription(kind, symbol) for kind in kinds),
                    Subscription(Channel.INSTRUMENT),
                )
                async with paper_trader_of(session, [symbol], runtime, terms) as trader:
                    traders = {venue.name: trader}
                    async with run_bot(
                        strategy, traders, journal=folder, runtime=runtime, mode="paper"
                    ):
                        await asyncio.sleep(length_s - CLEAN_S)


def _markets(venue: Venue) -> list[Market]:
    return [Market(venue.name, symbol) for symbol in venue.sample_symbols[:2]]


def _difference(live: list[str], tape: list[str]) -> str:
    for number, (one, other) in enumerate(zip(live, tape, strict=False)):
        if one != other:
            return f"decision {number}: live {one[:300]}, tape {other[:300]}"
    return "" if len(live) == len(tape) else f"{len(live)} live, {len(tape)} from the tape"


async def _live(
    venue: Venue,
    seed: int,
    length_s: float,
    rate: float,
    path: Path,
    decided: list[str],
    plan: FaultPlan,
) -> int:
    """A session with faults, recorded, and a bot; returns how often a stream was stale."""
    clock = SimulatedClock()
    exchange = SimulatedExchange(
        venue, venue.sample_symbols, seed=seed, clock=clock, rate_per_s=rate, faults=plan,
        resolution_ns=1_000_000,
    )  # fmt: skip
    markets = _markets(venue)

    def keep(step: Step) -> None:
        if step.decision:
            decided.append(step.decision)

    engine = Engine(Observer(markets=markets), Books(markets), keep=keep)
    stale = 0

    def receive(event: Event) -> bool:
        nonlocal stale
        if isinstance(event, DataStale):
            stale += 1
        else:
            engine.step(event)
        return False

    async with exchange:
        with TapeWriter(path, venue.name, clock) as tape:
            session = Session(
                venue,
                dial=recording(exchange.dial, tape),
                clock=clock,
                random=Random(f"session {seed}"),
                http=recording_calls(exchange, tape),
            )
            reader = session._processor.bus.subscribe(receive, capacity=1, overflow=Overflow.RAISE)
            async with session:
                kinds = [kind for kind in (Channel.BOOK, Channel.TRADE) if kind in venue.routes]
                session.subscribe(
                    *[Subscription(kind, one.symbol) for one in markets for kind in kinds]
                )
                await asyncio.sleep(length_s)
            assert reader.is_closed
    return stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--venue", default="", help="one exchange; all of them by turns if empty")
    parser.add_argument("--seconds", type=float, default=HOUR_S)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--trades", action="store_true", help="a market maker on paper")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    seeds = range(asked.seeds) if asked.seed is None else [asked.seed]
    venues = [asked.venue] if asked.venue else sorted(VENUES)
    tasks = [(seed, venues[seed % len(venues)], asked.seconds, asked.rate) for seed in seeds]
    begun = time.perf_counter()
    found: list[Compared] = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for one in pool.map(_trade if asked.trades else _compare, tasks):
            found.append(one)
            if one.difference:
                print(f"seed {one.seed} {one.venue}: {one.difference}", flush=True)
    hours = len(found) * asked.seconds / HOUR_S
    different = sum(bool(one.difference) for one in found)
    by_venue = Counter(one.venue for one in found)
    print(
        f"{hours:.0f} simulated hours at {len(by_venue)} exchanges,"
        f" {sum(one.decisions for one in found):,} decisions, {sum(one.gaps for one in found):,}"
        f" gaps, {sum(one.fills for one in found):,} fills,"
        f" {sum(one.stale for one in found):,} times stale: {different} hours differ;"
        f" {time.perf_counter() - begun:.0f} s"
    )
    return 1 if different else 0


def _compare(task: tuple[int, str, float, float]) -> Compared:
    return compare(*task)


def _trade(task: tuple[int, str, float, float]) -> Compared:
    return trade(*task)


if __name__ == "__main__":
    sys.exit(main())
