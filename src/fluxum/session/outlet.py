"""The readers' side of a session's one ordered stream: each call opens its own pipe."""

from collections.abc import Callable, Hashable
from typing import TypeVar
from weakref import WeakSet

from fluxum.clock import Clock
from fluxum.errors import NotSubscribed, VenueRefused
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Channel, Dropped, Event, Refused, StateChange, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.session.books import BookStream, ChangeStream
from fluxum.session.filters import latest_key, wants_of_book, wants_of_channel
from fluxum.session.processor import EventProcessor
from fluxum.session.streams import Stream

__all__ = ["Outlet"]

T = TypeVar("T")
_BOOKS_WAITING = 100
_STATES_WAITING = 1000


class Outlet:
    """Opens streams of a session's events, and ends those of subscriptions that end."""

    def __init__(self, venue: str, processor: EventProcessor, clock: Clock) -> None:
        self._venue = venue
        self._processor = processor
        self._clock = clock
        self._open: dict[tuple[Channel, Symbol], WeakSet[Pipe[Event]]] = {}

    def pipe(
        self,
        wants: Callable[[Event], bool] | None,
        capacity: int,
        overflow: Overflow,
        key: Callable[[Event], Hashable | None] | None = None,
    ) -> Pipe[Event]:
        """Every event that `wants` accepts; a reader that is too slow gets `Dropped` instead."""
        return self._processor.bus.subscribe(
            wants, capacity=capacity, overflow=overflow, key=key, notice=self._dropped
        )

    def stream(
        self, kind: type[T], channel: Channel, symbol: str, capacity: int, overflow: Overflow
    ) -> Stream[T]:
        """The events of one kind of one market; raises NotSubscribed and VenueRefused."""
        market = Symbol(symbol)
        self._require(channel, market)
        key = latest_key if overflow is Overflow.CONFLATE else None
        wants = wants_of_channel(kind, channel, market, self._carries(market))
        return Stream(self._hold(channel, market, self.pipe(wants, capacity, overflow, key)), kind)

    def kind(
        self,
        kind: type | tuple[type, ...],
        channel: Channel,
        symbol: Symbol | None,
        capacity: int,
        overflow: Overflow,
    ) -> Pipe[Event]:
        """The events of one kind, of one market or all, and the losses that may concern them.

        It needs no subscription, and goes on when one is refused or ends.
        """
        wants = wants_of_channel(kind, channel, symbol, self._carries(symbol))
        key = latest_key if overflow is Overflow.CONFLATE else None
        return self.pipe(
            lambda event: type(event) is not Refused and wants(event), capacity, overflow, key
        )

    def states(self) -> Stream[StateChange]:
        """The session's changes of state."""
        pipe = self.pipe(_is_state, _STATES_WAITING, Overflow.DROP_OLDEST)
        return Stream(pipe, StateChange)

    def books(self, symbol: str, depth: int) -> BookStream:
        """The book of a market after each change; raises NotSubscribed and VenueRefused."""
        return BookStream(
            self._processor.books.get(Symbol(symbol)),
            self._book_pipe(symbol, _BOOKS_WAITING, Overflow.CONFLATE, latest_key),
            depth,
        )

    def changes(self, symbol: str, capacity: int) -> ChangeStream:
        """The changes of each level of a book; raises NotSubscribed and VenueRefused."""
        book = self._processor.books.get(Symbol(symbol))
        return ChangeStream(book, self._book_pipe(symbol, capacity, Overflow.RAISE))

    def end(self, subscription: Subscription) -> None:
        """End the streams of a subscription that has ended."""
        symbol = subscription.symbol
        if symbol is None or self._subscribed(subscription.channel, symbol):
            return  # candles of another interval are still subscribed
        for pipe in self._open.pop((subscription.channel, symbol), ()):
            pipe.close()

    def _book_pipe(
        self,
        symbol: str,
        capacity: int,
        overflow: Overflow,
        key: Callable[[Event], Hashable | None] | None = None,
    ) -> Pipe[Event]:
        market = Symbol(symbol)
        self._require(Channel.BOOK, market)
        wants = wants_of_book((BookUpdate, BookSnapshot), market, self._carries(market))
        return self._hold(Channel.BOOK, market, self.pipe(wants, capacity, overflow, key))

    def _hold(self, channel: Channel, symbol: Symbol, pipe: Pipe[Event]) -> Pipe[Event]:
        self._open.setdefault((channel, symbol), WeakSet()).add(pipe)
        return pipe

    def _require(self, channel: Channel, symbol: Symbol) -> None:
        subscribed = self._subscribed(channel, symbol)
        if not subscribed:
            active = ", ".join(map(str, self._processor.streams)) or "nothing"
            what = f"{channel.value} {symbol}"
            raise NotSubscribed(
                f"'{what}' is not subscribed at {self._venue}; subscribed: {active}"
            )
        refused = self._processor.refused
        if all(one in refused for one in subscribed):
            one = subscribed[0]
            raise VenueRefused(f"{self._venue} refused '{one}': {refused[one]}")

    def _subscribed(self, channel: Channel, symbol: Symbol) -> list[Subscription]:
        streams = self._processor.streams
        return [one for one in streams if one.channel is channel and one.symbol == symbol]

    def _carries(self, symbol: Symbol | None) -> Callable[[str], bool]:
        """Whether the link of a name carries a market; any link carries some market."""

        def carries(link: str) -> bool:
            feeds = (one.feed for one in self._processor.streams.values())
            return any(
                feed.name == link and (symbol is None or symbol in feed.symbols) for feed in feeds
            )

        return carries

    def _dropped(self, count: int) -> Event:
        return Dropped(venue=self._venue, count=count, received_ns=self._clock.now_ns())


def _is_state(event: Event) -> bool:
    return type(event) is StateChange
