"""The link of orders: what commands are as frames, and what their answers mean."""

import json
from typing import Any

import pytest

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Event, Refused, Subscribed
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
from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.private.protocol import order_link
from fluxum.venues.bybit.private.terms import tiers
from fluxum.venues.conversation import Auth, Fetch
from venues.bybit.private.wire import CAPTURES, LINK, NOW, sent, trading

BTC, PERP = Symbol("BTC/USDT"), Symbol("ETH/USDT:PERP")
MS = 1_000_000


def request(**fields: Any) -> OrderRequest:
    given: dict[str, Any] = {"symbol": BTC, "side": "buy", "quantity": "0.2", "limit_price": "2800"}
    return OrderRequest(**{**given, **fields})


def framed(command: Command, category: Category = SPOT) -> dict[str, Any]:
    """The one frame of a command."""
    protocol = trading(category)
    protocol.command(5, command, NOW)
    (frame,) = sent(protocol)
    return frame


def answer(number: str, op: str, data: object = None, code: int = 0, rows: object = None) -> bytes:
    return json.dumps(
        {
            "reqId": number,
            "retCode": code,
            "retMsg": "OK" if not code else "Insufficient balance.",
            "op": op,
            "data": data or {},
            "retExtInfo": rows or {},
        }
    ).encode()


def test_the_link_logs_in_and_is_subscribed_then() -> None:
    protocol = order_link(SPOT)
    protocol.subscribe([LINK])

    assert sent(protocol) == [{"op": "auth", "auth": True}]
    assert list(protocol.unanswered()) == [LINK]
    (event,) = protocol.receive(CAPTURES["order_auth"], NOW)
    assert isinstance(event, Subscribed)
    assert event.subscription == LINK
    assert list(protocol.unanswered()) == []
    assert protocol.receive(CAPTURES["order_pong"], NOW) == ()


def test_a_refused_login_is_named() -> None:
    protocol = order_link(SPOT)
    protocol.subscribe([LINK])

    (event,) = protocol.receive(b'{"retCode":10004,"retMsg":"invalid sign","op":"auth"}', NOW)

    assert isinstance(event, Refused)
    assert event.message == "the login: 10004 invalid sign"


def test_the_published_order_is_written_as_published() -> None:
    command = Place(
        request=request(symbol=PERP, post_only=True), deadline_ns=1711001600207 * MS + 999_999
    )

    frame = framed(command, LINEAR)

    assert frame == {
        "reqId": "5.0",
        "op": "order.create",
        "header": {"X-BAPI-TIMESTAMP": "1711001595207", "X-BAPI-RECV-WINDOW": "5000"},
        "args": [
            {
                "symbol": "ETHUSDT",
                "side": "Buy",
                "orderType": "Limit",
                "qty": "0.2",
                "price": "2800",
                "category": "linear",
                "timeInForce": "PostOnly",
            }
        ],
        "auth": False,
    }


@pytest.mark.parametrize(
    ("order", "category", "wanted"),
    [
        (
            request(order_type="market", limit_price=None),
            SPOT,
            {"orderType": "Market", "qty": "0.2", "marketUnit": "baseCoin"},
        ),
        (
            request(order_type="market", limit_price=None, quantity=None, quote_quantity="50"),
            SPOT,
            {"orderType": "Market", "qty": "50", "marketUnit": "quoteCoin"},
        ),
        (
            request(time_in_force="fok", client_order_id="mine-1", self_trade="cancel_both"),
            SPOT,
            {"timeInForce": "FOK", "orderLinkId": "mine-1", "smpType": "CancelBoth"},
        ),
        (
            request(order_type="stop_loss", limit_price=None, trigger=Trigger("9"), margin=True),
            SPOT,
            {"triggerPrice": "9", "orderFilter": "StopOrder", "isLeverage": 1},
        ),
        (
            request(
                symbol=PERP, order_type="take_profit_limit", trigger=Trigger("9", "static", "index")
            ),
            LINEAR,
            {"triggerPrice": "9", "triggerDirection": 2, "triggerBy": "IndexPrice"},
        ),
        (
            request(symbol=PERP, order_type="stop_loss", trigger=Trigger("9", "static", "mark")),
            LINEAR,
            {"triggerPrice": "9", "triggerDirection": 1, "triggerBy": "MarkPrice"},
        ),
        (
            request(symbol=PERP, reduce_only=True, margin=True),
            LINEAR,
            {"reduceOnly": True, "timeInForce": "GTC"},
        ),
    ],
)
def test_each_kind_of_order_is_written(
    order: OrderRequest, category: Category, wanted: dict[str, Any]
) -> None:
    (written,) = framed(Place(request=order), category)["args"]

    assert written.items() >= wanted.items()
    assert ("isLeverage" in written) is ("isLeverage" in wanted)


