"""cryptofeed at a simulated exchange; see `table.py`. Run in the peers' environment."""

import asyncio
import sys
from collections import Counter
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.defines import CANDLES, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import (
    OKX,
    Binance,
    BinanceFutures,
    Bybit,
    Coinbase,
    Gemini,
    Kraken,
)
from report import Calls, rehosted

FEEDS: dict[str, tuple[Any, str]] = {
    "kraken": (Kraken, "BTC-USD"),
    "binance": (Binance, "BTC-USDT"),
    "binance-usdm": (BinanceFutures, "BTC-USDT-PERP"),
    "bybit-linear": (Bybit, "BTC-USDT-PERP"),
    "okx": (OKX, "BTC-USDT"),
    "coinbase-exchange": (Coinbase, "BTC-USD"),
    "gemini-v2": (Gemini, "BTC-USD"),
}
LISTEN_S = 12.0


def main(venue: str, url: str) -> None:
    """Subscribe to what the feed offers, and count what comes."""
    feed, market = FEEDS[venue]
    calls = Calls("cryptofeed", venue)
    for endpoint in (*feed.websocket_endpoints, *feed.rest_endpoints):
        endpoint.address = rehosted(endpoint.address, url)
        endpoint.sandbox = None
    try:
        feed.symbols()
    except Exception as error:  # whatever another program raises is a row of the table
        calls.tell("symbols", f"{type(error).__name__}: {error}")
        return
    calls.tell("symbols", "")
    wanted = [one for one in (L2_BOOK, TRADES, TICKER, CANDLES) if one in feed.websocket_channels]
    seen: Counter[str] = Counter()

    def counting(channel: str) -> Any:
        async def count(*_: object) -> None:
            seen[channel] += 1

        return count

    handler = FeedHandler()  # it may choose another kind of loop
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler.add_feed(
        feed(symbols=[market], channels=wanted, callbacks={one: counting(one) for one in wanted})
    )
    loop.call_later(LISTEN_S, loop.stop)
    try:
        handler.run(start_loop=False, install_signal_handlers=False)
        loop.run_forever()
    except Exception as error:
        calls.tell("run", f"{type(error).__name__}: {error}")
    for one in wanted:
        calls.tell(one, "" if seen[one] else f"nothing in {LISTEN_S:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
