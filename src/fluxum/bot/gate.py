"""Whether a bot may send what it intends: limits of its state, over all its venues. Pure.

The rules of one venue's account are those of every desk (`orders.risk`), fed with what the bot
holds and has open. A limit that cannot be checked counts as reached. Cancels are never limited.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from fluxum.bot.account import BotAccount, BotOrder
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market, market_of
from fluxum.bot.profit import Earnings
from fluxum.bot.protections import Pause, Protections
from fluxum.bot.view import BookView
from fluxum.errors import NotSubscribed, RiskRefused
from fluxum.ledger.arithmetic import add, minus, subtract
from fluxum.model.account import Fill
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest
from fluxum.orders.exposure import wanted
from fluxum.orders.risk import Risk

__all__ = ["Gate"]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000
_BUY = Side.BUY  # to look up a member costs a call


class _VenueExposure:
    """What one venue's markets could become, for `Risk`."""

    is_known = True

    def __init__(self, account: BotAccount, venue: str) -> None:
        self._account = account
        self._venue = venue

    @property
    def symbols(self) -> Iterable[Symbol]:
        """Every market where something is or was held or ordered."""
        held = (one for one in self._account.positions if one.venue == self._venue)
        parts = (market for market, _, _ in self._account.open_parts())
        ordered = (one for one in parts if one.venue == self._venue)
        return dict.fromkeys(one.symbol for one in (*held, *ordered))

    def position(self, symbol: Symbol) -> Decimal:
        """What is held, below zero for a short."""
        return self._account.position(market_of(self._venue, symbol))

    def highest(self, symbol: Symbol) -> Decimal:
        """What is held if every open buy is filled and no sell."""
        return add(self.position(symbol), self._open(symbol, Side.BUY))

    def lowest(self, symbol: Symbol) -> Decimal:
        """What is held if every open sell is filled and no buy."""
        return subtract(self.position(symbol), self._open(symbol, Side.SELL))

    def _open(self, symbol: Symbol, side: Side) -> Decimal:
        total = _ZERO
        for market, at, left in self._account.open_parts():
            if at is side and market.symbol == symbol and market.venue == self._venue:
                total = add(total, left)
        return total


