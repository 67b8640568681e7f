"""Names: the two venues, product ids as symbols (`BTC-USD` is `BTC/USD`), and states of markets."""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import InstrumentStatus, Symbol

__all__ = ["ADVANCED", "EXCHANGE", "format_symbol", "market_status", "symbol_of"]

ADVANCED = "coinbase"
EXCHANGE = f"{ADVANCED}-exchange"


def format_symbol(symbol: Symbol) -> str:
    """The product id of a spot market."""
    return symbol.replace("/", "-")


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


def market_status(
    status: str | None,
    cancel_only: bool | None,
    post_only: bool | None,
    limit_only: bool | None,
    *,
    is_open: bool,
) -> InstrumentStatus:
    """What is allowed at a market, by the members of its row in the list."""
    if status == "delisted":
        return InstrumentStatus.DELISTED
    if status != "online" or not is_open:
        return InstrumentStatus.OTHER
    if cancel_only:
        return InstrumentStatus.CANCEL_ONLY
    if post_only:
        return InstrumentStatus.POST_ONLY
    return InstrumentStatus.LIMIT_ONLY if limit_only else InstrumentStatus.ONLINE
