"""pybit at a simulated Bybit; see `table.py`. Run in the peers' environment."""

import sys
import time
from collections import Counter
from urllib.parse import urlsplit

import pybit._http_manager
import pybit.unified_trading
from pybit.unified_trading import HTTP, WebSocket
from report import Calls

CATEGORIES = {"bybit": ("spot", "BTCUSDT"), "bybit-linear": ("linear", "BTCUSDT")}
LISTEN_S = 6.0


def main(venue: str, url: str) -> None:
    """Market data over REST, then every public topic."""
    category, symbol = CATEGORIES[venue]
    calls = Calls("pybit", venue)
    host = urlsplit(url).netloc
    pybit._http_manager.HTTP_URL = f"{'https' if url.startswith('wss') else 'http'}://{host}"
    http = HTTP()
    for name, arguments in {
        "get_server_time": {},
        "get_instruments_info": {"category": category},
        "get_tickers": {"category": category, "symbol": symbol},
        "get_orderbook": {"category": category, "symbol": symbol},
        "get_public_trade_history": {"category": category, "symbol": symbol},
        "get_kline": {"category": category, "symbol": symbol, "interval": "1"},
    }.items():
        try:
            answer = getattr(http, name)(**arguments)
        except Exception as error:  # whatever another program raises is a row of the table
            calls.tell(name, f"{type(error).__name__}: {error}")
        else:
            calls.tell(name, "" if answer.get("result") else "an empty answer")
    pybit.unified_trading.PUBLIC_WSS = f"{url}/v5/public/{{CHANNEL_TYPE}}"
    socket = WebSocket(testnet=False, channel_type=category)
    seen: Counter[str] = Counter()
    for topic, subscribe in {
        "orderbook": lambda: socket.orderbook_stream(
            50, symbol, lambda _: seen.update(["orderbook"])
        ),
        "trade": lambda: socket.trade_stream(symbol, lambda _: seen.update(["trade"])),
        "ticker": lambda: socket.ticker_stream(symbol, lambda _: seen.update(["ticker"])),
        "kline": lambda: socket.kline_stream(1, symbol, lambda _: seen.update(["kline"])),
    }.items():
        try:
            subscribe()
        except Exception as error:
            calls.tell(f"ws {topic}", f"{type(error).__name__}: {error}")
    time.sleep(LISTEN_S)
    for topic in ("orderbook", "trade", "ticker", "kline"):
        calls.tell(f"ws {topic}", "" if seen[topic] else f"nothing in {LISTEN_S:.0f} s")
    socket.exit()


if __name__ == "__main__":
    main(*sys.argv[1:3])
