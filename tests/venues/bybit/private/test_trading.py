"""What Bybit's orders do besides what the conformance cards ask of every account."""

import asyncio

import pytest

from fluxum import (
    OrderRequest,
    OrderStatus,
    OrderType,
    VenueRefused,
)
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.venue import Venue
from venues.accounts import LOT, play, trading


@pytest.fixture(params=[BYBIT, BYBIT_LINEAR], ids=lambda one: str(one.name))
def venue(request: pytest.FixtureRequest) -> Venue:
    found: Venue = request.param
    return found


def test_stops_wait_and_all_is_cancelled_at_once(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            low = one.bid - 500
            stop = await one.trader.sell(one.symbol, LOT, trigger=low)
            other = await one.trader.sell(one.symbol, LOT, trigger=low, limit=low - 1)
            batch = await one.trader.orders.place_batch(
                [
                    OrderRequest(symbol=one.symbol, side="buy", quantity=LOT, limit_price=low),
                    OrderRequest(symbol=one.symbol, side="buy", quantity=99, limit_price=low),
                ]
            )

            assert stop.order_type is OrderType.STOP_LOSS
            assert other.order_type is OrderType.STOP_LOSS_LIMIT
            assert one.order(stop).status is OrderStatus.PENDING
            assert [one.status for one in batch] == [OrderStatus.OPEN, OrderStatus.REFUSED]
            assert await one.trader.cancel_all() == 3
            await asyncio.sleep(1)
            assert one.trader.orders.open_orders() == []

    play(story)


def test_a_cancel_of_all_orders_that_came_too_often_is_refused_by_its_code(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            one.exchange.limit_calls(5)
            with pytest.raises(VenueRefused, match="10006 Too many visits"):
                await one.trader.cancel_all()
            await asyncio.sleep(6)
            assert await one.trader.cancel_all() == 1

    play(story)
