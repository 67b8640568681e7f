"""Limits of one's own, looked at before anything is sent, and the switch that halts.

A limit that cannot be checked is taken as reached: without a valid book there is no collar, and
without a profit and loss no daily loss, so nothing is placed. Cancels are never limited.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from fluxum.book.book import MarketPrice
from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.ledger.exact import EXACT
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.model.order import OrderRequest
from fluxum.orders.prices import limit_of, price_of, trigger_of

__all__ = ["Risk", "RiskBook", "RiskLimits", "Verdict"]

_HUNDRED = Decimal(100)
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS


class RiskLimits(Struct, frozen=True, kw_only=True):
    """What may be sent; none of a limit is no limit.

    `quantity_max` is of one order in its base asset, `notional_max` in its quote asset.
    `collar_percent` is how much worse than the middle of the market an order may trade: buys
    above, sells below. `orders_max` is how many may be open in all. `per_second_max` and
    `per_minute_max` count orders placed, amended and edited. `daily_loss_max` is a loss that stops
    further orders, in whatever asset profit is counted. `symbols` of none is every market.
    """

    quantity_max: Decimal | None = None
    notional_max: Decimal | None = None
    collar_percent: Decimal | None = None
    orders_max: int | None = None
    per_second_max: int | None = None
    per_minute_max: int | None = None
    daily_loss_max: Decimal | None = None
    symbols: frozenset[Symbol] | None = None

    def __post_init__(self) -> None:
        """Refuse limits that make no sense."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
                raise BadInput(f"{name} above zero was expected, was {value}")
            if isinstance(value, int) and value < 1:
                raise BadInput(f"{name} of at least 1 was expected, was {value}")


class Verdict(Protocol):
    """What limits need of a book's proof."""

    @property
    def is_valid(self) -> bool:
        """Whether the book can be trusted now."""
        ...

    @property
    def reason(self) -> str:
        """Why not, if not."""
        ...


class RiskBook(Protocol):
    """What limits need of a book."""

    @property
    def bid(self) -> Level | None:
        """The best bid."""
        ...

    @property
    def ask(self) -> Level | None:
        """The best ask."""
        ...

    @property
    def mid(self) -> Decimal | None:
        """The middle between them."""
        ...

    def market_price(self, side: Side, quantity: Decimal) -> MarketPrice:
        """What a quantity would cost or bring."""
        ...

    def proof(self) -> Verdict:
        """Whether it can be trusted now."""
        ...


