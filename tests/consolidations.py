"""Proved books of several venues, made by hand, for the tests of consolidated books."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.book.book import Book
from fluxum.book.contributors import Contributors, MarketFacts
from fluxum.book.keeper import BookKeeper
from fluxum.book.proof import BookStatus
from fluxum.model.event import VenueRemoved, VenueReturned
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level

__all__ = ["BTC", "NOW_NS", "Books", "instrument", "levels"]

BTC = Symbol("BTC/USD")
NOW_NS = 1_000_000_000_000
Pairs = Sequence[tuple[str, str]]


def levels(pairs: Pairs) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


class Books:
    """Books by venue; a message without a number proves nothing."""

    def __init__(self, *unverified: str) -> None:
        self.now_ns = NOW_NS
        self.events: list[VenueRemoved | VenueReturned] = []
        self.contributors = Contributors(BTC, lambda: self.now_ns, self.events.append, unverified)
        self.keepers: dict[str, BookKeeper[Book]] = {}

    def put(
        self,
        venue: str,
        bids: Pairs = (),
        asks: Pairs = (),
        *,
        age_ns: int = 0,
        market: Symbol = BTC,
        haircut: str = "0",
        rule: Instrument | None = None,
        offset_ns: int | None = None,
        depth: int | None = None,
        number: int | None = 1,
    ) -> Book:
        keeper = self.keepers.setdefault(venue, BookKeeper(venue, Book, None, None))
        keeper.snapshot(
            BookSnapshot(
                venue=venue,
                symbol=market,
                bids=levels(bids),
                asks=levels(asks),
                depth=depth,
                received_ns=self.now_ns - age_ns,
                sequence=number,
            )
        )
        book = keeper.get(market)
        facts = MarketFacts(lambda: rule, lambda: offset_ns)
        self.contributors.put(book, Decimal(haircut), facts)
        return book

    def update(self, venue: str, bids: Pairs = (), asks: Pairs = (), number: int = 2) -> None:
        update = BookUpdate(
            venue, BTC, levels(bids), levels(asks), None, self.now_ns, sequence=number
        )
        self.keepers[venue].update(update)

    def withdraw(self, venue: str, reason: str = "crc") -> None:
        self.keepers[venue].withdraw(BTC, BookStatus.DESYNCED, reason)

    def doubt(self, venue: str) -> None:
        self.keepers[venue].mark_uncertain(BTC, BookStatus.STALE, "silent for 30 s")


def instrument(
    venue: str,
    lot: str,
    least: str = "0",
    notional: str | None = None,
    status: InstrumentStatus = InstrumentStatus.ONLINE,
) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=BTC,
        venue_symbol="BTCUSD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        status=status,
        tick=Decimal("0.1"),
        lot=Decimal(lot),
        price_precision=1,
        quantity_precision=8,
        quantity_min=Decimal(least),
        notional_min=None if notional is None else Decimal(notional),
        received_ns=1,
    )
