"""Orders that wait for a price, as OKX's pages write them: commands, answers and rows."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum import BadInput, Fill, OrderRequest, OrderType, Side, Symbol
from fluxum.model.event import Event, Subscribed
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Declined,
    OrderStatus,
    OrderUpdate,
    Place,
    PlaceBatch,
    PriceKind,
    Trigger,
    TriggerReference,
)
from fluxum.venues.account_link import AccountLink
from fluxum.venues.conversation import Auth, Fetch, Send
from fluxum.venues.okx.listing import LISTS
from fluxum.venues.okx.private.protocol import algo_link
from fluxum.venues.okx.private.queries import account_queries
from fluxum.venues.okx.private.signing import TIME_HEADER
from fluxum.venues.okx.venue import OKX
from fluxum.venues.private import OrderQuery
from fluxum.venues.venue import STREAMS
from venues.okx.private.wire import CAPTURES, CONTRACTS, EXECUTIONS, NOW, SPOT, account, listed

BTC, PERP = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
STREAM = OKX.parts(EXECUTIONS)[1]
MS = 1_000_000


def request(symbol: Symbol = BTC, **more: Any) -> OrderRequest:
    given: dict[str, Any] = {
        "side": "sell",
        "order_type": "stop_loss",
        "quantity": "0.02",
        "trigger": Trigger("9000.5"),
        "client_order_id": "mine",
        **more,
    }
    return OrderRequest(symbol=symbol, **given)


def called(protocol: AccountLink, command: Any) -> tuple[str, Any]:
    """The path and body of the one call of a command."""
    protocol.command(7, command, NOW)
    (call,) = protocol.outbox
    protocol.outbox.clear()
    assert isinstance(call, Fetch)
    assert (call.method, call.auth, call.is_once) == ("POST", Auth.SIGNED, True)
    return call.path, json.loads(call.body)


def place(**more: Any) -> Any:
    """What is sent of an order."""
    path, body = called(account()[0], Place(request=request(**more)))
    assert path == "/api/v5/trade/order-algo"
    return body


# Commands


def test_a_stop_is_a_conditional_order_with_the_names_of_a_stop() -> None:
    assert place() == {
        "instId": "BTC-USDT",
        "tdMode": "cash",
        "side": "sell",
        "ordType": "conditional",
        "sz": "0.02",
        "algoClOrdId": "mine",
        "slTriggerPx": "9000.5",
        "slTriggerPxType": "last",
        "slOrdPx": "-1",
    }
    bought = place(side="buy", order_type="take_profit_limit", limit_price="8999")
    assert (bought["tpTriggerPx"], bought["tpOrdPx"]) == ("9000.5", "8999")
    assert "tgtCcy" not in bought
    assert place(side="buy")["tgtCcy"] == "base_ccy"  # else it is an amount of USDT


def test_a_contracts_stop_may_watch_the_mark_and_is_in_contracts() -> None:
    trigger = Trigger("9000.5", reference="mark")
    placed = place(symbol=PERP, trigger=trigger, margin=True, reduce_only=True)

    assert (placed["instId"], placed["tdMode"], placed["sz"]) == ("BTC-USDT-SWAP", "cross", "2")
    assert (placed["slTriggerPxType"], placed["reduceOnly"]) == ("mark", True)
    index = place(symbol=PERP, trigger=Trigger(1, reference=TriggerReference.INDEX))
    assert index["slTriggerPxType"] == "index"


def test_a_trailing_stop_trails_by_a_ratio_or_by_an_amount() -> None:
    ratio = place(order_type="trailing_stop", trigger=Trigger("5", PriceKind.PERCENT))
    amount = place(order_type="trailing_stop", trigger=Trigger("50", PriceKind.QUOTE))

    assert (ratio["ordType"], ratio["callbackRatio"]) == ("move_order_stop", "0.05")
    assert amount["callbackSpread"] == "50"
    assert "slTriggerPx" not in ratio


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (request(trigger=Trigger(1, reference="mark")), "no triggers by mark prices"),
        (
            request(
                PERP,
                order_type="trailing_stop",
                trigger=Trigger(1, PriceKind.PERCENT, TriggerReference.MARK),
            ),
            "trailing stops by last prices",
        ),
        (
            request(side="buy", order_type="trailing_stop", trigger=Trigger(1, PriceKind.PERCENT)),
            "base or its quote asset",
        ),
        (request(trigger=Trigger(1, PriceKind.PERCENT)), "distances as prices"),
        (request(order_type="stop_loss_limit", limit_price=1, time_in_force="ioc"), "force ioc"),
        (request(self_trade="cancel_both"), "self-trade"),
        (request(post_only=True), "post-only"),
        (request(order_type="trailing_stop_limit", limit_price=1), "type trailing_stop_limit"),
    ],
)
def test_what_is_not_offered_is_refused_before_anything_is_sent(
    command: OrderRequest, reason: str
) -> None:
    protocol, _ = account()

    with pytest.raises(BadInput, match=reason):
        protocol.command(7, Place(request=command), NOW)
    assert not protocol.outbox


def test_orders_that_wait_are_in_no_batch() -> None:
    protocol, _ = account()

    with pytest.raises(BadInput, match="one by one"):
        protocol.command(7, PlaceBatch(requests=(request(), request())), NOW)


def test_a_call_is_signed_with_a_time_that_ends_at_its_deadline() -> None:
    protocol, _ = account()
    deadline_ns = 1_790_358_511_844 * MS  # 2026-09-25T17:48:31.844Z
    protocol.command(7, Place(request=request(), deadline_ns=deadline_ns), NOW)

    (call,) = protocol.outbox
    assert isinstance(call, Fetch)
    assert call.headers == {TIME_HEADER: "2026-09-25T17:48:01.844Z"}


def test_the_published_answer_names_the_order_as_one_that_waits() -> None:
    protocol, _ = account()
    protocol.command(7, Place(request=request()), NOW)
    call = protocol.outbox.popleft()
    assert isinstance(call, Fetch)

    (answer,) = protocol.receive_response(call, CAPTURES["rest_order_algo_placed"], NOW)

    assert isinstance(answer, Accepted)
    assert (answer.order_id, answer.client_order_id) == ("algo-1836487817828872192", "order1234")


def test_a_refused_order_is_declined_with_the_code_of_its_row() -> None:
    protocol, _ = account()
    protocol.command(7, Place(request=request()), NOW)
    call = protocol.outbox.popleft()
    assert isinstance(call, Fetch)
    row = {"algoId": "", "sCode": "51280", "sMsg": "SL trigger price cannot be higher"}
    body = json.dumps({"code": "1", "msg": "", "data": [row]}).encode()

    (answer,) = protocol.receive_response(call, body, NOW)

    assert isinstance(answer, Declined)
    assert answer.message == "51280 SL trigger price cannot be higher"


def amended(order_id: str = "algo-9", **more: Any) -> Amend:
    becomes = request(PERP, order_type="stop_loss_limit", limit_price="8999")
    return Amend(order_id=order_id, symbol=PERP, becomes=becomes, **more)


def test_a_change_names_the_whole_price() -> None:
    path, body = called(account()[0], amended(quantity="0.03"))
    assert (path, body) == (
        "/api/v5/trade/amend-algos",
        {"instId": "BTC-USDT-SWAP", "algoId": "9", "newSz": "3"},
    )
    _, body = called(account()[0], amended(trigger_price="9000.5"))
    assert body == {
        "instId": "BTC-USDT-SWAP",
        "algoId": "9",
        "newSlTriggerPx": "9000.5",
        "newSlTriggerPxType": "last",
        "newSlOrdPx": "8999",
    }


def test_what_went_on_for_a_stop_is_changed_as_any_order() -> None:
    protocol, _ = account()
    protocol.command(7, amended("312", quantity="0.03"), NOW)

    (frame,) = protocol.outbox
    assert isinstance(frame, Send)
    assert json.loads(frame.frame)["op"] == "amend-order"


def test_trailing_stops_are_not_amended() -> None:
    becomes = request(PERP, order_type="trailing_stop", trigger=Trigger(1, PriceKind.PERCENT))

    with pytest.raises(BadInput, match="amends stops and take-profits"):
        called(account()[0], Amend(order_id="algo-9", symbol=PERP, quantity=1, becomes=becomes))


def test_orders_of_both_kinds_are_canceled_each_by_its_own_call() -> None:
    protocol, _ = account()
    ids = ("algo-1", "2", *(f"algo-{at}" for at in range(3, 14)))
    protocol.command(7, CancelBatch(order_ids=ids, symbols=dict.fromkeys(ids, BTC)), NOW)

    ordinary, first, second = protocol.outbox
    protocol.outbox.clear()
    assert isinstance(ordinary, Send)
    assert json.loads(ordinary.frame)["args"] == [{"instIdCode": 123456, "ordId": "2"}]
    for call, count in ((first, 10), (second, 2)):
        assert isinstance(call, Fetch)
        assert call.path == "/api/v5/trade/cancel-algos"
        assert len(json.loads(call.body)) == count
    answer = {"id": "7p0", "op": "batch-cancel-orders", "code": "0", "data": [{"sCode": "0"}]}
    assert protocol.receive(json.dumps(answer).encode(), NOW) == ()
    assert isinstance(first, Fetch)
    assert isinstance(second, Fetch)
    assert protocol.receive_response(first, CAPTURES["rest_algo_canceled"], NOW) == ()
    (last,) = protocol.receive_response(second, CAPTURES["rest_algo_canceled"], NOW)
    assert isinstance(last, Accepted)
    assert last.count == 3


def test_a_name_that_no_ordinary_order_has_is_looked_for_among_those_that_wait() -> None:
    protocol, _ = account()
    protocol.command(7, Cancel(client_order_ids=("mine",), symbols={"mine": BTC}), NOW)
    protocol.outbox.clear()
    row = {"sCode": "51400", "sMsg": "Cancellation failed as the order does not exist."}
    refused = {"id": "7p0", "op": "cancel-order", "code": "1", "data": [row]}

    assert protocol.receive(json.dumps(refused).encode(), NOW) == ()
    (call,) = protocol.outbox
    protocol.outbox.clear()
    assert isinstance(call, Fetch)
    assert json.loads(call.body) == [{"instId": "BTC-USDT", "algoClOrdId": "mine"}]
    (answer,) = protocol.receive_response(call, CAPTURES["rest_algo_canceled"], NOW)
    assert isinstance(answer, Accepted)
    assert answer.order_id == "algo-1836489397437468672"


def test_all_that_wait_are_canceled_by_tens_page_by_page() -> None:
    protocol, _ = account()
    protocol.command(7, CancelAll(), NOW)
    waiting = protocol.outbox[1]
    protocol.outbox.clear()
    assert isinstance(waiting, Fetch)
    rows = [{"instId": "BTC-USDT", "algoId": str(at), "ordId": ""} for at in range(100)]

    assert protocol.receive_response(waiting, listed(rows), NOW) == ()
    *calls, following = protocol.outbox
    assert [isinstance(one, Fetch) and one.path for one in calls] == [
        "/api/v5/trade/cancel-algos"
    ] * 10
    assert isinstance(following, Fetch)
    assert following.path.endswith("?ordType=conditional,oco&limit=100&after=99")


# The link of business


def link() -> tuple[AccountLink, list[Event]]:
    """The link that has the streams of orders that wait, logged in and subscribed."""
    protocol = algo_link()
    protocol.subscribe([STREAM])
    assert list(protocol.outbox) == list(LISTS)
    protocol.outbox.clear()
    for fetch, rows in zip(LISTS, (SPOT, CONTRACTS, []), strict=True):
        assert protocol.receive_response(fetch, listed(rows), NOW) == ()
    events = [*protocol.receive(CAPTURES["login"], NOW)]
    asked: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        asked.append(json.loads(effect.frame))
        if asked[-1]["op"] == "subscribe":
            events += protocol.receive(CAPTURES["account_ack"], NOW)
    assert [one["args"] for one in asked if one["op"] == "subscribe"] == [
        [{"channel": "orders-algo", "instType": "ANY"}],
        [{"channel": "algo-advance", "instType": "ANY"}],
    ]
    return protocol, events


def published(name: str = "orders_algo", **fields: Any) -> list[Event]:
    """The events of a published push, some of its fields changed."""
    frame = json.loads(CAPTURES[name])
    frame["data"][0] |= fields
    return list(link()[0].receive(json.dumps(frame).encode(), NOW))


def test_the_stream_is_a_part_of_executions() -> None:
    assert (STREAM.depth, OKX.endpoint_of(STREAM)) == (STREAMS, "algo")
    _, events = link()
    (subscribed,) = events
    assert isinstance(subscribed, Subscribed)
    assert subscribed.subscription == STREAM


def test_the_published_order_waits_to_take_a_profit() -> None:
    """Of 11 USDT: its quantity is not known."""
    (order,) = published()

    assert isinstance(order, OrderUpdate)
    assert (order.order_id, order.symbol, order.side) == (
        "algo-581878926302093312",
        "BTC/USDC",
        Side.BUY,
    )
    assert (order.order_type, order.status) == (OrderType.TAKE_PROFIT, OrderStatus.PENDING)
    assert (order.quantity, order.trigger_price) == (Decimal(0), Decimal(1))
    assert order.limit_price is None
    assert (order.opened_ns, order.venue_ns) == (1685002746818 * MS, 1708679675245 * MS)


@pytest.mark.parametrize(
    ("fields", "kind", "trigger", "limit"),
    [
        ({"slTriggerPx": "9", "slOrdPx": "-1", "tpTriggerPx": ""}, "stop_loss", 9, None),
        ({"slTriggerPx": "9", "slOrdPx": "8"}, "stop_loss_limit", 9, 8),
        ({"tpOrdPx": "2"}, "take_profit_limit", 1, 2),
        # A buy above the last price, 26174.8, is a stop; one below takes a profit.
        ({"ordType": "trigger", "triggerPx": "27000", "ordPx": "-1"}, "stop_loss", 27000, None),
        ({"ordType": "trigger", "triggerPx": "9", "ordPx": "8"}, "take_profit_limit", 9, 8),
        ({"ordType": "move_order_stop", "moveTriggerPx": "9"}, "trailing_stop", 9, None),
        ({"ordType": "trigger", "triggerPx": "9", "ordPx": "8", "last": ""}, "other", 9, None),
        ({"ordType": "oco"}, "other", None, None),
    ],
)
def test_the_names_of_an_order_say_what_it_is(
    fields: dict[str, str], kind: str, trigger: int | None, limit: int | None
) -> None:
    (order,) = published(tgtCcy="base_ccy", **fields)

    assert isinstance(order, OrderUpdate)
    assert (order.order_type.value, order.trigger_price, order.limit_price) == (
        kind,
        trigger,
        limit,
    )
    assert order.quantity == 11


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [("canceled", OrderStatus.CANCELED, ""), ("order_failed", OrderStatus.CANCELED, "51008")],
)
def test_an_order_ends_before_its_price_or_because_nothing_can_go_on(
    state: str, status: OrderStatus, reason: str
) -> None:
    (order,) = published(state=state, failCode=reason)

    assert isinstance(order, OrderUpdate)
    assert (order.status, order.reason) == (status, reason)


def test_an_order_that_goes_on_is_told_by_the_other_one() -> None:
    assert published(state="effective", ordId="312", ordIdList=["312"]) == []


def test_orders_in_slices_are_passed_over() -> None:
    assert published("algo_advance") == []


def test_recorded_orders_without_a_last_price_are_followed() -> None:
    orders = link()[0].receive(CAPTURES["recorded_algo"], NOW)

    assert [
        (one.order_id, one.client_order_id, one.quantity, one.status)
        for one in orders
        if isinstance(one, OrderUpdate)
    ][:2] == [
        (
            "algo-706620792746729472",
            "STOP001BTCUSDT20250120",
            Decimal("0.0001"),  # of 0.01 contracts of 0.01 BTC
            OrderStatus.PENDING,
        ),
        (
            "algo-706620792746729473",
            "STOP002BTCUSDT20250120",
            Decimal("0.0002"),
            OrderStatus.PENDING,
        ),
    ]


# What goes on


def of_orders(**fields: str) -> list[Event]:
    """The events of the published push of an order, some of its fields changed."""
    protocol, _ = account()
    frame = json.loads(CAPTURES["orders"])
    frame["data"][0] |= fields
    return list(protocol.receive(json.dumps(frame).encode(), NOW))


def test_what_goes_on_has_the_name_and_ends_the_order_that_waited() -> None:
    fill, order, ended = of_orders(algoId="9", algoClOrdId="mine", clOrdId="4fd1f7", source="7")

    assert isinstance(order, OrderUpdate)
    assert isinstance(ended, OrderUpdate)
    assert (order.order_id, order.client_order_id) == ("452197707845865472", "mine")
    assert isinstance(fill, Fill)
    assert fill.client_order_id == "mine"
    assert (ended.order_id, ended.status, ended.filled) == (
        "algo-9",
        OrderStatus.EXPIRED,
        Decimal(0),
    )
    assert ended.reason == "it goes on as 452197707845865472"
    assert ended.venue_ns < 1654084334977 * MS  # when the order that goes on was placed


def test_a_part_of_an_order_in_slices_ends_nothing() -> None:
    assert len(of_orders(algoId="9", algoClOrdId="mine", source="13")) == 2


# Lists


def test_the_published_lists_are_read() -> None:
    queries = account_queries()
    for query, rows in zip(queries.preparations(), (CONTRACTS, []), strict=True):
        query.read(listed(rows), NOW)
    (by_id,) = queries.order(OrderQuery(symbol=PERP, order_id="algo-1880721064716505088"))
    assert by_id.fetch.path == "/api/v5/trade/order-algo?algoId=1880721064716505088"

    (waiting,) = by_id.read(CAPTURES["rest_orders_algo_pending"], NOW)
    assert (waiting.order_id, waiting.trigger_price) == (
        "algo-1753184812254216192",
        Decimal(10000),
    )
    page = by_id.read(CAPTURES["rest_orders_algo_history"], NOW)

    assert page.items == ()
    assert page.next is not None
    assert page.next.fetch.path == (
        "/api/v5/trade/order?instId=BTC-USDT-SWAP&ordId=1884789786215137280"
    )
    ended, went_on = page.next.read(CAPTURES["rest_order"], NOW)
    assert (ended.status, ended.reason) == (
        OrderStatus.EXPIRED,
        "it goes on as 1884789786215137280",
    )
    assert (ended.order_type, ended.venue_type, ended.quantity) == (
        OrderType.OTHER,
        "oco",
        Decimal(1),
    )
    assert went_on.status is OrderStatus.FILLED
    gone = b'{"code":"51603","msg":"Order does not exist","data":[]}'
    assert [one.order_id for one in page.next.read(gone, NOW)] == [ended.order_id]
