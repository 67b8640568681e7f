"""The commands of a paper account: what they do to its orders, and the answers to them."""

from msgspec import structs

from fluxum.fill.refusal import CommandRefused, Refusal
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OrderRequest,
    OrderStatus,
    Place,
    PlaceBatch,
)
from fluxum.paper.records import PaperOrder
from fluxum.paper.trading import PaperTrading
from fluxum.paper.transit import Transit

__all__ = ["PaperCommands"]


class PaperCommands:
    """Processes commands at the instants they arrive, and sends the answers."""

    def __init__(self, venue: str, trading: PaperTrading, transit: Transit) -> None:
        self.trading = trading
        self.cancels_ns: int | None = None
        """When all orders are canceled, unless CancelAllAfter comes again."""
        self._venue = venue
        self._transit = transit

    @property
    def next_timer_ns(self) -> int | None:
        """When the next order expires, or all are canceled; `None` if nothing is due."""
        instants = [] if self.cancels_ns is None else [self.cancels_ns]
        expiring = self.trading.expiring.values()
        instants += [order.live.request.expires_ns or 0 for order in expiring]
        return min(instants, default=None)

    def end_due(self, now_ns: int) -> None:
        """Cancel or expire what is due at an instant."""
        for order in list(self.trading.expiring.values()):
            if (order.live.request.expires_ns or 0) <= now_ns:
                self.trading.end(order, OrderStatus.EXPIRED, "expired", now_ns)
        if self.cancels_ns is not None and self.cancels_ns <= now_ns:
            self.cancels_ns = None
            self._cancel_all("cancel all after", now_ns)

    def process(self, now_ns: int, number: int, command: Command) -> None:
        """Process a command that has arrived, and answer it."""
        try:
            match command:
                case Place():
                    self._place(number, command, now_ns)
                case PlaceBatch():
                    self._place_batch(number, command, now_ns)
                case Amend():
                    self._amend(number, command, now_ns)
                case Edit():
                    self._edit(number, command, now_ns)
                case Cancel() | CancelBatch():
                    self._cancel(number, command, now_ns)
                case CancelAll():
                    count = self._cancel_all("canceled by the user", now_ns)
                    self._accept(number, now_ns, count=count)
                case CancelAllAfter():
                    timeout_s = command.timeout_s
                    self.cancels_ns = now_ns + timeout_s * 1_000_000_000 if timeout_s else None
                    self._accept(number, now_ns, triggers_ns=self.cancels_ns)
        except CommandRefused as refused:
            self._decline(number, now_ns, refused, *_names_of(command))

    def _place(self, number: int, command: Place, now_ns: int) -> None:
        _check_deadline(command.deadline_ns, now_ns)
        request = command.request
        if command.validate:
            self.trading.check(request, now_ns)
            self._accept(number, now_ns, client_order_id=request.client_order_id)
            return
        self._enter(number, request, now_ns, is_last=True)

    def _place_batch(self, number: int, command: PlaceBatch, now_ns: int) -> None:
        _check_deadline(command.deadline_ns, now_ns)
        last = len(command.requests) - 1
        for index, request in enumerate(command.requests):
            name = request.client_order_id
            try:
                if command.validate:
                    self.trading.check(request, now_ns)
                    self._accept(number, now_ns, client_order_id=name, is_last=index == last)
                else:
                    self._enter(number, request, now_ns, is_last=index == last)
            except CommandRefused as refused:
                self._decline(number, now_ns, refused, "", name, is_last=index == last)

    def _enter(self, number: int, request: OrderRequest, now_ns: int, *, is_last: bool) -> None:
        order = self.trading.place(request, now_ns)
        self._accept(
            number,
            now_ns,
            order_id=order.live.order_id,
            client_order_id=request.client_order_id,
            is_last=is_last,
        )
        self.trading.begin(order, now_ns)

    def _amend(self, number: int, command: Amend, now_ns: int) -> None:
        _check_deadline(command.deadline_ns, now_ns)
        order = self._find(command.order_id, command.client_order_id)
        live = order.live
        self.trading.amend(
            order,
            command,
            now_ns,
            lambda: self._accept(
                number, now_ns, order_id=live.order_id, client_order_id=live.request.client_order_id
            ),
        )

    def _edit(self, number: int, command: Edit, now_ns: int) -> None:
        _check_deadline(command.deadline_ns, now_ns)
        old = self._find(command.order_id, "")
        request = _edited(old, command)
        self.trading.check(request, now_ns, replaces=old)
        if command.validate:
            self._accept(number, now_ns, order_id=old.live.order_id)
            return
        self.trading.end(old, OrderStatus.CANCELED, "replaced", now_ns)
        order = self.trading.place(request, now_ns)
        self._accept(
            number,
            now_ns,
            order_id=order.live.order_id,
            client_order_id=request.client_order_id,
            original_order_id=old.live.order_id,
        )
        self.trading.begin(order, now_ns)

    def _cancel(self, number: int, command: Cancel | CancelBatch, now_ns: int) -> None:
        names = [(one, "") for one in command.order_ids]
        names += [("", one) for one in command.client_order_ids]
        is_one_by_one = isinstance(command, Cancel)
        count = 0
        for index, (order_id, name) in enumerate(names):
            is_last = index == len(names) - 1
            try:
                order = self._find(order_id, name)
                self.trading.end(order, OrderStatus.CANCELED, "canceled by the user", now_ns)
            except CommandRefused as refused:
                if is_one_by_one:
                    self._decline(number, now_ns, refused, order_id, name, is_last=is_last)
                continue
            count += 1
            if is_one_by_one:
                live = order.live
                self._accept(
                    number,
                    now_ns,
                    order_id=live.order_id,
                    client_order_id=live.request.client_order_id,
                    is_last=is_last,
                )
        if not is_one_by_one:
            self._accept(number, now_ns, count=count)
        elif not names:
            raise CommandRefused(Refusal.UNKNOWN_ORDER)

    def _cancel_all(self, reason: str, now_ns: int) -> int:
        orders = list(self.trading.orders.values())
        for order in orders:
            self.trading.end(order, OrderStatus.CANCELED, reason, now_ns)
        return len(orders)

    def _find(self, order_id: str, name: str) -> PaperOrder:
        for order in self.trading.orders.values():
            is_it = order.live.order_id == order_id if order_id else False
            if is_it or (name and order.live.request.client_order_id == name):
                return order
        raise CommandRefused(Refusal.UNKNOWN_ORDER, order_id or name)

    def _accept(
        self,
        number: int,
        now_ns: int,
        *,
        order_id: str = "",
        client_order_id: str = "",
        original_order_id: str = "",
        count: int | None = None,
        triggers_ns: int | None = None,
        is_last: bool = True,
    ) -> None:
        accepted = Accepted(
            venue=self._venue,
            command_id=number,
            order_id=order_id,
            client_order_id=client_order_id,
            original_order_id=original_order_id,
            count=count,
            triggers_ns=triggers_ns,
            is_last=is_last,
            received_ns=now_ns,
        )
        self._transit.answer(accepted, now_ns)

    def _decline(
        self,
        number: int,
        now_ns: int,
        refused: CommandRefused,
        order_id: str = "",
        name: str = "",
        *,
        is_last: bool = True,
    ) -> None:
        declined = Declined(
            venue=self._venue,
            command_id=number,
            order_id=order_id,
            client_order_id=name,
            message=str(refused),
            is_last=is_last,
            received_ns=now_ns,
        )
        self._transit.answer(declined, now_ns)


def _names_of(command: Command) -> tuple[str, str]:
    """The ids that a command's refusal repeats."""
    match command:
        case Place():
            return "", command.request.client_order_id
        case Amend():
            return command.order_id, command.client_order_id
        case Edit():
            return command.order_id, ""
        case _:
            return "", ""


def _check_deadline(deadline_ns: int | None, now_ns: int) -> None:
    if deadline_ns is not None and deadline_ns < now_ns:
        raise CommandRefused(Refusal.INVALID_EXPIRY, "the deadline has passed")


def _edited(order: PaperOrder, command: Edit) -> OrderRequest:
    """The request that replaces an order, for what is not filled yet."""
    request = order.live.request
    if request.quantity is None or order.live.is_triggered:
        raise CommandRefused(Refusal.NOT_EDITABLE)
    quantity = request.quantity if command.quantity is None else command.quantity
    if quantity <= order.live.filled:
        raise CommandRefused(Refusal.INVALID_QUANTITY, "quantity")
    changes = {
        name: getattr(command, name)
        for name in ("limit_price", "trigger", "post_only", "user_reference")
        if getattr(command, name) is not None
    }
    return structs.replace(request, quantity=quantity - order.live.filled, **changes)
