"""Trading methods as the simulated venue reads them: parameters in, commands out.

https://docs.kraken.com/api/docs/websocket-v2/add_order and the pages beside it. Whatever cannot
be read is a VenueRefused with the venue's text; a field that a method does not know is
`Unsupported field: 'x'` (https://github.com/krakenfx/kraken-api-sdk, 2026).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import msgspec
from msgspec import UNSET, MsgspecError, Raw, Struct, UnsetType

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CloseOrder,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
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

__all__ = [
    "read_add",
    "read_amend",
    "read_batch",
    "read_batch_cancel",
    "read_cancel",
    "read_edit",
    "read_name",
    "read_timeout",
    "user_references",
]

Said = TypeVar("Said")
Outgoing = TypeVar("Outgoing", bound=Enum)

_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NAME = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[\x21-\x7e]{1,18}"
)
_BATCH = range(2, 16)
_BATCH_CANCEL = range(2, 51)
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode
# Fields that are taken and do nothing any more.
_DEPRECATED: Mapping[type[Struct], frozenset[str]] = {
    native.Conditional: frozenset({"stop_price"}),
    native.EditParams: frozenset({"price", "trigger", "stop_price"}),
}


def read_add(raw: bytes) -> Place:
    """`add_order`."""
    params = _read(raw, native.AddParams, native.decode_add)
    return Place(
        request=_request(params, _symbol(params.symbol)),
        deadline_ns=_instant(params.deadline, "deadline"),
        validate=params.validate is True,
    )


def read_batch(raw: bytes) -> PlaceBatch:
    """`batch_add`."""
    params = _read(raw, native.BatchAddParams, native.decode_batch_add)
    for one in _decode_objects(_decode_object(raw)["orders"]):
        _check_fields(one, native.OrderFields)
    if len(params.orders) not in _BATCH:
        raise _invalid("orders")
    symbol = _symbol(params.symbol)
    return PlaceBatch(
        requests=tuple(_request(one, symbol) for one in params.orders),
        deadline_ns=_instant(params.deadline, "deadline"),
        validate=params.validate is True,
    )


def read_amend(raw: bytes) -> Amend:
    """`amend_order`."""
    params = _read(raw, native.AmendParams, native.decode_amend)
    if bool(params.order_id) == bool(params.cl_ord_id):
        raise _invalid("order_id")
    command = Amend(
        order_id=params.order_id or "",
        client_order_id=params.cl_ord_id or "",
        symbol=None if params.symbol is None else _symbol(params.symbol),
        quantity=_quantity(params.order_qty, "order_qty"),
        limit_price=_price(params.limit_price),
        limit_price_kind=_word(PRICE_KINDS, params.limit_price_type, "limit_price_type"),
        display_quantity=_quantity(params.display_qty, "display_qty"),
        trigger_price=_price(params.trigger_price),
        trigger_price_kind=_word(PRICE_KINDS, params.trigger_price_type, "trigger_price_type"),
        post_only=params.post_only,
        deadline_ns=_instant(params.deadline, "deadline"),
    )
    changes = (
        command.quantity,
        command.limit_price,
        command.display_quantity,
        command.trigger_price,
    )
    if all(change is None for change in changes):
        raise _invalid("order_qty")
    return command


def read_edit(raw: bytes) -> Edit:
    """`edit_order`."""
    params = _read(raw, native.EditParams, native.decode_edit)
    return Edit(
        order_id=params.order_id,
        symbol=_symbol(params.symbol),
        quantity=_quantity(params.order_qty, "order_qty"),
        limit_price=_price(params.limit_price),
        trigger=_trigger(params.triggers),
        display_quantity=_quantity(params.display_qty, "display_qty"),
        fee_asset=_word(FEE_ASSETS, params.fee_preference, "fee_preference"),
        post_only=params.post_only,
        reduce_only=params.reduce_only,
        user_reference=params.order_userref,
        deadline_ns=_instant(params.deadline, "deadline"),
        validate=params.validate is True,
    )


def read_cancel(raw: bytes) -> native.CancelParams:
    """`cancel_order`; at least one of its three lists is not empty."""
    params = _read(raw, native.CancelParams, native.decode_cancel)
    if not (params.order_id or params.cl_ord_id or params.order_userref):
        raise _invalid("order_id")
    return params


def read_batch_cancel(raw: bytes) -> native.BatchCancelParams:
    """`batch_cancel`."""
    params = _read(raw, native.BatchCancelParams, native.decode_batch_cancel)
    if len(params.orders) + len(params.cl_ord_id or ()) not in _BATCH_CANCEL:
        raise _invalid("orders")
    return params


def read_timeout(raw: bytes) -> int:
    """`cancel_all_orders_after`: its seconds."""
    params = _read(raw, native.TokenParams, native.decode_token_params)
    if params.timeout is None:
        raise _invalid("timeout")
    return params.timeout


def read_name(text: str) -> str:
    """A client's own name of an order."""
    if not _NAME.fullmatch(text):
        raise _invalid("cl_ord_id")
    return text


