"""Who may do what: logins of links and signed calls, checked with the client's own signatures.

https://bybit-exchange.github.io/docs/v5/guide and /ws/connect; the codes are those of /error. The
venue publishes no text of a refused login but "Params Error".
"""

from collections.abc import Mapping, Sequence

from fluxum.errors import VenueRefused
from fluxum.venues.bybit.private.signing import call_text, login_text, signature
from fluxum.venues.conversation import Fetch
from fluxum.venues.server import access
from fluxum.venues.server.access import RateWindow, account_of, check_signature
from fluxum.venues.server.accounts import Account, Accounts, OrderFault
from fluxum.venues.server.formats import millis

__all__ = ["account_of_login", "admit", "check_time", "count"]

_MILLISECOND = 1_000_000
_AHEAD_NS = 1000 * _MILLISECOND
_TEXTS = {
    "10003": "API key is invalid.",
    "10004": "error sign! please check your signature generation algorithm.",
    "10006": "Too many visits!",
}


def account_of_login(accounts: Accounts, args: Sequence[object], now_ns: int) -> Account:
    """The account that a login is of; raises VenueRefused."""
    match args:
        case [str(key), int(expires_ms), str(sign)] if expires_ms > millis(now_ns):
            account = account_of(accounts, key, _refused("10003"))
            check_signature(
                signature(account.secret, login_text(expires_ms)), sign, _refused("10004")
            )
            return account
        case _:
            raise VenueRefused("Params Error", "10001")


def admit(accounts: Accounts, call: Fetch, now_ns: int) -> Account:
    """The account that signed a call; raises VenueRefused."""
    headers = access.lowered(call.headers)
    account = account_of(accounts, headers.get("x-bapi-api-key", ""), _refused("10003"))
    timestamp = headers.get("x-bapi-timestamp", "")
    text = call_text(call, timestamp, account.key, headers.get("x-bapi-recv-window", "5000"))
    check_signature(
        signature(account.secret, text), headers.get("x-bapi-sign", ""), _refused("10004")
    )
    check_time(headers, now_ns)
    if accounts.roll_fault(OrderFault.LIMITED):
        raise _refused("10006")
    return account


def check_time(headers: Mapping[str, str], now_ns: int) -> None:
    """Raise VenueRefused for a call that is too old, or of the future."""
    timestamp = headers.get("x-bapi-timestamp", "")
    receive_ms = headers.get("x-bapi-recv-window", "5000")
    if not (timestamp.isdecimal() and receive_ms.isdecimal() and len(timestamp) < 16):
        raise VenueRefused("Request parameter error.", "10001")
    refused = VenueRefused(
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{timestamp}],server_timestamp[{millis(now_ns)}],recv_window[{receive_ms}]",
        "10002",
    )
    access.check_time(
        int(timestamp) * _MILLISECOND,
        millis(now_ns) * _MILLISECOND,
        past_ns=int(receive_ms) * _MILLISECOND,
        future_ns=_AHEAD_NS,
        refused=refused,
    )


def count(account: Account, operation: str, cost: int, most: int, now_ns: int) -> Mapping[str, str]:
    """Count an operation in its second, and return its headers; raises VenueRefused."""
    used = access.count(account, operation, RateWindow(most), now_ns, _refused("10006"), cost)
    return {
        "X-Bapi-Limit": str(most),
        "X-Bapi-Limit-Status": str(used.left),
        "X-Bapi-Limit-Reset-Timestamp": str(millis(used.resets_ns)),
    }


def _refused(code: str) -> VenueRefused:
    return VenueRefused(_TEXTS[code], code)