LIMIT = {"orderType": "Limit", "symbol": "BTCUSDT"}


@pytest.mark.parametrize(
    ("order", "category", "published"),
    [
        (
            request(
                quantity="0.1", limit_price="15600", post_only=True, client_order_id="spot-test-01"
            ),
            SPOT,
            {
                **LIMIT,
                "category": "spot",
                "side": "Buy",
                "qty": "0.1",
                "price": "15600",
                "timeInForce": "PostOnly",
                "orderLinkId": "spot-test-01",
            },
        ),
        (
            request(
                quantity="0.1", limit_price="15600", margin=True, client_order_id="spot-test-limit"
            ),
            SPOT,
            {
                **LIMIT,
                "category": "spot",
                "side": "Buy",
                "qty": "0.1",
                "price": "15600",
                "timeInForce": "GTC",
                "orderLinkId": "spot-test-limit",
                "isLeverage": 1,
            },
        ),
        (
            request(
                symbol=Symbol("BTC/USDT:PERP"),
                side="sell",
                quantity="1",
                limit_price="30000",
                reduce_only=True,
                margin=True,
                client_order_id="usdt-test-02",
            ),
            LINEAR,
            {
                **LIMIT,
                "category": "linear",
                "side": "Sell",
                "qty": "1",
                "price": "30000",
                "timeInForce": "GTC",
                "orderLinkId": "usdt-test-02",
                "reduceOnly": True,
            },
        ),
    ],
)
def test_published_orders_are_written_as_published(
    order: OrderRequest, category: Category, published: dict[str, Any]
) -> None:
    """https://bybit-exchange.github.io/docs/v5/order/create-order, without what is its default."""
    (written,) = framed(Place(request=order), category)["args"]

    assert written == published


def test_the_published_batches_are_answered_row_by_row() -> None:
    protocol = trading()
    requests = (request(client_order_id="spot-btc-03"), request(client_order_id="spot-atom-03"))
    protocol.command(5, PlaceBatch(requests=requests), NOW)
    placed = protocol.receive(over_the_link("create_batch_spot", "5.0", "order.create-batch"), NOW)
    assert [(one.order_id, one.client_order_id) for one in placed if isinstance(one, Accepted)] == [
        ("1666800494330512128", "spot-btc-03"),
        ("1666800494330512129", "spot-atom-03"),
    ]

    symbols = {"1666800494330512128": BTC, "1666800494330512129": BTC}
    command = CancelBatch(
        order_ids=("1666800494330512128",),
        client_order_ids=("1666800494330512129",),
        symbols=symbols,
    )
    protocol.command(6, command, NOW)
    (event,) = protocol.receive(over_the_link("cancel_batch", "6.0", "order.cancel-batch"), NOW)
    assert event == Accepted(venue="bybit", command_id=6, count=1, received_ns=NOW)


def over_the_link(name: str, number: str, op: str) -> bytes:
    """A published answer to a call, as the link of orders wraps the same result."""
    call = json.loads(CAPTURES[name])
    data = {"data": call["result"], "retExtInfo": call["retExtInfo"]}
    return json.dumps({"reqId": number, "retCode": 0, "op": op, **data}).encode()


