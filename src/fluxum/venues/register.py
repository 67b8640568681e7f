"""The one list of exchanges: a folder and a line here add one."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from fluxum.errors import BadInput
from fluxum.venues.venue import Venue

__all__ = ["VENUES", "find_venue"]

_EVERY = {
    "kraken": "kraken.venue:KRAKEN",
    "binance": "binance.venue:BINANCE",
    "binance-usdm": "binance.venue:BINANCE_USDM",
    "bybit": "bybit.venue:BYBIT",
    "bybit-linear": "bybit.venue:BYBIT_LINEAR",
    "coinbase": "coinbase.venue:COINBASE",
    "coinbase-exchange": "coinbase.venue:COINBASE_EXCHANGE",
    "gemini": "gemini.venue:GEMINI",
    "gemini-v2": "gemini.venue:GEMINI_V2",
    "okx": "okx.venue:OKX",
    # make venue: the next one
}


class _Venues(Mapping[str, Venue]):
    """Exchanges that are brought in when they are asked for: nobody waits for all of them."""

    def __getitem__(self, name: str) -> Venue:
        module, _, constant = _EVERY[name].partition(":")
        venue: Venue = getattr(import_module(f"fluxum.venues.{module}"), constant)
        return venue

    def __iter__(self) -> Iterator[str]:
        return iter(_EVERY)

    def __len__(self) -> int:
        return len(_EVERY)

    def __contains__(self, name: object) -> bool:
        return name in _EVERY


VENUES: Mapping[str, Venue] = _Venues()
"""Every exchange by its name; the first is what commands take unless they are told otherwise."""


def find_venue(name: str) -> Venue:
    """The venue of a name; raises BadInput that lists the names there are."""
    if name not in VENUES:
        known = ", ".join(sorted(VENUES))
        raise BadInput(f"an exchange was expected ({known}), was {name!r}")
    return VENUES[name]
