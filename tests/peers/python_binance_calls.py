"""python-binance at a simulated Binance, over REST and over the WebSocket API; see `table.py`."""

import asyncio
import os
import sys
from typing import Any

from binance import AsyncClient
from binance.base_client import BaseClient
from report import Calls

MARKET = "BTCUSDT"


async def main(venue: str, url: str) -> None:
    """The balance, orders that rest and are canceled, one that is filled, and its fills.

    Events of the account it asks for with a listen key, which the venue has no more.
    """
    calls = Calls("python_binance", venue)
    BaseClient.API_URL = f"{url.replace('ws', 'http', 1)}/api"
    BaseClient.WS_API_URL = f"{url}/ws-api/v3"
    client = await AsyncClient.create(os.environ["PEER_KEY"], os.environ["PEER_SECRET"])
    order: dict[str, Any] = {"symbol": MARKET, "side": "BUY", "quantity": "0.01"}
    limit = {**order, "type": "LIMIT", "timeInForce": "GTC", "price": "50000"}
    try:
        await calls.run("get_account", client.get_account())
        await calls.run("create_order limit", client.create_order(**limit))
        (resting,) = await calls.run("get_open_orders", client.get_open_orders(symbol=MARKET))
        named = {"symbol": MARKET, "orderId": resting["orderId"]}
        await calls.run("get_order", client.get_order(**named))
        await calls.run("cancel_order", client.cancel_order(**named))
        await calls.run("get_my_trades", trade(client, order))
        await calls.run("get_all_orders", client.get_all_orders(symbol=MARKET))
        await calls.run("ws_get_account", client.ws_get_account())
        placed = await calls.run("ws_create_order", client.ws_create_order(**limit))
        named["orderId"] = placed["orderId"]
        await calls.run("ws_cancel_order", client.ws_cancel_order(**named))
    finally:
        await client.close_connection()


async def trade(client: AsyncClient, order: dict[str, Any]) -> Any:
    """A market order, then what was traded."""
    await client.create_order(**order, type="MARKET")
    return await client.get_my_trades(symbol=MARKET)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
