"""Names of an account's markets and orders.

Names of markets cannot be divided for certain, so they are looked up in the venue's list; one that
was listed after that is divided by the longest quote asset that ends it. Orders are numbered market
by market: their id here has the name of the market before the number, so that it is unique.
"""

from msgspec import MsgspecError

from fluxum.errors import BadInput, FluxumError
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import decoded, get

__all__ = ["Names", "conditional_id", "conditional_number", "order_id", "split_order_id"]

_DIGITS_MAX = 20
_CONDITIONAL = "conditional-"


class Names:
    """The symbols of markets by the venue's names, once the list was read."""

    def __init__(self, policy: Policy) -> None:
        self.fetch: Fetch = get(policy.listing, "markets", policy.weight("exchangeInfo"))
        """The call for the list."""
        self._policy = policy
        self._symbols: dict[str, Symbol] = {}

    def learn(self, body: bytes) -> None:
        """Read the list; a row that cannot be read is of no use here."""
        for row in decoded(native.decode_exchange_info, body).symbols:
            try:
                market = native.decode_market(row)
                self._symbols[market.symbol] = self._policy.symbol_of(market)
            except (MsgspecError, FluxumError, ValueError, ArithmeticError, RecursionError):
                continue

    def symbol(self, name: str) -> Symbol:
        """The symbol of a market; raises RemoteProtocolError."""
        return self._symbols.get(name) or self._policy.parse_symbol(name)


def order_id(market: str, number: int) -> str:
    """The id of an order by its market and number: `BTCUSDT:12569099453`."""
    return f"{market}:{number}"


def split_order_id(text: str, market: str = "") -> tuple[str, int]:
    """Market and number of an order's id; raises BadInput.

    A plain number is of the given market.
    """
    name, _, number = text.rpartition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _DIGITS_MAX
    if not is_number or not (name or market):
        raise BadInput(f"an order's id like BTCUSDT:12569099453 was expected, was {text[:80]!r}")
    return name or market, int(number)


def conditional_id(market: str, number: int) -> str:
    """The id of an order of futures that waits for a price: these are numbered apart."""
    return f"{market}:{_CONDITIONAL}{number}"


def conditional_number(text: str) -> int | None:
    """The number of such an order, `None` for the id of another."""
    _, mark, number = text.partition(f":{_CONDITIONAL}")
    return int(number) if mark and number.isdecimal() and len(number) <= _DIGITS_MAX else None
