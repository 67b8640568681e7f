"""Simulated hours with every kind of fault, and checkers after every event.

Run as a program: `days.py --seeds 200` or `days.py --seed 7`. Every seed is a virtual hour of its
own: markets, faults and the user's own comings and goings follow from it.
"""

import argparse
import gc
import hashlib
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import Random

from msgspec import Struct, structs

from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.codec import encode_event
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    LinkLost,
    MarketEvent,
    Resynced,
    StateChange,
    Subscription,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.session.readiness import is_lawful
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultKind, FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

HOUR_S = 3600.0
HEALED_WITHIN_S = 120.0
LINK_AGE_S = 400.0
"""Links are replaced this often, make before break, whatever the venue itself allows."""
CHECKSUMMED = frozenset({"kraken"})
"""Where one wrong digit is found out; elsewhere a frame that is damaged is cut off."""
NUMBERED_BY_LINK = frozenset({"coinbase"})
"""Where one lost frame puts all streams of a link in doubt, and not one book."""
UNPROVED = frozenset({"coinbase-exchange", "gemini-v2"})
"""Where nothing vouches for a book, so that it is never called valid."""
_KINDS = (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)
_DEPTH = 10


# Each can break one book once; a frame that only comes twice or late breaks none.
_BREAKING = (FaultKind.DROP, FaultKind.REORDER, FaultKind.CORRUPT, FaultKind.CUT)


class Day(Struct):
    """What one seed's hour came to."""

    seed: int
    venue: str
    events: int
    checks: int
    desyncs: int
    reconnects: int
    replaced: int
    gaps: int
    faults: dict[str, int]
    digest: str


class Checker:
    """Looks at every event the moment it is published, when the books are as it left them."""

    def __init__(self, session: Session, exchange: SimulatedExchange) -> None:
        self.session = session
        self.exchange = exchange
        self.reader: Pipe[Event] | None = None  # one that is not held closes itself
        self.events = 0
        self.compared = 0
        self.digest = hashlib.sha256()
        self._state = session.state
        self._told: set[Subscription] = set()  # subscriptions that spoke since they began
        self._broken: set[Subscription] = set()  # whose next data a gap must precede
        self._seen: dict[Symbol, set[str]] = {}
        self._last: dict[Symbol, int] = {}
        self._withdrawn_ns: dict[Subscription, int] = {}  # desynced and not yet whole again

    def look(self, event: Event) -> bool:
        """Check one event; always false, as nothing is to be kept."""
        self.events += 1
        self.digest.update(encode_event(event))
        if isinstance(event, StateChange):
            assert event.old is self._state, f"{event} does not follow {self._state}"
            assert event.old is event.new or is_lawful(event.old, event.new), event
            self._state = event.new
        elif isinstance(event, Desync):
            self._withdrawn_ns[event.subscription] = event.received_ns
        elif isinstance(event, Resynced):
            self._withdrawn_ns.pop(event.subscription, None)
        elif isinstance(event, LinkLost):
            self._withdrawn_ns.clear()
            routes, endpoint = self.session.venue.routes, event.link.rpartition("-")[0]
            self._broken |= {
                one
                for one in self._told & set(self.session.subscriptions)
                if routes[one.channel] == endpoint
            }
            for symbol in self.exchange.symbols:
                self._check_withdrawn(symbol)
        elif isinstance(event, Gap):
            self._broken.discard(event.subscription)
            if not event.subscription.channel.is_book:  # whose end is told by Resynced
                self._withdrawn_ns.pop(event.subscription, None)
        elif isinstance(event, MarketEvent):
            self._check_data(event)
        for subscription, since_ns in self._withdrawn_ns.items():
            waits_s = (event.received_ns - since_ns) / 1e9
            assert waits_s < HEALED_WITHIN_S, f"{subscription} is desynced for {waits_s} s"
        return False

    def forget(self, subscription: Subscription) -> None:
        """The user ended a subscription: its next data starts anew."""
        self._told.discard(subscription)
        self._broken.discard(subscription)
        self._withdrawn_ns.pop(subscription, None)
        if subscription.channel is Channel.TRADE and subscription.symbol is not None:
            self._seen.pop(subscription.symbol, None)
            self._last.pop(subscription.symbol, None)

    def _check_data(self, event: MarketEvent) -> None:
        subscription = self._subscription(event)
        if not self._is_older(event):
            assert subscription not in self._broken, f"no gap before {event}"
        self._told.add(subscription)
        if isinstance(event, BookSnapshot | BookUpdate):
            self._check_book(event.symbol)
        elif isinstance(event, Trade):
            told = self._seen.setdefault(event.symbol, set())
            assert event.trade_id not in told, f"told twice: {event}"
            told.add(event.trade_id)
            if event.sequence is not None:
                last = self._last.get(event.symbol, event.sequence)
                self._last[event.symbol] = max(last, event.sequence)

    def _is_older(self, event: MarketEvent) -> bool:
        """What was missing and is told late closes no hole: a trade, or a candle from history."""
        if isinstance(event, Candle):
            return event.backfilled
        if not isinstance(event, Trade) or event.sequence is None:
            return False
        return event.sequence < self._last.get(event.symbol, 0)

    def _check_book(self, symbol: Symbol) -> None:
        book = self.session.book(symbol)
        proof = book.proof()
        if not proof.is_valid:
            return
        assert not book.is_crossed
        depth = min(_DEPTH, _DEPTH if proof.depth_proved is None else proof.depth_proved)
        bids, asks = book.bids.top(depth), book.asks.top(depth)
        assert [level.price for level in bids] == sorted({b.price for b in bids}, reverse=True)
        assert [level.price for level in asks] == sorted({a.price for a in asks})
        our_bids = tuple((one.price, one.quantity) for one in bids)
        our_asks = tuple((one.price, one.quantity) for one in asks)
        venue_ns = book.evidence.venue_ns
        if venue_ns is None:  # the venue does not say of which instant this is
            assert self.exchange.has_shown(symbol, our_bids, our_asks), f"{symbol} never was so"
        else:
            truth = self.exchange.book_at(symbol, venue_ns)
            assert our_bids == truth.bids[:depth], f"{symbol} bids differ at {venue_ns}"
            assert our_asks == truth.asks[:depth], f"{symbol} asks differ at {venue_ns}"
        self.compared += 1

    def _check_withdrawn(self, symbol: Symbol) -> None:
        for subscription in self.session.subscriptions:
            if subscription.channel is Channel.BOOK and subscription.symbol == symbol:
                book = self.session.book(symbol)
                if self.session.statistics().links == 0:
                    assert not book.proof().is_valid
                    assert book.bid is None

    def _subscription(self, event: MarketEvent) -> Subscription:
        channel = _CHANNEL[type(event)]
        interval_s = event.interval_s if isinstance(event, Candle) else None
        symbol = None if isinstance(event, Instrument) else event.symbol
        found = [
            one
            for one in self.session.subscriptions
            if one.channel is channel and one.symbol == symbol and one.interval_s == interval_s
        ]
        assert len(found) == 1, f"nobody asked for {event}"
        return found[0]


