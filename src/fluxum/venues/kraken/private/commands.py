"""Commands as Kraken wants them: the method and its parameters, checked by Kraken's pages.

https://docs.kraken.com/api/docs/websocket-v2/add_order and the pages beside it. Numbers are
written plainly, as Kraken refuses exponents; what the instrument allows is not known here.
"""

import re
from decimal import Decimal
from typing import Any, TypeVar, assert_never

from msgspec import UNSET, Raw, UnsetType

from fluxum.errors import BadInput
from fluxum.model.instant import format_rfc3339
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Command,
    Edit,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
    Trigger,
)
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.private.words import (
    FEE_ASSETS,
    ORDER_TYPES,
    PRICE_KINDS,
    REFERENCES,
    SELF_TRADES,
    TIMES_IN_FORCE,
)
from fluxum.venues.private import TOKEN

__all__ = ["answers_of", "is_client_id", "limit_frame", "wire_of"]

_match_id = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[\x21-\x7e]{1,18}"
).fullmatch
_BATCH = (2, 15)
_BATCH_CANCEL = (2, 50)
_AFTER_MAX_S = 86_400
_PLAIN_MAX = 30

Fields = TypeVar("Fields", bound=native.OrderFields)
Wire = tuple[str, Any]  # the method and the Struct of its parameters
_HEX_DIGITS, _HEX_LENGTH = "0123456789abcdef", 32
_LIMIT, _GTC = OrderType.LIMIT, TimeInForce.GTC  # to look up a member costs a call
_TYPE_WORDS, _FORCE_WORDS = ORDER_TYPES.written, TIMES_IN_FORCE.written
_SIDE_WORDS = {side: side.value for side in Side}


def is_client_id(name: str) -> bool:
    """Whether Kraken takes this as a client order id."""
    return _match_id(name) is not None


def limit_frame(command: Place, number: int) -> bytes | None:
    """The frame of a limit order without anything special; `None` if there is something.

    Most orders are such. It is the text that `wire_of` leads to, without the objects between.
    """
    request = command.request
    name, quantity, price = request.client_order_id, request.quantity, request.limit_price
    if (
        request.order_type is not _LIMIT
        or request.time_in_force is not _GTC
        or request.limit_price_kind is not None
        or request.trigger is not None
        or request.close is not None
        or request.effective_ns is not None
        or request.expires_ns is not None
        or request.user_reference is not None
        or request.display_quantity is not None
        or request.quote_quantity is not None
        or request.fee_asset is not None
        or request.self_trade is not None
        or request.post_only
        or request.reduce_only
        or request.margin
        or command.validate
        or quantity is None
        or price is None
        or command.deadline_ns is None
        or len(name) != _HEX_LENGTH
        or name.strip(_HEX_DIGITS)
    ):
        return None
    quantity_text, price_text, symbol = str(quantity), str(price), request.symbol
    is_same_in_json = symbol.isascii() and symbol.replace("/", "").isalnum()
    if not (_is_plain(quantity_text) and _is_plain(price_text) and is_same_in_json):
        return None
    return (
        f'{{"method":"add_order","params":{{"order_type":"limit","side":"{_SIDE_WORDS[request.side]}"'
        f',"order_qty":{quantity_text},"limit_price":{price_text},"time_in_force":"gtc"'
        f',"cl_ord_id":"{name}","symbol":"{symbol}","token":"{TOKEN}"'
        f',"deadline":"{format_rfc3339(command.deadline_ns)}"}},"req_id":{number}}}'
    ).encode()


