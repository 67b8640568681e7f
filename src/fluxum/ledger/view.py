"""What a position says of itself at one moment."""

from decimal import Decimal

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.ledger.lots import Method
from fluxum.ledger.order_totals import OrderTotals
from fluxum.model.account import Fee
from fluxum.model.instrument import Symbol

__all__ = ["Position", "Profit"]


class Profit(Struct, frozen=True, kw_only=True):
    """What one method says of a position; amounts are in the quote asset.

    `cost` is that of what is open, below zero for a short; it is none, as is `unrealised`, where
    a part was opened at an unknown price. `unrealised` is also none while there is no mark.
    `realised` leaves out what was closed of unknown cost (`unpriced_closed`, a quantity), and
    then `total` is none, as it is while the fees of a fill are not known. `melted` counts lots that
    were joined because there were too many.
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
        """`cost basis unknown for 0.005 BTC`, where part of the profit cannot be known for that.

        It is what was opened at an unknown price, whether still open or closed meanwhile, by the
        method that mixes the least of it with the rest; empty where there is nothing of the kind.
        """
        unknown = EXACT.normalize(
            min(EXACT.add(abs(one.unpriced), one.unpriced_closed) for one in self.profits)
        )
        return f"cost basis unknown for {unknown:f} {self.symbol.base}" if unknown else ""

    @property
    def profit(self) -> Profit:
        """What the first method of the policy says."""
        return self.profits[0]
