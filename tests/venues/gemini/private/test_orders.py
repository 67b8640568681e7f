"""The link of balances and orders: what commands are as requests, and what their answers mean."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.account import Balance
from fluxum.model.event import Refused, Subscribed
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
    Trigger,
)
from fluxum.venues.conversation import Auth, Fetch, Hangup
from fluxum.venues.gemini.private.protocol import order_link
from fluxum.venues.gemini.private.terms import TIERS
from venues.gemini.private.wire import BALANCES, CAPTURES, LINK, NOW, sent, trading

BTC = Symbol("BTC/USD")
D = Decimal


def request(**fields: Any) -> OrderRequest:
    given: dict[str, Any] = {
        "symbol": BTC,
        "side": "buy",
        "quantity": "0.10",
        "limit_price": "45000.00",
    }
    return OrderRequest(**{**given, **fields})


def requests(command: Command) -> list[dict[str, Any]]:
    protocol = trading()
    protocol.command(5, command, NOW)
    return sent(protocol)


def test_the_upgrade_is_the_login_and_a_ping_proves_it() -> None:
    protocol = order_link()
    protocol.subscribe([LINK, BALANCES])
    assert sent(protocol) == [{"method": "ping", "id": "login"}]

    (subscribed,) = protocol.receive(b'{"id":"login","status":200}', NOW)

    assert subscribed == Subscribed(venue="gemini", subscription=LINK, received_ns=NOW)
    (asked,) = sent(protocol)
    assert (asked["method"], asked["params"]) == ("subscribe", ["balances@account"])
    answer = json.dumps({"id": asked["id"], "status": 200}).encode()
    (followed,) = protocol.receive(answer, NOW)
    assert isinstance(followed, Subscribed)
    assert followed.subscription == BALANCES
    protocol.ping()
    assert sent(protocol) == [{"method": "ping", "id": "ping"}]
    assert protocol.receive(b'{"id":"ping","status":200}', NOW) == ()


def test_a_stream_that_is_refused_is_named() -> None:
    protocol = trading(BALANCES)
    protocol.outbox.clear()
    error = b'{"id":"s1","status":401,"error":{"code":-1002,"msg":"Authentication required"}}'

    (refused,) = protocol.receive(error, NOW)

    assert isinstance(refused, Refused)
    assert refused.message == "-1002 Authentication required"


@pytest.mark.parametrize("number", ["login", "s1"])
@pytest.mark.parametrize("code", [-1000, -1003])
def test_what_may_be_tried_again_is_tried_over_another_link(number: str, code: int) -> None:
    protocol = trading(BALANCES)
    error = {"id": number, "status": 429, "error": {"code": code, "msg": "later"}}

    assert protocol.receive(json.dumps(error).encode(), NOW) == ()

    assert protocol.outbox[-1] == Hangup(f"the login: {code} later")


def test_changed_balances_are_listed_again_all_or_none() -> None:
    protocol = trading(BALANCES)
    protocol.outbox.clear()
    acknowledged, *_ = protocol.receive(CAPTURES["balance_update"], NOW)
    assert isinstance(acknowledged, Subscribed)

    (call,) = protocol.outbox
    assert isinstance(call, Fetch)
    assert (call.method, call.path, call.auth) == ("POST", "/v1/balances", Auth.SIGNED)
    held = protocol.receive_response(call, CAPTURES["balances"], NOW)
    assert [(one.asset, one.total, one.held) for one in held if isinstance(one, Balance)] == [
        ("BTC", D("5.0"), D("0.5")),
        ("USD", D("15000.00"), D("10000.00")),
        ("ETH", D("10.0"), D(0)),
    ]
    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(call, b'[{"currency":"BTC","amount":"-"}]', NOW)


def test_an_asset_that_is_not_listed_any_more_is_not_held() -> None:
    protocol = trading(BALANCES)
    protocol.receive(CAPTURES["balance_update"], NOW)
    call = protocol.outbox.pop()
    assert isinstance(call, Fetch)

    gone = protocol.receive_response(call, b"[]", NOW)
    again = protocol.receive_response(call, b"[]", NOW)

    assert [(one.asset, one.total) for one in gone if isinstance(one, Balance)] == [("USD", D(0))]
    assert again == ()


def test_the_published_order_and_cancels_are_written_as_published() -> None:
    """https://developer.gemini.com/websocket/introduction."""
    (placed,) = requests(Place(request=request()))
    (canceled,) = requests(Cancel(order_ids=("12345678",)))

    assert placed == {
        "id": "5.0",
        "method": "order.place",
        "params": {
            "symbol": "btcusd",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": "45000.00",
            "quantity": "0.10",
        },
    }
    assert canceled == {
        "id": "5.0",
        "method": "order.cancel",
        "params": {"orderId": "12345678"},
    }


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (request(time_in_force="ioc"), {"timeInForce": "IOC", "price": "45000.00"}),
        (request(time_in_force="fok", side="sell"), {"timeInForce": "FOK", "side": "SELL"}),
        (request(post_only=True, client_order_id="a:b.#1"), {"clientOrderId": "a:b.#1"}),
        (request(post_only=True), {"timeInForce": "MOC"}),
        (request(order_type="market", limit_price=None), {"type": "MARKET", "quantity": "0.10"}),
        (request(symbol=Symbol("BTC/GUSD:PERP"), margin=True), {"symbol": "btcgusdperp"}),
    ],
)
def test_each_kind_of_order_is_written(order: OrderRequest, wanted: dict[str, str]) -> None:
    (written,) = requests(Place(request=order))

    assert written["params"].items() >= wanted.items()
    if order.limit_price is None:
        assert not {"price", "timeInForce"} & written["params"].keys()


