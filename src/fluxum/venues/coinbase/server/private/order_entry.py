"""Orders as Advanced Trade takes them: read, refused in its words, and named by the client.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/create-order. A
refusal is an answer like any other. A client order id that was used gives the order that has it.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import BadInput
from fluxum.model.instant import parse_rfc3339
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderRequest, OrderType, TimeInForce, Trigger
from fluxum.venues.coinbase.advanced.private.commands import CANCELS_MAX
from fluxum.venues.coinbase.advanced.private.words import SIDES, STOP_UP
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.contract import ExchangeView

__all__ = ["OrderEntry"]

Result = dict[str, object]

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
_SIDES = {word: side for side, word in SIDES.items()}
_KINDS = {
    "market_market_ioc": (OrderType.MARKET, TimeInForce.IOC),
    "market_market_fok": (OrderType.MARKET, TimeInForce.FOK),
    "limit_limit_gtc": (OrderType.LIMIT, TimeInForce.GTC),
    "limit_limit_gtd": (OrderType.LIMIT, TimeInForce.GTD),
    "sor_limit_ioc": (OrderType.LIMIT, TimeInForce.IOC),
    "limit_limit_fok": (OrderType.LIMIT, TimeInForce.FOK),
    "stop_limit_stop_limit_gtc": (OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC),
    "stop_limit_stop_limit_gtd": (OrderType.STOP_LOSS_LIMIT, TimeInForce.GTD),
}


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


class OrderEntry:
    """Takes the commands of accounts; a body that makes no sense raises MsgspecError."""

    def __init__(self, view: ExchangeView) -> None:
        self._symbols = {one.venue_symbol: one.symbol for one in view.instruments()}
        self._names: dict[tuple[str, str], str] = {}

    def place(self, account: Account, body: bytes) -> Result:
        """Enter an order."""
        order = msgspec.json.decode(body, type=_Order)
        named = {"product_id": order.product_id, "side": order.side}
        try:
            state = self._known(account, order.client_order_id) or account.place(
                self._request(order)
            )
        except CommandRefused as error:
            code = _WORDS.get(error.refusal, _INVALID)
            refused = {"error": code, "message": str(error), "error_details": ""}
            refused |= {"preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON"}
            refused |= {"new_order_failure_reason": code}
            return {"success": False, "failure_reason": code, "error_response": refused}
        self._names[account.key, order.client_order_id] = state.update.order_id
        ids = {"order_id": state.update.order_id, "client_order_id": order.client_order_id}
        return {
            "success": True,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": state.update.order_id,
            "success_response": {**ids, **named},
            "order_configuration": order.order_configuration,
        }

    def edit(self, account: Account, body: bytes) -> Result:
        """Change price and size of an order that rests until it is canceled."""
        wire = msgspec.json.decode(body, type=_Edit)
        state = account.order(wire.order_id)
        if state is None or state.update.status.is_final:
            return _not_edited("ORDER_NOT_FOUND")
        request = state.request
        if (request.order_type, request.time_in_force) != (OrderType.LIMIT, TimeInForce.GTC):
            return _not_edited("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
        try:
            price, size = _number(wire.price), _number(wire.size)
            if size is not None and size <= state.update.filled:
                return _not_edited("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
            account.amend(Amend(order_id=wire.order_id, quantity=size, limit_price=price))
        except CommandRefused as error:
            return _not_edited(_WORDS.get(error.refusal, _INVALID))
        return {"success": True, "errors": []}

    def cancel(self, account: Account, body: bytes) -> Result:
        """Cancel orders, each by itself."""
        ids = msgspec.json.decode(body, type=_Cancel).order_ids
        if not 1 <= len(ids) <= CANCELS_MAX:
            raise MsgspecError(f"1 to {CANCELS_MAX} ids were expected, was {len(ids)}")
        return {"results": [_cancel(account, one) for one in ids]}

    def _known(self, account: Account, name: str) -> OrderState | None:
        order_id = self._names.get((account.key, name))
        return None if order_id is None else account.order(order_id)

    def _request(self, order: _Order) -> OrderRequest:
        """The request in our words; raises CommandRefused."""
        symbol = self._symbols.get(order.product_id)
        if symbol is None:
            raise CommandRefused(Refusal.UNKNOWN_SYMBOL)
        try:
            ((name, members),) = order.order_configuration.items()
            kind, in_force = _KINDS[name]
            side = _SIDES[order.side]
            texts = {key: str(value) for key, value in members.items()}
            return OrderRequest(
                symbol=symbol,
                side=side,
                order_type=_type(kind, side, texts),
                time_in_force=TimeInForce.GTC if kind is OrderType.MARKET else in_force,
                quantity=_number(texts.get("base_size", "")),
                quote_quantity=_number(texts.get("quote_size", "")),
                limit_price=_number(texts.get("limit_price", "")),
                trigger=_trigger(texts),
                expires_ns=_instant(texts.get("end_time")),
                post_only=members.get("post_only") is True,
                client_order_id=order.client_order_id,
            )
        except (KeyError, ValueError, BadInput) as error:
            raise CommandRefused(Refusal.UNSUPPORTED) from error


def _type(kind: OrderType, side: Side, texts: Mapping[str, str]) -> OrderType:
    """A buy that waits for a price above, and a sale for one below, stop a loss."""
    rises = texts.get("stop_direction") == STOP_UP
    if kind is OrderType.STOP_LOSS_LIMIT and rises is not (side is Side.BUY):
        return OrderType.TAKE_PROFIT_LIMIT
    return kind


def _trigger(texts: Mapping[str, str]) -> Trigger | None:
    price = _number(texts.get("stop_price", ""))
    return None if price is None else Trigger(price)


def _number(text: str) -> Decimal | None:
    """A number above zero, `None` where there is none; raises CommandRefused."""
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise CommandRefused(Refusal.INVALID_QUANTITY) from None
    if not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise CommandRefused(Refusal.INVALID_QUANTITY)
    return value


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_rfc3339(text)


def _not_edited(code: str) -> Result:
    reason = {
        "edit_failure_reason": code,
        "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON",
    }
    return {"success": False, "errors": [reason]}


def _cancel(account: Account, order_id: str) -> Result:
    reason, success = "UNKNOWN_CANCEL_FAILURE_REASON", True
    try:
        account.cancel(order_id, "User requested cancel")
    except CommandRefused:
        reason, success = "UNKNOWN_CANCEL_ORDER", False
    return {"success": success, "failure_reason": reason, "order_id": order_id}