def test_changes_name_the_market_and_one_id() -> None:
    amend = framed(Amend(order_id="7", symbol=BTC, quantity="2", limit_price="1.50"))
    named = framed(Amend(client_order_id="mine", symbol=BTC, trigger_price="3"))
    cancel = framed(Cancel(client_order_ids=("mine",), symbols={"mine": BTC}))

    assert (amend["op"], amend["auth"]) == ("order.amend", True)
    market = {"category": "spot", "symbol": "BTCUSDT"}
    assert amend["args"] == [{**market, "orderId": "7", "qty": "2", "price": "1.50"}]
    assert named["args"] == [{**market, "orderLinkId": "mine", "triggerPrice": "3"}]
    assert cancel["args"] == [{**market, "orderLinkId": "mine"}]


def test_a_long_batch_of_cancels_has_one_answer() -> None:
    protocol = trading()
    names = tuple(map(str, range(12)))
    protocol.command(5, CancelBatch(order_ids=names, symbols=dict.fromkeys(names, BTC)), NOW)

    first, second = sent(protocol)
    assert (first["op"], len(first["args"][0]["request"])) == ("order.cancel-batch", 10)
    assert len(second["args"][0]["request"]) == 2
    done = {"list": [{"code": 0, "msg": "OK"}]}
    missing = {"list": [{"code": 0, "msg": "OK"}, {"code": 170213, "msg": "gone"}]}
    assert protocol.receive(answer("5.0", "order.cancel-batch", rows=done), NOW) == ()
    (event,) = protocol.receive(answer("5.1", "order.cancel-batch", rows=missing), NOW)
    assert event == Accepted(venue="bybit", command_id=5, count=2, received_ns=NOW)


def test_cancels_of_several_orders_are_answered_one_by_one() -> None:
    protocol = trading()
    protocol.command(5, Cancel(order_ids=("a", "b"), symbols={"a": BTC, "b": BTC}), NOW)

    assert [frame["reqId"] for frame in sent(protocol)] == ["5.0", "5.1"]
    (one,) = protocol.receive(answer("5.0", "order.cancel", {"orderId": "a"}), NOW)
    (other,) = protocol.receive(answer("5.1", "order.cancel", code=170213), NOW)

    assert isinstance(one, Accepted)
    assert (one.order_id, one.is_last) == ("a", False)
    assert isinstance(other, Declined)
    assert (other.message, other.is_last) == ("170213 Insufficient balance.", True)
    assert protocol.receive(answer("5.1", "order.cancel"), NOW) == ()


@pytest.mark.parametrize(("category", "coins"), [(SPOT, [None]), (LINEAR, ["USDT", "USDC"])])
def test_all_orders_are_cancelled_over_rest_and_counted(
    category: Category, coins: list[str | None]
) -> None:
    protocol = trading(category)
    protocol.command(5, CancelAll(), NOW)
    calls = [effect for effect in protocol.outbox if isinstance(effect, Fetch)]

    assert [json.loads(call.body).get("settleCoin") for call in calls] == coins
    assert all(call.is_once and call.auth is Auth.SIGNED for call in calls)
    events: list[Event] = []
    for call in calls:
        events += protocol.receive_response(call, CAPTURES["cancel_all"], NOW)
    assert events == [
        Accepted(venue=category.venue, command_id=5, count=2 * len(calls), received_ns=NOW)
    ]


def test_a_cancel_of_all_that_is_refused_is_declined() -> None:
    protocol = trading()
    protocol.command(5, CancelAll(), NOW)
    (call,) = protocol.outbox
    assert isinstance(call, Fetch)

    (event,) = protocol.receive_response(
        call, b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', NOW
    )

    assert isinstance(event, Declined)
    assert (event.command_id, event.message) == (5, "10006 Too many visits!")
    protocol.command(6, CancelAll(), NOW)
    call = protocol.outbox[-1]
    assert isinstance(call, Fetch)
    (event,) = protocol.receive_refusal(call, "403", NOW)
    assert isinstance(event, Declined)


def test_published_answers_are_read() -> None:
    protocol = trading(LINEAR)
    protocol.command(5, Place(request=request(symbol=PERP, client_order_id="mine")), NOW)

    frame = CAPTURES["order_create"].replace(b'"test-005"', b'"5.0"')
    (event,) = protocol.receive(frame, NOW)

    assert event == Accepted(
        venue="bybit-linear",
        command_id=5,
        order_id="a4c1718e-fe53-4659-a118-1f6ecce04ad9",
        client_order_id="mine",
        received_ns=NOW,
    )
    assert protocol.venue_time is not None
    assert protocol.venue_time.venue_ns == 1711001595209 * MS


