"""One venue by callbacks and last values, for programs that do not iterate over streams.

    client = fluxum.Client("NAME")
    client.register_callback("ticker", lambda tickers: print(tickers[-1].last))
    await client.connect()
    await client.subscribe_ticker(["BTC/USD"])
    ...
    await client.disconnect()

It is a thin layer over `connect` and `trade`: the session and the trader are theirs, `session` and
`trader` here. The methods that are not async may be called from any thread, callbacks included; the
async ones belong to the loop that `connect` was called in. `in_thread` is for programs without one.
"""

# `in_thread` returns what is made of a client: a cycle of types, not of imports.
# pyright: reportImportCycles=false

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from fluxum.balances import BalanceManager
from fluxum.client.answers import (
    BalanceStreamingStatus,
    ClientStatistics,
    ConnectionStatus,
    Latest,
    Recent,
)
from fluxum.client.callback import Function
from fluxum.client.callbacks import Callbacks
from fluxum.client.connection import ClientConnection, ClientOptions
from fluxum.client.events import ClientEvent, RegisterCallback
from fluxum.client.loop_thread import answer_in, running_loop
from fluxum.client.order_entry import request_of
from fluxum.client.readings import Readings
from fluxum.client.thread import ThreadedClient
from fluxum.client.tokens import ClientTokens
from fluxum.connect import subscriptions, venue_of
from fluxum.errors import BadInput, NotSubscribed
from fluxum.ledger.funds import Funds
from fluxum.model.account import Balance, Credentials
from fluxum.model.event import Channel, Subscription, parse_channel
from fluxum.model.input import choice
from fluxum.model.instrument import Asset
from fluxum.model.interval import interval_of
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.model.order import Amend, Edit, OrderRequest
from fluxum.orders.dead_man import SwitchState
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import OrderJournal
from fluxum.orders.order import Order
from fluxum.orders.risk import RiskLimits
from fluxum.runtime import Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.books import BookReading
from fluxum.session.session import Session
from fluxum.trader import Trader
from fluxum.venues.private import Token
from fluxum.venues.venue import Venue

__all__ = ["Client"]

R = TypeVar("R")
_CONNECT_S = 30.0
_SUBSCRIBE_S = 10.0
_MINUTE_S = 60


