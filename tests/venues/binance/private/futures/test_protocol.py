"""The user data stream and the link of orders: every published private frame, decoded by hand."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.account import Balance, Fee, Fill, Liquidity
from fluxum.model.event import Event, Subscribed, VenueNotice
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
)
from fluxum.model.position import Forced, MarginMode, PositionSide, PositionUpdate
from fluxum.venues.account_link import AccountLink
from fluxum.venues.binance.policy import USDM
from fluxum.venues.binance.private.futures.protocol import account_link
from fluxum.venues.conversation import Auth, Fetch, Handover, Hangup, UnreadableStream
from venues.binance.private.futures.wire import (
    BALANCES,
    CAPTURES,
    EXECUTIONS,
    NOW,
    account,
    answered,
    orders,
    queued,
    written,
)

D = Decimal
MS = 1_000_000
PERP = Symbol("BTC/USDT:PERP")
BUY = OrderRequest(symbol=PERP, side="buy", quantity="0.5", limit_price=43000, client_order_id="a")
ORDER = json.loads(CAPTURES["order"])["o"]


def decoded(name: str) -> list[Event]:
    link, _ = account()
    return list(link.receive(CAPTURES[name], NOW))


def reported(**changed: object) -> list[Event]:
    """The events of an order with other fields than the published one has."""
    link, _ = account()
    event = {"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": {**ORDER, **changed}}
    return list(link.receive(json.dumps(event).encode(), NOW))


# The user data stream


def test_a_request_that_changes_nothing_proves_the_link_and_acknowledges_streams() -> None:
    link = account_link(USDM)
    link.subscribe([EXECUTIONS, BALANCES])

    (listing,) = queued(link)
    assert isinstance(listing, Fetch)
    assert (listing.path, listing.auth) == ("/fapi/v1/exchangeInfo", Auth.NONE)
    link.receive_response(listing, b'{"symbols":[]}', NOW)
    (login,) = queued(link)
    asked = {"method": "GET_PROPERTY", "params": ["combined"], "id": 1, "auth": False}
    assert written(login) == asked
    assert link.receive(b'{"result":false,"id":1}', NOW) == ()
    (request,) = queued(link)
    number = written(request)["id"]
    events = link.receive(json.dumps({"result": False, "id": number}).encode(), NOW)

    streams = [one.subscription for one in events if isinstance(one, Subscribed)]
    assert streams == [EXECUTIONS, BALANCES]
    assert not link.unanswered()


def test_the_published_order_is_read() -> None:
    assert decoded("order") == [
        OrderUpdate(
            venue="binance-usdm",
            order_id="BTCUSDT:8886774",
            client_order_id="TEST",
            symbol=PERP,
            side=Side.SELL,
            order_type=OrderType.TRAILING_STOP,
            status=OrderStatus.OPEN,
            quantity=D("0.001"),
            venue_ns=1568879465650 * MS,
            received_ns=NOW,
        )
    ]


def test_an_execution_is_an_order_and_a_fill_with_its_fee() -> None:
    order, fill = reported(
        o="LIMIT",
        f="GTX",
        x="TRADE",
        X="PARTIALLY_FILLED",
        q="0.3",
        p="9000.1",
        ap="9000.1",
        l="0.1",
        z="0.1",
        L="9000.1",
        t=77,
        N="BNB",
        n="0.002",
        m=True,
        R=True,
    )

    assert isinstance(order, OrderUpdate)
    assert (order.status, order.filled) == (OrderStatus.PARTIALLY_FILLED, D("0.1"))
    assert (order.cost, order.average_price) == (D("900.01"), D("9000.1"))
    assert (order.limit_price, order.post_only, order.reduce_only) == (D("9000.1"), True, True)
    assert fill == Fill(
        venue="binance-usdm",
        symbol=PERP,
        side=Side.SELL,
        price=D("9000.1"),
        quantity=D("0.1"),
        fees=(Fee(Asset("BNB"), D("0.002")),),
        liquidity=Liquidity.MAKER,
        fill_id="77",
        order_id="BTCUSDT:8886774",
        client_order_id="TEST",
        venue_ns=1568879465650 * MS,
        received_ns=NOW,
    )


@pytest.mark.parametrize(
    ("name", "execution", "forced"),
    [
        ("autoclose-1596107620040000020", "TRADE", Forced.LIQUIDATION),
        ("adl_autoclose", "TRADE", Forced.DELEVERAGING),
        ("mine", "CALCULATED", Forced.LIQUIDATION),
        ("settlement_autoclose-1", "TRADE", None),
    ],
)
def test_orders_of_the_exchange_itself_are_named(
    name: str, execution: str, forced: Forced | None
) -> None:
    trade = {"o": "LIQUIDATION", "l": "0.001", "L": "7000", "z": "0.001", "t": 5, "N": None}
    order, fill = reported(c=name, x=execution, X="FILLED", **trade)

    assert isinstance(order, OrderUpdate)
    assert isinstance(fill, Fill)
    assert (order.order_type, order.venue_type) == (OrderType.OTHER, "LIQUIDATION")
    assert (fill.forced, fill.fees) == (forced, ())
    assert fill.client_order_id == ("" if forced else name)


def test_what_makes_no_sense_harms_its_stream_alone() -> None:
    trade = {"x": "TRADE", "l": "0.001", "L": "7000", "z": "0.001", "t": 0}
    with pytest.raises(UnreadableStream, match="the number of a trade") as unread:
        reported(**trade)
    assert unread.value.subscriptions == (EXECUTIONS,)

    assert [type(one) for one in reported(x="AMENDMENT", q="1.5")] == [OrderUpdate]
    assert reported(x="EXPIRED", X="EXPIRED_IN_MATCH", er="1")[0].reason == "self-trade"  # type: ignore[union-attr]


def test_the_published_balances_and_positions_are_read() -> None:
    at_ns = 1564745798938 * MS
    common = {"venue": "binance-usdm", "venue_ns": at_ns, "received_ns": NOW}
    isolated = {**common, "symbol": PERP, "margin_mode": MarginMode.ISOLATED}
    assert decoded("account") == [
        Balance(asset=Asset("USDT"), total=D("122624.12345678"), **common),  # type: ignore[arg-type]
        Balance(asset=Asset("BUSD"), total=D("1.00000000"), **common),  # type: ignore[arg-type]
        PositionUpdate(side=None, quantity=D(0), unrealised=D(0), **isolated),  # type: ignore[arg-type]
        PositionUpdate(
            side=PositionSide.LONG,
            leg=PositionSide.LONG,
            quantity=D(20),
            entry_price=D("6563.66500"),
            unrealised=D("2850.21200"),
            **isolated,  # type: ignore[arg-type]
        ),
        PositionUpdate(
            side=PositionSide.SHORT,
            leg=PositionSide.SHORT,
            quantity=D(10),
            entry_price=D("6563.86000"),
            unrealised=D("-1423.15600"),
            **isolated,  # type: ignore[arg-type]
        ),
    ]


def test_an_order_that_waits_for_a_price_is_numbered_apart() -> None:
    (order,) = decoded("conditional")
    assert order == OrderUpdate(
        venue="binance-usdm",
        order_id="BNBUSDT:conditional-2148719",
        client_order_id="Q5xaq5EGKgXXa0fD7fs0Ip",
        symbol=Symbol("BNB/USDT:PERP"),
        side=Side.SELL,
        order_type=OrderType.TAKE_PROFIT_LIMIT,
        status=OrderStatus.CANCELED,
        quantity=D("0.01"),
        limit_price=D(750),
        trigger_price=D(750),
        reason="Reduce Only reject",
        venue_ns=1750515742297 * MS,
        received_ns=NOW,
    )


def test_it_ends_when_the_order_that_goes_on_for_it_is_known() -> None:
    link, _ = account()
    order = {**ORDER, "s": "DOGEUSDT", "i": 88937381063, "o": "MARKET"}
    report = json.dumps({"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": order}).encode()

    assert link.receive(CAPTURES["triggered"], NOW) == ()
    following, ended = link.receive(report, NOW)
    assert isinstance(following, OrderUpdate)
    assert following.order_id == "DOGEUSDT:88937381063"
    assert isinstance(ended, OrderUpdate)
    assert ended.order_id == "DOGEUSDT:conditional-1000000033225453"
    assert (ended.status, ended.quantity) == (OrderStatus.EXPIRED, D(38))
    assert ended.reason == "it goes on as DOGEUSDT:88937381063"
    assert len(link.receive(report, NOW)) == 1

    link.receive(CAPTURES["triggered"], NOW)
    (ended,) = link.receive(CAPTURES["triggered"].replace(b"TRIGGERED", b"FINISHED"), NOW)
    assert isinstance(ended, OrderUpdate)
    assert ended.status is OrderStatus.EXPIRED
    assert len(link.receive(report, NOW)) == 1


def test_a_margin_call_names_its_markets() -> None:
    (notice,) = decoded("margin call")
    assert isinstance(notice, VenueNotice)
    assert notice.message == "a margin call: ETHUSDT"


def test_an_expired_key_and_a_shutdown_replace_the_link() -> None:
    link, _ = account()
    assert link.receive(CAPTURES["expired"], NOW) == ()
    assert queued(link) == [Hangup("the listen key expired")]
    link.receive(b'{"e":"serverShutdown","E":1770123456789}', NOW)
    assert queued(link) == [Handover("the venue shuts the server down")]


def test_events_that_repeat_others_are_passed_over_and_unknown_ones_refused() -> None:
    link, _ = account()
    assert link.receive(b'{"e":"TRADE_LITE","E":1721895408092,"s":"BTCUSDT"}', NOW) == ()
    with pytest.raises(RemoteProtocolError, match="SOMETHING"):
        link.receive(b'{"e":"SOMETHING","E":1}', NOW)
    link.receive(b'{"error":{"code":3,"msg":"Invalid JSON"}}', NOW)
    assert queued(link) == [Hangup("3 Invalid JSON")]
    link = account_link(USDM)
    link.subscribe([EXECUTIONS])
    (listing,) = queued(link)
    assert isinstance(listing, Fetch)
    link.receive_response(listing, b'{"symbols":[]}', NOW)
    queued(link)
    link.receive(b'{"error":{"code":0,"msg":"Unknown property"},"id":1}', NOW)
    assert len(queued(link)) == 1  # an answer is an answer: streams are requested
    with pytest.raises(RemoteProtocolError):
        link.receive(b"[]", NOW)


# The link of orders


def sent(command: Command) -> dict[str, Any]:
    """The one request of a command."""
    link = orders()
    link.command(7, command, NOW)
    (effect,) = queued(link)
    return written(effect)


def result(name: str) -> bytes:
    """A capture of an answer over REST, as the link has it, to request 7.0."""
    return json.dumps({"id": "7.0", "status": 200, "result": json.loads(CAPTURES[name])}).encode()


def called(link: AccountLink) -> list[tuple[str, str, dict[str, str]]]:
    """The calls that were queued: method, path and parameters."""
    calls: list[tuple[str, str, dict[str, str]]] = []
    for one in queued(link):
        assert isinstance(one, Fetch), one
        assert (one.auth, one.is_once) == (Auth.SIGNED, True)
        path, _, query = one.path.partition("?")
        calls.append((one.method, path, dict(parse_qsl(query))))
    return calls


def test_an_order_is_placed_and_its_published_answer_read() -> None:
    link = orders()
    link.command(7, Place(request=BUY, deadline_ns=NOW), NOW)
    (effect,) = queued(link)
    assert written(effect) == {
        "id": "7.0",
        "method": "order.place",
        "auth": True,
        "params": {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "newOrderRespType": "ACK",
            "quantity": "0.5",
            "price": "43000",
            "timeInForce": "GTC",
            "newClientOrderId": "a",
            "timestamp": NOW // MS - 5000,
            "recvWindow": 5000,
        },
    }
    (accepted,) = link.receive(answered("order.place", "7.0"), NOW)
    assert isinstance(accepted, Accepted)
    assert accepted.order_id == "BTCUSDT:325078477"


def test_a_refusal_begins_with_its_code() -> None:
    link = orders()
    link.command(7, Place(request=BUY), NOW)
    (declined,) = link.receive(answered("refused", "7.0"), NOW)
    assert isinstance(declined, Declined)
    assert declined.message.startswith("-1102 Mandatory parameter 'quantity'")
    queued(link)
    link.receive(CAPTURES["revoked"], NOW)
    assert queued(link) == [Hangup("-2015 Invalid API-key, IP, or permissions for action.")]


def test_a_change_has_side_quantity_and_price_whichever_changes() -> None:
    becomes = OrderRequest(symbol=PERP, side="buy", quantity="0.5", limit_price=42000)
    amend = Amend(order_id="BTCUSDT:12", symbol=PERP, limit_price=42000, becomes=becomes)
    assert sent(amend)["params"] == {
        "symbol": "BTCUSDT",
        "orderId": 12,
        "side": "BUY",
        "quantity": "0.5",
        "price": "42000",
    }
    link = orders()
    link.command(7, amend, NOW)
    (accepted,) = link.receive(result("modified"), NOW)
    assert isinstance(accepted, Accepted)
    assert accepted.order_id == "BTCUSDT:20072994037"
    for impossible in (
        Amend(order_id="BTCUSDT:12", symbol=PERP, limit_price=42000),
        Amend(order_id="BTCUSDT:12", symbol=PERP, trigger_price=42000, becomes=becomes),
    ):
        with pytest.raises(BadInput):
            link.command(8, impossible, NOW)


def test_orders_are_canceled_by_either_id_and_waiting_ones_by_their_number() -> None:
    market = {"a": PERP}
    assert sent(Cancel(client_order_ids=("a",), symbols=market))["params"] == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "a",
    }
    waiting = "BTCUSDT:conditional-2148719"
    assert sent(Cancel(order_ids=(waiting,), symbols={waiting: PERP})) == {
        "id": "7.0",
        "method": "algoOrder.cancel",
        "params": {"algoId": 2148719},
        "auth": True,
    }
    link = orders()
    names = {"BTCUSDT:1": PERP, waiting: PERP}
    link.command(7, CancelBatch(order_ids=tuple(names), symbols=names), NOW)
    methods = [written(one)["method"] for one in queued(link)]
    assert methods == ["order.cancel", "algoOrder.cancel"]
    link.command(8, Cancel(order_ids=(waiting,), symbols={waiting: PERP}), NOW)
    (accepted,) = link.receive(answered("algoOrder.cancel", "8.0"), NOW)
    assert isinstance(accepted, Accepted)
    assert accepted.order_id == waiting


def test_a_batch_is_one_call_and_each_order_has_an_answer() -> None:
    link = orders()
    link.command(7, PlaceBatch(requests=(BUY, BUY), deadline_ns=NOW), NOW)
    (fetch,) = list(link.outbox)
    assert isinstance(fetch, Fetch)
    ((method, path, params),) = called(link)
    assert (method, path) == ("POST", "/fapi/v1/batchOrders")
    assert params["timestamp"] == str(NOW // MS - 5000)
    assert [one["price"] for one in json.loads(params["batchOrders"])] == ["43000", "43000"]

    first, second = link.receive_response(fetch, CAPTURES["batch"], NOW)

    assert isinstance(first, Accepted)
    assert isinstance(second, Declined)
    assert (first.order_id, first.is_last) == ("BTCUSDT:22542179", False)
    assert (second.message, second.is_last) == ("-2022 ReduceOnly Order is rejected.", True)
    link.command(8, PlaceBatch(requests=(BUY, BUY)), NOW)
    (fetch,) = queued(link)
    assert isinstance(fetch, Fetch)
    (refused,) = link.receive_refusal(fetch, "HTTP 400: odd", NOW)
    assert isinstance(refused, Declined)  # of all of them
    assert (refused.client_order_id, refused.is_last) == ("", True)
    with pytest.raises(BadInput, match="1 to 5 orders"):
        link.command(8, PlaceBatch(requests=(BUY,) * 6), NOW)


def test_all_orders_are_listed_then_canceled_market_by_market() -> None:
    link = orders()
    link.command(7, CancelAll(), NOW)
    listing, waiting = list(link.outbox)
    assert isinstance(listing, Fetch)
    assert isinstance(waiting, Fetch)
    assert [path for _, path, _ in called(link)] == [
        "/fapi/v1/openOrders",
        "/fapi/v1/openAlgoOrders",
    ]
    row = json.loads(CAPTURES["listed order"])
    rows = [row, {**row, "symbol": "ETHUSDT"}, row]
    assert link.receive_response(listing, json.dumps(rows).encode(), NOW) == ()
    cancels = list(link.outbox)
    assert called(link) == [
        ("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "BTCUSDT"}),
        ("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "ETHUSDT"}),
    ]
    assert link.receive_response(waiting, b"[]", NOW) == ()
    answers = [
        event
        for one in cancels
        if isinstance(one, Fetch)
        for event in link.receive_response(one, CAPTURES["canceled all"], NOW)
    ]

    (accepted,) = answers
    assert isinstance(accepted, Accepted)
    assert accepted.count == 3


def test_the_switch_of_each_market_with_orders_is_set_and_kept_set() -> None:
    link = orders()
    row = json.loads(CAPTURES["listed order"])

    def switched(number: int, timeout_s: int, *markets: str) -> list[dict[str, str]]:
        link.command(number, CancelAllAfter(timeout_s), NOW)
        (listing,) = queued(link)
        assert isinstance(listing, Fetch)
        rows = [{**row, "symbol": one} for one in markets]
        link.receive_response(listing, json.dumps(rows).encode(), NOW)
        calls = list(link.outbox)
        found = called(link)
        events = [
            event
            for one in calls
            if isinstance(one, Fetch)
            for event in link.receive_response(one, CAPTURES["countdown"], NOW)
        ]
        assert all(isinstance(one, Accepted) for one in events)
        assert {path for _, path, _ in found} <= {"/fapi/v1/countdownCancelAll"}
        return [params for _, _, params in found]

    btc, eth = ({"symbol": one, "countdownTime": "60000"} for one in ("BTCUSDT", "ETHUSDT"))
    assert switched(7, 60, "BTCUSDT") == [btc]
    assert switched(8, 60, "ETHUSDT") == [btc, eth]
    assert switched(9, 0) == [{**one, "countdownTime": "0"} for one in (btc, eth)]
    assert switched(10, 60) == []


def test_a_test_order_is_a_call() -> None:
    link = orders()
    link.command(7, Place(request=BUY, validate=True), NOW)
    (fetch,) = list(link.outbox)
    assert isinstance(fetch, Fetch)
    ((method, path, _),) = called(link)
    assert (method, path) == ("POST", "/fapi/v1/order/test")
    (accepted,) = link.receive_response(fetch, b"{}", NOW)
    assert isinstance(accepted, Accepted)


def test_a_waiting_order_has_the_id_of_its_published_answer() -> None:
    link = orders()
    link.command(7, Place(request=BUY), NOW)
    (accepted,) = link.receive(result("algoOrder.place"), NOW)
    assert isinstance(accepted, Accepted)
    assert accepted.order_id == "BNBUSDT:conditional-2146760"
