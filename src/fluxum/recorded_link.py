"""A link of a tape: its protocol, the streams that it has, and its frames of books."""

from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from fluxum.model.event import Channel, Desync, Event, Subscription
from fluxum.model.instrument import Instrument
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.session.connection import scans_of
from fluxum.session.feed import Feed
from fluxum.tape import TapeFrame
from fluxum.venues.book_scan import ScannedBooks, ScansBooks
from fluxum.venues.venue import VenueProtocol

__all__ = ["BOOKS", "RecordedLink", "Scanned", "subscription_of"]

BOOKS = (BookSnapshot, BookUpdate, Level3Snapshot, Level3Update)
_OF_ONE_STREAM = (*BOOKS, Ticker, Trade)  # for a market; candles have one for each interval


class Scanned(Struct):
    """Updates of a link's books, and behind them one of a book that is not expected yet."""

    link: "RecordedLink"
    updates: ScannedBooks | None
    unexpected: ScannedBooks | None = None


class RecordedLink:
    """A link of the tape: its protocol, and the streams of its feed that it is expected to have.

    `expected` are kinds and markets, one stream each. `fetches` is true once its snapshots are
    REST answers.
    """

    def __init__(self, number: int, protocol: VenueProtocol, feed: Feed) -> None:
        self.number = number
        self.protocol = protocol
        self.feed = feed
        self.scans = scans_of(protocol)
        self.scan_books = protocol.scan_books if isinstance(protocol, ScansBooks) else None
        self.expected: set[tuple[type, object]] = set()
        self.fetches = False

    def expect(self, event: Event) -> None:
        """Expect all events of this kind and market, if they are of one stream."""
        if isinstance(event, _OF_ONE_STREAM):
            self.expected.add((type(event), event.symbol))

    def scan(self, lines: Sequence[TapeFrame], at: int, soonest_ns: int) -> "Scanned | None":
        """Scan frames of books from a place on, as far as nothing else is to be done for them.

        That is before `soonest_ns`. A protocol may count scanned frames, so they have to be played.
        """
        scan, expected, number = self.scan_books, self.expected, self.number
        if scan is None or self.protocol.outbox:
            return None
        found: ScannedBooks | None = None
        for line in islice(lines, at, None):
            ns, raw = line.ns, line.raw
            if not ns or ns >= soonest_ns or raw is None or line.link != number or line.sent:
                break
            if line.url or line.closed or line.since_ns is not None:
                break
            updates = scan([raw.encode()], 0, ns)
            if updates is None:
                break
            if (BookUpdate, updates[0].symbol) not in expected:
                return Scanned(self, found, updates)
            if found is None:
                found = updates
            else:
                found += updates
        return None if found is None else Scanned(self, found)


def subscription_of(event: Event) -> Subscription | None:
    """The stream that an event belongs to, the same for data and acknowledgements."""
    match event:
        case BookSnapshot() | BookUpdate():
            return Subscription(Channel.BOOK, event.symbol)
        case Level3Snapshot() | Level3Update():
            return Subscription(Channel.LEVEL3, event.symbol)
        case Ticker():
            return Subscription(Channel.TICKER, event.symbol)
        case Trade():
            return Subscription(Channel.TRADE, event.symbol)
        case Candle():
            return Subscription(Channel.CANDLE, event.symbol, None, event.interval_s)
        case Instrument():
            return Subscription(Channel.INSTRUMENT)
        case Desync():
            return event.subscription
        case _:
            return None
