"""Between an engine and the desks of its venues: commands out, and what became of them back.

Commands are sent by tasks, as their answers are awaited there; a command is on the wire when its
task has run once. What comes back is an event of the engine: fills as the account publishes them,
orders as the desk knows them by all evidence, and an `Outcome` for a command that was refused or
not answered.
"""

import logging
from collections.abc import Callable, Mapping

from msgspec import structs

from fluxum.bot.decision import BotCommand
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent, Outcome
from fluxum.errors import FluxumError
from fluxum.flow.background import Background
from fluxum.model.account import Fill
from fluxum.model.order import Amend, Cancel, OrderStatus, Place
from fluxum.orders.desk import OrderDesk
from fluxum.orders.order import Order

__all__ = ["Dispatch"]

_log = logging.getLogger(__name__)


class Dispatch:
    """Sends the commands of one engine; `put` gets every event that comes of it."""

    def __init__(
        self,
        desks: Mapping[str, OrderDesk],
        now_ns: Callable[[], int],
        put: Callable[[BotEvent], None],
        work: Background,
    ) -> None:
        self.sent = 0
        self.refused = 0
        """How many commands were refused, by a desk or a venue."""
        self._desks = desks
        self._now_ns = now_ns
        self._put = put
        self._work = work

    def send(self, command: BotCommand) -> None:
        """Send a command now, in a task."""
        self.sent += 1
        desk = self._desks.get(command.market.venue)
        if desk is None:
            known = ", ".join(self._desks) or "none"
            self._refuse(command, f"no account at {command.market.venue}; accounts: {known}")
            return
        self._work.start(self._carry_out(desk, command), name=f"{command.market} command")

    def of_fill(self, venue: str, fill: Fill) -> Fill:
        """A fill of the account, with our name of its order where the venue did not send it."""
        order = None if fill.client_order_id else self._desks[venue].order(fill.order_id)
        if order is None:
            return fill
        return structs.replace(fill, client_order_id=order.client_order_id)

    def of_order(self, venue: str, order: Order) -> BotEvent | None:
        """What the desk knows of an order, as an event; `None` for other programs' orders."""
        if not order.is_ours or order.status is OrderStatus.UNKNOWN:
            return None
        if order.update is None:
            is_end = order.status.is_final
            return self.answer(Market(venue, order.symbol), order) if is_end else None
        return structs.replace(
            order.update,
            client_order_id=order.client_order_id,
            status=order.status,
            filled=order.filled,
            received_ns=self._now_ns(),
        )

    def answer(self, market: Market, order: Order, *, is_change: bool = False) -> Outcome:
        """The answer to a command: the order was taken, or it is not known whether it was.

        What is filled of it, and its end, come with its updates.
        """
        is_known = order.update is None and order.status.is_final
        is_unknown = order.status is OrderStatus.UNKNOWN
        return Outcome(
            venue=market.venue,
            symbol=market.symbol,
            client_order_id=order.client_order_id,
            status=order.status if is_known or is_unknown else OrderStatus.OPEN,
            order_id=order.order_id,
            reason=order.reason,
            is_change=is_change,
            received_ns=self._now_ns(),
        )

    # Pieces

    async def _carry_out(self, desk: OrderDesk, command: BotCommand) -> None:
        market = command.market
        try:
            match command.command:
                case Place(request=request):
                    self._put(self.answer(market, await desk.place(request)))
                case Amend() as amend:
                    self._put(self.answer(market, await desk.amend(amend), is_change=True))
                case Cancel(client_order_ids=names):
                    for name in names:
                        await desk.cancel(name)  # its end comes as an update of the desk
        except FluxumError as error:
            _log.warning("%s: %s was refused: %s", market, _kind(command), error)
            self._refuse(command, str(error))

    def _refuse(self, command: BotCommand, reason: str) -> None:
        self.refused += 1
        for name in _names(command):
            self._put(
                Outcome(
                    venue=command.market.venue,
                    symbol=command.market.symbol,
                    client_order_id=name,
                    status=OrderStatus.REFUSED,
                    reason=reason,
                    is_change=not isinstance(command.command, Place),
                    received_ns=self._now_ns(),
                )
            )


def _kind(command: BotCommand) -> str:
    return type(command.command).__name__.lower()


def _names(command: BotCommand) -> tuple[str, ...]:
    """The orders that a command is about, by their client order ids."""
    match command.command:
        case Place(request=request):
            return (request.client_order_id,)
        case Amend(client_order_id=name):
            return (name,)
        case Cancel(client_order_ids=names):
            return names
