"""What a venue takes in an order, as data: the rest is refused before anything is sent.

A field that a venue does not know would be passed over in silence, and the order would be another
than was asked for.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    TriggerReference,
)

__all__ = ["NameRule", "OrderOffers", "named_orders", "plain", "written"]

# The fields of an order that a venue may lack, and what they are for.
_FIELDS = {
    "effective_ns": "time to begin",
    "post_only": "post-only orders",
    "reduce_only": "reduce-only orders",
    "margin": "margin orders",
    "display_quantity": "icebergs",
    "quote_quantity": "amounts to spend",
    "fee_asset": "choice of the fee's asset",
    "self_trade": "self-trade prevention",
    "close": "close orders",
    "user_reference": "user references",
}
# The fields of an amendment, and what they are for.
_CHANGES = {
    "quantity": "quantity",
    "limit_price": "price",
    "trigger_price": "trigger",
    "display_quantity": "shown quantity",
    "post_only": "post-only",
}
_PRICES = frozenset({None, PriceKind.STATIC})


class NameRule(Struct, frozen=True):
    """Which texts can be a client order id: by a regular expression, and in words."""

    pattern: str
    words: str

    def allows(self, name: str) -> bool:
        """Whether a text can be one."""
        return re.fullmatch(self.pattern, name) is not None


class OrderOffers(Struct, frozen=True, kw_only=True):
    """What a venue takes in an order.

    `fields` are names of OrderRequest beyond those that every order has, `changes` those of Amend,
    `references` the prices that triggers can watch. Distances instead of prices are taken by no
    venue that uses this.
    """

    venue: str
    types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    fields: frozenset[str]
    changes: frozenset[str] = frozenset()
    names: NameRule
    references: frozenset[TriggerReference] = frozenset({TriggerReference.LAST})

    def check(self, request: OrderRequest) -> None:
        """Raise BadInput for an order that the venue would take for another one."""
        name, trigger = request.client_order_id, request.trigger
        if name and not self.names.allows(name):
            raise BadInput(f"a client order id is {self.names.words} at {self.venue}, was {name!r}")
        if request.order_type not in self.types:  # what else it needs follows from its type
            offered = ", ".join(sorted(one.value for one in self.types))
            raise BadInput(
                f"{self.venue} has no orders of type {request.order_type.value}, only {offered}: "
                f"nothing was sent"
            )
        lacking: list[str] = []
        if request.time_in_force not in self.times_in_force:
            lacking.append(f"time in force {request.time_in_force.value}")
        kinds = {request.limit_price_kind, PriceKind.STATIC if trigger is None else trigger.kind}
        if not kinds <= _PRICES:
            lacking.append("distances as prices")
        if trigger is not None and trigger.reference not in self.references:
            lacking.append(f"triggers by {trigger.reference.value} prices")
        lacking += [
            what
            for field, what in _FIELDS.items()
            if field not in self.fields and _is_given(getattr(request, field))
        ]
        if lacking:
            raise BadInput(f"{self.venue} has no {', '.join(lacking)}: nothing was sent")

    def check_amend(self, command: Amend) -> Symbol:
        """The market of the order; raises BadInput for what the venue cannot change."""
        given = {name for name in _CHANGES if getattr(command, name) is not None}
        kinds = {command.limit_price_kind, command.trigger_price_kind}
        if not given <= self.changes or not kinds <= _PRICES:
            offered = ", ".join(word for name, word in _CHANGES.items() if name in self.changes)
            raise BadInput(f"{self.venue} amends {offered} alone, was {command!r:.300}")
        if command.symbol is None:
            raise BadInput(
                f"{self.venue} names an order with its market, was none in {command!r:.300}"
            )
        return command.symbol


def named_orders(venue: str, command: Cancel | CancelBatch) -> Iterator[tuple[Symbol, str, str]]:
    """The market and either id of each order; raises BadInput if there is none, or no market."""
    if not command.order_ids and not command.client_order_ids:
        raise BadInput("a cancel needs at least one id, was none")
    for order_id in command.order_ids:
        yield _market(venue, command, order_id), order_id, ""
    for name in command.client_order_ids:
        yield _market(venue, command, name), "", name


def plain(value: Decimal | None) -> str:
    """A number above zero in plain digits; raises BadInput for any other value."""
    if value is None or not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"


def written(about: OrderRequest | Amend, **names: str) -> dict[str, object]:
    """The given fields of an order or of a change, by the venue's names; numbers as `plain`."""
    fields = {name: getattr(about, field) for field, name in names.items()}
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in fields.items()
        if _is_given(value)
    }


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != ""


def _market(venue: str, command: Cancel | CancelBatch, name: str) -> Symbol:
    symbol = command.symbols.get(name)
    if symbol is None:
        raise BadInput(f"{venue} names an order with its market, which is not known of {name!r}")
    return symbol
