"""The one source of what the page and the screen show.

keeper = ViewKeeper(session.now_ns, carries=...)
with session.events(ViewKeeper.wants) as events:
    keeper.take(...)              # every event, as it comes
    shown = view(session, keeper) # at any moment
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from fluxum.hub.hub import Hub
from fluxum.ledger.ledger import Ledger
from fluxum.model.instrument import Symbol
from fluxum.session.session import Session
from fluxum.trader import Trader
from fluxum.view.account import account_view
from fluxum.view.facts import ConsolidatedLevelView, ConsolidatedView, MarketView, View
from fluxum.view.keeper import ViewKeeper
from fluxum.view.market import market_view, markets_of
from fluxum.view.playback import Playback
from fluxum.view.readings import (
    VenueReadings,
    readings_of_hub,
    readings_of_session,
    readings_of_trader,
)
from fluxum.view.venue import venue_view

__all__ = ["Extent", "Source", "market_views", "readings", "view", "view_of"]

Source = Session | Trader | Hub | Playback
"""What a view can be of."""


class Extent(Struct, frozen=True, kw_only=True):
    """How much a view has: levels a side, trades and candles a market, lines of the log.

    With `candles` 0 markets have neither candles nor gaps: these are many, and change seldom.
    """

    depth: int = 10
    trades: int = 20
    candles: int = 0
    losses: int = 20


def view(
    source: Source,
    keeper: ViewKeeper,
    extent: Extent | None = None,
    *,
    ledgers: Mapping[str, Ledger] | None = None,
) -> View:
    """What a session, a trader, a hub or a recording is at this moment.

    `keeper` has had its events; that of a `Playback` is its own. `ledgers` have the positions of
    accounts by venue; those of a trader and a hub's traders need not be given.
    """
    extent = extent or Extent()
    found = readings(source, ledgers)
    books = _consolidated(source, found, extent.depth, keeper) if isinstance(source, Hub) else ()
    return view_of(found, keeper, extent, tuple(books))


def readings(source: Source, ledgers: Mapping[str, Ledger] | None = None) -> list[VenueReadings]:
    """What a view reads of every venue of a source; `ledgers` as of `view`."""
    known = ledgers or {}
    match source:
        case Playback():
            return [source.readings()]
        case Trader():
            return [readings_of_trader(source)]
        case Session():
            return [readings_of_session(source, known.get(source.venue.name))]
        case Hub():
            return [
                structs.replace(one, ledger=one.ledger or known.get(one.venue))
                for one in readings_of_hub(source)
            ]


def view_of(
    found: Sequence[VenueReadings],
    keeper: ViewKeeper,
    extent: Extent,
    consolidated: tuple[ConsolidatedView, ...] = (),
) -> View:
    """The view of venues that were read."""
    now_ns = keeper.now_ns()
    venues = tuple(venue_view(one, keeper.reason(one.venue), now_ns) for one in found)
    return View(
        at_ns=now_ns,
        is_ready=bool(venues) and all(one.is_ready for one in venues),
        sums_close=all(one.sums_close for one in venues),
        venues=venues,
        markets=market_views(found, keeper, extent),
        consolidated=consolidated,
        accounts=tuple(
            account_view(one.venue, one.ledger, keeper) for one in found if one.ledger is not None
        ),
        losses=keeper.losses(extent.losses),
        losses_seen=keeper.losses_seen,
    )


def market_views(
    found: Iterable[VenueReadings], keeper: ViewKeeper, extent: Extent
) -> tuple[MarketView, ...]:
    """Every market of every venue, in the order of subscription."""
    return tuple(
        market_view(
            one,
            symbol,
            keeper,
            depth=extent.depth,
            trades=extent.trades,
            candles=extent.candles,
        )
        for one in found
        for symbol in markets_of(one)
    )


def _consolidated(
    hub: Hub, found: Iterable[VenueReadings], depth: int, keeper: ViewKeeper
) -> Iterator[ConsolidatedView]:
    """The books of markets that several venues have."""
    venues_by_symbol: dict[Symbol, int] = {}
    for one in found:
        for symbol in one.books:
            venues_by_symbol[symbol] = venues_by_symbol.get(symbol, 0) + 1
    for symbol, count in venues_by_symbol.items():
        if count > 1:
            if symbol not in keeper.consolidated:
                keeper.consolidated[symbol] = hub.book(symbol)
            reading = keeper.consolidated[symbol].read(depth)
            bids, asks = (
                tuple(ConsolidatedLevelView(one.price, one.quantity, one.venues) for one in levels)
                for levels in (reading.bids, reading.asks)
            )
            yield ConsolidatedView(
                symbol=reading.symbol,
                bids=bids,
                asks=asks,
                spread=asks[0].price - bids[0].price if bids and asks else None,
                generation=reading.generation,
                venues=reading.venues,
                removed=reading.removed,
            )
