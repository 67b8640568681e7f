"""Signed calls about accounts of a simulated Binance: the requests of its WebSocket API over REST.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#account-endpoints.
"""

from fluxum.errors import VenueRefused
from fluxum.venues.binance.native import Fault, encode
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.transfers import DEPOSITS, WITHDRAWALS
from fluxum.venues.binance.server.private.access import BANNED, admit_call
from fluxum.venues.binance.server.private.orders import ReplaceFailed, SpotAccounts
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.contract import Answer, ExchangeView

__all__ = ["AccountRest"]

# The request of each call, by its method and name, and its weight.
_CALLS = {
    ("POST", "order"): ("order.place", 1),
    ("POST", "order/test"): ("order.test", 1),
    ("DELETE", "order"): ("order.cancel", 1),
    ("POST", "order/cancelReplace"): ("order.cancelReplace", 1),
    ("PUT", "order/amend/keepPriority"): ("order.amend.keepPriority", 4),
    ("DELETE", "openOrders"): ("openOrders.cancelAll", 1),
    ("GET", "order"): ("order.status", 4),
    ("GET", "openOrders"): ("openOrders.status", 80),
    ("GET", "allOrders"): ("allOrders", 20),
    ("GET", "myTrades"): ("myTrades", 20),
    ("GET", "account"): ("account.status", 20),
    ("GET", DEPOSITS): (DEPOSITS, 1),
    ("GET", WITHDRAWALS): (WITHDRAWALS, 1),
}
_UNAUTHORIZED = frozenset({"-2014", "-2015"})
# Listen keys: https://github.com/thrasher-corp/gocryptotrader/issues/2190
_GONE = "/userDataStream"


class AccountRest:
    """Answers signed calls about accounts on spot."""

    def __init__(self, policy: Policy, view: ExchangeView) -> None:
        self._rest = policy.rest
        self._accounts = view.accounts
        self._spot = SpotAccounts(policy, view)

    def weight(self, call: Fetch) -> int | None:
        """The weight of a call, None if there is no such call."""
        found = _CALLS.get(self._key(call))
        return 1 if call.path.endswith(_GONE) else None if found is None else found[1]

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to a call."""
        if call.path.endswith(_GONE):
            return Answer(410, b"<html><head><title>410 Gone</title></head></html>")
        method, _ = _CALLS[self._key(call)]
        try:
            account, params = admit_call(self._accounts, call, now_ns)
            return Answer(200, encode(self._spot.obey(method, account, params, now_ns)))
        except ReplaceFailed as refused:
            body = {"code": int(refused.code), "msg": str(refused), "data": refused.data}
            return Answer(refused.status, encode(body))
        except VenueRefused as refused:
            is_unknown = refused.code in _UNAUTHORIZED
            status = 429 if refused.code in BANNED else 401 if is_unknown else 400
            headers = {"Retry-After": "1"} if status == 429 else {}
            return Answer(status, encode(Fault(int(refused.code), str(refused))), headers)

    def _key(self, call: Fetch) -> tuple[str, str]:
        return call.method, call.path.partition("?")[0].removeprefix(self._rest)