_CHANNEL: dict[type, Channel] = {
    BookSnapshot: Channel.BOOK,
    BookUpdate: Channel.BOOK,
    Trade: Channel.TRADE,
    Ticker: Channel.TICKER,
    Candle: Channel.CANDLE,
    Instrument: Channel.INSTRUMENT,
}


def script(random: Random, length_s: float, *, is_checksummed: bool) -> str:
    """Every kind of fault at least once, at random times, and small rates of the frame faults."""
    striking = ["drop", "duplicate", "reorder", "delay", "cut"]
    if is_checksummed:
        striking.append("corrupt")
    once = [*striking, "hangup", "hangup:1012"]
    lasting = ["silence", "freeze", "refuse", "refuse:503", "maintenance"]
    faults = [f"{kind}@{random.uniform(0, length_s):.3f}s" for kind in once]
    faults += [
        f"{kind}@{random.uniform(0, length_s):.3f}s+{random.uniform(1, 90):.3f}s"
        for kind in lasting
    ]
    faults += [f"{kind}={random.choice(('0.0005', '0.001', '0.002'))}" for kind in striking]
    # A refusal shows only to who dials: hang up in the middle of one.
    faults += [f"refuse@{length_s / 2:.3f}s+60s", f"hangup@{length_s / 2 + 1:.3f}s"]
    return ",".join(faults)


