"""Tests of `sim.order_gateway`: what becomes of orders of every type."""

from decimal import Decimal
from random import Random

import pytest
from msgspec import structs

from box import BTC, ETH, SECOND, START, Box, Ear, limit
from fluxum.model.account import Fee, Liquidity
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CloseOrder,
    Edit,
    OrderRequest,
    OrderStatus,
    OrderType,
    PriceKind,
    SelfTrade,
    TimeInForce,
    Trigger,
)
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.sides import find_side
from fluxum.venues.server.accounts import CommandRefused, OrderHappening, Refusal

BUY, SELL = Side.BUY, Side.SELL
D = Decimal


def at(price: str) -> tuple[Box, SimulatedAccount, Ear]:
    """A box whose last trade was at a price, with an account."""
    box = Box()
    account, ear = box.open(USD="100000", BTC="100", tier="pro", fees=("0", "0"))
    trade(box, price)
    ear.heard.clear()
    return box, account, ear


def trade(box: Box, price: str) -> None:
    """Let the market trade at a price, and have a wide book round it."""
    box.write([f"{D(price) - 50} 10"], [f"{price} 1", f"{D(price) + 50} 10"])
    box.add(BUY, price, "1")


def market(side: Side, quantity: str) -> OrderRequest:
    return OrderRequest(symbol=BTC, side=side, order_type=OrderType.MARKET, quantity=D(quantity))


def triggered(
    kind: OrderType,
    side: Side,
    price: str,
    how: PriceKind = PriceKind.STATIC,
    **more: object,
) -> OrderRequest:
    plain = OrderRequest(
        symbol=BTC, side=side, order_type=kind, quantity=D(1), trigger=Trigger(D(price), how)
    )
    return structs.replace(plain, **more)


def status(account: SimulatedAccount, order_id: str) -> OrderStatus:
    order = account.order(order_id)
    assert order is not None
    return order.update.status


# Resting and trading


def test_a_resting_order_waits_its_turn_in_the_queue() -> None:
    box, account, ear = at("1000.0")
    box.write(["990.0 1"], ["1010.0 1"])
    mine = account.place(limit(BUY, "990.0", "2")).update.order_id

    box.add(SELL, "990.0", "1.5")

    order = account.order(mine)
    assert order is not None
    assert order.update.filled == D("0.5")  # one was before it
    assert order.update.status is OrderStatus.PARTIALLY_FILLED
    assert ear.words() == ["pending", "opened", "traded"]
    assert account.fills[0].liquidity is Liquidity.MAKER


def test_the_flow_never_cancels_what_is_not_its_own() -> None:
    box, account, _ = at("1000.0")
    mine = account.place(limit(BUY, "900.0", "1")).update.order_id

    for _ in range(3000):
        box.exchange.step(BTC)

    assert status(account, mine) is OrderStatus.OPEN


def test_a_market_order_takes_what_there_is_and_loses_the_rest() -> None:
    box, account, ear = at("1000.0")
    box.write(["990.0 1"], ["1010.0 1", "1020.0 1"])

    account.place(market(BUY, "5"))

    (order,) = account.orders
    assert (order.status, order.filled, order.reason) == (
        OrderStatus.CANCELED,
        D(2),
        "No liquidity",
    )
    assert order.average_price == D("1015.0")
    assert ear.words() == ["pending", "opened", "traded", "traded", "canceled"]
    assert box.levels(SELL) == []


def test_an_emptied_book_fills_up_again() -> None:
    box = Box()
    account, _ = box.open(USD="100000000")
    account.place(market(BUY, "1000"))
    assert box.levels(SELL) == []

    for _ in range(300):
        box.exchange.step(BTC)

    assert len(box.levels(SELL)) >= 30
    assert not box.exchange.book(BTC).is_crossed


@pytest.mark.parametrize(
    ("in_force", "filled", "reason"),
    [
        (TimeInForce.IOC, "1", "Immediate or cancel"),
        (TimeInForce.FOK, "0", "Fill or kill"),
    ],
)
def test_what_cannot_trade_at_once_does_not_rest(
    in_force: TimeInForce, filled: str, reason: str
) -> None:
    box, account, _ = at("1000.0")
    box.write(["990.0 1"], ["1010.0 1", "1020.0 5"])

    account.place(limit(BUY, "1010.0", "3", time_in_force=in_force))

    (order,) = account.orders
    assert (order.filled, order.status, order.reason) == (D(filled), OrderStatus.CANCELED, reason)


