"""REST's older names of assets and markets, and what they are called everywhere else.

Bitcoin is XXBT in balances, XBT in altnames and BTC on the WebSocket; only XBT and XDG have other
names there. A suffix (`USD.M`, `ETH2.S`) says which wallet
(https://docs.kraken.com/api/docs/rest-api/get-extended-balance, the notes on assets).
"""

from collections.abc import Mapping

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Asset, Symbol
from fluxum.venues.kraken.private import rest

__all__ = ["Names"]

_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}


class Names:
    """What the venue's lists of assets and pairs say; empty until they were read."""

    def __init__(self) -> None:
        self._assets: dict[str, Asset] = {}
        self._pairs: dict[str, Symbol] = {}

    def learn_assets(self, assets: Mapping[str, rest.AssetRow]) -> None:
        """Take the names of assets, by their id and by their other name."""
        for name, row in assets.items():
            asset = Asset(_RENAMED.get(row.altname, row.altname))
            self._assets[name] = self._assets[row.altname] = asset

    def learn_pairs(self, pairs: Mapping[str, rest.PairRow]) -> None:
        """Take the names of markets; assets come first."""
        for name, row in pairs.items():
            market = Symbol(f"{self.asset(row.base)[0]}/{self.asset(row.quote)[0]}")
            self._pairs[name] = self._pairs[row.altname] = market

    def asset(self, name: str) -> tuple[Asset, str]:
        """The asset and the suffix of its wallet, which is mostly empty.

        A name that is on no list is taken as it is: assets come and go, entries stay.
        """
        if name in self._assets:
            return self._assets[name], ""
        stem, _, wallet = name.partition(".")
        return self._assets.get(stem, Asset(_RENAMED.get(stem, stem))), wallet

    def market(self, name: str) -> Symbol:
        """The market; one that is no longer listed is put together from its assets.

        Raises RemoteProtocolError for a name that nothing can be made of.
        """
        if name in self._pairs:
            return self._pairs[name]
        base, slash, quote = name.partition("/")
        if slash:
            return Symbol(f"{self.asset(base)[0]}/{self.asset(quote)[0]}")
        for end in range(len(name) - 1, 0, -1):
            if name[:end] in self._assets and name[end:] in self._assets:
                return Symbol(f"{self._assets[name[:end]]}/{self._assets[name[end:]]}")
        raise RemoteProtocolError(f"a market was expected, was {name!r}")

    def spell(self, asset: Asset) -> str:
        """What to call an asset in a question; every one of its names would do."""
        for name, known in self._assets.items():
            if known == asset:
                return name
        return str(asset)
