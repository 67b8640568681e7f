"""What Bybit's orders do besides what the conformance cards ask of every account."""

import asyncio
from decimal import Decimal

import pytest

from fluxum import (
    Asset,
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


def test_closing_a_contract_earns_what_its_prices_differ_by() -> None:
    async def story() -> None:
        async with trading(BYBIT_LINEAR) as one:
            sold = await one.trader.sell(one.symbol, LOT)
            await asyncio.sleep(60)
            request = OrderRequest(
                symbol=one.symbol,
                side="buy",
                order_type="market",
                quantity=LOT,
                margin=True,
                reduce_only=True,
            )
            bought = await one.trader.orders.place(request)
            await asyncio.sleep(2)

            position = one.trader.position(one.symbol)
            assert position is not None
            assert position.quantity == 0
            sold, bought = one.order(sold), one.order(bought)
            usdt = one.totals()[Asset("USDT")]
            assert usdt == 100_000 + sold.cost - bought.cost - one.charged("USDT")
            with pytest.raises(VenueRefused, match="110017"):
                await one.trader.orders.place(request)

    play(story)


def test_a_market_buy_of_an_amount_ends_filled() -> None:
    async def story() -> None:
        async with trading(BYBIT) as one:
            request = OrderRequest(
                symbol=one.symbol, side="buy", order_type="market", quote_quantity="1000"
            )
            order = await one.trader.orders.place(request)
            await asyncio.sleep(1)

            order = one.order(order)
            assert order.status is OrderStatus.FILLED
            assert Decimal(990) < order.cost <= 1000

    play(story)


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


def test_several_orders_are_cancelled_at_once(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            low = one.bid - 500
            placed = [await one.trader.buy(one.symbol, LOT, limit=low) for _ in range(3)]
            names = [order.client_order_id for order in placed]

            ended = await one.trader.orders.cancel_batch(names)

            assert {order.status for order in ended} == {OrderStatus.CANCELED}

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
