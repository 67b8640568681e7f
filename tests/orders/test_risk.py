"""Limits of one's own: each refusal shows the value and the limit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from fluxum.book.book import Book
from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import CloseOrder, OrderRequest, OrderStatus, OrderType
from fluxum.orders.cache import OrderCache
from fluxum.orders.order import TrackedOrder
from fluxum.orders.risk import Risk, RiskLimits
from orders.gateways import BTC, ETH, SECOND_NS, START_NS, book, fill, request, update

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "limit_price": None}


def risk(
    shown: Book | None = None, profit: Callable[[], Decimal | None] | None = None, **limits: Any
) -> Risk:
    def find(symbol: Symbol) -> Book:
        if shown is None:
            raise NotSubscribed(f"no book of {symbol}")
        return shown

    return Risk(RiskLimits(**{"collar_percent": None, **limits}), find, profit)


def refuses(limits: Risk, wanted: OrderRequest, open_orders: int = 0) -> str:
    """The message, or nothing when it passes."""
    try:
        limits.check([wanted], open_orders, START_NS)
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


def test_an_inverse_contract_is_ordered_in_its_quote_asset() -> None:
    limits = risk(notional_max=Decimal(150))
    inverse = Symbol("BTC/USD:PERP-INVERSE")

    assert refuses(limits, request(symbol=inverse, quantity="150")) == ""
    assert "was 151" in refuses(limits, request(symbol=inverse, quantity="151"))


def test_a_market_order_without_a_valid_book_has_no_known_notional() -> None:
    market = request(**MARKET)

    assert "needs the book of BTC/USD" in refuses(risk(notional_max=Decimal(1000)), market)
    doubtful = risk(book(is_valid=False), notional_max=Decimal(1000))
    assert "needs a valid book of BTC/USD" in refuses(doubtful, market)


def test_open_orders_are_limited_in_all() -> None:
    limits = risk(orders_max=3)

    assert refuses(limits, request(), open_orders=2) == ""
    assert "orders_max: open orders of at most 3 was expected, was 4" in refuses(
        limits, request(), open_orders=3
    )


def test_orders_of_one_batch_are_counted_among_the_open_ones() -> None:
    limits = risk(orders_max=3)

    limits.check([request(), request()], 1, START_NS)
    with pytest.raises(RiskRefused, match="open orders of at most 3 was expected, was 4"):
        limits.check([request(), request()], 2, START_NS)


def test_rates_are_limited_by_the_second_and_the_minute() -> None:
    limits = risk(per_second_max=2, per_minute_max=3)

    limits.book(2, START_NS)
    with pytest.raises(RiskRefused, match="orders in 1 s of at most 2 was expected, was 3"):
        limits.check([request()], 0, START_NS + SECOND_NS - 1)
    limits.check([request()], 0, START_NS + SECOND_NS)
    limits.book(1, START_NS + SECOND_NS)
    with pytest.raises(RiskRefused, match="orders in 60 s of at most 3 was expected, was 4"):
        limits.check([request()], 0, START_NS + 59 * SECOND_NS)
    limits.check([request()], 0, START_NS + 60 * SECOND_NS)


def test_a_batch_counts_each_order() -> None:
    limits = risk(per_second_max=2)

    with pytest.raises(RiskRefused, match="was 3"):
        limits.check([request()] * 3, 0, START_NS)


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


# Of what is held


class Held:
    """Orders and limits of one account, with a market to fill them."""

    def __init__(self, profit: Callable[[], Decimal | None] | None = None, **limits: Any) -> None:
        self.orders = OrderCache()
        self.books: dict[str, Book] = {}
        chosen = RiskLimits(**{"collar_percent": None, **limits})
        self.risk = Risk(chosen, self._find, profit, self.orders.exposure)
        self.count = 0

    def _find(self, symbol: Symbol) -> Book:
        if symbol not in self.books:
            raise NotSubscribed(f"no book of {symbol}")
        return self.books[symbol]

    def holds(self, **held: str) -> None:
        """`BTC="1"` of BTC/USD."""
        quantities = {Symbol(f"{base}/USD"): Decimal(total) for base, total in held.items()}
        self.orders.exposure.begin(quantities, START_NS)

    def place(self, *wanted: OrderRequest) -> list[TrackedOrder]:
        """Place orders that pass; raises RiskRefused."""
        self.risk.check(wanted, len(self.orders.live), START_NS)
        begun: list[TrackedOrder] = []
        for one in wanted:
            self.count += 1
            named = structs.replace(one, client_order_id=f"name-{self.count}")
            order = self.orders.begin(named, START_NS, START_NS + SECOND_NS)
            self.orders.accept(order, f"O-{self.count}")
            begun.append(order)
        return begun

    def fill(self, order: TrackedOrder, quantity: str) -> None:
        self.count += 1
        self.orders.fill(
            fill(
                f"T-{self.count}",
                quantity,
                order.order_id,
                symbol=order.symbol,
                side=order.side,
            )
        )

    def refuses(self, *wanted: OrderRequest) -> str:
        try:
            self.risk.check(wanted, len(self.orders.live), START_NS)
        except RiskRefused as error:
            return f"{error.limit}: {error}"
        return ""

    def refuses_change(self, order: TrackedOrder, *, anew: bool = False, **changes: Any) -> str:
        assert order.request is not None
        after = structs.replace(order.request, **changes)
        try:
            self.risk.check_change(order, order.request, after, START_NS, anew=anew)
        except RiskRefused as error:
            return f"{error.limit}: {error}"
        return ""


def buy(quantity: str, symbol: Symbol = BTC, **changes: Any) -> OrderRequest:
    return request(symbol=symbol, quantity=Decimal(quantity), **changes)


def sell(quantity: str, symbol: Symbol = BTC, **changes: Any) -> OrderRequest:
    return buy(quantity, symbol, side=Side.SELL, **changes)


def test_filled_orders_do_not_pass_a_limit_of_the_position_however_small_each_is() -> None:
    held = Held(position_max="1", quantity_max="0.1")

    for _ in range(10):
        (order,) = held.place(buy("0.1"))
        held.fill(order, "0.1")

    assert held.refuses(buy("0.1")) == (
        "position_max: a position in BTC/USD, open orders included, of at most 1 was expected, "
        "was 1.1"
    )
    assert held.refuses(sell("0.1")) == ""
    assert held.refuses(buy("0.1", ETH)) == ""


def test_open_orders_count_as_if_they_were_filled() -> None:
    held = Held(position_max="1")
    (first,) = held.place(buy("0.6"))
    held.place(sell("0.9"))

    assert "was 1.1" in held.refuses(buy("0.5"))
    assert held.refuses(buy("0.4")) == ""
    assert "of at least -1 was expected, was -1.1" in held.refuses(sell("0.2"))
    held.orders.apply(update(first.order_id, status=OrderStatus.CANCELED))
    assert held.refuses(buy("1")) == ""


def test_orders_of_one_batch_count_together() -> None:
    held = Held(position_max="1")

    assert "was 1.2" in held.refuses(buy("0.6"), buy("0.6"))
    assert held.refuses(buy("0.6"), sell("0.6")) == ""


def test_what_was_held_before_counts() -> None:
    held = Held(position_max="1")
    held.holds(BTC="0.8", ETH="-1")

    assert "was 1.1" in held.refuses(buy("0.3"))
    assert "was -1.1" in held.refuses(sell("0.1", ETH))
    # Beyond a limit the way back is open.
    held.holds(BTC="5")
    assert held.refuses(sell("6")) == ""


def test_while_open_orders_are_not_known_positions_cannot_be_limited() -> None:
    held = Held(position_max="1")
    held.orders.exposure.is_known = False

    assert "open orders are not known yet" in held.refuses(buy("0.1"))


def test_an_amount_to_spend_is_no_known_quantity() -> None:
    held = Held(position_max="1")
    spend = request(**MARKET | {"quantity": None}, quote_quantity=Decimal(5))

    assert "a quantity was expected, as positions are limited; was an amount to spend, 5 USD" in (
        held.refuses(spend)
    )


def test_an_asset_is_limited_over_all_of_its_markets() -> None:
    euro, inverse = Symbol("BTC/EUR"), Symbol("BTC/USD:PERP-INVERSE")
    held = Held(exposure_max={"BTC": "1"})
    held.place(buy("0.6"))

    assert "exposure_max: an exposure to BTC, open orders included, of at most 1" in (
        held.refuses(buy("0.5", euro))
    )
    assert held.refuses(buy("0.4", euro)) == ""
    assert held.refuses(buy("9", ETH)) == ""
    assert "of at least -1 was expected, was -1.1" in held.refuses(sell("1.1", euro))
    assert "how much BTC BTC/USD:PERP-INVERSE stands for is not known" in (
        held.refuses(buy("1", inverse))
    )


def test_the_account_is_limited_by_the_worth_of_all_positions() -> None:
    held = Held(account_exposure_max="300", account_asset="USD")
    held.books = {BTC: book(), ETH: book(ETH, ((49, 1),), ((51, 1),))}
    held.place(buy("1"))  # worth 100
    held.place(sell("2", ETH))  # as large as a purchase: worth 100

    assert held.refuses(buy("1")) == ""
    assert held.refuses(buy("1.1")) == (
        "account_exposure_max: an exposure of the account in USD, open orders included, "
        "of at most 300 was expected, was 310.0"
    )
    assert held.refuses(buy("2", ETH)) == ""  # it is no more than could be sold
    held.books.pop(ETH)
    assert "needs the book of ETH/USD" in held.refuses(buy("0.1"))
    assert held.refuses(sell("0.1")) == ""  # the market it makes no larger needs no price


def test_what_is_quoted_in_another_asset_is_converted() -> None:
    cross, euro = Symbol("ETH/BTC"), Symbol("ETH/EUR")
    held = Held(account_exposure_max="100", account_asset="USD")
    held.books = {
        BTC: book(),
        cross: book(cross, ((1, 1),), ((3, 1),)),
        euro: book(euro, ((1, 1),), ((3, 1),)),
    }

    # 2 BTC each, 100 USD a BTC.
    assert "was 120" in held.refuses(buy("0.6", cross))
    assert held.refuses(buy("0.5", cross)) == ""
    assert "needs the book of EUR/USD" in held.refuses(buy("0.1", euro))
    held.books[Symbol("USD/EUR")] = book(Symbol("USD/EUR"), ((3, 1),), ((5, 1),))
    # 2 EUR each, 4 EUR a USD.
    assert held.refuses(buy("200", euro)) == ""
    assert "was 100.5" in held.refuses(buy("201", euro))


def test_a_change_counts_by_what_it_adds() -> None:
    held = Held(position_max="2")
    (order,) = held.place(buy("1"))
    held.fill(order, "0.5")

    assert held.refuses_change(order, quantity="2") == ""
    assert "was 2.1" in held.refuses_change(order, quantity="2.1")
    # Before another order takes its place, nearly all of this one may be filled.
    assert held.refuses_change(order, quantity="1", anew=True) == ""
    assert "was 2.1" in held.refuses_change(order, quantity="1.1", anew=True)
    assert held.refuses_change(order, quantity="0.6") == ""


def test_a_change_is_held_against_the_limits_of_one_order() -> None:
    held = Held(quantity_max="2", notional_max="150", collar_percent="5", per_second_max=1)
    held.books = {BTC: book()}
    (order,) = held.place(buy("1"))

    assert "quantity_max" in held.refuses_change(order, quantity="3")
    assert "notional_max" in held.refuses_change(order, quantity="1.6")
    assert "collar_percent" in held.refuses_change(order, limit_price="106")
    assert held.refuses_change(order, limit_price="105") == ""
    held.books.clear()
    assert held.refuses_change(order, quantity="0.5") == ""  # its price is as it was
    held.risk.book(1, START_NS)
    assert "per_second_max" in held.refuses_change(order, quantity="0.5")
    held.risk.halt("why")
    assert "halt" in held.refuses_change(order, quantity="0.5")


# Reducing


def test_in_the_reducing_state_only_what_makes_a_position_smaller_passes() -> None:
    held = Held()
    held.holds(BTC="1", ETH="-1")

    held.risk.reduce_only("the model is off")
    assert held.risk.reducing == "the model is off"

    assert held.refuses(buy("0.1")) == (
        "reduce_only: only orders that make a position smaller are placed: the model is off"
    )
    assert held.refuses(sell("1")) == ""
    assert "reduce_only" in held.refuses(sell("1.1"))  # it would be a short
    assert held.refuses(buy("1", ETH)) == ""
    assert "reduce_only" in held.refuses(buy("1.1", ETH))
    assert "reduce_only" in held.refuses(sell("0.1", ETH))
    held.risk.resume()
    assert held.risk.reducing is None
    assert held.refuses(buy("0.1")) == ""


def test_open_orders_are_in_the_way_of_others_that_reduce() -> None:
    held = Held()
    held.holds(BTC="1")
    held.risk.reduce_only("why")
    held.place(sell("0.7"))

    assert held.refuses(sell("0.3")) == ""
    assert "reduce_only" in held.refuses(sell("0.4"))
    assert "reduce_only" in held.refuses(sell("0.2"), sell("0.2"))
    assert "reduce_only" in held.refuses(buy("0.2"), sell("0.2"))


def test_what_the_venue_reduces_by_itself_passes() -> None:
    held = Held()
    held.risk.reduce_only("why")

    assert held.refuses(sell("1", margin=True, reduce_only=True)) == ""
    settle = request(order_type=OrderType.SETTLE_POSITION, quantity=None, limit_price=None)
    assert held.refuses(settle) == ""


def test_what_would_grow_again_or_is_not_known_does_not_reduce() -> None:
    held = Held()
    held.holds(BTC="1", ETH="-1")
    held.risk.reduce_only("why")
    close = CloseOrder(order_type="limit", limit_price="90")
    spend = request(**MARKET | {"quantity": None}, symbol=ETH, quote_quantity=Decimal(5))

    assert "reduce_only" in held.refuses(sell("0.5", close=close))
    assert "reduce_only" in held.refuses(spend)
    held.orders.exposure.is_known = False
    assert "reduce_only" in held.refuses(sell("0.5"))


def test_an_order_that_reduces_may_be_changed_while_it_does() -> None:
    held = Held()
    held.holds(BTC="1")
    (order,) = held.place(sell("0.5"))
    (other,) = held.place(buy("0.5"))
    held.risk.reduce_only("why")

    assert held.refuses_change(order, quantity="1") == ""
    assert "reduce_only" in held.refuses_change(order, quantity="1.1")
    assert "reduce_only" in held.refuses_change(other, limit_price="90")


@pytest.mark.parametrize("limit", ["daily_loss_max", "drawdown_max"])
def test_beyond_a_loss_only_what_makes_a_position_smaller_passes(limit: str) -> None:
    profit = Decimal(0)
    held = Held(lambda: profit, **{limit: "100"})
    held.holds(BTC="1")
    assert held.refuses(buy("0.1")) == ""

    profit = Decimal(-100)

    assert held.refuses(buy("0.1")).startswith(f"{limit}: a loss")
    assert held.refuses(sell("0.5")) == ""


def test_a_drawdown_is_counted_from_the_highest_profit() -> None:
    profit: Decimal | None = Decimal(500)
    held = Held(lambda: profit, drawdown_max="100")
    held.risk.look()

    profit = Decimal(401)
    assert held.refuses(buy("0.1")) == ""
    assert held.risk.drawdown == 99
    profit = Decimal(400)
    assert "a loss since the highest profit below 100 was expected, was 100" in (
        held.refuses(buy("0.1"))
    )
    profit = None
    assert "limited to 100 and not known now" in held.refuses(buy("0.1"))
    assert held.risk.drawdown is None
    profit = Decimal(400)
    held.risk.forget_high()
    assert held.refuses(buy("0.1")) == ""


def test_a_daily_loss_needs_somebody_who_knows_it() -> None:
    with pytest.raises(BadInput, match="a loss is limited, but no source"):
        risk(daily_loss_max=Decimal(1))
