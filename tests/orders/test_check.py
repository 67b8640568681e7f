"""Orders against the rules of a market with a tick of 0.1, a lot of 0.001 and a least of 0.01."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import InstrumentStatus, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CloseOrder,
    Edit,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.orders.check import Grid, after_amend, after_edit, check, check_change, present
from orders.gateways import BTC, ETH, SECOND_NS, START_NS, instrument, request, update

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "limit_price": None}
ICEBERG: dict[str, Any] = {"order_type": OrderType.ICEBERG, "display_quantity": Decimal("0.1")}
STOP: dict[str, Any] = {
    "order_type": OrderType.STOP_LOSS,
    "limit_price": None,
    "trigger": Trigger(Decimal(90)),
}
STOP_LIMIT: dict[str, Any] = {
    "order_type": OrderType.STOP_LOSS_LIMIT,
    "trigger": Trigger(Decimal(90)),
}
TRAIL: dict[str, Any] = {
    "order_type": OrderType.TRAILING_STOP,
    "limit_price": None,
    "trigger": Trigger(Decimal(1), PriceKind.PERCENT),
}
TRAIL_LIMIT: dict[str, Any] = {
    "order_type": OrderType.TRAILING_STOP_LIMIT,
    "limit_price": Decimal("-0.5"),
    "trigger": Trigger(Decimal(5), PriceKind.QUOTE),
}
SPEND: dict[str, Any] = {**MARKET, "quantity": None, "quote_quantity": Decimal(50)}
DAY_NS = 86_400 * SECOND_NS
GTD: dict[str, Any] = {"time_in_force": TimeInForce.GTD, "expires_ns": START_NS + DAY_NS}
LIMIT_CLOSE = CloseOrder(order_type=OrderType.LIMIT, limit_price=Decimal(5))
SETTLE: dict[str, Any] = {
    "order_type": OrderType.SETTLE_POSITION,
    "limit_price": None,
    "quantity": None,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"side": Side.SELL},
        {"post_only": True},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
        GTD,
        {"effective_ns": START_NS + DAY_NS},
        MARKET,
        MARKET | {"time_in_force": TimeInForce.IOC},
        SPEND,
        ICEBERG,
        ICEBERG | {"quantity": Decimal("1.5")},
        STOP,
        STOP | {"trigger": Trigger(Decimal(-2), PriceKind.PERCENT)},
        STOP_LIMIT,
        STOP_LIMIT | {"limit_price": Decimal(-1), "limit_price_kind": PriceKind.PERCENT},
        TRAIL,
        TRAIL_LIMIT,
        TRAIL_LIMIT | {"limit_price_kind": PriceKind.QUOTE},
        {"reduce_only": True, "margin": True},
        {"close": LIMIT_CLOSE},
        {"close": CloseOrder(order_type=OrderType.STOP_LOSS, trigger_price=Decimal(90))},
        SETTLE,
    ],
)
def test_orders_that_make_sense_pass(changes: dict[str, Any]) -> None:
    check(request(**changes), instrument(), START_NS)


def test_a_position_in_a_contract_is_reduced_without_margin() -> None:
    perpetual = Symbol("BTC/USDT:PERP")
    market = structs.replace(instrument(), symbol=perpetual)
    check(request(symbol=perpetual, reduce_only=True), market, START_NS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": ETH}, "BTC/USD was expected, was ETH/USD"),
        ({"limit_price": Decimal("100.05")}, "limit price in ticks of 0.1 expected, was 100.05"),
        ({"limit_price": Decimal(0)}, "above zero was expected, was 0"),
        ({"limit_price": Decimal("NaN")}, r"was NaN"),
        ({"limit_price": None}, "a limit buy needs a limit price, was none"),
        ({"limit_price_kind": PriceKind.QUOTE}, "limit order has a price for its limit, was quote"),
        ({"quantity": Decimal("1.0005")}, "quantity in lots of 0.001 expected, was 1.0005"),
        ({"quantity": Decimal("0.009")}, "at least 0.01 expected, was 0.009"),
        ({"quantity": Decimal(-1)}, "above zero was expected, was -1"),
        ({"quantity": Decimal("1E+50")}, r"was 1E\+50"),
        ({"quantity": None}, "needs a quantity, was none"),
        ({"quantity": Decimal("0.04")}, "5 USD at least were expected, was 4.00"),
        ({"trigger": Trigger(Decimal(90))}, "a limit buy takes no trigger, was one"),
        (STOP | {"trigger": None}, "a stop loss buy needs a trigger, was none"),
        (STOP | {"limit_price": Decimal(90)}, "a stop loss buy takes no limit price, was one"),
        (STOP | {"trigger": Trigger(Decimal("90.01"))}, "trigger in ticks of 0.1"),
        (STOP | {"trigger": Trigger(Decimal(0))}, "a trigger: .*above zero"),
        (STOP | {"trigger": Trigger(Decimal(-100), PriceKind.PERCENT)}, "above -100 percent"),
        (STOP | {"trigger": Trigger(Decimal("0.05"), PriceKind.QUOTE)}, "distance in ticks"),
        (TRAIL | {"trigger": Trigger(Decimal(-1), PriceKind.PERCENT)}, "a distance to trail at"),
        (MARKET | {"limit_price": Decimal(100)}, "a market buy takes no limit price, was one"),
        (MARKET | {"post_only": True}, "only a limit order can be post-only, was a market buy"),
        (ICEBERG | {"post_only": True}, "only a limit order can be post-only"),
        (
            {"post_only": True, "time_in_force": TimeInForce.IOC},
            "a post-only order waits in the book, was ioc",
        ),
        (STOP | {"time_in_force": TimeInForce.IOC}, "ioc is for limit and market orders"),
        (MARKET | {"time_in_force": TimeInForce.FOK}, "needs a limit, was a market buy"),
        (MARKET | GTD, "trades at once and needs no expiry"),
        ({"display_quantity": Decimal(1)}, "a limit buy takes no display quantity, was one"),
        (ICEBERG | {"display_quantity": None}, "a iceberg buy needs a display quantity"),
        (ICEBERG | {"quantity": Decimal("1.501")}, "from 1/15 of 1.501 to 1.501 was expected"),
        (ICEBERG | {"display_quantity": Decimal(2)}, "from 1/15 of 1 to 1 was expected, was 2"),
        (ICEBERG | {"display_quantity": Decimal("0.1005")}, "display quantity in lots"),
        ({"quote_quantity": Decimal(50)}, "only plain market buys spend an amount, was a limit"),
        (SPEND | {"side": Side.SELL}, "only plain market buys spend an amount, was a market sell"),
        (SPEND | {"margin": True}, "only plain market buys spend an amount"),
        (SPEND | {"quantity": Decimal(1)}, "was both .1."),
        (SPEND | {"quote_quantity": Decimal(4)}, "5 USD at least were expected, was 4"),
        ({"time_in_force": TimeInForce.GTD}, "gtd and an expiry go together, was gtd with none"),
        ({"expires_ns": START_NS + DAY_NS}, "go together, was gtc with one"),
        (GTD | {"expires_ns": START_NS}, "was 0.000 s before"),
        (GTD | {"expires_ns": START_NS + 32 * DAY_NS}, "was 32 days ahead"),
        ({"effective_ns": START_NS + 40 * DAY_NS}, "a start at most a month ahead"),
        (GTD | {"effective_ns": START_NS + 2 * DAY_NS}, "an expiry after its start"),
        ({"reduce_only": True}, "a reduce-only order is one on margin"),
        ({"close": CloseOrder(order_type=OrderType.MARKET)}, "a close order .* was market"),
        ({"close": CloseOrder(order_type=OrderType.LIMIT)}, "limit price does not suit"),
        ({"close": CloseOrder(order_type=OrderType.STOP_LOSS)}, "trigger does not suit"),
        (
            {"close": CloseOrder(order_type=OrderType.LIMIT, limit_price=Decimal("0.01"))},
            "distance in ticks of 0.1 expected, was 0.01",
        ),
    ],
)
def test_orders_that_make_none_are_refused_with_the_value(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        check(request(**changes), instrument(), START_NS)


@pytest.mark.parametrize(
    ("status", "changes", "is_taken"),
    [
        (InstrumentStatus.CANCEL_ONLY, {}, False),
        (InstrumentStatus.MAINTENANCE, {}, False),
        (InstrumentStatus.DELISTED, {}, False),
        (InstrumentStatus.POST_ONLY, {}, False),
        (InstrumentStatus.POST_ONLY, {"post_only": True}, True),
        (InstrumentStatus.LIMIT_ONLY, MARKET, False),
        (InstrumentStatus.LIMIT_ONLY, {}, True),
        (InstrumentStatus.REDUCE_ONLY, {}, False),
        (InstrumentStatus.REDUCE_ONLY, {"reduce_only": True, "margin": True}, True),
        (InstrumentStatus.OTHER, {}, True),
    ],
)
def test_a_market_takes_what_its_status_lets_it_take(
    status: InstrumentStatus, changes: dict[str, Any], is_taken: bool
) -> None:
    market = instrument(status=status)

    if is_taken:
        check(request(**changes), market, START_NS)
    else:
        with pytest.raises(BadInput, match=status.value):
            check(request(**changes), market, START_NS)


def test_what_an_iceberg_shows_is_held_against_what_is_left_of_it() -> None:
    changed = request(**ICEBERG | {"quantity": Decimal(3)})

    with pytest.raises(BadInput, match="1/15 of 3"):
        check_change(changed, Decimal(0), instrument(), START_NS)

    check_change(changed, Decimal("1.5"), instrument(), START_NS)


def test_an_order_may_shrink_below_what_is_filled_which_ends_it() -> None:
    smaller = request(quantity=Decimal("0.005"))

    check_change(smaller, Decimal("0.5"), instrument(), START_NS)

    with pytest.raises(BadInput, match="above zero"):
        check_change(request(quantity=Decimal(-1)), Decimal("0.5"), instrument(), START_NS)


def test_every_type_is_decided_on() -> None:
    """No type may fall through: with neither limit nor trigger only two are whole."""
    kinds = [kind for kind in OrderType if kind is not OrderType.OTHER]
    bare = [kind for kind in kinds if passes(request(order_type=kind, limit_price=None))]

    assert bare == [OrderType.MARKET, OrderType.SETTLE_POSITION]


def passes(wanted: OrderRequest) -> bool:
    try:
        check(wanted, instrument(), START_NS)
    except BadInput:
        return False
    return True


# What an order becomes by a change


def test_an_amendment_changes_what_it_names_and_keeps_the_rest() -> None:
    order = request(post_only=True)

    changed = after_amend(order, Amend(order_id="O-1", limit_price=Decimal(99)))

    assert changed == request(post_only=True, limit_price=Decimal(99))


def test_a_static_price_is_a_price_without_a_kind() -> None:
    amend = Amend(order_id="O-1", limit_price="99", limit_price_kind="static")
    assert after_amend(request(), amend) == request(limit_price=Decimal(99))

    away = Amend(order_id="O-1", limit_price="1", limit_price_kind="percent")
    assert after_amend(request(), away).limit_price_kind is PriceKind.PERCENT


def test_an_order_of_a_type_that_is_not_known_is_not_changed() -> None:
    theirs = update(order_type=OrderType.OTHER, venue_type="twap")

    with pytest.raises(BadInput, match=r"order O-1 is of a type that is not known \(twap\)"):
        present(None, theirs)
    # Of ours it is known what was asked for.
    assert present(request(), theirs).order_type is OrderType.LIMIT


def test_an_amendment_moves_a_trigger_where_there_is_one() -> None:
    trigger = Trigger(Decimal(90), reference=TriggerReference.INDEX)
    stop = request(order_type=OrderType.STOP_LOSS, limit_price=None, trigger=trigger)
    amend = Amend(order_id="O-1", trigger_price=Decimal(95))

    assert after_amend(stop, amend).trigger == Trigger(
        Decimal(95), PriceKind.STATIC, TriggerReference.INDEX
    )
    with pytest.raises(BadInput, match="limit order has no trigger"):
        after_amend(request(), amend)


def test_an_amendment_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="was none"):
        after_amend(request(), Amend(order_id="O-1", post_only=True))


def test_an_edit_is_of_the_same_market() -> None:
    edit = Edit(order_id="O-1", symbol=BTC, quantity=Decimal(2), post_only=True)

    assert after_edit(request(), edit) == request(quantity=Decimal(2), post_only=True)
    with pytest.raises(BadInput, match="was ETH/USD"):
        after_edit(request(), Edit(order_id="O-1", symbol=ETH))


def test_an_order_is_now_what_the_venue_says_it_is() -> None:
    told = update(quantity=Decimal(3), limit_price=Decimal(98))

    assert present(request(), told) == request(quantity=Decimal(3), limit_price=Decimal(98))
    assert present(request(), None) == request()
    others = present(None, update(side=Side.SELL))
    assert others.side is Side.SELL
    assert [others.quantity, others.limit_price] == [1, 100]


NUMBERS = st.sampled_from(
    [
        Decimal(one)
        for one in ("0.001", "0.0005", "0.01", "1", "0.1", "99.95", "100.000", "1E+1", "1E-7", "0")
    ]
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.sampled_from([BTC, ETH]),
        "order_type": st.sampled_from([OrderType.LIMIT, OrderType.MARKET, OrderType.ICEBERG]),
        "quantity": NUMBERS,
        "limit_price": st.one_of(st.none(), NUMBERS),
        "limit_price_kind": st.sampled_from([None, PriceKind.PERCENT]),
        "trigger": st.sampled_from([None, Trigger(Decimal(90))]),
        "time_in_force": st.sampled_from([TimeInForce.GTC, TimeInForce.GTD, TimeInForce.FOK]),
        "effective_ns": st.sampled_from([None, START_NS + 90 * DAY_NS]),
        "expires_ns": st.sampled_from([None, START_NS + DAY_NS]),
        "display_quantity": st.sampled_from([None, Decimal("0.1")]),
        "quote_quantity": st.sampled_from([None, Decimal(50)]),
        "close": st.sampled_from([None, LIMIT_CLOSE]),
        "reduce_only": st.booleans(),
        "post_only": st.booleans(),
    },
)


@given(
    CHANGES,
    st.sampled_from(
        [InstrumentStatus.ONLINE, InstrumentStatus.POST_ONLY, InstrumentStatus.CANCEL_ONLY]
    ),
    st.sampled_from([None, Decimal(5)]),
)
def test_what_is_good_at_one_look_is_good_by_every_rule(
    changes: dict[str, Any], status: InstrumentStatus, least: Decimal | None
) -> None:
    order, market = request(**changes), instrument(status=status, notional_min=least)

    if Grid(market).is_plain_and_good(order):
        check_change(order, Decimal(0), market, START_NS)  # which goes through every rule


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"limit_price": Decimal("99.9")}, True),
        ({"limit_price": Decimal("99.95")}, False),  # the tick is 0.1
        ({"quantity": Decimal("0.050")}, True),  # 5.00, the least amount
        ({"quantity": Decimal("0.049")}, False),
        ({"limit_price": Decimal(10_000), "quantity": Decimal("0.010")}, True),
        (
            {"limit_price": Decimal(10_000), "quantity": Decimal("0.009")},
            False,
        ),  # the least is 0.01
        ({"quantity": Decimal("1.0005")}, False),  # the lot is 0.001
    ],
)
def test_a_plain_order_is_seen_in_integers(changes: dict[str, Any], *, is_good: bool) -> None:
    assert Grid(instrument()).is_plain_and_good(request(**changes)) is is_good


def test_a_tick_of_another_size_than_a_digit_is_a_grid_too() -> None:
    grid = Grid(instrument(tick=Decimal("0.5"), lot=Decimal("1E+1")))

    prices = ("100", "100.5", "100.1")
    good = [grid.is_plain_and_good(request(limit_price=one, quantity=20)) for one in prices]
    assert good == [True, True, False]
    assert not grid.is_plain_and_good(request(quantity=25))


def test_a_plain_limit_order_is_good_at_one_look() -> None:
    assert Grid(instrument()).is_plain_and_good(request())
