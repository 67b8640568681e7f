"""unicorn-binance-websocket-api at a simulated Binance; see `table.py`."""

import sys
import time
from collections import Counter
from typing import Any

from report import Calls
from unicorn_binance_websocket_api.manager import BinanceWebSocketApiManager

KINDS = {"binance": "binance.com", "binance-usdm": "binance.com-futures"}
STREAMS = ("depth@100ms", "trade", "aggTrade", "bookTicker", "kline_1m", "ticker")
LISTEN_S = 20.0


def main(venue: str, url: str) -> None:
    """One combined stream for each kind of data."""
    calls = Calls("unicorn", venue)
    for stream in STREAMS:
        seen: Counter[str] = Counter()

        def count(data: dict[str, Any], seen: Counter[str] = seen, **_: object) -> None:
            seen["data"] += bool(data.get("data") or data.get("e") or data.get("u"))

        manager = BinanceWebSocketApiManager(
            exchange=KINDS[venue],
            websocket_base_uri=f"{url}/",
            output_default="dict",
            close_timeout_default=1,
        )
        try:
            manager.create_stream([stream], ["btcusdt"], process_stream_data=count)
            deadline = time.monotonic() + LISTEN_S
            while time.monotonic() < deadline and not seen["data"]:
                time.sleep(0.1)
        finally:
            manager.stop_manager()
        calls.tell(stream, "" if seen["data"] else f"nothing in {LISTEN_S:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
