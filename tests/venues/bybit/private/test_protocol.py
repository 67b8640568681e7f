"""The account's link: login, topics, published frames, and rows that cannot be read."""

import json
import re
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.account import Balance, Fee, Fill, Liquidity
from fluxum.model.event import Desync, LeftOut, Refused, Subscribed, Unsubscribed
from fluxum.model.market import Side
from fluxum.model.order import CancelAll, OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.bybit.category import LINEAR, SPOT
from fluxum.venues.bybit.private.protocol import account_link
from fluxum.venues.conversation import Hangup, UnreadableStream
from venues.bybit.private.wire import BALANCES, CAPTURES, EXECUTIONS, NOW, account, sent

MS = 1_000_000


def test_a_link_logs_in_before_it_subscribes() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([EXECUTIONS, BALANCES])
    protocol.subscribe([])

    assert sent(protocol) == [{"op": "auth", "auth": True}]
    assert protocol.unanswered() == [EXECUTIONS, BALANCES]
    assert protocol.receive(CAPTURES["auth"], NOW) == ()
    (request,) = sent(protocol)
    assert request["args"] == ["order.spot", "execution.spot", "wallet"]
    assert protocol.unanswered() == [EXECUTIONS, BALANCES]

    events = protocol.receive(CAPTURES["subscribe"], NOW)
    assert [event.subscription for event in events if isinstance(event, Subscribed)] == [
        EXECUTIONS,
        BALANCES,
    ]
    assert protocol.unanswered() == []


def test_a_refused_login_refuses_what_waited_for_it() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([EXECUTIONS])
    sent(protocol)

    events = protocol.receive(b'{"success":false,"ret_msg":"no such key","op":"auth"}', NOW)

    (refused,) = [event for event in events if isinstance(event, Refused)]
    assert (refused.subscription, refused.message) == (EXECUTIONS, "the login: no such key")
    assert protocol.unanswered() == []


def test_a_login_that_came_too_late_is_tried_over_another_link() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([EXECUTIONS])
    sent(protocol)

    assert protocol.receive(b'{"success":false,"ret_msg":"Params Error","op":"auth"}', NOW) == ()

    assert isinstance(protocol.outbox.popleft(), Hangup)


def test_a_refused_topic_is_refused() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([BALANCES])
    protocol.receive(CAPTURES["auth"], NOW)

    events = protocol.receive(b'{"success":false,"ret_msg":"no","op":"subscribe"}', NOW)

    assert [event.subscription for event in events if isinstance(event, Refused)] == [BALANCES]


def test_both_topics_of_orders_end_together() -> None:
    protocol, _ = account()
    protocol.unsubscribe([EXECUTIONS])

    (request,) = sent(protocol)
    assert request["op"] == "unsubscribe"
    assert request["args"] == ["order.spot", "execution.spot"]
    events = protocol.receive(b'{"success":true,"ret_msg":"","op":"unsubscribe"}', NOW)
    assert [event.subscription for event in events if isinstance(event, Unsubscribed)] == [
        EXECUTIONS
    ]
    assert protocol.receive(CAPTURES["order_spot"], NOW) == ()


def test_pings_are_answered_and_commands_have_another_link() -> None:
    protocol, _ = account()
    protocol.ping()

    assert sent(protocol) == [{"op": "ping", "auth": False}]
    pong = b'{"req_id":"test","op":"pong","args":["1675418560633"],"conn_id":"c-1b"}'
    assert protocol.receive(pong, NOW) == ()
    with pytest.raises(BadInput, match="link of orders"):
        protocol.command(1, CancelAll(), NOW)


def test_the_observed_order_of_an_amount_is_filled() -> None:
    protocol, _ = account()

    (order,) = protocol.receive(CAPTURES["order_spot"], NOW)

    assert order == OrderUpdate(
        venue="bybit",
        order_id="1552132392821724672",
        client_order_id="1552132392821724673",
        symbol="BTC/USDT",  # type: ignore[arg-type]
        side=Side.BUY,
        order_type=OrderType.MARKET,
        status=OrderStatus.FILLED,
        quantity=Decimal("0.000306"),
        filled=Decimal("0.000306"),
        cost=Decimal("9.98631000"),
        average_price=Decimal(32635),
        time_in_force=TimeInForce.IOC,
        reason="EC_CancelForNoFullFill",
        opened_ns=1699764599837 * MS,
        venue_ns=1699764599841 * MS,
        received_ns=NOW,
    )


def test_the_observed_fill_on_spot_was_charged_in_the_base_asset() -> None:
    protocol, _ = account()

    (fill,) = protocol.receive(CAPTURES["execution_spot"], NOW)

    assert fill == Fill(
        venue="bybit",
        symbol="BTC/USDT",  # type: ignore[arg-type]
        side=Side.BUY,
        price=Decimal("32635.00"),
        quantity=Decimal("0.000306"),
        fees=(Fee("BTC", Decimal("0.000000306")),),  # type: ignore[arg-type]
        liquidity=Liquidity.TAKER,
        fill_id="2100000000047469164",
        order_id="1552132392821724672",
        client_order_id="1552132392821724673",
        venue_ns=1699764599837 * MS,
        received_ns=NOW,
    )


