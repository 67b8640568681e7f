"""ccxt at a simulated exchange; see `table.py`. Run in the peers' environment."""

import asyncio
import os
import sys
from typing import Any

import ccxt.pro
from report import Calls, rehosted

IDS = {
    "kraken": ("kraken", "BTC/USD"),
    "binance": ("binance", "BTC/USDT"),
    "binance-usdm": ("binanceusdm", "BTC/USDT:USDT"),
    "bybit": ("bybit", "BTC/USDT"),
    "bybit-linear": ("bybit", "BTC/USDT:USDT"),
    "okx": ("okx", "BTC/USDT"),
    "coinbase": ("coinbase", "BTC/USD"),
    "coinbase-exchange": ("coinbaseexchange", "BTC/USD"),
    "gemini-v2": ("gemini", "BTC/USD"),
}
"""ccxt's names of the exchanges and of a market there."""


ACCOUNTS = frozenset({"okx"})
"""Where an account is tried as well."""
KEYS = {"apiKey": "KEY", "secret": "SECRET", "password": "PASSPHRASE"}


async def main(venue: str, url: str) -> None:
    """Every public call in turn, then those of an account."""
    name, market = IDS[venue]
    keys = {part: os.environ.get(f"PEER_{name}", "") for part, name in KEYS.items()}
    exchange = getattr(ccxt.pro, name)({"timeout": 5000, **keys})
    exchange.urls["api"] = rehosted(exchange.urls["api"], url)
    exchange.hostname = exchange.hostname and url.partition("://")[2]
    exchange.options["fetchMarkets"] = exchange.options.get("fetchMarkets", {})
    calls = Calls("ccxt", venue)
    plain = {
        "fetch_time": (),
        "load_markets": (),
        "fetch_ticker": (market,),
        "fetch_order_book": (market,),
        "fetch_trades": (market,),
        "fetch_ohlcv": (market, "1m"),
    }
    streams = {
        "watch_order_book": (market,),
        "watch_trades": (market,),
        "watch_ticker": (market,),
        "watch_ohlcv": (market, "1m"),
        "un_watch_trades": (market,),
    }
    try:
        for call, arguments in (plain | streams).items():
            if not exchange.has.get(call.replace("_", "")) and not exchange.has.get(_camel(call)):
                continue
            await calls.run(call, getattr(exchange, call)(*arguments))
        if venue in ACCOUNTS:
            await trade(calls, exchange, market)
    finally:
        await exchange.close()


async def trade(calls: Calls, exchange: Any, market: str) -> None:
    """Orders that rest and that fill, and what the account says of them."""
    await calls.run("fetch_balance", exchange.fetch_balance())
    order = await calls.run(
        "create_order", exchange.create_order(market, "limit", "buy", 0.01, 1000)
    )
    name = (order or {}).get("id", "")
    await calls.run("fetch_order", exchange.fetch_order(name, market))
    await calls.run("fetch_open_orders", exchange.fetch_open_orders(market))
    await calls.run("edit_order", exchange.edit_order(name, market, "limit", "buy", 0.02, 1000))
    await calls.run("cancel_order", exchange.cancel_order(name, market))
    watching = asyncio.ensure_future(calls.run("watch_orders", exchange.watch_orders(market)))
    await asyncio.sleep(1.0)
    await calls.run("create_order market", exchange.create_order(market, "market", "buy", 0.01))
    await watching
    await calls.run("fetch_my_trades", exchange.fetch_my_trades(market))
    await calls.run("fetch_ledger", exchange.fetch_ledger())
    await calls.run("watch_balance", exchange.watch_balance())


def _camel(call: str) -> str:
    first, *rest = call.split("_")
    words = "".join(word.upper() if word == "ohlcv" else word.capitalize() for word in rest)
    return first + words


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
