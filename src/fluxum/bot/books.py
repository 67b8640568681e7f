"""Books as of the event that a strategy receives, not as of now. Pure.

A session's books are always the newest, while its events wait to be read. So a bot keeps books of
its own from the events, which the session has checked: an update that failed its check is never
published. A book is withdrawn, or not proved any more, by the event about that.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from fluxum.book.book import Book
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.book.contributors import Contributors, MarketFacts
from fluxum.book.keeper import BookKeeper
from fluxum.book.proof import BookStatus
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent
from fluxum.bot.view import BookView
from fluxum.errors import NotSubscribed
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    HubEvent,
    LeftOut,
    LinkLost,
    Rejected,
    Subscription,
    Unsubscribed,
)
from fluxum.model.input import Number
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate

__all__ = ["BookSource", "Books"]


class BookSource(Protocol):
    """Where an engine finds the books of its markets."""

    def take(self, event: BotEvent) -> None:
        """An event is about to reach the strategy: apply it to its book."""
        ...

    def book(self, market: Market) -> BookView:
        """The book of a market as of the last event; raises NotSubscribed."""
        ...

    def consolidated(self, symbol: str) -> ConsolidatedBook:
        """The book of a symbol over all venues; raises NotSubscribed."""
        ...

    def instrument(self, market: Market) -> Instrument | None:
        """A market's rules, once the venue published them."""
        ...


class Books:
    """The books of a bot's markets, kept from events.

    `fees` are rates of takers by venue, for consolidated books.
    """

    def __init__(
        self,
        markets: Iterable[Market],
        instruments: Mapping[Market, Instrument] | None = None,
        fees: Mapping[str, Number] | None = None,
    ) -> None:
        self._now_ns = 0
        self._keepers: dict[str, BookKeeper[Book]] = {}
        self._checksum: int | None = None
        self._fees = fees
        self._instruments = dict(instruments or {})
        self._consolidated: dict[Symbol, ConsolidatedBook] = {}
        for market in markets:
            keeper = self._keepers.get(market.venue)
            if keeper is None:
                keeper = BookKeeper(market.venue, Book, self._published, None)
                self._keepers[market.venue] = keeper
            keeper.open(market.symbol)

    def take(self, event: BotEvent) -> None:
        """Apply an event to its book, if it is about one."""
        self._now_ns = max(self._now_ns, event.received_ns)
        match event:
            case BookUpdate():
                keeper = self._keepers.get(event.venue)
                if keeper is not None:
                    self._checksum = event.checksum
                    keeper.update(event)
            case BookSnapshot():
                keeper = self._keepers.get(event.venue)
                if keeper is not None and event.symbol in {one.symbol for one in keeper}:
                    self._checksum = event.checksum
                    keeper.snapshot(event)
            case Instrument():
                self._instruments[Market(event.venue, event.symbol)] = event
            case _:
                self._lose(event)

    def _lose(self, event: BotEvent) -> None:
        """Withdraw what an event proves no longer."""
        match event:
            case LinkLost():
                self._doubt_all(event.venue, BookStatus.SYNCING, event.reason)
            case Rejected(subscriptions=None):
                self._doubt_all(event.venue, BookStatus.UNVERIFIED, event.reason)
            case Rejected(subscriptions=subscriptions):
                for one in subscriptions or ():
                    self._doubt(event.venue, one, BookStatus.UNVERIFIED, event.reason)
            case Desync():
                self._withdraw(event.venue, event.subscription, BookStatus.DESYNCED, event.reason)
            case Unsubscribed():
                self._withdraw(event.venue, event.subscription, BookStatus.SYNCING, "unsubscribed")
            case DataStale():
                self._doubt(event.venue, event.subscription, BookStatus.STALE, "silent")
            case LeftOut(subscription=Subscription() as one):
                self._doubt(event.venue, one, BookStatus.UNVERIFIED, event.reason)
            case _:
                pass

    def book(self, market: Market) -> Book:
        """The book of a market as of the last event; raises NotSubscribed."""
        keeper = self._keepers.get(market.venue)
        if keeper is None:
            raise NotSubscribed(f"no book of {market}")
        return keeper.get(market.symbol)

    def consolidated(self, symbol: str) -> ConsolidatedBook:
        """The book of a symbol over all venues; raises NotSubscribed."""
        key = Symbol(symbol)
        known = self._consolidated.get(key)
        if known is None:
            contributors = Contributors(key, self._now, _ignore)
            for venue, keeper in self._keepers.items():
                for book in keeper:
                    if book.symbol == key:
                        contributors.put(book, facts=self._facts(Market(venue, key)))
            if not contributors.keys():
                raise NotSubscribed(f"no book of {symbol} at any venue")
            known = self._consolidated[key] = ConsolidatedBook(contributors, self._fees)
        return known

    def instrument(self, market: Market) -> Instrument | None:
        """A market's rules, once the venue published them."""
        return self._instruments.get(market)

    # Pieces

    def _published(self, _book: Book) -> int:
        """The checksum of the book: the session has compared it with the venue's already."""
        return self._checksum or 0

    def _now(self) -> int:
        return self._now_ns

    def _facts(self, market: Market) -> MarketFacts:
        def known() -> Instrument | None:
            return self.instrument(market)

        return MarketFacts(instrument=known)

    def _withdraw(self, venue: str, of: Subscription, status: BookStatus, reason: str) -> None:
        keeper = self._keepers.get(venue)
        if keeper is not None and of.channel is Channel.BOOK and of.symbol is not None:
            keeper.withdraw(of.symbol, status, reason)

    def _doubt(self, venue: str, of: Subscription, status: BookStatus, reason: str) -> None:
        keeper = self._keepers.get(venue)
        if keeper is not None and of.channel is Channel.BOOK and of.symbol is not None:
            keeper.mark_uncertain(of.symbol, status, reason)

    def _doubt_all(self, venue: str, status: BookStatus, reason: str) -> None:
        """A link is lost, and an event does not name its books.

        Those of the lost link begin with a snapshot; the next update of any other book proves it.
        """
        for book in self._keepers.get(venue, ()):
            self._doubt(venue, Subscription(Channel.BOOK, book.symbol), status, reason)


def _ignore(_event: HubEvent) -> None:
    """Who leaves a consolidated book is known by `removed`; a strategy gets the cause itself."""
