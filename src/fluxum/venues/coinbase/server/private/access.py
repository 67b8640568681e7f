"""Who may do what: the tokens of calls and of subscriptions, checked with the account's key.

https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication. A
token is good for two minutes at most. Whether the venue takes one twice is not published; here it
may be used again. The host that a token of a call names is not compared, as this is none of the
venue's.
"""

from fluxum.errors import BadInput, VenueRefused
from fluxum.venues.coinbase.advanced.private.signing import VALID_S, private_key
from fluxum.venues.conversation import Fetch
from fluxum.venues.server import access
from fluxum.venues.server.access import RateWindow, account_of
from fluxum.venues.server.accounts import Account, Accounts, OrderFault

__all__ = ["account_by_token", "admit"]

_CALLS = RateWindow(30)
_SKEW_S = 30
_SECOND_NS = 1_000_000_000


def admit(accounts: Accounts, call: Fetch, now_ns: int) -> Account:
    """The account that signed a call, which counts; raises VenueRefused with the HTTP status."""
    kind, _, token = access.lowered(call.headers).get("authorization", "").partition(" ")
    path = call.path.partition("?")[0]
    account = account_by_token(
        accounts, token if kind == "Bearer" else "", now_ns, call.method, path
    )
    refused = VenueRefused("too many requests", "429")
    if accounts.roll_fault(OrderFault.LIMITED):
        raise refused
    access.count(account, "calls", _CALLS, now_ns, refused)
    return account


def account_by_token(
    accounts: Accounts, token: str, now_ns: int, method: str = "", path: str = ""
) -> Account:
    """The account that signed a token, which names a call or none; raises VenueRefused."""
    import jwt  # of an extra, which only accounts need

    refused = VenueRefused("Unauthorized", "401")
    try:
        name = jwt.get_unverified_header(token).get("kid")
        account = account_of(accounts, str(name), refused)
        algorithm, key = private_key(account.secret)
        claims = jwt.decode(
            token,
            key.public_key(),
            [algorithm],
            {
                "verify_signature": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except (jwt.PyJWTError, BadInput):
        raise refused from None
    now_s = now_ns // _SECOND_NS
    match claims:
        case {"sub": str(sub), "nbf": int(begins_s), "exp": int(ends_s)}:
            is_timely = begins_s <= now_s + _SKEW_S and now_s < ends_s <= begins_s + VALID_S
        case _:
            raise refused
    named, _, host_and_path = str(claims.get("uri", " ")).partition(" ")
    is_of_call = named == method and host_and_path.endswith(path)
    if sub != name or not is_timely or not is_of_call:
        raise refused
    return account
