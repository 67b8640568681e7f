"""Tests of `venues.server.streams`: how far one client's stream has come."""

from worlds import play

from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.streams import TradeCursor, last_trade_id

BTC = Symbol("BTC/USD")


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
