"""Gemini's names of markets: `btcusd`, `BTCUSD`, `btcusdcperp`.

They have no separator, so reading one needs the venue's own list (`base_currency` and
`quote_currency` of https://docs.gemini.com/rest/market-data) or the question it answers.
"""

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.venues.rows import of_currencies

__all__ = ["PERPETUAL", "guess", "lower", "upper"]

PERPETUAL = "PERP"
"""The contract of a future that never expires; no others are listed (2026-08)."""

# Every quote currency that was ever listed. A longer one comes before one that it ends with, so
# that `AMPRLUSD` is read as AMP/RLUSD.
_QUOTES = (
    "RLUSD",
    "GUSD",
    "USDC",
    "USDT",
    "USD",
    "EUR",
    "GBP",
    "SGD",
    "DAI",
    "BTC",
    "ETH",
    "FIL",
    "LTC",
    "BCH",
    "SOL",
)


def upper(symbol: Symbol) -> str:
    """The name in market data v2: `BTC/USDC:PERP` is `BTCUSDCPERP`."""
    return f"{symbol.base}{symbol.quote}{symbol.contract}".upper()


def lower(symbol: Symbol) -> str:
    """The name in the sequenced feed and over REST: `BTC/USDC:PERP` is `btcusdcperp`."""
    return upper(symbol).lower()


# Of the 347 markets of August 2026 the rule below misreads these.
_MISREAD = {"PAXGUSD": Symbol("PAXG/USD"), "USDGUSD": Symbol("USDG/USD")}


def guess(name: str) -> Symbol:
    """The symbol that a name spells, where there is no list: on a tape, and in an account's rows.

    Raises RemoteProtocolError for what is no market. The longest known quote currency that it ends
    with is taken for one, but for the names that are known to be read otherwise.
    """
    text = name.upper()
    if text in _MISREAD:
        return _MISREAD[text]
    spot = text.removesuffix(PERPETUAL)
    for quote in _QUOTES:
        base = spot.removesuffix(quote)
        if base and base != spot and base.isalnum() and name.isascii():
            return of_currencies(base, quote, PERPETUAL if spot != text else "")
    raise RemoteProtocolError(f"a market like BTCUSD was expected, was {name[:40]!r}")
