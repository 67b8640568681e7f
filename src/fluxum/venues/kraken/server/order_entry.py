"""Commands as Kraken takes them: checked in its order, counted, refused in its words.

Both ways in share it, the private link and REST. The order of checks: the engine's status, the
deadline, the request itself, the trading counter, how many orders are open, funds, post-only
(https://docs.kraken.com/api/docs/guides/spot-errors and /spot-ratelimits).
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Edit, OrderRequest, OrderType, Place, PlaceBatch
from fluxum.venues.kraken.server.counters import allowance_of, trading
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.trading import AgeBands

__all__ = ["TradingDesk"]

_ONE = Decimal(1)
_NANOS = 1_000_000_000
_DEADLINE_MAX_NS = 60 * _NANOS
_TEXTS = {
    Refusal.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Refusal.UNKNOWN_SYMBOL: "EQuery:Unknown asset pair",
    Refusal.UNKNOWN_ORDER: "EOrder:Unknown order",
    Refusal.INVALID_PRICE: "EOrder:Invalid price",
    Refusal.OFF_TICK: "EOrder:Tick size check failed",
    Refusal.QUANTITY_MINIMUM: "EOrder:Order minimum not met",
    Refusal.COST_MINIMUM: "EOrder:Cost minimum not met",
    Refusal.NO_INDEX: "EGeneral:Invalid arguments:Index unavailable",
    Refusal.WOULD_TAKE: "EOrder:Post only order",
    Refusal.NOT_EDITABLE: "EOrder:Invalid order",
    Refusal.NO_MARGIN: "EOrder:Insufficient margin",
    Refusal.NO_POSITION: "EOrder:Reduce only:No position exists",
}
_MODES = {
    "maintenance": "EService:Unavailable",
    "cancel_only": "EService:Market in cancel_only mode",
    "post_only": "EService:Market in post_only mode",
}


class TradingDesk:
    """Takes commands for the accounts of one exchange; every refusal is a VenueRefused."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._entry = OrderEntry(view, self._refused)
        self._decimals = {str(one.symbol): one.price_precision for one in view.instruments()}

    def place(self, account: Account, command: Place, now_ns: int) -> OrderState | None:
        """Enter an order; none when it was only to be validated."""
        request = command.request
        self._admit((request,), command.deadline_ns, now_ns)
        self._check(account, request, now_ns, _ONE)
        self._count(account, request.symbol, _ONE, now_ns)
        self._make_room(account, request.symbol, 1)
        if command.validate:
            self._entry.translated(partial(account.check_funds, request))
            return None
        return self._entry.place(account, request)

    def place_batch(
        self, account: Account, command: PlaceBatch, now_ns: int
    ) -> Sequence[OrderState | str]:
        """Enter orders, each of which may be refused with a text; in their order."""
        requests = command.requests
        self._admit(requests, command.deadline_ns, now_ns)
        cost, symbol = Decimal(len(requests)) / 2, requests[0].symbol
        for request in requests:
            self._check(account, request, now_ns, cost)
        self._count(account, symbol, cost, now_ns)
        self._make_room(account, symbol, len(requests))
        if command.validate:
            return [""] * len(requests)
        placed = self._entry.each(requests, partial(self._entry.place, account))
        return [str(one) if isinstance(one, VenueRefused) else one for _, one in placed]

    def amend(self, account: Account, command: Amend, now_ns: int) -> OrderState:
        """Change an order in place."""
        self._admit((), command.deadline_ns, now_ns)
        order = self.find(account, command.order_id, command.client_order_id)
        self._count_change(account, order, allowance_of(account).amend_ages, now_ns)
        return self._entry.amend(account, command)

    def edit(self, account: Account, command: Edit, now_ns: int) -> OrderState | None:
        """Replace an order; none when that was only to be validated."""
        self._admit((), command.deadline_ns, now_ns)
        order = self.find(account, command.order_id)
        self._count_change(account, order, allowance_of(account).edit_ages, now_ns)
        if command.validate:
            return None
        return self._entry.edit(account, command)

    def cancel(self, account: Account, order_id: str, now_ns: int) -> OrderState:
        """Take an order out."""
        self.allow_cancel()
        order = self.find(account, order_id)
        counter = trading(account, order.update.symbol)
        if counter.used(now_ns) > counter.most:
            raise VenueRefused("EOrder:Rate limit exceeded", "EOrder")
        ages = allowance_of(account).cancel_ages
        counter.add(ages.cost(now_ns - order.changed_ns), now_ns)
        return self._entry.cancel(account, order)

    def cancel_batch(self, account: Account, order_ids: Sequence[str], now_ns: int) -> int:
        """Take many out; a counter that this overshoots refuses nothing."""
        self.allow_cancel()
        count = 0
        for order_id in dict.fromkeys(order_ids):
            try:
                order = self.find(account, order_id)
            except VenueRefused:
                continue
            cost = allowance_of(account).cancel_ages.cost(now_ns - order.changed_ns)
            trading(account, order.update.symbol).add(cost, now_ns)
            self._entry.cancel(account, order)
            count += 1
        return count

    def cancel_all(self, account: Account, now_ns: int) -> int:
        """Take all out."""
        self.allow_cancel()
        for symbol in dict.fromkeys(one.update.symbol for one in account.open_orders()):
            trading(account, symbol).add(_ONE, now_ns)
        return account.cancel_all("User requested")

    def cancel_all_after(self, account: Account, timeout_s: int, now_ns: int) -> int | None:
        """Take all out then, unless asked again."""
        self.allow_cancel()
        if not 0 <= timeout_s < 86_400:
            raise VenueRefused("EGeneral:Invalid arguments:timeout", "EGeneral")
        return account.cancel_all_after(timeout_s, now_ns)

    def find(self, account: Account, order_id: str, name: str = "") -> OrderState:
        """An open order by either of its names."""
        return self._entry.find(account, order_id, name)

    def allow_cancel(self) -> None:
        """Raise VenueRefused while the engine does nothing at all."""
        if self._view.status == "maintenance":
            raise VenueRefused(_MODES["maintenance"], "EService")

    def _admit(
        self, requests: Sequence[OrderRequest], deadline_ns: int | None, now_ns: int
    ) -> None:
        """Refuse by the engine's status and by the command's deadline."""
        status = self._view.status
        is_careful = bool(requests) and all(
            one.post_only and one.order_type is OrderType.LIMIT for one in requests
        )
        if status in _MODES and not (status == "post_only" and is_careful):
            raise VenueRefused(_MODES[status], "EService")
        if deadline_ns is None:
            return
        if deadline_ns < now_ns:
            raise VenueRefused("EService:Deadline elapsed", "EService")
        if deadline_ns > now_ns + _DEADLINE_MAX_NS:
            raise VenueRefused("EGeneral:Invalid arguments:deadline", "EGeneral")

    def _check(self, account: Account, request: OrderRequest, now_ns: int, cost: Decimal) -> None:
        """The request itself; one that fails is counted too."""
        if request.order_type is OrderType.SETTLE_POSITION:
            raise VenueRefused("EOrder:Unknown position", "EOrder")
        try:
            account.check(request, now_ns)
        except CommandRefused as error:
            if error.refusal is not Refusal.UNKNOWN_SYMBOL:
                trading(account, request.symbol).add(cost, now_ns)
            raise self._refused(error) from error

    def _count(self, account: Account, symbol: Symbol, cost: Decimal, now_ns: int) -> None:
        counter = trading(account, symbol)
        if counter.wait_ns(cost, now_ns) != 0:
            raise VenueRefused("EOrder:Rate limit exceeded", "EOrder")
        counter.add(cost, now_ns)

    def _count_change(
        self, account: Account, order: OrderState, ages: AgeBands, now_ns: int
    ) -> None:
        cost = 1 + ages.cost(now_ns - order.changed_ns)
        self._count(account, order.update.symbol, cost, now_ns)

    def _refused(self, error: CommandRefused) -> VenueRefused:
        """A refusal in the venue's words."""
        text = _TEXTS.get(error.refusal, f"EGeneral:Invalid arguments:{error.field}")
        if error.refusal is Refusal.TOO_PRECISE:
            decimals = self._decimals[error.field]
            text = f"EOrder:Invalid price:{error.field} price can only be specified up to "
            text += f"{decimals} decimals."
        return VenueRefused(text, text.partition(":")[0])

    def _make_room(self, account: Account, symbol: Symbol, count: int) -> None:
        held = sum(order.update.symbol == symbol for order in account.open_orders())
        most = allowance_of(account).orders_max
        if most is not None and held + count > most:
            raise VenueRefused("EOrder:Orders limit exceeded", "EOrder")
