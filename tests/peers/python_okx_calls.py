"""python-okx at a simulated OKX; see `table.py`. Run in the peers' environment."""

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

from okx.Account import AccountAPI
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.Trade import TradeAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync
from report import Calls

LISTEN_S = 6.0
CHANNELS = ("books", "trades", "tickers", "candle1m", "bbo-tbt")
KEYS = (os.environ["PEER_KEY"], os.environ["PEER_SECRET"], os.environ["PEER_PASSPHRASE"])
LOGIN_S = 6.0  # this client waits five seconds for its login


async def main(_venue: str, url: str) -> None:
    """Market data over REST, then the public channels."""
    calls = Calls("python_okx", "okx")
    rest = url.replace("ws", "http", 1)
    public, market = PublicAPI(domain=rest), MarketAPI(domain=rest)
    for name, work in {
        "get_system_time": public.get_system_time,
        "get_instruments": lambda: public.get_instruments("SPOT"),
        "get_mark_price": lambda: public.get_mark_price("SWAP"),
        "get_tickers": lambda: market.get_tickers("SPOT"),
        "get_ticker": lambda: market.get_ticker("BTC-USDT"),
        "get_index_tickers": lambda: market.get_index_tickers(quoteCcy="USDT"),
        "get_orderbook": lambda: market.get_orderbook("BTC-USDT"),
        "get_trades": lambda: market.get_trades("BTC-USDT"),
        "get_history_trades": lambda: market.get_history_trades("BTC-USDT"),
        "get_candlesticks": lambda: market.get_candlesticks("BTC-USDT"),
        "get_history_candlesticks": lambda: market.get_history_candlesticks("BTC-USDT"),
    }.items():
        answer = await calls_of(work)
        failure = answer if isinstance(answer, str) else ""
        if not failure and (answer.get("code") != "0" or not answer.get("data")):
            failure = str(answer)
        calls.tell(name, failure)
    seen: Counter[str] = Counter()
    socket = WsPublicAsync(url=f"{url}/ws/v5/public")
    await socket.start()
    for where in (f"{url}/ws/v5/public", f"{url}/ws/v5/business"):
        socket = WsPublicAsync(url=where)
        await socket.start()
        names = [one for one in CHANNELS if one.startswith("candle") == where.endswith("business")]
        await socket.subscribe(
            [{"channel": one, "instId": "BTC-USDT"} for one in names],
            lambda message: seen.update(
                one for one in CHANNELS if f'"{one}"' in message and '"data"' in message
            ),
        )
    await asyncio.sleep(LISTEN_S)
    for one in CHANNELS:
        calls.tell(f"ws {one}", "" if seen[one] else f"nothing in {LISTEN_S:.0f} s")
    await trade(calls, rest, url)


async def trade(calls: Calls, rest: str, url: str) -> None:
    """An account over REST, and its streams."""
    account, trading = AccountAPI(*KEYS, domain=rest), TradeAPI(*KEYS, domain=rest)
    seen: Counter[str] = Counter()
    key, secret, phrase = KEYS
    socket = WsPrivateAsync(key, phrase, secret, f"{url}/ws/v5/private")
    await socket.start()
    names = ("account", "orders")
    await socket.subscribe(
        [{"channel": "account"}, {"channel": "orders", "instType": "ANY"}],
        lambda message: seen.update(
            one for one in names if f'"{one}"' in message and '"data"' in message
        ),
    )
    await asyncio.sleep(LOGIN_S)

    async def run(call: str, work: Any) -> dict[str, Any]:
        answer = await calls_of(work)
        failure = answer if isinstance(answer, str) else ""
        if not failure and (answer.get("code") != "0" or not answer.get("data")):
            failure = json.dumps(answer)
        calls.tell(call, failure)
        return {} if failure else answer["data"][0]

    order = ("BTC-USDT", "cash", "buy", "limit", "0.01")
    await run("get_account_config", account.get_account_config)
    await run("get_account_balance", account.get_account_balance)
    placed = await run("place_order", lambda: trading.place_order(*order, px="1000", clOrdId="a1"))
    name = {"instId": "BTC-USDT", "ordId": placed.get("ordId", "")}
    await run("get_order", lambda: trading.get_order(**name))
    await run("amend_order", lambda: trading.amend_order(**name, newSz="0.02"))
    await run("get_order_list", lambda: trading.get_order_list("SPOT"))
    await run("cancel_order", lambda: trading.cancel_order(**name))
    taker = ("BTC-USDT", "cash", "buy", "market", "0.01")
    await run("place_order market", lambda: trading.place_order(*taker, tgtCcy="base_ccy"))
    await asyncio.sleep(1.0)
    await run("get_fills", lambda: trading.get_fills("SPOT"))
    await run("get_orders_history", lambda: trading.get_orders_history("SPOT"))
    await run("get_account_bills", account.get_account_bills)
    for one in names:
        calls.tell(f"ws {one}", "" if seen[one] else "nothing came")


async def calls_of(work: Any) -> Any:
    """The answer, or what was raised as text."""
    try:
        return await asyncio.to_thread(work)
    except Exception as error:  # whatever another program raises is a row of the table
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
