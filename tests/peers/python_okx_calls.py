"""python-okx at a simulated OKX; see `table.py`. Run in the peers' environment."""

import asyncio
import sys
from collections import Counter

from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.websocket.WsPublicAsync import WsPublicAsync
from report import Calls

LISTEN_S = 6.0
CHANNELS = ("books", "trades", "tickers", "candle1m", "bbo-tbt")


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


async def calls_of(work: object) -> object:
    """The answer, or what was raised as text."""
    try:
        return await asyncio.to_thread(work)  # type: ignore[arg-type]
    except Exception as error:  # whatever another program raises is a row of the table
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