def test_fill_or_kill_fills_when_all_is_there() -> None:
    box, account, _ = at("1000.0")
    box.write(["990.0 1"], ["1010.0 1", "1020.0 5"])

    account.place(limit(BUY, "1020.0", "3", time_in_force=TimeInForce.FOK))

    assert account.orders[0].status is OrderStatus.FILLED


def test_a_careful_order_that_would_take_is_refused() -> None:
    box, account, _ = at("1000.0")
    box.write(["990.0 1"], ["1010.0 1"])

    with pytest.raises(CommandRefused) as refused:
        account.place(limit(BUY, "1010.0", "1", post_only=True))

    assert refused.value.refusal is Refusal.WOULD_TAKE
    assert account.place(limit(BUY, "1009.9", "1", post_only=True)).update.post_only


def test_an_order_expires_when_its_time_is_up() -> None:
    box, account, ear = at("1000.0")
    until_ns = box.time_ns + 60 * SECOND
    account.place(limit(BUY, "900.0", "1", time_in_force=TimeInForce.GTD, expires_ns=until_ns))

    box.wait(59)
    assert ear.words() == ["pending", "opened"]
    box.wait(1)

    assert ear.words() == ["expired"]
    assert account.balances()[0].held == 0
    assert ("900.0", "1") not in box.levels(BUY)


def test_an_order_begins_when_it_is_wanted_to() -> None:
    box, account, ear = at("1000.0")
    account.place(limit(BUY, "900.0", "1", effective_ns=box.time_ns + 10 * SECOND))

    box.wait(9)
    assert ear.words() == ["pending"]
    box.wait(1)

    assert ear.words() == ["opened"]


# Icebergs


def test_an_iceberg_shows_a_part_and_refills_at_the_back() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1010.0 1"])
    mine = account.place(
        limit(SELL, "1005.0", "2.5", order_type=OrderType.ICEBERG, display_quantity=D(1))
    ).update.order_id
    box.add(SELL, "1005.0", "1")
    other = box.queue(SELL)[1]
    assert box.levels(SELL)[0] == ("1005.0", "2")

    box.add(BUY, "1005.0", "1")

    assert box.queue(SELL) == [other, mine]
    assert ear.words() == ["pending", "opened", "traded", "refilled"]
    assert account.open_orders()[0].display_left == D(1)
    box.add(BUY, "1005.0", "2.2")
    assert account.open_orders()[0].update.filled == D("2.2")
    assert account.open_orders()[0].display_left == D("0.3")


# Triggers


@pytest.mark.parametrize(
    ("kind", "side", "fires", "waits"),
    [
        (OrderType.STOP_LOSS, SELL, "950.0", "1050.0"),
        (OrderType.STOP_LOSS, BUY, "1050.0", "950.0"),
        (OrderType.TAKE_PROFIT, SELL, "1050.0", "950.0"),
        (OrderType.TAKE_PROFIT, BUY, "950.0", "1050.0"),
    ],
)
def test_a_trigger_fires_on_its_side_only(
    kind: OrderType, side: Side, fires: str, waits: str
) -> None:
    box, account, ear = at("1000.0")
    account.place(triggered(kind, side, fires))
    assert ear.words() == ["pending"]

    trade(box, waits)
    assert ear.words() == []
    trade(box, fires)

    assert ear.words() == ["triggered", "opened", "traded", "filled"]


@pytest.mark.parametrize(
    ("how", "price"), [(PriceKind.PERCENT, "-2.0"), (PriceKind.QUOTE, "-20.0")]
)
def test_a_trigger_may_be_a_distance_from_the_last_price(how: PriceKind, price: str) -> None:
    _, account, _ = at("1000.0")

    order = account.place(triggered(OrderType.STOP_LOSS, SELL, price, how))

    assert order.update.trigger_price == D("980.0")
    assert order.is_triggered is False


