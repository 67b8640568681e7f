"""Orders that exchanges with contracts, or with amounts of the quote asset, do alike."""

import asyncio
from decimal import Decimal

import pytest

from fluxum import Asset, OrderRequest, OrderStatus, Symbol, VenueRefused
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.okx.venue import OKX
from fluxum.venues.venue import Venue
from venues.accounts import LOT, play, trading

PERP = Symbol("BTC/USDT:PERP")


@pytest.mark.parametrize(
    ("venue", "nothing_to_reduce"),
    [(BYBIT_LINEAR, "110017"), (OKX, "51169")],
    ids=["bybit-linear", "okx"],
)
def test_closing_a_contract_earns_what_its_prices_differ_by(
    venue: Venue, nothing_to_reduce: str
) -> None:
    async def story() -> None:
        async with trading(venue, PERP) as one:
            sold = await one.trader.sell(PERP, LOT)
            await asyncio.sleep(60)
            request = OrderRequest(
                symbol=PERP,
                side="buy",
                order_type="market",
                quantity=LOT,
                margin=True,
                reduce_only=True,
            )
            bought = await one.trader.orders.place(request)
            await asyncio.sleep(2)

            position = one.trader.position(PERP)
            assert position is not None
            assert position.quantity == 0
            assert {one.order(sold).status, one.order(bought).status} == {OrderStatus.FILLED}
            # Average prices of several fills are rounded, so that what they cost is summed up.
            spent = sum(fill.price * fill.signed_quantity for fill in one.account.fills)
            usdt = (100_000 - spent - one.charged("USDT")).quantize(Decimal("0.00000001"))
            assert one.totals()[Asset("USDT")] == usdt
            with pytest.raises(VenueRefused, match=nothing_to_reduce):
                await one.trader.orders.place(request)

    play(story)


@pytest.mark.parametrize("venue", [BYBIT, OKX], ids=["bybit", "okx"])
def test_a_market_buy_of_an_amount_ends_filled(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            request = OrderRequest(
                symbol=one.symbol, side="buy", order_type="market", quote_quantity="1000"
            )
            order = await one.trader.orders.place(request)
            await asyncio.sleep(1)

            order = one.order(order)
            assert order.status is OrderStatus.FILLED
            assert Decimal(990) < order.cost <= 1000

    play(story)


@pytest.mark.parametrize("venue", [BYBIT, BYBIT_LINEAR, OKX], ids=lambda venue: str(venue.name))
def test_several_orders_are_canceled_at_once(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            low = one.bid - 500
            placed = [await one.trader.buy(one.symbol, LOT, limit=low) for _ in range(3)]
            names = [order.client_order_id for order in placed]

            ended = await one.trader.orders.cancel_batch(names)

            assert {order.status for order in ended} == {OrderStatus.CANCELED}

    play(story)