async def live_a_day(venue: Venue, seed: int, length_s: float, rate_per_s: float) -> Day:
    """One session with one exchange; raises AssertionError when anything is not as it must be."""
    import asyncio

    random = Random(f"day {seed}")
    clock = SimulatedClock()
    faults = script(random, length_s, is_checksummed=venue.name in CHECKSUMMED)
    plan = FaultPlan(parse_faults(faults), Random(f"plan {seed}"))
    exchange = SimulatedExchange(
        venue,
        venue.sample_symbols,
        seed=seed,
        clock=clock,
        rate_per_s=rate_per_s,
        faults=plan,
        resolution_ns=1_000_000,
    )
    kinds = [kind for kind in _KINDS if kind in venue.routes]
    async with exchange:
        session = Session(
            venue,
            dial=exchange.dial,
            clock=clock,
            random=Random(f"session {seed}"),
            limits=structs.replace(venue.limits, link_age_s=LINK_AGE_S),
            http=exchange,
        )
        checker = Checker(session, exchange)
        checker.reader = session._processor.bus.subscribe(
            checker.look, capacity=1, overflow=Overflow.RAISE
        )
        async with session:
            slow = session.events(capacity=50)
            session.subscribe(
                *[
                    Subscription(kind, symbol)
                    for symbol in venue.sample_symbols[:2]
                    for kind in kinds
                ]
            )
            end_s = asyncio.get_running_loop().time() + length_s
            while (left_s := end_s - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(min(left_s, random.uniform(60, 600)))
                assert session.statistics().sums_close
                await act(session, checker, exchange, random)
            slow.drain()
            assert not checker.reader.is_closed, "the checker saw everything"
            # Whatever went wrong, what is still wanted heals; the frame faults never stop, so a
            # moment when nothing is amiss is enough.
            await session.wait_ready(timeout_s=600)
        statistics = session.statistics()
        assert checker.reader.is_closed
        assert statistics.sums_close
        assert statistics.links == 0
        assert session.state.value == "closed"
    assert exchange.connections == 0
    struck = sum(plan.injected[kind] for kind in _BREAKING)
    breaks = struck * (
        len(venue.sample_symbols) * len(kinds) if venue.name in NUMBERED_BY_LINK else 1
    )
    assert statistics.desyncs <= breaks, f"{statistics.desyncs} desyncs by {struck} faults"
    return Day(
        seed=seed,
        venue=venue.name,
        events=checker.events,
        checks=checker.compared,
        desyncs=statistics.desyncs,
        reconnects=statistics.reconnects,
        replaced=statistics.replaced,
        gaps=statistics.gaps,
        faults={kind.value: count for kind, count in sorted_faults(plan.injected)},
        digest=checker.digest.hexdigest(),
    )


async def act(
    session: Session, checker: Checker, exchange: SimulatedExchange, random: Random
) -> None:
    """What happens now and then: want more, want less, leave and come back, be told to go."""
    venue = session.venue
    kind = random.choice([kind for kind in _KINDS if kind in venue.routes])
    wish = venue.with_defaults(Subscription(kind, venue.sample_symbols[2]))
    if wish in session.subscriptions:
        session.unsubscribe(wish)
        checker.forget(wish)
    else:
        session.subscribe(wish)
    if random.random() < 0.1:
        await session.disconnect()
        await session.connect()
    if random.random() < 0.2:
        exchange.announce_cut()


def sorted_faults(injected: Counter[FaultKind]) -> list[tuple[FaultKind, int]]:
    """Counts in a fixed order."""
    return sorted(injected.items(), key=lambda item: item[0].value)


def day(seed: int, venue: str = "kraken", length_s: float = HOUR_S, rate: float = 2.0) -> Day:
    """A whole hour on a loop of its own; raises when anything is left behind."""
    gc.collect()
    return run(live_a_day(VENUES[venue], seed, length_s, rate))


def main() -> int:
    """Live through seeds side by side; the exit status is 1 when any fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, from 1 on")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--hours", type=float, default=1.0, help="virtual time each")
    parser.add_argument("--venue", help="only this one, instead of every one there is")
    parser.add_argument("--rate", type=float, default=2.0, help="market moves per second")
    wishes = parser.parse_args()
    seeds = [wishes.seed] if wishes.seed is not None else range(1, wishes.seeds + 1)
    started = time.perf_counter()
    failed: list[str] = []
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(2) as pool:
        for venue in [wishes.venue] if wishes.venue else VENUES:
            futures = {
                seed: pool.submit(day, seed, venue, wishes.hours * HOUR_S, wishes.rate)
                for seed in seeds
            }
            for seed, future in futures.items():
                try:
                    one = future.result()
                except BaseException as error:  # noqa: BLE001 - told, and counted as failed
                    print(f"{venue} seed {seed} FAILED: {type(error).__name__}: {error}")
                    failed.append(f"{venue} {seed}")
                    continue
                total.update(
                    seeds=1,
                    events=one.events,
                    books_compared=one.checks,
                    desyncs=one.desyncs,
                    reconnects=one.reconnects,
                    replaced=one.replaced,
                    gaps=one.gaps,
                )
                total.update({f"fault {kind}": count for kind, count in one.faults.items()})
                if wishes.seed is not None:
                    print(one)
    print(", ".join(f"{count} {name}" for name, count in total.items()))
    print(f"{time.perf_counter() - started:.1f} s; failed seeds: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
