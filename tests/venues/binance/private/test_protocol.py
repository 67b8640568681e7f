"""The account's link: login, events, answers; every published private frame is read or refused."""

import json
import re
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.event import Desync, Event, LeftOut, Refused, Subscribed
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Declined,
    Edit,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
    TimeInForce,
)
from fluxum.venues.account_link import AccountLink
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.protocol import account_link
from fluxum.venues.conversation import Fetch, Handover, Hangup, UnreadableStream
from venues.binance.private.wire import (
    BALANCES,
    CAPTURES,
    EXECUTIONS,
    MARKETS,
    NOW,
    account,
    numbered,
    sent,
)

D = Decimal
MS = 1_000_000
BUY = OrderRequest(symbol="BTC/USDT", side="buy", quantity=1, limit_price=9, client_order_id="a")


def events(name: str) -> list[Event]:
    protocol, _ = account()
    return list(protocol.receive(CAPTURES[name].encode(), NOW))


def reports(protocol: AccountLink) -> list[Event]:
    """The published events of a market order, one frame each."""
    found: list[Event] = []
    for event in json.loads(CAPTURES["market order events"]):
        frame = {"subscriptionId": 0, "event": event}
        found += protocol.receive(json.dumps(frame).encode(), NOW)
    return found


# The link


def test_the_login_subscribes_to_all_events_behind_the_list_of_markets() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([EXECUTIONS])

    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    assert (fetch.path, fetch.cost) == ("/api/v3/exchangeInfo?showPermissionSets=false", 20)
    assert not protocol.outbox
    assert protocol.receive_response(fetch, MARKETS, NOW) == ()
    login = {"id": "login", "method": "userDataStream.subscribe.signature", "auth": True}
    assert sent(protocol) == [login]
    assert protocol.unanswered() == [EXECUTIONS]
    assert protocol.receive(numbered("userDataStream.subscribe", "login"), NOW) == ()
    assert sent(protocol) == [{"id": "subscribe.1", "method": "ping", "auth": False}]

    events = protocol.receive(b'{"id":"subscribe.1","status":200,"result":{}}', NOW)

    assert [one.subscription for one in events if isinstance(one, Subscribed)] == [EXECUTIONS]


def test_what_is_not_subscribed_is_passed_over() -> None:
    protocol, _ = account([EXECUTIONS])

    assert protocol.receive(CAPTURES["outboundAccountPosition"].encode(), NOW) == ()
    protocol, _ = account([BALANCES])
    assert protocol.receive(CAPTURES["executionReport"].encode(), NOW) == ()


def test_a_refused_login_is_final_unless_the_venue_is_in_trouble() -> None:
    protocol = account_link(SPOT)
    protocol.subscribe([EXECUTIONS])

    (refused,) = protocol.receive(numbered("authenticate-after-connection", "login"), NOW)

    assert isinstance(refused, Refused)
    assert refused.message.startswith("the login: -2015 Invalid API-key, IP, or permissions")
    for error in ('"status":400,"error":{"code":-1021,"msg":"late"}', '"status":503'):
        protocol = account_link(SPOT)
        protocol.subscribe([EXECUTIONS])
        protocol.outbox.clear()
        assert protocol.receive(f'{{"id":"login",{error}}}'.encode(), NOW) == ()
        (hangup,) = protocol.outbox
        assert isinstance(hangup, Hangup)


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("server-shutdown", Handover("the venue shuts the server down")),
        ("eventStreamTerminated", Hangup("the venue ended the events of the account")),
        (
            "authenticate-after-connection",
            Hangup("-2015 Invalid API-key, IP, or permissions for action."),
        ),
    ],
)
def test_the_venue_ends_a_link(name: str, effect: Handover | Hangup) -> None:
    protocol, _ = account()

    assert protocol.receive(CAPTURES[name].encode(), NOW) == ()

    assert list(protocol.outbox) == [effect]


# Events


def test_a_new_order() -> None:
    assert events("executionReport") == [
        OrderUpdate(
            venue="binance",
            order_id="ETHBTC:4293153",
            client_order_id="mUvoqJxFIILMdfAW5iGSOW",
            symbol=Symbol("ETH/BTC"),
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            status=OrderStatus.OPEN,
            quantity=Decimal("1.00000000"),
            limit_price=Decimal("0.10264410"),
            time_in_force=TimeInForce.GTC,
            opened_ns=1499405658657 * MS,
            venue_ns=1499405658657 * MS,
            received_ns=NOW,
        )
    ]


