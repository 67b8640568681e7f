"""Both halves together: whatever is offered is asked for, accepted and understood."""

from collections.abc import Sequence

import pytest

from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.okx.server.link import OkxServer
from fluxum.venues.okx.server.rest import OkxRest
from fluxum.venues.okx.venue import OKX
from fluxum.venues.venue import Fetch, Send

BTC, UNI = Symbol("BTC/USDT"), Symbol("UNI/USD:PERP")
NOW = 1_790_358_506_844 * 1_000_000


class Stopped:
    """A clock that shows one instant."""

    def now_ns(self) -> int:
        return NOW


class Pair:
    """A protocol and a server that hear each other at once."""

    def __init__(self, endpoint: str) -> None:
        self.exchange = SimulatedExchange(
            OKX, (BTC, UNI), seed=1, clock=Stopped(), resolution_ns=1_000_000
        )
        self.protocol = OkxProtocol()
        self.server = OkxServer(self.exchange, endpoint)
        self.rest = OkxRest(self.exchange)
        self.server.opened(NOW)

    def acknowledge(self) -> list[Event]:
        """Let both speak until neither has anything to say."""
        events: list[Event] = []
        while self.protocol.outbox:
            effect = self.protocol.outbox.popleft()
            if isinstance(effect, Send):
                events += self._read(self.server.receive(effect.frame, NOW))
            elif isinstance(effect, Fetch):
                body = self.rest.answer(effect, NOW).body
                events += self.protocol.receive_response(effect, body, NOW)
        return events

    def step(self, symbol: Symbol) -> list[Event]:
        self.exchange.step(symbol)
        return self._read(self.server.publish(symbol, NOW))

    def _read(self, words: Sequence[object]) -> list[Event]:
        events: list[Event] = []
        for word in words:
            assert isinstance(word, bytes), word
            events += self.protocol.receive(word, NOW)
        return events


def offers() -> list[Subscription]:
    wanted: list[Subscription] = []
    for channel in (one for one in OKX.routes if one not in OKX.needs_token):
        if channel is Channel.INSTRUMENT:
            wanted.append(Subscription(channel))
            continue
        depths = OKX.depths.get(channel, (None,))
        intervals = OKX.intervals_s if channel is Channel.CANDLE else (None,)
        wanted += [
            Subscription(channel, symbol, depth, interval_s)
            for symbol in (BTC, UNI)
            for depth in depths
            for interval_s in intervals
        ]
    return wanted


KINDS: dict[Channel, tuple[type, ...]] = {
    Channel.BOOK: (BookSnapshot,),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument, Instrument),
}


@pytest.mark.parametrize("wanted", offers(), ids=str)
def test_whatever_is_offered_is_accepted_and_begins_at_once(wanted: Subscription) -> None:
    pair = Pair(OKX.routes[wanted.channel])
    pair.protocol.subscribe([OKX.with_defaults(wanted)])

    accepted, *data = pair.acknowledge()

    assert accepted == Subscribed(venue="okx", subscription=wanted, received_ns=NOW)
    assert tuple(type(event) for event in data) == KINDS[wanted.channel]
    assert not pair.protocol.unanswered()


def test_defaults_are_400_levels_and_candles_of_a_minute() -> None:
    assert OKX.with_defaults(Subscription(Channel.BOOK, BTC)).depth == 400
    assert OKX.with_defaults(Subscription(Channel.CANDLE, BTC)).interval_s == 60


def test_a_market_that_is_not_listed_is_refused_and_no_other() -> None:
    pair = Pair("public")
    unknown = Subscription(Channel.BOOK, Symbol("NO/SUCH"), 400)
    known = Subscription(Channel.BOOK, UNI, 400)
    pair.protocol.subscribe([unknown, known])

    events = pair.acknowledge()

    assert [type(event) for event in events] == [Refused, Subscribed, BookSnapshot]
    assert isinstance(events[0], Refused)
    assert events[0].subscription == unknown


def test_a_book_is_followed_unbroken_through_a_resync() -> None:
    pair = Pair("public")
    book = Subscription(Channel.BOOK, BTC, 400)
    pair.protocol.subscribe([book])
    pair.acknowledge()
    published = [event for _ in range(200) for event in pair.step(BTC)]
    pair.protocol.resync(book)
    again = pair.acknowledge()
    published += [event for _ in range(200) for event in pair.step(BTC)]

    assert [type(event) for event in again] == [BookSnapshot]
    assert {type(event) for event in published} == {BookUpdate}
    assert pair.protocol.sequence.steps == len(published) > 100
    assert pair.protocol.sequence.breaks == 0


def test_a_ping_is_answered() -> None:
    pair = Pair("business")
    pair.protocol.ping()

    assert pair.acknowledge() == []