def test_a_trailing_stop_follows_the_peak_and_never_goes_back() -> None:
    box, account, ear = at("1000.0")
    mine = account.place(
        triggered(OrderType.TRAILING_STOP, SELL, "5.0", PriceKind.PERCENT)
    ).update.order_id

    trade(box, "1100.0")
    trade(box, "1050.0")

    order = account.order(mine)
    assert order is not None
    assert (order.peak_price, order.update.trigger_price) == (D("1100.0"), D("1045.0"))
    assert ear.words() == ["pending", "trigger moved"]
    trade(box, "1045.0")
    assert ear.words() == ["triggered", "opened", "traded", "filled"]


def test_a_trailing_limit_is_a_distance_from_where_it_fires() -> None:
    box, account, _ = at("1000.0")
    mine = account.place(
        triggered(
            OrderType.TRAILING_STOP_LIMIT,
            SELL,
            "20.0",
            PriceKind.QUOTE,
            limit_price=D("-5.0"),
            limit_price_kind=PriceKind.QUOTE,
        )
    ).update.order_id

    trade(box, "975.0")

    order = account.order(mine)
    assert order is not None
    assert order.update.limit_price == D("975.0")  # 1000 - 20 - 5
    assert order.update.status is OrderStatus.OPEN


def test_a_stop_with_a_limit_rests_once_it_has_fired() -> None:
    box, account, ear = at("1000.0")
    account.place(triggered(OrderType.STOP_LOSS_LIMIT, SELL, "950.0", limit_price=D("949.0")))

    trade(box, "950.0")

    assert ear.words() == ["pending", "triggered", "opened"]
    assert box.levels(SELL)[0] == ("949.0", "1")


def test_a_trigger_that_is_due_already_fires_at_once() -> None:
    _, account, ear = at("1000.0")

    account.place(triggered(OrderType.STOP_LOSS, SELL, "1000.5"))

    assert ear.words() == ["pending", "triggered", "opened", "traded", "filled"]


def test_stops_that_set_each_other_off_all_fire() -> None:
    box, account, _ = at("1000.0")
    box.write(["990.0 1", "980.0 1", "970.0 1", "960.0 9"], ["1010.0 1"])
    for price in ("995.0", "990.0", "980.0"):
        account.place(triggered(OrderType.STOP_LOSS, SELL, price))

    box.add(BUY, "1010.0", "0.1")
    assert not account.fills
    box.add(SELL, "990.0", "0.5")

    assert [fill.price for fill in account.fills] == [
        D("990.0"),
        D("980.0"),
        D("980.0"),
        D("970.0"),
        D("970.0"),
        D("960.0"),
    ]
    assert not account.open_orders()


def test_no_price_is_known_for_an_index() -> None:
    _, account, _ = at("1000.0")
    request = triggered(OrderType.STOP_LOSS, SELL, "900.0")
    assert request.trigger is not None
    reference = type(request.trigger.reference)("index")

    with pytest.raises(CommandRefused) as refused:
        account.place(structs.replace(request, trigger=Trigger(D(900), reference=reference)))

    assert refused.value.refusal is Refusal.NO_INDEX


# Close orders


def test_a_filled_order_is_followed_by_the_one_that_closes_it() -> None:
    box, account, ear = at("1000.0")
    box.write(["990.0 1"], ["1010.0 5"])
    close = CloseOrder(
        order_type=OrderType.STOP_LOSS_LIMIT, trigger_price=D("950.0"), limit_price=D("949.0")
    )

    first = account.place(limit(BUY, "1010.0", "1", close=close)).update.order_id

    (closing,) = account.open_orders()
    assert closing.origin_id == first
    assert (closing.update.side, closing.update.quantity) == (SELL, D(1))
    assert closing.is_triggered is False
    assert ear.words() == ["pending", "opened", "traded", "filled", "pending"]


def test_a_close_order_that_cannot_be_paid_is_canceled() -> None:
    box = Box()
    account, ear = box.open(USD="1000", fees=("0", "0"))
    box.write(["90.0 1"], ["100.0 5"])
    close = CloseOrder(order_type=OrderType.LIMIT, limit_price=D("120.0"))
    account.place(limit(BUY, "95.0", "1", close=close))

    box.add(SELL, "95.0", "0.4")
    account.place(limit(SELL, "130.0", "0.4"))
    box.add(SELL, "95.0", "0.6")

    assert ear.words()[-3:] == ["filled", "pending", "canceled"]
    assert account.orders[-2].reason == "Insufficient funds"


