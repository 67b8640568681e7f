"""The server of a link of an account, as `venues.account_link` is its client.

What is the same at every venue is here: what happened to the account is written in rows, which wait
until the exchange lets the server publish; balances and positions are those that changed since; a
link that is idle is closed, and one whose client does not read. If commands go over the same link,
what they cause comes before or behind their answer, by chance, as no venue promises either. The
venue's own part is a `ServerDialect`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from fluxum.model.account import Balance
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.venues.server.accounts import (
    Account,
    AccountChange,
    Follower,
    Funding,
    OrderHappening,
    PositionState,
)
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import scrambled

__all__ = ["AccountServer", "ServerDialect", "TopicRow"]

TopicRow = tuple[str, object]
"""A topic, and a row that is published to it if the client subscribed: anything JSON can be."""

_TOKEN_VALID_S = 86_400
_UNSENT_MAX = 100_000
_NUMBERS_MAX = 100_000


def _no_frames(link: "AccountServer", now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG001
    return ()


def _no_rows(change: AccountChange) -> Iterable[TopicRow]:  # noqa: ARG001
    return ()


def _no_balances(balances: Sequence[Balance]) -> Iterable[TopicRow]:  # noqa: ARG001
    return ()


def _no_positions(positions: Sequence[PositionState]) -> Iterable[TopicRow]:  # noqa: ARG001
    return ()


def _no_data(topic: str, row: object, now_ns: int) -> bytes:  # noqa: ARG001
    raise AssertionError(f"this link has no topics, was {topic}")


class ServerDialect(Struct, frozen=True, kw_only=True):
    """What a simulated venue's link of an account is like.

    `answer` answers a client's frame, whatever is in it. `rows` are what is published of a change,
    `balances` of the assets and `positions` of the contracts that changed, each under its
    topic; `data` is the frame of one row. `opened` are the first frames, `tick` those that are due
    because time passed. A link on which nothing moves for `idle_s` is closed.
    """

    answer: "Callable[[AccountServer, bytes, int], Sequence[Outgoing]]"
    rows: Callable[[AccountChange], Iterable[TopicRow]] = _no_rows
    balances: Callable[[Sequence[Balance]], Iterable[TopicRow]] = _no_balances
    positions: Callable[[Sequence[PositionState]], Iterable[TopicRow]] = _no_positions
    data: Callable[[str, object, int], bytes] = _no_data
    opened: "Callable[[AccountServer, int], Sequence[Outgoing]]" = _no_frames
    tick: "Callable[[AccountServer, int], Sequence[Outgoing]]" = _no_frames
    idle_s: int


class _Answering(Struct):
    """A frame is being answered: whether what it causes comes behind the answer, once it is due."""

    is_held: bool | None = None


class AccountServer:
    """One client of a simulated venue's link of an account; see VenueServer and Follower.

    `account` is the one that is logged in, `topics` what the client subscribed to. `follower` is
    what the exchange knows as the client's server: this one, or one that this is a part of.
    """

    def __init__(self, view: ExchangeView, dialect: ServerDialect) -> None:
        self.account: Account | None = None
        self.follower: Follower = self
        self.topics: set[str] = set()
        self.connection_id = ""
        self._accounts = view.accounts
        self._dialect = dialect
        self._unsent: deque[TopicRow] = deque()
        self._changed: dict[Asset, None] = {}
        self._traded: dict[Symbol, None] = {}
        self._numbers: dict[str, None] = {}
        self._alive_ns = 0
        self._answering: _Answering | None = None

    # For the dialect

    def log_in(self, account: Account, now_ns: int) -> None:
        """From now on the client is the owner of an account, the first one that it names."""
        if self.account is None:
            self.account = account
            token = self._accounts.issue_token(account, now_ns, _TOKEN_VALID_S)
            self._accounts.follow(self.follower, token)

    def is_repeated(self, number: str) -> bool:
        """Whether a request's number was there before; empty text is none."""
        if not number:
            return False
        if number in self._numbers:
            return True
        self._numbers[number] = None
        if len(self._numbers) > _NUMBERS_MAX:
            del self._numbers[next(iter(self._numbers))]
        return False

    # For the exchange

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """What the venue sends first."""
        self.connection_id = f"{scrambled(now_ns):016x}"
        self._alive_ns = now_ns
        return self._dialect.opened(self, now_ns)

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, and what it caused."""
        self._alive_ns = now_ns
        self._answering = _Answering()
        answers = self._dialect.answer(self, frame, now_ns)
        held, self._answering = self._answering.is_held, None
        return [*answers, *self._publish(now_ns)] if held else answers

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What happened to the account since this server published last."""
        if self._answering is None:
            return self._publish(now_ns)
        if self._answering.is_held is None:
            self._answering.is_held = self._accounts.chance()
        return () if self._answering.is_held else self._publish(now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """What is due because time passed, such as the end of a link that was idle."""
        if now_ns - self._alive_ns >= self._dialect.idle_s * 1_000_000_000:
            return (Close(1006, f"idle for {self._dialect.idle_s} s"),)
        return self._dialect.tick(self, now_ns)

    def account_changed(self, happening: AccountChange) -> None:
        """Something happened to the account: it is published with the next frames."""
        self._changed[_changed_asset(happening)] = None
        contract = _changed_contract(happening)
        if contract is not None:
            self._traded[contract] = None
        self._unsent += [one for one in self._dialect.rows(happening) if one[0] in self.topics]

    def _publish(self, now_ns: int) -> Sequence[Outgoing]:
        if len(self._unsent) > _UNSENT_MAX:
            return (Close(1013, "too much is unsent"),)
        rows = [*self._unsent, *self._balances(), *self._positions()]
        self._unsent.clear()
        if rows:
            self._alive_ns = now_ns
        return [self._dialect.data(topic, row, now_ns) for topic, row in rows]

    def _balances(self) -> Iterable[TopicRow]:
        changed, self._changed = self._changed, {}
        if not changed or self.account is None:
            return ()
        balances = [one for one in self.account.balances() if one.asset in changed]
        return [one for one in self._dialect.balances(balances) if one[0] in self.topics]

    def _positions(self) -> Iterable[TopicRow]:
        traded, self._traded = self._traded, {}
        if not traded or self.account is None:
            return ()
        positions = [one for one in self.account.positions() if one.symbol in traded]
        return [one for one in self._dialect.positions(positions) if one[0] in self.topics]


def _changed_contract(happening: AccountChange) -> Symbol | None:
    """The contract whose position a fill or a funding payment is about."""
    if isinstance(happening, Funding):
        return happening.symbol
    if not isinstance(happening, OrderHappening) or happening.fill is None:
        return None
    return happening.fill.symbol if happening.fill.symbol.contract else None


def _changed_asset(happening: AccountChange) -> Asset:
    """The asset of an entry, or the one that an order holds; its trades have entries."""
    if isinstance(happening, Funding):
        return happening.entry.asset
    if not isinstance(happening, OrderHappening):
        return happening.asset
    update = happening.order.update
    holds_quote = update.side is Side.BUY or bool(update.symbol.contract)
    return update.symbol.quote if holds_quote else update.symbol.base
