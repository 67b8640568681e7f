"""One market of one venue. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.model.input import Take, symbol, take_all, text
from fluxum.model.instrument import Symbol

__all__ = ["Market", "market_of"]

_MARKET: Mapping[str, Take] = {"venue": text, "symbol": symbol}


class Market(Struct, frozen=True, gc=False, order=True):
    """One market of one venue. Raises BadInput for a malformed symbol."""

    venue: str
    symbol: Symbol

    if TYPE_CHECKING:

        def __init__(self, venue: str, symbol: Symbol | str) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well."""
        if type(self.symbol) is not Symbol or type(self.venue) is not str:
            take_all(self, _MARKET)

    def __str__(self) -> str:
        """Short text for the user: `VENUE BTC/USD`."""
        return f"{self.venue} {self.symbol}"


@lru_cache(1 << 12)
def market_of(venue: str, symbol: Symbol) -> Market:
    """The market of an event; one of each is kept, as the same ones come again and again."""
    return Market(venue, symbol)
