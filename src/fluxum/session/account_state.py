"""What a session knows of an account: each fill and each line told once, orders that are open.

A link tells nothing of what happened while it was down, but for a snapshot of what is open and
held. What is missing between is looked up in the account's history (see `account`); this is the
memory that says what has been told already, and what an order that is open no longer needs.
"""

import logging
from collections.abc import Mapping

from msgspec import Struct

from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.session.gaps import RecentIds

__all__ = ["AccountState", "Followed"]

_log = logging.getLogger(__name__)
_IDS_KEPT = 100_000
# How far the venue's clock may be behind ours, when nothing of its own was heard yet.
_CLOCKS_APART_NS = 300 * 1_000_000_000


class Followed(Struct):
    """Counts of an account's stream.

    Fills and entries that were told, how many of them from its history; fills that were told once
    more because their fees became known; how many were repeated and not told, and how many of those
    contradicted what was told; snapshots reconciled; comparisons made, and orders that turned out
    to be wrong.
    """

    fills: int = 0
    entries: int = 0
    backfilled: int = 0
    completed: int = 0
    repeated: int = 0
    contradicted: int = 0
    reconciled: int = 0
    audits: int = 0
    missed: int = 0


class AccountState:
    """The memory of one account's stream.

    History is told from `since_ns` of the venue's clock on, or without it from `now_ns` of ours.
    What the stream tells as it happens is always told. `is_orders_valid` and `is_balances_valid`
    say whether what is held here is what the venue last said, without a hole.
    """

    def __init__(self, since_ns: int | None, now_ns: int) -> None:
        self.clock_offset_ns = 0
        """How far the venue's clock is ahead of ours, as far as that is known."""
        self._since_ns = since_ns
        self._began_ns = now_ns
        self.counts = Followed()
        self.orders: dict[str, OrderUpdate] = {}
        """Open orders by the venue's id; look, do not change."""
        self.balances: dict[Asset, Balance] = {}
        """The last balance of each asset; look, do not change."""
        self.is_orders_valid = False
        self.is_balances_valid = False
        self.executed_ns: int | None = None
        """Up to when orders and fills are known, by the venue's time; none before anything is."""
        self.entered_ns: int | None = None
        """The same of lines of the account."""
        self._fills = SeenFills(_IDS_KEPT)
        self._entries = RecentIds(_IDS_KEPT)

    @property
    def since_ns(self) -> int:
        """From when on history is told, by the venue's clock."""
        if self._since_ns is not None:
            return self._since_ns
        return self._began_ns + self.clock_offset_ns

    def lose(self) -> None:
        """The link is gone: nothing that is held can be relied on."""
        self.is_orders_valid = self.is_balances_valid = False

    def admit_fill(self, fill: Fill) -> bool:
        """Whether a fill is to be told: it is none of before, and was not told yet.

        One whose fees were not known is told once more when they are.
        """
        if fill.backfilled and fill.venue_ns < self.since_ns:
            return False
        if not fill.backfilled:  # what history tells leaves open what it did not tell yet
            self.executed_ns = max(self.executed_ns or 0, fill.venue_ns)
        sighting = self._fills.look(fill)
        match sighting:
            case Sighting.NEW:
                self.counts.fills += 1
                self.counts.backfilled += fill.backfilled
            case Sighting.COMPLETED:
                self.counts.completed += 1
            case Sighting.REPEATED:
                self.counts.repeated += 1
            case Sighting.CONTRADICTED:
                self.counts.repeated += 1
                self.counts.contradicted += 1
                _log.warning(
                    "fill %s of %s came again, and not as it was", fill.fill_id, fill.symbol
                )
        return sighting in {Sighting.NEW, Sighting.COMPLETED}

    def admit_entry(self, entry: LedgerEntry) -> bool:
        """Whether a line of the account is to be told; its asset's balance is taken from it."""
        if entry.backfilled and entry.venue_ns < self.since_ns:
            return False
        is_news = self._entries.take(entry.entry_id)
        if not entry.backfilled:  # whether or not history told it first
            self.entered_ns = max(self.entered_ns or 0, entry.venue_ns)
            self._move(entry, is_news=is_news)
        if not is_news:
            self.counts.repeated += 1
            return False
        self.counts.entries += 1
        self.counts.backfilled += entry.backfilled
        return True

    def _move(self, entry: LedgerEntry, *, is_news: bool) -> None:
        """The asset's balance after a line: what the line says, else what it changes."""
        total = entry.balance
        known = self.balances.get(entry.asset)
        if total is None and known is not None and is_news:
            total = known.total + entry.change
        if total is not None:
            self.balances[entry.asset] = Balance(
                venue=entry.venue,
                asset=entry.asset,
                total=total,
                venue_ns=entry.venue_ns,
                received_ns=entry.received_ns,
            )

    def update(self, order: OrderUpdate) -> None:
        """Take what is known of an order now."""
        self.executed_ns = max(self.executed_ns or 0, order.venue_ns)
        if order.status.is_final:
            self.orders.pop(order.order_id, None)
        else:
            self.orders[order.order_id] = order

    def open(self, snapshot: OpenOrders) -> Mapping[str, OrderUpdate]:
        """Take the orders that are open; returns those that were and are no longer."""
        if self.executed_ns is None:
            self.executed_ns = snapshot.received_ns - _CLOCKS_APART_NS
        held = {name: self.orders[name] for name in snapshot.unread if name in self.orders}
        held |= {order.order_id: order for order in snapshot.orders}
        ended = {name: order for name, order in self.orders.items() if name not in held}
        self.orders = held
        return ended

    def change(self, balance: Balance) -> None:
        """Take a balance, unless a newer one of its asset is known."""
        known = self.balances.get(balance.asset)
        if known is None or (known.venue_ns or 0) <= (balance.venue_ns or balance.received_ns):
            self.balances[balance.asset] = balance
        if balance.venue_ns is not None:
            self.entered_ns = max(self.entered_ns or 0, balance.venue_ns)

    def hold(self, snapshot: Balances) -> None:
        """Take all balances anew."""
        if self.entered_ns is None:
            self.entered_ns = snapshot.received_ns - _CLOCKS_APART_NS
        self.balances = {balance.asset: balance for balance in snapshot.balances}
