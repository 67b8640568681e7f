"""A client whose loop runs in a thread of its own: for scripts without a loop, and for notebooks.

    with fluxum.Client("NAME").in_thread() as client:
        client.subscribe_ticker(["BTC/USD"])
        print(client.get_ticker("BTC/USD").value)

Each method does what the client's does, and blocks until it is done. A loop that runs in the
caller's thread is no obstacle. Ctrl-C interrupts a method that waits. The client is disconnected at
the end of its block, by `close`, or when the interpreter exits. SIGTERM ends the interpreter that
way as well, while the client is open and the program has no handler of its own.
"""

import atexit
import signal
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from weakref import WeakMethod

from fluxum.client.answers import (
    BalanceStreamingStatus,
    ClientStatistics,
    ConnectionStatus,
    Latest,
    Recent,
    TokenInfo,
)
from fluxum.client.callback import Function
from fluxum.client.events import ClientEvent, RegisterCallback
from fluxum.client.loop_thread import LoopThread
from fluxum.ledger.funds import Funds
from fluxum.model.account import Balance
from fluxum.model.event import Channel
from fluxum.model.instrument import Asset
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.model.order import Amend, Edit, OrderRequest
from fluxum.orders.dead_man import SwitchState
from fluxum.orders.order import Order
from fluxum.session.books import BookReading
from fluxum.venues.private import Token

if TYPE_CHECKING:
    from fluxum.client.client import Client

__all__ = ["ThreadedClient", "ThreadedTokens"]

R = TypeVar("R")
_CONNECT_S = 30.0
_SUBSCRIBE_S = 10.0
_CLOSE_S = 10.0


class ThreadedTokens:
    """The token of the account's link, as `ClientTokens`; each method blocks."""

    def __init__(self, client: "Client", thread: LoopThread) -> None:
        self._client = client
        self._thread = thread

    def initialize(self) -> None:
        """Fetch the first token, unless there is a valid one."""
        self._thread.call(self._client.auth.initialize())

    def get_valid_token(self) -> Token:
        """A token that may open a link now."""
        return self._thread.call(self._client.auth.get_valid_token())

    def refresh_token(self) -> Token:
        """Replace the token now."""
        return self._thread.call(self._client.auth.refresh_token())

    def get_token_info(self) -> TokenInfo:
        """The token's age, and the calls for it."""
        return self._client.auth.get_token_info()

    def shutdown(self) -> None:
        """Forget the token and fetch no other."""
        self._client.auth.shutdown()