def _read(raw: bytes, kind: type[Struct], decode: Callable[[bytes], Said]) -> Said:
    try:
        _check_fields(_decode_object(raw), kind)
        return decode(raw)
    except (MsgspecError, UnicodeDecodeError) as error:
        # The message names the field: "... - at `$.side`".
        found = re.search(r"`\$\.?([^`]*)`|field `([^`]*)`", str(error))
        raise _invalid((found[1] or found[2] or "") if found else "") from error


def _check_fields(given: Mapping[str, Raw], kind: type[Struct]) -> None:
    known = {*kind.__struct_encode_fields__, *_DEPRECATED.get(kind, ())}
    for name, raw in given.items():
        if name not in known:
            raise VenueRefused(f"Unsupported field: '{name}'", "EGeneral")
        inner = _INNER.get(name)
        if inner is not None and bytes(raw).startswith(b"{"):
            _check_fields(_decode_object(raw), inner)


_INNER: Mapping[str, type[Struct]] = {
    "triggers": native.Triggers,
    "conditional": native.Conditional,
}


def _request(fields: native.OrderFields, symbol: Symbol) -> OrderRequest:
    name = fields.cl_ord_id or ""
    if name:
        read_name(name)
        if fields.order_userref is not None or fields.conditional is not None:
            raise _invalid("cl_ord_id")
    in_force = _word(TIMES_IN_FORCE, fields.time_in_force, "time_in_force")
    return OrderRequest(
        symbol=symbol,
        side=_needed({side: side.value for side in Side}, fields.side, "side"),
        order_type=_needed(ORDER_TYPES, fields.order_type, "order_type"),
        quantity=_quantity(fields.order_qty, "order_qty"),
        limit_price=_price(fields.limit_price),
        limit_price_kind=_distance(fields.limit_price_type, "limit_price_type"),
        trigger=_trigger(fields.triggers),
        time_in_force=TimeInForce.GTC if in_force is None else in_force,
        effective_ns=_instant(fields.effective_time, "effective_time"),
        expires_ns=_instant(fields.expire_time, "expire_time"),
        post_only=fields.post_only is True,
        reduce_only=fields.reduce_only is True,
        margin=fields.margin is True,
        display_quantity=_quantity(fields.display_qty, "display_qty"),
        quote_quantity=_quantity(fields.cash_order_qty, "cash_order_qty"),
        fee_asset=_word(FEE_ASSETS, fields.fee_preference, "fee_preference"),
        self_trade=_word(SELF_TRADES, fields.stp_type, "stp_type"),
        close=_close(fields.conditional),
        client_order_id=name,
        user_reference=fields.order_userref,
    )


def _trigger(fields: native.Triggers | None) -> Trigger | None:
    if fields is None:
        return None
    price = _price(fields.price)
    if price is None:
        raise _invalid("triggers")
    return Trigger(
        price,
        _word(PRICE_KINDS, fields.price_type, "price_type") or PriceKind.STATIC,
        _word(REFERENCES, fields.reference, "reference") or TriggerReference.LAST,
    )


def _close(fields: native.Conditional | None) -> CloseOrder | None:
    if fields is None:
        return None
    return CloseOrder(
        order_type=_needed(ORDER_TYPES, fields.order_type, "conditional"),
        limit_price=_price(fields.limit_price),
        limit_price_kind=_distance(fields.limit_price_type, "limit_price_type"),
        trigger_price=_price(fields.trigger_price),
        trigger_price_kind=_word(PRICE_KINDS, fields.trigger_price_type, "trigger_price_type"),
    )


def _symbol(text: str) -> Symbol:
    try:
        return Symbol(text)
    except BadInput as error:
        raise VenueRefused(f"Currency pair not supported {text}", "EQuery") from error


def _price(raw: Raw | UnsetType) -> Decimal | None:
    """A number written plainly; one with an exponent is no price."""
    if raw is UNSET:
        return None
    if not _NUMBER.fullmatch(bytes(raw)):
        raise VenueRefused("EOrder:Invalid price", "EOrder")
    return Decimal(bytes(raw).decode())


def _quantity(raw: Raw | UnsetType, name: str) -> Decimal | None:
    if raw is UNSET:
        return None
    if not _NUMBER.fullmatch(bytes(raw)):
        raise _invalid(name)
    return Decimal(bytes(raw).decode())


def _instant(text: str | None, name: str) -> int | None:
    try:
        return None if text is None else parse_rfc3339(text)
    except BadInput as error:
        raise _invalid(name) from error


def _needed(words: Mapping[Outgoing, str], text: str, name: str) -> Outgoing:
    for one, word in words.items():
        if word == text:
            return one
    raise _invalid(name)


def _word(words: Mapping[Outgoing, str], text: str | None, name: str) -> Outgoing | None:
    return None if text is None else _needed(words, text, name)


def _distance(text: str | None, name: str) -> PriceKind | None:
    """How a limit is a distance; none where it is a price."""
    kind = _word(PRICE_KINDS, text, name)
    return None if kind is PriceKind.STATIC else kind


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"EGeneral:Invalid arguments:{name}".rstrip(":"), "EGeneral")


def user_references(texts: Sequence[str]) -> Sequence[int]:
    """Those of a list of names that are references of the user's own."""
    return [int(text) for text in texts if re.fullmatch(r"-?\d{1,10}", text)]
