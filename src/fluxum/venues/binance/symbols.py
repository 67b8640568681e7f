"""Binance's names of markets and ours: `BTCUSDT` and `BTC/USDT`, `BTCUSDT_261225` and its future.

Base and quote stand side by side, so a name alone cannot be divided for certain: `XTUSD` is X/TUSD
or XT/USD. What was asked for is remembered, and the venue's list says both; only on tapes, where
there is neither, the longest quote asset known to us that ends the name is taken.
"""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol

__all__ = [
    "is_possible",
    "spell_future",
    "spell_spot",
    "split",
    "symbol_of_future",
    "symbol_of_spot",
]

_PERPETUAL = "PERP"

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


def spell_spot(symbol: Symbol) -> str:
    """The venue's name of a spot market; a derivative's is our own, which it does not know."""
    return str(symbol) if symbol.contract else f"{symbol.base}{symbol.quote}"


def spell_future(symbol: Symbol) -> str:
    """The venue's name of a contract; a spot market's is our own, which it does not know."""
    contract = symbol.contract
    if not contract:
        return str(symbol)
    name = f"{symbol.base}{symbol.quote}"
    return name if contract == _PERPETUAL else f"{name}_{contract}"


def is_possible(name: str) -> bool:
    """Whether the venue could have a market of this name."""
    return "/" not in name


def symbol_of_spot(base: str, quote: str, name: str) -> Symbol:  # noqa: ARG001
    """The spot market of two assets; raises RemoteProtocolError."""
    return _symbol(f"{base}/{quote}")


def symbol_of_future(base: str, quote: str, name: str) -> Symbol:
    """The contract of two assets: what is behind `_` in its name, or the perpetual."""
    return _symbol(f"{base}/{quote}:{name.partition('_')[2] or _PERPETUAL}")


def split(name: str) -> tuple[str, str]:
    """Base and quote of a name, by the longest quote we know; raises RemoteProtocolError."""
    pair = name.partition("_")[0]
    for quote in _QUOTES:
        base = pair.removesuffix(quote)
        if base and base != pair:
            return base, quote
    raise RemoteProtocolError(f"a market with a known quote asset was expected, was {name[:40]!r}")


def _symbol(text: str) -> Symbol:
    try:
        return Symbol(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
