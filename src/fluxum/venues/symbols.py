"""Symbols as venues write them: whole texts, two currencies, names without a separator."""

from collections.abc import Iterable

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol

__all__ = ["of_currencies", "split_name", "symbol_of"]


def symbol_of(text: str) -> Symbol:
    """The symbol of a text of ours; raises RemoteProtocolError for one that is none."""
    try:
        return Symbol(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def of_currencies(base: str, quote: str, contract: str = "") -> Symbol:
    """The symbol of a market whose currencies are known; raises RemoteProtocolError."""
    symbol = symbol_of(f"{base}/{quote}:{contract}" if contract else f"{base}/{quote}")
    if (symbol.base, symbol.quote) != (base, quote):
        raise RemoteProtocolError(f"two currencies were expected, were {base!r} and {quote!r}")
    return symbol


def split_name(name: str, quotes: Iterable[str]) -> tuple[str, str] | None:
    """Base and quote of a name that ends in the first of these quotes; `None` if it ends in none.

    One quote may end in another: the longer one comes first.
    """
    for quote in quotes:
        base = name.removesuffix(quote)
        if base and base != name:
            return base, quote
    return None
