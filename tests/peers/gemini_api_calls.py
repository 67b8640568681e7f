"""gemini-api at a simulated Gemini; see `table.py`. Run in the peers' environment.

Its nonces are seconds times a thousand, so that two calls in one second have the same.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import gemini_api.authentication
from gemini_api.authentication import Authentication
from gemini_api.endpoints.fund_management import FundManagement
from gemini_api.endpoints.order import Order
from report import Calls


def main(venue: str, url: str) -> None:
    """The balances, an order that rests and is canceled, one that is filled, and a heartbeat."""
    calls = Calls("gemini_api", venue)
    gemini_api.authentication.GEMINI_REQUEST_BASE_URL = f"http://{urlsplit(url).netloc}"
    keys = Authentication(os.environ["PEER_KEY"], os.environ["PEER_SECRET"])

    def call(name: str, work: Callable[[], Any], is_right: Callable[[Any], bool]) -> Any:
        time.sleep(1.1)
        try:
            answer = work()
        except Exception as error:  # whatever another program raises is a row of the table
            calls.tell(name, f"{type(error).__name__}: {error}")
            return None
        calls.tell(name, "" if is_right(answer) else f"another answer: {answer!r:.80}")
        return answer

    call("get_available_balances", lambda: FundManagement.get_available_balances(keys), bool)
    order = call(
        "new_order",
        lambda: Order.new_order(keys, "btcusd", "0.01", "1000", "buy"),
        lambda one: one.is_live is True,
    )
    call("get_active_orders", lambda: Order.get_active_orders(keys), lambda found: len(found) == 1)
    if order is not None:
        call(
            "order_status",
            lambda: Order.order_status(keys, order.order_id, include_trades=False),
            lambda one: one.order_id == order.order_id,
        )
        call(
            "cancel_order",
            lambda: Order.cancel_order(keys, order.order_id),
            lambda one: one.is_cancelled is True,
        )
    call(
        "new_order taken",
        lambda: Order.new_order(
            keys, "btcusd", "0.01", "1000", "sell", options=["immediate-or-cancel"]
        ),
        lambda one: float(one.executed_amount) > 0,
    )
    call("get_past_trades", lambda: Order.get_past_trades(keys, "btcusd"), bool)
    call("revive_heartbeat", lambda: Order.revive_heartbeat(keys), lambda one: one.result == "ok")


if __name__ == "__main__":
    main(*sys.argv[1:3])
