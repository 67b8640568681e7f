"""A venue on paper: taking, resting, latency, rules, money and gaps, by hand."""

from decimal import Decimal

import pytest

from fluxum.errors import BadInput, TransportError
from fluxum.fill.fees import Fees, FeesIn
from fluxum.fill.queue import World
from fluxum.ledger.audit import audit
from fluxum.ledger.ledger import Ledger
from fluxum.model.account import Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Declined,
    Edit,
    OrderRequest,
    OrderStatus,
    Place,
    PlaceBatch,
    SelfTrade,
    TimeInForce,
)
from fluxum.paper.records import FillBounds
from fluxum.paper.transit import PaperFaults
from fluxum.paper.venue import PaperVenue
from papers import FOO, D, Desk, instrument

BUY, SELL = Side.BUY, Side.SELL


def opened(desk: Desk | None = None) -> Desk:
    """A book of 100 at 100 and of 1 each at 101 and 102."""
    desk = desk or Desk()
    desk.book({100: 100, 99: 50}, {101: 1, 102: 1, 110: 1000})
    return desk


def refusals(desk: Desk) -> list[str]:
    return [one.message for one in desk.events if isinstance(one, Declined)]


# Taking


def test_q4_two_market_orders_do_not_take_the_same_quantity() -> None:
    desk = opened()

    desk.place(BUY, 1)
    desk.place(BUY, 1)

    assert desk.fills == [(101, 1, 0), (102, 1, 0)]
    assert desk.balance("USD") == 100_000 - 101 - 102


def test_what_was_taken_is_free_again_once_the_level_was_gone() -> None:
    desk = opened()
    desk.place(BUY, 1)
    desk.change(asks={101: 3})  # 1 of the 3 is what we took
    desk.place(BUY, 3, 101, time_in_force=TimeInForce.IOC)
    assert desk.fills == [(101, 1, 0), (101, 2, 0)]

    desk.change(asks={101: 0})
    desk.change(asks={101: 1})
    desk.place(BUY, 1)

    assert desk.fills[-1] == (101, 1, 0)


def test_q5_what_the_book_does_not_have_is_not_filled_and_said_to_be_so() -> None:
    desk = Desk()
    desk.book({100: 100}, {101: 1, 102: 1})

    desk.place(BUY, 5)

    assert desk.fills == [(101, 1, 0), (102, 1, 0)]
    assert (desk.last.status, desk.last.filled) == (OrderStatus.CANCELED, D(2))
    assert desk.last.reason == "no liquidity"


def test_a_taker_finds_nothing_where_a_published_trade_has_just_taken() -> None:
    """A stop that a trade starts does not trade with what that trade took."""
    desk = opened()
    desk.place(BUY, 1, trigger=101)

    desk.trade(BUY, 101, 1)

    assert desk.fills == [(102, 1, 0)]


def test_a_limit_order_takes_and_its_rest_stands_in_the_queue() -> None:
    desk = opened()

    desk.place(BUY, 5, 101)
    assert desk.fills == [(101, 1, 0)]
    desk.at(7).trade(SELL, 101, 3)

    assert desk.fills == [(101, 1, 0), (101, 3, 7)]
    assert [one.liquidity for one in desk.events if isinstance(one, Fill)] == [
        Liquidity.TAKER,
        Liquidity.MAKER,
    ]


# Resting


@pytest.mark.parametrize(
    ("fills", "expected"), [("pessimistic", 0), ("expected", 10), ("optimistic", 20)]
)
def test_the_account_follows_the_history_it_was_given(fills: str, expected: int) -> None:
    desk = opened(Desk(fills=fills))
    desk.place(BUY, 50, 100)
    desk.change(bids={100: 200})

    desk.change(bids={100: 180})  # 20 of 200 left, 100 of which stand ahead of us
    desk.trade(SELL, 100, 100)

    record = desk.venue.records()[0]
    assert record.bounds == FillBounds(D(0), D(10), D(20))
    assert sum(quantity for _, quantity, _ in desk.fills) == expected
    assert desk.balance("FOO") == 1000 + expected


