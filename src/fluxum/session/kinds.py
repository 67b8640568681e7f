"""Which events belong to a subscription: by their kind, market, and interval or part."""

from collections.abc import Sequence

from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
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
from fluxum.model.order import OpenOrders, OrderUpdate

__all__ = ["Key", "keys_of"]

Key = tuple[type, Symbol | None, int | None]
"""A kind of event, its market, and the interval of a candle or the part of a ticker."""


def keys_of(subscription: Subscription) -> Sequence[Key]:
    """The keys of the events that a subscription brings."""
    channel = subscription.channel
    has_parts = channel is Channel.TICKER or channel is Channel.EXECUTION
    apart = subscription.depth if has_parts else subscription.interval_s
    return [(kind, subscription.symbol, apart) for kind in _KINDS[channel]]


_KINDS: dict[Channel, tuple[type, ...]] = {
    Channel.BOOK: (BookUpdate, BookSnapshot),
    Channel.LEVEL3: (Level3Update, Level3Snapshot),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument,),
    Channel.BALANCE: (Balances, Balance, LedgerEntry),
    Channel.EXECUTION: (OpenOrders, OrderUpdate, Fill),
}
