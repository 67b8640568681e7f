"""Limits of one's own, checked before anything is sent, and the switches that halt. Pure.

A limit that cannot be checked counts as reached: if the collar has no valid book, or the daily loss
no profit, nothing is placed. Cancels are never limited.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.ledger.arithmetic import add, minus, multiply, subtract
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.orders.check import price_of
from fluxum.orders.exposure import (
    Exposed,
    Exposure,
    PositionLimits,
    could_fill,
    fills_after,
    wanted,
)
from fluxum.orders.limits import (
    Books,
    PricedBook,
    RiskLimits,
    best_price,
    check_collar,
    refuse,
    valid_book,
)
from fluxum.orders.order import TrackedOrder

__all__ = ["Risk", "RiskLimits"]

_ZERO = Decimal(0)
# To look up a member of an enumeration costs a call.
_LIMIT, _MARKET, _BUY = OrderType.LIMIT, OrderType.MARKET, Side.BUY
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS


class Risk:
    """Limits, and what they need to know: books, positions, open orders, the profit.

    `profit` is negative for a loss, and `None` while it is not known. With `takes_unverified` a
    book needs no proof, for venues that send none.
    """

    def __init__(
        self,
        limits: RiskLimits,
        book: Books,
        profit: Callable[[], Decimal | None] | None = None,
        exposure: Exposed | None = None,
        *,
        takes_unverified: bool = False,
    ) -> None:
        if limits.are_of_profit and profit is None:
            raise BadInput("a loss is limited, but no source of the profit was given")
        self.limits = limits
        self.exposure: Exposed = Exposure() if exposure is None else exposure
        """What is held, and what open orders could make of it."""
        self._positions = PositionLimits(self.exposure, self._valid)
        self._book = book
        self._takes_unverified = takes_unverified
        self._profit = profit
        self._high: Decimal | None = None
        self._halted: str | None = None
        self._reducing: str | None = None
        self._seconds: deque[int] = deque(maxlen=limits.per_second_max)
        self._minutes: deque[int] = deque(maxlen=limits.per_minute_max)

    @property
    def limits(self) -> RiskLimits:
        """What may be sent."""
        return self._limits

    @limits.setter
    def limits(self, limits: RiskLimits) -> None:
        # Which kinds of limits there are: to work that out at each order costs calls.
        self._limits = limits
        self._is_paced = limits.per_second_max is not None or limits.per_minute_max is not None
        of_one = (limits.symbols, limits.quantity_max, limits.notional_max)
        self._is_of_one = any(one is not None for one in of_one)
        self._is_of_profit, self._is_of_positions = limits.are_of_profit, limits.are_of_positions

    # The switches

    @property
    def halted(self) -> str | None:
        """Why trading is halted; `None`: it is not."""
        return self._halted

    @property
    def reducing(self) -> str | None:
        """Why only orders that make a position smaller are placed; `None`: all are."""
        return self._reducing

    def halt(self, reason: str) -> None:
        """Place, amend and edit nothing from now on; cancels pass."""
        self._halted = reason or "no reason was given"

    def reduce_only(self, reason: str) -> None:
        """Let only orders through from now on that make a position smaller; cancels pass."""
        self._reducing = reason or "no reason was given"

    def resume(self) -> None:
        """Place everything again."""
        self._halted = self._reducing = None

    # The profit

    @property
    def drawdown(self) -> Decimal | None:
        """How far the profit is below its highest; `None` while that is not known."""
        return self._below_high(self.look())

    def _below_high(self, profit: Decimal | None) -> Decimal | None:
        if profit is None or self._high is None:
            return None
        return subtract(self._high, profit)

    def look(self) -> Decimal | None:
        """Take note of the profit as it is now; the desk does so every second."""
        profit = None if self._profit is None else self._profit()
        if profit is not None and (self._high is None or profit > self._high):
            self._high = profit
        return profit

    def forget_high(self) -> None:
        """Count the drawdown from the profit as it is now."""
        self._high = None
        self.look()

    # The checks

    def check(self, requests: Sequence[OrderRequest], open_orders: int, now_ns: int) -> None:
        """Raise RiskRefused for new orders that are to be sent together and must not."""
        if self._halted is not None:
            self._check_halt()
        if self._is_paced:
            self._check_rates(len(requests), now_ns)
        orders_max = self._limits.orders_max
        if orders_max is not None and open_orders + len(requests) > orders_max:
            refuse("open orders", open_orders + len(requests), orders_max, "orders_max")
        for request in requests:
            if self._is_of_one:
                self._check_one(request)
            if not self._is_passive(request):
                self._check_collar(request)
        can_grow = self._reducing is None and not self._is_of_profit
        if not can_grow or self._is_of_positions:
            self._check_added(requests, can_grow=can_grow)

    def _check_added(self, requests: Sequence[OrderRequest], *, can_grow: bool) -> None:
        """Check the limits of what is held together with all that is open."""
        added: dict[Symbol, tuple[Decimal, Decimal]] = {}
        is_reducing = True
        for request in requests:
            buys, sells = added.get(request.symbol, (_ZERO, _ZERO))
            quantity = wanted(request)
            if request.side is Side.BUY:
                buys = add(buys, quantity)
            else:
                sells = add(sells, quantity)
            added[request.symbol] = buys, sells
            if not can_grow:
                is_reducing = is_reducing and self.reduces(request, (buys, sells))
        self._check_reducing(is_reducing=is_reducing)
        self._positions.check(self._limits, requests, added)

    def check_change(
        self,
        order: TrackedOrder,
        before: OrderRequest,
        after: OrderRequest,
        now_ns: int,
        *,
        anew: bool,
    ) -> None:
        """Raise RiskRefused for what an order must not become; `before` is what it is now.

        `anew` is whether another order takes its place, of which nothing is filled.
        """
        left = could_fill(order)
        more = subtract(fills_after(order, left, after.quantity or _ZERO, anew=anew), left)
        self.check_grown(before, after, more, now_ns)

    def check_grown(
        self, before: OrderRequest, after: OrderRequest, more: Decimal, now_ns: int
    ) -> None:
        """Raise RiskRefused for what an order must not become.

        `more` is how much more than before could be filled of it.
        """
        if self._halted is not None:
            self._check_halt()
        if self._is_paced:
            self._check_rates(1, now_ns)
        if self._is_of_one:
            self._check_one(after)
        is_moved = _prices(before) != _prices(after) or after.order_type is _MARKET
        if is_moved and not self._is_passive(after):
            self._check_collar(after)
        is_limited = self._reducing is not None or self._is_of_profit
        if is_limited or self._is_of_positions:
            added = (more, _ZERO) if after.side is _BUY else (_ZERO, minus(more))
            if is_limited:
                self._check_reducing(is_reducing=self.reduces(after, added))
            self._positions.check(self._limits, [after], {after.symbol: added})

    def book(self, count: int, now_ns: int) -> None:
        """So many orders were sent."""
        if not self._is_paced:
            return
        if self.limits.per_second_max is not None:
            self._seconds.extend([now_ns] * count)
        if self.limits.per_minute_max is not None:
            self._minutes.extend([now_ns] * count)

    # Of the desk

    def _check_halt(self) -> None:
        if self._halted is not None:
            raise RiskRefused(f"trading is halted: {self._halted}", "halt")

    def _check_rates(self, count: int, now_ns: int) -> None:
        limits = self.limits
        for most, sent, span_ns, name in (
            (limits.per_second_max, self._seconds, _SECOND_NS, "per_second_max"),
            (limits.per_minute_max, self._minutes, _MINUTE_NS, "per_minute_max"),
        ):
            if most is None:
                continue
            lately = sum(1 for at_ns in sent if now_ns - at_ns < span_ns)
            if lately + count > most:
                what = f"orders in {span_ns // _SECOND_NS} s"
                refuse(what, lately + count, most, name)

    def _check_reducing(self, *, is_reducing: bool) -> None:
        """Refuse what makes no position smaller beyond a loss, or by the switch."""
        if self._reducing is not None and not is_reducing:
            raise RiskRefused(
                f"only orders that make a position smaller are placed: {self._reducing}",
                "reduce_only",
            )
        if not self.limits.are_of_profit:
            return
        profit = self.look()
        if is_reducing:
            return
        drawdown = self._below_high(profit)
        for limit, loss, what in (
            ("daily_loss_max", None if profit is None else -profit, "a loss today"),
            ("drawdown_max", drawdown, "a loss since the highest profit"),
        ):
            most: Decimal | None = getattr(self.limits, limit)
            if most is None:
                continue
            if loss is None:
                raise RiskRefused(f"{what} is limited to {most} and not known now", limit)
            if loss >= most:
                raise RiskRefused(
                    f"{what} below {most} was expected, was {loss}: "
                    f"only orders that make a position smaller are placed",
                    limit,
                )

    def reduces(self, request: OrderRequest, added: tuple[Decimal, Decimal]) -> bool:
        """Whether a position is smaller, and on the same side, if all that is open is filled.

        `added` are the buys and the sells, below zero, that come with the order.
        """
        if request.reduce_only or request.order_type is OrderType.SETTLE_POSITION:
            return True  # the venue sees to it
        is_known = self.exposure.is_known and request.quantity is not None
        if not is_known or request.close is not None:
            return False
        buys, sells = added
        if request.side is Side.BUY:
            return add(self.exposure.highest(request.symbol), buys) <= 0
        return add(self.exposure.lowest(request.symbol), sells) >= 0

    # Of one order

    def _check_one(self, request: OrderRequest) -> None:
        limits = self.limits
        if limits.symbols is not None and request.symbol not in limits.symbols:
            allowed = ", ".join(sorted(limits.symbols)) or "none"
            raise RiskRefused(f"allowed are {allowed}; was {request.symbol}", "symbols")
        quantity = request.quantity
        if limits.quantity_max is not None:
            if quantity is None and request.quote_quantity is not None:
                quantity = request.quote_quantity / self._best(request, "quantity_max")
            if quantity is not None and quantity > limits.quantity_max:
                refuse("a quantity", quantity, limits.quantity_max, "quantity_max")
        if limits.notional_max is not None:
            notional = self._notional(request)
            if notional > limits.notional_max:
                what = f"an amount in {request.symbol.quote}"
                refuse(what, notional, limits.notional_max, "notional_max")

    def _check_collar(self, request: OrderRequest) -> None:
        if self.limits.collar_percent is not None:
            collar, takes = self.limits.collar_percent, self._takes_unverified
            check_collar(request, collar, self._book, takes_unverified=takes)

    def _is_passive(self, request: OrderRequest) -> bool:
        """Whether it is a limit order no worse than the middle of a valid book: no collar stops it.

        Most orders are, and need no other look at their price.
        """
        price = request.limit_price
        if (
            price is None
            or request.order_type is not _LIMIT
            or request.limit_price_kind is not None
            or request.trigger is not None
        ):
            return False
        try:
            book = self._book(request.symbol)
        except NotSubscribed:
            return False
        bid, ask = book.bid, book.ask
        if bid is None or ask is None or not book.is_valid:
            return False
        twice, both = price + price, bid.price + ask.price
        return twice <= both if request.side is _BUY else twice >= both

    def _notional(self, request: OrderRequest) -> Decimal:
        """What an order may come to: at its own price, or else at that of the market."""
        if request.quote_quantity is not None:
            return request.quote_quantity
        if request.quantity is None:
            return _ZERO
        if request.symbol.contract and request.symbol.is_inverse:
            return request.quantity  # which is in the quote asset already
        price = price_of(request)
        if price is None:
            price = self._best(request, "notional_max")
        return multiply(price, request.quantity)

    def _best(self, request: OrderRequest, limit: str) -> Decimal:
        book = self._valid(request.symbol, limit)
        return best_price(book, request.side, request.symbol, limit)

    def _valid(self, symbol: Symbol, limit: str) -> PricedBook:
        return valid_book(self._book, symbol, limit, takes_unverified=self._takes_unverified)


def _prices(request: OrderRequest) -> tuple[object, ...]:
    return request.limit_price, request.limit_price_kind, request.trigger
