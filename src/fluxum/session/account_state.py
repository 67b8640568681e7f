"""An account's state in a session: each fill and each entry published once, and open orders.

A link that was down sends nothing of what happened meanwhile, except a snapshot of open orders and
balances. The rest is looked up in the account's history (see `account`). This module remembers
what was published already, and the open orders and balances.
"""

import logging
from collections.abc import Mapping

from msgspec import Struct, structs

from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.model.position import OpenPositions, PositionKey, PositionUpdate
from fluxum.session.gaps import RecentIds
from fluxum.session.transfers import Transfers

__all__ = ["AccountState", "Followed"]

_log = logging.getLogger(__name__)
_IDS_KEPT = 100_000
# How far the venue's clock may be behind ours, before any message with the venue's time.
_CLOCKS_APART_NS = 300 * 1_000_000_000


class Followed(Struct):
    """Counts of an account's stream.

    Fills and entries that were published, and how many of them came from history (`backfilled`);
    fills that were published a second time because their fees became known (`completed`); how many
    were repeated and withheld, and how many of those contradicted the published one; snapshots
    reconciled; audits made, and orders that an audit found to be wrong (`missed`).
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
    """The state of one account's stream.

    History is published from `since_ns` by the venue's clock, or without it from `now_ns` by ours.
    Live events of the stream are always published. Unless the venue `has_entries`, it sends each
    balance as it becomes, and no entry moves one. `is_orders_valid` and `is_balances_valid` are
    true while the orders and the balances here are the latest of the venue, without a gap.
    """

    def __init__(self, since_ns: int | None, now_ns: int, *, has_entries: bool = True) -> None:
        self._has_entries = has_entries
        self.clock_offset_ns = 0
        """How far the venue's clock is ahead of ours, as far as it is measured."""
        self._since_ns = since_ns
        self._began_ns = now_ns
        self.counts = Followed()
        self.orders: dict[str, OrderUpdate] = {}
        """Open orders by the venue's id; read only."""
        self.balances: dict[Asset, Balance] = {}
        """The last balance of each asset; read only."""
        self.moved: set[Asset] = set()
        """Assets whose entries are to be fetched, whatever their balances say by then."""
        self.positions: dict[PositionKey, PositionUpdate] = {}
        """The open positions as the venue reported them last; read only."""
        self.is_orders_valid = False
        self.is_balances_valid = False
        self.is_positions_valid = False
        self.executed_ns: int | None = None
        """Orders and fills are known up to this instant of the venue's clock; `None` at first."""
        self.entered_ns: int | None = None
        """The same for the account's entries."""
        self._fills = SeenFills(_IDS_KEPT)
        self._entries = RecentIds(_IDS_KEPT)
        self._ended: dict[str, None] = {}
        self._transfers = Transfers()

    @property
    def since_ns(self) -> int:
        """History is published from this instant on, by the venue's clock."""
        if self._since_ns is not None:
            return self._since_ns
        return self._began_ns + self.clock_offset_ns

    def lose(self) -> None:
        """The link is gone: orders, balances and positions are not valid any more."""
        self.is_orders_valid = self.is_balances_valid = self.is_positions_valid = False

    def admit_fill(self, fill: Fill) -> bool:
        """Whether to publish a fill: it is recent enough, and was not published yet.

        A fill that was published without fees is published once more when they are known.
        """
        if fill.backfilled and fill.venue_ns < self.since_ns:
            return False
        if not fill.backfilled:  # a fill from history does not extend what is known
            self.executed_ns = max(self.executed_ns or 0, fill.venue_ns)
        sighting = self._fills.look(fill)
        match sighting:
            case Sighting.NEW:
                self.counts.fills += 1
                self.counts.backfilled += fill.backfilled
                self.moved.update((fill.symbol.base, fill.symbol.quote))
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
        """Whether to publish an entry of the account; also updates its asset's balance."""
        if entry.backfilled and entry.venue_ns < self.since_ns:
            return False
        is_news = self._entries.take(entry.entry_id) and not self._transfers.has_twin(entry)
        if not entry.backfilled:  # also if history had it first
            self.entered_ns = max(self.entered_ns or 0, entry.venue_ns)
        if not entry.backfilled and self._has_entries:
            self._move(entry, is_news=is_news)
        if not is_news:
            self.counts.repeated += 1
            return False
        self.counts.entries += 1
        self.counts.backfilled += entry.backfilled
        return True

    def _move(self, entry: LedgerEntry, *, is_news: bool) -> None:
        """Update the asset's balance: the entry's own, else the last one plus its change."""
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
        """Update the state of an order. One that ended stays ended: links may differ in delay."""
        self.executed_ns = max(self.executed_ns or 0, order.venue_ns)
        if order.status.is_final:
            self._ended[order.order_id] = None
            if len(self._ended) > _IDS_KEPT:
                del self._ended[next(iter(self._ended))]
            self.orders.pop(order.order_id, None)
        elif order.order_id not in self._ended:
            self.orders[order.order_id] = order

    def open(self, snapshot: OpenOrders) -> Mapping[str, OrderUpdate]:
        """Replace the open orders; returns those that were open and are not any more."""
        if self.executed_ns is None:
            self.executed_ns = snapshot.received_ns - _CLOCKS_APART_NS
        held = {name: self.orders[name] for name in snapshot.unread if name in self.orders}
        held |= {order.order_id: order for order in snapshot.orders}
        ended = {name: order for name, order in self.orders.items() if name not in held}
        self.orders = held
        return ended

    def change(self, balance: Balance) -> None:
        """Update a balance, unless a newer one of its asset is known."""
        self.moved.add(balance.asset)
        known = self.balances.get(balance.asset)
        if known is None or (known.venue_ns or 0) <= (balance.venue_ns or balance.received_ns):
            self.balances[balance.asset] = balance
        if balance.venue_ns is not None:
            self.entered_ns = max(self.entered_ns or 0, balance.venue_ns)

    def hold(self, snapshot: Balances) -> None:
        """Replace all balances."""
        if self.entered_ns is None:
            self.entered_ns = snapshot.received_ns - _CLOCKS_APART_NS
        self.balances = {balance.asset: balance for balance in snapshot.balances}

    def move_position(self, update: PositionUpdate) -> None:
        """Update a position, unless a newer one is known; its margin mode stays if none is sent."""
        known = self.positions.get(update.key)
        if known is not None and (known.venue_ns or 0) > (update.venue_ns or update.received_ns):
            return
        if not update.quantity:
            self.positions.pop(update.key, None)
            return
        if known is not None and update.margin_mode is None:
            update = structs.replace(update, margin_mode=known.margin_mode)
        self.positions[update.key] = update

    def open_positions(self, snapshot: OpenPositions) -> None:
        """Replace all positions."""
        self.positions = {one.key: one for one in snapshot.positions}
        self.is_positions_valid = True
