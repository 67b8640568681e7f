"""pybit at a simulated Bybit; see `table.py`. Run in the peers' environment."""

import os
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pybit._http_manager
import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading
from report import Calls

CATEGORIES = {"bybit": ("spot", "BTCUSDT"), "bybit-linear": ("linear", "BTCUSDT")}
LISTEN_S = 6.0
KEY, SECRET = os.environ.get("PEER_KEY", ""), os.environ.get("PEER_SECRET", "")


def main(venue: str, url: str) -> None:
    """Market data over REST, every public topic, then the account and its orders."""
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
    trade(HTTP(api_key=KEY, api_secret=SECRET), category, symbol, calls)
    stream(url, category, symbol, calls)


def trade(http: HTTP, category: str, symbol: str, calls: Calls) -> None:
    """The balance, an order that rests and is canceled, one that is filled, and its fills."""
    market: dict[str, Any] = {"category": category, "symbol": symbol}
    book = http.get_orderbook(**market)["result"]["b"]
    low = f"{float(book[0][0]) * 0.9:.1f}"
    buy = {**market, "side": "Buy", "qty": "0.01", "orderType": "Limit", "price": low}
    order: dict[str, str] = {}

    def place() -> Any:
        answer = http.place_order(**buy)
        order.update(answer["result"])
        return answer

    for name, call in {
        "get_wallet_balance": lambda: http.get_wallet_balance(accountType="UNIFIED"),
        "get_fee_rates": lambda: http.get_fee_rates(**market),
        "place_order": place,
        "get_open_orders": lambda: http.get_open_orders(**market),
        "amend_order": lambda: http.amend_order(**market, orderId=order["orderId"], qty="0.02"),
        "cancel_order": lambda: http.cancel_order(**market, orderId=order["orderId"]),
        "place_batch_order": lambda: http.place_batch_order(category=category, request=[buy, buy]),
        "cancel_all_orders": lambda: http.cancel_all_orders(**market),
        "place_order market": lambda: http.place_order(
            **market, side="Sell", qty="0.01", orderType="Market"
        ),
        "get_order_history": lambda: http.get_order_history(category=category),
        "get_executions": lambda: http.get_executions(category=category),
        "get_transaction_log": lambda: http.get_transaction_log(accountType="UNIFIED"),
    }.items():
        try:
            answer = call()
        except Exception as error:  # whatever another program raises is a row of the table
            calls.tell(name, f"{type(error).__name__}: {error}")
        else:
            result = answer.get("result") or {}
            calls.tell(name, "" if result.get("list", [0]) else "an empty answer")


def stream(url: str, category: str, symbol: str, calls: Calls) -> None:
    """The account's topics, and an order over the link of orders."""
    pybit.unified_trading.PRIVATE_WSS = f"{url}/v5/private"
    pybit._websocket_trading.TRADE_WSS = f"{url}/v5/trade"
    seen: Counter[str] = Counter()
    keys: dict[str, Any] = {"testnet": False, "api_key": KEY, "api_secret": SECRET}
    socket = WebSocket(channel_type="private", **keys)
    socket.order_stream(lambda _: seen.update(["ws order"]))
    socket.execution_stream(lambda _: seen.update(["ws execution"]))
    socket.wallet_stream(lambda _: seen.update(["ws wallet"]))
    orders = WebSocketTrading(**keys)
    orders.place_order(
        lambda answer: seen.update(["ws place_order"] if answer["retCode"] == 0 else ()),
        category=category,
        symbol=symbol,
        side="Sell",
        orderType="Market",
        qty="0.01",
    )
    time.sleep(LISTEN_S)
    for name in ("ws place_order", "ws order", "ws execution", "ws wallet"):
        calls.tell(name, "" if seen[name] else f"nothing in {LISTEN_S:.0f} s")
    socket.exit()
    orders.exit()


if __name__ == "__main__":
    main(*sys.argv[1:3])