# Self trade


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        (None, OrderStatus.OPEN, OrderStatus.CANCELED),
        (SelfTrade.CANCEL_NEWEST, OrderStatus.OPEN, OrderStatus.CANCELED),
        (SelfTrade.CANCEL_OLDEST, OrderStatus.CANCELED, OrderStatus.OPEN),
        (SelfTrade.CANCEL_BOTH, OrderStatus.CANCELED, OrderStatus.CANCELED),
    ],
)
def test_ones_own_orders_never_trade_with_each_other(
    rule: SelfTrade | None, first: OrderStatus, second: OrderStatus
) -> None:
    box, account, _ = at("1000.0")
    box.write(["900.0 1"], ["1000.0 1", "1100.0 1"])
    resting = account.place(limit(SELL, "1010.0", "1")).update.order_id

    coming = account.place(limit(BUY, "1010.0", "3", self_trade=rule)).update.order_id

    assert (status(account, resting), status(account, coming)) == (
        first,
        second if second is OrderStatus.CANCELED else OrderStatus.PARTIALLY_FILLED,
    )
    assert sum(fill.quantity for fill in account.fills) == D(1)  # with the flow, before they met


def test_two_accounts_trade_with_each_other() -> None:
    box = Box()
    maker, _ = box.open("maker", BTC="1", fees=("0.001", "0.002"))
    taker, _ = box.open("taker", USD="1000", fees=("0.001", "0.002"))
    box.write(["90.0 1"], ["110.0 1"])
    maker.place(limit(SELL, "100.0", "1"))

    taker.place(limit(BUY, "100.0", "1"))

    assert maker.fills[0].fees == (Fee(Asset("USD"), D("0.1")),)
    assert taker.fills[0].fees == (Fee(Asset("USD"), D("0.2")),)
    assert maker.trades[0].trade_id == taker.trades[0].trade_id


# Amending and editing


def test_a_smaller_quantity_keeps_the_place_in_the_queue() -> None:
    box, account, _ = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "2")).update.order_id
    box.add(BUY, "950.0", "1")

    account.amend(Amend(order_id=mine, quantity=D(1)))

    assert box.queue(BUY)[0] == mine
    assert box.levels(BUY)[0] == ("950.0", "2")


def test_a_greater_quantity_goes_to_the_back() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "2")).update.order_id
    box.add(BUY, "950.0", "1")
    ear.heard.clear()

    account.amend(Amend(order_id=mine, quantity=D(3)))

    assert box.queue(BUY)[1] == mine
    assert ear.words() == ["amended"]


def test_another_price_goes_to_the_back_there() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "2")).update.order_id
    box.add(BUY, "951.0", "1")
    ear.heard.clear()

    account.amend(Amend(order_id=mine, limit_price=D("951.0")))

    assert box.queue(BUY)[1] == mine
    assert ear.words() == ["amended"]


def test_an_amendment_below_what_is_filled_cancels_the_rest() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "2")).update.order_id
    box.add(SELL, "950.0", "1.5")
    ear.heard.clear()

    account.amend(Amend(order_id=mine, quantity=D(1)))

    assert status(account, mine) is OrderStatus.CANCELED
    assert ear.words() == ["amended", "canceled"]


def test_an_amendment_that_crosses_trades_unless_it_must_not() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "2")).update.order_id

    with pytest.raises(CommandRefused) as refused:
        account.amend(Amend(order_id=mine, limit_price=D("1100.0"), post_only=True))
    assert refused.value.refusal is Refusal.WOULD_TAKE
    ear.heard.clear()
    account.amend(Amend(order_id=mine, limit_price=D("1100.0")))

    assert ear.words() == ["amended", "traded"]
    assert box.levels(BUY)[0] == ("1100.0", "1")


