"""Which events a strategy receives: data it wants, losses of that, its fills and orders. Pure.

The same rule holds live, on paper and in a back-test. A closed candle comes once: a candle of
history that the strategy has received already is left out, as a venue repeats some with each
subscription, and so is a correction, as a strategy cannot take back what it decided.
"""

from collections.abc import Iterable

from fluxum.bot.account import BotOrder
from fluxum.bot.engine_state import LastCandle
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent, Every, Outcome, Steering, Timer, Want
from fluxum.model.account import Fill
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Dropped,
    Gap,
    LeftOut,
    LinkLost,
    Rejected,
    Resynced,
    Subscription,
    VenueFailed,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.order import OrderUpdate

__all__ = ["MARKET_DATA", "Incident", "Wanted"]

_KINDS: dict[Channel, tuple[type, ...]] = {
    Channel.BOOK: (BookSnapshot, BookUpdate),
    Channel.LEVEL3: (Level3Snapshot, Level3Update),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument,),
}
_OF_VENUE = (LinkLost, Rejected, Dropped, VenueFailed, VenueNotice)
_OF_STREAM = (Desync, Resynced, DataStale, LeftOut, Gap)
Incident = (
    LinkLost
    | Rejected
    | Dropped
    | VenueFailed
    | VenueNotice
    | Desync
    | Resynced
    | DataStale
    | LeftOut
    | Gap
)
"""What a strategy receives besides market data and its account: losses, and notices."""
MARKET_DATA = tuple(kind for kinds in _KINDS.values() for kind in kinds)
"""The types of market data."""


class Wanted:
    """What one strategy wants, and how much it has received."""

    def __init__(self, wants: Iterable[Want | Every], candles: Iterable[LastCandle] = ()) -> None:
        self.received = 0
        """How much market data the strategy received; all else is in the journal."""
        every = tuple(wants)
        self.wants = tuple(one for one in every if isinstance(one, Want))
        self.timers = tuple(one for one in every if isinstance(one, Every))
        self._venues = {one.market.venue for one in self.wants}
        self._data: dict[type, set[tuple[str, Symbol]]] = {}
        self._intervals: dict[tuple[str, Symbol], set[int | None]] = {}
        for want in self.wants:
            key = want.market.venue, want.market.symbol
            for kind in _KINDS[want.channel]:
                self._data.setdefault(kind, set()).add(key)
            if want.channel is Channel.CANDLE:
                self._intervals.setdefault(key, set()).add(want.interval_s)
        self.data = {kind: keys for kind, keys in self._data.items() if kind is not Candle}
        """The markets of each type of market data whose every event is wanted."""
        self._candles = {(one.venue, one.symbol, one.interval_s): one.start_ns for one in candles}
        self._names = {one.name for one in self.timers}

    @property
    def markets(self) -> tuple[Market, ...]:
        """Every market of the wants, in their order."""
        return tuple(dict.fromkeys(one.market for one in self.wants))

    @property
    def books(self) -> tuple[Market, ...]:
        """The markets whose books are wanted."""
        every = (one.market for one in self.wants if one.channel is Channel.BOOK)
        return tuple(dict.fromkeys(every))

    @property
    def candles(self) -> tuple[LastCandle, ...]:
        """The last closed candle of each market and interval."""
        return tuple(LastCandle(*key, start_ns) for key, start_ns in self._candles.items())

    def is_for(
        self, event: BotEvent | Steering, order: BotOrder | None = None, *, is_new: bool = True
    ) -> bool:
        """Whether the strategy receives an event; to be called once for each.

        `order` is the bot's order that an event of the account is about, and `is_new` is false
        for a fill that was counted already.
        """
        kinds = self._data.get(type(event))
        if kinds is not None:
            key = event.venue, event.symbol  # type: ignore[union-attr]  # all market data has both
            is_wanted = key in kinds and (not isinstance(event, Candle) or self._is_next(event))
            self.received += is_wanted
            return is_wanted
        match event:
            case Fill():
                return is_new and (order is not None or self._has(event.venue, event.symbol))
            case OrderUpdate() | Outcome():
                return order is not None
            case Timer():
                return event.name in self._names
            case _:
                return self._is_loss(event)

    def _is_loss(self, event: BotEvent | Steering) -> bool:
        if isinstance(event, _OF_VENUE):
            return event.venue in self._venues
        if isinstance(event, _OF_STREAM):
            return event.venue in self._venues and self._is_stream(event.venue, event.subscription)
        return False

    def _is_stream(self, venue: str, one: Subscription | None) -> bool:
        if one is None:
            return True
        wanted = [self._data.get(kind, set()) for kind in _KINDS.get(one.channel, ())]
        if one.symbol is None:
            return any(wanted)
        return any((venue, one.symbol) in keys for keys in wanted)

    def _has(self, venue: str, symbol: Symbol) -> bool:
        return any(one.venue == venue and one.symbol == symbol for one in self.markets)

    def _is_next(self, candle: Candle) -> bool:
        """Whether a candle is one that the strategy wants and has not received."""
        intervals = self._intervals[candle.venue, candle.symbol]
        if candle.interval_s not in intervals and None not in intervals:
            return False
        key = candle.venue, candle.symbol, candle.interval_s
        last_ns = self._candles.get(key)
        if candle.is_correction or (last_ns is not None and candle.start_ns <= last_ns):
            return False
        if candle.closed:
            self._candles[key] = candle.start_ns
        return True
