"""The link of an account at Advanced Trade: its orders, their fills, its balances and answers."""

import json
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.account import Balance, Fee, Fill, Liquidity
from fluxum.model.event import Desync, LeftOut, Refused, Subscribed, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Declined,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
    TimeInForce,
)
from fluxum.venues.coinbase.advanced.private.protocol import AdvancedAccount
from fluxum.venues.conversation import UnreadableStream
from venues.coinbase.private.wire import BALANCES, CAPTURES, EXECUTIONS, NOW, Wire, calls, order

SYMBOL = Symbol("BTC/USD")
# 2026-09-25T16:00:00Z, the time of every frame here.
SENT_NS = 1_790_352_000_000_000_000


def fill(
    name: str, size: str, *, order_id: str = "O-1", at: str = "16:00:00.5"
) -> dict[str, object]:
    return {
        "entry_id": name,
        "order_id": order_id,
        "product_id": "BTC-USD",
        "price": "100",
        "size": size,
        "side": "BUY",
        "trade_time": f"2026-09-25T{at}Z",
        "trade_type": "FILL",
        "commission": "0.6",
        "liquidity_indicator": "MAKER",
    }


def request(name: str = "mine", **fields: object) -> OrderRequest:
    given = {"symbol": SYMBOL, "side": "buy", "quantity": "2", "limit_price": "100"} | fields
    return OrderRequest(client_order_id=name, **given)  # type: ignore[arg-type]


# Orders


def test_heartbeats_come_first_and_only_the_stream_of_orders_is_signed() -> None:
    wire = Wire(EXECUTIONS)

    first = wire.sent()
    assert first == [{"type": "subscribe", "channel": "heartbeats", "signed": False}]
    assert wire.protocol.unanswered() == []
    assert wire.listed("heartbeats") == []
    assert wire.sent() == [{"type": "subscribe", "channel": "user", "signed": True}]
    assert wire.protocol.unanswered() == [EXECUTIONS]
    (subscribed,) = wire.listed("heartbeats", "user")
    assert isinstance(subscribed, Subscribed)
    assert subscribed.subscription == EXECUTIONS


def test_the_published_order_is_read() -> None:
    wire = Wire().begun()

    (update,) = wire.hear("user", *json.loads(CAPTURES["user_published"])["events"])

    assert isinstance(update, OrderUpdate)
    assert update == OrderUpdate(
        venue="coinbase",
        order_id="YYY",
        client_order_id=3 * "X",
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.FILLED,
        quantity=Decimal("0.01"),
        filled=Decimal("0.01"),
        cost=Decimal(500),
        average_price=Decimal(50_000),
        limit_price=Decimal(50_000),
        time_in_force=TimeInForce.GTC,
        opened_ns=1_718_994_553_909_347_000,  # 2024-06-21T18:29:13.909347Z
        venue_ns=SENT_NS,
        received_ns=NOW,
    )


def test_an_open_order_of_fewer_members_is_read() -> None:
    wire = Wire().begun()

    (update,) = wire.hear("user", *json.loads(CAPTURES["user_open"])["events"])

    assert isinstance(update, OrderUpdate)
    assert update.status is OrderStatus.OPEN
    assert (update.quantity, update.filled, update.cost) == (
        Decimal("0.001"),
        Decimal(0),
        Decimal(0),
    )
    assert (update.limit_price, update.average_price) == (None, None)
    assert update.opened_ns == 1_775_572_195_123_456_000  # 2026-04-07T14:29:55.123456Z


def test_an_order_that_ended_is_for_as_much_as_it_was() -> None:
    """Nothing may be left of one that ended, and less after it was amended."""
    wire = Wire().begun(order())

    (amended,) = wire.orders(order(leaves_quantity="1.5"))
    (ended,) = wire.orders(
        order(status="CANCELLED", leaves_quantity="0", cancel_reason="User requested cancel")
    )

    assert isinstance(amended, OrderUpdate)
    assert isinstance(ended, OrderUpdate)
    assert (amended.quantity, ended.quantity) == (Decimal("1.5"), Decimal("1.5"))
    assert (ended.status, ended.reason) == (OrderStatus.CANCELED, "User requested cancel")
    assert wire.orders(order(status="OPEN")) == []  # from before


