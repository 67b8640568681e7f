"""The one list of exchanges: a folder and a line here add one."""

from collections.abc import Mapping

from fluxum.errors import BadInput
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.coinbase.venue import COINBASE, COINBASE_EXCHANGE
from fluxum.venues.gemini.venue import GEMINI, GEMINI_V2
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.okx.venue import OKX
from fluxum.venues.venue import Venue

__all__ = ["VENUES", "find_venue"]

_EVERY = (
    KRAKEN,
    BINANCE,
    BINANCE_USDM,
    BYBIT,
    BYBIT_LINEAR,
    COINBASE,
    COINBASE_EXCHANGE,
    GEMINI,
    GEMINI_V2,
    OKX,
    # make venue: the next one
)
VENUES: Mapping[str, Venue] = {venue.name: venue for venue in _EVERY}
"""Every exchange by its name; the first is what commands take unless they are told otherwise."""


def find_venue(name: str) -> Venue:
    """The venue of a name; raises BadInput that lists the names there are."""
    try:
        return VENUES[name]
    except KeyError:
        known = ", ".join(sorted(VENUES))
        raise BadInput(f"an exchange was expected ({known}), was {name!r}") from None
