"""Orders as Gemini takes them, over REST and over its WebSocket: read, and refused in its words.

https://docs.gemini.com/rest/orders, https://docs.gemini.com/rest-api/#error-codes and
https://developer.gemini.com/websocket/streams. That a maker-or-cancel order which would trade is
refused at once is the exchange's way here; the venue takes it and cancels it.
"""

from collections.abc import Mapping
from typing import cast

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument
from fluxum.model.order import FeeAsset, OrderRequest, OrderType, TimeInForce, Trigger
from fluxum.venues.gemini.private.commands import NAMES
from fluxum.venues.gemini.private.words import (
    LIMIT,
    MAKER,
    OPTIONS,
    ORDER_TYPES,
    SIDES,
    STOP_LIMIT,
    TIMES_IN_FORCE,
)
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry

__all__ = ["GeminiEntry", "arguments", "of_call", "of_frame"]

Given = Mapping[str, object]

_REASONS = {
    Refusal.INSUFFICIENT_FUNDS: "InsufficientFunds",
    Refusal.UNKNOWN_SYMBOL: "InvalidSymbol",
    Refusal.UNKNOWN_ORDER: "OrderNotFound",
    Refusal.INVALID_PRICE: "InvalidPrice",
    Refusal.TOO_PRECISE: "InvalidPrice",
    Refusal.OFF_TICK: "InvalidPrice",
    Refusal.INVALID_QUANTITY: "InvalidQuantity",
    Refusal.QUANTITY_MINIMUM: "InvalidQuantity",
    Refusal.COST_MINIMUM: "InvalidQuantity",
    Refusal.INVALID_TRIGGER: "InvalidStopPrice",
    Refusal.WOULD_TAKE: "MakerOrCancelWouldTake",
    Refusal.NAME_TAKEN: "DuplicateOrder",
}
_INVALID = {
    "amount": "InvalidQuantity",
    "price": "InvalidPrice",
    "stop_price": "InvalidStopPrice",
    "side": "InvalidSide",
    "type": "InvalidOrderType",
    "client_order_id": "ClientOrderIdTooLong",
}
_NAMES = {
    "symbol": "symbol",
    "side": "side",
    "price": "price",
    "quantity": "amount",
    "stopPrice": "stop_price",
    "clientOrderId": "client_order_id",
    "orderId": "order_id",
}


class GeminiEntry:
    """Takes commands for accounts; every refusal is a VenueRefused with the venue's reason."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._entry = OrderEntry(view, _refused)
        self._symbols = {one.venue_symbol.lower(): one.venue_symbol for one in view.instruments()}

    def place(self, account: Account, given: Given) -> OrderState:
        """Enter an order, as a call gives it."""
        if self._view.status == "maintenance":
            raise VenueRefused("The exchange is in maintenance", "Maintenance")
        return self._entry.place(account, self._request(arguments(given)))

    def cancel(self, account: Account, given: Given) -> OrderState:
        """Take out an order by its id; one that has ended is returned as it is."""
        order_id = arguments(given).text("order_id")
        ended = account.order(order_id)
        if ended is not None and ended.update.status.is_final:
            return ended
        return self._entry.cancel(account, self._entry.find(account, order_id or "?"))

    def cancel_all(self, account: Account) -> list[OrderState]:
        """Take out every order."""
        return self._entry.cancel_all(account)

    def instrument(self, name: str) -> Instrument:
        """The market of a name, given in either case."""
        return self._entry.instrument(self._symbols.get(name.lower(), name))

    def _request(self, read: Arguments) -> OrderRequest:
        symbol = self.instrument(read.text("symbol")).symbol
        kind = ORDER_TYPES.by_word[read.one_of(set(ORDER_TYPES.by_word), "type")]
        option = read.text("option")
        if option not in OPTIONS.by_word or (option and kind is not OrderType.LIMIT):
            raise VenueRefused(f"no such option of this order: {option}", "UnsupportedOption")
        trigger = read.needed("stop_price") if kind.is_triggered else None
        return OrderRequest(
            symbol=symbol,
            side=read.word(SIDES, "side"),
            order_type=kind,
            quantity=read.needed("amount"),
            limit_price=read.needed("price") if kind.has_limit else None,
            trigger=None if trigger is None else Trigger(trigger),
            time_in_force=OPTIONS.by_word[option] if kind is OrderType.LIMIT else TimeInForce.GTC,
            post_only=option == MAKER,
            fee_asset=FeeAsset.QUOTE,
            client_order_id=read.name("client_order_id", NAMES),
        )


def arguments(given: Given) -> Arguments:
    """Parameters, to be read one by one; what makes no sense raises VenueRefused."""
    return Arguments(given, _invalid)


def of_call(given: Given) -> Given:
    """The parameters of a call, of whose options there is one at most."""
    given_options = given.get("options")
    if not isinstance(given_options, list | None):
        raise VenueRefused("options are an array", "OptionsMustBeArray")
    options = cast("list[object]", given_options or [])
    if len(options) > 1:
        raise VenueRefused("one option at most", "ConflictingOptions")
    return {**given, "option": options[0] if options else ""}


def of_frame(params: Given) -> Given:
    """The parameters of a frame, by the names of those of a call."""
    given = {_NAMES[name]: value for name, value in params.items() if name in _NAMES}
    given["side"] = str(params.get("side", "")).lower()
    is_limit = params.get("type") == "LIMIT"
    if not is_limit and params.get("type") != "MARKET":
        raise _invalid("type")
    limit = STOP_LIMIT if "stopPrice" in params else LIMIT
    word = str(params.get("timeInForce", "GTC"))
    if word not in TIMES_IN_FORCE:
        raise VenueRefused(f"no such time in force: {word}", "UnsupportedOption")
    option = TIMES_IN_FORCE[word] if is_limit else ""
    return {**given, "type": limit if is_limit else "exchange market", "option": option}


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"{name} makes no sense", _INVALID.get(name, "InvalidParameters"))


def _refused(error: CommandRefused) -> VenueRefused:
    return VenueRefused(str(error), _REASONS.get(error.refusal, "UnsupportedOption"))
