"""From a session's events to last values and the callbacks' items. Nothing waits here."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from fluxum.board import Board
from fluxum.client.callbacks import Callbacks
from fluxum.client.events import ClientEvent
from fluxum.errors import RemoteProtocolError, TransportError, VenueRefused
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import (
    CallFailed,
    Channel,
    Desync,
    Dropped,
    Event,
    LinkLost,
    Loss,
    Refused,
    Rejected,
    State,
    StateChange,
    Subscribed,
    Subscription,
)
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.session.session import Session

__all__ = ["Dispatch"]

_UP = frozenset({State.CONNECTED, State.AUTHENTICATED, State.SUBSCRIBING, State.READY})
_DOWN = frozenset({State.RECONNECTING, State.DISCONNECTED, State.FAILED, State.CLOSED})


class Dispatch:
    """Takes the events of one session after the other; `begin` starts with a new one."""

    def __init__(self, callbacks: Callbacks, board: Board) -> None:
        self.is_up = False
        """Whether there were links, as of the last event."""
        self.is_authenticated = False
        """Whether the venue has accepted a private subscription on the present link."""
        self.counts: Counter[type[Event]] = Counter()
        self.dropped = 0
        self.refused: dict[Subscription, str] = {}
        """What the venue refused, and its reason."""
        self._callbacks = callbacks
        self._board = board
        self._session: Session | None = None
        put = callbacks.put
        self._handlers: dict[type, Callable[[Any], None]] = {
            Ticker: lambda event: put(ClientEvent.TICKER, event),
            Trade: lambda event: put(ClientEvent.TRADE, event),
            Candle: lambda event: put(ClientEvent.OHLC, event),
            BookUpdate: lambda event: put(ClientEvent.ORDERBOOK, event.symbol),
            BookSnapshot: lambda event: put(ClientEvent.ORDERBOOK, event.symbol),
            Balance: lambda event: put(ClientEvent.BALANCE, event),
            Balances: self._balances,
            LedgerEntry: self._entry,
            OrderUpdate: lambda event: put(ClientEvent.EXECUTION, event),
            Fill: lambda event: put(ClientEvent.EXECUTION, event),
            OpenOrders: self._orders,
            StateChange: self._state,
            Subscribed: self._subscribed,
            Refused: self._refusal,
            CallFailed: self._call_failed,
        }

    def begin(self, session: Session) -> None:
        """Take the events of this session from now on."""
        self._session = session
        self.counts.clear()
        self.refused.clear()
        self.dropped = 0

    def end(self) -> None:
        """No more events come: there are no links any more."""
        self._note_down()
        self.is_authenticated = False

    def take(self, events: Iterable[Event]) -> None:
        """Take events, in order."""
        for event in events:
            self.counts[type(event)] += 1
            self._board.take(event)
            handle = self._handlers.get(type(event))
            if handle is not None:
                handle(event)
            elif isinstance(event, Loss):
                self._loss(event)

    # The account

    def _balances(self, event: Balances) -> None:
        for balance in event.balances:
            self._callbacks.put(ClientEvent.BALANCE, balance)

    def _entry(self, event: LedgerEntry) -> None:
        """An entry moves a balance, which the session has updated already."""
        assert self._session is not None
        balance = self._session.account.following.balances.get(event.asset)
        if balance is not None:
            self._callbacks.put(ClientEvent.BALANCE, balance)

    def _orders(self, event: OpenOrders) -> None:
        for order in event.orders:
            self._callbacks.put(ClientEvent.EXECUTION, order)

    # Links

    def _state(self, event: StateChange) -> None:
        self._callbacks.put(ClientEvent.STATE, event)
        if event.new in _UP and not self.is_up:
            self.is_up = True
            self._callbacks.put(ClientEvent.CONNECTED)
        elif event.new in _DOWN:
            self._note_down()

    def _note_down(self) -> None:
        if self.is_up:
            self.is_up = False
            self._callbacks.put(ClientEvent.DISCONNECTED)

    def _subscribed(self, event: Subscribed) -> None:
        if event.subscription.channel.is_private and not self.is_authenticated:
            self.is_authenticated = True
            self._callbacks.put(ClientEvent.AUTHENTICATED)

    def _refusal(self, event: Refused) -> None:
        if event.subscription is not None:
            self.refused[event.subscription] = event.message
        self._callbacks.report(
            VenueRefused(f"{event.venue} refused '{event.subscription}': {event.message}")
        )

    def _call_failed(self, event: CallFailed) -> None:
        self._callbacks.report(
            TransportError(f"{event.venue}: {event.call} failed: {event.reason}")
        )

    def _loss(self, event: Loss) -> None:
        self._callbacks.put(ClientEvent.LOSS, event)
        match event:
            case LinkLost():
                self._link_lost(event)
            case Desync() if event.subscription.channel is Channel.BOOK:
                self._callbacks.put(ClientEvent.ORDERBOOK, event.subscription.symbol)
            case Rejected():
                self._callbacks.report(RemoteProtocolError(f"{event.venue}: {event.reason}"))
            case Dropped():
                self.dropped += event.count
            case _:
                pass

    def _link_lost(self, event: LinkLost) -> None:
        """The books of the link are withdrawn, so callbacks of books are called."""
        assert self._session is not None
        self._note_down()
        venue = self._session.venue
        endpoint = event.link.rpartition("-")[0]
        for one in self._session.subscriptions:
            if venue.endpoint_of(one) != endpoint:
                continue
            if one.channel is Channel.BOOK:
                self._callbacks.put(ClientEvent.ORDERBOOK, one.symbol)
            elif one.channel.is_private:
                self.is_authenticated = False
