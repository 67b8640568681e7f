"""Orders of every type at the simulated exchange, through the public API."""

import asyncio
from decimal import Decimal

import pytest

import fluxum
from fluxum import OrderRequest, OrderStatus, OrderType, Symbol, TimeInForce, Trigger, VenueRefused
from fluxum.errors import BadInput
from fluxum.venues.binance.venue import BINANCE
from venues.accounts import LOT, play, trading


def test_each_type_of_order_is_placed_and_read_back_as_it_was_asked_for() -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            low, high = one.bid - 500, one.bid + 500
            fields: list[dict[str, object]] = [
                {"limit_price": low, "post_only": True},
                {"order_type": "iceberg", "limit_price": low, "display_quantity": LOT},
                {"order_type": "stop_loss", "trigger": Trigger(high)},
                {"order_type": "stop_loss_limit", "trigger": Trigger(high), "limit_price": high},
                {"order_type": "take_profit", "trigger": Trigger(low)},
                {"order_type": "take_profit_limit", "trigger": Trigger(low), "limit_price": low},
                {"order_type": "trailing_stop", "trigger": Trigger("1.5", "percent")},
            ]
            for given in fields:
                request = OrderRequest(symbol=one.symbol, side="buy", quantity=2 * LOT, **given)  # type: ignore[arg-type]
                order = await one.trader.orders.place(request)
                await asyncio.sleep(1)
                known = one.trader.session.account.following.orders[order.order_id]
                listed = {
                    row.order_id: row for row in await one.trader.session.account.open_orders()
                }
                for seen in (known, listed[order.order_id]):
                    assert seen.order_type is request.order_type
                    assert (seen.limit_price, seen.post_only) == (
                        request.limit_price,
                        request.post_only,
                    )
                    assert seen.display_quantity == request.display_quantity
                    waits = request.order_type.is_triggered
                    assert (seen.status is OrderStatus.PENDING) is waits
                    if request.order_type is not OrderType.TRAILING_STOP:
                        wanted = None if request.trigger is None else request.trigger.price
                        assert seen.trigger_price == wanted
            assert await one.trader.cancel_all() == len(fields)

    play(story)


def test_what_does_not_rest_ends_at_once() -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            for in_force in (TimeInForce.IOC, TimeInForce.FOK):
                order = await one.trader.buy(
                    one.symbol, LOT, limit=one.bid - 500, time_in_force=in_force
                )
                await asyncio.sleep(1)
                known = one.order(order)
                assert (known.status, known.filled) == (OrderStatus.EXPIRED, Decimal(0))
            spent = await one.trader.orders.place(
                OrderRequest(
                    symbol=one.symbol,
                    side="buy",
                    order_type="market",
                    quote_quantity=Decimal(1000),
                )
            )
            await asyncio.sleep(1)
            assert one.order(spent).status is OrderStatus.FILLED
            assert Decimal(990) < one.order(spent).cost <= Decimal(1000)

    play(story)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"limit_price": 100_000, "post_only": True}, "-2010 Order would immediately match"),
        ({"limit_price": 50_000, "quantity": 9}, "-2010 Account has insufficient balance"),
        ({"order_type": "stop_loss", "trigger": Trigger(1000)}, "-2010 Order would trigger immed"),
    ],
)
def test_refusals_in_the_venues_words(fields: dict[str, object], text: str) -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            given: dict[str, object] = {"quantity": LOT, **fields}
            desk = one.trader.orders
            desk.risk.limits = fluxum.RiskLimits(collar_percent=None)
            with pytest.raises(VenueRefused, match=text):
                await desk.place(OrderRequest(symbol=one.symbol, side="buy", **given))  # type: ignore[arg-type]

    play(story)


def test_an_order_becomes_smaller_and_nothing_else() -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            order = await one.trader.buy(one.symbol, 2 * LOT, limit=one.bid - 500)
            await asyncio.sleep(1)
            desk = one.trader.orders
            await desk.amend(fluxum.Amend(order_id=order.order_id, quantity=LOT))
            await asyncio.sleep(1)
            seen = one.order(order)
            assert (seen.quantity, seen.client_order_id) == (LOT, order.client_order_id)
            with pytest.raises(VenueRefused, match="-2038"):
                await desk.amend(fluxum.Amend(order_id=order.order_id, quantity=3 * LOT))
            with pytest.raises(BadInput, match="amends quantity alone"):
                await desk.amend(fluxum.Amend(order_id=order.order_id, limit_price=one.bid))

    play(story)


def test_an_order_is_replaced_by_another_of_its_name() -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            order = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await asyncio.sleep(1)
            desk, low = one.trader.orders, one.bid - 400
            edited = await desk.edit(
                fluxum.Edit(order_id=order.order_id, symbol=one.symbol, limit_price=low)
            )
            await asyncio.sleep(5)
            newest = one.order(order)
            assert edited.order_id != order.order_id
            assert (newest.order_id, newest.status) == (edited.order_id, OrderStatus.OPEN)
            assert newest.limit_price == low
            (live,) = one.account.open_orders()
            assert live.update.order_id == edited.order_id
            assert live.update.client_order_id == order.client_order_id
            old = desk.order(order.order_id)
            assert old is not None
            assert old.status is OrderStatus.CANCELED
            statistics = desk.statistics()
            assert (statistics.open_uncertain, statistics.sums_close) == (0, True)

    play(story)


def test_an_order_that_is_filled_in_part_is_not_replaced() -> None:
    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            price = one.bid + 1
            order = await one.trader.buy(one.symbol, Decimal("0.5"), limit=price)
            await asyncio.sleep(1)
            market = one.exchange
            market.change(
                one.symbol,
                lambda made, now_ns: made.take(
                    "them", fluxum.Side.SELL, LOT, None, "market", now_ns
                ),
            )
            await asyncio.sleep(1)
            assert one.order(order).status is OrderStatus.PARTIALLY_FILLED
            with pytest.raises(VenueRefused, match="-2022 Order cancel-replace failed"):
                await one.trader.orders.edit(
                    fluxum.Edit(order_id=order.order_id, symbol=one.symbol, limit_price=price - 1)
                )
            assert one.order(order).status is OrderStatus.PARTIALLY_FILLED

    play(story)


def test_orders_of_two_markets_with_the_same_number_are_two_orders() -> None:
    """Orders and trades are numbered market by market."""

    async def story() -> None:
        async with trading(BINANCE, rate_per_s=0) as one:
            order = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await asyncio.sleep(1)
            known = one.trader.session.account.following.orders
            assert list(known) == [order.order_id] == ["BTCUSDT:1"]
            assert known[order.order_id].symbol == Symbol("BTC/USDT")
            # By its id alone, without a market, as a program that was restarted may have it.
            one.trader.session.account.command(fluxum.Cancel(order_ids=("BTCUSDT:1",)))
            await asyncio.sleep(1)
            assert known == {}

    play(story)
