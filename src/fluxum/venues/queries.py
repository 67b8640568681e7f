"""Queries over REST: a call that changes nothing, and how its answer is read."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, Struct

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.rows import LeftOutRows, Rows, WholeSides

__all__ = [
    "UNDECODABLE",
    "MarketQueries",
    "Page",
    "RestQuery",
    "after",
    "ceil_ms",
    "check_levels",
    "decoded",
    "get",
    "interval_word",
    "listed_book",
    "only",
    "page_of",
    "refusal",
    "require_instant",
    "rest_query",
]

Result = TypeVar("Result")
Item = TypeVar("Item")
Wire = TypeVar("Wire")
Body = TypeVar("Body", bytes, Raw)
UNDECODABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding any bytes may raise."""
_MILLISECOND = 1_000_000


class RestQuery(Struct, Generic[Result], frozen=True):
    """A call that changes nothing, and how its answer is read.

    `read` takes the body and the time it was received. It raises VenueRefused (RateLimited where
    waiting helps) when the answer is a refusal, and RemoteProtocolError when it makes no sense.

    If `first` is given, it is sent before: it fetches what the query itself needs, such as the size
    of a contract. Its answer is the query to go on with, and this one is not sent.

    `refused` reads a refusal by HTTP status, such as that there is no order of an id: it returns
    the answer that the refusal stands for, or raises what it means.
    """

    fetch: Fetch
    read: Callable[[bytes, int], Result]
    first: "RestQuery[RestQuery[Result]] | None" = None
    refused: Callable[[VenueRefused], Result] | None = None


class Page(Struct, Generic[Item], frozen=True):
    """A part of a longer list; `total` is how many items there are, if the venue gives it.

    Lists of an account are newest first, lists of a market oldest first. `left_out` counts rows
    that could not be read. `next` is the query of the part that follows, `None` at the end. There
    `resume` is what spares a later query of the same list what was in this one, if the venue's
    lists need that: see `EntryQuery`.
    """

    items: tuple[Item, ...]
    total: int | None = None
    left_out: LeftOutRows | None = None
    next: "RestQuery[Page[Item]] | None" = None
    resume: object = None

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


def get(path: str, purpose: str, cost: float = 1.0, /, **parameters: object) -> Fetch:
    """A public GET call; parameters that are `None` are left out."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return Fetch("GET", f"{path}?{urlencode(given)}" if given else path, purpose, cost=cost)


def rest_query(
    fetch: Fetch,
    decode: Callable[[bytes], Wire],
    read: Callable[[Wire, int], Result],
    refused: Callable[[VenueRefused], Result] | None = None,
) -> RestQuery[Result]:
    """A query whose answer is decoded, then read with the time it was received.

    Both may raise what msgspec raises: it becomes RemoteProtocolError. A venue with an envelope
    checks it in `decode` or `read`, and raises `refusal` for an answer that is one.
    """

    def read_body(body: bytes, received_ns: int) -> Result:
        try:
            return read(decode(body), received_ns)
        except UNDECODABLE as error:
            raise RemoteProtocolError(f"{fetch.purpose}: {error}") from error

    return RestQuery(fetch, read_body, refused=refused)


def after(first: RestQuery[Wire], begin: Callable[[Wire], RestQuery[Result]]) -> RestQuery[Result]:
    """The query that `begin` makes of the answer of another one, such as the venue's time."""
    if first.first is not None:
        return after(first.first, lambda found: after(found, begin))
    refused = first.refused

    def read(body: bytes, received_ns: int) -> RestQuery[Result]:
        return begin(first.read(body, received_ns))

    def read_refusal(error: VenueRefused) -> RestQuery[Result]:
        assert refused is not None
        return begin(refused(error))

    def never(_body: bytes, _received_ns: int) -> Result:
        raise RemoteProtocolError(f"the {first.fetch.purpose} was expected first")

    asked = RestQuery(first.fetch, read, refused=None if refused is None else read_refusal)
    return RestQuery(first.fetch, never, asked)


def page_of(rows: Rows[Item], following: "RestQuery[Page[Item]] | None" = None) -> Page[Item]:
    """The rows of one answer as a page, and the query for the page that follows it."""
    return Page(rows.items, left_out=rows.left_out, next=following)


def only(rows: Sequence[Raw], decode: Callable[[Raw], Wire]) -> Wire:
    """The one row of an answer; raises RemoteProtocolError for any other number of them."""
    if len(rows) != 1:
        raise RemoteProtocolError(f"one row was expected, was {len(rows)}")
    return decoded(decode, rows[0])


def listed_book(
    venue: str,
    symbol: Symbol,
    sides: WholeSides,
    count: int,
    received_ns: int,
    venue_ns: int | None = None,
    sequence: int | None = None,
) -> BookSnapshot:
    """A book as a query lists it: bids and asks, best first, at most `count` a side."""
    bids, asks = sides
    return BookSnapshot(
        venue=venue,
        symbol=symbol,
        bids=bids,
        asks=asks,
        venue_ns=venue_ns,
        received_ns=received_ns,
        sequence=sequence,
        cut_at=count,
    )


def refusal(text: str, code: str, retryable: Container[str]) -> VenueRefused:
    """The error for an answer that is a refusal: RateLimited for a code that waiting helps."""
    return (RateLimited if code in retryable else VenueRefused)(text, code)


def interval_word(interval_s: int, offered: Mapping[int, str]) -> str:
    """The venue's name of an interval; raises BadInput that lists what it offers."""
    if interval_s not in offered:
        known = ", ".join(map(str, sorted(offered)))
        raise BadInput(f"an interval of {known} seconds was expected, was {interval_s}")
    return offered[interval_s]


def check_levels(count: int, count_max: int) -> None:
    """Raises BadInput for a number of levels that the venue does not offer."""
    if not 1 <= count <= count_max:
        raise BadInput(f"1 to {count_max} levels were expected, was {count}")


def require_instant(instant_ns: int | None, given: object) -> int:
    """An instant that an answer must have; raises RemoteProtocolError with what was given."""
    if instant_ns is None:
        raise RemoteProtocolError(f"a time was expected, was {str(given)[:40]!r}")
    return instant_ns


def ceil_ms(instant_ns: int) -> int:
    """The first millisecond at or after an instant."""
    return -(-instant_ns // _MILLISECOND)


def decoded(decode: Callable[[Body], Wire], body: Body) -> Wire:
    """Decode an answer; raises RemoteProtocolError for one of another form."""
    try:
        return decode(body)
    except UNDECODABLE as error:
        raise RemoteProtocolError(str(error)) from error


class MarketQueries(Protocol):
    """The public queries about a venue and its markets.

    Lists are read row by row: a row that cannot be read is counted and left out.
    """

    def time(self) -> RestQuery[int]:
        """The venue's clock, in ns since the epoch."""
        ...

    def status(self) -> RestQuery[VenueStatus]:
        """The status of the venue's engine."""
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

        They are the last ones, or the first since an instant if the venue can list these.
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

        With `since_ns` they start at or after it, and before `until_ns` if that is given; `next`
        continues until all of them are listed that the venue still has. Without, they are the
        last ones in one page. The last candle may be running; `closed` is false then. Raises
        BadInput for an interval that the venue does not offer.
        """
        ...
