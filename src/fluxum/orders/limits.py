"""Limits of one's own, and the collar: how far from the market an order may trade. Pure.

The collar compares an order with the middle between the best bid and ask: a buy above it, a sell
below it. An order with a trigger is compared with that price, unless the market has reached it
already. Without a valid book the price of the market is not known: then an order is refused, except
a post-only one, which the venue refuses if it would trade, and one that waits for its trigger.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn, Protocol

from msgspec import Struct

from fluxum.book.book import MarketPrice
from fluxum.book.proof import BookProof, BookStatus
from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.model.input import (
    Number,
    Take,
    asset,
    counted,
    mapping,
    optional,
    positive,
    several,
    symbol,
    take_all,
)
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.levels import Level
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.orders.check import limit_of, trigger_of

__all__ = [
    "COLLAR_PERCENT",
    "Books",
    "PricedBook",
    "RiskLimits",
    "best_price",
    "check_collar",
    "middle_of",
    "refuse",
    "valid_book",
]

_HUNDRED = Decimal(100)
_ZERO = Decimal(0)
_PROFITS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_NAME = "collar_percent"

COLLAR_PERCENT = Decimal(10)
"""How much worse than the middle of the market an order may trade by default."""


class RiskLimits(Struct, frozen=True, kw_only=True):
    """What may be sent, and what an account may come to by it; `None` disables a limit.

    Of one order: `quantity_max` is in its base asset, `notional_max` in its quote asset.
    `collar_percent` is how much worse than the middle of the market it may trade: buys above,
    sells below; it is 10 unless another number or `None` is given. `symbols` are the markets.

    Of all orders: `orders_max` is how many may be open. `per_second_max` and `per_minute_max`
    count orders placed, amended and edited.

    Of the account, with all that open orders could still fill, in whichever way is worse:
    `position_max` is of each market in its base asset, long or short, one number for all or one
    for each of some; an edit counts as an order beside the one it replaces. `exposure_max` is of
    each of some base assets, over all of its markets, in that asset. `account_exposure_max` is of
    all positions without sign at the middle of their markets, in `account_asset`.

    Of the profit, in whatever asset that is counted: beyond a loss of `daily_loss_max`, or
    `drawdown_max` below the highest profit since the desk was opened, only orders pass that make
    a position smaller.
    """

    quantity_max: Decimal | None = None
    notional_max: Decimal | None = None
    collar_percent: Decimal | None = COLLAR_PERCENT
    orders_max: int | None = None
    per_second_max: int | None = None
    per_minute_max: int | None = None
    position_max: Decimal | Mapping[Symbol, Decimal] | None = None
    exposure_max: Mapping[Asset, Decimal] | None = None
    account_exposure_max: Decimal | None = None
    account_asset: Asset | None = None
    daily_loss_max: Decimal | None = None
    drawdown_max: Decimal | None = None
    symbols: frozenset[Symbol] | None = None

    if TYPE_CHECKING:  # what is taken, which is more than what it becomes

        def __init__(
            self,
            *,
            quantity_max: Number | None = None,
            notional_max: Number | None = None,
            collar_percent: Number | None = COLLAR_PERCENT,
            orders_max: int | None = None,
            per_second_max: int | None = None,
            per_minute_max: int | None = None,
            position_max: Number | Mapping[str, Number] | Mapping[Symbol, Number] | None = None,
            exposure_max: Mapping[str, Number] | Mapping[Asset, Number] | None = None,
            account_exposure_max: Number | None = None,
            account_asset: str | None = None,
            daily_loss_max: Number | None = None,
            drawdown_max: Number | None = None,
            symbols: Collection[str] | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Take text as well, and refuse limits that make no sense."""
        take_all(self, _LIMITS)
        if (self.account_exposure_max is None) is not (self.account_asset is None):
            raise BadInput(
                f"account_exposure_max and account_asset go together, were "
                f"{self.account_exposure_max} and {self.account_asset}"
            )

    @property
    def are_of_positions(self) -> bool:
        """Whether they need to know what is held."""
        return (
            self.position_max is not None
            or self.exposure_max is not None
            or self.account_exposure_max is not None
        )

    @property
    def are_of_profit(self) -> bool:
        """Whether they need to know what was earned."""
        return self.daily_loss_max is not None or self.drawdown_max is not None

    def position_of(self, market: Symbol) -> Decimal | None:
        """How large a position in a market may be."""
        limit = self.position_max
        return limit if limit is None or isinstance(limit, Decimal) else limit.get(market)


def _one_or_some(value: object, what: str) -> object:
    if isinstance(value, Decimal | int | float | str):
        return positive(value, what)
    return mapping(symbol, positive)(value, what)


def _some(value: object, what: str) -> object:
    return frozenset(several(symbol)(value, what))


_LIMITS: Mapping[str, Take] = {
    "quantity_max": optional(positive),
    "notional_max": optional(positive),
    "collar_percent": optional(positive),
    "orders_max": optional(counted),
    "per_second_max": optional(counted),
    "per_minute_max": optional(counted),
    "position_max": optional(_one_or_some),
    "exposure_max": optional(mapping(asset, positive)),
    "account_exposure_max": optional(positive),
    "account_asset": optional(asset),
    "daily_loss_max": optional(positive),
    "drawdown_max": optional(positive),
    "symbols": optional(_some),
}


