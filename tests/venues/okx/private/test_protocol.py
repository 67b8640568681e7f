"""The account's link: preparations, login, channels, published frames, rows that are odd."""

import json
import re
from decimal import Decimal

import pytest

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.account import Balance, Fee, Fill, Liquidity
from fluxum.model.event import Desync, Event, LeftOut, Refused, Subscribed, Unsubscribed
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.conversation import Hangup, UnreadableStream
from fluxum.venues.okx.listing import LISTS
from fluxum.venues.okx.private.protocol import CONFIG, account_link
from venues.okx.private.wire import (
    BALANCES,
    CAPTURES,
    EXECUTIONS,
    NOW,
    account,
    config,
    listed,
    prepared,
    sent,
)

MS = 1_000_000


def of_orders(name: str, **changed: object) -> bytes:
    """A capture of orders with other fields in its row."""
    frame = json.loads(CAPTURES[name])
    frame["data"][0] |= changed
    return json.dumps(frame).encode()


def read(frame: bytes) -> list[Event]:
    protocol, _ = account()
    return list(protocol.receive(frame, NOW))


# The link


def test_markets_and_the_kind_of_account_come_before_the_login() -> None:
    protocol = prepared()

    assert sent(protocol) == [{"op": "login", "auth": True}]
    assert protocol.unanswered() == [EXECUTIONS, BALANCES]
    assert protocol.receive(CAPTURES["login"], NOW) == ()
    (first,) = sent(protocol)  # one request at a time, as a refusal does not name its channel
    assert first == {
        "id": "s1",
        "op": "subscribe",
        "args": [{"channel": "orders", "instType": "ANY"}],
        "auth": False,
    }
    events = list(protocol.receive(CAPTURES["account_ack"], NOW))
    (second,) = sent(protocol)
    assert second["args"] == [{"channel": "account", "extraParams": '{"updateInterval":"0"}'}]
    events += protocol.receive(CAPTURES["account_ack"], NOW)
    assert [one.subscription for one in events if isinstance(one, Subscribed)] == [
        EXECUTIONS,
        BALANCES,
    ]
    assert protocol.unanswered() == []


@pytest.mark.parametrize("body", [listed([]), config(level="9"), b"[]", listed([{}])])
def test_a_kind_of_account_that_makes_no_sense_is_no_answer(body: bytes) -> None:
    protocol = account_link()
    protocol.subscribe([EXECUTIONS])

    with pytest.raises((RemoteProtocolError, VenueRefused)):
        protocol.receive_response(CONFIG, body, NOW)

    assert protocol.unanswered() == [EXECUTIONS]


def test_refused_keys_refuse_what_waited() -> None:
    protocol = account_link()
    protocol.subscribe([EXECUTIONS])

    (refused,) = protocol.receive_refusal(CONFIG, "50111 Invalid OK-ACCESS-KEY", NOW)

    assert isinstance(refused, Refused)
    assert refused.message == "kind of account: 50111 Invalid OK-ACCESS-KEY"
    assert LISTS[0] in protocol.outbox  # the next one who wants it has them listed again


def test_the_published_refusal_of_a_login_refuses_what_waited_for_it() -> None:
    protocol = prepared([EXECUTIONS])

    (refused,) = protocol.receive(CAPTURES["login_failed"], NOW)

    assert isinstance(refused, Refused)
    assert refused.message == "the login: 60009 Login failed."


@pytest.mark.parametrize("code", ["60006", "60014"])
def test_a_login_that_may_succeed_later_is_tried_over_another_link(code: str) -> None:
    protocol = prepared([EXECUTIONS])
    sent(protocol)

    assert protocol.receive(CAPTURES["login_failed"].replace(b"60009", code.encode()), NOW) == ()

    assert isinstance(protocol.outbox.popleft(), Hangup)


def test_a_channel_is_refused_by_the_id_of_its_request_and_stays_if_it_may_succeed_later() -> None:
    protocol = prepared([BALANCES])
    protocol.receive(CAPTURES["login"], NOW)
    later = b'{"id":"s1","event":"error","code":"60014","msg":"Requests too frequent"}'

    assert protocol.receive(later, NOW) == ()
    assert protocol.unanswered() == [BALANCES]
    (refused,) = protocol.receive(CAPTURES["orders_failed"].replace(b"1512", b"s1"), NOW)

    assert isinstance(refused, Refused)
    assert refused.subscription == BALANCES
    assert refused.message.startswith("60012 Invalid request: ")


def test_a_stream_ends_and_what_comes_late_is_passed_over() -> None:
    protocol, _ = account()
    protocol.unsubscribe([EXECUTIONS])

    (request,) = sent(protocol)
    assert (request["id"], request["op"]) == ("u4", "unsubscribe")
    ack = CAPTURES["account_ack"].replace(b'"subscribe"', b'"unsubscribe"')
    (ended,) = protocol.receive(ack, NOW)
    assert isinstance(ended, Unsubscribed)
    assert ended.subscription == EXECUTIONS
    assert protocol.receive(CAPTURES["orders"], NOW) == ()


