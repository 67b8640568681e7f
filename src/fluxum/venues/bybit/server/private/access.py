"""Who may do what: logins of links and signed calls, checked with the client's own signatures.

https://bybit-exchange.github.io/docs/v5/guide and /ws/connect; the codes are those of /error. The
venue publishes no text of a refused login but "Params Error".
"""

import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal

from fluxum.errors import VenueRefused
from fluxum.venues.bybit.private.signing import call_text, login_text, signature
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.accounts import Account, Accounts, Count, OrderFault
from fluxum.venues.server.formats import millis

__all__ = ["admit", "check_time", "count", "log_in"]

_AHEAD_MS = 1000
_SECOND_NS = 1_000_000_000


def log_in(accounts: Accounts, args: Sequence[object], now_ns: int) -> Account:
    """The account that a login is of; raises VenueRefused."""
    match args:
        case [str(key), int(expires_ms), str(sign)] if expires_ms > millis(now_ns):
            account = _account(accounts, key)
            _compare(signature(account.secret, login_text(expires_ms)), sign)
            return account
        case _:
            raise VenueRefused("Params Error", "10001")


def admit(accounts: Accounts, call: Fetch, now_ns: int) -> Account:
    """The account that signed a call; raises VenueRefused."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    account = _account(accounts, headers.get("x-bapi-api-key", ""))
    timestamp = headers.get("x-bapi-timestamp", "")
    receive_ms = headers.get("x-bapi-recv-window", "5000")
    text = call_text(call, timestamp, account.key, receive_ms)
    _compare(signature(account.secret, text), headers.get("x-bapi-sign", ""))
    check_time(timestamp, receive_ms, now_ns)
    if accounts.roll_fault(OrderFault.LIMITED):
        raise _too_often()
    return account


def check_time(timestamp: str, receive_ms: str, now_ns: int) -> None:
    """Raise VenueRefused for a call that is too old, or of the future."""
    now_ms = millis(now_ns)
    if not (timestamp.isdecimal() and receive_ms.isdecimal() and len(timestamp) < 16):
        raise VenueRefused("Request parameter error.", "10001")
    if not now_ms - int(receive_ms) <= int(timestamp) < now_ms + _AHEAD_MS:
        raise VenueRefused(
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{timestamp}],server_timestamp[{now_ms}],recv_window[{receive_ms}]",
            "10002",
        )


def count(account: Account, operation: str, cost: int, most: int, now_ns: int) -> Mapping[str, str]:
    """Count an operation in its second, and return its headers; raises VenueRefused."""
    counted = account.counts.get(operation)
    if counted is None or now_ns - counted.at_ns >= _SECOND_NS:
        counted = account.counts[operation] = Count(Decimal(0), now_ns)
    if counted.used + cost > most:
        raise _too_often()
    counted.used += cost
    return {
        "X-Bapi-Limit": str(most),
        "X-Bapi-Limit-Status": str(most - int(counted.used)),
        "X-Bapi-Limit-Reset-Timestamp": str(millis(counted.at_ns + _SECOND_NS)),
    }


def _too_often() -> VenueRefused:
    return VenueRefused("Too many visits!", "10006")


def _account(accounts: Accounts, key: str) -> Account:
    account = accounts.by_key(key)
    if account is None:
        raise VenueRefused("API key is invalid.", "10003")
    return account


def _compare(wanted: str, given: str) -> None:
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise VenueRefused("error sign! please check your signature generation algorithm.", "10004")
