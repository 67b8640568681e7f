"""The accounts of a simulated exchange: keys, tokens, and who follows whom."""

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
    """What a token opens, until when it may be used, and how many followers live on it."""

    account: SimulatedAccount
    expires_ns: int
    followers: int = 0


class SimulatedAccounts:
    """See Accounts for what servers use, and Change for `change`.

    `mishap` says whether something goes wrong now; everything random comes from `random`, which
    is nobody else's.
    """

    def __init__(
        self,
        venue: str,
        markets: Mapping[Symbol, SimulatedMarket],
        random: Random,
        change: Change,
        next_instant: Callable[[], int],
        speak: Callable[[], None],
        mishap: Callable[[OrderFault], bool],
    ) -> None:
        self.floor = OrderGateway(markets, change, next_instant, self.name, speak)
        self._venue = venue
        self._markets = markets
        self._random = random
        self._mishap = mishap
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
        account = SimulatedAccount(self._venue, credentials, self.floor, tier, fees)
        self._accounts[credentials.key] = account
        account.deposit(balances)
        return account

    def tick(self, now_ns: int) -> None:
        """Let happen what time brings."""
        if self._accounts:
            self.floor.tick(self._accounts.values(), now_ns)

    def is_followed_by(self, server: object) -> bool:
        """Whether a server is told what happens to an account."""
        return server in self._followed

    def drop(self, server: object) -> None:
        """A server's client is gone."""
        for follower in [one for one in self._followed if one is server]:
            self.leave(follower)

    def expire_tokens(self) -> None:
        """Let every token end now, used or not."""
        self._tokens.clear()

    # What servers use

    def by_key(self, key: str) -> SimulatedAccount | None:
        """The account of a key."""
        return self._accounts.get(key)

    def issue_token(self, account: Account, now_ns: int, valid_s: int) -> str:
        """A new token that opens an account to a link."""
        token = "".join(self._random.choices(_TOKEN_LETTERS, k=_TOKEN_LENGTH))
        self._tokens[token] = _Token(self._accounts[account.key], now_ns + valid_s * 1_000_000_000)
        if len(self._tokens) > _TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        return token

    def by_token(self, token: str, now_ns: int) -> SimulatedAccount | None:
        """The account a token opens; one that is followed with does not age."""
        known = self._tokens.get(token)
        if known is None or (not known.followers and known.expires_ns <= now_ns):
            return None
        return known.account

    def follow(self, follower: Follower, token: str) -> None:
        """Tell a follower what happens to the account of a good token, from now on."""
        self.leave(follower)
        known = self._tokens[token]
        known.followers += 1
        known.account.followers.append(follower)
        self._followed[follower] = token

    def leave(self, follower: Follower) -> None:
        """Tell a follower nothing more; the token it came with ages again."""
        token = self._followed.pop(follower, None)
        if token is None:
            return
        for account in self._accounts.values():
            if follower in account.followers:
                account.followers.remove(follower)
        if token in self._tokens:
            self._tokens[token].followers -= 1

    def decimals(self, asset: Asset) -> int:
        """To how many digits amounts of an asset are kept."""
        return decimals(asset)

    def last_price(self, symbol: Symbol) -> Decimal | None:
        """The price of a market's last trade."""
        return self._markets[symbol].last_price

    def roll_fault(self, mishap: OrderFault) -> bool:
        """Whether this is to go wrong now; it is counted."""
        return self._mishap(mishap)

    def chance(self) -> bool:
        """Whether, half of the time."""
        return self._random.random() < 0.5

    def name(self, prefix: str) -> str:
        """A name in three parts, which nothing has had: `OQCLML-BW3P3-BUCMWZ`."""
        self._last += 1
        letters = self._random.choices(_LETTERS, k=12)
        left = self._last
        for _ in range(4):
            left, digit = divmod(left, len(_LETTERS))
            letters.append(_LETTERS[digit])
        text = "".join(letters)
        return f"{prefix}{text[:5]}-{text[5:10]}-{text[10:]}"
