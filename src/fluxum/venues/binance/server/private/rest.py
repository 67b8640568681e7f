"""Signed calls about accounts of a simulated Binance: the requests of its WebSocket API over REST.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#account-endpoints and
https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api.
"""

from collections.abc import Callable, Mapping

from fluxum.errors import VenueRefused
from fluxum.venues.binance.native import Fault, encode
from fluxum.venues.binance.private.transfers import DEPOSITS, WITHDRAWALS
from fluxum.venues.binance.server.private.access import BANNED, admit_call
from fluxum.venues.binance.server.private.orders import ReplaceFailed
from fluxum.venues.binance.server.private.reading import Requests
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.contract import Answer, ExchangeView

__all__ = ["SPOT_CALLS", "AccountRest", "Calls", "Unsigned", "gone"]

Calls = Mapping[tuple[str, str], tuple[str, int]]
"""The request of each call, by its method and path, and its weight."""
Unsigned = Callable[[Fetch, int], Answer | None]
"""Answers the calls that are not signed; `None` for all others."""
SPOT_CALLS: Calls = {
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
    **{(verb, "userDataStream"): ("", 1) for verb in ("POST", "PUT", "DELETE")},
    ("GET", DEPOSITS): (DEPOSITS, 1),
    ("GET", WITHDRAWALS): (WITHDRAWALS, 1),
}
_UNAUTHORIZED = frozenset({"-2014", "-2015"})
_GONE = "/userDataStream"


def gone(call: Fetch, now_ns: int) -> Answer | None:  # noqa: ARG001
    """Listen keys of spot are no more: https://github.com/thrasher-corp/gocryptotrader/issues/2190."""
    if call.path.endswith(_GONE):
        return Answer(410, b"<html><head><title>410 Gone</title></head></html>")
    return None


class AccountRest:
    """Answers calls about accounts; `prefix` stands before the paths of `calls`."""

    def __init__(
        self, view: ExchangeView, requests: Requests, calls: Calls, prefix: str, unsigned: Unsigned
    ) -> None:
        self._accounts = view.accounts
        self._requests = requests
        self._calls = calls
        self._prefix = prefix
        self._unsigned = unsigned

    def weight(self, call: Fetch) -> int | None:
        """The weight of a call, None if there is no such call."""
        found = self._calls.get(self._key(call))
        return None if found is None else found[1]

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to a call."""
        method, _ = self._calls[self._key(call)]
        try:
            answer = self._unsigned(call, now_ns)
            if answer is not None:
                return answer
            account, params = admit_call(self._accounts, call, now_ns)
            return Answer(200, encode(self._requests.obey(method, account, params, now_ns)))
        except ReplaceFailed as refused:
            body = {"code": int(refused.code), "msg": str(refused), "data": refused.data}
            return Answer(refused.status, encode(body))
        except VenueRefused as refused:
            is_unknown = refused.code in _UNAUTHORIZED
            status = 429 if refused.code in BANNED else 401 if is_unknown else 400
            headers = {"Retry-After": "1"} if status == 429 else {}
            return Answer(status, encode(Fault(int(refused.code), str(refused))), headers)

    def _key(self, call: Fetch) -> tuple[str, str]:
        return call.method, call.path.partition("?")[0].removeprefix(self._prefix)
