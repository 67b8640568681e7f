"""What can be traded: symbols, and the rules a venue sets for each."""

from decimal import ROUND_DOWN, Decimal
from typing import NewType, Self

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.enumeration import Enumeration

__all__ = ["Asset", "Instrument", "InstrumentStatus", "Symbol"]

Asset = NewType("Asset", str)


class Symbol(str):
    """A market, as `BASE/QUOTE`; it is text, so it hashes and compares like text.

    A derivative has its contract after a colon: `BTC/USDT:PERP` never expires, `BTC/USD:220527`
    does, `BTC/USD:220325-40000-C` is an option. Quantities are in the base asset unless the
    contract ends in the name of another unit: those of `BTC/USD:PERP-INVERSE` are in the quote
    asset, those of `BTC/USDT:PERP-CONTRACTS` are contracts of an unknown size. The case is the
    venue's own (`AAPLx/USD`), nothing is guessed: `BTC/USD` and `BTC/USDT` are different markets.
    Raises BadInput for text of another form.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text; a symbol is returned as it is."""
        if type(text) is cls:
            return text
        base, _, rest = text.partition("/")
        quote, colon, contract = rest.partition(":")
        is_whole = bool(base and quote) and ":" not in base + contract and "/" not in rest
        if not is_whole or bool(colon) != bool(contract) or any(map(str.isspace, text)):
            raise BadInput(f"a symbol like BTC/USD was expected, was {text!r}")
        return super().__new__(cls, text)

    @property
    def base(self) -> Asset:
        """The asset that is bought and sold."""
        return _parts[self][0]

    @property
    def quote(self) -> Asset:
        """The asset of prices."""
        return _parts[self][1]

    @property
    def contract(self) -> str:
        """The part after the colon: the contract of a derivative, empty for a spot market."""
        return _parts[self][2]

    @property
    def is_inverse(self) -> bool:
        """Whether quantities are in the quote asset: the contract settles in the base asset."""
        return self.endswith("-INVERSE") and bool(self.contract)

    @property
    def counts_contracts(self) -> bool:
        """Whether quantities are contracts of an unknown size."""
        return self.endswith("-CONTRACTS") and bool(self.contract)


class _Parts(dict[str, tuple[Asset, Asset, str]]):
    """Base, quote and contract of symbols, which are asked for again and again."""

    def __missing__(self, symbol: str) -> tuple[Asset, Asset, str]:
        if len(self) >= _PARTS_MAX:
            self.clear()
        base, _, rest = symbol.partition("/")
        quote, _, contract = rest.partition(":")
        found = self[str(symbol)] = Asset(base), Asset(quote), contract
        return found


_PARTS_MAX = 1 << 14
_parts = _Parts()


class InstrumentStatus(Enumeration):
    """What a venue allows in a market now."""

    ONLINE = "online"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY = "post_only"
    LIMIT_ONLY = "limit_only"
    REDUCE_ONLY = "reduce_only"
    MAINTENANCE = "maintenance"
    DELISTED = "delisted"
    OTHER = "other"


class Instrument(Struct, frozen=True, kw_only=True, tag="instrument"):
    """The rules of one market, as the venue lists them.

    Quantities of orders, books, trades and tickers are in the base asset at every venue, unless
    the symbol names another unit.
    `contract_size` is the size of one contract in `contract_asset` where the venue itself counts
    in contracts, 1 and `None` elsewhere. An inverse contract (`is_inverse`) is worth a fixed
    amount of the quote asset and settles in the base asset: its quantities cannot be converted
    exactly, so they are in `contract_asset`, and its symbol's contract ends in `-INVERSE`.
    """

    venue: str
    symbol: Symbol
    venue_symbol: str
    base: Asset
    quote: Asset
    status: InstrumentStatus
    tick: Decimal
    lot: Decimal
    price_precision: int
    quantity_precision: int
    quantity_min: Decimal
    notional_min: Decimal | None = None
    contract_size: Decimal = Decimal(1)
    contract_asset: Asset | None = None
    is_inverse: bool = False
    venue_ns: int | None = None
    received_ns: int

    def round_price(self, price: Decimal, rounding: str = ROUND_DOWN) -> Decimal:
        """The price on the tick grid, by a `decimal` rounding mode (towards zero by default)."""
        return _on_grid(price, self.tick, rounding)

    def round_quantity(self, quantity: Decimal, rounding: str = ROUND_DOWN) -> Decimal:
        """The quantity on the lot grid, by a `decimal` rounding mode (towards zero by default)."""
        return _on_grid(quantity, self.lot, rounding)


def _on_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if not value.is_finite():
        raise BadInput(f"a finite number was expected, was {value}")
    if step <= 0:
        raise BadInput(f"a positive step was expected, was {step}")
    return (value / step).to_integral_value(rounding) * step