@pytest.mark.parametrize("name", ["notice", "conn_count_error"])
def test_a_link_that_is_about_to_end_is_left(name: str) -> None:
    protocol, _ = account()

    assert protocol.receive(CAPTURES[name], NOW) == ()

    (hangup,) = protocol.outbox
    assert isinstance(hangup, Hangup)
    assert re.search(r"service upgrade|orders", hangup.reason)


def test_pings_are_text_and_counts_of_links_are_no_news() -> None:
    protocol, _ = account()
    protocol.ping()

    (ping,) = protocol.outbox
    assert getattr(ping, "frame", b"") == b"ping"
    assert protocol.receive(b"pong", NOW) == ()
    assert protocol.receive(CAPTURES["conn_count"], NOW) == ()


# Published frames


def test_the_published_order_is_a_fill_and_the_order_that_it_ended() -> None:
    fill, order = read(CAPTURES["orders"])

    assert fill == Fill(
        venue="okx",
        symbol="BTC/USDT",  # type: ignore[arg-type]
        side=Side.SELL,
        price=Decimal("31527.1"),
        quantity=Decimal("0.001"),
        fees=(Fee("USDT", Decimal("0.02522168")),),  # type: ignore[arg-type]
        liquidity=Liquidity.MAKER,
        fill_id="242589207",
        order_id="452197707845865472",
        venue_ns=1654084353263 * MS,
        received_ns=NOW,
    )
    assert order == OrderUpdate(
        venue="okx",
        order_id="452197707845865472",
        symbol="BTC/USDT",  # type: ignore[arg-type]
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        status=OrderStatus.FILLED,
        quantity=Decimal("0.001"),
        filled=Decimal("0.001"),
        cost=Decimal("31.5271"),
        average_price=Decimal("31527.1"),
        limit_price=Decimal("31527.1"),
        opened_ns=1654084334977 * MS,
        venue_ns=1654084353264 * MS,
        received_ns=NOW,
    )


def test_the_published_account_is_a_balance_of_each_asset() -> None:
    (balance,) = read(CAPTURES["account"])

    assert balance == Balance(
        venue="okx",
        asset="USDT",  # type: ignore[arg-type]
        total=Decimal("4750.426970691436"),
        held=Decimal("158.57998"),
        venue_ns=1705564213903 * MS,
        received_ns=NOW,
    )


def test_the_recorded_account_has_three_assets_and_the_other_none() -> None:
    held = [(one.asset, one.total) for one in read(CAPTURES["recorded_account"])]  # type: ignore[union-attr]

    assert held == [
        ("USDT", Decimal("100.52768569797846")),
        ("BTC", Decimal("0.0000000051")),
        ("ETH", Decimal("0.000000185")),
    ]
    assert read(CAPTURES["recorded_empty_account"]) == []


@pytest.mark.parametrize(
    ("name", "symbol", "side", "filled", "cost", "price", "reason"),
    [
        # 0.03 contracts of 0.01 BTC are 0.0003 BTC, at 103698.9 they cost 31.10967.
        ("recorded_market", "BTC/USDT:PERP", Side.BUY, "0.0003", "31.10967", "103698.9", ""),
        # 0.3 contracts of 0.1 ETH at 41000.
        ("recorded_adl", "ETH/USDT:PERP", Side.BUY, "0.03", "1230", "41000", "adl"),
        ("recorded_fok", "BTC/USDT", Side.BUY, "0.05", "2500", "50000", ""),
        ("recorded_ioc", "BTC/USDT", Side.SELL, "0.02", "1002.01", "50100.5", ""),
        (
            *("recorded_liquidation", "BTC/USDT:PERP", Side.SELL, "0.005", "200", "40000"),
            "full_liquidation",
        ),
        ("recorded_optimal", "BTC/USDT:PERP", Side.BUY, "0.001", "103.75025", "103750.25", ""),
        ("recorded_triggered", "BTC/USDT:PERP", Side.SELL, "0.0001", "10.195", "101950", ""),
    ],
)
def test_recorded_orders_count_in_the_base_asset(
    name: str, symbol: str, side: Side, filled: str, cost: str, price: str, reason: str
) -> None:
    fill, order = read(CAPTURES[name])

    assert isinstance(order, OrderUpdate)
    assert (order.symbol, order.side, order.filled) == (symbol, side, Decimal(filled))
    assert (order.cost, order.average_price, order.reason) == (
        Decimal(cost),
        Decimal(price),
        reason,
    )
    assert isinstance(fill, Fill)
    assert (fill.symbol, fill.quantity, fill.price) == (symbol, Decimal(filled), Decimal(price))
    assert fill.fees is None  # these name what the order paid so far, not what the fill did