def test_a_market_order_is_for_what_was_sent_or_for_what_is_filled() -> None:
    wire = Wire().begun()
    market = {"order_type": "Market", "limit_price": "", "leaves_quantity": "40"}
    wire.protocol.command(
        7, Place(request=request("mine-O-1", order_type="market", limit_price=None)), NOW
    )

    (ours,) = wire.orders(order(cumulative_quantity="1.5", avg_price="80", **market))
    (another,) = wire.orders(order("O-2", cumulative_quantity="1.5", **market))

    assert isinstance(ours, OrderUpdate)
    assert isinstance(another, OrderUpdate)
    assert (ours.quantity, ours.status) == (
        Decimal(2),
        OrderStatus.PARTIALLY_FILLED,
    )
    assert ours.cost == 120  # the row does not say: 1.5 at 80 on average
    assert another.quantity == Decimal("1.5")


def test_stops_wait_and_unknown_words_are_kept() -> None:
    wire = Wire().begun()
    stop = {"order_type": "Stop Limit", "stop_price": "90", "order_side": "SELL"}

    (waiting, odd) = wire.orders(
        order(trigger_status="STOP_PENDING", **stop),
        order("O-2", order_type="TWAP", status="HALTED", time_in_force="SOMETIME"),
    )

    assert isinstance(waiting, OrderUpdate)
    assert isinstance(odd, OrderUpdate)
    assert (waiting.order_type, waiting.status) == (OrderType.STOP_LOSS_LIMIT, OrderStatus.PENDING)
    assert (waiting.trigger_price, waiting.limit_price) == (
        Decimal(90),
        Decimal(100),
    )
    assert (odd.order_type, odd.venue_type) == (OrderType.OTHER, "TWAP")
    assert (odd.status, odd.venue_status) == (OrderStatus.OTHER, "HALTED")
    assert (odd.time_in_force, odd.venue_time_in_force) == (TimeInForce.OTHER, "SOMETIME")


def test_a_row_that_cannot_be_read_makes_the_stream_begin_again() -> None:
    wire = Wire().begun()

    left_out, update, missed = wire.orders(order("O-2", order_side="HOLD"), order())

    assert isinstance(left_out, LeftOut)
    assert "'HOLD'" in left_out.reason
    assert isinstance(update, OrderUpdate)
    assert isinstance(missed, Desync)
    with pytest.raises(UnreadableStream, match="HOLD"):
        wire.orders(order("O-2", order_side="HOLD"))


def test_contracts_are_not_of_this_account() -> None:
    assert Wire().begun().orders(order(product_id="BIT-28JUN24-CDE", product_type="FUTURE")) == []


def test_a_missing_number_is_a_desync_and_a_repeated_frame_is_passed_over() -> None:
    wire = Wire().begun()
    due = wire.number

    missed, update = wire.hear("user", {"orders": [order()]}, number=due + 1)

    assert isinstance(missed, Desync)
    assert (missed.expected, missed.computed) == (due, due + 1)
    assert isinstance(update, OrderUpdate)
    assert wire.hear("user", {"orders": [order()]}, number=due + 1) == []
    assert (wire.protocol.sequence.steps, wire.protocol.sequence.breaks) == (2, 1)


def test_of_frames_out_of_order_the_newer_one_counts() -> None:
    wire = Wire().begun(order())
    due = wire.number

    wire.hear(
        "user", {"orders": [order(cumulative_quantity="2", leaves_quantity="0")]}, number=due + 1
    )
    late = wire.hear("user", {"orders": [order(cumulative_quantity="1")]}, number=due)

    assert late == []