def test_a_market_order_that_runs_out_of_liquidity() -> None:
    protocol, _ = account()

    found = reports(protocol)

    orders = [one for one in found if isinstance(one, OrderUpdate)]
    fills = [one for one in found if isinstance(one, Fill)]
    statuses = [OrderStatus.OPEN, *[OrderStatus.PARTIALLY_FILLED] * 2, OrderStatus.EXPIRED]
    assert [one.status for one in orders] == statuses
    assert [one.filled for one in orders] == [0, 2, 4, 4]
    assert {(one.order_id, one.symbol, one.quantity) for one in orders} == {
        ("LTCBNB:32", Symbol("LTC/BNB"), D(6))
    }
    assert (orders[-1].cost, orders[-1].average_price, orders[-1].limit_price) == (D(4), D(1), None)
    first, second = fills
    assert first == Fill(
        venue="binance",
        symbol=Symbol("LTC/BNB"),
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(2),
        fees=(Fee(Asset("BNB"), Decimal("0.001")),),
        liquidity=Liquidity.TAKER,
        fill_id="7",
        order_id="LTCBNB:32",
        client_order_id="8LGC97RRgNPVQk979VIhjt",
        venue_ns=1719467634105 * MS,
        received_ns=NOW,
    )
    assert (second.fill_id, second.fees) == ("8", first.fees)


def report(**changes: object) -> list[Event]:
    """The published report with other values."""
    frame = json.loads(CAPTURES["executionReport"])
    frame["event"] |= changes
    protocol, _ = account()
    return list(protocol.receive(json.dumps(frame).encode(), NOW))


def one_order(**changes: object) -> OrderUpdate:
    (order,) = report(**changes)
    assert isinstance(order, OrderUpdate)
    return order


def test_a_cancel_has_a_name_of_its_own_and_the_order_keeps_its() -> None:
    order = one_order(x="CANCELED", X="CANCELED", c="of the cancel", C="mine")
    assert (order.status, order.client_order_id) == (OrderStatus.CANCELED, "mine")

    order = one_order(x="REPLACED", X="NEW", c="mine", C="before", q="0.5")
    assert (order.status, order.client_order_id, order.quantity) == (
        OrderStatus.OPEN,
        "mine",
        Decimal("0.5"),
    )