class ThreadedClient:
    """A client for programs without a loop; made by `Client.in_thread`.

    Plain callbacks run in threads of their own and may call any of these methods. Async callbacks
    run in the client's loop, where these methods raise BadInput.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._thread = LoopThread()
        self._has_sigterm = False
        self._at_exit = _closer(self)
        self.auth = ThreadedTokens(client, self._thread)
        """The token of the account's link: its age, validity and renewal."""

    # Life

    def __enter__(self) -> Self:
        """Connect; raises TimeoutError if that is not possible in time."""
        if not self.connect():
            raise TimeoutError("not connected")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self, private_channels: bool = True, *, timeout_s: float = _CONNECT_S) -> bool:
        """Start the thread and connect; see `Client.connect`."""
        self._follow_exit()
        try:
            is_connected = self._call(self._client.connect(private_channels, timeout_s=timeout_s))
        except BaseException:
            self.close()
            raise
        if not self._client.is_running:
            self.close()
        return is_connected

    def connect_private_channels(self, *, timeout_s: float = _CONNECT_S) -> bool:
        """Connect to the account; see `Client.connect_private_channels`."""
        return self._call(self._client.connect_private_channels(timeout_s=timeout_s))

    def disconnect(self) -> None:
        """Disconnect and end the thread; the same as `close`."""
        self.close()

    def close(self) -> None:
        """Disconnect and end the thread; `connect` may be called again."""
        if self._thread.is_running:
            try:
                self._call(self._client.disconnect(), _CLOSE_S)
            finally:
                self._thread.end()
                self._unfollow_exit()

    # Callbacks

    @property
    def register_callback(self) -> RegisterCallback:
        """Call a function for each event of a type; see `Client.register_callback`."""
        return self._client.register_callback

    def unregister_callback(self, event_type: str | ClientEvent, callback: Function) -> bool:
        """Call a function no more; returns whether it was registered."""
        return self._client.unregister_callback(event_type, callback)

    # Subscriptions

    def subscribe_ticker(
        self, symbols: str | Iterable[str], *, timeout_s: float = _SUBSCRIBE_S
    ) -> bool:
        """See `Client.subscribe_ticker`."""
        return self._call(self._client.subscribe_ticker(symbols, timeout_s=timeout_s))

    def subscribe_orderbook(
        self,
        symbols: str | Iterable[str],
        depth: int | None = None,
        *,
        timeout_s: float = _SUBSCRIBE_S,
    ) -> bool:
        """See `Client.subscribe_orderbook`."""
        return self._call(self._client.subscribe_orderbook(symbols, depth, timeout_s=timeout_s))

    def subscribe_trades(
        self, symbols: str | Iterable[str], *, timeout_s: float = _SUBSCRIBE_S
    ) -> bool:
        """See `Client.subscribe_trades`."""
        return self._call(self._client.subscribe_trades(symbols, timeout_s=timeout_s))

    def subscribe_ohlc(
        self,
        symbols: str | Iterable[str],
        interval: int | str | None = None,
        *,
        timeout_s: float = _SUBSCRIBE_S,
    ) -> bool:
        """See `Client.subscribe_ohlc`."""
        return self._call(self._client.subscribe_ohlc(symbols, interval, timeout_s=timeout_s))

    def subscribe_balance(self, *, timeout_s: float = _SUBSCRIBE_S) -> bool:
        """See `Client.subscribe_balance`."""
        return self._call(self._client.subscribe_balance(timeout_s=timeout_s))

    def subscribe_executions(self, *, timeout_s: float = _SUBSCRIBE_S) -> bool:
        """See `Client.subscribe_executions`."""
        return self._call(self._client.subscribe_executions(timeout_s=timeout_s))

    def unsubscribe(
        self, channel: str | Channel, symbols: str | Iterable[str] | None = None
    ) -> bool:
        """See `Client.unsubscribe`."""
        return self._call(self._client.unsubscribe(channel, symbols))

    def unsubscribe_ticker(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("ticker", symbols)`."""
        return self.unsubscribe(Channel.TICKER, symbols)

    def unsubscribe_orderbook(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("orderbook", symbols)`."""
        return self.unsubscribe(Channel.BOOK, symbols)

    def unsubscribe_trades(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("trades", symbols)`."""
        return self.unsubscribe(Channel.TRADE, symbols)

    def unsubscribe_ohlc(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("ohlc", symbols)`: the candles of every interval."""
        return self.unsubscribe(Channel.CANDLE, symbols)

    def unsubscribe_balance(self) -> bool:
        """`unsubscribe("balance")`."""
        return self.unsubscribe(Channel.BALANCE)

    # Last values and status

    def get_ticker(self, symbol: str) -> Latest[Ticker]:
        """See `Client.get_ticker`."""
        return self._client.get_ticker(symbol)

    def get_orderbook(self, symbol: str, depth: int = 10) -> Latest[BookReading]:
        """See `Client.get_orderbook`."""
        return self._client.get_orderbook(symbol, depth)

    def get_recent_trades(self, symbol: str, limit: int = 50) -> Recent[Trade]:
        """See `Client.get_recent_trades`."""
        return self._client.get_recent_trades(symbol, limit)

    def get_ohlc_data(
        self, symbol: str, limit: int = 100, interval: int | str | None = None
    ) -> Recent[Candle]:
        """See `Client.get_ohlc_data`."""
        return self._client.get_ohlc_data(symbol, limit, interval)

    def get_balance(self, asset: str) -> Latest[Balance]:
        """See `Client.get_balance`."""
        return self._client.get_balance(asset)

    def get_all_balances(self) -> dict[Asset, Latest[Balance]]:
        """See `Client.get_all_balances`."""
        return self._client.get_all_balances()

    def get_funds(self, asset: str) -> Funds:
        """See `Client.get_funds`."""
        return self._client.get_funds(asset)

    @property
    def exchange(self) -> str:
        """The name of the venue."""
        return self._client.exchange

    @property
    def can_trade(self) -> bool:
        """See `Client.can_trade`."""
        return self._client.can_trade

    @property
    def is_running(self) -> bool:
        """Whether there is a session, from `connect` to `disconnect`."""
        return self._client.is_running

    def is_connected(self) -> bool:
        """See `Client.is_connected`."""
        return self._client.is_connected()

    def is_private_connected(self) -> bool:
        """See `Client.is_private_connected`."""
        return self._client.is_private_connected()

    def is_authenticated(self) -> bool:
        """See `Client.is_authenticated`."""
        return self._client.is_authenticated()

    def get_connection_status(self) -> ConnectionStatus:
        """See `Client.get_connection_status`."""
        return self._client.get_connection_status()

    def get_balance_streaming_status(self) -> BalanceStreamingStatus:
        """See `Client.get_balance_streaming_status`."""
        return self._client.get_balance_streaming_status()

    def get_statistics(self) -> ClientStatistics:
        """See `Client.get_statistics`."""
        return self._client.get_statistics()

    def ensure_valid_token(self) -> Token:
        """`auth.get_valid_token()`."""
        return self.auth.get_valid_token()

    # Orders

    def add_order(self, order: OrderRequest | Mapping[str, object]) -> Order:
        """See `Client.add_order`."""
        return self._call(self._client.add_order(order))

    def batch_add(self, orders: Sequence[OrderRequest | Mapping[str, object]]) -> tuple[Order, ...]:
        """See `Client.batch_add`."""
        return self._call(self._client.batch_add(orders))

    def amend_order(self, amend: Amend) -> Order:
        """See `Client.amend_order`."""
        return self._call(self._client.amend_order(amend))

    def edit_order(self, edit: Edit) -> Order:
        """See `Client.edit_order`."""
        return self._call(self._client.edit_order(edit))

    def cancel_order(self, name: str) -> Order:
        """See `Client.cancel_order`."""
        return self._call(self._client.cancel_order(name))

    def batch_cancel(self, names: Sequence[str]) -> tuple[Order, ...]:
        """See `Client.batch_cancel`."""
        return self._call(self._client.batch_cancel(names))

    def cancel_all(self) -> int:
        """See `Client.cancel_all`."""
        return self._call(self._client.cancel_all())

    def cancel_all_orders_after(self, timeout_s: int) -> SwitchState:
        """See `Client.cancel_all_orders_after`."""
        return self._call(self._client.cancel_all_orders_after(timeout_s))

    def get_order(self, name: str) -> Order | None:
        """See `Client.get_order`."""
        return self._client.get_order(name)

    def get_open_orders(self) -> list[Order]:
        """See `Client.get_open_orders`."""
        return self._client.get_open_orders()

    # Pieces

    def _call(self, coroutine: Coroutine[Any, Any, R], timeout_s: float | None = None) -> R:
        return self._thread.call(coroutine, timeout_s)

    def _follow_exit(self) -> None:
        """Close at the interpreter's exit, and let SIGTERM exit it."""
        if self._thread.is_running:
            return
        atexit.register(self._at_exit)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _exit)
            self._has_sigterm = True

    def _unfollow_exit(self) -> None:
        atexit.unregister(self._at_exit)
        if self._has_sigterm and threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGTERM) is _exit:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._has_sigterm = False


def _exit(number: int, _frame: FrameType | None) -> None:
    """End the program as `sys.exit` does, with the status of a process that the signal ended."""
    raise SystemExit(128 + number)


class _Closer:
    """Closes a client if it still exists; for `atexit`, which must not keep it alive."""

    def __init__(self, close: "WeakMethod[Any]") -> None:
        self._close = close

    def __call__(self) -> None:
        close = self._close()
        if close is not None:
            close()


def _closer(client: ThreadedClient) -> _Closer:
    return _Closer(WeakMethod(client.close))
