"""Listen keys of simulated USD-M futures: each opens the user data stream of an account.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams: a key is
valid for an hour after it was had or kept alive. An account has one; a POST returns it, and keeps
it alive.
"""

from fluxum.errors import VenueRefused
from fluxum.venues.binance.native import encode
from fluxum.venues.binance.private.signing import LISTEN_KEY
from fluxum.venues.binance.server.private.access import owner_of_key
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.accounts import Account, Accounts
from fluxum.venues.server.contract import Answer

__all__ = ["ListenKeys"]

_VALID_NS = 3600 * 1_000_000_000
_EVER_S = 10 * 365 * 86_400
_KEYS_MAX = 10_000
_TEXT = "This listenKey does not exist."


class ListenKeys:
    """The keys of one exchange, by when they expire."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._expiries: dict[str, int] = {}

    def account(self, key: str, now_ns: int) -> Account | None:
        """The account of a key that is valid."""
        is_valid = self._expiries.get(key, 0) > now_ns
        return self._accounts.by_token(key, now_ns) if is_valid else None

    def answer(self, call: Fetch, now_ns: int) -> Answer | None:
        """The answer to a call for a key; raises VenueRefused."""
        if not call.path.partition("?")[0].endswith(LISTEN_KEY):
            return None
        account = owner_of_key(self._accounts, call)
        key = next((one for one in self._expiries if self.account(one, now_ns) is account), None)
        if call.method == "POST":
            key = key or self._accounts.issue_token(account, now_ns, _EVER_S)
            if len(self._expiries) >= _KEYS_MAX:
                del self._expiries[next(iter(self._expiries))]
        elif key is None:
            raise VenueRefused(_TEXT, "-1125")
        self._expiries[key] = 0 if call.method == "DELETE" else now_ns + _VALID_NS
        return Answer(200, encode({} if call.method == "DELETE" else {"listenKey": key}))
