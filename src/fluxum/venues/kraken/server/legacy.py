"""REST's older names, as the venue writes them: BTC is XXBT there, and BTC/USD is XXBTZUSD.

https://docs.kraken.com/api/docs/rest-api/get-asset-info and /get-tradable-asset-pairs. Only
assets of the first years have a letter before their name; a pair of two of them is named by both,
every other by its altname, as is XDGUSD.
"""

from collections.abc import Iterable

from fluxum.model.instrument import Asset, Instrument, Symbol

__all__ = ["PairNames", "altname", "asset_name", "pair_altname", "pair_name", "ws_name"]

_RENAMED = {"BTC": "XBT", "DOGE": "XDG"}
_CRYPTO = frozenset({"XBT", "XDG", "ETH", "LTC", "XRP", "XLM", "XMR", "ZEC", "ETC", "MLN", "REP"})
_MONEY = frozenset({"USD", "EUR", "GBP", "JPY", "CAD", "AUD"})


def altname(asset: Asset) -> str:
    """An asset's shorter name: `XBT`."""
    return _RENAMED.get(asset, asset)


def asset_name(asset: Asset) -> str:
    """An asset's name in balances and lines: `XXBT`, `ZUSD`, `SOL`."""
    short = altname(asset)
    if short in _CRYPTO:
        return f"X{short}"
    return f"Z{short}" if short in _MONEY else short


def pair_altname(symbol: Symbol) -> str:
    """A market's shorter name: `XBTUSD`."""
    return altname(symbol.base) + altname(symbol.quote)


def pair_name(symbol: Symbol) -> str:
    """A market's name as results are keyed by it: `XXBTZUSD`, `XBTUSDT`, `XDGUSD`."""
    base, quote = asset_name(symbol.base), asset_name(symbol.quote)
    is_old = base != altname(symbol.base) and quote != altname(symbol.quote)
    if not is_old or altname(symbol.base) == "XDG":
        return pair_altname(symbol)
    return base + quote


def ws_name(symbol: Symbol) -> str:
    """A market's name on the first WebSocket: `XBT/USD`."""
    return f"{altname(symbol.base)}/{altname(symbol.quote)}"


class PairNames:
    """Finds markets by any of their names."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._found: dict[str, Instrument] = {}
        for one in instruments:
            symbol = one.symbol
            for name in (
                one.venue_symbol,
                pair_name(symbol),
                pair_altname(symbol),
                ws_name(symbol),
            ):
                self._found[name] = one

    def find(self, name: str) -> Instrument | None:
        """The market of a name."""
        return self._found.get(name)
