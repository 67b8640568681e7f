"""Orders at the simulated exchange by a clock that is not the exchange's."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest

from fluxum.errors import VenueRefused
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, OrderRequest, OrderStatus
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.order import Order
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.kraken.venue import KRAKEN

BTC = Symbol("BTC/USD")
KEY, SECRET = "key-of-the-account", base64.b64encode(b"secret of the account").decode()
SECOND_NS = 1_000_000_000


class Apart:
    """Our clock, so many seconds ahead of the exchange's."""

    def __init__(self, clock: SimulatedClock, ahead_s: int) -> None:
        self._clock = clock
        self._ahead_ns = ahead_s * SECOND_NS

    def now_ns(self) -> int:
        return self._clock.now_ns() + self._ahead_ns


@asynccontextmanager
async def desk_apart(ahead_s: int, *, is_known: bool) -> AsyncGenerator[OrderDesk]:
    clock = SimulatedClock()
    exchange = SimulatedExchange(KRAKEN, [BTC], seed=7, clock=clock, rate_per_s=0.0)
    async with exchange:
        exchange.open_account(KEY, SECRET, {"USD": Decimal(100_000)})
        session = Session(
            KRAKEN,
            dial=exchange.dial,
            clock=Apart(clock, ahead_s),
            random=Random(7),
            http=exchange,
            account_config=AccountConfig(Credentials(KEY, SECRET)),
        )
        async with session:
            book = KRAKEN.with_defaults(Subscription(Channel.BOOK, BTC))
            wanted = map(Subscription, (Channel.EXECUTION, Channel.INSTRUMENT))
            session.subscribe(book, *wanted)
            await session.wait_ready(30)
            session.account.clock_offset_ns = -ahead_s * SECOND_NS if is_known else 0
            rules = session.account.rules
            async with OrderDesk(
                session.account, MemoryOrderJournal(), random=Random(3), rules=rules
            ) as desk:
                await desk.wait_reconciled(30)
                yield desk


def limit() -> OrderRequest:
    return OrderRequest(symbol=BTC, side="buy", quantity="0.001", limit_price="60000")


@pytest.mark.parametrize("ahead_s", [-120, -10, 10, 120])
def test_once_it_is_known_how_far_clocks_are_apart_orders_live_as_ever(ahead_s: int) -> None:
    async def story() -> None:
        async with desk_apart(ahead_s, is_known=True) as desk:
            placed = await desk.place(limit())
            name = placed.client_order_id
            amended = await desk.amend(Amend(client_order_id=name, limit_price="60001"))
            canceled = await desk.cancel(name)

            # Its acceptance and its being open come apart.
            assert placed.status in {OrderStatus.PENDING, OrderStatus.OPEN}
            assert amended.limit_price == 60_001
            assert canceled.status is OrderStatus.CANCELED
            assert desk.statistics().uncertain == 0

    run(story())


def test_a_deadline_that_is_over_before_it_is_sent_is_refused_in_the_venues_words() -> None:
    async def story() -> Order:
        async with desk_apart(-10, is_known=False) as desk:
            order = await desk.place(limit())
            assert order.reason == "EService:Deadline elapsed"

            await desk.wait_reconciled(120)

            found = desk.order(order.client_order_id)
            assert found is not None
            return found

    ended = run(story())

    assert ended.status is OrderStatus.REFUSED
    assert ended.reason == "EService:Deadline elapsed (never arrived)"


def test_a_deadline_too_far_ahead_is_refused_in_the_venues_words() -> None:
    async def story() -> None:
        async with desk_apart(120, is_known=False) as desk:
            with pytest.raises(VenueRefused, match="Invalid arguments:deadline"):
                await desk.place(limit())

            (order,) = desk.orders()
            assert "Invalid arguments:deadline" in order.reason

    run(story())