class Risk:
    """Limits, and what they need to know: books, how many orders are open, the day's profit.

    `profit` is negative for a loss, and none while it is not known.
    """

    def __init__(
        self,
        limits: RiskLimits,
        book: Callable[[Symbol], RiskBook],
        profit: Callable[[], Decimal | None] | None = None,
    ) -> None:
        if limits.daily_loss_max is not None and profit is None:
            raise BadInput("a daily loss is limited, but nobody says what the profit is")
        self.limits = limits
        self._book = book
        self._profit = profit
        self._halted: str | None = None
        self._seconds: deque[int] = deque(maxlen=limits.per_second_max)
        self._minutes: deque[int] = deque(maxlen=limits.per_minute_max)

    @property
    def halted(self) -> str | None:
        """Why nothing is placed now, or none while it is."""
        return self._halted

    def halt(self, reason: str) -> None:
        """Place, amend and edit nothing from now on; cancels pass."""
        self._halted = reason or "no reason was given"

    def resume(self) -> None:
        """Place again."""
        self._halted = None

    def check(
        self, requests: Sequence[OrderRequest], open_orders: int, added: int, now_ns: int
    ) -> None:
        """Raise RiskRefused for orders that are to be sent together and must not.

        `requests` are what orders are to be or become, `added` how many of them are new.
        """
        if self._halted is not None:
            raise RiskRefused(f"trading is halted: {self._halted}", "halt")
        self._check_rates(len(requests), now_ns)
        orders_max = self.limits.orders_max
        if orders_max is not None and added and open_orders + added > orders_max:
            _refuse("open orders", open_orders + added, orders_max, "orders_max")
        self._check_loss()
        for request in requests:
            self._check_one(request)

    def book(self, count: int, now_ns: int) -> None:
        """So many orders were sent."""
        if self.limits.per_second_max is not None:
            self._seconds.extend([now_ns] * count)
        if self.limits.per_minute_max is not None:
            self._minutes.extend([now_ns] * count)

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
                _refuse(what, lately + count, most, name)

    def _check_loss(self) -> None:
        most = self.limits.daily_loss_max
        if most is None or self._profit is None:
            return
        profit = self._profit()
        if profit is None:
            raise RiskRefused(
                f"the day's loss is limited to {most} and not known now", "daily_loss_max"
            )
        if profit <= -most:
            _refuse("a loss today", -profit, most, "daily_loss_max")

    def _check_one(self, request: OrderRequest) -> None:
        limits = self.limits
        if limits.symbols is not None and request.symbol not in limits.symbols:
            allowed = ", ".join(sorted(limits.symbols)) or "none"
            raise RiskRefused(f"allowed are {allowed}; was {request.symbol}", "symbols")
        quantity = request.quantity
        if limits.quantity_max is not None:
            if quantity is None and request.quote_quantity is not None:
                quantity = self._bought(request, request.quote_quantity)
            if quantity is not None and quantity > limits.quantity_max:
                _refuse("a quantity", quantity, limits.quantity_max, "quantity_max")
        if limits.notional_max is not None:
            notional = self._notional(request)
            if notional > limits.notional_max:
                what = f"an amount in {request.symbol.quote}"
                _refuse(what, notional, limits.notional_max, "notional_max")
        if limits.collar_percent is not None:
            self._check_collar(request, limits.collar_percent)

    def _notional(self, request: OrderRequest) -> Decimal:
        """What an order may come to: at its own price, or else at that of the market."""
        if request.quote_quantity is not None:
            return request.quote_quantity
        if request.quantity is None:
            return Decimal(0)
        price = price_of(request)
        if price is None:
            book = self._valid_book(request, "notional_max")
            best = book.ask if request.side is Side.BUY else book.bid
            if best is None:
                raise RiskRefused(f"{request.symbol} has no price now", "notional_max")
            price = best.price
        return EXACT.multiply(price, request.quantity)

    def _bought(self, request: OrderRequest, spend: Decimal) -> Decimal:
        """What an amount to spend buys at the best price."""
        ask = self._valid_book(request, "quantity_max").ask
        if ask is None:
            raise RiskRefused(f"{request.symbol} has no price now", "quantity_max")
        return spend / ask.price

    def _check_collar(self, request: OrderRequest, percent: Decimal) -> None:
        """What waits for a price is held against that price, all else against the market."""
        if request.trigger is not None:
            price, middle = limit_of(request), trigger_of(request)
            if price is None or middle is None:
                return  # it trades at a distance of its own, or at what the market then is
        else:
            book = self._valid_book(request, "collar_percent")
            middle = _middle(book, request)
            price = request.limit_price
            if price is None:
                price = self._worst(book, request)
        away = (price - middle) / middle * _HUNDRED
        worse = away if request.side is Side.BUY else -away
        if worse > percent:
            raise RiskRefused(
                f"a {request.side.value} at {price} is {worse:.2f} percent worse than {middle}, "
                f"and {percent} is the limit",
                "collar_percent",
            )

    def _worst(self, book: RiskBook, request: OrderRequest) -> Decimal:
        """The worst price a market order would trade at now."""
        best = book.ask if request.side is Side.BUY else book.bid
        if best is None:
            raise RiskRefused(f"{request.symbol} has no price now", "collar_percent")
        quantity = request.quantity
        if quantity is None:
            quantity = (request.quote_quantity or Decimal(0)) / best.price
        if quantity <= 0:
            return best.price
        taken = book.market_price(request.side, quantity)
        if not taken.is_complete or taken.worst is None:
            raise RiskRefused(
                f"the book of {request.symbol} holds {taken.quantity} of {quantity} that are "
                f"to be traded, so nobody knows at what price",
                "collar_percent",
            )
        return taken.worst

    def _valid_book(self, request: OrderRequest, limit: str) -> RiskBook:
        try:
            book = self._book(request.symbol)
        except NotSubscribed as error:
            raise RiskRefused(
                f"{limit} needs the book of {request.symbol}: {error}", limit
            ) from error
        proof = book.proof()
        if not proof.is_valid:
            raise RiskRefused(
                f"{limit} needs a valid book of {request.symbol}, and it is not: {proof.reason}",
                limit,
            )
        return book


def _refuse(what: str, value: Decimal | int, most: Decimal | int, limit: str) -> None:
    raise RiskRefused(f"{what} of at most {most} was expected, was {value}", limit)


def _middle(book: RiskBook, request: OrderRequest) -> Decimal:
    """Half way between bid and ask, or the one side there is."""
    middle = book.mid
    if middle is None:
        best = book.bid or book.ask
        if best is None:
            raise RiskRefused(f"the book of {request.symbol} is empty", "collar_percent")
        middle = best.price
    return middle
