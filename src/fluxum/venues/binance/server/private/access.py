"""Who may do what: requests and calls are checked with the client's own signatures.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#request-security and
errors.md. A key pair's public half is not known here: as its signatures are the same each time, the
account's private key makes the one to compare with.
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

from fluxum.errors import VenueRefused
from fluxum.venues.binance.private.signing import RECEIVE_MS, request_text, signing
from fluxum.venues.conversation import Fetch
from fluxum.venues.server import access
from fluxum.venues.server.access import RateWindow, Used, account_of, check_signature
from fluxum.venues.server.accounts import Account, Accounts, OrderFault
from fluxum.venues.server.formats import millis

__all__ = ["BANNED", "admit_call", "admit_request", "check_time", "count_order", "owner_of_key"]

BANNED = frozenset({"-1003", "-1015"})
"""Refusals of too many calls, or orders: their status is 429."""
_MILLISECOND = 1_000_000
_AHEAD_MS = 1000
_TEN_S_NS = 10_000_000_000
_signing = lru_cache(maxsize=64)(signing)


def admit_request(accounts: Accounts, params: Mapping[str, object], now_ns: int) -> Account:
    """The account that signed a request of the WebSocket API; raises VenueRefused."""
    account = _account(accounts, params.get("apiKey"))
    _check(account, request_text(params), str(params.get("signature", "")))
    check_time(params, now_ns)
    return account


def admit_call(accounts: Accounts, call: Fetch, now_ns: int) -> tuple[Account, Mapping[str, str]]:
    """The account that signed a call, and its parameters; raises VenueRefused."""
    account = owner_of_key(accounts, call)
    query, body = call.path.partition("?")[2], call.body.decode("utf-8", "replace")
    texts = [one.rpartition("signature=") for one in (query, body)]
    text = "".join(before.removesuffix("&") if mark else one for before, mark, one in texts)
    params = dict(parse_qsl(body) + parse_qsl(query))
    _check(account, text, params.get("signature", ""))
    check_time(params, now_ns)
    if accounts.roll_fault(OrderFault.LIMITED):
        raise VenueRefused("Too many requests; please wait.", "-1003")
    return account, params


def owner_of_key(accounts: Accounts, call: Fetch) -> Account:
    """The account whose key a call names, signed or not; raises VenueRefused."""
    return _account(accounts, access.lowered(call.headers).get("x-mbx-apikey"))


def check_time(params: Mapping[str, object], now_ns: int) -> None:
    """Raise VenueRefused for a request that is too old, or of the future."""
    sent, window = (str(params.get(name, "")) for name in ("timestamp", "recvWindow"))
    if not sent.isdecimal() or len(sent) > 15:
        text = "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
        raise VenueRefused(text, "-1102")
    receive_ms = int(window) if window.isdecimal() and len(window) < 6 else RECEIVE_MS
    ahead = int(sent) >= millis(now_ns) + _AHEAD_MS
    text = "was 1000ms ahead of the server's time." if ahead else "is outside of the recvWindow."
    access.check_time(
        int(sent) * _MILLISECOND,
        millis(now_ns) * _MILLISECOND,
        past_ns=receive_ms * _MILLISECOND,
        future_ns=_AHEAD_MS * _MILLISECOND,
        refused=VenueRefused(f"Timestamp for this request {text}", "-1021"),
    )


def count_order(account: Account, now_ns: int, most: int, cost: int = 1) -> Used:
    """Count an order in its ten seconds; raises VenueRefused for one too many."""
    text = f"Too many new orders; current limit is {most} orders per 10 SECOND."
    window = RateWindow(most, _TEN_S_NS, is_aligned=True)
    return access.count(account, "orders", window, now_ns, VenueRefused(text, "-1015"), cost)


def _account(accounts: Accounts, key: object) -> Account:
    if not isinstance(key, str) or not key:
        raise VenueRefused("API-key format invalid.", "-2014")
    text = "Invalid API-key, IP, or permissions for action."
    return account_of(accounts, key, VenueRefused(text, "-2015"))


def _check(account: Account, text: str, given: str) -> None:
    wanted = _signing(account.secret, account.passphrase)(text)
    given = given.lower() if "=" not in wanted else given  # hexadecimal digits of either case
    check_signature(
        wanted, given, VenueRefused("Signature for this request is not valid.", "-1022")
    )