def test_types_statuses_and_reasons() -> None:
    waiting = one_order(o="STOP_LOSS_LIMIT", P="0.2", w=False)
    assert (waiting.order_type, waiting.status) == (
        OrderType.STOP_LOSS_LIMIT,
        OrderStatus.PENDING,
    )
    assert (waiting.trigger_price, waiting.limit_price) == (Decimal("0.2"), Decimal("0.10264410"))
    assert one_order(o="STOP_LOSS", d=150, w=True).order_type is OrderType.TRAILING_STOP
    assert one_order(o="STOP_LOSS", d=150, w=True).status is OrderStatus.OPEN
    iceberg = one_order(F="0.1")
    assert (iceberg.order_type, iceberg.display_quantity) == (OrderType.ICEBERG, Decimal("0.1"))
    assert one_order(o="LIMIT_MAKER").post_only
    self_trade = one_order(x="TRADE_PREVENTION", X="EXPIRED_IN_MATCH")
    assert self_trade.status is OrderStatus.EXPIRED
    refused = one_order(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES")
    assert (refused.status, refused.reason) == (OrderStatus.REFUSED, "INSUFFICIENT_BALANCES")
    expired = one_order(x="EXPIRED", X="EXPIRED", eR="UNFILLED_IOC_QUANTITY_EXPIRED")
    assert expired.reason == "UNFILLED_IOC_QUANTITY_EXPIRED"
    odd = one_order(o="PEGGED", X="RESTING", f="GTX")
    assert (odd.order_type, odd.venue_type) == (OrderType.OTHER, "PEGGED")
    assert (odd.status, odd.venue_status) == (OrderStatus.OTHER, "RESTING")
    assert (odd.time_in_force, odd.venue_time_in_force) == (TimeInForce.OTHER, "GTX")


def test_an_amount_to_spend_has_the_quantity_that_is_filled() -> None:
    order = one_order(o="MARKET", Q="100.0", q="0.0", z="2", Z="50", X="FILLED")

    assert (order.quantity, order.filled, order.average_price) == (D(2), D(2), D(25))


def test_a_market_is_called_as_the_list_divides_its_name() -> None:
    assert one_order(s="XTUSD").symbol == "XT/USD"  # by the longest quote asset it were X/TUSD
    assert one_order(s="NEWUSDT").symbol == "NEW/USDT"  # which was listed later


def test_an_allocation_of_another_market_is_a_fill() -> None:
    _, fill = report(x="TRADE", X="FILLED", l="1", L="0.1", z="1", t=-1, a=12, n="0", N=None)

    assert isinstance(fill, Fill)
    assert (fill.fill_id, fill.fees) == ("allocation 12", ())


@pytest.mark.parametrize(
    "changes",
    [{"S": "HOLD"}, {"q": "x"}, {"s": "?"}, {"x": "TRADE", "l": "1", "L": "1", "t": -1}],
)
def test_a_report_that_makes_no_sense_begins_the_stream_anew(changes: dict[str, object]) -> None:
    with pytest.raises(UnreadableStream) as error:
        report(**changes)

    assert error.value.subscriptions == (EXECUTIONS,)


def test_balances_and_transfers() -> None:
    assert events("outboundAccountPosition") == [
        Balance(
            venue="binance",
            asset=Asset("ETH"),
            total=Decimal("10000.000000"),
            held=Decimal("0.000000"),
            venue_ns=1564034571073 * MS,
            received_ns=NOW,
        )
    ]
    totals = [
        (str(one.asset), one.total, one.held)
        for one in events("event-format")
        if isinstance(one, Balance)
    ]
    assert totals == [("BTC", D(12000), D(182)), ("USDT", D(10650), D(70))]
    (entry,) = events("balanceUpdate")
    assert isinstance(entry, LedgerEntry)
    assert (entry.asset, entry.change, entry.kind) == (Asset("BTC"), D(100), EntryKind.TRANSFER)
    assert entry.entry_id == "BTC/1573200697068/100.00000000"


def test_what_another_system_locks_makes_the_balances_begin_anew() -> None:
    (desync,) = events("externalLockUpdate")

    assert isinstance(desync, Desync)
    assert desync.subscription == BALANCES
    assert desync.reason == "another system locked 10.00000000 NEO"


def test_lists_of_orders_are_passed_over_and_unknown_events_refused() -> None:
    assert events("listStatus") == []
    protocol, _ = account()
    with pytest.raises(RemoteProtocolError, match="not requested, was of 'tokenExpired'"):
        protocol.receive(b'{"subscriptionId":0,"event":{"e":"tokenExpired","E":1}}', NOW)


def test_rows_of_balances_that_cannot_be_read_are_left_out() -> None:
    protocol, _ = account()
    frame = (
        b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,'
        b'"B":[{"a":"ETH","f":"-1","l":"0"}]}}'
    )

    with pytest.raises(UnreadableStream) as error:
        protocol.receive(frame, NOW)

    assert error.value.subscriptions == (BALANCES,)
    assert not [one for one in protocol.outbox if isinstance(one, LeftOut)]


# Answers


def answered(command: object, *frames: tuple[str, str]) -> list[Event]:
    """What is published of captured answers to a command, each with a number's end."""
    protocol, _ = account()
    protocol.command(7, command, NOW)  # type: ignore[arg-type]
    protocol.outbox.clear()
    found: list[Event] = []
    for name, end in frames:
        found += protocol.receive(numbered(name, f"7.{end}"), NOW)
    return found


def accepted(order_id: str, name: str, **more: object) -> Accepted:
    fields = {"order_id": order_id, "client_order_id": name, **more}
    return Accepted(venue="binance", command_id=7, received_ns=NOW, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["order.place", "order.place 2", "order.place 3"])
def test_an_order_is_accepted(name: str) -> None:
    assert answered(Place(request=BUY), (name, "0.one")) == [
        accepted("BTCUSDT:12569099453", "4d96324ff9d44481926157ec08158a40")
    ]


def test_an_order_is_refused() -> None:
    (declined,) = answered(Place(request=BUY), ("response-format 2", "0.one"))

    assert isinstance(declined, Declined)
    assert declined.client_order_id == "a"
    text = "-2010 Account has insufficient balance for requested action."
    assert declined.message == text


@pytest.mark.parametrize("name", ["order.test", "order.test 2"])
def test_an_order_is_tested(name: str) -> None:
    assert answered(Place(request=BUY, validate=True), (name, "0.one")) == [accepted("", "a")]


def test_cancels_are_answered_one_by_one_or_counted() -> None:
    one = Cancel(order_ids=("BTCUSDT:12569099453",))
    assert answered(one, ("order.cancel", "0.one")) == [
        accepted("BTCUSDT:12569099453", "4d96324ff9d44481926157")
    ]
    many = CancelBatch(order_ids=("BTCUSDT:1", "BTCUSDT:2", "BTCUSDT:3"))
    ends = (
        ("order.cancel", "0.many"),
        ("order.cancel 2", "1.many"),
        ("order.cancelReplace 6", "2.many"),
    )
    *_, refused = answered(many, *ends)  # a list of two orders counts as both
    assert isinstance(refused, Declined)
    assert refused.message.startswith("-1015 Too many new orders")
    assert answered(many, *ends[:2], ("order.cancel", "2.many")) == [accepted("", "", count=4)]


def test_an_order_that_is_gone_counts_as_none() -> None:
    protocol, _ = account()
    protocol.command(7, CancelBatch(order_ids=("BTCUSDT:1",)), NOW)
    frame = b'{"id":"7.0.many","status":400,"error":{"code":-2011,"msg":"Unknown order sent."}}'

    assert protocol.receive(frame, NOW) == (accepted("", "", count=0),)


def test_all_orders_are_canceled_market_by_market() -> None:
    protocol, _ = account()
    protocol.command(7, CancelAll(), NOW)
    (request,) = sent(protocol)
    assert (request["id"], request["method"], request["auth"]) == (
        "7.0.open",
        "openOrders.status",
        True,
    )

    assert protocol.receive(numbered("openOrders.status", "7.0.open"), NOW) == ()
    (request,) = sent(protocol)
    assert request == {
        "id": "7.0.market",
        "method": "openOrders.cancelAll",
        "params": {"symbol": "BTCUSDT"},
        "auth": True,
    }
    assert protocol.receive(numbered("openOrders.cancelAll", "7.0.market"), NOW) == (
        accepted("", "", count=3),
    )


def test_without_open_orders_none_are_canceled() -> None:
    protocol, _ = account()
    protocol.command(7, CancelAll(), NOW)
    protocol.outbox.clear()

    events = protocol.receive(b'{"id":"7.0.open","status":200,"result":[]}', NOW)

    assert events == (accepted("", "", count=0),)
    assert not protocol.outbox


def test_an_order_becomes_smaller_or_is_replaced() -> None:
    amend = Amend(order_id="BTCUSDT:12", symbol="BTC/USDT", quantity=5)
    assert answered(amend, ("order.amend.keepPriority", "0.one")) == [
        accepted("BTCUSDT:12", "4zR9HFcEq8gM1tWUqPEUHc")
    ]
    edit = Edit(order_id="BTCUSDT:125690984230", symbol="BTC/USDT", limit_price=8, becomes=BUY)
    assert answered(edit, ("order.cancelReplace", "0.one")) == [
        accepted(
            "BTCUSDT:12569099453",
            "bX5wROblo6YeDwa9iTLeyY",
            original_order_id="BTCUSDT:125690984230",
        )
    ]
    for at, text in enumerate(
        ("failed", "partially failed", "partially failed", "failed"), start=2
    ):
        (declined,) = answered(edit, (f"order.cancelReplace {at}", "0.one"))
        assert isinstance(declined, Declined)
        assert re.fullmatch(rf"-202[12] Order cancel-replace {text}\.", declined.message)


def test_each_order_of_a_batch_has_its_own_answer() -> None:
    batch = PlaceBatch(requests=(BUY, structs.replace(BUY, client_order_id="b")))

    first, second = answered(batch, ("response-format 2", "1.one"), ("order.place", "0.one"))

    assert isinstance(first, Declined)
    assert (first.client_order_id, first.is_last) == ("b", False)
    assert isinstance(second, Accepted)
    assert (second.order_id, second.is_last) == ("BTCUSDT:12569099453", True)


OURS = (
    *("outboundAccountPosition", "balanceUpdate", "executionReport", "listStatus"),
    *("eventStreamTerminated", "externalLockUpdate", "event-format", "server-shutdown"),
    *("authenticate-after-connection", "market order"),
)


def test_answers_to_what_is_never_requested_are_refused_by_name() -> None:
    """Lists of orders, SOR, sessions, and queries that are made over REST."""
    others = [one for one in CAPTURES if not one.startswith((*OURS, "rest "))]
    assert len(others) > 50
    for name in others:
        protocol, _ = account()
        number = str(json.loads(CAPTURES[name]).get("id", ""))
        if number:
            with pytest.raises(RemoteProtocolError, match="an answer to a command was expected"):
                protocol.receive(CAPTURES[name].encode(), NOW)
        else:  # a refusal that is quoted without its answer
            assert name in {"order.cancel 3", "order.cancel 4"}
