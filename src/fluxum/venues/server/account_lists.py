"""Lists about an account at simulated venues: what is wanted of them, newest first, page by page.

An account has thousands of items: they are picked here, and a venue writes rows of one page alone.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from fluxum.model.account import Balance, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderUpdate
from fluxum.venues.server.accounts import Account, OrderHappening, OrderState

__all__ = ["ListQuery", "holdings", "older_than", "opened_ns", "page", "within"]

Item = TypeVar("Item")

_MILLISECOND = 1_000_000


def opened_ns(order: OrderState) -> int:
    """When an order was placed."""
    return order.update.opened_ns or 0


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which items are wanted: those of a market, an order, an asset, or a time.

    What is empty or None picks nothing out. Both instants are included.
    """

    symbol: Symbol | None = None
    order_id: str = ""
    client_order_id: str = ""
    asset: Asset | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def between(self, since_ms: int | None, until_ms: int | None) -> "ListQuery":
        """The same between two milliseconds, both included whole."""
        since_ns = None if since_ms is None else since_ms * _MILLISECOND
        until_ns = None if until_ms is None else (until_ms + 1) * _MILLISECOND - 1
        return structs.replace(self, since_ns=since_ns, until_ns=until_ns)

    def orders(
        self, orders: Sequence[OrderState], instant_ns: Callable[[OrderState], int] = opened_ns
    ) -> list[OrderState]:
        """The orders that are wanted by their names and by an instant, the newest first."""
        found = within(orders, instant_ns, self.since_ns, self.until_ns)
        return [one for one in found if self._is_meant(one.update)]

    def trades(self, trades: Sequence[OrderHappening]) -> list[OrderHappening]:
        """The executions that are wanted, the newest first."""
        found = within(trades, lambda one: one.venue_ns, self.since_ns, self.until_ns)
        return [one for one in found if self._is_meant(one.order.update)]

    def entries(self, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The entries that are wanted, the newest first."""
        found = within(entries, lambda one: one.venue_ns, self.since_ns, self.until_ns)
        return [one for one in found if self.asset in {None, one.asset}]

    def _is_meant(self, order: OrderUpdate) -> bool:
        return (
            self.symbol in {None, order.symbol}
            and self.order_id in {"", order.order_id}
            and self.client_order_id in {"", order.client_order_id}
        )


def holdings(account: Account, assets: str = "") -> list[Balance]:
    """What is held: of each asset of which something is, or of those in a list with commas."""
    wanted = assets.split(",") if assets else []
    return [
        one for one in account.balances() if (one.asset in wanted if wanted else bool(one.total))
    ]


def within(
    items: Sequence[Item],
    instant_ns: Callable[[Item], int],
    since_ns: int | None,
    until_ns: int | None,
) -> list[Item]:
    """The items between two instants, both included, the newest first."""
    return [
        one
        for one in reversed(items)
        if (since_ns is None or instant_ns(one) >= since_ns)
        and (until_ns is None or instant_ns(one) <= until_ns)
    ]


def page(items: Sequence[Item], count: int, offset: int = 0) -> tuple[Sequence[Item], int | None]:
    """The items from an offset on, and the offset of the next page if there is one."""
    end = offset + count
    return items[offset:end], end if end < len(items) else None


def older_than(items: Sequence[Item], name: Callable[[Item], str], last: str) -> Sequence[Item]:
    """What comes behind the item of a name, all items for an empty name, none for an unknown."""
    if not last:
        return items
    for place, one in enumerate(items):
        if name(one) == last:
            return items[place + 1 :]
    return ()
