"""What Gemini's orders do besides what the conformance cards ask of every account."""

import asyncio
from decimal import Decimal

import pytest

from fluxum import (
    Asset,
    BadInput,
    Channel,
    OrderRequest,
    OrderStatus,
    OrderType,
    Subscription,
    TimeInForce,
    VenueRefused,
)
from fluxum.venues.gemini.venue import GEMINI
from venues.accounts import LOT, play, trading


def test_a_stop_waits_is_triggered_and_trades() -> None:
    async def story() -> None:
        async with trading(GEMINI, rate_per_s=0) as one:
            low = one.bid - 10
            stop = await one.trader.sell(one.symbol, LOT, limit=low - 5, trigger=low)
            await asyncio.sleep(1)
            assert one.order(stop).status is OrderStatus.PENDING
            assert one.order(stop).order_type is OrderType.STOP_LOSS_LIMIT

            one.take_bids()
            await asyncio.sleep(5)

            known = one.order(stop)
            assert known.trigger_price == low
            assert known.status in {OrderStatus.OPEN, OrderStatus.FILLED}

    play(story)


def test_orders_that_must_not_rest_end_at_once() -> None:
    async def story() -> None:
        async with trading(GEMINI, rate_per_s=0) as one:
            for in_force in (TimeInForce.IOC, TimeInForce.FOK):
                request = OrderRequest(
                    symbol=one.symbol,
                    side="buy",
                    quantity=LOT,
                    limit_price=one.bid - 100,
                    time_in_force=in_force,
                )
                order = await one.trader.orders.place(request)
                await asyncio.sleep(1)
                known = one.order(order)
                assert (known.status, known.filled) == (OrderStatus.CANCELED, Decimal(0))
            assert one.account.open_orders() == []

    play(story)


def test_refusals_have_the_venues_reason() -> None:
    async def story() -> None:
        async with trading(GEMINI) as one:
            with pytest.raises(VenueRefused, match="-2010 InsufficientFunds"):
                await one.trader.buy(one.symbol, Decimal(90), limit=one.bid - 500)
            with pytest.raises(VenueRefused, match="MakerOrCancelWouldTake"):
                await one.trader.buy(one.symbol, LOT, limit=one.bid + 500, post_only=True)
            with pytest.raises(VenueRefused, match=r"406.*InsufficientFunds"):
                await one.trader.buy(
                    one.symbol, Decimal(90), limit=one.bid + 600, trigger=one.bid + 500
                )

    play(story)


def test_a_heartbeat_keeps_orders_and_its_absence_cancels_them() -> None:
    async def story() -> None:
        async with trading(GEMINI) as one:
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            armed = await one.trader.orders.cancel_all_after(30)
            assert armed.timeout_s == 30
            await asyncio.sleep(100)
            kept = len(one.account.open_orders())
            with pytest.raises(BadInput, match="cannot disarm it"):
                await one.trader.orders.cancel_all_after(0)
            await one.trader.session.disconnect()
            await asyncio.sleep(19)
            left = len(one.account.open_orders())
            await asyncio.sleep(12)

            assert (kept, left, one.account.open_orders()) == (1, 1, [])

    play(story)


def test_balances_follow_deposits_and_what_orders_hold() -> None:
    async def story() -> None:
        async with trading(GEMINI) as one:
            session = one.trader.session
            session.subscribe(Subscription(Channel.BALANCE))
            await session.wait_ready(10)
            one.account.deposit({"USD": Decimal(7)})
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await asyncio.sleep(5)

            usd = session.account.following.balances[Asset("USD")]
            (true,) = (held for held in one.account.balances() if held.asset == "USD")
            assert (usd.total, usd.held) == (Decimal(100_007), true.held)
            assert usd.held

    play(story)


def test_fills_of_every_market_that_is_named_are_found() -> None:
    async def story() -> None:
        async with trading(GEMINI) as one:
            await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(2)
            listed = await one.trader.session.account.history(0)
            assert [fill.fill_id for fill in listed] == [fill.fill_id for fill in one.account.fills]

    play(story)
