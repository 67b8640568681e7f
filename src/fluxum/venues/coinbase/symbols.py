"""Names: the two venues, and product ids as symbols (`BTC-USD` is `BTC/USD`)."""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol

__all__ = ["ADVANCED", "EXCHANGE", "format_symbol", "pair", "symbol_of"]

ADVANCED = "coinbase"
EXCHANGE = f"{ADVANCED}-exchange"


def format_symbol(symbol: Symbol) -> str:
    """The product id of a spot market."""
    return symbol.replace("/", "-")


def pair(base: str, quote: str) -> Symbol:
    """The symbol of a spot market by its two currencies; raises RemoteProtocolError."""
    try:
        symbol = Symbol(f"{base}/{quote}")
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
    if (symbol.base, symbol.quote) != (base, quote):
        raise RemoteProtocolError(f"two currencies were expected, were {base!r} and {quote!r}")
    return symbol


def symbol_of(product: str) -> Symbol:
    """The symbol a product's name spells, where there is no list, as on a tape.

    Raises RemoteProtocolError for what is no spot market.
    """
    base, _, quote = product.partition("-")
    if "-" not in quote and "/" not in product:
        try:
            return Symbol(f"{base}/{quote}")
        except BadInput:
            pass
    raise RemoteProtocolError(f"a product like BTC-USD was expected, was {product[:40]!r}")
