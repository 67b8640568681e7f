"""What differs between Bybit's categories, and how each spells its markets.

The category is part of the URL and of no message: `BTCUSDT` is the spot market on one socket and
the perpetual on the other (https://bybit-exchange.github.io/docs/v5/ws/connect).
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from fluxum.errors import BadInput, RemoteProtocolError, VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.bybit import native

__all__ = ["LINEAR", "SPOT", "Category", "market"]

_PERPETUAL = "PERP"
# Longest first where one ends in another; from the list of instruments, 2026-08.
_QUOTES = (
    *("RLUSD", "USDT", "USDC", "USDE", "USD1", "XUSD", "BRL", "GBP", "AED"),
    *("PLN", "TRY", "EUR", "BTC", "ETH", "SOL", "MNT", "DAI", "USD"),
)


class Category(Struct, frozen=True):
    """One category: `venue` is our name of it, `name` Bybit's.

    `args_max` is how many topics one request may have. With `echoes` an acknowledgement repeats
    the request's operation; its id is repeated by either category. `format_symbol` gives the
    name of a market, and our own of a market of another category, which the venue does not know;
    `parse_symbol` guesses a market by its name. All orders are those of each of the `scopes`, which
    are parameters of a call.
    """

    venue: str
    name: str
    args_max: int
    echoes: bool
    format_symbol: Callable[[Symbol], str]
    parse_symbol: Callable[[str], Symbol]
    scopes: tuple[Mapping[str, str], ...] = ({},)


def market(category: Category, listed: native.ListedMarket) -> Symbol:
    """The market of an entry in the list, by its coins.

    Raises VenueRefused for a kind of contract that is not offered, RemoteProtocolError for a
    contract whose name does not fit, and BadInput for coins that make no symbol.
    """
    pair, kind = f"{listed.baseCoin}/{listed.quoteCoin}", listed.contractType
    if category is SPOT:
        return Symbol(pair)
    if kind == "LinearPerpetual":
        symbol = Symbol(f"{pair}:{_PERPETUAL}")
    elif kind == "LinearFutures":
        symbol = Symbol(f"{pair}:{listed.symbol.partition('-')[2]}")
    else:
        raise VenueRefused(f"a linear contract was expected, was {str(kind)[:40]!r}")
    name = category.format_symbol(symbol)
    if name != listed.symbol:
        raise RemoteProtocolError(f"{name} was expected, by its coins, was {listed.symbol[:40]!r}")
    return symbol


def _format_spot(symbol: Symbol) -> str:
    return str(symbol) if symbol.contract else f"{symbol.base}{symbol.quote}"


def _format_linear(symbol: Symbol) -> str:
    """`BTCUSDT` and `BTCUSDT-26DEC26` against USDT, `BTCPERP` and `BTC-26DEC26` against USDC."""
    base, quote, contract = symbol.base, symbol.quote, symbol.contract
    if not contract:
        return str(symbol)
    if contract == _PERPETUAL:
        return f"{base}{_PERPETUAL if quote == 'USDC' else quote}"
    return f"{base}-{contract}" if quote == "USDC" else f"{base}{quote}-{contract}"


def _parse_spot(name: str) -> Symbol:
    for quote in _QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return _symbol(f"{name.removesuffix(quote)}/{quote}", name)
    raise RemoteProtocolError(f"a market like BTCUSDT was expected, was {name[:40]!r}")


def _parse_linear(name: str) -> Symbol:
    pair, dash, contract = name.partition("-")
    if pair.endswith("USDT"):
        return _symbol(f"{pair.removesuffix('USDT')}/USDT:{contract if dash else _PERPETUAL}", name)
    if dash:
        return _symbol(f"{pair}/USDC:{contract}", name)
    if pair.endswith(_PERPETUAL):
        return _symbol(f"{pair.removesuffix(_PERPETUAL)}/USDC:{_PERPETUAL}", name)
    raise RemoteProtocolError(f"a market like BTCUSDT or BTCPERP was expected, was {name[:40]!r}")


def _symbol(text: str, name: str) -> Symbol:
    try:
        return Symbol(text)
    except BadInput as error:
        raise RemoteProtocolError(f"a market was expected, was {name[:40]!r}") from error


# https://bybit-exchange.github.io/docs/v5/ws/connect: ten topics in a request for spot, no number
# for futures; 2026-07.
SPOT = Category(
    "bybit", "spot", 10, echoes=True, format_symbol=_format_spot, parse_symbol=_parse_spot
)
LINEAR = Category(
    "bybit-linear",
    "linear",
    200,
    echoes=False,
    format_symbol=_format_linear,
    parse_symbol=_parse_linear,
    # By the asset that contracts settle in: https://bybit-exchange.github.io/docs/v5/order/open-order
    scopes=({"settleCoin": "USDT"}, {"settleCoin": "USDC"}),
)
