"""Questions to a venue's REST half: a call that changes nothing, and how its answer is read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Struct

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.rows import LeftOutRows

__all__ = ["MarketQueries", "Page", "RestQuery", "asked", "decoded", "get", "interval_word"]

Said = TypeVar("Said")
Item = TypeVar("Item")
Wire = TypeVar("Wire")
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


class RestQuery(Struct, Generic[Said], frozen=True):
    """A call that changes nothing, and how its answer is read.

    `read` takes the body and the time it was received. It raises VenueRefused (RateLimited where
    waiting helps) when the answer is a no, and RemoteProtocolError when it makes no sense.

    Where `then` is given, the call only finds out what the question itself needs, such as the
    size of a contract: `then` makes the next question of its answer, and `read` is not called.
    """

    fetch: Fetch
    read: Callable[[bytes, int], Said]
    then: "Callable[[bytes, int], RestQuery[Said]] | None" = None


class Page(Struct, Generic[Item], frozen=True):
    """A part of a longer list; `total` is how many items there are, where the venue says so.

    Lists of an account are newest first, lists of a market oldest first. `left_out` counts rows
    that could not be read. `next` asks for the part that follows, `None` where there is none.
    """

    items: tuple[Item, ...]
    total: int | None = None
    left_out: LeftOutRows | None = None
    next: "RestQuery[Page[Item]] | None" = None

    def __iter__(self) -> Iterator[Item]:
        """The items, in their order."""
        return iter(self.items)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.items)

    @property
    def rows(self) -> int:
        """How many rows the venue's answer had, those that were left out as well."""
        return len(self.items) + (0 if self.left_out is None else self.left_out.count)


def get(path: str, purpose: str, **query: object) -> Fetch:
    """A call for what anybody may know."""
    text = f"?{urlencode({name: str(value) for name, value in query.items()})}" if query else ""
    return Fetch("GET", path + text, purpose)


def asked(
    fetch: Fetch, decode: Callable[[bytes], Wire], read: Callable[[Wire, int], Said]
) -> RestQuery[Said]:
    """A question whose answer is decoded, then read with the time it was received."""
    return RestQuery(fetch, lambda body, received_ns: read(decoded(decode, body), received_ns))


def decoded(decode: Callable[[bytes], Wire], body: bytes) -> Wire:
    """An answer in its form; raises RemoteProtocolError for one of another form."""
    try:
        return decode(body)
    except _UNREADABLE as error:
        raise RemoteProtocolError(str(error)) from error


def interval_word(interval_s: int, offered: Mapping[int, str]) -> str:
    """The venue's word for an interval; raises BadInput that lists what it offers."""
    if interval_s not in offered:
        known = ", ".join(map(str, sorted(offered)))
        raise BadInput(f"an interval of {known} seconds was expected, was {interval_s}")
    return offered[interval_s]


class MarketQueries(Protocol):
    """What anybody can ask about a venue and its markets.

    Lists are read row by row: a row that cannot be read is counted and left out.
    """

    def time(self) -> RestQuery[int]:
        """The venue's clock, in ns since the epoch."""
        ...

    def status(self) -> RestQuery[VenueStatus]:
        """What the venue's engine does now."""
        ...

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market; venues that list by kinds or pages continue with `next`."""
        ...

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best `count` levels a side of one market; nothing proves them."""
        ...

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""
        ...

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """Trades of one market, oldest first, marked as backfilled.

        They are the last ones, or the first since an instant where the venue can list these.
        """
        ...

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles of one market, oldest first, marked as backfilled.

        With `since_ns` they are those that start at or after it, and before `until_ns` where that
        is given; `next` continues until all of them are listed that the venue still has. Without,
        they are the last ones in one page. The last candle may be running: `closed` says so.
        Raises BadInput for an interval that the venue does not offer.
        """
        ...
