"""Facts of derivatives: positions as the exchange reports them, and trades that it enforces.

A position here is the exchange's word, which is evidence: the ledger computes its own from fills
(`ledger.view.Position`), and `ledger.position_audit` compares the two.
"""

from decimal import Decimal

from msgspec import Struct

from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Symbol

__all__ = ["Forced", "MarginMode", "OpenPositions", "PositionKey", "PositionSide", "PositionUpdate"]

_ZERO = Decimal(0)


class PositionSide(Enumeration):
    """Whether a position gains by a rising price, or by a falling one."""

    LONG = "long"
    SHORT = "short"


class MarginMode(Enumeration):
    """What secures a position: all that the account has, or an amount of its own.

    PORTFOLIO: all that the account has, by the risk of all its positions together. OTHER: the
    exchange's word is unknown to Fluxum.
    """

    CROSS = "cross"
    ISOLATED = "isolated"
    PORTFOLIO = "portfolio"
    OTHER = "other"


class Forced(Enumeration):
    """Why the exchange closed a position, or a part of it, without an order of the account.

    LIQUIDATION: its margin did not suffice. DELEVERAGING: it was the counterparty of a liquidation
    that found no other (auto-deleveraging, ADL).
    """

    LIQUIDATION = "liquidation"
    DELEVERAGING = "auto-deleveraging"


PositionKey = tuple[Symbol, PositionSide | None, str]
"""A market, the leg of it, and the exchange's id; see `PositionUpdate`."""


class PositionUpdate(Struct, frozen=True, kw_only=True, tag="position_update"):
    """A position in a contract, whole, as the exchange reports it; it changes nothing itself.

    `quantity` is in units of the base asset without sign, and zero once the position is closed:
    then `side` is `None`. `leg` is `None` where a market has one position; in hedge mode it is the
    side of this one of the two. `position_id` is the exchange's, empty where it names none: some
    exchanges hold a market in both margin modes at once. Prices and `unrealised` (the profit at
    `mark_price`, in the asset that the contract settles in) are `None` where the exchange does not
    send them, and `liquidation_price` also where no price liquidates the position. `forced` is set
    while the exchange liquidates or deleverages the position, if it reports that.
    """

    venue: str
    symbol: Symbol
    side: PositionSide | None
    quantity: Decimal
    leg: PositionSide | None = None
    position_id: str = ""
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    margin_mode: MarginMode | None = None
    unrealised: Decimal | None = None
    forced: Forced | None = None
    venue_ns: int | None = None
    received_ns: int

    @property
    def key(self) -> PositionKey:
        """What distinguishes the positions of an account."""
        return self.symbol, self.leg, self.position_id

    @property
    def signed_quantity(self) -> Decimal:
        """The quantity, negative for a short position."""
        return _ZERO - self.quantity if self.side is PositionSide.SHORT else self.quantity


class OpenPositions(Struct, frozen=True, kw_only=True, tag="open_positions"):
    """All positions of an account at one moment; a market that is missing has none."""

    venue: str
    positions: tuple[PositionUpdate, ...]
    received_ns: int
