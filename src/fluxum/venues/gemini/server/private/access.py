"""Who may do what: signed calls and upgrades of links, checked with the client's own signatures.

https://developer.gemini.com/authentication/api-key and https://docs.gemini.com/rest-api/#error-codes.
Whether a key has a time-based nonce is a property of it; here its first nonce decides: a number of
seconds, or one that has to increase from then on. A key requires a heartbeat from its first one on.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from fluxum.errors import VenueRefused
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.private.commands import HEARTBEAT_S
from fluxum.venues.gemini.private.signing import signature, upgrade_payload
from fluxum.venues.server.access import RateWindow, account_of, check_signature, count, lowered
from fluxum.venues.server.accounts import Account, Accounts, Count, OrderFault
from fluxum.venues.server.formats import millis

__all__ = ["admit", "beat", "check_nonce", "is_keyed", "signed_call", "signed_upgrade", "status_of"]

Given = Mapping[str, object]

_STATUSES = {
    "InsufficientFunds": 406,
    "MissingRole": 403,
    "OrderNotFound": 404,
    "EndpointNotFound": 404,
    "RateLimit": 429,
    "Maintenance": 503,
}
_SECONDS_MAX = 10**11
_WINDOW_S = 30
_A_MINUTE = RateWindow(most=600, length_ns=60_000_000_000)
_INCREASING, _HEARTBEAT = "increasing nonce", "heartbeat"
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


def status_of(refused: VenueRefused) -> int:
    """The HTTP status of a refusal, whose code is the venue's reason."""
    return _STATUSES.get(refused.code, 400)


def admit(accounts: Accounts, call: Fetch, now_ns: int) -> tuple[Account, Given]:
    """The account that signed a call, and the call's parameters; raises VenueRefused."""
    account, given = signed_call(accounts, call)
    if accounts.roll_fault(OrderFault.LIMITED):
        raise _too_often()
    check_nonce(account, str(given.get("nonce", "")), now_ns)
    count(account, "calls", _A_MINUTE, now_ns, _too_often())
    beat(account, now_ns)
    return account, given


def signed_call(accounts: Accounts, call: Fetch) -> tuple[Account, Given]:
    """The same whenever it is made; so is the upgrade of a link signed."""
    headers = lowered(call.headers)
    for name in ("apikey", "payload", "signature"):
        if f"x-gemini-{name}" not in headers:
            raise VenueRefused(f"Must provide 'X-GEMINI-{name.upper()}' header", _missing(name))
    payload = headers["x-gemini-payload"]
    account = _signed(accounts, headers, payload)
    try:
        given = _decode_object(base64.b64decode(payload, validate=True))
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise VenueRefused("the payload is no JSON", "InvalidJson") from error
    path = call.path.partition("?")[0]
    if given.get("request") != path:
        raise VenueRefused("the request of the payload is another one", "EndpointMismatch")
    return account, given


def is_keyed(headers: Mapping[str, str]) -> bool:
    """Whether there is a key, good or not."""
    return "x-gemini-apikey" in lowered(headers)


def signed_upgrade(accounts: Accounts, headers: Mapping[str, str]) -> tuple[Account, str]:
    """The account of an upgrade of ws.gemini.com, and its nonce; raises VenueRefused."""
    given = lowered(headers)
    nonce = given.get("x-gemini-nonce", "")
    if not is_keyed(headers) or given.get("x-gemini-payload") != upgrade_payload(nonce):
        raise VenueRefused("the payload is not that of the nonce", "InvalidSignature")
    return _signed(accounts, given, given["x-gemini-payload"]), nonce


def beat(account: Account, now_ns: int, *, is_heartbeat: bool = False) -> None:
    """Any message puts off the cancel of all orders, of a key that requires a heartbeat."""
    if is_heartbeat:
        account.windows[_HEARTBEAT] = Count()
    if _HEARTBEAT in account.windows:
        account.cancel_all_after(HEARTBEAT_S, now_ns)


def _signed(accounts: Accounts, headers: Mapping[str, str], payload: str) -> Account:
    unknown = VenueRefused("no such key", "InvalidApiKey")
    account = account_of(accounts, headers["x-gemini-apikey"], unknown)
    wanted, given = signature(account.secret, payload), headers.get("x-gemini-signature", "")
    check_signature(wanted, given, VenueRefused("InvalidSignature", "InvalidSignature"))
    return account


def check_nonce(account: Account, nonce: str, now_ns: int) -> None:
    """Raise VenueRefused for a nonce that is not of this time, or not above the last one."""
    is_number = nonce.replace(".", "", 1).isdecimal() and nonce.isascii() and len(nonce) < 30
    if not is_number:
        raise VenueRefused("Nonce is missing or no number", "InvalidNonce")
    number = Decimal(nonce)
    last = account.windows.get(_INCREASING)
    if last is None and number >= _SECONDS_MAX and "calls" not in account.windows:
        last = account.windows[_INCREASING] = Count()
    if last is None:
        if abs(number - now_ns // 10**9) > _WINDOW_S:
            raise VenueRefused(
                f"Nonce '{nonce}' is not within {_WINDOW_S} seconds of server time "
                f"'{millis(now_ns) // 1000}'",
                "InvalidNonce",
            )
    elif number <= last.used:
        raise VenueRefused(
            f"Nonce '{nonce}' has not increased since your last call to the Gemini API.",
            "InvalidNonce",
        )
    else:
        last.used = number


def _missing(name: str) -> str:
    return f"Missing{name.capitalize()}Header"


def _too_often() -> VenueRefused:
    return VenueRefused("Too many requests", "RateLimit")
