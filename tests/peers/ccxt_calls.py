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
    "gemini": ("gemini", "BTC/USD:USD"),  # with their rules, ccxt takes spot markets for swaps
    "gemini-v2": ("gemini", "BTC/USD"),
}
"""ccxt's names of the exchanges and of a market there."""


async def main(venue: str, url: str) -> None:
    """Every public call, in turn, then an account's if there is one."""
    name, market = IDS[venue]
    exchange = getattr(ccxt.pro, name)({"timeout": 5000})
    exchange.urls["api"] = rehosted(exchange.urls["api"], url)
    exchange.hostname = exchange.hostname and url.partition("://")[2]
    exchange.options["fetchMarkets"] = exchange.options.get("fetchMarkets", {})
    if venue == "gemini":  # else ccxt has no precision to write an order with
        exchange.options["fetchMarketsFromAPI"]["fetchDetailsForAllSymbols"] = True
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
        if "PEER_ACCOUNT" in os.environ:
            await trade(exchange, market, calls)
    finally:
        await exchange.close()


async def trade(exchange: Any, market: str, calls: Calls) -> None:
    """The balance, an order that rests and is canceled, one that is filled, and its fills."""
    exchange.apiKey, exchange.secret = os.environ["PEER_KEY"], os.environ["PEER_SECRET"]
    exchange.password = os.environ.get("PEER_PASSPHRASE", "")
    await calls.run("fetch_balance", exchange.fetch_balance())
    book = await exchange.fetch_order_book(market)
    low = exchange.price_to_precision(market, book["bids"][0][0] * 0.9)
    order = await calls.run(
        "create_order limit", exchange.create_order(market, "limit", "buy", 0.01, float(low))
    )
    await calls.run("fetch_open_orders", exchange.fetch_open_orders(market))
    if order is not None:
        await calls.run("cancel_order", exchange.cancel_order(order["id"], market))
    at_market = ("market", "sell", 0.01)
    if exchange.has.get("createMarketOrder") is False:
        at_market = ("limit", "sell", 0.01, float(low))
    await calls.run("create_order market", exchange.create_order(market, *at_market))
    await asyncio.sleep(1)
    await calls.run("fetch_my_trades", exchange.fetch_my_trades(market))


def _camel(call: str) -> str:
    first, *rest = call.split("_")
    words = "".join(word.upper() if word == "ohlcv" else word.capitalize() for word in rest)
    return first + words


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
