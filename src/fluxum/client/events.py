"""The events that a callback can be registered for, and what each callback is called with."""

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, Literal, Protocol, overload

from msgspec import Struct

from fluxum.flow.pipe import Overflow
from fluxum.model.account import Balance, Fill
from fluxum.model.event import Loss, StateChange
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.model.order import OrderUpdate
from fluxum.session.books import BookReading

__all__ = ["ClientEvent", "Delivery", "RegisterCallback", "delivery_of"]


class ClientEvent(Enum):
    """What a callback is registered for, and the arguments that it is called with.

    TICKER, TRADE, OHLC, BALANCE, EXECUTION: a list of Ticker, Trade, Candle, Balance, or of
    OrderUpdate and Fill. ORDERBOOK: a list of BookReading. LOSS: a list of all that may have lost
    data (`Loss`). STATE: a list of StateChange. ERROR: one exception. CONNECTED, DISCONNECTED,
    AUTHENTICATED: no argument. A list has all that waited, at least one, oldest first.
    """

    TICKER = "ticker"
    ORDERBOOK = "orderbook"
    TRADE = "trade"
    OHLC = "ohlc"
    BALANCE = "balance"
    EXECUTION = "execution"
    LOSS = "loss"
    STATE = "state"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    AUTHENTICATED = "authenticated"
    ERROR = "error"


class RegisterCallback(Protocol):
    """`register_callback`, so that a type checker knows the argument of each event's callback."""

    @overload
    def __call__(
        self, event_type: Literal["ticker"], callback: Callable[[list[Ticker]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["orderbook"], callback: Callable[[list[BookReading]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["trade"], callback: Callable[[list[Trade]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["ohlc"], callback: Callable[[list[Candle]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["balance"], callback: Callable[[list[Balance]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self,
        event_type: Literal["execution"],
        callback: Callable[[list[OrderUpdate | Fill]], object],
        /,
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["loss"], callback: Callable[[list[Loss]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["state"], callback: Callable[[list[StateChange]], object], /
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: Literal["error"], callback: Callable[[Exception], object], /
    ) -> None: ...

    @overload
    def __call__(
        self,
        event_type: Literal["connected", "disconnected", "authenticated"],
        callback: Callable[[], object],
        /,
    ) -> None: ...

    @overload
    def __call__(
        self, event_type: str | ClientEvent, callback: Callable[..., object], /
    ) -> None: ...

    def __call__(self, event_type: str | ClientEvent, callback: Callable[..., object], /) -> None:
        """Call a function for each event of a type; raises BadInput."""
        ...


class Delivery(Struct, frozen=True):
    """How an event's items wait for a callback, and how many of them a call is given.

    With a `key` a newer item replaces a waiting one of the same key; without, the oldest item is
    dropped if the pipe is full. `arguments` makes the calls of all items that waited.
    """

    capacity: int
    arguments: Callable[[list[Any]], list[tuple[Any, ...]]]
    key: Callable[[Any], Hashable] | None = None

    @property
    def overflow(self) -> Overflow:
        """What happens if the pipe is full."""
        return Overflow.DROP_OLDEST if self.key is None else Overflow.CONFLATE


def delivery_of(event: ClientEvent) -> Delivery:
    """How the items of an event are delivered."""
    return _DELIVERIES[event]


def _together(items: list[Any]) -> list[tuple[Any, ...]]:
    return [(items,)]


def _one_by_one(items: list[Any]) -> list[tuple[Any, ...]]:
    return [(item,) for item in items]


def _bare(items: list[Any]) -> list[tuple[Any, ...]]:
    return [()] * len(items)


def _ticker_key(ticker: Ticker) -> Hashable:
    return ticker.symbol


def _candle_key(candle: Candle) -> Hashable:
    return candle.symbol, candle.interval_s, candle.start_ns


def _balance_key(balance: Balance) -> Hashable:
    return balance.asset


def _itself(item: Hashable) -> Hashable:
    return item


_DELIVERIES: Mapping[ClientEvent, Delivery] = {
    ClientEvent.TICKER: Delivery(1_000, _together, _ticker_key),
    ClientEvent.ORDERBOOK: Delivery(1_000, _together, _itself),  # symbols; read when delivered
    ClientEvent.TRADE: Delivery(10_000, _together),
    ClientEvent.OHLC: Delivery(10_000, _together, _candle_key),
    ClientEvent.BALANCE: Delivery(10_000, _together, _balance_key),
    ClientEvent.EXECUTION: Delivery(10_000, _together),
    ClientEvent.LOSS: Delivery(10_000, _together),
    ClientEvent.STATE: Delivery(1_000, _together),
    ClientEvent.CONNECTED: Delivery(100, _bare),
    ClientEvent.DISCONNECTED: Delivery(100, _bare),
    ClientEvent.AUTHENTICATED: Delivery(100, _bare),
    ClientEvent.ERROR: Delivery(1_000, _one_by_one),
}
