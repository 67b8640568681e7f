"""What of an account may be spent: balances, less what orders hold and what is set aside. Pure.

For each asset `total = free + held + reserved`, exactly.

- *total* is the venue's last balance.
- *held* is what open orders hold: what the venue sends or what the open orders come to, whichever
  is more, as the one may be later than the other. What fills have spent is held as well, until the
  balance after them has come.
- *reserved* is what reservations set aside beyond what their own orders hold already.

So `free` errs on the low side: for a moment an amount may count twice, and none is spent twice. It
is negative if orders hold more than the venue's last balance.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.errors import BadInput, InsufficientFunds
from fluxum.ledger.arithmetic import EXACT
from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.ledger.reservation import (
    Reservation,
    ReservationState,
    held_by,
    needed_by,
    spent_by,
)
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderRequest, OrderUpdate

__all__ = ["Funds", "FundsBook"]

_ZERO = Decimal(0)
_SEEN_KEPT = 1_000
_FILLS_KEPT = 10_000


class Funds(Struct, frozen=True, kw_only=True, tag="funds"):
    """One asset of an account: `total = free + held + reserved`. See the module for each.

    `received_ns` is when the venue's last balance of it was received, `None` if there was none.
    """

    venue: str
    asset: Asset
    total: Decimal
    free: Decimal
    held: Decimal
    reserved: Decimal
    received_ns: int | None

    def age_s(self, now_ns: int) -> float | None:
        """Seconds since the venue's last balance; `None` if there was none."""
        return None if self.received_ns is None else (now_ns - self.received_ns) / 1e9


class _Spent(Struct, frozen=True):
    """What a fill has spent, until a balance includes it."""

    fill_id: str
    amount: Decimal
    venue_ns: int


