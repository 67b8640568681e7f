"""Orders as mappings of names and values, as other clients and JSON have them. Pure."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.order import OrderRequest, Trigger

__all__ = ["OTHER_NAMES", "request_of"]

OTHER_NAMES: Mapping[str, str] = {
    "order_qty": "quantity",
    "qty": "quantity",
    "amount": "quantity",
    "size": "quantity",
    "price": "limit_price",
    "limit_price_type": "limit_price_kind",
    "type": "order_type",
    "cash_order_qty": "quote_quantity",
    "display_qty": "display_quantity",
    "cl_ord_id": "client_order_id",
    "order_userref": "user_reference",
    "fee_preference": "fee_asset",
    "stp_type": "self_trade",
    "triggers": "trigger",
}
"""Names of other clients, and ours."""
_TRIGGER_NAMES: Mapping[str, str] = {"price_type": "kind"}
_FIELDS = [one.name for one in structs.fields(OrderRequest)]
_TRIGGER_FIELDS = [one.name for one in structs.fields(Trigger)]


def request_of(order: OrderRequest | Mapping[str, object]) -> OrderRequest:
    """The order as a request: itself, or made of a mapping with our names or usual other ones.

    Numbers are text, int or Decimal; a float is refused, as it is not the number that was written.
    Raises BadInput with the nearest name for an unknown one.
    """
    if isinstance(order, OrderRequest):
        return order
    fields = _named(order, _FIELDS, OTHER_NAMES, "an order")
    missing = [name for name in ("symbol", "side") if name not in fields]
    if missing:
        raise BadInput(f"an order needs a {missing[0]}, was {sorted(fields)}")
    trigger = fields.get("trigger")
    if isinstance(trigger, Mapping):
        parts = cast("Mapping[str, object]", trigger)
        fields["trigger"] = Trigger(**_named(parts, _TRIGGER_FIELDS, _TRIGGER_NAMES, "a trigger"))
    return OrderRequest(**fields)


def _named(
    given: Mapping[str, object], fields: list[str], other: Mapping[str, str], what: str
) -> dict[str, Any]:
    """The values by the names of fields."""
    named: dict[str, Any] = {}
    for key, value in given.items():
        name = other.get(key, key)
        if name not in fields:
            near = get_close_matches(key, [*fields, *other], 1)
            hint = f"; perhaps {near[0]!r} was meant" if near else ""
            raise BadInput(f"{what} has {', '.join(fields)}; was {key!r}{hint}")
        if name in named:
            raise BadInput(f"{what} was given {name} twice, the second time as {key!r}")
        named[name] = value
    return named