def test_the_fills_of_every_history_are_kept_with_their_instants() -> None:
    desk = opened()
    desk.place(BUY, 50, 100)

    desk.at(5).trade(SELL, 99, 20)
    desk.at(6).change(bids={100: 0}, asks={100: 4})

    (record,) = desk.venue.records()
    assert [(one.world, one.at_ns, int(one.quantity)) for one in record.fills] == [
        (World.PESSIMISTIC, 5, 20),
        (World.EXPECTED, 5, 20),
        (World.OPTIMISTIC, 5, 50),
        (World.EXPECTED, 6, 4),
    ]
    assert record.arrival_mid == D("100.5")


def test_two_resting_orders_share_a_trade() -> None:
    desk = Desk()
    desk.book({99: 100}, {105: 10})
    desk.place(BUY, 1, 100, name="a")
    desk.place(BUY, 1, 100, name="b")

    desk.trade(SELL, 100, 1)

    assert {one.client_order_id: int(one.filled) for one in desk.orders.values()} == {
        "a": 1,
        "b": 0,
    }


def test_a_smaller_order_keeps_its_place_and_another_price_loses_it() -> None:
    desk = opened()
    desk.place(BUY, 50, 100, name="a")
    desk.trade(SELL, 100, 90)
    desk.change(bids={100: 500})

    desk.send(Amend(client_order_id="a", quantity=D(20)))
    desk.trade(SELL, 100, 15)
    assert desk.last.filled == 5

    desk.send(Amend(client_order_id="a", limit_price=D(99)))
    desk.trade(SELL, 99, 49)
    assert desk.last.filled == 5
    desk.trade(SELL, 99, 10)
    assert (desk.last.filled, desk.last.limit_price) == (D(14), D(99))


def test_an_amendment_that_reaches_the_other_side_takes() -> None:
    desk = opened()
    desk.place(BUY, 3, 100, name="a")

    desk.send(Amend(client_order_id="a", limit_price=D(101)))
    desk.trade(SELL, 101, 1)

    assert desk.fills == [(101, 1, 0), (101, 1, 0)]
    assert desk.venue.records()[0].bounds == FillBounds(D(2), D(2), D(3))


def test_an_edit_replaces_an_order_by_one_at_the_back() -> None:
    desk = opened()
    desk.place(BUY, 5, 100)
    first = desk.last.order_id

    desk.send(Edit(order_id=first, symbol=FOO, limit_price=D(99)))

    assert desk.orders[first].status is OrderStatus.CANCELED
    assert (desk.last.limit_price, desk.last.status) == (D(99), OrderStatus.OPEN)
    answer = [one for one in desk.events if isinstance(one, Accepted)][-1]
    assert (answer.original_order_id, answer.order_id) == (first, desk.last.order_id)


def test_an_edit_that_is_refused_leaves_the_order() -> None:
    desk = opened()
    desk.place(BUY, 5, 100)

    desk.send(Edit(order_id=desk.last.order_id, symbol=FOO, quantity=D(10_000)))

    assert refusals(desk) == ["insufficient funds"]
    assert [one.status for one in desk.venue.open_orders()] == [OrderStatus.OPEN]


# Latency


def test_a_command_is_processed_on_the_book_of_its_arrival() -> None:
    desk = opened(Desk(delay_ns=10))

    desk.at(100).place(BUY, 1)
    desk.at(105).change(asks={101: 0})
    desk.at(109)
    assert desk.events == []
    desk.at(119)
    assert desk.events == []
    desk.at(120)

    assert desk.fills == [(102, 1, 110)]
    assert {one.received_ns for one in desk.events} == {120}


def test_what_arrives_at_an_instant_comes_before_the_data_of_that_instant() -> None:
    desk = opened(Desk(delay_ns=10))

    desk.at(100).place(BUY, 1)
    desk.at(110).change(asks={101: 0})
    desk.at(120)

    assert desk.fills == [(101, 1, 110)]


def test_the_next_instant_is_that_of_an_arrival_an_answer_or_a_timer() -> None:
    desk = opened(Desk(delay_ns=10))
    assert desk.venue.next_ns is None

    desk.at(100).place(BUY, 1, 99, time_in_force=TimeInForce.GTD, expires_ns=115)
    assert desk.venue.next_ns == 110
    desk.at(110)
    assert desk.venue.next_ns == 115
    desk.at(115)
    assert desk.venue.next_ns == 120
    desk.at(125)

    assert desk.venue.next_ns is None
    assert (desk.last.status, desk.last.venue_ns) == (OrderStatus.EXPIRED, 115)


