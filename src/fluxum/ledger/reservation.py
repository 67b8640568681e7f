"""What an order takes from a balance: asset and amount, before it is placed and while it is open.

Pure. A sale takes its quantity of the base asset, a purchase what it costs in the quote asset.
Derivatives are settled by margin, which is not modelled: they can hold nothing here.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from types import TracebackType
from typing import Self

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, OutcomeUnknown
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Fill
from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderUpdate

__all__ = ["Reservation", "ReservationState", "held_by", "needed_by", "spent_by"]

_ZERO = Decimal(0)


class ReservationState(Enumeration):
    """WAITING: its order was not seen yet. OPEN: its order is open. RELEASED: it holds nothing."""

    WAITING = "waiting"
    OPEN = "open"
    RELEASED = "released"


class Reservation(Struct, eq=False, kw_only=True):
    """An amount of an asset that is set aside for one order; read only.

        with manager.reserve(request) as reservation:
            order = await desk.place(reservation.order)

    `order` is the request with its client order id, by which the reservation finds its order: it is
    what has to be placed. The reservation ends with its order, or by `release`. Leaving the block
    releases it if the block raised a FluxumError, as then no order was placed; after any other
    error the order may exist, so the reservation stays.
    """

    order: OrderRequest
    asset: Asset
    amount: Decimal
    made_ns: int
    end: Callable[["Reservation", str], None]
    state: ReservationState = ReservationState.WAITING
    spent: Decimal = _ZERO
    reason: str = ""
    is_overdue: bool = False

    def release(self) -> None:
        """Set nothing aside any more; does nothing if it has ended already."""
        self.end(self, "released by the program")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, FluxumError) and not isinstance(error, OutcomeUnknown):
            self.end(self, f"its order was not placed: {error}")


def needed_by(
    request: OrderRequest, price: Decimal | None, fee_rate: Decimal
) -> tuple[Asset, Decimal]:
    """The asset that an order takes, and how much of it, at most.

    `price` is for orders without a limit price. The fee of a purchase is added to its cost. Raises
    BadInput for an order whose amount cannot be known.
    """
    symbol = request.symbol
    if symbol.contract:
        raise BadInput(f"a spot market was expected, was '{symbol}', which is settled by margin")
    if request.side is Side.SELL:
        if request.quantity is None:
            raise BadInput("a quantity was expected to reserve for a sale, was none")
        return symbol.base, request.quantity
    with localcontext(EXACT):
        fees = 1 + fee_rate
        if request.quote_quantity is not None:
            return symbol.quote, request.quote_quantity * fees
        limit = request.limit_price if request.limit_price_kind is None else None
        worst = price if limit is None else limit
        if worst is None or request.quantity is None:
            raise BadInput(
                f"a price was expected to reserve for a purchase of {symbol} without a limit "
                "price, was none"
            )
        return symbol.quote, request.quantity * worst * fees


def held_by(order: OrderUpdate) -> tuple[Asset, Decimal | None]:
    """What an open order holds of which asset; `None` if its price is not known."""
    symbol = order.symbol
    if symbol.contract:
        return symbol.quote, _ZERO
    if order.side is Side.SELL:
        return symbol.base, order.remaining
    price = order.limit_price or order.trigger_price or order.average_price
    with localcontext(EXACT):
        return symbol.quote, None if price is None else order.remaining * price


def spent_by(fill: Fill) -> list[tuple[Asset, Decimal]]:
    """What a fill takes from the account, fees included; what it brings is not counted."""
    symbol: Symbol = fill.symbol
    if symbol.contract:
        return []
    with localcontext(EXACT):
        asset, amount = (
            (symbol.quote, fill.price * fill.quantity)
            if fill.side is Side.BUY
            else (symbol.base, fill.quantity)
        )
    return [
        (asset, amount),
        *((fee.asset, fee.amount) for fee in fill.fees or () if fee.amount > 0),
    ]
