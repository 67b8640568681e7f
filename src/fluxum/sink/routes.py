"""Which streams an event belongs to: its own market and channel, and for a loss all it may concern.

A lost link is in the stream of each subscription that it carried, at its place there. What is of a
venue's links alone (states, notices) is in the stream of its links.
"""

from collections.abc import Callable, Collection, Sequence

from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import (
    CallFailed,
    Channel,
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    LeftOut,
    LinkLost,
    Refused,
    Rejected,
    Resynced,
    Subscribed,
    Subscription,
    Unsubscribed,
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
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
)
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.sink.names import link_stream, matches, stream_of

__all__ = ["Routes"]

_MARKET: dict[type, Channel] = {
    BookUpdate: Channel.BOOK,
    BookSnapshot: Channel.BOOK,
    Level3Update: Channel.LEVEL3,
    Level3Snapshot: Channel.LEVEL3,
    Ticker: Channel.TICKER,
    Trade: Channel.TRADE,
    Candle: Channel.CANDLE,
}
_WHOLE: dict[type, Channel] = {
    Instrument: Channel.INSTRUMENT,
    **dict.fromkeys(
        (Balance, Balances, LedgerEntry, PositionUpdate, OpenPositions), Channel.BALANCE
    ),
    **dict.fromkeys(
        (OrderUpdate, OrderFragment, OpenOrders, Fill, Accepted, Declined, TradingCount),
        Channel.EXECUTION,
    ),
}
_NAMED = (
    Subscribed,
    Unsubscribed,
    Refused,
    Desync,
    Resynced,
    DataStale,
    CallFailed,
    LeftOut,
    Gap,
)


class Routes:
    """The streams of one session's events; `place` is its venue, with its label if it has one.

    `subscriptions` returns what the session is subscribed to now, `carries` whether a link, by its
    name, carries a subscription. The streams of the account are left out unless `has_account`, and
    those that match no pattern.
    """

    def __init__(
        self,
        place: str,
        subscriptions: Callable[[], Collection[Subscription]],
        carries: Callable[[str, Subscription], bool],
        *,
        has_account: bool,
        patterns: Sequence[str] = ("*",),
    ) -> None:
        self._place = place
        self._subscriptions = subscriptions
        self._carries = carries
        self._has_account = has_account
        self._patterns = patterns
        self._links = self._wanted(link_stream(place))
        self._names: dict[tuple[Channel, Symbol | None], tuple[str, ...]] = {}
        self._markets: dict[type, dict[Symbol, tuple[str, ...]]] = {kind: {} for kind in _MARKET}

    def streams(self, event: Event) -> Sequence[str]:
        """The streams that an event belongs to; none if it is of an account left out."""
        kind = event.__class__
        known = self._markets.get(kind)
        if known is not None:
            symbol: Symbol = event.symbol  # type: ignore[union-attr, assignment]  # _MARKET
            found = known.get(symbol)
            if found is None:
                found = known[symbol] = self._name(_MARKET[kind], symbol)
            return found
        channel = _WHOLE.get(kind)
        if channel is not None:
            return self._name(channel, None)
        return self._of_link(event)

    def name(self, subscription: Subscription) -> Sequence[str]:
        """The stream of a subscription; none if it is of an account left out."""
        return self._name(subscription.channel, subscription.symbol)

    def _of_link(self, event: Event) -> Sequence[str]:
        match event:
            case LinkLost():
                carried = [one for one in self._subscriptions() if self._carries(event.link, one)]
                return (*self._all(carried), *self._links)
            case Rejected(subscriptions=named):
                return self._all(self._subscriptions() if named is None else named)
            case Dropped():
                return (*self._all(self._subscriptions()), *self._links)
            case _ if isinstance(event, _NAMED) and event.subscription is not None:
                return self.name(event.subscription)
            case _:
                return self._links

    def _all(self, subscriptions: Collection[Subscription]) -> Sequence[str]:
        names = (name for one in subscriptions for name in self.name(one))
        return tuple(dict.fromkeys(names))  # candles of two intervals are one stream

    def _name(self, channel: Channel, symbol: Symbol | None) -> tuple[str, ...]:
        key = channel, symbol
        found = self._names.get(key)
        if found is None:
            is_left_out = channel.is_private and not self._has_account
            found = () if is_left_out else self._wanted(stream_of(self._place, channel, symbol))
            self._names[key] = found
        return found

    def _wanted(self, name: str) -> tuple[str, ...]:
        return (name,) if any(matches(one, name) for one in self._patterns) else ()