class FundsBook:
    """The funds of one account. `fee_rate` is added to the cost of purchases: 0.004 is 0.4 %.

    `ended` is called with each reservation that ends.
    """

    def __init__(
        self,
        venue: str,
        fee_rate: Decimal,
        reservations_max: int,
        ended: Callable[[Reservation], None],
    ) -> None:
        self._venue = venue
        self._fee_rate = fee_rate
        self._reservations_max = reservations_max
        self._balances: dict[Asset, Balance] = {}
        self._orders: dict[str, OrderUpdate] = {}
        self._reservations: dict[str, Reservation] = {}
        self._unsettled: dict[Asset, list[_Spent]] = {}
        self._fills = SeenFills(_FILLS_KEPT)
        self._entered: OrderedDict[tuple[Asset, str], None] = OrderedDict()
        self._ended = ended

    # Questions

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """The reservations that have not ended, oldest first."""
        return tuple(self._reservations.values())

    def assets(self) -> list[Asset]:
        """Every asset with a balance, an order or a reservation."""
        reserved = {one.asset for one in self._reservations.values()}
        ordered = {held_by(one)[0] for one in self._orders.values()}
        return sorted({*self._balances, *reserved, *ordered, *self._unsettled})

    def funds(self, asset: Asset) -> Funds:
        """One asset now."""
        balance = self._balances.get(asset)
        with localcontext(EXACT):
            total = _ZERO if balance is None else balance.total
            orders = sum((self._hold(one, asset) for one in self._orders.values()), _ZERO)
            known = _ZERO if balance is None or balance.held is None else balance.held
            spent = sum((one.amount for one in self._unsettled.get(asset, ())), _ZERO)
            held = max(orders, known) + spent
            mine = (one for one in self._reservations.values() if one.asset == asset)
            reserved = sum(map(self._left, mine), _ZERO)
            return Funds(
                venue=self._venue,
                asset=asset,
                total=total,
                free=total - held - reserved,
                held=held,
                reserved=reserved,
                received_ns=None if balance is None else balance.received_ns,
            )

    # Reservations

    def reserve(self, order: OrderRequest, price: Decimal | None, now_ns: int) -> Reservation:
        """Set aside what an order needs; it must have a client order id.

        Raises InsufficientFunds if less is free, and BadInput.
        """
        name = order.client_order_id
        if name in self._reservations or name in self._orders:
            raise BadInput(f"a client order id that is not in use was expected, was {name!r}")
        if len(self._reservations) >= self._reservations_max:
            raise BadInput(f"at most {self._reservations_max} reservations were expected")
        asset, amount = needed_by(order, price, self._fee_rate)
        free = self.funds(asset).free
        if amount > free:
            raise InsufficientFunds(
                f"{order.side.value} {order.symbol} needs {amount:f} {asset}, {free:f} is free",
                asset,
            )
        made = Reservation(order=order, asset=asset, amount=amount, made_ns=now_ns, end=self.end)
        self._reservations[name] = made
        return made

    def end(self, reservation: Reservation, reason: str) -> None:
        """End a reservation; what it set aside is free again, unless its order holds it."""
        if self._reservations.get(reservation.order.client_order_id) is reservation:
            del self._reservations[reservation.order.client_order_id]
            reservation.state = ReservationState.RELEASED
            reservation.reason = reason
            self._ended(reservation)

    # Events

    def hold(self, snapshot: Balances) -> None:
        """All balances at one moment; every earlier fill is in them."""
        self._balances = {one.asset: one for one in snapshot.balances}
        self._unsettled.clear()

    def change(self, balance: Balance) -> None:
        """The balance of one asset, with every fill before it."""
        known = self._balances.get(balance.asset)
        instant_ns = balance.venue_ns or balance.received_ns
        if known is None or (known.venue_ns or known.received_ns) <= instant_ns:
            self._balances[balance.asset] = balance
        self._settle(balance.asset, lambda one: one.venue_ns > instant_ns)

    def enter(self, entry: LedgerEntry, balance: Balance | None) -> None:
        """An entry of the account, and the balance after it if that is known."""
        if balance is not None:
            self._balances[entry.asset] = balance
        reference, at_ns = entry.reference_id, entry.venue_ns
        self._settle(entry.asset, lambda one: one.fill_id != reference and one.venue_ns >= at_ns)
        self._entered[entry.asset, reference] = None
        if len(self._entered) > _SEEN_KEPT:
            self._entered.popitem(last=False)

    def spend(self, fill: Fill) -> None:
        """A fill of an order of the account; it may come twice, the second time with its fees."""
        sighting = self._fills.look(fill)
        amounts = spent_by(fill)
        if sighting is Sighting.NEW and amounts:
            reservation = self._reservations.get(fill.client_order_id)
            if reservation is not None:
                with localcontext(EXACT):
                    reservation.spent += amounts[0][1]
        elif sighting is Sighting.COMPLETED:
            amounts = amounts[1:]  # the fees alone
        else:
            amounts = []
        for asset, amount in amounts:
            self._await_balance(asset, _Spent(fill.fill_id, amount, fill.venue_ns))

    def update(self, order: OrderUpdate) -> None:
        """The state of an order; a reservation ends with its order."""
        reservation = self._reservations.get(order.client_order_id)
        if order.status.is_final:
            self._orders.pop(order.order_id, None)
            if reservation is not None:
                self.end(reservation, f"its order is {order.status.value}")
        else:
            self._orders[order.order_id] = order
            if reservation is not None:
                reservation.state = ReservationState.OPEN

    def open(self, snapshot: OpenOrders) -> None:
        """All open orders at one moment; a reservation whose open order is missing ends."""
        unread = {name: self._orders[name] for name in snapshot.unread if name in self._orders}
        self._orders = unread
        for order in snapshot.orders:
            self.update(order)
        names = {one.client_order_id for one in self._orders.values()}
        for one in self.reservations:
            if one.state is ReservationState.OPEN and one.order.client_order_id not in names:
                self.end(one, "its order ended while the account was not followed")

    def overdue(self, before_ns: int) -> Iterable[Reservation]:
        """Reservations made before an instant whose order was never seen, each once."""
        for one in self.reservations:
            is_waiting = one.state is ReservationState.WAITING and not one.is_overdue
            if is_waiting and one.made_ns < before_ns:
                one.is_overdue = True
                yield one

    # Pieces

    def _hold(self, order: OrderUpdate, asset: Asset) -> Decimal:
        """What an open order holds of an asset; without a price, what was set aside for it."""
        held_asset, amount = held_by(order)
        if held_asset != asset:
            return _ZERO
        if amount is not None:
            return amount
        reservation = self._reservations.get(order.client_order_id)
        if reservation is None:
            return _ZERO
        return max(reservation.amount - reservation.spent, _ZERO)

    def _left(self, reservation: Reservation) -> Decimal:
        """What a reservation sets aside beyond what its order holds and has spent."""
        name = reservation.order.client_order_id
        orders = (one for one in self._orders.values() if one.client_order_id == name)
        held = sum((self._hold(one, reservation.asset) for one in orders), _ZERO)
        return max(reservation.amount - held - reservation.spent, _ZERO)

    def _await_balance(self, asset: Asset, spent: _Spent) -> None:
        """Hold what was spent until a balance includes it, unless the last one does."""
        balance = self._balances.get(asset)
        known_ns = 0 if balance is None else balance.venue_ns or balance.received_ns
        if spent.venue_ns > known_ns and (asset, spent.fill_id) not in self._entered:
            waiting = self._unsettled.setdefault(asset, [])
            waiting.append(spent)
            del waiting[:-_SEEN_KEPT]

    def _settle(self, asset: Asset, is_kept: Callable[[_Spent], bool]) -> None:
        spent = [one for one in self._unsettled.get(asset, ()) if is_kept(one)]
        if spent:
            self._unsettled[asset] = spent
        else:
            self._unsettled.pop(asset, None)