class Gate:
    """The limits of one bot, and what they need to know."""

    def __init__(
        self,
        limits: BotLimits,
        account: BotAccount,
        book: Callable[[Market], BookView],
        earnings: Earnings,
        protections: Protections,
    ) -> None:
        self.limits = limits
        self.high: Decimal | None = None
        """The highest profit so far."""
        self.placed_since_fill = 0
        """How many orders were placed since the last fill."""
        self.reducing = ""
        """Why only orders that make a position smaller are sent; empty: all are."""
        self._account = account
        self._book = book
        self._earnings = earnings
        self._protections = protections
        self._risks: dict[str, Risk] = {}
        self._limits_growth = limits.are_of_growth
        most = limits.commands_per_second_max
        self._intended: deque[int] = deque(maxlen=None if most is None else most + 1)

    # What happens

    def fill(self, fill: Fill) -> list[Pause]:
        """A fill of the account was counted; returns the pauses that begin with it."""
        self.placed_since_fill = 0
        trip = self._earnings.take(fill)
        return [] if trip is None else self._protections.take(trip)

    def intend(self, count: int, now_ns: int) -> bool:
        """So many orders and changes are intended; returns whether that is too many a second."""
        most = self.limits.commands_per_second_max
        if most is None or not count:
            return False
        self._intended.extend([now_ns] * min(count, most + 1))
        return len(self._intended) > most and now_ns - self._intended[0] < _SECOND_NS

    def look(self) -> None:
        """Take note of the profit as it is now, at every step, so that no high is missed."""
        if self.limits.drawdown_max is None:
            return
        profit = self._profit()
        if profit is not None and (self.high is None or profit > self.high):
            self.high = profit

    # What may be sent

    def check_new(self, orders: Sequence[tuple[Market, OrderRequest]], now_ns: int) -> None:
        """Raise RiskRefused if orders that belong together must not be sent."""
        if self._is_limiting_growth:
            self._check_added(orders, now_ns)
        if len(orders) == 1:
            ((market, request),) = orders
            venue = market.venue
            self._risk(venue).check([request], self._account.count(venue), now_ns)
            return
        for venue in dict.fromkeys(market.venue for market, _ in orders):
            requests = [request for market, request in orders if market.venue == venue]
            self._risk(venue).check(requests, self._account.count(venue), now_ns)

    def _check_added(self, orders: Sequence[tuple[Market, OrderRequest]], now_ns: int) -> None:
        """The limits over all venues, and those of orders that make a position larger."""
        added: dict[Market, tuple[Decimal, Decimal]] = {}
        for market, request in orders:
            buys, sells = added.get(market, (_ZERO, _ZERO))
            quantity = wanted(request)
            if request.side is Side.BUY:
                buys = add(buys, quantity)
            else:
                sells = add(sells, quantity)
            added[market] = buys, sells
            if not self._risk(market.venue).reduces(request, (buys, sells)):
                self._check_growing(market, len(orders), now_ns)
        self._check_exposure(added)

    def check_change(
        self, order: BotOrder, before: OrderRequest, after: OrderRequest, now_ns: int
    ) -> None:
        """Raise RiskRefused for what an order must not become."""
        left = order.could_fill
        grown = subtract(after.quantity or _ZERO, order.by_fills)
        more = max(subtract(grown, left), _ZERO)
        risk = self._risk(order.market.venue)
        if more and self._is_limiting_growth:
            added = (more, _ZERO) if order.side is _BUY else (_ZERO, minus(more))
            if not risk.reduces(after, added):
                self._check_growing(order.market, 0, now_ns)
                self._check_exposure({order.market: added})
        risk.check_grown(before, after, more, now_ns)

    def placed(self, market: Market, now_ns: int) -> None:
        """An order is sent."""
        self.placed_since_fill += 1
        self._risk(market.venue).book(1, now_ns)

    def changed(self, market: Market, now_ns: int) -> None:
        """A change of an order is sent."""
        self._risk(market.venue).book(1, now_ns)

    # Pieces

    @property
    def _is_limiting_growth(self) -> bool:
        """Whether anything may forbid that a position becomes larger now."""
        return bool(self._limits_growth or self.reducing or self._protections.pauses)

    def _check_growing(self, market: Market, count: int, now_ns: int) -> None:
        """Refuse what makes a position larger, where only the opposite is allowed."""
        if self.reducing:
            raise RiskRefused(_only(self.reducing), "reduce_only")
        pause = self._protections.paused(market, now_ns)
        if pause is not None:
            raise RiskRefused(_only(pause.reason), "protections")
        most = self.limits.orders_per_fill_max
        if most is not None and self.placed_since_fill + count > most:
            found = self.placed_since_fill + count
            why = f"{most} orders without a fill were expected at most, were {found}"
            raise RiskRefused(_only(why), "orders_per_fill_max")
        self._check_age(market, now_ns)
        self._check_drawdown()

    def _check_age(self, market: Market, now_ns: int) -> None:
        most = self.limits.data_age_max_ms
        if most is None:
            return
        try:
            updated_ns = self._book(market).updated_ns
        except NotSubscribed as error:
            raise RiskRefused(f"the age of data is limited: {error}", "data_age_max_ms") from error
        age_ms = None if updated_ns is None else (now_ns - updated_ns) // _MS_NS
        if age_ms is None or age_ms > most:
            why = f"data of {market} of at most {most} ms was expected, was {age_ms} ms old"
            raise RiskRefused(_only(why), "data_age_max_ms")

    def _check_drawdown(self) -> None:
        most = self.limits.drawdown_max
        if most is None:
            return
        profit = self._profit()
        if profit is None or self.high is None:
            why = f"a drawdown of at most {most} was expected, and the profit is not known now"
            raise RiskRefused(_only(why), "drawdown_max")
        drawdown = subtract(self.high, profit)
        if drawdown >= most:
            why = f"a drawdown below {most} {self.limits.currency} was expected, was {drawdown}"
            raise RiskRefused(_only(why), "drawdown_max")

    def _check_exposure(self, added: dict[Market, tuple[Decimal, Decimal]]) -> None:
        for asset, most in (self.limits.exposure_max or {}).items():
            mine = {at: parts for at, parts in added.items() if at.symbol.base == asset}
            if not mine:
                continue
            held = high = low = _ZERO
            for market, quantity in self._account.positions.items():
                if market.symbol.base == asset:
                    held = add(held, quantity)
            for market, side, left in self._account.open_parts():
                if market.symbol.base == asset and side is Side.BUY:
                    high = add(high, left)
                elif market.symbol.base == asset:
                    low = subtract(low, left)
            buys = _sum(one for one, _ in mine.values())
            sells = _sum(one for _, one in mine.values())
            highest = add(add(held, high), buys)
            lowest = add(add(held, low), sells)
            if (buys and highest > most) or (sells and lowest < -most):
                found = highest if buys and highest > most else lowest
                raise RiskRefused(
                    f"an exposure to {asset} over all venues, open orders included, of at most "
                    f"{most} was expected, was {found}",
                    "exposure_max",
                )

    def _profit(self) -> Decimal | None:
        currency = self.limits.currency
        return None if currency is None else self._earnings.total(currency, self._mark)

    def _mark(self, market: Market) -> Decimal | None:
        try:
            book = self._book(market)
        except NotSubscribed:
            return None
        return book.mid if book.is_valid else None

    def _risk(self, venue: str) -> Risk:
        risk = self._risks.get(venue)
        if risk is None:

            def book(symbol: Symbol) -> BookView:
                return self._book(market_of(venue, symbol))

            exposure = _VenueExposure(self._account, venue)
            risk = self._risks[venue] = Risk(self.limits.of(venue), book, None, exposure)
        return risk


def _only(why: str) -> str:
    return f"{why}: only orders that make a position smaller are sent"


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for value in values:
        total = add(total, value)
    return total
