"""Orders of accounts in the markets: how they trade, rest and end.

An order trades maker by maker, so that a resting order of the same account is found before it is
traded with. The rest of an order rests like any other, and the market's flow trades with it by
price and time.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from fluxum.fill.order import LiveOrder
from fluxum.model.account import Liquidity
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.model.order import OrderStatus, SelfTrade, TimeInForce
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.market import SimulatedMarket
from fluxum.sim.matching import Execution, MatchingEngine
from fluxum.venues.server.accounts import OrderEventKind

__all__ = ["Owned", "Trading"]

_ZERO = Decimal(0)
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)

Owned = tuple[SimulatedAccount, LiveOrder]


class Trading:
    """Every open order and its account.

    `fill_id` gives the id of a fill by its trade; `ended` is called at each end.
    """

    def __init__(
        self,
        markets: Mapping[Symbol, SimulatedMarket],
        fill_id: Callable[[Trade], str],
        ended: Callable[[SimulatedAccount, LiveOrder], None],
    ) -> None:
        self._markets = markets
        self._fill_id = fill_id
        self._ended = ended
        self._orders: dict[str, Owned] = {}

    def admit(self, account: SimulatedAccount, order: LiveOrder) -> None:
        """Add an order."""
        self._orders[order.order_id] = account, order
        account.live[order.order_id] = order

    def account_of(self, order: LiveOrder) -> SimulatedAccount:
        """The account of an order."""
        return self._orders[order.order_id][0]

    def work(
        self, account: SimulatedAccount, order: LiveOrder, market: SimulatedMarket, now_ns: int
    ) -> None:
        """Trade with resting orders; the rest goes to the book if the order may rest."""
        reason = self._hindrance(account, order)
        if not reason:
            self._match(account, order, market, now_ns)
            if order.status.is_final:
                return
            reason = _end_of_rest(order)
        if not reason:
            self._rest(order, market, now_ns)
        elif order.request.quote_quantity is not None and order.filled:
            self.end(account, order, OrderStatus.FILLED, "", market, now_ns)
        else:
            self.end(account, order, OrderStatus.CANCELED, reason, market, now_ns)

    def book_trades(self, market: SimulatedMarket, now_ns: int) -> None:
        """Book trades with accounts' orders, at the instant they were traded."""
        foreign, market.foreign = market.foreign, []
        for execution, trade in foreign:
            self._fill(execution.taker_id, Liquidity.TAKER, execution, trade, now_ns)
            self._fill(execution.maker_id, Liquidity.MAKER, execution, trade, now_ns)

    def end(
        self,
        account: SimulatedAccount,
        order: LiveOrder,
        status: OrderStatus,
        reason: str,
        market: SimulatedMarket,
        now_ns: int,
    ) -> None:
        """End an order: remove it from the book, and release what it holds."""
        if order.is_resting:
            market.withdraw(order.order_id, now_ns)
        order.is_resting = False
        order.status, order.reason = status, reason
        order.moved_ns = order.closed_ns = now_ns
        self._orders.pop(order.order_id, None)
        account.rehold(order)
        account.close(order)
        account.record(order, _ENDS[status], now_ns)
        self._ended(account, order)

    def needs(self, order: LiveOrder) -> Decimal:
        """What an order could cost: without a limit, what it would pay in the book now."""
        if order.is_waiting or not order.is_market:
            return order.hold()
        is_sold = order.side is Side.SELL and not order.is_contract
        if is_sold or order.request.quote_quantity is not None:
            return order.needs(_ZERO)
        left, cost = order.remaining, _ZERO
        book = self._engine(order).book
        for queue in (book.asks if order.side is Side.BUY else book.bids).queues():
            if not left:
                break
            offered = sum((one.quantity for one in queue), _ZERO)
            traded = min(left, offered)
            cost += traded * queue[0].price
            left -= traded
        return order.needs(cost)

    def would_take(self, order: LiveOrder) -> bool:
        """Whether an order would trade at once."""
        first = self._engine(order).first(order.side.opposite)
        return first is not None and _reaches(order, first.price)

    def shown(self, order: LiveOrder) -> Decimal | None:
        """The quantity that an iceberg order shows now."""
        if order.request.display_quantity is None or not order.is_resting:
            return None
        resting = self._engine(order).order(order.order_id)
        return None if resting is None else resting.quantity

    def _engine(self, order: LiveOrder) -> MatchingEngine:
        return self._markets[order.request.symbol].engine

    def _hindrance(self, account: SimulatedAccount, order: LiveOrder) -> str:
        """Why an order may not begin to trade; empty if it may."""
        if order.request.post_only and self.would_take(order):
            return "Post only order"
        is_whole = order.request.time_in_force is TimeInForce.FOK
        has_size = order.request.quantity is not None
        if is_whole and has_size and self._within_reach(account, order) < order.remaining:
            return "Fill or kill"
        return ""

    def _match(
        self, account: SimulatedAccount, order: LiveOrder, market: SimulatedMarket, now_ns: int
    ) -> None:
        kind = "market" if order.is_market else "limit"
        limit = None if order.is_market else order.limit_price
        while not order.status.is_final:
            maker = market.engine.first(order.side.opposite)
            if maker is None or not _reaches(order, maker.price):
                return
            owner, rival = self._orders.get(maker.order_id, (None, None))
            if owner is account and rival is not None:
                self._give_way(account, order, rival, market, now_ns)
                continue
            quantity = min(order.wanted(maker.price), maker.quantity)
            if not quantity:
                return
            market.take(order.order_id, order.side, quantity, limit, kind, now_ns)
            self.book_trades(market, now_ns)

    def _give_way(
        self,
        account: SimulatedAccount,
        order: LiveOrder,
        rival: LiveOrder,
        market: SimulatedMarket,
        now_ns: int,
    ) -> None:
        """Two orders of one account meet: neither trades with the other."""
        rule = order.request.self_trade or SelfTrade.CANCEL_NEWEST
        if rule is not SelfTrade.CANCEL_NEWEST:
            self.end(account, rival, OrderStatus.CANCELED, "Self trade", market, now_ns)
        if rule is not SelfTrade.CANCEL_OLDEST:
            self.end(account, order, OrderStatus.CANCELED, "Self trade", market, now_ns)

    def _rest(self, order: LiveOrder, market: SimulatedMarket, now_ns: int) -> None:
        assert order.limit_price is not None, "only orders with a limit rest"
        shown = order.request.display_quantity
        order.is_resting = True
        market.rest(order.order_id, order.side, order.limit_price, order.remaining, now_ns, shown)

    def _fill(
        self,
        order_id: str,
        liquidity: Liquidity,
        execution: Execution,
        trade: Trade,
        now_ns: int,
    ) -> None:
        if order_id not in self._orders:
            return
        account, order = self._orders[order_id]
        order.status, order.moved_ns = OrderStatus.PARTIALLY_FILLED, now_ns
        fill, cost = account.execute(
            order, self._fill_id(trade), execution.price, execution.quantity, liquidity, now_ns
        )
        entries = account.book(fill, cost)
        account.rehold(order)
        account.record(order, OrderEventKind.TRADED, now_ns, fill, cost, trade.trade_id)
        for entry in entries:
            account.publish(entry)
        if order.is_done:
            market = self._markets[order.request.symbol]
            self.end(account, order, OrderStatus.FILLED, "", market, now_ns)
        elif execution.is_refilled and liquidity is Liquidity.MAKER:
            account.record(order, OrderEventKind.REFILLED, now_ns)

    def _within_reach(self, account: SimulatedAccount, order: LiveOrder) -> Decimal:
        """How much an order could trade at once, up to the first order of its own account."""
        engine = self._engine(order)
        against = engine.book.asks if order.side is Side.BUY else engine.book.bids
        found = _ZERO
        for queue in against.queues():
            if not _reaches(order, queue[0].price):
                break
            for one in queue:
                if self._orders.get(one.order_id, (None,))[0] is not account:
                    found += one.quantity + engine.hidden(one.order_id)
                elif order.request.self_trade is not SelfTrade.CANCEL_OLDEST:
                    return found
        return found


_ENDS = {
    OrderStatus.FILLED: OrderEventKind.FILLED,
    OrderStatus.CANCELED: OrderEventKind.CANCELED,
    OrderStatus.EXPIRED: OrderEventKind.EXPIRED,
}


def _end_of_rest(order: LiveOrder) -> str:
    """Why the rest of an order does not go to the book; empty if it does."""
    if order.is_market:
        return "No liquidity"
    return "Immediate or cancel" if order.request.time_in_force in _AT_ONCE else ""


def _reaches(order: LiveOrder, price: Decimal) -> bool:
    if order.is_market or order.limit_price is None:
        return True
    return order.limit_price >= price if order.side is Side.BUY else order.limit_price <= price
