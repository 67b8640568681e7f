"""The channel `user` of one simulated link: open orders first, then each order that changes."""

from collections import deque
from collections.abc import Callable, Sequence

from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.server.private.access import account_by_token
from fluxum.venues.coinbase.server.private.rows import Row, streamed_row
from fluxum.venues.server.accounts import (
    Account,
    AccountChange,
    Accounts,
    Follower,
    OrderEventKind,
    OrderHappening,
)
from fluxum.venues.server.contract import Close, Outgoing

__all__ = ["UserStream"]

_PAGE = 50
_TOKEN_VALID_S = 120
_UNSENT_MAX = 100_000


class UserStream:
    """`frame` writes a frame of a channel: its events as JSON, and the instant."""

    def __init__(self, accounts: Accounts, frame: Callable[[str, bytes, int], bytes]) -> None:
        self.account: Account | None = None
        """The account, while its orders are subscribed to."""
        self._accounts = accounts
        self._frame = frame
        self._unsent: deque[Row] = deque()
        self._products: frozenset[str] = frozenset()

    def subscribe(
        self, follower: Follower, request: native.Request, now_ns: int
    ) -> Sequence[Outgoing]:
        """Pages of open orders, the last one with less than fifty; raises VenueRefused."""
        account = account_by_token(self._accounts, request.jwt or "", now_ns)
        self.account = account
        self._products = frozenset(request.product_ids)
        token = self._accounts.issue_token(account, now_ns, _TOKEN_VALID_S)
        self._accounts.follow(follower, token)
        self._unsent.clear()
        rows = [streamed_row(one) for one in account.open_orders()]
        rows = [row for row in rows if self._is_wanted(row)]
        pages = [rows[at : at + _PAGE] for at in range(0, len(rows) + 1, _PAGE)]
        return [self._orders("snapshot", page, now_ns) for page in pages]

    def unsubscribe(self, follower: Follower) -> None:
        """Orders are sent no more."""
        self.account = None
        self._accounts.leave(follower)
        self._unsent.clear()

    def account_changed(self, happening: AccountChange) -> None:
        """Something happened to the account: an order that is filled is sent once, as filled."""
        if not isinstance(happening, OrderHappening):
            return
        update = happening.order.update
        if happening.what is OrderEventKind.TRADED and not update.remaining:
            return
        row = streamed_row(happening.order)
        if self._is_wanted(row):
            self._unsent.append(row)

    def publish(self, now_ns: int) -> Sequence[Outgoing]:
        """What changed since the last frame."""
        if len(self._unsent) > _UNSENT_MAX:
            return (Close(1013, "too much is unsent"),)
        rows, self._unsent = list(self._unsent), deque()
        return (self._orders("update", rows, now_ns),) if rows else ()

    def _orders(self, kind: str, rows: Sequence[Row], now_ns: int) -> bytes:
        event: Row = {"type": kind, "orders": rows, "positions": {}}
        return self._frame("user", native.encode([event]), now_ns)

    def _is_wanted(self, row: Row) -> bool:
        return not self._products or row["product_id"] in self._products
