"""coinbase-advanced-py at a simulated Coinbase; see `table.py`. Run in the peers' environment."""

import os
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from coinbase.rest import RESTClient
from coinbase.websocket import WSClient, WSUserClient
from report import Calls

LISTEN_S = 6.0
CHANNELS = ("level2", "market_trades", "ticker", "candles", "heartbeats")


def main(_venue: str, url: str) -> None:
    """Market data and an account over REST, then the channels."""
    calls = Calls("coinbase_py", "coinbase")
    keys = {"api_key": os.environ["PEER_KEY"], "api_secret": os.environ["PEER_SECRET"]}
    rest = RESTClient(base_url=urlsplit(url).netloc, **keys)
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
    trade(calls, rest)
    listen(calls, rest, url, keys)


def trade(calls: Calls, rest: RESTClient) -> None:
    """An order that rests, is edited and canceled, and one that trades."""
    order_id = ""

    def place() -> bool:
        nonlocal order_id
        answer = rest.limit_order_gtc_buy("resting", "BTC-USD", "0.01", "1000")
        order_id = str(answer["order_id"])
        return bool(answer["success"])

    for name, work in {
        "get_accounts": lambda: rest.get_accounts()["accounts"],
        "limit_order_gtc_buy": place,
        "get_order": lambda: rest.get_order(order_id)["order"],
        "list_orders": lambda: rest.list_orders(order_status=["OPEN"])["orders"],
        "edit_order": lambda: rest.edit_order(order_id, size="0.01", price="900")["success"],
        "cancel_orders": lambda: rest.cancel_orders([order_id])["results"][0]["success"],
        "market_order_buy": lambda: rest.market_order_buy("taking", "BTC-USD", "10")["success"],
        "get_fills": lambda: rest.get_fills()["fills"],
        "get_transaction_summary": rest.get_transaction_summary,
        "get_api_key_permissions": rest.get_api_key_permissions,
    }.items():
        try:
            answer = work()
        except Exception as error:  # whatever another program raises is a row of the table
            calls.tell(name, f"{type(error).__name__}: {error}")
        else:
            calls.tell(name, "" if answer else "an empty answer")


def listen(calls: Calls, rest: RESTClient, url: str, keys: dict[str, str]) -> None:
    """The public channels, then the orders of an account."""
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
    states: list[str] = []
    user = WSUserClient(base_url=url, on_message=states.append, **keys)
    user.open()
    user.subscribe([], ["user", "heartbeats"])
    rest.market_order_buy("heard", "BTC-USD", "10")
    time.sleep(LISTEN_S)
    user.close()
    is_filled = any('"client_order_id":"heard"' in one for one in states)
    calls.tell("ws user", "" if is_filled else f"nothing in {LISTEN_S:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
