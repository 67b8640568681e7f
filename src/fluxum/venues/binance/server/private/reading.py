"""What requests about orders have in common on spot and on futures: markets, names, times."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderType
from fluxum.venues.binance.private.names import order_id
from fluxum.venues.server.account_lists import ListQuery
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.triggers import rises

__all__ = ["Given", "Method", "OrderReading", "Requests", "cut", "invalid"]

Item = TypeVar("Item")
Given = Mapping[str, object]
Method = Callable[[Account, Arguments, int], object]

_ROWS_MAX = 1000


class Requests(Protocol):
    """Does what accounts request, by the names of the WebSocket API."""

    def is_known(self, method: str) -> bool:
        """Whether there is such a request."""
        ...

    def obey(self, method: str, account: Account, given: Given, now_ns: int) -> object:
        """The result of a request; raises VenueRefused."""
        ...


class OrderReading:
    """Reads what requests are about; lists are of `span_ms` at most."""

    def __init__(
        self,
        view: ExchangeView,
        refused: Callable[[CommandRefused], VenueRefused],
        span_ms: int,
        too_long: str,
    ) -> None:
        self.entry = OrderEntry(view, refused)
        self._view = view
        self._refused = refused
        self._span_ms = span_ms
        self._too_long = too_long

    def symbol(self, read: Arguments) -> Symbol:
        """The market of a request."""
        if not read.has("symbol"):
            raise invalid("symbol")
        return self.entry.instrument(read.text("symbol")).symbol

    def find(self, account: Account, read: Arguments) -> OrderState:
        """The open order of a market by either id; the venue's own wins."""
        symbol, number = self.symbol(read), read.text("orderId")
        name = order_id(read.text("symbol"), int(number)) if number.isdecimal() else ""
        return self.entry.find(account, name, read.text("origClientOrderId"), symbol)

    def wanted(self, read: Arguments) -> ListQuery:
        """Which items of a list are wanted; of all orders `orderId` would be the first one."""
        number = read.number("orderId")
        return self.between(
            read,
            ListQuery(
                symbol=self.symbol(read),
                order_id="" if number is None else order_id(read.text("symbol"), int(number)),
                client_order_id=read.text("origClientOrderId"),
            ),
        )

    def between(self, read: Arguments, wanted: ListQuery) -> ListQuery:
        """The same in the time of a request, which may be too long."""
        since, until = (read.number(one) for one in ("startTime", "endTime"))
        if since and until and until - since > self._span_ms:
            raise VenueRefused(self._too_long, "-1127")
        return wanted.between(
            None if since is None else int(since), None if until is None else int(until)
        )

    def check_trigger(self, read: Arguments, side: Side, kind: OrderType, name: str) -> None:
        """Refuse an order whose price is reached already."""
        last, price = self._view.accounts.last_price(self.symbol(read)), read.needed(name)
        if last is not None and (last >= price if rises(side, kind) else last <= price):
            raise self._refused(CommandRefused(Refusal.INVALID_TRIGGER))


def cut(read: Arguments, newest: Sequence[Item], names: tuple[str, ...]) -> list[Item]:
    """The last rows of a list, or the first ones from a beginning on; oldest first.

    `names` are the parameters that such a beginning is given with.
    """
    limit = min(int(read.number("limit") or 500), _ROWS_MAX)
    oldest = list(reversed(newest))
    return oldest[:limit] if any(map(read.has, names)) else oldest[-limit:]


def invalid(name: str) -> VenueRefused:
    """The refusal of a request whose parameter is left out, or makes no sense."""
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return VenueRefused(text, "-1102")
