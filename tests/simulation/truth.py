"""What an exchange's own account says, and whether what a session told agrees with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from fluxum.ledger.ledger import Ledger
from fluxum.model.account import EntryKind, EntrySource, Fill, FillIdentity, LedgerEntry
from fluxum.model.event import Event
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.orders.desk import OrderDesk
from fluxum.session.session import Session
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.orders import quantum
from fluxum.venues.okx.server.private.algo_rows import is_failed
from fluxum.venues.server.accounts import AccountChange, Funding, OrderHappening, OrderState

__all__ = ["Truth"]

State = tuple[Decimal, Decimal]
_APART, _WAITS = frozenset({"okx"}), "algo-A"


class Truth:
    """Hears everything that happens to an account, and judges every event about it."""

    def __init__(self, exchange: SimulatedExchange, account: SimulatedAccount) -> None:
        self.account = account
        private = exchange.venue.private
        self._has_entries = private is not None and private.queries().entries is not None
        self.events = 0
        self.compared = 0
        self.fills: dict[FillIdentity, Fill] = {}
        self.entries: dict[str, LedgerEntry] = {}
        self._true_fills: dict[FillIdentity, Fill] = {}
        self._true_entries: dict[str, LedgerEntry] = {one.entry_id: one for one in account.entries}
        self._states: dict[str, set[State]] = defaultdict(set)
        self._ends: dict[str, tuple[OrderStatus, Decimal]] = {}
        self.twice = 0
        self._names: dict[str, str] = {}
        account.followers.append(self)

    def account_changed(self, happening: AccountChange) -> None:
        """Take note of what really happened."""
        if isinstance(happening, OrderHappening):
            update = happening.order.update
            name = update.client_order_id
            if name and self._names.setdefault(name, update.order_id) != update.order_id:
                self.twice += 1
            self._states[update.order_id].add(_state(update))
            if update.status.is_final:
                self._ends[update.order_id] = (_end(update.status), update.filled)
            if happening.fill is not None:
                self._true_fills[happening.fill.identity] = happening.fill
        else:
            entry = happening.entry if isinstance(happening, Funding) else happening
            self._true_entries[entry.entry_id] = entry

    @property
    def moved_ns(self) -> int:
        """When a line of the account was last written."""
        return max(one.venue_ns for one in self._true_entries.values())

    def begin_again(self) -> None:
        """Another session begins, which has told nothing yet."""
        self.fills.clear()
        self.entries.clear()

    def look(self, event: Event) -> bool:
        """Judge one event; always false, as nothing is to be kept."""
        self.events += 1
        match event:
            case Fill():
                self._judge_fill(event)
            case OrderUpdate():
                self._judge_order(event)
            case LedgerEntry():
                self._judge_entry(event)
            case _:
                pass
        return False

    def compare(self, session: Session) -> None:
        """All is calm and reconciled: the session's view is the exchange's, to the last digit."""
        self.compared += 1
        account = session.account
        assert account.is_following
        theirs = {_known_as(one): one.update for one in self.account.open_orders()}
        ours = account.following.orders
        assert set(ours) == set(theirs), "other orders are open"
        for name, order in ours.items():
            truth = theirs[name]
            assert (order.quantity, order.filled) == (truth.quantity, truth.filled), name
            assert order.limit_price == truth.limit_price, name
        assert set(self.fills) == set(self._true_fills), "fills are missing"
        assert all(fill.fees is not None for fill in self.fills.values()), "fees are not known"
        if account.queries.entries is not None:
            assert {_own_id(one) for one in self.entries} == set(self._true_entries), (
                "lines of the account are missing"
            )
        totals = {one.asset: one.total for one in self.account.balances() if one.total}
        held = {asset: one.total for asset, one in account.following.balances.items() if one.total}
        assert held == totals
        if account.queries.transfers is not None:
            assert self._moved_by_transfers() == Counter(
                (one.asset, one.change)
                for one in self._true_entries.values()
                if one.kind is not EntryKind.TRADE
            ), "transfers are missing, or were told twice"
        self._sum_up(self._moves() if account.queries.entries is None else self._changes())

    def compare_desk(self, desk: OrderDesk) -> None:
        """Every order the desk knows is what the exchange says it is, and none is in doubt."""
        assert not self.twice, "an order was sent twice"
        for view in desk.orders():
            assert view.uncertainty is None, view
            assert view.status is not OrderStatus.UNKNOWN, view
            name = view.client_order_id
            if view.status is OrderStatus.REFUSED:
                assert name not in self._names, f"taken for refused: {view}"
                continue
            standing = self.account.order(_own_order(view.order_id))
            assert standing is not None, view
            truth = standing.update
            if _went_on(view.order_id, standing):
                assert (view.status, view.filled) == (OrderStatus.EXPIRED, Decimal(0)), view
            elif truth.status.is_final:
                ours = (_end(view.status), view.filled)
                assert ours == (_end(truth.status), truth.filled), view
            else:
                assert (view.quantity, view.filled) == (truth.quantity, truth.filled), view

    def compare_ledger(self, ledger: Ledger) -> None:
        """Each fill is in the ledger once: what it holds is what the exchange's fills sum up to."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for fill in self._true_fills.values():
            taken = sum(
                (fee.amount for fee in fill.fees or () if fee.asset == fill.symbol.base), Decimal(0)
            )
            sums[fill.symbol] += fill.signed_quantity - taken
        held = {one.symbol: one.quantity for one in ledger.positions() if one.quantity}
        assert held == {symbol: total for symbol, total in sums.items() if total}

    def _sum_up(self, changes: Iterable[tuple[str, Decimal]]) -> None:
        """The changes that are known add up to balances."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for asset, change in changes:
            sums[asset] += change
        for balance in self.account.balances():
            assert sums[balance.asset] == balance.total, balance.asset

    def _changes(self) -> Iterator[tuple[str, Decimal]]:
        """What the entries changed."""
        for entry in self.entries.values():
            yield entry.asset, entry.amount - entry.fee

    def _moves(self) -> Iterator[tuple[str, Decimal]]:
        """What the fills moved, of an exchange without entries, and what it says was deposited."""
        for entry in self._true_entries.values():
            if entry.kind is not EntryKind.TRADE:
                yield entry.asset, entry.change
        costs: dict[tuple[str, Asset], Decimal] = defaultdict(Decimal)
        for fill in self.fills.values():
            yield fill.symbol.base, fill.signed_quantity
            costs[fill.order_id, Asset(fill.symbol.quote)] -= fill.price * fill.signed_quantity
            for fee in fill.fees or ():
                yield fee.asset, -fee.amount
        for (_, quote), cost in costs.items():  # it is rounded order by order
            yield quote, cost.quantize(quantum(quote), ROUND_HALF_UP)

    def _judge_fill(self, fill: Fill) -> None:
        known = self.fills.get(fill.identity)
        if known is not None:  # once more, as its fees were not known
            assert known.fees is None, f"told twice: {fill}"
            assert fill.fees is not None, f"told twice: {fill}"
        self.fills[fill.identity] = fill
        truth = self._true_fills[fill.identity]
        assert (fill.price, fill.quantity, fill.side, fill.symbol, fill.order_id) == (
            truth.price,
            truth.quantity,
            truth.side,
            truth.symbol,
            truth.order_id,
        )
        assert fill.liquidity == truth.liquidity
        assert fill.fees is None or _charged(fill) == _charged(truth)

    def _judge_order(self, order: OrderUpdate) -> None:
        name = _own_order(order.order_id)
        standing = self.account.order(name)
        if standing is not None and _went_on(order.order_id, standing):
            # Its end is known once another order goes on for it; what comes late is as it was.
            is_end = (order.status, order.filled) == (OrderStatus.EXPIRED, Decimal(0))
            assert is_end or order.status is OrderStatus.PENDING, order
        elif order.status.is_final:
            assert (_end(order.status), order.filled) == self._ends[name], order
        else:
            assert _state(order) in self._states[name], order

    def _moved_by_transfers(self) -> Counter[tuple[str, Decimal]]:
        entries = self.entries.values()
        moved = [one for one in entries if one.source is EntrySource.TRANSFER]
        return Counter((one.asset, one.change) for one in moved)

    def _judge_entry(self, entry: LedgerEntry) -> None:
        assert entry.entry_id not in self.entries, f"told twice: {entry}"
        self.entries[entry.entry_id] = entry
        if not self._has_entries:
            assert entry.source in {EntrySource.FILL, EntrySource.TRANSFER}
            return
        assert entry.source is EntrySource.VENUE
        truth = self._true_entries[_own_id(entry.entry_id)]
        told = (entry.asset, entry.amount, entry.fee, entry.balance)
        whole = (truth.asset, truth.amount, truth.fee, truth.balance)
        # Some venues send no balance, and what a trade earned apart from what it cost.
        nothing = Decimal(0)
        parts = ((truth.amount, nothing), (nothing, truth.fee))
        assert told in {whole, *((truth.asset, *part, None) for part in parts)}, entry


def _state(order: OrderUpdate) -> State:
    """How much of how much is filled: an order that shrank below that is as large as that."""
    return max(order.quantity, order.filled), order.filled


def _own_order(order_id: str) -> str:
    """The exchange's own id of an order; one that waits for a price may have another at a venue."""
    return order_id.removeprefix(_WAITS)


def _known_as(order: OrderState) -> str:
    """The id of an open order as its venue has it."""
    own = order.update.order_id
    is_apart = order.update.venue in _APART and order.is_triggered is False
    return f"{_WAITS}{own}" if is_apart else own


def _went_on(order_id: str, order: OrderState) -> bool:
    """Whether another order goes on for the one of an id, which waited for a price."""
    return order_id.startswith(_WAITS) and bool(order.is_triggered) and not is_failed(order)


def _end(status: OrderStatus) -> OrderStatus:
    """How an order ended: some venues call expired what another canceled by itself."""
    return OrderStatus.CANCELED if status is OrderStatus.EXPIRED else status


def _own_id(entry_id: str) -> str:
    """The exchange's own id of an entry, which is the first part where a venue has several."""
    return entry_id.partition("/")[0]


def _charged(fill: Fill) -> dict[str, Decimal]:
    """What a fill cost of each asset, leaving out what cost nothing."""
    return {fee.asset: fee.amount for fee in fill.fees or () if fee.amount}
