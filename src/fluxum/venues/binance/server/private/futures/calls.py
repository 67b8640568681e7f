"""Which request each call to simulated USD-M futures stands for, and what it weighs.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api and
/account/rest-api, 2026-05.
"""

from fluxum.venues.binance.server.private.rest import Calls

__all__ = ["CALLS"]

CALLS: Calls = {
    ("POST", "v1/order"): ("order.place", 0),
    ("PUT", "v1/order"): ("order.modify", 0),
    ("DELETE", "v1/order"): ("order.cancel", 1),
    ("POST", "v1/order/test"): ("order.test", 0),
    ("POST", "v1/batchOrders"): ("batch.place", 5),
    ("DELETE", "v1/batchOrders"): ("batch.cancel", 1),
    ("DELETE", "v1/allOpenOrders"): ("cancelAll", 1),
    ("POST", "v1/countdownCancelAll"): ("countdown", 10),
    ("POST", "v1/algoOrder"): ("algoOrder.place", 0),
    ("DELETE", "v1/algoOrder"): ("algoOrder.cancel", 1),
    ("DELETE", "v1/algoOpenOrders"): ("algoCancelAll", 1),
    ("GET", "v1/order"): ("order.status", 1),
    ("GET", "v1/openOrders"): ("openOrders", 40),
    ("GET", "v1/allOrders"): ("allOrders", 5),
    ("GET", "v1/forceOrders"): ("forceOrders", 20),
    ("GET", "v1/algoOrder"): ("algoOrder.status", 1),
    ("GET", "v1/openAlgoOrders"): ("openAlgoOrders", 40),
    ("GET", "v1/allAlgoOrders"): ("allAlgoOrders", 5),
    ("GET", "v1/userTrades"): ("userTrades", 5),
    ("GET", "v1/income"): ("income", 30),
    ("GET", "v1/leverageBracket"): ("brackets", 1),
    ("GET", "v1/positionSide/dual"): ("positionMode", 30),
    **{("GET", f"v{one}/balance"): ("balance", 5) for one in (2, 3)},
    **{("GET", f"v{one}/account"): ("account", 5) for one in (2, 3)},
    **{("GET", f"v{one}/positionRisk"): ("positions", 5) for one in (2, 3)},
    **{(verb, "v1/listenKey"): ("", 1) for verb in ("POST", "PUT", "DELETE")},
}
"""Calls behind `/fapi/`."""
