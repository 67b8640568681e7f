"""What a strategy sees: books with their validity, positions, its orders, balances, the time. Pure.

All of it is as of the event that the strategy receives: `now_ns` is the instant the event was
received, and nothing here is newer than that.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Protocol

from msgspec import Struct

from fluxum.book.book import MarketPrice
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.bot.market import Market
from fluxum.model.input import Number
from fluxum.model.instrument import Instrument
from fluxum.model.levels import Level
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.orders.limits import PricedBook

__all__ = ["BookView", "OpenOrder", "OrderRole", "View"]

_ZERO = Decimal(0)


class OrderRole(Enum):
    """Which intent an order belongs to."""

    QUOTE = "quote"
    TARGET = "target"
    PLACE = "place"
    LEG = "leg"


class OpenOrder(Struct, frozen=True, kw_only=True):
    """One order of this bot that has not ended, as far as is known.

    `price` is `None` for a market order. While `is_certain` is false, a command about the order is
    on its way, so it may differ from what is here. `label` is the strategy's own name for it.
    """

    client_order_id: str
    order_id: str = ""
    label: str = ""
    role: OrderRole
    side: Side
    price: Decimal | None
    quantity: Decimal
    filled: Decimal = _ZERO
    status: OrderStatus
    is_certain: bool
    placed_ns: int

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet."""
        return max(self.quantity - self.filled, _ZERO)


class BookView(PricedBook, Protocol):
    """A book that can be read; `fluxum.Book` is one."""

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid; `None` while a side is empty."""
        ...

    @property
    def updated_ns(self) -> int | None:
        """When the last message for this book was received."""
        ...

    def levels(self, side: Side | str, count: int) -> list[Level]:
        """The best `count` levels of the bids (BUY) or asks (SELL), best first."""
        ...

    def volume_at(self, price: Decimal) -> Decimal:
        """The quantity at a price, on either side; zero if there is none."""
        ...

    def market_price(self, side: Side | str, quantity: Number) -> MarketPrice:
        """What buying (BUY) or selling (SELL) a quantity would cost or bring."""
        ...


class View(Protocol):
    """What a strategy can read while it handles an event."""

    @property
    def now_ns(self) -> int:
        """When the event was received, in ns UTC; the only time there is."""
        ...

    @property
    def is_warming(self) -> bool:
        """Whether this is history before the run: intents are counted and not carried out."""
        ...

    def book(self, market: Market) -> BookView:
        """The book of a market; raises NotSubscribed if the strategy does not want it."""
        ...

    def position(self, market: Market) -> Decimal:
        """What is held in a market, below zero for a short."""
        ...

    def open_orders(self, market: Market) -> Sequence[OpenOrder]:
        """The orders of this bot in a market that have not ended, in the order of placing."""
        ...

    def balance(self, venue: str, asset: str) -> Decimal | None:
        """What of an asset is not held by this bot's orders; `None` if that is not known."""
        ...

    def in_flight(self, symbol: str | None = None) -> bool:
        """Whether a command is on its way, or legs are not settled: in a symbol, or anywhere."""
        ...

    def can_buy(self, market: Market) -> Decimal:
        """The most that balance and position limit allow to buy at the best ask; zero at worst."""
        ...

    def can_sell(self, market: Market) -> Decimal:
        """The most that balance and position limit allow to sell; zero at worst."""
        ...

    def consolidated(self, symbol: str) -> ConsolidatedBook:
        """The book of a symbol over every venue of the strategy's wants; raises NotSubscribed."""
        ...

    def instrument(self, market: Market) -> Instrument | None:
        """A market's rules, once the venue published them."""
        ...
