"""How far from the market an order may trade."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.book.book import Book
from fluxum.errors import NotSubscribed, RiskRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType, PriceKind, Trigger
from fluxum.orders.limits import check_collar
from orders.gateways import BTC, book, request

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "limit_price": None}
STOP: dict[str, Any] = {"order_type": OrderType.STOP_LOSS_LIMIT, "trigger": Trigger(Decimal(150))}


def refuses(shown: Book | None, wanted: OrderRequest, percent: int = 5) -> str:
    """The message, or nothing when it passes."""

    def find(symbol: Symbol) -> Book:
        if shown is None:
            raise NotSubscribed(f"no book of {symbol}")
        return shown

    try:
        check_collar(wanted, Decimal(percent), find)
    except RiskRefused as error:
        return f"{error.limit}: {error}"
    return ""


@pytest.mark.parametrize(
    ("side", "price", "is_refused"),
    [
        (Side.BUY, 105, False),
        (Side.BUY, 106, True),
        (Side.BUY, 1, False),
        (Side.SELL, 95, False),
        (Side.SELL, 94, True),
        (Side.SELL, 10_000, False),
    ],
)
def test_a_collar_keeps_prices_from_being_worse_than_the_middle_by_so_much(
    side: Side, price: int, is_refused: bool
) -> None:
    message = refuses(book(), request(side=side, limit_price=Decimal(price)))  # around 100

    assert bool(message) is is_refused
    if is_refused:
        assert f"a {side.value} at {price} is 6.00 percent worse than 100" in message


def test_a_market_order_is_held_against_the_worst_price_it_would_take() -> None:
    assert refuses(book(), request(**MARKET, quantity=Decimal(1)), 1) == ""
    message = refuses(book(), request(**MARKET, quantity=Decimal("1.5")), 1)
    assert "at 102 is 2.00 percent worse than 100" in message
    deeper = refuses(book(), request(**MARKET, quantity=Decimal(3)), 1)
    assert "holds 2 of 3" in deeper


def test_an_amount_to_spend_is_held_against_what_it_would_take() -> None:
    spend = MARKET | {"quantity": None}

    assert refuses(book(), request(**spend, quote_quantity=Decimal(101)), 1) == ""
    assert "2.00 percent" in refuses(book(), request(**spend, quote_quantity=Decimal(102)), 1)


def test_a_market_of_which_one_side_is_empty_is_held_against_the_other() -> None:
    bids = book(asks=())

    assert refuses(bids, request(limit_price=Decimal(103))) == ""
    assert "worse than 99" in refuses(bids, request(limit_price=Decimal(104)))
    assert "has no price now" in refuses(bids, request(**MARKET))
    assert "is empty" in refuses(book(bids=(), asks=()), request())


def test_without_a_valid_book_nobody_knows_where_the_market_is() -> None:
    assert "collar_percent needs the book of BTC/USD: no book" in refuses(None, request())
    assert "RiskLimits(collar_percent=None)" in refuses(None, request(**MARKET))
    assert "needs a valid book" in refuses(book(is_valid=False), request())


def test_what_the_venue_keeps_from_trading_needs_no_valid_book() -> None:
    post = request(post_only=True, limit_price=Decimal(1000))

    assert refuses(None, post) == ""
    assert refuses(book(is_valid=False), post) == ""
    assert "900.00 percent worse than 100" in refuses(book(), post)


def test_what_waits_for_a_price_is_held_against_that_price() -> None:
    assert refuses(None, request(**STOP, limit_price=Decimal(157))) == ""
    assert "6.00 percent worse than 150" in refuses(None, request(**STOP, limit_price=Decimal(159)))
    relative = STOP | {"limit_price": Decimal(50), "limit_price_kind": PriceKind.PERCENT}
    assert refuses(None, request(**relative)) == ""
    assert refuses(book(), request(**STOP, limit_price=Decimal(157))) == ""


@pytest.mark.parametrize(
    ("side", "order_type", "waits_for", "is_reached"),
    [
        (Side.BUY, OrderType.STOP_LOSS_LIMIT, 100, True),
        (Side.BUY, OrderType.STOP_LOSS_LIMIT, 101, False),
        (Side.SELL, OrderType.STOP_LOSS_LIMIT, 100, True),
        (Side.SELL, OrderType.STOP_LOSS_LIMIT, 99, False),
        (Side.BUY, OrderType.TAKE_PROFIT_LIMIT, 100, True),
        (Side.BUY, OrderType.TAKE_PROFIT_LIMIT, 99, False),
        (Side.SELL, OrderType.TAKE_PROFIT_LIMIT, 100, True),
        (Side.SELL, OrderType.TAKE_PROFIT_LIMIT, 101, False),
    ],
)
def test_what_the_market_has_reached_already_does_not_wait(
    side: Side, order_type: OrderType, waits_for: int, is_reached: bool
) -> None:
    away = Decimal(4 if side is Side.BUY else -4)
    wanted = request(
        side=side,
        order_type=order_type,
        trigger=Trigger(Decimal(waits_for)),
        limit_price=waits_for + away,
    )

    # 4 percent from the price it waits for, and so from the market once that is there.
    assert bool(refuses(book(), wanted, 3 if is_reached else 5)) is is_reached
    assert refuses(None, wanted) == ""


def test_a_take_profit_far_above_the_market_buys_at_once_and_is_refused() -> None:
    high = Trigger(Decimal(1000))
    limited = request(
        order_type=OrderType.TAKE_PROFIT_LIMIT, trigger=high, limit_price=Decimal(1000)
    )
    unlimited = request(
        order_type=OrderType.TAKE_PROFIT, trigger=high, limit_price=None, quantity=Decimal(2)
    )

    assert "900.00 percent worse than 100" in refuses(book(), limited)
    assert "2.00 percent worse than 100" in refuses(book(), unlimited, 1)


def test_a_trailing_order_is_a_distance_from_wherever_the_market_goes() -> None:
    trailing = request(
        order_type=OrderType.TRAILING_STOP, trigger=Trigger(Decimal(5)), limit_price=None
    )

    assert refuses(book(), trailing, 1) == ""
    assert refuses(None, trailing, 1) == ""


def test_only_the_market_of_the_order_is_listed() -> None:
    asked: list[Symbol] = []

    def find(symbol: Symbol) -> Book:
        asked.append(symbol)
        return book()

    check_collar(request(), Decimal(5), find)

    assert set(asked) == {BTC}