# Rules


def test_a_post_only_order_that_would_take_is_refused() -> None:
    desk = opened()

    desk.place(BUY, 1, 101, post_only=True)
    desk.place(BUY, 1, 100, post_only=True)

    assert refusals(desk) == ["post-only order would take"]
    assert desk.last.status is OrderStatus.OPEN


@pytest.mark.parametrize(
    ("time_in_force", "fills", "reason"),
    [
        (TimeInForce.IOC, [(101, 1, 0), (102, 1, 0)], "immediate or cancel"),
        (TimeInForce.FOK, [], "fill or kill"),
    ],
)
def test_orders_that_may_not_rest_end_at_once(
    time_in_force: TimeInForce, fills: list[tuple[int, int, int]], reason: str
) -> None:
    desk = opened()

    desk.place(BUY, 5, 102, time_in_force=time_in_force)

    assert desk.fills == fills
    assert (desk.last.status, desk.last.reason) == (OrderStatus.CANCELED, reason)


def test_a_whole_order_is_filled_whole() -> None:
    desk = opened()

    desk.place(BUY, 2, 102, time_in_force=TimeInForce.FOK)

    assert desk.last.status is OrderStatus.FILLED
    assert desk.last.cost == 203


def test_a_stop_waits_for_its_price_and_then_trades() -> None:
    desk = opened()

    desk.place(SELL, 4, trigger=98)
    desk.trade(SELL, 99, 1)
    assert desk.last.status is OrderStatus.PENDING
    desk.at(3).trade(SELL, 98, 1)

    assert desk.fills == [(100, 4, 3)]


@pytest.mark.parametrize(
    ("side", "quantity", "limit", "message"),
    [
        (BUY, 2000, 99, "insufficient funds"),
        (SELL, 1001, 120, "insufficient funds"),
        (BUY, 1500, None, "insufficient funds"),
    ],
)
def test_an_order_without_funds_is_refused(
    side: Side, quantity: int, limit: int | None, message: str
) -> None:
    desk = Desk()
    desk.book({100: 100}, {101: 3000})

    desk.place(side, quantity, limit)

    assert refusals(desk) == [message]
    assert desk.venue.open_orders() == []


def test_an_order_holds_what_it_can_cost_until_it_ends() -> None:
    desk = opened(Desk(fees=Fees.flat("0.001", "0.002")))

    desk.place(BUY, 10, 99, name="a")
    usd = Asset("USD")
    assert desk.venue.account.free(usd) == 100_000 - 990 - D("1.98")

    desk.send(Cancel(client_order_ids=("a",)))
    assert desk.venue.account.free(usd) == 100_000


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"limit_price": D("100.5")}, "price has too many decimals: FOO/USD"),
        ({"quantity": D("0.5")}, "invalid quantity: order_qty"),
        ({"symbol": "BAR/USD"}, "unknown symbol: BAR/USD"),
        ({"order_type": "iceberg", "display_quantity": D(1)}, "unsupported combination: not on"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    request_: dict[str, object], message: str
) -> None:
    desk = opened()
    wanted: dict[str, object] = {"symbol": FOO, "side": BUY, "quantity": D(1), "limit_price": D(99)}

    desk.send(Place(request=OrderRequest(**{**wanted, **request_})))  # type: ignore[arg-type]

    assert [one.startswith(message) for one in refusals(desk)] == [True]


def test_a_name_is_free_again_when_its_order_has_ended() -> None:
    desk = opened()
    desk.place(BUY, 1, 99, name="a")
    desk.place(BUY, 1, 99, name="a")
    assert refusals(desk) == ["client order id is taken by an open order: client_order_id"]

    desk.send(Cancel(client_order_ids=("a",)))
    desk.place(BUY, 1, 99, name="a")

    assert len(desk.venue.open_orders()) == 1


def test_a_command_after_its_deadline_is_refused() -> None:
    desk = opened(Desk(delay_ns=10))
    request = OrderRequest(symbol=FOO, side=BUY, quantity=D(1), limit_price=D(99))

    desk.at(100).send(Place(request=request, deadline_ns=109))
    desk.at(200)

    assert refusals(desk) == ["invalid expiry: the deadline has passed"]