class PricedBook(Protocol):
    """What limits need of a book; `fluxum.Book` is one."""

    @property
    def is_valid(self) -> bool:
        """Whether a passed check proves the book as last received."""
        ...

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
        """Half way between best bid and ask; `None` while a side is empty."""
        ...

    def proof(self) -> BookProof:
        """Whether and why this book can be trusted now."""
        ...

    def market_price(self, side: Side, quantity: Number) -> MarketPrice:
        """What buying (BUY) or selling (SELL) a quantity would cost or bring."""
        ...


Books = Callable[[Symbol], PricedBook]
"""Finds the live book of a market; raises NotSubscribed."""


def check_collar(
    request: OrderRequest, percent: Decimal, books: Books, *, takes_unverified: bool = False
) -> None:
    """Raise RiskRefused for an order that may trade at a price so much worse than the market.

    `takes_unverified` as for `valid_book`.
    """
    price = limit_of(request)
    if request.trigger is not None:
        waits_for = trigger_of(request)
        if price is not None and waits_for is not None:
            _compare(request, price, waits_for, percent)
        if waits_for is None or not _is_reached(
            request, waits_for, books, takes_unverified=takes_unverified
        ):
            return  # it trades at a distance of its own, or at what the market then is
    elif request.post_only and not _is_valid(
        books, request.symbol, takes_unverified=takes_unverified
    ):
        return
    book = valid_book(books, request.symbol, _NAME, takes_unverified=takes_unverified)
    worst = _worst(book, request) if price is None else price
    _compare(request, worst, middle_of(book, request.symbol, _NAME), percent)


def valid_book(
    books: Books, symbol: Symbol, limit: str, *, takes_unverified: bool = False
) -> PricedBook:
    """The book of a market; raises RiskRefused in the name of a limit if it is not valid now.

    With `takes_unverified`, for venues that send nothing to prove a book by, one with a snapshot
    and every update since is enough.
    """
    try:
        book = books(symbol)
    except NotSubscribed as error:
        raise RiskRefused(
            f"{limit} needs the book of {symbol}: {error}; subscribe to it, "
            f"or trade without the limit (RiskLimits({limit}=None))",
            limit,
        ) from error
    if not _is_trusted(book, takes_unverified=takes_unverified):
        raise RiskRefused(
            f"{limit} needs a valid book of {symbol}, and it is not: {book.proof().reason}", limit
        )
    return book


def middle_of(book: PricedBook, symbol: Symbol, limit: str) -> Decimal:
    """Half way between bid and ask, or the one side there is; raises RiskRefused for none."""
    middle = book.mid
    if middle is None:
        best = book.bid or book.ask
        if best is None:
            raise RiskRefused(f"the book of {symbol} is empty", limit)
        middle = best.price
    return middle


def best_price(book: PricedBook, side: Side, symbol: Symbol, limit: str) -> Decimal:
    """The best price to buy or sell at; raises RiskRefused for none."""
    best = book.ask if side is Side.BUY else book.bid
    if best is None:
        raise RiskRefused(f"{symbol} has no price now", limit)
    return best.price


def refuse(what: str, value: Decimal | int, most: Decimal | int, limit: str) -> NoReturn:
    """Raise RiskRefused for more than a limit."""
    raise RiskRefused(f"{what} of at most {most} was expected, was {value}", limit)


def _compare(request: OrderRequest, price: Decimal, market: Decimal, percent: Decimal) -> None:
    away = (price - market) / market * _HUNDRED
    worse = away if request.side is Side.BUY else -away
    if worse > percent:
        raise RiskRefused(
            f"a {request.side.value} at {price} is {worse:.2f} percent worse than {market}, "
            f"and {percent} is the limit",
            _NAME,
        )


def _is_trusted(book: PricedBook, *, takes_unverified: bool) -> bool:
    return book.is_valid or (takes_unverified and book.proof().status is BookStatus.UNVERIFIED)


def _is_valid(books: Books, symbol: Symbol, *, takes_unverified: bool) -> bool:
    try:
        return _is_trusted(books(symbol), takes_unverified=takes_unverified)
    except NotSubscribed:
        return False


def _is_reached(
    request: OrderRequest, waits_for: Decimal, books: Books, *, takes_unverified: bool
) -> bool:
    """Whether the market is beyond the price that an order waits for, as far as is known."""
    if not _is_valid(books, request.symbol, takes_unverified=takes_unverified):
        return False
    middle = books(request.symbol).mid
    if middle is None:
        return False
    waits_above = (request.side is Side.BUY) is not (request.order_type in _PROFITS)
    return middle >= waits_for if waits_above else middle <= waits_for


def _worst(book: PricedBook, request: OrderRequest) -> Decimal:
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
            f"to be traded, so its price is unknown",
            _NAME,
        )
    return taken.worst
