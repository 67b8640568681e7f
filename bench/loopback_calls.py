"""Other people's clients as readers of `loopback.py`, in an environment of their own.

`python loopback_calls.py ccxt URL COUNT` prints the CPU and when it had each of the updates.
cryptofeed reads with its own connection and handler, as it does live: it takes no ws:// address, so
its address is set afterwards. ccxt is given the market, which it would have fetched.
"""

import asyncio
import json
import sys
import time
from typing import Any

FIRST_MS = 1_767_225_600_000


async def cryptofeed(url: str, count: int) -> tuple[float, list[int]]:
    from cryptofeed.connection import WebsocketEndpoint, WSAsyncConn
    from cryptofeed.defines import L2_BOOK
    from cryptofeed.exchanges import Kraken
    from cryptofeed.symbols import Symbols

    had_ns: list[int] = []
    Symbols.set(Kraken.id, {"BTC-USD": "XBT/USD"}, {"instrument_type": {"BTC-USD": "spot"}})

    async def callback(book: Any, _received_s: float) -> None:
        if book.delta is not None:
            had_ns.append(time.monotonic_ns())

    feed = Kraken(
        symbols=["BTC-USD"],
        channels=[L2_BOOK],
        callbacks={L2_BOOK: callback},
        checksum_validation=True,
        max_depth=10,
    )
    options = WebsocketEndpoint("wss://x").options or {}
    connection = WSAsyncConn("wss://x", "kraken", **options)
    connection.address = url.replace("http", "ws", 1)
    await connection._open()
    await connection.write("{}")
    begun_s = None
    async for message in connection.read():
        await feed.message_handler(message, connection, connection.last_message)
        if had_ns and begun_s is None:
            begun_s = time.process_time()
        if len(had_ns) >= count:
            break
    assert begun_s is not None
    taken_s = time.process_time() - begun_s
    await connection.close()
    return taken_s, had_ns


async def ccxt(url: str, count: int) -> tuple[float, list[int]]:
    import ccxt.pro

    exchange = ccxt.pro.kraken()
    exchange.urls["api"]["ws"]["publicV2"] = url.replace("http", "ws", 1)
    market = {"id": "XXBTZUSD", "symbol": "BTC/USD", "base": "BTC", "quote": "USD"}
    more = {"spot": True, "type": "spot", "active": True, "info": {"wsname": "BTC/USD"}}
    exchange.set_markets([exchange.safe_market_structure({**market, **more})])
    had_ns: list[int] = []
    begun_s = None
    while len(had_ns) < count:
        book = await exchange.watch_order_book("BTC/USD", 10)
        now_ns = time.monotonic_ns()
        if book["timestamp"] is not None:
            if begun_s is None:
                begun_s = time.process_time()
            had_ns += [now_ns] * (book["timestamp"] - FIRST_MS - len(had_ns))
    assert begun_s is not None
    taken_s = time.process_time() - begun_s
    await exchange.close()
    return taken_s, had_ns


read = {"cryptofeed": cryptofeed, "ccxt": ccxt}[sys.argv[1]]
cpu_s, had = asyncio.run(read(sys.argv[2], int(sys.argv[3])))
print(json.dumps({"cpu_s": cpu_s, "had_ns": had}))
