"""One market is harmed for ever, at every feed: the others are valid, and the one is named.

Run as a program: `harm.py` or `harm.py --venue NAME --minutes 10`. The harms are by script:

calls   every REST call that names the market hangs for ten seconds and fails
list    every REST call for the list of markets hangs for ten seconds and fails
odd     every REST call that names the market is answered with what cannot be read
frames  no number in any frame that names the market can be read

Of all other streams the share of seconds is counted in which they are there and, if they are
books, as proved as the venue allows; and the share in which `missing()`, or `incomplete()` of a
list, names the harmed alone. A list of markets is of all of them, so it may always be harmed.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from random import Random

from msgspec import Struct

from fluxum.book.proof import BookStatus
from fluxum.errors import TransportError
from fluxum.model.event import CallFailed, Channel, LeftOut, Refused, Rejected, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.transport.http import Http
from fluxum.transport.link import Dial, Link
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

HARMS = ("calls", "list", "odd", "frames")
UNPROVED = frozenset({"coinbase-exchange", "gemini-v2"})
"""Where nothing vouches for a book, so that it is never called valid."""
_KINDS = (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)
_SETTLED_S = 30
_NUMBER = re.compile(rb'(?<=[\[:,])"?-?\d+\.\d+(?:[eE]-?\d+)?"?(?=[\],}])')
_LIST = re.compile(r"exchangeInfo|instruments|products(\?|$)|symbols")


class Harmed(Struct):
    """What became of one venue under one harm; shares are of seconds."""

    venue: str
    harm: str
    good: float
    named: float
    events: int
    reconnects: int
    harmed: int


class Harm:
    """Does one harm to one market, on every road it comes by."""

    def __init__(self, venue: Venue, symbol: Symbol, harm: str) -> None:
        self._name = venue.format_symbol(symbol)
        self._harm = harm
        self.count = 0

    def calls(self, http: Http) -> Http:
        return _HarmedCalls(self, http)

    def is_harmed(self, url: str) -> bool:
        if self._harm == "list":
            return _LIST.search(url) is not None
        return self._harm in {"calls", "odd"} and re.search(self._pattern, url) is not None

    async def call(self, url: str) -> bytes:
        self.count += 1
        if self._harm == "odd":
            return b'{"odd": ['
        await asyncio.sleep(10.0)
        raise TransportError(f"{url} was not answered in 10 s")

    def dial(self, dial: Dial) -> Dial:
        @asynccontextmanager
        async def harmed(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            async with dial(url, headers) as link:
                yield _HarmedLink(self, link)

        return harmed

    def frame(self, frame: bytes) -> bytes:
        if self._harm == "frames" and re.search(self._pattern.encode(), frame):
            odd = _NUMBER.sub(b'"x"', frame)
            self.count += odd is not frame and odd != frame
            return odd
        return frame

    @property
    def _pattern(self) -> str:
        """The market by its name and not as a part of another's."""
        return rf"(?i)(?<![a-z0-9]){re.escape(self._name)}(?![a-z0-9])"


class _HarmedCalls:
    def __init__(self, harm: Harm, http: Http) -> None:
        self._harm = harm
        self._http = http

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if self._harm.is_harmed(url):
            return await self._harm.call(url)
        return await self._http.call(method, url, headers, body)


class _HarmedLink:
    def __init__(self, harm: Harm, link: Link) -> None:
        self._harm = harm
        self._link = link

    async def send(self, frame: bytes) -> None:
        await self._link.send(frame)

    async def receive(self) -> bytes:
        return self._harm.frame(await self._link.receive())


def harmed_streams(
    wanted: tuple[Subscription, ...], symbol: Symbol, harm: str
) -> set[Subscription]:
    """The streams that a harm may make missing."""
    if harm == "list":
        return {one for one in wanted if one.channel is Channel.INSTRUMENT}
    if harm == "list":
        return {one for one in wanted if one.channel is Channel.INSTRUMENT}
    return {one for one in wanted if one.symbol == symbol or one.channel is Channel.INSTRUMENT}


def is_good(session: Session, venue: Venue, subscription: Subscription) -> bool:
    """Whether a stream is there and, if it is a book, as proved as it can be."""
    if any(one.subscription == subscription for one in session.missing()):
        return False
    if subscription.channel is not Channel.BOOK or subscription.symbol is None:
        return True
    status = session.book(subscription.symbol).proof().status
    can_be = BookStatus.UNVERIFIED if venue.name in UNPROVED else BookStatus.VALID
    return status is can_be


async def live(venue: Venue, harm_name: str, minutes: float) -> Harmed:
    """Live with a harm for some virtual minutes."""
    symbols = venue.sample_symbols[:3]
    victim = symbols[1]
    harm = Harm(venue, victim, harm_name)
    clock = SimulatedClock()
    exchange = SimulatedExchange(
        venue, symbols, seed=7, clock=clock, rate_per_s=10.0, resolution_ns=1_000_000
    )
    kinds = [kind for kind in _KINDS if kind in venue.routes]
    async with exchange:
        session = Session(
            venue,
            dial=harm.dial(exchange.dial),
            clock=clock,
            random=Random(7),
            http=harm.calls(exchange),
        )
        told = session.events(capacity=1_000_000)
        async with session:
            streams = [Subscription(kind, symbol) for symbol in symbols for kind in kinds]
            wanted = session.subscribe(*streams, Subscription(Channel.INSTRUMENT))
            harmed = harmed_streams(wanted, victim, harm_name)
            others = [one for one in wanted if one not in harmed]
            good = named = seconds = 0
            for second in range(int(minutes * 60)):
                await asyncio.sleep(1.0)
                good += sum(is_good(session, venue, one) for one in others)
                if second >= _SETTLED_S:
                    seconds += 1
                    found = {one.subscription for one in session.missing()}
                    found |= {one.subscription for one in session.incomplete()}
                    missing = {None if one is None else venue.whole(one) for one in found}
                    named += bool(missing) and missing <= harmed
            statistics = session.statistics()
            assert statistics.sums_close
            kinds_told = (Rejected, CallFailed, Refused, LeftOut)
            events = sum(isinstance(event, kinds_told) for event in told.drain())
    return Harmed(
        venue=venue.name,
        harm=harm_name,
        good=good / (len(others) * int(minutes * 60)),
        named=named / seconds,
        events=events,
        reconnects=statistics.reconnects,
        harmed=harm.count,
    )


def lived(venue: str, harm: str, minutes: float) -> Harmed:
    """The same on a loop of its own."""
    return run(live(VENUES[venue], harm, minutes))


def main() -> int:
    """Print a table; the exit status is 1 if any other stream was there for less than 99 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", choices=list(VENUES), help="only this one")
    parser.add_argument("--harm", choices=HARMS, help="only this one")
    parser.add_argument("--minutes", type=float, default=10.0, help="virtual time each")
    wishes = parser.parse_args()
    failed = 0
    print(f"{'venue':18} {'harm':7} {'harmed':>7} {'others':>8} {'named':>8} events reconnects")
    for venue in [wishes.venue] if wishes.venue else VENUES:
        for harm in [wishes.harm] if wishes.harm else HARMS:
            one = lived(venue, harm, wishes.minutes)
            is_idle = not one.harmed  # the venue has no such call
            is_well = one.good >= 0.99 and (is_idle or one.named >= 0.9)
            failed += not is_well
            print(
                f"{venue:18} {harm:7} {one.harmed:7} {one.good:8.2%} "
                f"{'-' if is_idle else f'{one.named:.2%}':>8} {one.events:6} {one.reconnects:10}"
                f"{'' if is_well else '  <- FAILED'}",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
