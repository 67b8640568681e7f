"""What a view reads of one venue, whatever carries it: a session, a hub, a recording."""

from collections.abc import Callable, Mapping

from msgspec import Struct, structs

from fluxum.book.book import Book
from fluxum.errors import FluxumError
from fluxum.flow.histogram import Histogram
from fluxum.hub.hub import Hub
from fluxum.hub.member import HubMissing
from fluxum.ledger.ledger import Ledger
from fluxum.model.event import Channel, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.gaps import OpenGap
from fluxum.session.session import Session
from fluxum.session.statistics import LinkStatistics, SessionStatistics
from fluxum.trader import Trader

__all__ = [
    "VenueReadings",
    "books_of",
    "readings_of_hub",
    "readings_of_session",
    "readings_of_trader",
]


class VenueReadings(Struct, frozen=True, kw_only=True):
    """One venue at this moment; what it holds is live, so read it at once.

    `statistics` is `None` for a venue that could not be opened. `refused` are subscriptions that
    carry nothing, with the reasons. `exchange` and `published` are the hops of
    `Session.latencies`. `ledger` is the account's, where there is one.
    """

    venue: str
    state: State
    missing: tuple[str, ...] = ()
    links: tuple[LinkStatistics, ...] = ()
    statistics: SessionStatistics | None = None
    subscriptions: tuple[Subscription, ...] = ()
    refused: Mapping[Subscription, str] = {}
    books: Mapping[Symbol, Book] = {}
    gaps_open: tuple[OpenGap, ...] = ()
    exchange: Histogram | None = None
    published: Histogram | None = None
    ledger: Ledger | None = None


def readings_of_session(session: Session, ledger: Ledger | None = None) -> VenueReadings:
    """The readings of a session; `ledger` has the positions of its account."""
    histograms = session.histograms()
    subscriptions = session.subscriptions
    return VenueReadings(
        venue=session.venue.name,
        state=session.state,
        missing=tuple(map(str, session.missing())),
        links=tuple(session.links()),
        statistics=session.statistics(),
        subscriptions=subscriptions,
        refused=session.refused,
        books=books_of(subscriptions, session.book),
        gaps_open=tuple(session.gaps.open.values()),
        exchange=histograms["exchange"],
        published=histograms["published"],
        ledger=ledger,
    )


def readings_of_trader(trader: Trader) -> VenueReadings:
    """The readings of a trader's session, with its positions."""
    return readings_of_session(trader.session, trader.portfolio.ledger)


def readings_of_hub(hub: Hub) -> list[VenueReadings]:
    """The readings of every venue, also of one that could not be opened."""
    every = hub.missing()
    return [
        _of_venue(hub, venue, [one for one in every if one.venue == venue]) for venue in hub.venues
    ]


def books_of(
    subscriptions: tuple[Subscription, ...], book: Callable[[str], Book]
) -> Mapping[Symbol, Book]:
    """The live book of every market that has one."""
    return {
        one.symbol: book(one.symbol)
        for one in subscriptions
        if one.channel is Channel.BOOK and one.symbol is not None
    }


def _of_venue(hub: Hub, venue: str, missing: list[HubMissing]) -> VenueReadings:
    texts = tuple(str(one).removeprefix(f"{venue} ") for one in missing)
    # What the venue does not offer was never sent over a link.
    refused = {
        one.subscription: one.reason
        for one in missing
        if one.subscription is not None and not one.link
    }
    state = hub.state(venue)
    try:
        session = hub.session(venue)
    except FluxumError:  # it could not be opened, or not yet: `missing` has the reason
        return VenueReadings(venue=venue, state=state, missing=texts, refused=refused)
    readings = readings_of_session(session, _ledger(hub, venue))
    return structs.replace(
        readings, state=state, missing=texts, refused={**refused, **readings.refused}
    )


def _ledger(hub: Hub, venue: str) -> Ledger | None:
    try:
        return hub.trader(venue).portfolio.ledger
    except FluxumError:  # there is no account, or it is not ready
        return None