def test_a_token_that_is_refused_is_made_once_more() -> None:
    wire = Wire()
    wire.listed("heartbeats")
    wire.sent()

    assert wire.protocol.receive(CAPTURES["error_auth"], NOW) == ()
    assert wire.sent() == [{"type": "subscribe", "channel": "user", "signed": True}]
    (refused,) = wire.protocol.receive(CAPTURES["error_auth"], NOW)
    assert isinstance(refused, Refused)
    assert (refused.subscription, refused.message) == (EXECUTIONS, "authentication failure")


def test_orders_that_are_not_wanted_any_more() -> None:
    wire = Wire().begun()

    wire.protocol.unsubscribe([EXECUTIONS])

    assert wire.sent() == [{"type": "unsubscribe", "channel": "user", "signed": True}]
    assert wire.orders(order()) == []
    (ended,) = wire.listed("heartbeats")
    assert isinstance(ended, Unsubscribed)


def test_a_resync_ends_the_stream_and_begins_it_again() -> None:
    wire = Wire().begun()

    wire.protocol.resync(EXECUTIONS)

    assert [one["type"] for one in wire.sent()] == ["unsubscribe"]
    wire.listed("heartbeats")
    assert [one["type"] for one in wire.sent()] == ["subscribe"]


@pytest.mark.parametrize("frame", [b"", b"[]", b'{"channel":"user"}', b"\xff"])
def test_nonsense_is_refused(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Wire().protocol.receive(frame, NOW)


def test_frames_of_other_channels_say_nothing() -> None:
    wire = Wire().begun()
    futures = json.loads(CAPTURES["futures_published"])["events"]

    assert wire.hear("futures_balance_summary", *futures) == []


def test_a_tape_of_another_client_is_read() -> None:
    protocol = AdvancedAccount()
    protocol.follow_passively()
    protocol.follow_request(b"{}")

    events = protocol.receive(CAPTURES["user_open"], NOW)

    assert [type(one) for one in events] == [OrderUpdate]


# Fills


def test_fills_are_listed_when_more_is_filled_until_they_sum_up() -> None:
    wire = Wire().begun(order())

    wire.orders(order(cumulative_quantity="1.5", leaves_quantity="0.5"))

    (call,) = calls(wire.protocol)
    assert call.path == "/api/v3/brokerage/orders/historical/fills?order_ids=O-1&limit=250"
    assert call.is_polled
    (first,) = wire.answer(call, {"fills": [fill("F-1", "1")], "cursor": ""})
    assert first == Fill(
        venue="coinbase",
        symbol=SYMBOL,
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(1),
        fees=(Fee(SYMBOL.quote, Decimal("0.6")),),
        liquidity=Liquidity.MAKER,
        fill_id="F-1",
        order_id="O-1",
        venue_ns=SENT_NS + 500_000_000,
        received_ns=NOW,
    )
    assert calls(wire.protocol) == []  # half of it lags: it is listed again with a heartbeat
    wire.beat()
    (again,) = calls(wire.protocol)
    (second,) = wire.answer(again, {"fills": [fill("F-2", "0.5"), fill("F-1", "1")]})
    assert isinstance(second, Fill)
    assert second.fill_id == "F-2"
    wire.beat()
    assert calls(wire.protocol) == []


def test_what_was_traded_before_the_link_began_is_history() -> None:
    wire = Wire().begun(order(cumulative_quantity="1", leaves_quantity="1"))
    assert calls(wire.protocol) == []

    wire.orders(order(cumulative_quantity="2", leaves_quantity="0", status="FILLED"))

    (call,) = calls(wire.protocol)
    rows = [fill("F-2", "1"), fill("F-1", "1", at="15:59:59")]
    events = wire.answer(call, {"fills": rows})
    assert [(one.fill_id, one.backfilled) for one in events if isinstance(one, Fill)] == [
        ("F-2", False),
        ("F-1", True),
    ]


def test_one_call_lists_the_fills_of_several_orders_page_by_page() -> None:
    wire = Wire().begun(order(), order("O-2"), order("O-3"))
    wire.orders(order(cumulative_quantity="1"))
    wire.orders(order("O-2", cumulative_quantity="1"), order("O-3", cumulative_quantity="1"))

    (first,) = calls(wire.protocol)
    wire.answer(first, {"fills": [fill("F-1", "1")]})
    (second,) = calls(wire.protocol)
    assert "order_ids=O-2&order_ids=O-3" in second.path
    wire.answer(second, {"fills": [fill("F-2", "1", order_id="O-2")], "cursor": "789100"})
    (third,) = calls(wire.protocol)
    assert "cursor=789100" in third.path
    wire.answer(third, {"fills": [fill("F-3", "1", order_id="O-3")]})
    wire.beat()
    assert calls(wire.protocol) == []


def test_fills_that_never_come_are_left_to_the_audit() -> None:
    wire = Wire().begun(order())
    wire.orders(order(cumulative_quantity="2", leaves_quantity="0", status="FILLED"))
    made = 0
    while queued := calls(wire.protocol):
        made += len(queued)
        if made % 2:
            assert wire.answer(queued[0], {"fills": []}) == []
        else:
            assert wire.protocol.receive_refusal(queued[0], "404", NOW) == ()
        wire.beat()

    assert made == 10


def test_a_fill_in_the_quote_asset_and_a_reversal() -> None:
    wire = Wire().begun(order())
    wire.orders(order(cumulative_quantity="1"))
    (call,) = calls(wire.protocol)
    quoted = {**fill("F-1", "50"), "size_in_quote": True, "commission": "-0.02"}
    reversal = {**fill("F-2", "1"), "trade_type": "REVERSAL"}

    left_out, one = wire.answer(call, {"fills": [quoted, reversal]})

    assert isinstance(left_out, LeftOut)
    assert "REVERSAL" in left_out.reason
    assert isinstance(one, Fill)
    assert one.quantity == Decimal("0.5")
    assert one.fees == (Fee(SYMBOL.quote, Decimal("-0.02")),)


def test_the_orders_of_a_link_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxum.venues.coinbase.advanced.private.orders._ORDERS_KEPT", 2)
    wire = Wire().begun()
    wire.orders(order("O-1", cumulative_quantity="1"))
    (call,) = calls(wire.protocol)

    wire.orders(order("O-2"), order("O-3"))

    with pytest.raises(BadInput, match="not known of 'mine-O-1'"):
        wire.protocol.command(7, Cancel(client_order_ids=("mine-O-1",)), NOW)
    wire.protocol.command(8, Cancel(client_order_ids=("mine-O-3",)), NOW)
    assert wire.answer(call, {"fills": [fill("F-1", "1")]}) == []  # the audit finds it


# Balances


def test_balances_are_listed_at_first_and_after_orders_with_the_next_heartbeat() -> None:
    wire = Wire(EXECUTIONS, BALANCES)

    (call,) = calls(wire.protocol)
    assert call.path == "/api/v3/brokerage/accounts?limit=250"
    subscribed, btc, usd = wire.answer(call, CAPTURES["accounts"])
    assert isinstance(subscribed, Subscribed)
    assert isinstance(btc, Balance)
    assert (btc.total, btc.held, btc.free) == (
        Decimal("1.23956789"),
        Decimal("0.005"),
        Decimal("1.23456789"),
    )
    assert isinstance(usd, Balance)
    assert (usd.total, usd.held) == (Decimal("10450.50"), Decimal(450))
    wire.begun()
    wire.orders(order(), order("O-2"))
    assert calls(wire.protocol) == []
    wire.beat()
    (again,) = calls(wire.protocol)
    wire.beat()
    assert calls(wire.protocol) == []  # one at a time
    assert wire.answer(again, CAPTURES["accounts"]) == []  # as they were
    wire.protocol.ping()
    wire.beat()
    assert len(calls(wire.protocol)) == 1


def test_the_published_accounts_are_read_page_by_page() -> None:
    wire = Wire(BALANCES)
    (call,) = calls(wire.protocol)

    _, balance = wire.answer(call, CAPTURES["accounts_published"])

    assert isinstance(balance, Balance)
    assert (balance.asset, balance.total, balance.held) == (
        "BTC",
        Decimal("2.46"),
        Decimal("1.23"),
    )
    (following,) = calls(wire.protocol)
    assert following.path.endswith("cursor=789100")


def test_balances_that_are_refused() -> None:
    wire = Wire(BALANCES)
    (call,) = calls(wire.protocol)

    (refused,) = wire.protocol.receive_refusal(call, "Unauthorized", NOW)

    assert isinstance(refused, Refused)
    assert refused.subscription == BALANCES
    wire.beat()
    (again,) = calls(wire.protocol)
    wire.answer(again, CAPTURES["accounts"])
    assert wire.protocol.receive_refusal(again, "once more", NOW) == ()


# Commands


def test_an_order_is_placed_with_a_call_that_ends_with_its_deadline() -> None:
    wire = Wire().begun()

    wire.protocol.command(7, Place(request=request(), deadline_ns=NOW + 1), NOW)

    (call,) = calls(wire.protocol)
    assert (call.method, call.path) == ("POST", "/api/v3/brokerage/orders")
    assert call.is_once
    assert call.headers == {"deadline": str(NOW + 1)}
    (accepted,) = wire.answer(call, CAPTURES["placed_market"])
    assert accepted == Accepted(
        venue="coinbase",
        command_id=7,
        order_id="62475e97-7485-45eb-a5ac-594805fa2748",
        client_order_id="mine",
        received_ns=NOW,
    )
    assert wire.answer(call, CAPTURES["placed_market"]) == []  # it was answered


def test_a_refusal_has_the_venues_words() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, Place(request=request()), NOW)
    (call,) = calls(wire.protocol)
    published = json.loads(CAPTURES["placed_published"])

    (declined,) = wire.answer(call, {**published, "success": False})

    assert isinstance(declined, Declined)
    assert declined.client_order_id == "mine"
    assert declined.message == (
        "UNKNOWN The order configuration was invalid "
        "Market orders cannot be placed with empty order sizes"
    )
    wire.protocol.command(8, Place(request=request()), NOW)
    (call,) = calls(wire.protocol)
    error = {"error": "INSUFFICIENT_FUND", "message": "", "error_details": "no USD"}
    (declined,) = wire.answer(call, {"success": False, "error_response": error})
    assert isinstance(declined, Declined)
    assert declined.message == "INSUFFICIENT_FUND no USD"


