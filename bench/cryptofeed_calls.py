"""cryptofeed's way from raw frame to callback, in an environment of its own: `make bench-peers`.

Reads one task a line, `{"venue": ..., "channel": ..., "path": ...}`, where the file at `path` holds
what answers the requests and the frames, and answers with the seconds of CPU of one round and the
callbacks it made. cryptofeed speaks Kraken's first API: the same numbers in its frames. Of Binance
it takes aggregated trades. Frames of Coinbase, OKX, Bybit and Gemini's market data v2 are as they
came. Of OKX and Bybit it checks no numbers.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptofeed.defines import ASK, BID, L2_BOOK, TRADES
from cryptofeed.exchanges import OKX, Binance, Bybit, Coinbase, Gemini, Kraken
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

from cryptofeed_frames import CONVERTED

FEEDS = {
    "kraken": (Kraken, "BTC-USD", "XBT/USD"),
    "binance": (Binance, "BTC-USDT", "BTCUSDT"),
    "coinbase": (Coinbase, "BTC-USD", "BTC-USD"),
    "okx": (OKX, "BTC-USDT", "BTC-USDT"),
    "bybit": (Bybit, "BTC-USDT", "BTC/USDT"),
    "bybit-linear": (Bybit, "BTC-USDT-PERP", "BTCUSDT"),
    "gemini-v2": (Gemini, "BTC-USD", "BTCUSD"),
}


def run(task: dict[str, Any]) -> tuple[float, int]:
    venue, channel = task["venue"], L2_BOOK if task["channel"] == "book" else TRADES
    take = json.loads(Path(task["path"]).read_text())
    convert = CONVERTED[venue]
    frames = [one for one in map(convert, take["frames"]) if one is not None]
    before = [one for one in map(convert, take["answers"]) if one is not None]
    kind, market, native = FEEDS[venue]
    is_contract = venue == "bybit-linear"
    instruments = {"instrument_type": {market: "perpetual" if is_contract else "spot"}}
    Symbols.set(kind.id, {market: native}, instruments)
    # Bybit's markets of both kinds have the same name: its feed finds the kind in the address.
    link = SimpleNamespace(address="/linear" if is_contract else "/spot", uuid="")
    calls = 0

    async def callback(_fact: object, _received_s: float) -> None:
        nonlocal calls
        calls += 1

    more = {"checksum_validation": True, "max_depth": 10} if venue == "kraken" else {}
    feed = kind(symbols=[market], channels=[channel], callbacks={channel: callback}, **more)
    if venue == "gemini-v2":  # as its `subscribe` does
        feed._l2_book[market] = OrderBook(feed.id, market, max_depth=0)
    for body in take["bodies"]:
        snapshot = json.loads(body)
        if "lastUpdateId" in snapshot:
            sides = {
                word: {Decimal(one[0]): Decimal(one[1]) for one in snapshot[word]}
                for word in ("bids", "asks")
            }
            feed._l2_book[market] = OrderBook(feed.id, market, max_depth=0, **sides)
            feed._l2_book[market].delta = {BID: [], ASK: []}
            feed.last_update_id[market] = snapshot["lastUpdateId"]

    async def main() -> float:
        nonlocal calls
        for frame in before:
            await feed.message_handler(frame, link, 1.0)
        calls = 0
        now_s = time.time
        begun = time.process_time()
        for frame in frames:
            await feed.message_handler(frame, link, now_s())
        return time.process_time() - begun

    return asyncio.run(main()), calls


for line in sys.stdin:
    seconds, count = run(json.loads(line))
    print(json.dumps({"seconds": seconds, "calls": count}), flush=True)