def test_an_amendment_that_cannot_be_paid_changes_nothing() -> None:
    box = Box()
    account, _ = box.open(USD="1000", fees=("0", "0"))
    box.write(["900.0 1"], ["1100.0 1"])
    mine = account.place(limit(BUY, "950.0", "1")).update.order_id

    with pytest.raises(CommandRefused, match="insufficient"):
        account.amend(Amend(order_id=mine, quantity=D("1.1")))

    assert account.open_orders()[0].update.quantity == D(1)
    assert account.balances()[0].held == D(950)


def test_a_trigger_is_amended_while_it_waits() -> None:
    box, account, ear = at("1000.0")
    mine = account.place(triggered(OrderType.STOP_LOSS, SELL, "900.0")).update.order_id
    account.amend(Amend(order_id=mine, trigger_price=D("980.0")))
    ear.heard.clear()

    trade(box, "979.0")

    assert ear.words() == ["triggered", "opened", "traded", "filled"]


def test_an_edited_order_has_a_new_name_and_what_was_left() -> None:
    box, account, ear = at("1000.0")
    box.write(["900.0 1"], ["1100.0 1"])
    old = account.place(limit(BUY, "950.0", "2")).update.order_id
    box.add(SELL, "950.0", "0.5")
    ear.heard.clear()

    new = account.edit(Edit(order_id=old, symbol=BTC, quantity=D(3), limit_price=D("940.0")))

    assert (new.update.quantity, new.update.limit_price) == (D("2.5"), D("940.0"))
    assert new.origin_id == old
    assert new.update.filled == 0
    ended = account.order(old)
    assert ended is not None
    assert ended.update.reason == "Order replaced"
    assert ended.update.filled == D("0.5")
    assert ear.words() == ["canceled", "pending", "opened"]


def test_orders_with_a_name_of_their_owner_or_a_close_are_not_edited() -> None:
    _, account, _ = at("1000.0")
    close = CloseOrder(order_type=OrderType.STOP_LOSS, trigger_price=D("900.0"))
    named = account.place(limit(BUY, "940.0", "1", client_order_id="mine"))
    closing = account.place(limit(BUY, "940.0", "1", close=close))

    for order in (named, closing):
        with pytest.raises(CommandRefused) as refused:
            account.edit(Edit(order_id=order.update.order_id, symbol=BTC, quantity=D(2)))
        assert refused.value.refusal is Refusal.NOT_EDITABLE


# Canceling


def test_all_orders_are_canceled_waiting_ones_too() -> None:
    _, account, ear = at("1000.0")
    account.place(limit(BUY, "900.0", "1"))
    account.place(triggered(OrderType.STOP_LOSS, SELL, "900.0"))
    ear.heard.clear()

    assert account.cancel_all() == 2

    assert ear.words() == ["canceled", "canceled"]
    assert {order.reason for order in account.orders} == {"User requested"}


def test_the_switch_falls_unless_it_is_put_off() -> None:
    box, account, ear = at("1000.0")
    account.place(limit(BUY, "900.0", "1"))
    ear.heard.clear()
    account.cancel_all_after(10, box.time_ns)

    box.wait(9)
    account.cancel_all_after(10, box.time_ns)
    box.wait(9)
    assert ear.words() == []
    box.wait(1)
    assert ear.words() == ["canceled"]
    account.place(limit(BUY, "900.0", "1"))
    box.wait(100)

    assert ear.words() == ["pending", "opened"]  # it falls once


def test_a_disarmed_switch_never_falls() -> None:
    box, account, _ = at("1000.0")
    account.place(limit(BUY, "900.0", "1"))
    account.cancel_all_after(10, box.time_ns)

    assert account.cancel_all_after(0, box.time_ns) is None

    box.wait(100)
    assert len(account.open_orders()) == 1


def test_an_order_that_is_gone_cannot_be_canceled() -> None:
    _, account, _ = at("1000.0")

    with pytest.raises(CommandRefused) as refused:
        account.cancel("ONOBOD-YSORD-ERATAL")

    assert refused.value.refusal is Refusal.UNKNOWN_ORDER


