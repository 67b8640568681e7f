"""Whether the positions that the ledger computes are those that the exchange reports.

The ledger adds up fills; the exchange's report is evidence. Where the two differ, a fill is missing
or was counted twice, or the position was there before the ledger began.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.instrument import Symbol
from fluxum.model.position import PositionUpdate

__all__ = ["PositionLine", "position_audit"]

_ZERO = Decimal(0)


class PositionLine(Struct, frozen=True, kw_only=True, tag="position_line"):
    """A contract: what the ledger computed and what the exchange reports, below zero for a short.

    Both are in units of the base asset.
    """

    venue: str
    symbol: Symbol
    computed: Decimal
    reported: Decimal

    @property
    def difference(self) -> Decimal:
        """What the ledger lacks, if positive; what it has too much, if negative."""
        return EXACT.subtract(self.reported, self.computed)

    @property
    def is_clean(self) -> bool:
        """Whether the two agree, to the last digit."""
        return not self.difference


def position_audit(
    venue: str, computed: Mapping[Symbol, Decimal], reported: Iterable[PositionUpdate]
) -> tuple[PositionLine, ...]:
    """One line for each contract that either side knows, by symbol.

    `reported` is the exchange's list of open positions: a contract that it lacks has none. The
    positions of one contract (legs, margin modes) are added up. Spot markets have no line.
    """
    totals: dict[Symbol, Decimal] = {}
    for one in reported:
        totals[one.symbol] = EXACT.add(totals.get(one.symbol, _ZERO), one.signed_quantity)
    contracts = {symbol for symbol in (*computed, *totals) if symbol.contract}
    return tuple(
        PositionLine(
            venue=venue,
            symbol=symbol,
            computed=computed.get(symbol, _ZERO),
            reported=totals.get(symbol, _ZERO),
        )
        for symbol in sorted(contracts)
    )
