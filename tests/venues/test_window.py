"""What a book's subscriber was told, and what is left to tell."""

from collections.abc import Sequence
from decimal import Decimal

from worlds import play

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.book_diff import BookWindow

BTC = Symbol("BTC/USD")


def test_laying_the_changes_over_the_whole_gives_the_window_again() -> None:
    async def story() -> None:
        follow_two_windows()

    play(story)


def follow_two_windows() -> None:
    exchange = SimulatedExchange(KRAKEN, [BTC], seed=3, clock=SimulatedClock())
    for depth in (5, None):
        window = BookWindow(exchange, BTC, depth)
        bids, asks = window.whole()
        held = [{one.price: one.quantity for one in side} for side in (bids, asks)]
        told = 0
        for _ in range(300):
            before = window.revision
            exchange.step(BTC)
            changes = window.changes()
            assert window.revision > before
            if changes is None:
                continue
            told += 1
            for side, levels in zip(held, changes, strict=True):
                lay(side, levels)
            for side, kind in zip(held, (Side.BUY, Side.SELL), strict=True):
                truth = exchange.levels(BTC, kind, depth or 1_000_000)
                assert side == {one.price: one.quantity for one in truth}
        assert told > 50
        assert window.changes() is None


def lay(side: dict[Decimal, Decimal], levels: Sequence[Level]) -> None:
    for level in levels:
        if level.quantity:
            side[level.price] = level.quantity
        else:
            del side[level.price]
