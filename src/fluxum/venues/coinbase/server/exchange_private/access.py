"""Who may do what: the proofs of calls and of requests for channels.

https://docs.cdp.coinbase.com/exchange/rest-api/authentication and .../rate-limits: a proof is good
for thirty seconds around its time; 30 private calls at once. An invalid signature is HTTP 400.
"""

from decimal import Decimal, InvalidOperation

from fluxum.errors import VenueRefused
from fluxum.venues.coinbase.exchange.native import Request
from fluxum.venues.coinbase.exchange.private.signing import VALID_S
from fluxum.venues.coinbase.exchange.signing import proof, signature
from fluxum.venues.conversation import Fetch
from fluxum.venues.server import access
from fluxum.venues.server.access import RateWindow, account_of, check_signature, check_time
from fluxum.venues.server.accounts import Account, Accounts, OrderFault

__all__ = ["account_of_request", "admit"]

_CALLS = RateWindow(30)
_SECOND_NS = 1_000_000_000


def admit(accounts: Accounts, call: Fetch, now_ns: int) -> Account:
    """The account that signed a call, which counts; raises VenueRefused with the HTTP status."""
    given = access.lowered(call.headers)
    time_text = given.get("cb-access-timestamp", "")
    account = account_of(accounts, given.get("cb-access-key", ""), _refused("Invalid API Key"))
    text = f"{time_text}{call.method}{call.path}".encode() + call.body
    wanted = proof(account.secret, text)
    invalid = VenueRefused("invalid signature", "400")
    check_signature(wanted, given.get("cb-access-sign", ""), invalid)
    _check(account, given.get("cb-access-passphrase", ""), time_text, now_ns)
    limited = VenueRefused("Private rate limit exceeded", "429")
    if accounts.roll_fault(OrderFault.LIMITED):
        raise limited
    access.count(account, "calls", _CALLS, now_ns, limited)
    return account


def account_of_request(accounts: Accounts, request: Request, now_ns: int) -> Account:
    """The account that signed a request for channels; raises VenueRefused."""
    refused = _refused("Authentication Failed")
    account = account_of(accounts, request.key, refused)
    wanted = signature(account.secret, request.timestamp)
    check_signature(wanted, request.signature, refused)
    _check(account, request.passphrase, request.timestamp, now_ns)
    return account


def _check(account: Account, passphrase: str, time_text: str, now_ns: int) -> None:
    check_signature(account.passphrase, passphrase, _refused("Invalid Passphrase"))
    late = _refused("request timestamp expired")
    try:
        sent_ns = int(Decimal(time_text) * _SECOND_NS)
    except (InvalidOperation, ValueError, OverflowError):
        raise _refused("invalid timestamp") from None
    valid_ns = VALID_S * _SECOND_NS
    check_time(sent_ns, now_ns, past_ns=valid_ns, future_ns=valid_ns, refused=late)


def _refused(reason: str) -> VenueRefused:
    return VenueRefused(reason, "401")