def test_the_observed_refusal_and_one_without_a_number_decline_the_command() -> None:
    for frame in (
        CAPTURES["order_declined"].replace(b'"reqId":"1"', b'"reqId":"5.0"'),
        CAPTURES["order_declined"].replace(b'"reqId":"1",', b""),
    ):
        protocol = trading()
        protocol.command(5, Place(request=request(client_order_id="mine")), NOW)

        (event,) = protocol.receive(frame, NOW)

        assert isinstance(event, Declined)
        assert (event.command_id, event.client_order_id) == (5, "mine")
        assert event.message == "170131 Insufficient balance."


def test_each_order_of_the_published_batch_is_refused() -> None:
    protocol = trading(LINEAR)
    names = ("-batch-000", "batch-001", "batch-002")
    requests = tuple(request(symbol=PERP, client_order_id=name) for name in names)
    protocol.command(5, PlaceBatch(requests=requests), NOW)
    (frame,) = sent(protocol)
    assert [one["orderLinkId"] for one in frame["args"][0]["request"]] == list(names)

    published = json.loads(CAPTURES["order_create_batch"]) | {"reqId": "5.0"}
    events = protocol.receive(json.dumps(published).encode(), NOW)

    assert [(one.client_order_id, one.is_last) for one in events if isinstance(one, Declined)] == [
        (names[0], False),
        (names[1], False),
        (names[2], True),
    ]
    published["data"]["list"].pop()
    protocol.command(5, PlaceBatch(requests=requests), NOW)
    with pytest.raises(RemoteProtocolError, match="2 verdicts"):
        protocol.receive(json.dumps(published).encode(), NOW)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Place(request=request(), validate=True), "Place"),
        (CancelAllAfter(60), "CancelAllAfter"),
        (Edit(order_id="7", symbol=BTC), "Edit"),
        (Cancel(user_references=(7,)), "Cancel"),
        (Cancel(), "at least one id"),
        (Cancel(order_ids=("7",)), "market, which is not known of '7'"),
        (Amend(order_id="7", quantity="1"), "with its market"),
        (Amend(order_id="7", symbol=BTC, post_only=True), "alone"),
        (Amend(order_id="7", symbol=BTC, limit_price="1", limit_price_kind="percent"), "alone"),
        (PlaceBatch(requests=(request(),) * 11), "1 to 10 orders"),
        (Place(request=request(client_order_id="no space")), "up to 36"),
        (
            Place(request=request(order_type="iceberg", display_quantity="1")),
            "no orders of type iceberg",
        ),
        (Place(request=request(time_in_force="gtd", expires_ns=1)), "gtd"),
        (Place(request=request(reduce_only=True)), "reduce-only"),
        (Place(request=request(user_reference=7)), "user references"),
        (Place(request=request(fee_asset="base")), "fee's asset"),
    ],
)
def test_what_bybit_cannot_do_is_refused_before_anything_is_sent(
    command: Command, message: str
) -> None:
    protocol = trading()

    with pytest.raises(BadInput, match=message):
        protocol.command(5, command, NOW)
    assert not protocol.outbox


def test_nonsense_is_refused() -> None:
    protocol = trading()
    protocol.command(5, Place(request=request()), NOW)

    for frame in (b"", b"[]", b'{"op":1}', answer("5.0", "order.create", data=["odd"])):
        with pytest.raises(RemoteProtocolError):
            protocol.receive(frame, NOW)
    assert protocol.receive(answer("99999999999999999.0", "order.create"), NOW) == ()


def test_codes_after_which_an_order_may_be_entered_are_ambiguous() -> None:
    rules = tiers(SPOT)["default"].orders

    assert rules.is_ambiguous("10016 Server error")
    assert rules.is_ambiguous("170141 Duplicate clientOrderId.")
    assert not rules.is_ambiguous("170131 Insufficient balance.")
    assert rules.is_name("a_B-9")
    assert not rules.is_name("a" * 37)