# What is refused


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (limit(BUY, "900.05", "1"), Refusal.TOO_PRECISE),
        (limit(BUY, "-1.0", "1"), Refusal.INVALID_PRICE),
        (limit(BUY, "900.0", "0.000000001"), Refusal.INVALID_QUANTITY),
        (limit(BUY, "900.0", "0.00005"), Refusal.QUANTITY_MINIMUM),
        (limit(BUY, "1000.0", "0.0004"), Refusal.COST_MINIMUM),
        (limit(BUY, "900.0", "1", display_quantity=D("0.1")), Refusal.INVALID_DISPLAY),
        (
            limit(BUY, "900.0", "1", order_type=OrderType.ICEBERG, display_quantity=D("0.06")),
            Refusal.INVALID_DISPLAY,
        ),
        (limit(BUY, "900.0", "1", time_in_force=TimeInForce.GTD), Refusal.INVALID_EXPIRY),
        (limit(BUY, "900.0", "1", expires_ns=START + SECOND), Refusal.INVALID_EXPIRY),
        (limit(BUY, "900.0", "1", margin=True), Refusal.NO_MARGIN),
        (limit(BUY, "900.0", "1", reduce_only=True), Refusal.NO_POSITION),
        (limit(BUY, "900.0", "1", quote_quantity=D(5)), Refusal.UNSUPPORTED),
        (limit(BUY, "900.0", "1", trigger=Trigger(D(1))), Refusal.UNSUPPORTED),
        (
            limit(BUY, "900.0", "1", post_only=True, time_in_force=TimeInForce.IOC),
            Refusal.UNSUPPORTED,
        ),
        (
            limit(BUY, "900.0", "1", close=CloseOrder(order_type=OrderType.MARKET)),
            Refusal.INVALID_CLOSE,
        ),
        (
            triggered(OrderType.TRAILING_STOP, SELL, "-1.0", PriceKind.PERCENT),
            Refusal.INVALID_TRIGGER,
        ),
        (
            triggered(OrderType.STOP_LOSS, SELL, "-100.0", PriceKind.PERCENT),
            Refusal.INVALID_TRIGGER,
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(request_: OrderRequest, refusal: Refusal) -> None:
    _, account, ear = at("1000.0")

    with pytest.raises(CommandRefused) as refused:
        account.place(request_)

    assert refused.value.refusal is refusal
    assert not ear.heard


def test_a_name_is_free_again_once_its_order_has_ended() -> None:
    _, account, _ = at("1000.0")
    first = account.place(limit(BUY, "900.0", "1", client_order_id="mine"))

    with pytest.raises(CommandRefused) as refused:
        account.place(limit(BUY, "901.0", "1", client_order_id="mine"))
    assert refused.value.refusal is Refusal.NAME_TAKEN
    account.cancel(first.update.order_id)

    second = account.place(limit(BUY, "901.0", "1", client_order_id="mine"))
    assert second.update.order_id != first.update.order_id


def test_a_day_with_accounts_is_the_same_every_time() -> None:
    def live() -> list[str]:
        random = Random(3)
        box = Box(seed=5)
        account, ear = box.open(USD="100000", BTC="2")
        for _ in range(200):
            box.exchange.step(BTC)
            last = box.exchange.market(BTC).last_price or D(0)
            price = f"{last + random.randrange(-300, 300) / D(10):.1f}"
            account.place(limit(random.choice((BUY, SELL)), price, "0.001"))
        return [repr(one) for one in ear.heard]

    assert live() == live()


def test_a_venue_may_number_the_orders_and_trades_of_each_market_by_themselves() -> None:
    def name(symbol: Symbol, number: int) -> str:
        return f"{symbol}-{number}"

    side = structs.replace(find_side("kraken"), order_id=name)
    box = Box(side=side)
    account, ear = box.open(USD="100000")
    box.write(["90 1"], ["100 1"])
    box.write(["90 1"], ["100 1"], ETH)

    orders = [account.place(limit(BUY, "100", "1", symbol=symbol)) for symbol in (BTC, ETH, BTC)]

    assert [one.update.order_id for one in orders] == ["BTC/USD-1", "ETH/USD-1", "BTC/USD-2"]
    trades = [one for one in ear.heard if isinstance(one, OrderHappening) and one.fill is not None]
    public = [box.exchange.trades(symbol, 1)[0].sequence for symbol in (BTC, ETH)]
    assert [one.fill.fill_id for one in trades if one.fill] == [str(one) for one in public]