def test_each_order_of_a_batch_is_a_call_of_its_own() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, PlaceBatch(requests=(request("a"), request("b"))), NOW)

    first, second = calls(wire.protocol)
    (refused,) = wire.protocol.receive_refusal(second, "HTTP 403", NOW)
    (accepted,) = wire.answer(first, CAPTURES["placed_market"])

    assert isinstance(refused, Declined)
    assert (refused.client_order_id, refused.is_last) == ("b", False)
    assert isinstance(accepted, Accepted)
    assert (accepted.client_order_id, accepted.is_last) == ("a", True)


def test_an_order_is_amended_by_the_venues_id() -> None:
    wire = Wire().begun(order())
    wire.protocol.command(7, Amend(client_order_id="mine-O-1", symbol=SYMBOL, quantity="1"), NOW)
    (call,) = calls(wire.protocol)

    assert json.loads(call.body) == {"order_id": "O-1", "size": "1"}
    (accepted,) = wire.answer(call, {"success": True, "errors": []})
    assert isinstance(accepted, Accepted)
    wire.protocol.command(8, Amend(order_id="O-1", symbol=SYMBOL, limit_price="99.5"), NOW)
    (call,) = calls(wire.protocol)
    assert json.loads(call.body) == {"order_id": "O-1", "price": "99.5"}
    refused = {"success": False, "errors": [{"edit_failure_reason": "ORDER_NOT_FOUND"}]}
    (declined,) = wire.answer(call, refused)
    assert isinstance(declined, Declined)
    assert (declined.order_id, declined.message) == ("O-1", "ORDER_NOT_FOUND")


