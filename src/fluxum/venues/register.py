"""The one list of exchanges: a folder and a line here add one."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from fluxum.errors import BadInput
from fluxum.venues.venue import Venue

__all__ = ["VENUES", "constant_of", "find_venue"]

_EVERY = {
    "kraken": "kraken:KRAKEN",
    "binance": "binance:BINANCE",
    "binance-usdm": "binance:BINANCE_USDM",
    "bybit": "bybit:BYBIT",
    "bybit-linear": "bybit:BYBIT_LINEAR",
    "coinbase": "coinbase:COINBASE",
    "coinbase-exchange": "coinbase:COINBASE_EXCHANGE",
    "gemini": "gemini:GEMINI",
    "gemini-v2": "gemini:GEMINI_V2",
    "okx": "okx:OKX",
    # make venue: the next one
}


def constant_of(name: str, module: str) -> Any:
    """A venue's constant, out of one module of its folder: `venue`, or `server.sides`."""
    folder, _, constant = _EVERY[name].partition(":")
    return getattr(import_module(f"fluxum.venues.{folder}.{module}"), constant)


class _Venues(Mapping[str, Venue]):
    """Exchanges, each imported when it is looked up: no command waits for all of them."""

    def __getitem__(self, name: str) -> Venue:
        venue: Venue = constant_of(name, "venue")
        return venue

    def __iter__(self) -> Iterator[str]:
        return iter(_EVERY)

    def __len__(self) -> int:
        return len(_EVERY)

    def __contains__(self, name: object) -> bool:
        return name in _EVERY


VENUES: Mapping[str, Venue] = _Venues()
"""Every exchange by its name; the first is the default of commands."""


def find_venue(name: str) -> Venue:
    """The venue of a name; raises BadInput that lists the names there are."""
    if name not in VENUES:
        known = ", ".join(sorted(VENUES))
        raise BadInput(f"an exchange was expected ({known}), was {name!r}")
    return VENUES[name]