def wire_of(command: Command) -> Wire:
    """The method and parameters; raises BadInput for what Kraken cannot be asked."""
    match command:
        case Place(request=request, deadline_ns=deadline_ns):
            fields = _fields(
                native.AddParams,
                request,
                symbol=str(request.symbol),
                deadline=None if deadline_ns is None else format_rfc3339(deadline_ns),
                validate=command.validate or None,
                token=TOKEN,
            )
            return "add_order", fields
        case PlaceBatch():
            return "batch_add", _batch(command)
        case Amend():
            return "amend_order", _amend(command)
        case Edit():
            return "edit_order", _edit(command)
        case Cancel():
            return "cancel_order", _cancel(command)
        case CancelBatch():
            return "batch_cancel", _cancel_batch(command)
        case CancelAll():
            return "cancel_all", native.TokenParams(token=TOKEN)
        case CancelAllAfter(timeout_s):
            if not 0 <= timeout_s < _AFTER_MAX_S:
                raise BadInput(f"a time-out of 0 to 86399 s was expected, was {timeout_s}")
            return "cancel_all_orders_after", native.TokenParams(token=TOKEN, timeout=timeout_s)
        case _:
            assert_never(command)


def answers_of(command: Command) -> int:
    """How many answers come: cancels of several orders are answered one by one."""
    if isinstance(command, Cancel):
        ids = (command.order_ids, command.client_order_ids, command.user_references)
        return sum(map(len, ids))
    return 1


def _batch(command: PlaceBatch) -> native.BatchAddParams:
    symbols = {str(request.symbol) for request in command.requests}
    count = len(command.requests)
    if not _BATCH[0] <= count <= _BATCH[1] or len(symbols) != 1:
        raise BadInput(
            f"a batch of 2 to 15 orders of one symbol was expected, "
            f"was {count} of {', '.join(sorted(symbols)) or 'none'}"
        )
    return native.BatchAddParams(
        symbol=symbols.pop(),
        orders=[_fields(native.OrderFields, request) for request in command.requests],
        deadline=_instant(command.deadline_ns),
        validate=command.validate or None,
        token=TOKEN,
    )


def _fields(kind: type[Fields], request: OrderRequest, **others: Any) -> Fields:
    """An order as fields of a message of that kind, beside its `others`.

    Most fields of most orders are not given, so a call is spared for each of these.
    """
    name, quantity, price = request.client_order_id, request.quantity, request.limit_price
    if name:
        _check_name(name, request)
    kind_of_limit, effective_ns, expires_ns = (
        request.limit_price_kind,
        request.effective_ns,
        request.expires_ns,
    )
    shown, spend = request.display_quantity, request.quote_quantity
    return kind(
        _TYPE_WORDS[request.order_type],
        _SIDE_WORDS[request.side],
        UNSET if quantity is None else _written(quantity),
        UNSET if price is None else _written(price, signed=kind_of_limit is not None),
        None if kind_of_limit is None else PRICE_KINDS[kind_of_limit],
        None if request.trigger is None else _triggers(request.trigger),
        None if request.close is None else _conditional(request.close),
        _FORCE_WORDS[request.time_in_force],
        None if effective_ns is None else format_rfc3339(effective_ns),
        None if expires_ns is None else format_rfc3339(expires_ns),
        name or None,
        request.user_reference,
        post_only=request.post_only or None,
        reduce_only=request.reduce_only or None,
        margin=request.margin or None,
        display_qty=UNSET if shown is None else _written(shown),
        cash_order_qty=UNSET if spend is None else _written(spend),
        fee_preference=None if request.fee_asset is None else FEE_ASSETS[request.fee_asset],
        stp_type=None if request.self_trade is None else SELF_TRADES[request.self_trade],
        **others,
    )


def _check_name(name: str, request: OrderRequest) -> None:
    if _match_id(name) is None:
        raise BadInput(
            f"a client order id is a UUID, 32 hexadecimal digits or up to 18 characters, "
            f"was {name!r}"
        )
    if request.user_reference is not None:
        raise BadInput(f"Kraken takes a client order id or a user reference, was both on {name!r}")
    if request.close is not None:
        raise BadInput(f"Kraken takes no client order id with a close order, was {name!r}")


def _triggers(trigger: Trigger) -> native.Triggers:
    if trigger.reference not in REFERENCES:
        raise BadInput(f"Kraken triggers by last and index prices, was {trigger.reference.value}")
    return native.Triggers(
        price=_written(trigger.price, signed=trigger.kind is not PriceKind.STATIC),
        reference=REFERENCES[trigger.reference],
        price_type=PRICE_KINDS[trigger.kind],
    )