def test_the_published_answer_to_a_change_is_read() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, Amend(order_id="O-1", symbol=SYMBOL, quantity="1"), NOW)
    (call,) = calls(wire.protocol)

    (accepted,) = wire.answer(call, CAPTURES["edited_published"])

    assert isinstance(accepted, Accepted)


def test_orders_are_canceled_by_the_venues_ids() -> None:
    wire = Wire().begun(order())
    wire.protocol.command(7, Cancel(order_ids=("O-9",), client_order_ids=("mine-O-1",)), NOW)

    first, second = calls(wire.protocol)

    assert [json.loads(one.body) for one in (first, second)] == [
        {"order_ids": ["O-9"]},
        {"order_ids": ["O-1"]},
    ]
    (accepted,) = wire.answer(first, CAPTURES["canceled_published"])
    assert isinstance(accepted, Accepted)
    assert (accepted.order_id, accepted.is_last) == ("0000-00000", False)
    failed = {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "O-1"}
    (declined,) = wire.answer(second, {"results": [failed]})
    assert isinstance(declined, Declined)
    assert (declined.order_id, declined.message) == ("O-1", "UNKNOWN_CANCEL_ORDER")


def test_many_orders_are_canceled_a_hundred_at_a_time() -> None:
    wire = Wire().begun()
    names = tuple(f"O-{number}" for number in range(150))
    wire.protocol.command(7, CancelBatch(order_ids=names), NOW)

    first, second = calls(wire.protocol)

    assert len(json.loads(first.body)["order_ids"]) == 100
    assert wire.answer(first, {"results": [{"success": True}] * 99 + [{"success": False}]}) == []
    (accepted,) = wire.answer(second, {"results": [{"success": True}] * 50})
    assert isinstance(accepted, Accepted)
    assert accepted.count == 149


