"""Orders that wait for a price at OKX, through the public API at the simulated exchange."""

import asyncio
from decimal import Decimal

import pytest

from fluxum import Fill, OrderRequest, OrderStatus, OrderType, Side, Symbol
from fluxum.model.request import Trigger
from fluxum.venues.okx.venue import OKX
from venues.accounts import LOT, Traded, play, trading

PERP = Symbol("BTC/USDT:PERP")


def stop(one: Traded, below: int = 3, kind: str = "stop_loss", **more: object) -> OrderRequest:
    """A sale that waits for a price below the best bid."""
    return OrderRequest(
        symbol=one.symbol,
        side="sell",
        order_type=kind,
        quantity=LOT,
        trigger=Trigger(one.bid - below),
        **more,  # type: ignore[arg-type] - fields of the request
    )


async def sink(one: Traded, to: Decimal) -> None:
    """Another client sells until the last price is no higher than this."""
    while (one.exchange.market(one.symbol).last_price or Decimal(0)) > to:
        one.exchange.change(
            one.symbol,
            lambda market, now_ns: market.take(
                "them", Side.SELL, Decimal("0.05"), None, "market", now_ns
            ),
        )
    await asyncio.sleep(3)


@pytest.mark.parametrize("symbol", [None, PERP])
def test_a_stop_waits_is_triggered_and_trades_as_one_order(symbol: Symbol | None) -> None:
    async def story() -> None:
        async with trading(OKX, symbol, rate_per_s=0) as one:
            events = one.trader.session.events(capacity=100_000)
            if symbol is not None:
                await one.trader.buy(one.symbol, LOT)
            order = await one.trader.orders.place(stop(one))
            await asyncio.sleep(1)
            waiting = one.order(order)
            assert (waiting.status, waiting.order_type) == (
                OrderStatus.PENDING,
                OrderType.STOP_LOSS,
            )
            assert waiting.order_id.startswith("algo-")
            assert waiting.trigger_price == order.request.trigger.price
            assert [o.order_id for o in one.trader.orders.open_orders()] == [waiting.order_id]

            await sink(one, one.bid - 3)
            traded = one.order(order)
            assert (traded.status, traded.filled) == (OrderStatus.FILLED, LOT)
            assert traded.replaces == waiting.order_id
            assert one.trader.orders.open_orders() == []
            assert one.trader.session.account.following.orders == {}
            fills = [
                e for e in events.drain() if isinstance(e, Fill) and e.order_id == traded.order_id
            ]
            assert sum(fill.quantity for fill in fills) == LOT
            assert {fill.client_order_id for fill in fills} == {order.client_order_id}

    play(story)
