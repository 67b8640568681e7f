"""Positions of an account, marked by books that may be withdrawn at any time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

from scripted import CREDENTIALS, START_S, Rest, Script, Server, fill_report, order

from fluxum.ledger.view import Position
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.portfolio import Portfolio
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.kraken.server.public import KrakenServer
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.contract import Dialled, MarketView, ServerSide, VenueServer

BTC = Symbol("BTC/USD")
BOOK = KRAKEN.with_defaults(Subscription(Channel.BOOK, BTC))
EXECUTIONS = Subscription(Channel.EXECUTION)


class World:
    def __init__(self, exchange: SimulatedExchange, session: Session, script: Script) -> None:
        self.exchange = exchange
        self.session = session
        self.script = script
        self.portfolio = Portfolio(session)

    def fill(self, name: str, **more: object) -> None:
        """Tell a buy of 1 at 100, or what `more` makes of it, over the private link."""
        private = self.exchange._connections[-1]
        private.send([self.script.servers[-1].report(fill_report(name, "O-1") | more)])


@asynccontextmanager
async def world(*wanted: Subscription) -> AsyncGenerator[World]:
    script = Script()
    script.open = [order("O-1")]

    def server(view: MarketView, dialled: Dialled) -> VenueServer:
        if dialled.endpoint == "private":
            return Server(script)
        return KrakenServer(view, dialled.endpoint)

    def rest(_view: MarketView) -> Rest:
        return Rest(script)

    side = ServerSide(link=server, rest=rest)
    clock = SimulatedClock(start_ns=START_S * 1_000_000_000)
    async with SimulatedExchange(
        KRAKEN, [BTC], seed=1, clock=clock, rate_per_s=5.0, side=side
    ) as exchange:
        session = Session(
            KRAKEN,
            dial=exchange.dial,
            clock=clock,
            random=Random(1),
            http=exchange,
            account_config=AccountConfig(CREDENTIALS, tier="pro"),
        )
        async with session:
            session.subscribe(*wanted)
            await session.wait_ready(10)
            one = World(exchange, session, script)
            async with one.portfolio:
                yield one


def position(one: World) -> Position:
    view = one.portfolio.position("BTC/USD")
    assert view is not None
    return view


def test_a_long_is_marked_at_the_best_bid_of_the_book_as_it_moves() -> None:
    async def main() -> None:
        async with world(BOOK, EXECUTIONS) as one:
            one.fill("T-1")
            for _ in range(20):
                await asyncio.sleep(1.0)
                view = position(one)
                bid = one.session.book("BTC/USD").bid
                assert bid is not None
                assert view.quantity == 1
                assert view.mark == bid.price
                # Bought at 100 with a fee of 0.26.
                assert view.profit.unrealised == bid.price - 100
                assert view.profit.total == bid.price - 100 - Decimal("0.26")

    run(main())


def test_there_is_no_mark_while_the_book_is_withdrawn() -> None:
    async def main() -> None:
        async with world(BOOK, EXECUTIONS) as one:
            one.fill("T-1")
            await asyncio.sleep(1.0)
            assert position(one).mark is not None

            one.exchange.hangup_all()
            await asyncio.sleep(0.001)
            lost = position(one)
            assert (lost.mark, lost.profit.unrealised, lost.profit.total) == (None, None, None)
            assert lost.quantity == 1

            await one.session.wait_ready(60)
            await asyncio.sleep(1.0)
            assert position(one).mark is not None

    run(main())


def test_without_a_book_there_is_a_position_without_a_mark() -> None:
    async def main() -> None:
        async with world(EXECUTIONS) as one:
            one.fill("T-1")
            await asyncio.sleep(0.1)

            assert position(one).quantity == 1
            assert position(one).mark is None

    run(main())


def test_a_stream_of_positions_begins_with_what_is_held_and_skips_to_the_latest() -> None:
    async def main() -> None:
        async with world(EXECUTIONS) as one:
            one.fill("T-1")
            await asyncio.sleep(0.1)
            positions = one.portfolio.positions("BTC/USD")
            assert (await anext(positions)).quantity == 1

            one.fill("T-2")
            await asyncio.sleep(0.1)
            one.fill("T-3", side="sell", last_qty=3)
            await asyncio.sleep(0.1)

            assert [view.quantity for view in positions.drain()] == [-1]

    run(main())


def test_a_fill_that_is_told_again_counts_once() -> None:
    async def main() -> None:
        async with world(EXECUTIONS) as one:
            one.fill("T-1")
            one.fill("T-1")
            await asyncio.sleep(0.1)

            assert position(one).quantity == 1
            assert one.session.account.following.counts.repeated == 1

    run(main())


def test_what_is_held_and_earned_includes_all_that_was_published() -> None:
    async def main() -> None:
        async with world(EXECUTIONS) as one:
            assert one.portfolio.held() == {}
            assert one.portfolio.profit() == 0

            one.fill("T-1")
            while not (one.portfolio._events and one.portfolio._events.waiting):  # noqa: ASYNC110
                await asyncio.sleep(0)  # until it is published, and no longer

            assert one.portfolio.held() == {BTC: 1}
            assert one.portfolio.profit() is None  # there is no mark
            one.portfolio.ledger.mark("kraken", BTC, Decimal(110))
            profit = one.portfolio.profit()
            assert profit is not None
            assert profit == 10 - one.portfolio.ledger.totals()[0].fees_quote
            one.portfolio.ledger.mark("kraken", Symbol("ETH/EUR"), Decimal(1))
            one.portfolio.ledger.open_with("kraken", Symbol("ETH/EUR"), Decimal(1), Decimal(1), 0)
            assert one.portfolio.profit() is None  # of dollars and euros there is no sum
            assert one.portfolio.held() == {BTC: 1, "ETH/EUR": 1}

    run(main())
