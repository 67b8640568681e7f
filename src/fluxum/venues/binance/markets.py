"""The list of markets of one link, and which streams it rules out.

A stream that does not exist is acknowledged too, and stays silent
(https://github.com/sammchardy/python-binance/issues/1193); so streams are compared with the list.
It is fetched when it is subscribed to, and when a stream is acknowledged whose market it does not
have yet. A market whose row cannot be read is in the list all the same: its streams are not ruled
out. An empty list rules out nothing.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import MsgspecError, Raw

from fluxum.errors import FluxumError, RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.binance import native, normalize
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.symbols import is_possible
from fluxum.venues.conversation import Effect, Fetch, UnreadableStream
from fluxum.venues.instrument_list import InstrumentList, ListPage

__all__ = ["Markets", "read_market"]

_PURPOSE = "instruments"


class Markets:
    """The markets of the list, once it was fetched; see InstrumentList for its calls."""

    def __init__(self, policy: Policy, outbox: deque[Effect]) -> None:
        self._policy = policy
        cost = policy.weight("exchangeInfo")
        calls = [Fetch("GET", policy.listing, _PURPOSE, cost=cost)]
        self.list = InstrumentList(policy.venue, outbox, calls, self._page, self._market)
        self._symbols: dict[str, Symbol] = {}
        self._unread: set[str] = set()
        self._is_unnamed = False  # whether a row without a name was left out
        self._venue_ns: int | None = None

    def knows(self, subscription: Subscription | None) -> bool:
        """Whether the list has been read and has the market of a subscription."""
        name = self._name(subscription)
        return name in self._symbols or name in self._unread

    def objection(self, subscription: Subscription | None) -> str:
        """Why there is no such market, by the list; empty where it does not rule it out."""
        name = self._name(subscription)
        if subscription is None or not is_possible(name):
            return ""
        listed = self._symbols.get(name)
        if listed is None:
            is_open = name in self._unread or self._is_unnamed or not self._symbols
            return "" if is_open else f"{name} is not listed"
        return "" if listed == subscription.symbol else f"{name} is {listed}"

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The markets of an answer; raises UnreadableStream for one that is no list."""
        try:
            return self.list.answered(fetch, body, received_ns)
        except RemoteProtocolError as error:
            waiting: tuple[Subscription, ...] = tuple(self.list.unanswered)
            raise UnreadableStream(str(error), waiting) from error

    def _name(self, subscription: Subscription | None) -> str:
        symbol = None if subscription is None else subscription.symbol
        return "/" if symbol is None else self._policy.format_symbol(symbol)

    def _page(self, _fetch: Fetch, body: bytes) -> ListPage:
        try:
            info = native.decode_exchange_info(body)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(str(error)) from error
        self._symbols.clear()
        self._unread.clear()
        self._is_unnamed = False
        self._venue_ns = normalize.nanos(info.serverTime)
        return ListPage(info.symbols)

    def _market(self, row: object, received_ns: int) -> Instrument:
        assert isinstance(row, Raw)
        try:
            market = read_market(self._policy, row, self._venue_ns, received_ns)
        except (MsgspecError, FluxumError, ValueError, ArithmeticError, RecursionError):
            self._note_unread(row)
            raise
        self._symbols[market.venue_symbol] = market.symbol
        return market

    def _note_unread(self, row: Raw) -> None:
        try:
            self._unread.add(native.decode_market_name(row).symbol)
        except (MsgspecError, ValueError, RecursionError):
            self._is_unnamed = True


def read_market(policy: Policy, row: Raw, venue_ns: int | None, received_ns: int) -> Instrument:
    """One market of the list; raises MsgspecError or RemoteProtocolError."""
    wire = native.decode_market(row)
    symbol = policy.symbol_of(wire)
    return normalize.instrument(wire, symbol, policy.venue, venue_ns, received_ns)