def test_a_stop_goes_by_a_call_that_is_made_once() -> None:
    stop = request(order_type="stop_loss_limit", trigger=Trigger("44000"), client_order_id="mine")
    protocol = trading()
    protocol.command(5, Place(request=stop), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)
    assert (call.is_once, call.auth, call.cost) == (True, Auth.SIGNED, 0.0)

    assert sent(protocol) == [
        {
            "call": "/v1/order/new",
            "id": "5.0",
            "once": True,
            "symbol": "btcusd",
            "side": "buy",
            "type": "exchange stop limit",
            "amount": "0.10",
            "price": "45000.00",
            "stop_price": "44000",
            "client_order_id": "mine",
        }
    ]
    (accepted,) = protocol.receive_response(call, CAPTURES["order_new"], NOW)
    assert accepted == Accepted(
        venue="gemini",
        command_id=5,
        order_id="106817811",
        client_order_id="20190110-4738721",
        received_ns=NOW,
    )


def test_an_answer_without_an_order_leaves_open_whether_there_is_one() -> None:
    protocol = trading()
    stop = request(order_type="stop_loss_limit", trigger=Trigger("44000"))
    protocol.command(5, Place(request=stop), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)

    with pytest.raises(RemoteProtocolError, match="an order was expected"):
        protocol.receive_response(call, CAPTURES["nonce_error"], NOW)


def test_a_call_that_is_refused_declines_its_command() -> None:
    protocol = trading()
    protocol.command(5, CancelAll(), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)

    (declined,) = protocol.receive_refusal(call, "400 InvalidNonce", NOW)

    assert declined == Declined(
        venue="gemini", command_id=5, message="400 InvalidNonce", received_ns=NOW
    )


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (b'{"id":"5","status":200}', Accepted),
        (b'{"id":"5","status":200,"result":{"orderId":"7","status":"NEW"}}', Accepted),
        (b'{"id":"5","status":200,"result":[1]}', Accepted),
        (CAPTURES["auth_error"].replace(b'"1"', b'"5"'), Declined),
    ],
)
def test_answers_to_an_order_are_read_whatever_else_they_hold(
    answer: bytes, wanted: type[Accepted | Declined]
) -> None:
    protocol = trading()
    protocol.command(5, Place(request=request(client_order_id="mine")), NOW)

    (event,) = protocol.receive(answer, NOW)

    assert isinstance(event, wanted)
    assert isinstance(event, Accepted | Declined)
    assert (event.command_id, event.client_order_id) == (5, "mine")
    assert event.order_id == ("7" if b"orderId" in answer else "")
    if isinstance(event, Declined):
        assert event.message == "-1002 Authentication required"


def test_a_batch_is_so_many_requests_and_each_has_its_answer() -> None:
    protocol = trading()
    names = ("a", "b")
    batch = PlaceBatch(requests=tuple(request(client_order_id=name) for name in names))
    protocol.command(5, batch, NOW)
    assert [one["id"] for one in sent(protocol)] == ["5.0", "5.1"]

    error = b'{"id":"5.1","status":400,"error":{"code":-2010,"msg":"InsufficientFunds"}}'
    (declined,) = protocol.receive(error, NOW)
    (accepted,) = protocol.receive(b'{"id":"5.0","status":200}', NOW)

    assert isinstance(declined, Declined)
    assert (declined.client_order_id, declined.is_last) == ("b", False)
    assert isinstance(accepted, Accepted)
    assert (accepted.client_order_id, accepted.is_last) == ("a", True)


