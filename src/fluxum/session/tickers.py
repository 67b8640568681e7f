"""Joins the two parts of a ticker where a venue sends the best bid and ask separately.

Both parts are published as one ticker with the last of each, whenever one of them is new.
"""

from msgspec import structs

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Ticker
from fluxum.venues.venue import QUOTES

__all__ = ["JoinedTickers"]


class JoinedTickers:
    """The last of both parts of each market's ticker."""

    def __init__(self) -> None:
        self._days: dict[Symbol, Ticker] = {}
        self._quotes: dict[Symbol, Ticker] = {}

    def take(self, part: Ticker) -> Ticker:
        """A part, joined with the last one of the other part."""
        symbol = part.symbol
        (self._quotes if part.is_quote else self._days)[symbol] = part
        day, quote = self._days.get(symbol), self._quotes.get(symbol)
        if day is None or quote is None:
            return part
        return structs.replace(
            day,
            bid=quote.bid,
            bid_quantity=quote.bid_quantity,
            ask=quote.ask,
            ask_quantity=quote.ask_quantity,
            venue_ns=part.venue_ns,
            received_ns=part.received_ns,
        )

    def forget(self, subscription: Subscription) -> None:
        """A stream ended, or its link is lost: forget its part of the ticker."""
        if subscription.channel is Channel.TICKER and subscription.symbol is not None:
            parts = self._quotes if subscription.depth == QUOTES else self._days
            parts.pop(subscription.symbol, None)
