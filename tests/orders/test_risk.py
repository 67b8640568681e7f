"""Limits of one's own: each refusal shows the value and the limit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper
from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Level, Side
from fluxum.model.order import OrderRequest, OrderType, PriceKind, Trigger
from fluxum.orders.risk import Risk, RiskBook, RiskLimits
from orders.doors import BTC, ETH, SECOND_NS, START_NS, VENUE, request

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "limit_price": None}
STOP: dict[str, Any] = {"order_type": OrderType.STOP_LOSS_LIMIT, "trigger": Trigger(Decimal(50))}


def book(*, is_valid: bool = True) -> Book:
    """Bids of 1 at 99 and 98, asks of 1 at 101 and 102."""
    keeper = BookKeeper(VENUE, Book, None, None)
    keeper.snapshot(
        BookSnapshot(
            venue=VENUE,
            symbol=BTC,
            bids=(Level(Decimal(99), Decimal(1)), Level(Decimal(98), Decimal(1))),
            asks=(Level(Decimal(101), Decimal(1)), Level(Decimal(102), Decimal(1))),
            received_ns=START_NS,
            sequence=1 if is_valid else None,
        )
    )
    found = keeper.get(BTC)
    assert found.proof().is_valid is is_valid
    return found


def risk(
    shown: Book | None = None, profit: Callable[[], Decimal | None] | None = None, **limits: Any
) -> Risk:
    def find(symbol: Symbol) -> RiskBook:
        if shown is None:
            raise NotSubscribed(f"no book of {symbol}")
        return shown

    return Risk(RiskLimits(**limits), find, profit)


def refuses(limits: Risk, wanted: OrderRequest, open_orders: int = 0) -> str:
    """The message, or nothing when it passes."""
    try:
        limits.check([wanted], open_orders, 1, START_NS)
    except RiskRefused as error:
        return f"{error.limit}: {error}"
    return ""


def test_without_limits_everything_passes() -> None:
    assert refuses(risk(), request(quantity=Decimal(1_000_000))) == ""


def test_a_quantity_above_the_limit_is_refused() -> None:
    limits = risk(quantity_max=Decimal(2))

    assert refuses(limits, request(quantity=Decimal(2))) == ""
    assert "quantity_max: a quantity of at most 2 was expected, was 3" in refuses(
        limits, request(quantity=Decimal(3))
    )


def test_an_amount_to_spend_is_held_against_the_quantity_it_buys() -> None:
    limits = risk(book(), quantity_max=Decimal(2))
    spend = MARKET | {"quantity": None}

    assert refuses(limits, request(**spend, quote_quantity=Decimal(202))) == ""
    assert "quantity_max" in refuses(limits, request(**spend, quote_quantity=Decimal(203)))


def test_a_notional_above_the_limit_is_refused_by_its_own_price_or_the_markets() -> None:
    limits = risk(book(), notional_max=Decimal(150))

    assert refuses(limits, request(quantity=Decimal("1.5"))) == ""
    assert "notional_max: an amount in USD of at most 150 was expected, was 160" in refuses(
        limits, request(quantity=Decimal("1.6"))
    )
    assert refuses(limits, request(**MARKET, quantity=Decimal("1.4"))) == ""
    assert "was 151.5" in refuses(limits, request(**MARKET, quantity=Decimal("1.5")))
    sell = request(**MARKET, side=Side.SELL, quantity=Decimal("1.5"))
    assert refuses(limits, sell) == ""  # at 99
    assert "was 151" in refuses(
        limits, request(**MARKET | {"quantity": None}, quote_quantity=Decimal(151))
    )


def test_a_market_order_without_a_valid_book_has_no_known_notional() -> None:
    market = request(**MARKET)

    assert "needs the book of BTC/USD" in refuses(risk(notional_max=Decimal(1000)), market)
    doubtful = risk(book(is_valid=False), notional_max=Decimal(1000))
    assert "needs a valid book of BTC/USD" in refuses(doubtful, market)


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
    limits = risk(book(), collar_percent=Decimal(5))  # around 100

    message = refuses(limits, request(side=side, limit_price=Decimal(price)))

    assert bool(message) is is_refused
    if is_refused:
        assert f"a {side.value} at {price} is 6.00 percent worse than 100" in message


def test_a_market_order_is_held_against_the_worst_price_it_would_take() -> None:
    one_percent = risk(book(), collar_percent=Decimal(1))

    assert refuses(one_percent, request(**MARKET, quantity=Decimal(1))) == ""
    message = refuses(one_percent, request(**MARKET, quantity=Decimal("1.5")))
    assert "at 102 is 2.00 percent worse than 100" in message
    deeper = refuses(one_percent, request(**MARKET, quantity=Decimal(3)))
    assert "holds 2 of 3" in deeper


def test_a_collar_needs_a_valid_book() -> None:
    without = risk(collar_percent=Decimal(5))
    doubtful = risk(book(is_valid=False), collar_percent=Decimal(5))

    assert "collar_percent needs the book of BTC/USD: no book" in refuses(without, request())
    assert "needs a valid book" in refuses(doubtful, request())


def test_what_waits_for_a_price_is_held_against_that_price() -> None:
    limits = risk(collar_percent=Decimal(5))  # and needs no book

    assert refuses(limits, request(**STOP, limit_price=Decimal(52))) == ""
    assert "6.00 percent worse than 50" in refuses(limits, request(**STOP, limit_price=Decimal(53)))
    relative = STOP | {"limit_price": Decimal(50), "limit_price_kind": PriceKind.PERCENT}
    assert refuses(limits, request(**relative)) == ""


def test_open_orders_are_limited_in_all() -> None:
    limits = risk(orders_max=3)

    assert refuses(limits, request(), open_orders=2) == ""
    assert "orders_max: open orders of at most 3 was expected, was 4" in refuses(
        limits, request(), open_orders=3
    )
    limits.check([request()], 3, 0, START_NS)  # a change adds none


def test_rates_are_limited_by_the_second_and_the_minute() -> None:
    limits = risk(per_second_max=2, per_minute_max=3)

    limits.book(2, START_NS)
    with pytest.raises(RiskRefused, match="orders in 1 s of at most 2 was expected, was 3"):
        limits.check([request()], 0, 1, START_NS + SECOND_NS - 1)
    limits.check([request()], 0, 1, START_NS + SECOND_NS)
    limits.book(1, START_NS + SECOND_NS)
    with pytest.raises(RiskRefused, match="orders in 60 s of at most 3 was expected, was 4"):
        limits.check([request()], 0, 1, START_NS + 59 * SECOND_NS)
    limits.check([request()], 0, 1, START_NS + 60 * SECOND_NS)


def test_a_batch_counts_each_order() -> None:
    limits = risk(per_second_max=2)

    with pytest.raises(RiskRefused, match="was 3"):
        limits.check([request()] * 3, 0, 3, START_NS)


@pytest.mark.parametrize(
    ("profit", "is_refused"), [("-99.99", False), ("-100", True), (None, True), ("50", False)]
)
def test_a_daily_loss_stops_further_orders_and_so_does_not_knowing_it(
    profit: str | None, is_refused: bool
) -> None:
    known = None if profit is None else Decimal(profit)
    limits = risk(profit=lambda: known, daily_loss_max=Decimal(100))

    assert refuses(limits, request()).startswith("daily_loss_max") is is_refused


def test_only_allowed_markets_are_traded() -> None:
    limits = risk(symbols=frozenset({BTC}))

    assert refuses(limits, request()) == ""
    assert "allowed are BTC/USD; was ETH/USD" in refuses(limits, request(symbol=ETH))


def test_a_halt_refuses_everything_until_it_is_lifted() -> None:
    limits = risk()

    limits.halt("feed is down")
    assert limits.halted == "feed is down"
    assert refuses(limits, request()) == "halt: trading is halted: feed is down"

    limits.resume()
    assert refuses(limits, request()) == ""


@pytest.mark.parametrize(
    "limits", [{"quantity_max": Decimal(0)}, {"orders_max": 0}, {"collar_percent": Decimal("NaN")}]
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(limits))):
        RiskLimits(**limits)


def test_a_daily_loss_needs_somebody_who_knows_it() -> None:
    with pytest.raises(BadInput, match="nobody says"):
        risk(daily_loss_max=Decimal(1))
