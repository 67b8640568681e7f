"""Orders as Advanced Trade takes them: read, refused in its words, and named by the client.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/create-order. A
refusal is an answer like any other. A client order id that was used gives the order that has it.
"""

from collections import OrderedDict

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.model.order import Amend, OrderRequest, OrderType, TimeInForce, Trigger
from fluxum.venues.coinbase.advanced.private.commands import CANCELS_MAX, KINDS
from fluxum.venues.coinbase.advanced.private.words import SIDES, STOP_UP
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.triggers import triggered_type

__all__ = ["AdvancedOrders"]

Result = dict[str, object]

_NAMES_KEPT = 100_000
_INVALID = "UNSUPPORTED_ORDER_CONFIGURATION"
_WORDS = {
    Refusal.INSUFFICIENT_FUNDS: "INSUFFICIENT_FUND",
    Refusal.UNKNOWN_SYMBOL: "UNKNOWN_PRODUCT_ID",
    Refusal.TOO_PRECISE: "INVALID_PRICE_PRECISION",
    Refusal.OFF_TICK: "INVALID_PRICE_PRECISION",
    Refusal.INVALID_QUANTITY: "INVALID_SIZE_PRECISION",
    Refusal.QUANTITY_MINIMUM: "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
    Refusal.COST_MINIMUM: "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
    Refusal.WOULD_TAKE: "INVALID_LIMIT_PRICE_POST_ONLY",
    Refusal.UNKNOWN_ORDER: "UNKNOWN_CANCEL_ORDER",
}
_TYPES = {name: kind for kind, name in KINDS.items()}


class _Order(Struct):
    client_order_id: str
    product_id: str
    side: str
    order_configuration: dict[str, dict[str, object]]


class _Edit(Struct):
    order_id: str
    price: str = ""
    size: str = ""


class _Cancel(Struct):
    order_ids: list[str]


class AdvancedOrders:
    """Takes the commands of accounts; a body that makes no sense raises MsgspecError."""

    def __init__(self, view: ExchangeView) -> None:
        self._entry = OrderEntry(view, _refused)
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()

    def place(self, account: Account, body: bytes) -> Result:
        """Enter an order."""
        order = decode(body, type=_Order)
        name = account.key, order.client_order_id
        state = account.order(self._names.get(name, ""))
        try:
            state = state or self._entry.place(account, self._request(order))
        except VenueRefused as error:
            refused = {"error": error.code, "message": str(error), "error_details": ""}
            refused |= {"preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON"}
            refused |= {"new_order_failure_reason": error.code}
            return {"success": False, "failure_reason": error.code, "error_response": refused}
        self._names[name] = order_id = state.update.order_id
        if len(self._names) > _NAMES_KEPT:
            self._names.popitem(last=False)
        placed = {"order_id": order_id, "client_order_id": order.client_order_id}
        return {
            "success": True,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": order_id,
            "success_response": {
                **placed,
                "product_id": order.product_id,
                "side": order.side,
            },
            "order_configuration": order.order_configuration,
        }

    def edit(self, account: Account, body: bytes) -> Result:
        """Change price and size of an order that rests until it is canceled."""
        wire = decode(body, type=_Edit)
        read = Arguments({"price": wire.price, "size": wire.size}, _invalid)
        try:
            state = self._entry.find(account, wire.order_id)
            request, size = state.request, read.number("size")
            if (request.order_type, request.time_in_force) != (OrderType.LIMIT, TimeInForce.GTC):
                return _not_edited("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
            if size is not None and size <= state.update.filled:
                return _not_edited("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
            command = Amend(order_id=wire.order_id, quantity=size, limit_price=read.number("price"))
            self._entry.amend(account, command)
        except VenueRefused as error:
            return _not_edited(error.code)
        return {"success": True, "errors": []}

    def cancel(self, account: Account, body: bytes) -> Result:
        """Cancel orders, each by itself."""
        ids = decode(body, type=_Cancel).order_ids
        if not 1 <= len(ids) <= CANCELS_MAX:
            raise MsgspecError(f"1 to {CANCELS_MAX} ids were expected, was {len(ids)}")

        def act(order_id: str) -> OrderState:
            return self._entry.cancel(account, self._entry.find(account, order_id))

        return {"results": [_canceled(*one) for one in self._entry.each(ids, act)]}

    def _request(self, order: _Order) -> OrderRequest:
        """The request in our words; raises VenueRefused."""
        ((name, members),) = order.order_configuration.items() or (("", {}),)
        if name not in _TYPES:
            raise _invalid(name)
        kind, in_force = _TYPES[name]
        side = Arguments({"side": order.side}, _invalid).word(SIDES, "side")
        read = Arguments(members, _invalid)
        stop_price, ends = read.number("stop_price"), read.text("end_time")
        if kind.is_triggered:
            is_rising = read.text("stop_direction") == STOP_UP
            kind = triggered_type(side, is_rising=is_rising, has_limit=True)
        try:
            return OrderRequest(
                symbol=self._entry.instrument(order.product_id).symbol,
                side=side,
                order_type=kind,
                time_in_force=in_force,
                quantity=read.number("base_size"),
                quote_quantity=read.number("quote_size"),
                limit_price=read.number("limit_price"),
                trigger=None if stop_price is None else Trigger(stop_price),
                expires_ns=parse_rfc3339(ends) if ends else None,
                post_only=read.flag("post_only"),
                client_order_id=order.client_order_id,
            )
        except BadInput as error:
            raise VenueRefused(str(error), _INVALID) from error


def _refused(error: CommandRefused) -> VenueRefused:
    return VenueRefused(str(error), _WORDS.get(error.refusal, _INVALID))


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"invalid argument: {name[:40]}", _INVALID)


def _not_edited(code: str) -> Result:
    reason = {"edit_failure_reason": code, "preview_failure_reason": ""}
    return {"success": False, "errors": [reason]}


def _canceled(order_id: str, result: OrderState | VenueRefused) -> Result:
    is_refused = isinstance(result, VenueRefused)
    reason = result.code if isinstance(result, VenueRefused) else "UNKNOWN_CANCEL_FAILURE_REASON"
    return {"success": not is_refused, "failure_reason": reason, "order_id": order_id}