def _conditional(close: CloseOrder) -> native.Conditional:
    return native.Conditional(
        order_type=ORDER_TYPES[close.order_type],
        limit_price=_number(close.limit_price, signed=True),
        limit_price_type=_kind(close.limit_price_kind),
        trigger_price=_number(close.trigger_price, signed=True),
        trigger_price_type=_kind(close.trigger_price_kind),
    )


def _amend(command: Amend) -> native.AmendParams:
    if bool(command.order_id) == bool(command.client_order_id):
        raise BadInput(
            f"an order id or a client order id was expected, "
            f"was {command.order_id!r} and {command.client_order_id!r}"
        )
    fields = native.AmendParams(
        order_id=command.order_id or None,
        cl_ord_id=command.client_order_id or None,
        symbol=None if command.symbol is None else str(command.symbol),
        order_qty=_number(command.quantity),
        limit_price=_number(command.limit_price, signed=command.limit_price_kind is not None),
        limit_price_type=_kind(command.limit_price_kind),
        display_qty=_number(command.display_quantity),
        trigger_price=_number(command.trigger_price, signed=command.trigger_price_kind is not None),
        trigger_price_type=_kind(command.trigger_price_kind),
        post_only=command.post_only,
        deadline=_instant(command.deadline_ns),
        token=TOKEN,
    )
    changes = (fields.order_qty, fields.limit_price, fields.display_qty, fields.trigger_price)
    if all(change is UNSET for change in changes):
        raise BadInput(
            f"an amendment needs a quantity or a price, was none for "
            f"{command.order_id or command.client_order_id!r}"
        )
    return fields


def _edit(command: Edit) -> native.EditParams:
    return native.EditParams(
        order_id=command.order_id,
        symbol=str(command.symbol),
        order_qty=_number(command.quantity),
        limit_price=_number(command.limit_price),
        triggers=None if command.trigger is None else _triggers(command.trigger),
        display_qty=_number(command.display_quantity),
        fee_preference=None if command.fee_asset is None else FEE_ASSETS[command.fee_asset],
        post_only=command.post_only,
        reduce_only=command.reduce_only,
        order_userref=command.user_reference,
        deadline=_instant(command.deadline_ns),
        validate=command.validate or None,
        token=TOKEN,
    )


def _cancel(command: Cancel) -> native.CancelParams:
    if not answers_of(command):
        raise BadInput("a cancel needs at least one id, was none")
    return native.CancelParams(
        order_id=list(command.order_ids) or None,
        cl_ord_id=list(command.client_order_ids) or None,
        order_userref=list(command.user_references) or None,
        token=TOKEN,
    )


def _cancel_batch(command: CancelBatch) -> native.BatchCancelParams:
    count = len(command.order_ids) + len(command.client_order_ids)
    if not _BATCH_CANCEL[0] <= count <= _BATCH_CANCEL[1]:
        raise BadInput(f"2 to 50 orders to cancel at once were expected, was {count}")
    return native.BatchCancelParams(
        orders=list(command.order_ids),
        cl_ord_id=list(command.client_order_ids) or None,
        token=TOKEN,
    )


def _kind(kind: PriceKind | None) -> str | None:
    return None if kind is None else PRICE_KINDS[kind]


def _instant(instant_ns: int | None) -> str | None:
    return None if instant_ns is None else format_rfc3339(instant_ns)


def _number(value: Decimal | None, *, signed: bool = False) -> Raw | UnsetType:
    return UNSET if value is None else _written(value, signed=signed)


def _is_plain(text: str) -> bool:
    """Whether it is a number above zero that is written without an exponent, as nearly all are."""
    return len(text) < _PLAIN_MAX and text.replace(".", "").isdecimal() and text.strip("0.") != ""


def _written(value: Decimal, *, signed: bool = False) -> Raw:
    text = str(value)
    if _is_plain(text):
        return Raw(text)
    if not value.is_finite() or (value <= 0 and not signed) or not -30 < value.adjusted() < 30:
        expected = "a finite number" if signed else "a number above zero"
        raise BadInput(f"{expected} was expected, was {value}")
    return Raw(f"{value:f}")
