"""Tests of `venues.server.streams`: what one client was sent, and what is new."""

from collections.abc import Sequence

from worlds import play

from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.streams import (
    Change,
    ClientStreams,
    FrameStream,
    TradeCursor,
    TradeStream,
    last_trade_id,
)

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")


def test_a_cursor_passes_each_trade_once() -> None:
    async def story() -> None:
        follow_trades()

    play(story)


def follow_trades() -> None:
    exchange = SimulatedExchange(KRAKEN, [BTC], seed=3, clock=SimulatedClock())
    cursor = TradeCursor(exchange, BTC)
    first_id = cursor.last_id
    passed: list[int] = []
    for _ in range(300):
        exchange.step(BTC)
        passed += [int(one.trade_id) for one in exchange.trades(BTC, cursor.advance())]

    assert passed == list(range(first_id + 1, last_trade_id(exchange, BTC) + 1))
    assert len(passed) > 20
    assert cursor.advance() == 0


class Named:
    """A stream whose frames are its name."""

    def __init__(self, name: bytes) -> None:
        self._name = name

    def begin(self, now_ns: int) -> Sequence[bytes]:
        return ()

    def update(self, now_ns: int) -> Sequence[bytes]:
        return (self._name,)

    def tick(self, now_ns: int) -> Sequence[bytes]:
        return (self._name.upper(),)


def test_the_streams_of_one_market_publish_by_their_rank_and_those_that_ended_do_not() -> None:
    streams = ClientStreams(rank="ab".index)
    streams.open(BTC, "b", Named(b"b"))
    streams.open(BTC, "a", Named(b"a"))
    streams.open(ETH, "b", Named(b"e"))  # of another market

    assert streams.publish(BTC, 7) == [b"a", b"b"]
    assert streams.publish(Symbol("SOL/USD"), 7) == []
    assert streams.tick(7) == [b"A", b"B", b"E"]
    assert "a" in streams
    streams.close("a")
    assert "a" not in streams
    assert streams.publish(BTC, 7) == [b"b"]
    streams.open(BTC, "b", FrameStream(lambda _now_ns: b"new", lambda: True))  # which has no tick
    assert streams.publish(BTC, 7) == [b"new"]
    assert streams.tick(7) == [b"E"]


def test_a_frame_is_sent_at_once_and_with_each_change() -> None:
    state = [1]
    stream = FrameStream(lambda now_ns: b"%d at %d" % (state[0], now_ns), Change(lambda: state[0]))
    state[0] = 2

    assert stream.begin(7) == (b"2 at 7",)
    assert stream.update(8) == ()
    state[0] = 3
    assert stream.update(9) == (b"3 at 9",)


def test_trades_are_sent_once_each_behind_those_of_before() -> None:
    async def story() -> None:
        send_trades()

    play(story)


def send_trades() -> None:
    exchange = SimulatedExchange(KRAKEN, [BTC], seed=3, clock=SimulatedClock())

    def frames(trades: Sequence[Trade], _now_ns: int) -> Sequence[bytes]:
        return [one.trade_id.encode() for one in trades]

    while last_trade_id(exchange, BTC) < 5:
        exchange.step(BTC)
    first = last_trade_id(exchange, BTC)
    stream = TradeStream(exchange, BTC, frames, past=2)
    short = TradeStream(exchange, BTC, frames, count_max=3)

    assert stream.begin(7) == [b"%d" % (first - 1), b"%d" % first]
    assert short.begin(7) == ()
    while last_trade_id(exchange, BTC) < first + 10:
        exchange.step(BTC)
    last = last_trade_id(exchange, BTC)
    assert stream.update(8) == [b"%d" % one for one in range(first + 1, last + 1)]
    assert short.update(8) == [b"%d" % one for one in range(last - 2, last + 1)]
    assert stream.update(9) == ()
