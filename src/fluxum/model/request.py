"""Requests to a venue that trades: orders, and commands about them.

Each is checked when it is made, before anything is written or sent: enumerations and symbols may
also be text, numbers text and int, and BadInput is raised for anything that makes no sense by
itself. The desk checks what depends on the market.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.input import (
    Number,
    Take,
    choice_of,
    flag,
    mapping,
    number,
    one_of,
    optional,
    positive,
    several,
    symbol,
    take_all,
    text,
    texts,
    whole,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order_type import (
    FeeAsset,
    OrderType,
    PriceKind,
    SelfTrade,
    TimeInForce,
    TriggerReference,
)

__all__ = [
    "Amend",
    "Cancel",
    "CancelAll",
    "CancelAllAfter",
    "CancelBatch",
    "CloseOrder",
    "Command",
    "Edit",
    "FeeAsset",
    "OrderRequest",
    "OrderType",
    "Place",
    "PlaceBatch",
    "PriceKind",
    "SelfTrade",
    "TimeInForce",
    "Trigger",
    "TriggerReference",
    "is_cancel",
]


class Trigger(Struct, frozen=True):
    """When a triggered order begins to trade. For trailing orders a distance from the peak."""

    price: Decimal
    kind: PriceKind = PriceKind.STATIC
    reference: TriggerReference = TriggerReference.LAST

    if TYPE_CHECKING:  # the accepted types, which are more than the final ones

        def __init__(
            self,
            price: Number,
            kind: PriceKind | str = PriceKind.STATIC,
            reference: TriggerReference | str = TriggerReference.LAST,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _TRIGGER)


class CloseOrder(Struct, frozen=True, kw_only=True):
    """The order to place on the opposite side once this one is filled."""

    order_type: OrderType
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    trigger_price: Decimal | None = None
    trigger_price_kind: PriceKind | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            order_type: OrderType | str,
            limit_price: Number | None = None,
            limit_price_kind: PriceKind | str | None = None,
            trigger_price: Number | None = None,
            trigger_price_kind: PriceKind | str | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _CLOSE_ORDER)


class OrderRequest(Struct, frozen=True, kw_only=True, gc=False):
    """An order to place. Quantities are in the base asset unless stated otherwise.

    `quantity` is `None` only if `quote_quantity` (what to spend, for market buys) is given.
    `display_quantity` is what an iceberg shows. `client_order_id` is our own name of the order;
    if it is empty, the desk sets it. Instants are ns since the epoch.
    """

    symbol: Symbol
    side: Side
    order_type: OrderType = OrderType.LIMIT
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    trigger: Trigger | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    effective_ns: int | None = None
    expires_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    margin: bool = False
    display_quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    fee_asset: FeeAsset | None = None
    self_trade: SelfTrade | None = None
    close: CloseOrder | None = None
    client_order_id: str = ""
    user_reference: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            symbol: Symbol | str,
            side: Side | str,
            order_type: OrderType | str = OrderType.LIMIT,
            quantity: Number | None = None,
            limit_price: Number | None = None,
            limit_price_kind: PriceKind | str | None = None,
            trigger: Trigger | None = None,
            time_in_force: TimeInForce | str = TimeInForce.GTC,
            effective_ns: int | None = None,
            expires_ns: int | None = None,
            post_only: bool = False,
            reduce_only: bool = False,
            margin: bool = False,
            display_quantity: Number | None = None,
            quote_quantity: Number | None = None,
            fee_asset: FeeAsset | str | None = None,
            self_trade: SelfTrade | str | None = None,
            close: CloseOrder | None = None,
            client_order_id: str = "",
            user_reference: int | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _ORDER_REQUEST)


class Place(Struct, frozen=True, kw_only=True, gc=False, tag="place"):
    """Place an order. If it reaches the engine after `deadline_ns`, the venue refuses it."""

    request: OrderRequest
    deadline_ns: int | None = None
    validate: bool = False

    def __post_init__(self) -> None:
        """Raise BadInput for values that make no sense."""
        is_plain = type(self.request) is OrderRequest and type(self.deadline_ns) is int
        if not is_plain or type(self.validate) is not bool:
            take_all(self, _PLACE)


class PlaceBatch(Struct, frozen=True, kw_only=True, tag="place_batch"):
    """Place several orders of one symbol at once; each may succeed or fail by itself."""

    requests: tuple[OrderRequest, ...]
    deadline_ns: int | None = None
    validate: bool = False

    def __post_init__(self) -> None:
        """Raise BadInput for values that make no sense."""
        take_all(self, _PLACE_BATCH)


class Amend(Struct, frozen=True, kw_only=True, gc=False, tag="amend"):
    """Change an order in place; it keeps its ids. One of the two names it; `None` keeps a value.

    As far as known, `name` is its client order id and `becomes` the whole order; some need these.
    """

    order_id: str = ""
    client_order_id: str = ""
    symbol: Symbol | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    display_quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_price_kind: PriceKind | None = None
    post_only: bool | None = None
    name: str = ""
    becomes: OrderRequest | None = None
    deadline_ns: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            order_id: str = "",
            client_order_id: str = "",
            symbol: Symbol | str | None = None,
            quantity: Number | None = None,
            limit_price: Number | None = None,
            limit_price_kind: PriceKind | str | None = None,
            display_quantity: Number | None = None,
            trigger_price: Number | None = None,
            trigger_price_kind: PriceKind | str | None = None,
            post_only: bool | None = None,
            name: str = "",
            becomes: OrderRequest | None = None,
            deadline_ns: int | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _AMEND)


class Edit(Struct, frozen=True, kw_only=True, tag="edit"):
    """Cancel an order and place another instead, with a new id, at the back of the queue.

    `becomes` is the whole order as it is to be, as far as it is known; some venues need it.
    """

    order_id: str
    symbol: Symbol
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger: Trigger | None = None
    display_quantity: Decimal | None = None
    fee_asset: FeeAsset | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    user_reference: int | None = None
    becomes: OrderRequest | None = None
    deadline_ns: int | None = None
    validate: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            order_id: str,
            symbol: Symbol | str,
            quantity: Number | None = None,
            limit_price: Number | None = None,
            trigger: Trigger | None = None,
            display_quantity: Number | None = None,
            fee_asset: FeeAsset | str | None = None,
            post_only: bool | None = None,
            reduce_only: bool | None = None,
            user_reference: int | None = None,
            becomes: OrderRequest | None = None,
            deadline_ns: int | None = None,
            validate: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _EDIT)


class Cancel(Struct, frozen=True, kw_only=True, gc=False, tag="cancel"):
    """Cancel orders, by either id or by the user's own tag; each is answered by itself.

    `symbols` are the markets of the ids, as far as they are known; some venues need them.
    """

    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()
    user_references: tuple[int, ...] = ()
    symbols: Mapping[str, Symbol] = {}

    def __post_init__(self) -> None:
        """Raise BadInput for values that make no sense."""
        take_all(self, _CANCEL)


class CancelBatch(Struct, frozen=True, kw_only=True, tag="cancel_batch"):
    """Cancel many orders with one answer that counts them; `symbols` as of Cancel."""

    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()
    symbols: Mapping[str, Symbol] = {}

    def __post_init__(self) -> None:
        """Raise BadInput for values that make no sense."""
        take_all(self, _CANCEL_BATCH)


class CancelAll(Struct, frozen=True, tag="cancel_all"):
    """Cancel every order of the account."""


class CancelAllAfter(Struct, frozen=True, tag="cancel_all_after"):
    """Have the venue cancel every order unless this is sent again in time; zero disarms."""

    timeout_s: int

    def __post_init__(self) -> None:
        """Raise BadInput for values that make no sense."""
        if whole(self.timeout_s, "timeout_s") < 0:
            raise BadInput(f"timeout_s of 0 or more was expected, was {self.timeout_s}")


Command = Place | PlaceBatch | Amend | Edit | Cancel | CancelBatch | CancelAll | CancelAllAfter


def is_cancel(command: Command) -> bool:
    """Whether a command can only end orders."""
    return isinstance(command, Cancel | CancelBatch | CancelAll | CancelAllAfter)


# How each field is converted

_TRIGGER: Mapping[str, Take] = {
    "price": number,
    "kind": choice_of(PriceKind),
    "reference": choice_of(TriggerReference),
}
_PRICES: Mapping[str, Take] = {
    "limit_price": optional(number),
    "limit_price_kind": optional(choice_of(PriceKind)),
}
_TRIGGER_PRICES: Mapping[str, Take] = {
    "trigger_price": optional(number),
    "trigger_price_kind": optional(choice_of(PriceKind)),
}
_QUANTITIES: Mapping[str, Take] = {
    "quantity": optional(positive),
    "display_quantity": optional(positive),
}
_CLOSE_ORDER = {"order_type": choice_of(OrderType), **_PRICES, **_TRIGGER_PRICES}
_ORDER_REQUEST = {
    "symbol": symbol,
    "side": choice_of(Side),
    "order_type": choice_of(OrderType),
    "time_in_force": choice_of(TimeInForce),
    "trigger": optional(one_of(Trigger)),
    "close": optional(one_of(CloseOrder)),
    "effective_ns": optional(whole),
    "expires_ns": optional(whole),
    "post_only": flag,
    "reduce_only": flag,
    "margin": flag,
    "quote_quantity": optional(positive),
    "fee_asset": optional(choice_of(FeeAsset)),
    "self_trade": optional(choice_of(SelfTrade)),
    "client_order_id": text,
    "user_reference": optional(whole),
    **_PRICES,
    **_QUANTITIES,
}
_SENDING: Mapping[str, Take] = {"deadline_ns": optional(whole)}
_PLACE = {"request": one_of(OrderRequest), "validate": flag, **_SENDING}
_PLACE_BATCH = {"requests": several(one_of(OrderRequest)), "validate": flag, **_SENDING}
_AMEND = {
    "order_id": text,
    "client_order_id": text,
    "symbol": optional(symbol),
    "post_only": optional(flag),
    "name": text,
    "becomes": optional(one_of(OrderRequest)),
    **_PRICES,
    **_TRIGGER_PRICES,
    **_QUANTITIES,
    **_SENDING,
}
_EDIT = {
    "order_id": text,
    "symbol": symbol,
    "limit_price": optional(number),
    "trigger": optional(one_of(Trigger)),
    "fee_asset": optional(choice_of(FeeAsset)),
    "post_only": optional(flag),
    "reduce_only": optional(flag),
    "user_reference": optional(whole),
    "becomes": optional(one_of(OrderRequest)),
    "validate": flag,
    **_QUANTITIES,
    **_SENDING,
}
_CANCEL_BATCH = {"order_ids": texts, "client_order_ids": texts, "symbols": mapping(text, symbol)}
_CANCEL = {"user_references": several(whole), **_CANCEL_BATCH}
