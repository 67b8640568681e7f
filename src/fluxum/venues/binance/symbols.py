"""Binance's names of markets and ours: `BTCUSDT` and `BTC/USDT`, `BTCUSDT_261225` and its future.

Base and quote stand side by side, so a name alone cannot be divided for certain: `XTUSD` is X/TUSD
or XT/USD. The symbol that was requested is remembered, and the venue's list has both assets; only
on tapes, where there is neither, the longest known quote asset that ends the name is taken.
"""

from datetime import UTC, datetime

from fluxum.errors import RemoteProtocolError
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.rows import split_name, symbol_of

__all__ = [
    "format_future",
    "format_spot",
    "is_possible",
    "parse_future",
    "parse_spot",
    "split",
    "symbol_of_future",
    "symbol_of_spot",
]

_PERPETUAL = "PERP"
_MILLISECOND = 1_000_000

# The quote assets of https://api.binance.com/api/v3/exchangeInfo, 2021-10, and those that came
# after; longer ones first.
_QUOTES = sorted(
    {
        *("AEUR", "AUD", "BIDR", "BKRW", "BNB", "BRL", "BTC", "BUSD", "BVND", "COP", "CZK"),
        *("DAI", "DOGE", "DOT", "ETH", "EUR", "EURI", "FDUSD", "GBP", "GYEN", "IDR", "IDRT"),
        *("JPY", "MXN", "NGN", "PAX", "PLN", "RON", "RUB", "RLUSD", "SOL", "TRX", "TRY", "TUSD"),
        *("U", "UAH", "USD", "USD1", "USDC", "USDE", "USDP", "USDS", "USDT", "VAI", "XRP"),
        *("XUSD", "ZAR"),
    },
    key=lambda quote: (-len(quote), quote),
)


def format_spot(symbol: Symbol) -> str:
    """The venue's name of a spot market; a derivative's is the symbol, which it does not know."""
    return str(symbol) if symbol.contract else f"{symbol.base}{symbol.quote}"


def format_future(symbol: Symbol) -> str:
    """The venue's name of a contract; a spot market's is the symbol, which it does not know."""
    contract = symbol.contract
    if not contract:
        return str(symbol)
    name = f"{symbol.base}{symbol.quote}"
    return name if contract == _PERPETUAL else f"{name}_{contract}"


def is_possible(name: str) -> bool:
    """Whether the venue could have a market of this name."""
    return "/" not in name


def symbol_of_spot(market: native.Market) -> Symbol:
    """The symbol of a spot market; raises RemoteProtocolError."""
    return symbol_of(f"{market.baseAsset}/{market.quoteAsset}")


def symbol_of_future(market: native.Market) -> Symbol:
    """The symbol of a contract; raises RemoteProtocolError for one of a kind that is not known.

    A contract that is delivered is called by the date of that. Some perpetuals have no type, and
    all of them a delivery in the year 2100.
    Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition
    """
    words = (market.contractType or "").replace("_", " ").split()
    is_dated = "QUARTER" in words or "MONTH" in words
    if words and not is_dated and "PERPETUAL" not in words:
        kind = market.contractType
        raise RemoteProtocolError(f"a perpetual or dated contract was expected, was {kind!r}")
    delivered_ns = plausible_ns((market.deliveryDate or 0) * _MILLISECOND)
    contract = _PERPETUAL
    if is_dated or (not words and delivered_ns is not None):
        if delivered_ns is None:
            raise RemoteProtocolError(f"a delivery date was expected, was {market.deliveryDate}")
        contract = datetime.fromtimestamp(delivered_ns / 1e9, UTC).strftime("%y%m%d")
    return symbol_of(f"{market.baseAsset}/{market.quoteAsset}:{contract}")


def parse_spot(name: str) -> Symbol:
    """The spot market that a name on a tape stands for; raises RemoteProtocolError."""
    base, quote = split(name)
    return symbol_of(f"{base}/{quote}")


def parse_future(name: str) -> Symbol:
    """The contract that a name on a tape stands for; raises RemoteProtocolError."""
    base, quote = split(name)
    return symbol_of(f"{base}/{quote}:{name.partition('_')[2] or _PERPETUAL}")


def split(name: str) -> tuple[str, str]:
    """Base and quote of a name, by the longest quote we know; raises RemoteProtocolError."""
    found = split_name(name.partition("_")[0], _QUOTES)
    if found is None:
        raise RemoteProtocolError(
            f"a market with a known quote asset was expected, was {name[:40]!r}"
        )
    return found
