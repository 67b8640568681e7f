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
ACCOUNTS = frozenset({"coinbase"})
"""Where an account is traded as well."""


async def main(venue: str, url: str) -> None:
    """Every public call, in turn."""
    name, market = IDS[venue]
    exchange = getattr(ccxt.pro, name)({"timeout": 5000})
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
            exchange.apiKey, exchange.secret = os.environ["PEER_KEY"], os.environ["PEER_SECRET"]
            await trade(calls, exchange, market)
    finally:
        await exchange.close()


async def trade(calls: Calls, exchange: Any, market: str) -> None:
    """An order that rests and is canceled, one that trades, and what is known afterwards."""
    await calls.run("fetch_balance", exchange.fetch_balance())
    low = (await exchange.fetch_order_book(market))["bids"][0][0] // 2
    placed = await calls.run(
        "create_order", exchange.create_order(market, "limit", "buy", 0.01, low)
    )
    await calls.run("fetch_open_orders", exchange.fetch_open_orders(market))
    if placed is not None:
        await calls.run("fetch_order", exchange.fetch_order(placed["id"], market))
        await calls.run("cancel_order", exchange.cancel_order(placed["id"], market))
    await calls.run("create_order market", exchange.create_order(market, "market", "sell", 0.01))
    await calls.run("fetch_my_trades", exchange.fetch_my_trades(market))
    await calls.run("fetch_closed_orders", exchange.fetch_closed_orders(market))


def _camel(call: str) -> str:
    first, *rest = call.split("_")
    words = "".join(word.upper() if word == "ohlcv" else word.capitalize() for word in rest)
    return first + words


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