def test_one_s_own_orders_do_not_trade_with_each_other() -> None:
    desk = Desk()
    desk.book({99: 1}, {105: 5})
    desk.place(SELL, 3, 102, name="a")

    desk.place(BUY, 1, 103, name="b")
    assert desk.last.reason == "self trade"

    request = OrderRequest(
        symbol=FOO,
        side=BUY,
        quantity=D(1),
        limit_price=D(103),
        self_trade=SelfTrade.CANCEL_OLDEST,
        client_order_id="c",
    )
    desk.send(Place(request=request))
    states = {one.client_order_id: one.status for one in desk.orders.values()}
    assert states == {
        "a": OrderStatus.CANCELED,
        "b": OrderStatus.CANCELED,
        "c": OrderStatus.OPEN,
    }
    assert desk.fills == []


# Commands of several orders


def test_the_orders_of_a_batch_succeed_or_fail_by_themselves() -> None:
    desk = opened()
    requests = tuple(
        OrderRequest(symbol=FOO, side=BUY, quantity=D(q), limit_price=D(99), client_order_id=n)
        for n, q in (("a", 1), ("b", 5000), ("c", 2))
    )

    desk.send(PlaceBatch(requests=requests))

    answers = [one for one in desk.events if isinstance(one, Accepted | Declined)]
    assert [(type(one).__name__, one.client_order_id, one.is_last) for one in answers] == [
        ("Accepted", "a", False),
        ("Declined", "b", False),
        ("Accepted", "c", True),
    ]


def test_cancels_of_every_kind_end_orders() -> None:
    desk = opened()
    for name in "abcd":
        desk.place(BUY, 1, 99, name=name)

    desk.send(Cancel(client_order_ids=("a", "x")))
    desk.send(CancelBatch(client_order_ids=("b", "y")))
    desk.send(CancelAll())

    assert refusals(desk) == ["unknown order: x"]
    counts = [one.count for one in desk.events if isinstance(one, Accepted) and one.count]
    assert counts == [1, 2]
    assert desk.venue.open_orders() == []
    assert len(desk.venue.closed_orders()) == 4


def test_the_dead_man_switch_cancels_all_unless_it_is_renewed() -> None:
    desk = opened()
    desk.place(BUY, 1, 99)

    desk.send(CancelAllAfter(1))
    desk.at(999_999_999)
    assert len(desk.venue.open_orders()) == 1
    desk.send(CancelAllAfter(1))
    desk.at(1_999_999_998)
    assert len(desk.venue.open_orders()) == 1
    desk.at(1_999_999_999)

    assert desk.venue.open_orders() == []


# Faults


def test_a_lost_command_never_arrives_and_a_lost_answer_is_of_one_that_did() -> None:
    desk = opened(Desk(faults=PaperFaults(lost_command_every=2, lost_answer_every=3)))

    for name in ("a", "b", "c"):
        desk.place(BUY, 1, 99, name=name)

    assert [one.client_order_id for one in desk.venue.open_orders()] == ["a", "c"]
    answers = [one.client_order_id for one in desk.events if isinstance(one, Accepted)]
    assert answers == ["a"]
    assert (desk.venue.transit.lost_commands, desk.venue.transit.lost_answers) == (1, 1)


def test_too_many_commands_on_their_way_are_not_sent() -> None:
    desk = opened(Desk(delay_ns=10))
    for _ in range(10_000):
        desk.venue.transit.send(CancelAll(), 0)

    with pytest.raises(TransportError, match="10000 commands are on their way"):
        desk.send(CancelAll())


# Money


def test_fees_are_charged_by_tier_in_the_asset_that_is_agreed() -> None:
    quote = opened(Desk(fees=Fees.flat("-0.001", "0.002")))
    quote.place(BUY, 1)
    quote.place(BUY, 10, 100)
    quote.trade(SELL, 100, 110)
    assert quote.balance("USD") == 100_000 - 101 - D("0.202") - 1000 + 1

    base = opened(Desk(fees=Fees.flat("0.001", "0.002", FeesIn.RECEIVED)))
    base.place(BUY, 1)
    base.place(SELL, 1)
    assert base.balance("FOO") == 1000 - D("0.002")
    assert base.balance("USD") == 100_000 - 101 + 100 - D("0.2")


