"""The contract of a venue's simulated half: the venue's side of the same conversation.

Only `sim`, `tape`, the command line's `sim` and tests import this package and the `server` folder
of a venue; the client's half never does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.accounts import Accounts

__all__ = [
    "Answer",
    "Close",
    "Dialled",
    "ExchangeView",
    "MarketView",
    "NoticeServer",
    "Outgoing",
    "RestServer",
    "ServerSide",
    "StatusServer",
    "VenueServer",
    "by_endpoint",
]


class MarketView(Protocol):
    """What a venue's server may see of a simulated exchange; it can change nothing."""

    def instruments(self) -> Sequence[Instrument]:
        """Every market of the exchange."""
        ...

    def book(self, symbol: Symbol) -> Level3Book:
        """Every resting order of one market."""
        ...

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        """The best levels of one side, best first; an unchanged level is the same object."""
        ...

    def revision(self, symbol: Symbol) -> int:
        """A number that grows with every move of this market; a state's own."""
        ...

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        """The last trades, oldest first."""
        ...

    def ticker(self, symbol: Symbol) -> Ticker:
        """The last 24 hours in one line."""
        ...

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        """The last candles, oldest first; the last one is running."""
        ...


class ExchangeView(MarketView, Protocol):
    """What a server sees that also serves accounts: what can be done, it does through them."""

    @property
    def status(self) -> str:
        """The engine's status, by its name in VenueStatus."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Who has money here."""
        ...


class Close(Struct, frozen=True):
    """A server hangs up, with a WebSocket close code."""

    code: int
    reason: str


Outgoing = bytes | Close


class VenueServer(Protocol):
    """The venue's side of the conversation, for the simulator; one for each client.

    What it sends is a sequence of frames, of which a `Close` is the last.
    """

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """What the venue sends first."""
        ...

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        ...

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client is sent after `symbol`'s market moved."""
        ...

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """What is sent because time passed (heartbeats); called about five times a second."""
        ...


@runtime_checkable
class StatusServer(VenueServer, Protocol):
    """A server of a link that carries the status of the venue's engine."""

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:
        """The engine's new status, by its name in VenueStatus."""
        ...


@runtime_checkable
class NoticeServer(VenueServer, Protocol):
    """A server of a venue that gives notice before it closes a link."""

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The venue's notice that it will close this link."""
        ...


class Answer(Struct, frozen=True):
    """An answer to a REST call: the HTTP status, the body, and headers worth telling."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class RestServer(Protocol):
    """The venue's REST half, for the simulator; one for the whole exchange."""

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not; `call.purpose` is empty."""
        ...


class Dialled(Struct, frozen=True):
    """What a client dialled: an endpoint by its name, the path and query of the URL as sent.

    `headers` are those of the upgrade, their names in any case.
    """

    endpoint: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = {}


def by_endpoint(
    make: Callable[[ExchangeView, str], VenueServer],
) -> Callable[[ExchangeView, Dialled], VenueServer]:
    """A venue's servers that need to know no more of an URL than whose endpoint it is."""
    return lambda view, dialled: make(view, dialled.endpoint)


class ServerSide(Struct, frozen=True, kw_only=True):
    """The simulated half of one venue.

    `link` makes the server of one client's link; it raises VenueRefused, with the HTTP status as
    its code, for a URL that is not served. `rest` makes the one REST server of the exchange.

    `order_id` is for venues that number the orders and the trades of each market by themselves: the
    id of an order, by its market and number. A fill has the id of its trade there. `entry_id` is
    the id of an account entry by its number, where these have a form of their own.
    """

    link: Callable[[ExchangeView, Dialled], VenueServer]
    rest: Callable[[ExchangeView], RestServer] | None = None
    order_id: Callable[[Symbol, int], str] | None = None
    entry_id: Callable[[int], str] | None = None
