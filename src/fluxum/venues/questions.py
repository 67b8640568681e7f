"""Questions to a venue's REST half: a call that changes nothing, and how its answer is read."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Trade
from fluxum.venues.conversation import Fetch

__all__ = ["MarketQuestions", "Page", "Question"]

Said = TypeVar("Said")
Item = TypeVar("Item")


class Question(Struct, Generic[Said], frozen=True):
    """A call that changes nothing, and how its answer is read.

    `read` takes the body and the time it was received. It raises VenueRefused (RateLimited where
    waiting helps) when the answer is a no, and RemoteProtocolError when it makes no sense.
    """

    fetch: Fetch
    read: Callable[[bytes, int], Said]


class Page(Struct, Generic[Item], frozen=True):
    """A part of a longer list, newest first; `total` is how many there are, where that is told."""

    items: tuple[Item, ...]
    total: int | None = None


class MarketQuestions(Protocol):
    """What anybody can ask about a venue and its markets."""

    def time(self) -> Question[int]:
        """The venue's clock, in ns since the epoch."""
        ...

    def status(self) -> Question[VenueStatus]:
        """What the venue's engine does now."""
        ...

    def instruments(self) -> Question[Sequence[Instrument]]:
        """Every market."""
        ...

    def book(self, symbol: Symbol, count: int) -> Question[BookSnapshot]:
        """The best `count` levels a side of one market; nothing proves them."""
        ...

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> Question[Sequence[Trade]]:
        """Trades of one market, oldest first: the last ones, or the first since an instant."""
        ...

    def candles(self, symbol: Symbol, interval_s: int) -> Question[Sequence[Candle]]:
        """The last candles of one market, oldest first; the last one is running."""
        ...