@pytest.mark.parametrize(
    ("name", "kind", "in_force", "status"),
    [
        ("recorded_market", OrderType.MARKET, TimeInForce.GTC, OrderStatus.FILLED),
        ("recorded_fok", OrderType.LIMIT, TimeInForce.FOK, OrderStatus.FILLED),
        ("recorded_ioc", OrderType.LIMIT, TimeInForce.IOC, OrderStatus.PARTIALLY_FILLED),
        ("recorded_optimal", OrderType.MARKET, TimeInForce.IOC, OrderStatus.FILLED),
    ],
)
def test_recorded_types_of_orders(
    name: str, kind: OrderType, in_force: TimeInForce, status: OrderStatus
) -> None:
    _, order = read(CAPTURES[name])

    assert isinstance(order, OrderUpdate)
    assert (order.order_type, order.time_in_force, order.status) == (kind, in_force, status)


def test_options_and_inverse_contracts_are_passed_over() -> None:
    assert read(CAPTURES["recorded_option"]) == []
    assert read(of_orders("recorded_market", instId="BTC-USD-SWAP")) == []


@pytest.mark.parametrize(
    "name",
    [
        *("fills", "greeks", "balance_and_position", "liquidation_warning"),
        *("adl_warning", "orders_algo", "algo_advance", "deposit_info", "withdrawal_info"),
        *("sprd_orders", "recorded_algo", "recorded_sprd_orders"),
    ],
)
def test_published_channels_that_are_not_requested_are_refused_by_name(name: str) -> None:
    channel = json.loads(CAPTURES[name])["arg"]["channel"]

    with pytest.raises(RemoteProtocolError, match=channel):
        read(CAPTURES[name])


# Odd rows


def test_words_that_are_not_known_are_kept() -> None:
    (order,) = read(
        of_orders("orders", tradeId="", state="musing", ordType="mmp", cancelSource="77")
    )

    assert isinstance(order, OrderUpdate)
    assert (order.status, order.venue_status) == (OrderStatus.OTHER, "musing")
    assert (order.order_type, order.venue_type) == (OrderType.OTHER, "mmp")
    assert (order.time_in_force, order.venue_time_in_force) == (TimeInForce.OTHER, "mmp")
    assert order.reason == "77"


def test_an_order_says_why_it_was_canceled_and_that_it_was_post_only() -> None:
    changed = {"tradeId": "", "state": "canceled", "cancelSource": "31", "ordType": "post_only"}
    (order,) = read(of_orders("orders", **changed, accFillSz="0", avgPx="0"))

    assert isinstance(order, OrderUpdate)
    assert (order.status, order.post_only) == (OrderStatus.CANCELED, True)
    assert (order.reason, order.average_price, order.cost) == (
        "post-only would take",
        None,
        Decimal(0),
    )


def test_an_order_of_an_amount_has_what_is_filled_for_its_quantity() -> None:
    spent = {"ordType": "market", "side": "buy", "sz": "100", "px": ""}
    for unit, quantity in (("quote_ccy", "0.001"), ("", "0.001"), ("base_ccy", "100")):
        _, order = read(of_orders("orders", **spent, tgtCcy=unit))
        assert isinstance(order, OrderUpdate)
        assert (order.quantity, order.limit_price) == (Decimal(quantity), None)


def test_a_rebate_is_a_fee_below_zero_and_none_is_no_fee() -> None:
    for paid, fees in (("0.01", [("USDT", Decimal("-0.01"))]), ("0", [])):
        fill, _ = read(of_orders("orders", fillFee=paid))
        assert isinstance(fill, Fill)
        assert [(fee.asset, fee.amount) for fee in fill.fees or ()] == fees


@pytest.mark.parametrize(
    "changed",
    [
        {"side": "hold"},
        {"sz": "many"},
        {"uTime": ""},
        {"instId": "X-USDT-SWAP", "instType": "SWAP"},
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_stream_looked_up_anew(
    changed: dict[str, str],
) -> None:
    protocol, _ = account()
    frame = json.loads(CAPTURES["orders"])
    odd = {**frame["data"][0], **changed}
    frame["data"].append(odd)

    left_out, fill, order, desync = protocol.receive(json.dumps(frame).encode(), NOW)

    assert isinstance(left_out, LeftOut)
    assert isinstance(fill, Fill)
    assert isinstance(order, OrderUpdate)
    assert isinstance(desync, Desync)
    frame["data"] = [odd]
    with pytest.raises(UnreadableStream) as error:
        protocol.receive(json.dumps(frame).encode(), NOW)
    assert error.value.subscriptions == (EXECUTIONS,)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"event":"dance"}',
        b'{"data":[]}',
        b'{"id":"5p0","op":"order","data":[],"code":"0"}',
    ],
)
def test_what_makes_no_sense_is_refused(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(frame)


def test_a_tape_is_followed_without_requests() -> None:
    protocol = account_link()
    protocol.follow_passively()

    fill, order = protocol.receive(CAPTURES["orders"], NOW)
    (balance,) = protocol.receive(CAPTURES["account"], NOW)

    assert isinstance(fill, Fill)
    assert isinstance(order, OrderUpdate)
    assert isinstance(balance, Balance)
    assert not protocol.outbox
