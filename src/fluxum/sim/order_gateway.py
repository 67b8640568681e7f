"""The order entry of a simulated exchange: commands of its accounts, and what follows from them.

The effects of a command happen at one instant, and the trades are published at that instant too.
What follows from them (a trigger fires, a close order is placed) happens at later instants.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial

from msgspec import structs

from fluxum.fill.amendments import amended, check_amended, edited
from fluxum.fill.order import LiveOrder
from fluxum.fill.rules import check_request
from fluxum.fill.triggers import Watch
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.model.order import (
    Amend,
    Edit,
    OrderRequest,
    OrderStatus,
    OrderType,
    PriceKind,
    Trigger,
)
from fluxum.model.position import Forced
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.contracts import FUNDING_NS, FUNDING_RATE
from fluxum.sim.market import SimulatedMarket
from fluxum.sim.orders import quantum
from fluxum.sim.trading import Owned, Trading
from fluxum.venues.server.accounts import (
    AccountChange,
    CommandRefused,
    OrderEventKind,
    Refusal,
)

__all__ = ["Change", "OrderGateway"]

_ZERO = Decimal(0)
Change = Callable[[Symbol, Callable[[SimulatedMarket, int], object]], int]


class OrderGateway:
    """Handles the orders of accounts; see `sim.account.Counter` for what accounts call.

    `change` changes a market and publishes it, `next_instant` returns the next instant, `name` a
    name for an order, and `publish` makes servers publish account events. With `order_id`, see
    ServerSide, orders and fills are numbered market by market.
    """

    def __init__(
        self,
        markets: Mapping[Symbol, SimulatedMarket],
        change: Change,
        next_instant: Callable[[], int],
        name: Callable[[str], str],
        publish: Callable[[], None],
        order_id: Callable[[Symbol, int], str] | None = None,
    ) -> None:
        self.next_instant = next_instant
        self.name = name
        self._markets = markets
        self._instruments = {symbol: one.instrument for symbol, one in markets.items()}
        self._change = change
        self._publish = publish
        self._order_id = order_id
        self._placed = Counter[Symbol]()
        self._trading = Trading(markets, self._fill_id, self._ended)
        self._waiting: dict[Symbol, dict[str, LiveOrder]] = {symbol: {} for symbol in markets}
        self._early: dict[str, LiveOrder] = {}
        self._expiring: dict[str, LiveOrder] = {}
        self._closings: deque[Owned] = deque()
        self._seen = {symbol: one.last_trade for symbol, one in markets.items()}
        self._is_following_up = False

    # Commands of accounts

    def check(self, account: SimulatedAccount, request: OrderRequest, now_ns: int) -> None:
        """Refuse a request that makes no sense."""
        market = self._markets.get(request.symbol)
        last_price = None if market is None else market.last_price
        check_request(request, self._instruments, last_price, now_ns)
        held = account.held_of(request.symbol)
        is_against = held < 0 if request.side is Side.BUY else held > 0
        if request.reduce_only and not (is_against and (request.quantity or _ZERO) <= abs(held)):
            raise CommandRefused(Refusal.NO_POSITION)
        name = request.client_order_id
        if name and any(one.request.client_order_id == name for one in account.live.values()):
            raise CommandRefused(Refusal.NAME_TAKEN, "cl_ord_id")

    def check_funds(self, account: SimulatedAccount, request: OrderRequest) -> None:
        """Refuse a request without enough funds, or a post-only order that would trade."""
        self._admissible(account, self._make(account, request, 0), _ZERO)

    def place(self, account: SimulatedAccount, request: OrderRequest) -> LiveOrder:
        """Enter an order, and let it trade."""
        now_ns = self.next_instant()
        self.check(account, request, now_ns)
        self.check_funds(account, request)
        order = self._make(account, request, now_ns, self._new_id(request.symbol))
        self._enter(account, order)
        return order

    def force(self, account: SimulatedAccount, symbol: Symbol, forced: Forced) -> LiveOrder:
        """Close the whole position in a contract at the market, whatever funds there are.

        Raises CommandRefused without a position.
        """
        held = account.held_of(symbol)
        if not held:
            raise CommandRefused(Refusal.NO_POSITION)
        request = OrderRequest(
            symbol=symbol,
            side=Side.SELL if held > 0 else Side.BUY,
            order_type=OrderType.MARKET,
            quantity=abs(held),
        )
        order = self._make(account, request, self.next_instant(), self._new_id(symbol))
        order.forced = forced
        self._enter(account, order)
        return order

    def amend(self, account: SimulatedAccount, command: Amend) -> LiveOrder:
        """Change an order in place; a quantity below the filled one cancels the rest."""
        order = self._find(account, command.order_id, command.client_order_id)
        request = amended(order, command)
        check_amended(order, request, self._last_price(request.symbol))
        last_price = self._last_price(request.symbol)
        sought = order.as_sought(request, last_price)
        if not order.is_waiting:
            sought.resolve(last_price)
        if not sought.is_done:
            self._affordable(account, sought, order.held)
            is_careful = command.post_only or request.post_only
            if is_careful and not order.is_waiting and self._trading.would_take(sought):
                raise CommandRefused(Refusal.WOULD_TAKE)
        self._act(order, partial(self._alter, account, order, sought))
        return order

    def edit(self, account: SimulatedAccount, command: Edit) -> LiveOrder:
        """Cancel an order and enter another for it; returns the new one."""
        order = self._find(account, command.order_id, "")
        request = edited(order, command)
        last_price = self._last_price(request.symbol)
        check_request(request, self._instruments, last_price, self.next_instant())
        new = self._make(account, request, 0, self._new_id(request.symbol), order.order_id)
        self._admissible(account, new, order.held)
        self.cancel(account, order.order_id, "Order replaced")
        new.moved_ns = self.next_instant()
        self._enter(account, new)
        return new

    def cancel(self, account: SimulatedAccount, order_id: str, reason: str) -> LiveOrder:
        """Cancel an order."""
        order = self._find(account, order_id, "")
        canceled = OrderStatus.CANCELED
        self._act(order, partial(self._trading.end, account, order, canceled, reason))
        return order

    def cancel_all(
        self, account: SimulatedAccount, reason: str, symbol: Symbol | None = None
    ) -> int:
        """Cancel every order, or those of one market; returns how many."""
        live = account.live.items()
        orders = [name for name, one in live if symbol in {None, one.request.symbol}]
        for order_id in orders:
            self.cancel(account, order_id, reason)
        return len(orders)

    def shown(self, order: LiveOrder) -> Decimal | None:
        """The quantity that an iceberg order shows now."""
        return self._trading.shown(order)

    def mark_price(self, symbol: Symbol) -> Decimal:
        """The price that a position is marked at: that of the last trade."""
        return self._last_price(symbol)

    def booked(self, account: SimulatedAccount, entries: Iterable[AccountChange]) -> None:
        """Publish entries that no order caused."""
        for entry in entries:
            account.publish(entry)
        self._publish()

    # Called by the exchange

    def book_trades(self, symbol: Symbol, now_ns: int) -> None:
        """Book trades with accounts' orders, at the instant they were traded."""
        market = self._markets[symbol]
        if market.foreign:
            self._trading.book_trades(market, now_ns)

    def follow_up(self, symbol: Symbol) -> None:
        """Do what follows from a change of a market, one thing after another."""
        if self._is_following_up:
            return
        self._is_following_up = True
        try:
            while self._see(symbol) or self._closings:
                while self._closings:
                    self._close(*self._closings.popleft())
        finally:
            self._is_following_up = False

    def tick(self, accounts: Iterable[SimulatedAccount], now_ns: int) -> None:
        """Do what is due: start and expire orders, fire dead man's switches."""
        for order in list(self._expiring.values()):
            if (order.request.expires_ns or 0) <= now_ns:
                account = self._trading.account_of(order)
                expired = OrderStatus.EXPIRED
                self._act(order, partial(self._trading.end, account, order, expired, "Expired"))
        for order in list(self._early.values()):
            if (order.request.effective_ns or 0) <= now_ns:
                del self._early[order.order_id]
                self._begin(self._trading.account_of(order), order)
        for account in accounts:
            if account.cancels_ns is not None and account.cancels_ns <= now_ns:
                account.cancels_ns = None
                self.cancel_all(account, "Cancel all orders after")
            for symbol, cancels_ns in list(account.market_cancels_ns.items()):
                if cancels_ns <= now_ns:
                    del account.market_cancels_ns[symbol]
                    self.cancel_all(account, "Cancel all orders after", symbol)
            self._fund(account, now_ns)

    def _fund(self, account: SimulatedAccount, now_ns: int) -> None:
        """Pay the funding that became due since the last look, period by period."""
        period = now_ns // FUNDING_NS
        last = period if account.funded_period is None else account.funded_period
        for _ in range(period - last):
            self.booked(account, account.fund(FUNDING_RATE, self.next_instant()))
        account.funded_period = period

    # Entering

    def _make(
        self,
        account: SimulatedAccount,
        request: OrderRequest,
        now_ns: int,
        order_id: str = "",
        origin_id: str = "",
    ) -> LiveOrder:
        instrument = self._instruments[request.symbol]
        order = LiveOrder(order_id, request, instrument, account.rates, quantum, now_ns, origin_id)
        last_price = self._last_price(request.symbol)
        if request.trigger is None:
            order.resolve(last_price)
            return order
        order.watch = Watch(
            request.order_type, request.side, request.trigger, last_price, instrument
        )
        if order.watch.price <= 0:
            raise CommandRefused(Refusal.INVALID_TRIGGER, "triggers")
        return order

    def _enter(self, account: SimulatedAccount, order: LiveOrder) -> None:
        request, now_ns = order.request, order.moved_ns
        self._trading.admit(account, order)
        order.opened_ns = order.changed_ns = now_ns
        if request.expires_ns is not None:
            self._expiring[order.order_id] = order
        account.rehold(order)
        account.record(order, OrderEventKind.PENDING, now_ns)
        if request.effective_ns is not None and request.effective_ns > now_ns:
            self._early[order.order_id] = order
            self._publish()
        else:
            self._begin(account, order)

    def _begin(self, account: SimulatedAccount, order: LiveOrder) -> None:
        """Let an order trade, or wait for its price."""
        symbol = order.request.symbol
        if not order.is_waiting:
            self._change(symbol, partial(self._open, account, order))
        elif order.watch is not None and order.watch.see(self._last_price(symbol)):
            self._change(symbol, partial(self._trigger, account, order))
        else:
            self._waiting[symbol][order.order_id] = order
            self._publish()

    def _trigger(
        self, account: SimulatedAccount, order: LiveOrder, market: SimulatedMarket, now_ns: int
    ) -> None:
        """The price that an order waited for has come."""
        assert order.watch is not None, "an order that waits has a trigger"
        self._waiting[order.request.symbol].pop(order.order_id, None)
        order.is_triggered, order.moved_ns = True, now_ns
        order.triggered_ns = now_ns
        order.resolve(order.watch.price)
        account.record(order, OrderEventKind.TRIGGERED, now_ns)
        self._open(account, order, market, now_ns)

    def _open(
        self, account: SimulatedAccount, order: LiveOrder, market: SimulatedMarket, now_ns: int
    ) -> None:
        is_short = self._trading.needs(order) > account.free(order.held_asset) + order.held
        if is_short and order.forced is None:
            canceled, reason = OrderStatus.CANCELED, "Insufficient funds"
            self._trading.end(account, order, canceled, reason, market, now_ns)
            return
        order.status, order.moved_ns = OrderStatus.OPEN, now_ns
        account.rehold(order)
        account.record(order, OrderEventKind.OPENED, now_ns)
        self._trading.work(account, order, market, now_ns)

    # Changing

    def _act(self, order: LiveOrder, act: Callable[[SimulatedMarket, int], None]) -> None:
        """Change an order; the market is published only if the book changes."""
        symbol = order.request.symbol
        if order.is_resting:
            self._change(symbol, act)
        else:
            act(self._markets[symbol], self.next_instant())
            self._publish()

    def _alter(
        self,
        account: SimulatedAccount,
        order: LiveOrder,
        sought: LiveOrder,
        market: SimulatedMarket,
        now_ns: int,
    ) -> None:
        before, request = order.request, sought.request
        fewer = (before.quantity or _ZERO) - (request.quantity or _ZERO)
        keeps_place = fewer >= 0 and structs.replace(request, quantity=before.quantity) == before
        order.become(sought, now_ns)
        if order.remaining <= 0:
            account.record(order, OrderEventKind.AMENDED, now_ns)
            canceled, reason = OrderStatus.CANCELED, "User requested"
            self._trading.end(account, order, canceled, reason, market, now_ns)
            return
        account.rehold(order)
        if order.is_resting and keeps_place and fewer:
            market.reduce(order.order_id, fewer, now_ns)
        elif order.is_resting and not keeps_place:
            market.withdraw(order.order_id, now_ns)
            order.is_resting = False
            account.record(order, OrderEventKind.AMENDED, now_ns)
            self._trading.work(account, order, market, now_ns)
            return
        account.record(order, OrderEventKind.AMENDED, now_ns)

    def _ended(self, account: SimulatedAccount, order: LiveOrder) -> None:
        for place in (self._expiring, self._early, self._waiting[order.request.symbol]):
            place.pop(order.order_id, None)
        if order.status is OrderStatus.FILLED and order.request.close is not None:
            self._closings.append((account, order))

    # What follows

    def _see(self, symbol: Symbol) -> bool:
        """Check waiting orders against the last trades; returns whether there were any of both."""
        market, waiting = self._markets[symbol], self._waiting[symbol]
        fresh = market.last_trade - self._seen[symbol]
        self._seen[symbol] = market.last_trade
        if not fresh or not waiting:
            return False
        for trade in market.trades(fresh):
            for order in list(waiting.values()):
                if order.order_id in waiting:
                    self._show(order, trade.price)
        return True

    def _show(self, order: LiveOrder, price: Decimal) -> None:
        assert order.watch is not None, "an order that waits has a trigger"
        account = self._trading.account_of(order)
        before = order.watch.price
        if order.watch.see(price):
            self._change(order.request.symbol, partial(self._trigger, account, order))
        elif order.watch.price != before:
            order.moved_ns = self.next_instant()
            account.rehold(order)
            account.record(order, OrderEventKind.TRIGGER_MOVED, order.moved_ns)
            self._publish()

    def _close(self, account: SimulatedAccount, filled: LiveOrder) -> None:
        """Place the order that closes another; if funds are missing, it is canceled at once."""
        request = _closing(filled)
        name = self._new_id(request.symbol)
        try:
            order = self._make(account, request, self.next_instant(), name, filled.order_id)
            self._affordable(account, order, _ZERO)
        except CommandRefused as refused:
            instrument, now_ns = filled.instrument, self.next_instant()
            order = LiveOrder(
                name, request, instrument, account.rates, quantum, now_ns, filled.order_id
            )
            self._trading.admit(account, order)
            account.record(order, OrderEventKind.PENDING, now_ns)
            reason = refused.refusal.value.capitalize()
            self._act(
                order,
                partial(self._trading.end, account, order, OrderStatus.CANCELED, reason),
            )
        else:
            self._enter(account, order)

    # State

    def _new_id(self, symbol: Symbol) -> str:
        if self._order_id is None:
            return self.name("O")
        self._placed[symbol] += 1
        return self._order_id(symbol, self._placed[symbol])

    def _fill_id(self, trade: Trade) -> str:
        return self.name("T") if self._order_id is None else trade.trade_id

    def _find(self, account: SimulatedAccount, order_id: str, name: str) -> LiveOrder:
        if order_id in account.live:
            return account.live[order_id]
        for order in account.live.values():
            if name and order.request.client_order_id == name:
                return order
        raise CommandRefused(Refusal.UNKNOWN_ORDER, order_id or name)

    def _last_price(self, symbol: Symbol) -> Decimal:
        market = self._markets[symbol]
        return market.last_price or market.instrument.tick

    def _admissible(self, account: SimulatedAccount, order: LiveOrder, held: Decimal) -> None:
        """Refuse a request without enough funds, or a post-only order that would trade."""
        self._affordable(account, order, held)
        if order.request.post_only and not order.is_waiting and self._trading.would_take(order):
            raise CommandRefused(Refusal.WOULD_TAKE)

    def _affordable(self, account: SimulatedAccount, order: LiveOrder, held: Decimal) -> None:
        """Refuse an order that costs more than what is free plus what the order before it held."""
        if self._trading.needs(order) > account.free(order.held_asset) + held:
            raise CommandRefused(Refusal.INSUFFICIENT_FUNDS)


def _closing(filled: LiveOrder) -> OrderRequest:
    close = filled.request.close
    assert close is not None, "only an order with a close order is closed"
    trigger = None
    if close.trigger_price is not None:
        trigger = Trigger(close.trigger_price, close.trigger_price_kind or PriceKind.STATIC)
    return OrderRequest(
        symbol=filled.request.symbol,
        side=filled.side.opposite,
        order_type=close.order_type,
        quantity=filled.filled,
        limit_price=close.limit_price,
        limit_price_kind=_distance(close.limit_price_kind),
        trigger=trigger,
        fee_asset=filled.request.fee_asset,
        user_reference=filled.request.user_reference,
    )


def _distance(kind: PriceKind | None) -> PriceKind | None:
    return None if kind is PriceKind.STATIC else kind
