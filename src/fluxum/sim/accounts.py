"""The accounts of a simulated exchange: keys, tokens, and the followers of each account."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.model.instrument import Asset, Symbol
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.instruments import decimals
from fluxum.sim.market import SimulatedMarket
from fluxum.sim.order_gateway import Change, OrderGateway
from fluxum.venues.server.accounts import Account, Follower, OrderFault

__all__ = ["SimulatedAccounts"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TOKEN_LETTERS = _LETTERS + _LETTERS.lower()
_TOKEN_LENGTH = 43
_TOKENS_MAX = 10_000


class _Token(Struct):
    """The account of a token, when it expires, and how many followers use it."""

    account: SimulatedAccount
    expires_ns: int
    followers: int = 0


class SimulatedAccounts:
    """See Accounts for what servers use, and Change for `change`.

    `roll_fault` returns whether a fault happens now, `order_id` and `entry_id` are those of
    ServerSide. All random choices come from `random`, which no other object uses.
    """

    def __init__(
        self,
        venue: str,
        markets: Mapping[Symbol, SimulatedMarket],
        random: Random,
        change: Change,
        next_instant: Callable[[], int],
        publish: Callable[[], None],
        roll_fault: Callable[[OrderFault], bool],
        order_id: Callable[[Symbol, int], str] | None = None,
        entry_id: Callable[[int], str] | None = None,
    ) -> None:
        self.gateway = OrderGateway(markets, change, next_instant, self.name, publish, order_id)
        self._venue = venue
        self._markets = markets
        self._random = random
        self._roll_fault = roll_fault
        self._entry_id = entry_id
        self._accounts: dict[str, SimulatedAccount] = {}
        self._tokens: dict[str, _Token] = {}
        self._followed: dict[Follower, str] = {}
        self._last = 0

    def open(
        self,
        credentials: Credentials,
        balances: Mapping[str, Decimal],
        tier: str,
        fees: tuple[Decimal, Decimal],
    ) -> SimulatedAccount:
        """Open an account with a first deposit; raises BadInput for a key that is taken."""
        if credentials.key in self._accounts:
            raise BadInput("a key that no account has was expected, was one that is taken")
        account = SimulatedAccount(self._venue, credentials, self.gateway, tier, fees)
        self._accounts[credentials.key] = account
        account.deposit(balances)
        return account

    def tick(self, now_ns: int) -> None:
        """Do what is due at this instant."""
        if self._accounts:
            self.gateway.tick(self._accounts.values(), now_ns)

    def is_followed_by(self, server: object) -> bool:
        """Whether a server follows an account."""
        return server in self._followed

    def drop(self, server: object) -> None:
        """A server's client has disconnected."""
        for follower in [one for one in self._followed if one is server]:
            self.leave(follower)

    def expire_tokens(self) -> None:
        """Expire every token now, used or not."""
        self._tokens.clear()

    # What servers use

    def by_key(self, key: str) -> SimulatedAccount | None:
        """The account of a key."""
        return self._accounts.get(key)

    def issue_token(self, account: Account, now_ns: int, valid_s: int) -> str:
        """A new token that gives a link access to an account."""
        token = "".join(self._random.choices(_TOKEN_LETTERS, k=_TOKEN_LENGTH))
        self._tokens[token] = _Token(self._accounts[account.key], now_ns + valid_s * 1_000_000_000)
        if len(self._tokens) > _TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        return token

    def by_token(self, token: str, now_ns: int) -> SimulatedAccount | None:
        """The account of a token; while the token has followers, it does not expire."""
        known = self._tokens.get(token)
        if known is None or (not known.followers and known.expires_ns <= now_ns):
            return None
        return known.account

    def follow(self, follower: Follower, token: str) -> None:
        """Add a follower of the account of a valid token: it gets all events from now on."""
        self.leave(follower)
        known = self._tokens[token]
        known.followers += 1
        known.account.followers.append(follower)
        self._followed[follower] = token

    def leave(self, follower: Follower) -> None:
        """Remove a follower; its token can expire again."""
        token = self._followed.pop(follower, None)
        if token is None:
            return
        for account in self._accounts.values():
            if follower in account.followers:
                account.followers.remove(follower)
        if token in self._tokens:
            self._tokens[token].followers -= 1

    def decimals(self, asset: Asset) -> int:
        """The number of decimal places of amounts of an asset."""
        return decimals(asset)

    def last_price(self, symbol: Symbol) -> Decimal | None:
        """The price of a market's last trade."""
        return self._markets[symbol].last_price

    def roll_fault(self, mishap: OrderFault) -> bool:
        """Whether this fault happens now; if so, it is counted."""
        return self._roll_fault(mishap)

    def chance(self) -> bool:
        """True with a probability of one half."""
        return self._random.random() < 0.5

    def name(self, prefix: str) -> str:
        """A name in three parts that was never used before: `OQCLML-BW3P3-BUCMWZ`.

        That of an account entry, with the prefix `L`, has the venue's own form where it has one.
        """
        self._last += 1
        if prefix == "L" and self._entry_id is not None:
            return self._entry_id(self._last)
        letters = self._random.choices(_LETTERS, k=12)
        left = self._last
        for _ in range(4):
            left, digit = divmod(left, len(_LETTERS))
            letters.append(_LETTERS[digit])
        text = "".join(letters)
        return f"{prefix}{text[:5]}-{text[5:10]}-{text[10:]}"