def test_the_published_execution_names_both_its_fees() -> None:
    protocol, _ = account(category=LINEAR)
    frame = CAPTURES["execution"].replace(b'"topic":"execution"', b'"topic":"execution.linear"')

    (fill,) = protocol.receive(frame, NOW)

    assert isinstance(fill, Fill)
    assert fill.symbol == "BTC/USDT:PERP"
    assert (fill.side, fill.price, fill.quantity) == (Side.SELL, Decimal("95900.1"), Decimal("0.5"))
    assert [(fee.asset, fee.amount) for fee in fill.fees or ()] == [
        ("USDT", Decimal("26.3725275")),
        ("USDT", Decimal("0.006403779")),
    ]


def test_rows_of_another_category_and_funding_are_passed_over() -> None:
    protocol, _ = account()
    frame = json.loads(CAPTURES["execution_spot"])
    frame["data"][0] |= {"execType": "Funding"}

    assert protocol.receive(json.dumps(frame).encode(), NOW) == ()
    order = CAPTURES["order"].replace(b'"topic":"order"', b'"topic":"order.spot"')
    assert protocol.receive(order, NOW) == ()


def test_the_published_wallet_is_a_balance_of_its_asset() -> None:
    protocol, _ = account()

    (balance,) = protocol.receive(CAPTURES["wallet"], NOW)

    assert balance == Balance(
        venue="bybit",
        asset="BTC",  # type: ignore[arg-type]
        total=Decimal("0.00102964"),
        held=Decimal(0),
        venue_ns=1700034722104 * MS,
        received_ns=NOW,
    )


def test_a_row_that_cannot_be_read_is_named_and_the_stream_looked_up_anew() -> None:
    protocol, _ = account()
    frame = json.loads(CAPTURES["execution_spot"])
    odd = {**frame["data"][0], "execType": "Surprise"}
    frame["data"].append(odd)

    left_out, fill, desync = protocol.receive(json.dumps(frame).encode(), NOW)

    assert isinstance(left_out, LeftOut)
    assert "Surprise" in left_out.reason
    assert isinstance(fill, Fill)
    assert isinstance(desync, Desync)
    frame["data"] = [odd]
    with pytest.raises(UnreadableStream) as error:
        protocol.receive(json.dumps(frame).encode(), NOW)
    assert error.value.subscriptions == (EXECUTIONS,)


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"[]", b"{}", b'{"op":"dance"}', b'{"topic":"greeks","data":[]}']
)
def test_what_makes_no_sense_is_refused(frame: bytes) -> None:
    protocol, _ = account()

    with pytest.raises(RemoteProtocolError):
        protocol.receive(frame, NOW)


@pytest.mark.parametrize("name", ["greeks", "strategy", "execution_fast"])
def test_published_topics_that_are_not_requested_are_refused_by_name(name: str) -> None:
    protocol, _ = account(category=LINEAR)
    topic = json.loads(CAPTURES[name])["topic"]

    with pytest.raises(RemoteProtocolError, match=re.escape(repr(topic))):
        protocol.receive(CAPTURES[name], NOW)


def test_words_that_are_not_known_are_kept() -> None:
    protocol, _ = account()
    frame = json.loads(CAPTURES["order_spot"])
    frame["data"][0] |= {"orderStatus": "Musing", "timeInForce": "RPI", "stopOrderType": "OcoOrder"}

    (order,) = protocol.receive(json.dumps(frame).encode(), NOW)

    assert isinstance(order, OrderUpdate)
    assert (order.status, order.venue_status) == (OrderStatus.OTHER, "Musing")
    assert (order.time_in_force, order.venue_time_in_force) == (TimeInForce.OTHER, "RPI")
    assert (order.order_type, order.venue_type) == (OrderType.OTHER, "Market OcoOrder")


@pytest.mark.parametrize(
    ("side", "direction", "stop", "wanted"),
    [
        ("Buy", 1, "Stop", OrderType.STOP_LOSS),
        ("Buy", 2, "Stop", OrderType.TAKE_PROFIT),
        ("Sell", 1, "Stop", OrderType.TAKE_PROFIT),
        ("Sell", 2, "Stop", OrderType.STOP_LOSS),
        ("Sell", 0, "TakeProfit", OrderType.TAKE_PROFIT),
        ("Sell", 0, "Stop", OrderType.STOP_LOSS),
        ("Sell", 0, "TrailingStop", OrderType.TRAILING_STOP),
    ],
)
def test_what_a_triggered_order_waits_for_says_what_it_is(
    side: str, direction: int, stop: str, wanted: OrderType
) -> None:
    protocol, _ = account()
    frame = json.loads(CAPTURES["order_spot"])
    frame["data"][0] |= {"side": side, "triggerDirection": direction, "stopOrderType": stop}

    (order,) = protocol.receive(json.dumps(frame).encode(), NOW)

    assert isinstance(order, OrderUpdate)
    assert order.order_type is wanted


def test_a_tape_is_followed_without_requests() -> None:
    protocol = account_link(SPOT)
    protocol.follow_passively()

    (fill,) = protocol.receive(CAPTURES["execution_spot"], NOW)
    (balance,) = protocol.receive(CAPTURES["wallet"], NOW)

    assert isinstance(fill, Fill)
    assert isinstance(structs.replace(balance), Balance)
    assert not protocol.outbox
