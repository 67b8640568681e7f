"""REST's older names of assets and markets, and what they are called everywhere else.

Bitcoin is XXBT in balances, XBT in altnames and BTC on the WebSocket; only XBT and XDG have other
names there (https://docs.kraken.com/api/docs/guides/spot-ws-intro, the questions at its end).

A name with a suffix (`XBT.F`, `DOT28.S`) is a wallet of an asset, not an asset of its own, although
the venue's list of assets has rows for many of them: so the suffix is read first, and the stem is
looked up in the list. The WebSocket reports the same holding under the asset's name with its wallet
beside it (https://docs.kraken.com/api/docs/websocket-v2/balances). Stems that end with two digits
name the days an asset is bonded for (`ATOM21.S`, `SOL03.S`;
https://github.com/rotki/rotki/issues/6587); `ETH2` is on the list as an asset of its own.
"""

import re

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Asset, Symbol
from fluxum.venues.kraken.private import native_rest as rest
from fluxum.venues.rows import symbol_of

__all__ = ["Names", "wallet_name"]

_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_MAIN = "spot/main"
_DAYS = re.compile(r"(?P<stem>[A-Za-z]+)(?P<days>\d\d)")
_DARK = ".d"
# https://docs.kraken.com/api-reference/account-data/get-extended-balance ("Symbol Extensions") and
# https://support.kraken.com/hc/en-us/articles/360039879471-What-is-Asset-S-and-Asset-M- define what
# each suffix means, the page of the `balances` channel what each wallet is. No page says which
# suffix is which wallet: these are the ones whose descriptions agree, in the channel's words where
# it has one.
_WALLETS = {
    "": _MAIN,
    "T": _MAIN,  # a tokenised asset, held as any other
    "HOLD": "spot/hold",  # a deposit that cannot be withdrawn yet
    "F": "earn/flexible",
    "M": "earn/liquid",
    "B": "earn/bonded",
    "S": "earn/staked",
    "P": "earn/parachain",
}
_ALIASES = {"flex": "flexible"}  # both are published, for the same wallet


class Names:
    """The venue's lists of assets and pairs; empty until they were read.

    A market that was met and that no list has is noted in `unknown`: it may have been listed since
    they were read.
    """

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self._assets: dict[str, Asset] = {}
        self._ids: dict[str, None] = {}
        self._pairs: dict[str, Symbol] = {}
        self._quotes: dict[str, Asset] = {}

    def learn_asset(self, name: str, row: rest.AssetRow) -> None:
        """Take an asset's id and its other name; of a wallet, that the venue knows it by this."""
        self._ids[name] = None
        if "." not in name:
            asset = Asset(_RENAMED.get(row.altname, row.altname))
            self._assets[name] = self._assets[row.altname] = asset

    def learn_pair(self, name: str, row: rest.PairRow) -> None:
        """Take the names of a market; assets come first. Raises RemoteProtocolError."""
        base, quote = self.asset(row.base)[0], self.asset(row.quote)[0]
        market = symbol_of(f"{base}/{quote}")
        self._pairs[name] = self._pairs[row.altname] = market
        self._quotes[row.quote] = self._quotes[_older(quote)] = quote

    def is_listed(self, name: str) -> bool:
        """Whether a list has a market of this name."""
        return name in self._pairs or name.removesuffix(_DARK) in self._pairs

    def asset(self, name: str) -> tuple[Asset, str]:
        """The asset and its wallet (`spot/main`); a name on no list is taken as it is."""
        stem, _, suffix = name.partition(".")
        asset, days = self._asset(stem)
        return asset, _WALLETS.get(suffix, f"earn/{suffix}") + (days if suffix else "")

    def market(self, name: str) -> Symbol:
        """The market; one that is on no list is put together from its assets, and noted.

        A dark pool (`XXBTZUSD.d`) trades the same assets. Raises RemoteProtocolError for a name
        that ends with no asset that markets are quoted in.
        """
        known = self._pairs.get(name) or self._pairs.get(name.removesuffix(_DARK))
        if known is not None:
            return known
        self.unknown.add(name)
        stem = name.removesuffix(_DARK)
        base, slash, quote = stem.partition("/")
        if slash:
            return symbol_of(f"{self.asset(base)[0]}/{self.asset(quote)[0]}")
        return self._put_together(stem)

    def format_symbol(self, asset: Asset) -> str:
        """What to call an asset and its wallets in a question, separated by commas."""
        return ",".join([one for one in self._ids if self.asset(one)[0] == asset] or [asset])

    def _put_together(self, stem: str) -> Symbol:
        """The one market of two known assets, else a new base and the longest known quote."""
        splits = [(stem[:at], stem[at:]) for at in range(1, len(stem))]
        for quotes in (self._quotes, self._assets):
            found = {
                symbol_of(f"{self._assets[base]}/{quotes[quote]}")
                for base, quote in splits
                if base in self._assets and quote in quotes
            }
            if len(found) == 1:
                return found.pop()
        for base, quote in splits:
            if quote in self._quotes:
                return symbol_of(f"{self.asset(base)[0]}/{self._quotes[quote]}")
        raise RemoteProtocolError(f"a market on the venue's lists was expected, was {stem[:40]!r}")

    def _asset(self, stem: str) -> tuple[Asset, str]:
        """The asset of a name without suffix, and the days that its end may give."""
        known = self._assets.get(stem)
        if known is not None:
            return known, ""
        found = _DAYS.fullmatch(stem)
        if found is not None and found["stem"] in self._assets:
            return self._assets[found["stem"]], found["days"]
        return Asset(_RENAMED.get(stem, stem)), ""


def wallet_name(kind: str, name: str) -> str:
    """A wallet as the `balances` channel names it: `earn/flexible`; empty where it names none."""
    return "/".join(filter(None, (kind, _ALIASES.get(name, name))))


def _older(asset: Asset) -> str:
    return {"BTC": "XBT", "DOGE": "XDG"}.get(asset, asset)
