"""A position at one moment, as values."""

from decimal import Decimal

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.ledger.lots import Method
from fluxum.ledger.order_totals import OrderTotals
from fluxum.model.account import Fee
from fluxum.model.instrument import Symbol

__all__ = ["Position", "Profit"]


class Profit(Struct, frozen=True, kw_only=True):
    """A position's profit by one method; amounts are in the quote asset.

    `cost` is that of what is open, below zero for a short; it is `None`, as is `unrealised`, if a
    part was opened at an unknown price. `unrealised` is also `None` while there is no mark.
    `realised` leaves out what was closed of unknown cost (`unpriced_closed`, a quantity); then
    `total` is `None`, as it is while the fees of a fill are not known. `melted` counts lots that
    were merged because there were too many.
    """

    method: Method
    cost: Decimal | None
    average_price: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    total: Decimal | None
    lots: int
    melted: int
    unpriced: Decimal
    unpriced_closed: Decimal


class Position(Struct, frozen=True, kw_only=True, tag="position"):
    """A position at one moment; see the properties of Position for each part."""

    venue: str
    symbol: Symbol
    quantity: Decimal
    mark: Decimal | None
    notional: Decimal | None
    package_price: Decimal | None
    bought: Decimal
    sold: Decimal
    average_buy: Decimal | None
    average_sell: Decimal | None
    average_price: Decimal | None
    fees_quote: Decimal
    fees: tuple[Fee, ...]
    fees_unconverted: tuple[Fee, ...]
    fees_unknown: int
    profits: tuple[Profit, ...]
    orders: OrderTotals
    fills: int
    repeated: int
    contradicted: int
    settled: int
    updated_ns: int | None

    @property
    def cost_note(self) -> str:
        """`cost basis unknown for 0.005 BTC`, if a part of the profit is unknown for that reason.

        It is the quantity opened at an unknown price, whether still open or closed meanwhile, by
        the method that mixes the least of it with the rest; empty if there is none.
        """
        unknown = EXACT.normalize(
            min(EXACT.add(abs(one.unpriced), one.unpriced_closed) for one in self.profits)
        )
        return f"cost basis unknown for {unknown:f} {self.symbol.base}" if unknown else ""

    @property
    def profit(self) -> Profit:
        """The profit by the first method of the policy."""
        return self.profits[0]