def test_a_cancel_of_all_lists_what_is_open_first() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, CancelAll(), NOW)

    (first,) = calls(wire.protocol)
    assert (first.method, first.is_once) == ("GET", True)
    rows = [{"order_id": "O-1"}, {"order_id": "O-2"}]
    assert wire.answer(first, {"orders": rows, "has_next": True, "cursor": "2"}) == []
    (second,) = calls(wire.protocol)
    assert second.path.endswith("order_status=OPEN&limit=250&cursor=2")
    assert wire.answer(second, {"orders": [{"order_id": "O-3"}]}) == []
    (third,) = calls(wire.protocol)
    assert json.loads(third.body) == {"order_ids": ["O-1", "O-2", "O-3"]}
    (accepted,) = wire.answer(third, {"results": [{"success": True}] * 3})
    assert isinstance(accepted, Accepted)
    assert accepted.count == 3


def test_a_cancel_of_all_where_nothing_is_open() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, CancelAll(), NOW)
    (call,) = calls(wire.protocol)

    (accepted,) = wire.answer(call, {"orders": []})

    assert isinstance(accepted, Accepted)
    assert accepted.count == 0


def test_what_the_venue_cannot_do_is_refused_before_anything_is_sent() -> None:
    wire = Wire().begun()
    nonsense = (
        CancelAllAfter(60),
        Cancel(client_order_ids=("unknown",)),
        Amend(client_order_id="unknown", symbol=SYMBOL, quantity="1"),
        Cancel(),
        Place(request=request(), validate=True),
    )
    for command in nonsense:
        with pytest.raises(BadInput):
            wire.protocol.command(7, command, NOW)

    assert calls(wire.protocol) == []


def test_an_answer_that_makes_no_sense_is_refused() -> None:
    wire = Wire().begun()
    wire.protocol.command(7, Cancel(order_ids=("O-1",)), NOW)
    (call,) = calls(wire.protocol)

    for body in (b"", b"[]", b'{"results":[]}'):
        with pytest.raises(RemoteProtocolError):
            wire.answer(call, body)
    done = {"results": [{"success": True, "order_id": "O-1"}]}
    assert wire.answer(structs.replace(call, purpose="99.0"), done) == []