def test_a_batch_of_cancels_counts_those_that_were_canceled() -> None:
    protocol = trading()
    protocol.command(5, CancelBatch(order_ids=("1", "2")), NOW)
    assert [one["id"] for one in sent(protocol)] == ["5.0.batch", "5.1.batch"]

    error = b'{"id":"5.0.batch","status":400,"error":{"code":-2010,"msg":"OrderNotFound"}}'
    assert protocol.receive(error, NOW) == ()
    (event,) = protocol.receive(b'{"id":"5.1.batch","status":200}', NOW)

    assert event == Accepted(venue="gemini", command_id=5, count=1, received_ns=NOW)


@pytest.mark.parametrize(
    ("capture", "count"), [("cancel_all", 3), ("cancel_session", 0), ("heartbeat_call", 0)]
)
def test_the_published_cancels_of_all_are_counted(capture: str, count: int) -> None:
    protocol = trading()
    protocol.command(5, CancelAll(), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)

    (event,) = protocol.receive_response(call, CAPTURES[capture], NOW)

    assert event == Accepted(venue="gemini", command_id=5, count=count, received_ns=NOW)


def test_the_dead_mans_switch_is_a_heartbeat() -> None:
    protocol = trading()
    protocol.command(5, CancelAllAfter(30), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)
    assert call.path == "/v1/heartbeat"

    (event,) = protocol.receive_response(call, CAPTURES["heartbeat_call"], NOW)

    assert isinstance(event, Accepted)
    assert (event.command_id, event.is_last) == (5, True)
    assert "only if the key requires them" in event.warnings[0]
    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(call, b'{"result":"error"}', NOW)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (CancelAllAfter(0), "cancels after 30 s"),
        (CancelAllAfter(60), "cancels after 30 s"),
        (Amend(order_id="7", quantity=1), "cannot do this: Amend"),
        (Edit(order_id="7", symbol=BTC, quantity=1), "cannot do this: Edit"),
        (Cancel(client_order_ids=("mine",)), "cannot do this: Cancel"),
        (CancelBatch(client_order_ids=("mine",)), "cannot do this: CancelBatch"),
        (Place(request=request(), validate=True), "cannot do this: Place"),
        (PlaceBatch(requests=(request(),) * 101), "a batch of 1 to 100 orders"),
        (Place(request=request(client_order_id="a b")), "a client order id is up to 36"),
        (Place(request=request(order_type="stop_loss", limit_price=None, trigger=Trigger("9"))),
         "has no orders of type stop_loss"),
        (Place(request=request(margin=True)), "has no margin orders"),
        (Place(request=request(reduce_only=True, margin=True)), "reduce-only orders"),
        (Place(request=request(self_trade="cancel_both")), "self-trade prevention"),
        (Place(request=request(time_in_force="gtd", expires_ns=NOW)), "time in force gtd"),
        (Place(request=request(order_type="market", limit_price=None, time_in_force="ioc")),
         "has ioc for limit orders alone"),
        (Place(request=request(order_type="stop_loss_limit", trigger=Trigger("46000"))),
         "buys above its trigger"),
        (Place(request=request(order_type="stop_loss_limit", trigger=Trigger("9"), side="sell")),
         "sells below it"),
    ],
)  # fmt: skip
def test_what_gemini_cannot_do_is_refused_before_anything_is_sent(
    command: Command, words: str
) -> None:
    protocol = trading()

    with pytest.raises(BadInput, match=words):
        protocol.command(5, command, NOW)
    assert not protocol.outbox


@pytest.mark.parametrize(
    "frame", [CAPTURES["fast_order_new"], CAPTURES["fast_order_canceled"], b'{"id":"5"}', b"x"]
)
def test_frames_of_streams_that_are_not_requested_are_refused(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        trading().receive(frame, NOW)


def test_refusals_after_which_an_order_may_be_there_are_known() -> None:
    rules = TIERS["default"].orders

    assert rules.is_ambiguous("-1000 internal error")
    assert rules.is_ambiguous("-2010 DuplicateOrder")
    assert not rules.is_ambiguous("-2010 InsufficientFunds")
    assert not rules.is_ambiguous("-10001 other")
    assert rules.is_name("a:-_.#1")
    assert not rules.is_name("a b")
    assert not rules.can_amend
