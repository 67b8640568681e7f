"""How far from the market an order may trade, and what a market's book says of that.

An order is held against the middle between the best bid and ask: a buy above it, a sell below it.
What waits for a price is held against that price, unless the market has reached it already. Without
a book that is valid now nobody knows where the market is: then an order is refused, but for a
post-only one, which the venue refuses if it would trade, and for one that waits for its price.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from fluxum.book.book import MarketPrice
from fluxum.errors import NotSubscribed, RiskRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.orders.check import limit_of, trigger_of

__all__ = ["Books", "RiskBook", "Verdict", "best_price", "check_collar", "middle_of", "valid_book"]

_HUNDRED = Decimal(100)
_ZERO = Decimal(0)
_PROFITS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_NAME = "collar_percent"


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


Books = Callable[[Symbol], RiskBook]
"""Finds the live book of a market; raises NotSubscribed."""


def check_collar(request: OrderRequest, percent: Decimal, books: Books) -> None:
    """Raise RiskRefused for an order that may trade at a price so much worse than the market."""
    price = limit_of(request)
    if request.trigger is not None:
        waits_for = trigger_of(request)
        if price is not None and waits_for is not None:
            _compare(request, price, waits_for, percent)
        if waits_for is None or not _is_reached(request, waits_for, books):
            return  # it trades at a distance of its own, or at what the market then is
    elif request.post_only and not _is_valid(books, request.symbol):
        return
    book = valid_book(books, request.symbol, _NAME)
    worst = _worst(book, request) if price is None else price
    _compare(request, worst, middle_of(book, request.symbol, _NAME), percent)


def valid_book(books: Books, symbol: Symbol, limit: str) -> RiskBook:
    """The book of a market; raises RiskRefused in the name of a limit if it is not valid now."""
    try:
        book = books(symbol)
    except NotSubscribed as error:
        raise RiskRefused(
            f"{limit} needs the book of {symbol}: {error}; subscribe to it, "
            f"or trade without the limit (RiskLimits({limit}=None))",
            limit,
        ) from error
    proof = book.proof()
    if not proof.is_valid:
        raise RiskRefused(
            f"{limit} needs a valid book of {symbol}, and it is not: {proof.reason}", limit
        )
    return book


def middle_of(book: RiskBook, symbol: Symbol, limit: str) -> Decimal:
    """Half way between bid and ask, or the one side there is; raises RiskRefused for none."""
    middle = book.mid
    if middle is None:
        best = book.bid or book.ask
        if best is None:
            raise RiskRefused(f"the book of {symbol} is empty", limit)
        middle = best.price
    return middle


def best_price(book: RiskBook, side: Side, symbol: Symbol, limit: str) -> Decimal:
    """The best price to buy or sell at; raises RiskRefused for none."""
    best = book.ask if side is Side.BUY else book.bid
    if best is None:
        raise RiskRefused(f"{symbol} has no price now", limit)
    return best.price


def _compare(request: OrderRequest, price: Decimal, market: Decimal, percent: Decimal) -> None:
    away = (price - market) / market * _HUNDRED
    worse = away if request.side is Side.BUY else -away
    if worse > percent:
        raise RiskRefused(
            f"a {request.side.value} at {price} is {worse:.2f} percent worse than {market}, "
            f"and {percent} is the limit",
            _NAME,
        )


def _is_valid(books: Books, symbol: Symbol) -> bool:
    try:
        return books(symbol).proof().is_valid
    except NotSubscribed:
        return False


def _is_reached(request: OrderRequest, waits_for: Decimal, books: Books) -> bool:
    """Whether the market is beyond the price that an order waits for, as far as is known."""
    if not _is_valid(books, request.symbol):
        return False
    middle = books(request.symbol).mid
    if middle is None:
        return False
    waits_above = (request.side is Side.BUY) is not (request.order_type in _PROFITS)
    return middle >= waits_for if waits_above else middle <= waits_for


def _worst(book: RiskBook, request: OrderRequest) -> Decimal:
    """The worst price a market order would trade at now."""
    best = best_price(book, request.side, request.symbol, _NAME)
    quantity = request.quantity
    if quantity is None:
        quantity = (request.quote_quantity or _ZERO) / best
    if quantity <= 0:
        return best
    taken = book.market_price(request.side, quantity)
    if not taken.is_complete or taken.worst is None:
        raise RiskRefused(
            f"the book of {request.symbol} holds {taken.quantity} of {quantity} that are "
            f"to be traded, so nobody knows at what price",
            _NAME,
        )
    return taken.worst
