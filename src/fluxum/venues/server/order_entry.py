"""Commands as simulated venues take them, each with its own errors.

The exchange checks, holds and matches; a venue reads what it is sent, and writes what became of it.
Between the two stands `OrderEntry`: it finds markets and orders, and makes every refusal of the
exchange the venue's own error.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Amend, Edit, OrderRequest, OrderUpdate
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.contract import ExchangeView

__all__ = ["OrderEntry", "attempt"]

Item = TypeVar("Item")
Row = TypeVar("Row")

_REQUESTED = "User requested"


class OrderEntry:
    """Takes the commands of accounts; `refused` makes the venue's error of a refusal."""

    def __init__(
        self, view: ExchangeView, refused: Callable[[CommandRefused], VenueRefused]
    ) -> None:
        self._refused = refused
        self._instruments = {one.venue_symbol: one for one in view.instruments()}

    def instrument(self, name: str) -> Instrument:
        """The market of a name of the venue's."""
        instrument = self._instruments.get(name)
        if instrument is None:
            raise self._refused(CommandRefused(Refusal.UNKNOWN_SYMBOL, name))
        return instrument

    def find(
        self, account: Account, order_id: str, name: str = "", symbol: Symbol | None = None
    ) -> OrderState:
        """An open order by its id, or by its client order id if that is all there is."""
        for order in account.open_orders():
            update = order.update
            is_named = (
                update.order_id == order_id
                if order_id
                else bool(name) and update.client_order_id == name
            )
            if is_named and symbol in {None, update.symbol}:
                return order
        raise self._refused(CommandRefused(Refusal.UNKNOWN_ORDER, order_id or name))

    def place(self, account: Account, request: OrderRequest) -> OrderState:
        """Enter an order, and let it trade."""
        return self.translated(lambda: account.place(request))

    def amend(self, account: Account, command: Amend) -> OrderState:
        """Change an order in place."""
        return self.translated(lambda: account.amend(command))

    def edit(self, account: Account, command: Edit) -> OrderState:
        """Cancel an order and enter another for it; returns the new one."""
        return self.translated(lambda: account.edit(command))

    def cancel(self, account: Account, order: OrderState) -> OrderState:
        """Take an open order out."""
        return self.translated(lambda: account.cancel(order.update.order_id, _REQUESTED))

    def cancel_all(
        self, account: Account, is_meant: Callable[[OrderUpdate], bool] = lambda _order: True
    ) -> list[OrderState]:
        """Take out all open orders that are meant."""
        meant = [one for one in account.open_orders() if is_meant(one.update)]
        return [self.cancel(account, one) for one in meant]

    def translated(self, act: Callable[[], Row]) -> Row:
        """What an act of the exchange returns; its refusal is the venue's error."""
        try:
            return act()
        except CommandRefused as error:
            raise self._refused(error) from error

    def each(
        self, rows: Iterable[Item], act: Callable[[Item], Row]
    ) -> list[tuple[Item, Row | VenueRefused]]:
        """What became of each row of a batch, which succeeds or fails by itself."""
        return [(row, attempt(partial(act, row))) for row in rows]


def attempt(act: Callable[[], Row]) -> Row | VenueRefused:
    """What an act returns, or its refusal."""
    try:
        return act()
    except VenueRefused as error:
        return error
