"""One order, and every way its answer can turn out: placed, refused, or not known.

An order is written to the journal before it is sent. If its answer is lost, it is UNKNOWN until the
session has looked it up in the account; it is never sent a second time.
"""

import asyncio

import fluxum
from fluxum import OrderStatus


async def main() -> None:
    limits = fluxum.RiskLimits(notional_max=2_000)
    async with fluxum.trade(
        "kraken", ["BTC/USD"], keys="file:keys.toml", journal="orders.jsonl", limits=limits
    ) as trader:
        bid = trader.book("BTC/USD").bid
        assert bid is not None  # the book is proved before the block begins
        try:
            order = await trader.buy("BTC/USD", "0.01", limit=bid.price, post_only=True)
        except fluxum.RiskRefused as refusal:
            return print("not sent, by our own limits:", refusal)
        except fluxum.VenueRefused as refusal:
            return print("sent and refused:", refusal)
        if order.status is OrderStatus.UNKNOWN:
            async with asyncio.timeout(60):
                await trader.orders.wait_reconciled()  # looked up in the account, not sent again
            order = trader.orders.order(order.client_order_id) or order
        print(order.client_order_id, order.status.value, f"{order.filled} of {order.quantity}")

        if order.status in {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED}:
            order = await trader.cancel(order.client_order_id)
        print("at the end:", order.status.value)

        try:  # a hundred times too much
            await trader.buy("BTC/USD", 1, limit=bid.price)
        except fluxum.RiskRefused as refusal:
            print("not sent, by our own limits:", refusal)


asyncio.run(main())