class Client:
    """One venue by callbacks and last values.

    `exchange` is a name, or a venue as of `connect`. `keys` are credentials, or name their source
    (see `find_credentials`), or are an account's options; without, there is no account. With keys,
    orders can be placed unless `can_trade` is false; `journal`, `limits` and `tier` are those of
    `trade`. `kept` is how many trades and candles of each stream are kept. A call of a callback
    that takes longer than `slow_s` seconds is reported to `error`. Raises BadInput for values that
    make no sense.
    """

    def __init__(
        self,
        exchange: str | Venue,
        *,
        keys: str | Credentials | AccountConfig | None = None,
        journal: str | Path | OrderJournal | None = None,
        limits: RiskLimits | None = None,
        tier: str = "",
        can_trade: bool = True,
        endpoint: str | None = None,
        proxy: str | None = None,
        runtime: Runtime | None = None,
        kept: int = 1_000,
        slow_s: float = 1.0,
    ) -> None:
        options = ClientOptions(
            venue=venue_of(exchange),
            keys=keys,
            journal=journal,
            limits=limits,
            tier=tier,
            can_trade=can_trade,
            endpoint=endpoint,
            proxy=proxy,
        )
        self._callbacks = Callbacks(self._prepare, slow_s)
        self._connection = ClientConnection(options, runtime, self._callbacks, kept)
        self._readings = Readings(self._connection)
        self.auth = ClientTokens(lambda: self._connection.session)
        """The token of the account's link: its age, validity and renewal."""

    # Life

    async def __aenter__(self) -> Self:
        """Connect; raises TimeoutError if that is not possible in time."""
        if not await self.connect():
            raise TimeoutError(f"{self._connection.options.venue.name}: not connected")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    async def connect(
        self, private_channels: bool = True, *, timeout_s: float = _CONNECT_S
    ) -> bool:
        """Connect; with keys and `private_channels` also to the account, ready to trade.

        Returns false after `timeout_s` seconds without a link: then nothing is left running. Links
        that are lost later are restored, with all subscriptions. Raises BadInput, and the error if
        the venue refuses for good.
        """
        if not await self._connection.open(timeout_s):
            return False
        if private_channels and self._connection.options.keys is not None:
            return await self.connect_private_channels(timeout_s=timeout_s)
        return True

    async def connect_private_channels(self, *, timeout_s: float = _CONNECT_S) -> bool:
        """Connect to the account: its orders are followed, and it is ready to trade.

        Returns false after `timeout_s` seconds; the rest of the client goes on. Raises BadInput
        without keys.
        """
        self._require_loop()
        return await self._connection.open_private(timeout_s)

    async def disconnect(self) -> None:
        """Close every link; what waits is delivered to the callbacks first, for a second at most.

        Subscriptions are not kept; callbacks and last values are.
        """
        await self._connection.close()

    def in_thread(self) -> ThreadedClient:
        """This client with a loop of its own in a thread; its methods block until they are done."""
        return ThreadedClient(self)

    @property
    def session(self) -> Session:
        """The session with the venue; raises BadInput while the client is not connected."""
        return self._connection.session

    @property
    def can_trade(self) -> bool:
        """Whether there is a trader now."""
        return self._connection.trader is not None

    @property
    def trader(self) -> Trader:
        """The account's trader; raises BadInput without one."""
        if self._connection.trader is None:
            raise BadInput("this client cannot trade: keys and connect(private_channels=True)")
        return self._connection.trader

    @property
    def balances(self) -> BalanceManager:
        """What of the account may be spent, and reservations; for the client's loop only.

        Raises NotSubscribed before `subscribe_balance`.
        """
        if self._connection.balances is None:
            raise NotSubscribed("balances are not subscribed: call subscribe_balance first")
        return self._connection.balances

    # Callbacks

    @property
    def register_callback(self) -> RegisterCallback:
        """Call a function for each event of a type from now on; see `ClientEvent` for its argument.

        An async function runs in the client's loop, a plain one in a thread of its own, so it may
        block. One that raises or is slow harms no other: it is reported to `error`. Raises
        BadInput.
        """
        return self._register

    def _register(self, event_type: str | ClientEvent, callback: Function) -> None:
        event = choice(ClientEvent, event_type, "event")
        self._here(lambda: self._callbacks.register(event, callback))

    def unregister_callback(self, event_type: str | ClientEvent, callback: Function) -> bool:
        """Call a function no more; returns whether it was registered. A running call goes on."""
        event = choice(ClientEvent, event_type, "event")
        return self._here(lambda: self._callbacks.unregister(event, callback))

    # Subscriptions: each returns whether its data has begun within `timeout_s` seconds. After a
    # time-out the subscription stays; what the venue refuses is reported to `error` and dropped.

    async def subscribe_ticker(
        self, symbols: str | Iterable[str], *, timeout_s: float = _SUBSCRIBE_S
    ) -> bool:
        """Follow the tickers of markets; returns whether they have begun. Raises BadInput."""
        return await self._subscribe(Channel.TICKER, symbols, timeout_s)

    async def subscribe_orderbook(
        self,
        symbols: str | Iterable[str],
        depth: int | None = None,
        *,
        timeout_s: float = _SUBSCRIBE_S,
    ) -> bool:
        """Follow the books of markets; returns whether all are proved. Raises BadInput.

        `depth` is levels a side; `None` is the venue's default.
        """
        return await self._subscribe(Channel.BOOK, symbols, timeout_s, depth=depth)

    async def subscribe_trades(
        self, symbols: str | Iterable[str], *, timeout_s: float = _SUBSCRIBE_S
    ) -> bool:
        """Follow the trades of markets; returns whether that has begun. Raises BadInput."""
        return await self._subscribe(Channel.TRADE, symbols, timeout_s)

    async def subscribe_ohlc(
        self,
        symbols: str | Iterable[str],
        interval: int | str | None = None,
        *,
        timeout_s: float = _SUBSCRIBE_S,
    ) -> bool:
        """Follow the candles of markets; returns whether that has begun. Raises BadInput.

        `interval` is minutes, or text such as `1m` and `4h`; `None` is the venue's default.
        """
        interval_s = _interval_s(interval)
        return await self._subscribe(Channel.CANDLE, symbols, timeout_s, interval_s=interval_s)

    async def subscribe_balance(self, *, timeout_s: float = _SUBSCRIBE_S) -> bool:
        """Follow the account's balances; returns whether all are known. Raises BadInput.

        From then on `balances` manages them.
        """
        is_known = await self._subscribe(Channel.BALANCE, (), timeout_s)
        if is_known:
            await self._connection.open_balances()
        return is_known

    async def subscribe_executions(self, *, timeout_s: float = _SUBSCRIBE_S) -> bool:
        """Follow the account's orders and fills; `connect` does that with `private_channels`."""
        return await self._subscribe(Channel.EXECUTION, (), timeout_s)

    async def unsubscribe(
        self, channel: str | Channel, symbols: str | Iterable[str] | None = None
    ) -> bool:
        """End a channel's subscriptions to markets, or all; returns whether there was any.

        Raises BadInput.
        """
        self._require_loop()
        kind = channel if isinstance(channel, Channel) else parse_channel(channel)
        return self._connection.unsubscribe(kind, None if symbols is None else _listed(symbols))

    async def unsubscribe_ticker(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("ticker", symbols)`."""
        return await self.unsubscribe(Channel.TICKER, symbols)

    async def unsubscribe_orderbook(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("orderbook", symbols)`."""
        return await self.unsubscribe(Channel.BOOK, symbols)

    async def unsubscribe_trades(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("trades", symbols)`."""
        return await self.unsubscribe(Channel.TRADE, symbols)

    async def unsubscribe_ohlc(self, symbols: str | Iterable[str] | None = None) -> bool:
        """`unsubscribe("ohlc", symbols)`: the candles of every interval."""
        return await self.unsubscribe(Channel.CANDLE, symbols)

    async def unsubscribe_balance(self) -> bool:
        """`unsubscribe("balance")`."""
        return await self.unsubscribe(Channel.BALANCE)

    # Last values

    def get_ticker(self, symbol: str) -> Latest[Ticker]:
        """The last ticker of a market. Raises NotSubscribed."""
        return self._here(lambda: self._readings.ticker(symbol))

    def get_orderbook(self, symbol: str, depth: int = 10) -> Latest[BookReading]:
        """The best `depth` levels a side of a book now, with their proof. Raises NotSubscribed."""
        return self._here(lambda: self._readings.book(symbol, depth))

    def get_recent_trades(self, symbol: str, limit: int = 50) -> Recent[Trade]:
        """The last trades of a market since it was subscribed. Raises NotSubscribed."""
        return self._here(lambda: self._readings.trades(symbol, limit))

    def get_ohlc_data(
        self, symbol: str, limit: int = 100, interval: int | str | None = None
    ) -> Recent[Candle]:
        """The last candles of a market; the newest may still be running. Raises NotSubscribed.

        `interval` is as in `subscribe_ohlc`; it may be left out if one is subscribed.
        """
        interval_s = _interval_s(interval)
        return self._here(lambda: self._readings.candles(symbol, limit, interval_s))

    def get_balance(self, asset: str) -> Latest[Balance]:
        """The account's balance of an asset. Raises NotSubscribed."""
        return self._here(lambda: self._readings.balance(Asset(asset)))

    def get_all_balances(self) -> dict[Asset, Latest[Balance]]:
        """The account's balances by asset. Raises NotSubscribed."""
        return self._here(self._readings.balances)

    def get_funds(self, asset: str) -> Funds:
        """What of an asset is free, held by orders and reserved. Raises NotSubscribed."""
        return self._here(lambda: self.balances.funds(asset))

    # Status

    @property
    def exchange(self) -> str:
        """The name of the venue."""
        return self._connection.options.venue.name

    @property
    def is_running(self) -> bool:
        """Whether there is a session, from `connect` to `disconnect`."""
        return self._connection.is_open

    def is_connected(self) -> bool:
        """Whether there are links now, as far as is known."""
        return self._here(self._readings.is_connected)

    def is_private_connected(self) -> bool:
        """Whether every subscription to the account is followed now."""
        return self._here(self._readings.is_private_connected)

    def is_authenticated(self) -> bool:
        """Whether the venue has accepted the keys on the present link of the account."""
        return self._here(self._readings.is_authenticated)

    def get_connection_status(self) -> ConnectionStatus:
        """The state of the connection now."""
        return self._here(self._readings.connection_status)

    def get_balance_streaming_status(self) -> BalanceStreamingStatus:
        """Whether balances are streamed now."""
        return self._here(lambda: self._readings.balance_status(self.auth))

    def get_statistics(self) -> ClientStatistics:
        """All counts at this moment."""
        return self._here(self._readings.statistics)

    async def ensure_valid_token(self) -> Token:
        """`auth.get_valid_token()`."""
        return await self.auth.get_valid_token()

    # Orders: what each raises is what the same method of `OrderDesk` raises

    async def add_order(self, order: OrderRequest | Mapping[str, object]) -> Order:
        """Place an order, given as a request or as a mapping; see `OrderDesk.place`.

        A mapping has the names of OrderRequest, or those that other clients use (`order_qty`,
        `cl_ord_id`). Its numbers are text, int or Decimal; a float is refused.
        """
        return await self._desk.place(request_of(order))

    async def batch_add(
        self, orders: Sequence[OrderRequest | Mapping[str, object]]
    ) -> tuple[Order, ...]:
        """Place several orders of one market; see `OrderDesk.place_batch`."""
        return await self._desk.place_batch([request_of(one) for one in orders])

    async def amend_order(self, amend: Amend) -> Order:
        """Change an order in place; see `OrderDesk.amend`."""
        return await self._desk.amend(amend)

    async def edit_order(self, edit: Edit) -> Order:
        """Replace an order by another; see `OrderDesk.edit`."""
        return await self._desk.edit(edit)

    async def cancel_order(self, name: str) -> Order:
        """Cancel an order by either of its ids; see `OrderDesk.cancel`."""
        return await self._desk.cancel(name)

    async def batch_cancel(self, names: Sequence[str]) -> tuple[Order, ...]:
        """Cancel several orders; see `OrderDesk.cancel_batch`."""
        return await self._desk.cancel_batch(names)

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; returns how many there were."""
        return await self._desk.cancel_all()

    async def cancel_all_orders_after(self, timeout_s: int) -> SwitchState:
        """Arm the dead man switch, or disarm it with 0; see `OrderDesk.cancel_all_after`."""
        return await self._desk.cancel_all_after(timeout_s)

    def get_order(self, name: str) -> Order | None:
        """An order by either of its ids; `None` if it is not known."""
        return self._here(lambda: self._desk.order(name))

    def get_open_orders(self) -> list[Order]:
        """Every order of the account that has not ended, as far as is known."""
        return self._here(lambda: self._desk.open_orders())

    # Pieces

    @property
    def _desk(self) -> OrderDesk:
        return self.trader.orders

    async def _subscribe(
        self,
        channel: Channel,
        symbols: str | Iterable[str],
        timeout_s: float,
        *,
        depth: int | None = None,
        interval_s: int | None = None,
    ) -> bool:
        self._require_loop()
        wanted: list[Subscription] = subscriptions(
            _listed(symbols), [channel], depth=depth, interval_s=interval_s
        )
        if not wanted:
            raise BadInput("at least one symbol was expected, was none")
        return await self._connection.subscribe(wanted, timeout_s)

    def _prepare(self, event: ClientEvent, items: list[Any]) -> list[Any]:
        """What a callback is given; books are read at the last moment."""
        return self._readings.books(items) if event is ClientEvent.ORDERBOOK else items

    def _here(self, function: Callable[[], R]) -> R:
        return answer_in(self._connection.loop, function)

    def _require_loop(self) -> None:
        loop = self._connection.loop
        if loop is not None and running_loop() is not loop:
            raise BadInput(
                "the client belongs to another event loop; from other threads use in_thread()"
            )


def _listed(symbols: str | Iterable[str]) -> list[str]:
    return [symbols] if isinstance(symbols, str) else list(symbols)


def _interval_s(interval: int | str | None) -> int | None:
    """The seconds of an interval that is given in minutes or as text."""
    if interval is None:
        return None
    return interval_of(interval * _MINUTE_S if isinstance(interval, int) else interval)