def test_fees_are_charged_in_a_third_asset_while_there_is_enough_of_it() -> None:
    fees = Fees(tiers=Fees.flat(0, "0.002").tiers, third=Asset("BNB"), third_rate=D("0.75"))
    more = [instrument("BNB/USD")]
    deposit = {"USD": D(1000), "BNB": D("0.002")}
    desk = opened(Desk(fees=fees, more=more, deposit=deposit))
    desk.book({99: 5}, {101: 5}, Symbol("BNB/USD"))

    desk.place(BUY, 1)  # 101 * 0.002 * 0.75 / 100
    desk.place(BUY, 1)

    charged = [one.fees for one in desk.events if isinstance(one, Fill)]
    assert charged == [
        (Fee(Asset("BNB"), D("0.001515")),),
        (Fee(Asset("USD"), D("0.204")),),
    ]
    assert desk.balance("BNB") == D("0.000485")


def test_entries_fills_and_balances_agree_to_the_last_unit() -> None:
    desk = Desk(fees=Fees.flat("0.00123456789", "0.00333333333"))
    ledger = Ledger()
    opening = desk.venue.account.balances(0)
    desk.book({100: 3, 99: 50}, {101: 7, 102: 1000})
    for turn in range(60):
        desk.place(BUY if turn % 3 else SELL, 1 + turn % 5, 101 if turn % 2 else None)
        desk.trade(SELL if turn % 2 else BUY, 101 if turn % 2 else 100, 2)
        desk.change(bids={100: 0}, asks={101: 0})
        desk.send(CancelAll())
        desk.change(bids={100: 3 + turn}, asks={101: 5 + turn})

    entries = [one for one in desk.events if isinstance(one, LedgerEntry)]
    result = audit(entries, desk.venue.account.balances(0), opening)
    for event in desk.events:
        if isinstance(event, Fill):
            ledger.apply(event)

    assert len(desk.fills) > 40
    assert result.is_clean
    position = ledger.position("box", FOO)
    assert position is not None
    assert position.quantity == desk.balance("FOO") - 1000
    fills = [one for one in desk.events if isinstance(one, Fill)]
    assert desk.venue.account.charged(Asset("USD")) == sum(
        (fee.amount for one in fills for fee in one.fees or ()), Decimal(0)
    )


def test_a_deposit_below_zero_or_too_fine_is_refused() -> None:
    for amount in (D(-1), D("0.123456789")):
        with pytest.raises(BadInput, match="USD: whole parts of 1E-8"):
            PaperVenue("box", [instrument()], deposit={"USD": amount})


def test_a_history_of_another_name_is_refused() -> None:
    with pytest.raises(BadInput, match="pessimistic, expected, optimistic was expected, was 'best"):
        PaperVenue("box", [instrument()], fills="best")


# Gaps


@pytest.mark.parametrize(
    ("bid", "bounds"), [(90, (10, 10, 10)), (103, (0, 0, 10))], ids=["beyond", "away"]
)
def test_g1_a_gap_takes_the_worse_outcome_for_the_position(
    bid: int, bounds: tuple[int, int, int]
) -> None:
    desk = opened()
    desk.place(BUY, 10, 100)

    desk.at(1).venue.lost(1)
    desk.at(5_000_000_001)
    assert desk.fills == []
    desk.book({bid: 5}, {bid + 1: 5})

    (record,) = desk.venue.records()
    assert record.was_in_gap
    assert record.bounds == FillBounds(*map(D, bounds))
    assert desk.fills == ([(100, 10, 5_000_000_001)] if bounds[1] else [])


def test_orders_that_arrive_in_a_gap_are_refused_and_cancels_are_not() -> None:
    desk = opened()
    desk.place(BUY, 10, 100, name="a")
    desk.venue.lost(0, [FOO])

    desk.place(BUY, 1, 99, name="b")
    desk.send(Cancel(client_order_ids=("a",)))

    assert refusals(desk) == ["unsupported combination: market data is lost"]
    assert desk.venue.open_orders() == []


def test_a_level_below_the_known_ones_may_have_anything_ahead() -> None:
    desk = Desk()
    desk.book({100: 5, 99: 5}, {101: 5, 102: 5}, depth=2)

    desk.place(BUY, 10, 90)
    desk.trade(SELL, 90, 3)

    assert desk.venue.records()[0].bounds == FillBounds(D(0), D(0), D(3))
