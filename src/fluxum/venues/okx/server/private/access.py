"""Who may do what: logins of links and signed calls, checked with the client's own signatures.

https://www.okx.com/docs-v5/en/#overview-websocket-login, #overview-rest-authentication and
#error-code: a login and a call are good for 30 seconds, most operations 60 times in two seconds.
"""

from collections.abc import Sequence

import msgspec

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx.private.signing import call_text, login_text, signature
from fluxum.venues.server import access
from fluxum.venues.server.access import RateWindow, account_of, check_signature
from fluxum.venues.server.accounts import Account, Accounts, OrderFault

__all__ = ["account_of_call", "account_of_login", "count"]

_SECOND_NS = 1_000_000_000
_VALID_NS = 30 * _SECOND_NS


def account_of_login(accounts: Accounts, args: Sequence[object], now_ns: int) -> Account:
    """The account that a login is of, whose time may be a number; raises VenueRefused."""
    try:
        (named,) = msgspec.convert(args, tuple[dict[str, str | int]])
    except msgspec.ValidationError as error:
        raise VenueRefused("Login failed.", "60009") from error
    given = {name: str(value) for name, value in named.items()}
    seconds = given.get("timestamp", "")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        raise VenueRefused("Invalid timestamp", "60004")
    account = account_of(accounts, given.get("apiKey", ""), VenueRefused("Invalid apiKey", "60005"))
    wrong = VenueRefused("Invalid sign", "60007")
    check_signature(signature(account.secret, login_text(seconds)), given.get("sign", ""), wrong)
    wrong = VenueRefused("Wrong passphrase", "60024")
    check_signature(account.passphrase, given.get("passphrase", ""), wrong)
    _check_time(int(seconds) * _SECOND_NS, now_ns, "60006")
    return account


def account_of_call(accounts: Accounts, call: Fetch, now_ns: int) -> Account:
    """The account that signed a call; raises VenueRefused."""
    headers = access.lowered(call.headers)
    key, time = headers.get("ok-access-key", ""), headers.get("ok-access-timestamp", "")
    account = account_of(accounts, key, VenueRefused("Invalid OK-ACCESS-KEY", "50111"))
    wrong = VenueRefused("Invalid Sign", "50113")
    wanted = signature(account.secret, call_text(call, time))
    check_signature(wanted, headers.get("ok-access-sign", ""), wrong)
    wrong = VenueRefused("Request header OK-ACCESS-PASSPHRASE incorrect.", "50105")
    check_signature(account.passphrase, headers.get("ok-access-passphrase", ""), wrong)
    try:
        sent_ns = parse_rfc3339(time)
    except BadInput as error:
        raise VenueRefused("Invalid OK-ACCESS-TIMESTAMP", "50112") from error
    _check_time(sent_ns, now_ns, "50102")
    if accounts.roll_fault(OrderFault.LIMITED):
        raise _too_often()
    return account


def count(account: Account, name: str, most: int, now_ns: int, cost: int = 1) -> None:
    """Count a call or an operation in its two seconds; raises VenueRefused."""
    access.count(account, name, RateWindow(most, 2 * _SECOND_NS), now_ns, _too_often(), cost)


def _check_time(sent_ns: int, now_ns: int, code: str) -> None:
    refused = VenueRefused("Timestamp request expired", code)
    access.check_time(sent_ns, now_ns, past_ns=_VALID_NS, future_ns=_VALID_NS, refused=refused)


def _too_often() -> VenueRefused:
    return VenueRefused("Too Many Requests", "50011")
