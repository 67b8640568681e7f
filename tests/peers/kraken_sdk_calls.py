"""python-kraken-sdk at a simulated Kraken; see `table.py`. Run in the peers' environment."""

import asyncio
import os
import sys
from typing import Any

from kraken.spot import Market, SpotWSClient, Trade, User
from report import Calls


async def main(_venue: str, url: str) -> None:
    """Market data, the account and orders, over REST and WebSocket."""
    key, secret = os.environ["PEER_KEY"], os.environ["PEER_SECRET"]
    rest = url.replace("ws", "http", 1)
    calls = Calls("kraken_sdk", "kraken")
    market = Market(url=rest)
    user, trade = User(key=key, secret=secret, url=rest), Trade(key=key, secret=secret, url=rest)
    for name, work in {
        "get_system_status": market.get_system_status,
        "get_assets": market.get_assets,
        "get_asset_pairs": lambda: market.get_asset_pairs(pair="BTC/USD"),
        "get_ticker": lambda: market.get_ticker(pair="BTC/USD"),
        "get_ohlc": lambda: market.get_ohlc(pair="BTC/USD", interval=1),
        "get_order_book": lambda: market.get_order_book(pair="BTC/USD"),
        "get_recent_trades": lambda: market.get_recent_trades(pair="BTC/USD"),
        "get_account_balance": user.get_account_balance,
        "get_balances": user.get_balances,
        "create_order": lambda: trade.create_order(
            ordertype="limit", side="buy", pair="BTC/USD", volume="0.01", price="20000"
        ),
        "get_open_orders": user.get_open_orders,
        "cancel_all_orders": trade.cancel_all_orders,
        "create_market_order": lambda: trade.create_order(
            ordertype="market", side="buy", pair="BTC/USD", volume="0.01"
        ),
        "get_trades_history": user.get_trades_history,
        "get_ledgers_info": user.get_ledgers_info,
    }.items():
        await calls.run(name, asyncio.to_thread(work))
    await streams(calls, url, key, secret)


async def streams(calls: Calls, url: str, key: str, secret: str) -> None:
    """Channels of market data, of the account, and an order over the link."""
    seen: dict[str, int] = {}

    async def count(message: Any) -> None:
        if isinstance(message, dict):
            name = str(message.get("channel") or message.get("method"))
            seen[name] = seen.get(name, 0) + 1

    client = SpotWSClient(
        key=key,
        secret=secret,
        callback=count,
        rest_url=url.replace("ws", "http", 1),
        ws_url=f"{url}/v2",
        auth_ws_url=f"{url}/v2/private",
    )
    await client.start()
    for channel in ("book", "trade", "ticker", "ohlc"):
        await client.subscribe(params={"channel": channel, "symbol": ["BTC/USD"]})
    for channel in ("executions", "balances"):
        await client.subscribe(params={"channel": channel})
    await asyncio.sleep(5)
    for channel in ("book", "trade", "ticker", "ohlc", "executions", "balances"):
        calls.tell(f"ws {channel}", "" if seen.get(channel) else f"had {seen}")
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
