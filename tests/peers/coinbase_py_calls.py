"""coinbase-advanced-py at a simulated Coinbase; see `table.py`. Run in the peers' environment."""

import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from coinbase.rest import RESTClient
from coinbase.websocket import WSClient
from report import Calls

LISTEN_S = 6.0
CHANNELS = ("level2", "market_trades", "ticker", "candles", "heartbeats")


def main(_venue: str, url: str) -> None:
    """Market data over REST, then the public channels."""
    calls = Calls("coinbase_py", "coinbase")
    rest = RESTClient(base_url=urlsplit(url).netloc)
    now_s = int(time.time())
    for name, work in {
        "get_unix_time": rest.get_unix_time,
        "get_public_products": rest.get_public_products,
        "get_public_product": lambda: rest.get_public_product("BTC-USD"),
        "get_public_product_book": lambda: rest.get_public_product_book("BTC-USD"),
        "get_public_market_trades": lambda: rest.get_public_market_trades("BTC-USD", 10),
        "get_public_candles": lambda: rest.get_public_candles(
            "BTC-USD", str(now_s - 3000), str(now_s), "FIVE_MINUTE"
        ),
    }.items():
        try:
            answer = work()
        except Exception as error:  # whatever another program raises is a row of the table
            calls.tell(name, f"{type(error).__name__}: {error}")
        else:
            calls.tell(name, "" if answer else "an empty answer")
    seen: Counter[str] = Counter()
    socket = WSClient(
        base_url=url,
        on_message=lambda text: seen.update(
            one for one in ("l2_data", *CHANNELS) if f'"channel":"{one}"' in text
        ),
    )
    socket.open()
    for one in CHANNELS:
        socket.subscribe(["BTC-USD"], [one])
    time.sleep(LISTEN_S)
    socket.close()
    for one in CHANNELS:
        name = "l2_data" if one == "level2" else one
        calls.tell(f"ws {one}", "" if seen[name] else f"nothing in {LISTEN_S:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
