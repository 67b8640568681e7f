"""Dialogues over a private link, by the published messages."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.account import Balances, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OpenOrders,
    OrderFragment,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
    TimeInForce,
    TradingCount,
)
from fluxum.venues.conversation import Auth, UnreadableStream, VenueTime
from fluxum.venues.kraken.private.protocol import KrakenPrivateProtocol
from fluxum.venues.private import TOKEN
from fluxum.venues.venue import Hangup, Reauthenticate, Send
from recordings import FOLDER, recording

EXECUTIONS = Subscription(Channel.EXECUTION)
BALANCES = Subscription(Channel.BALANCE)
BTC = Symbol("BTC/USD")
NOW = 1_700_000_000_000_000_000
# https://docs.kraken.com/api/docs/websocket-v2/executions, the example of a market sell
PENDING = (
    '{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
    '"order_userref":3,"symbol":"BTC/USD","order_qty":0.005,"cum_cost":0.0,"time_in_force":"GTC",'
    '"exec_type":"pending_new","side":"sell","order_type":"limit","limit_price_type":"static",'
    '"limit_price":26500.0,"stop_price":0.0,"order_status":"pending_new","fee_usd_equiv":0.0,'
    '"fee_ccy_pref":"fciq","timestamp":"2023-09-22T10:33:05.709950Z"}],"sequence":8}'
)
NEW = (
    '{"channel":"executions","type":"update","data":[{"timestamp":"2023-09-22T10:33:05.709982Z",'
    '"order_status":"new","exec_type":"new","order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5"}],'
    '"sequence":9}'
)
TRADE = (
    '{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
    '"order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade","trade_id":62887576,'
    '"symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t",'
    '"cost":132.9995,"order_type":"limit","timestamp":"2023-09-22T10:33:05.709993Z",'
    '"order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9,'
    '"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}]}],"sequence":10}'
)
# https://docs.kraken.com/api/docs/websocket-v2/balances
HOLDINGS = (
    '{"channel":"balances","data":[{"asset":"MATIC","asset_class":"currency","balance":500,'
    '"wallets":[{"type":"spot","id":"main","balance":300},{"type":"earn","id":"flex",'
    '"balance":200}]}],"type":"snapshot","sequence":1}'
)
ENTRY = (
    '{"channel":"balances","type":"update","data":[{"ledger_id":"A5KS77-LQRMP-SMMN4B",'
    '"ref_id":"AGBB7L-HT5LX-J3BB4A","timestamp":"2023-09-22T10:33:05.710082Z","type":"trade",'
    '"asset":"USD","asset_class":"currency","category":"trade","wallet_type":"spot",'
    '"wallet_id":"main","amount":132.9995,"fee":0.3458,"balance":500}],"sequence":2}'
)


def say(protocol: KrakenPrivateProtocol, frame: str | dict[str, Any]) -> list[Event]:
    text = frame if isinstance(frame, str) else json.dumps(frame)
    return list(protocol.receive(text.encode(), NOW))


def sent(protocol: KrakenPrivateProtocol) -> list[Any]:
    """What was queued: requests as JSON, anything else as it is."""
    effects: list[Any] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        if isinstance(effect, Send):
            is_ping = b'"method":"ping"' in effect.frame
            assert effect.auth is (Auth.NONE if is_ping else Auth.TOKEN)
            effects.append(json.loads(effect.frame))
        else:
            effects.append(effect)
    return effects


def snapshot(*reports: dict[str, Any], number: int = 7) -> dict[str, Any]:
    return {"channel": "executions", "type": "snapshot", "data": list(reports), "sequence": number}


def following() -> KrakenPrivateProtocol:
    """A protocol with both channels, of which executions begin at 7."""
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([EXECUTIONS, BALANCES])
    sent(protocol)
    say(protocol, snapshot())
    return protocol


def commanded(command: Command) -> tuple[KrakenPrivateProtocol, dict[str, Any]]:
    protocol = following()
    protocol.command(42, command, NOW)
    (request,) = sent(protocol)
    return protocol, request


def limit(name: str = "", quantity: str = "1.2", price: str = "26500.4") -> OrderRequest:
    return OrderRequest(
        symbol=BTC,
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=Decimal(price),
        client_order_id=name,
    )


# Streams


def test_both_channels_are_asked_for_with_a_placeholder_for_the_token() -> None:
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([EXECUTIONS, BALANCES])

    executions, balances = sent(protocol)
    assert executions["params"] == {
        "channel": "executions",
        "token": TOKEN,
        "snap_orders": True,
        "snap_trades": True,
        "ratecounter": True,
    }
    assert balances["params"] == {"channel": "balances", "token": TOKEN, "snapshot": True}
    assert set(protocol.unanswered()) == {EXECUTIONS, BALANCES}


def test_an_acknowledgement_accepts_and_tells_the_tiers_threshold() -> None:
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([EXECUTIONS])

    result = {"channel": "executions", "maxratecount": 125, "snap_orders": True}
    accepted, allowance = say(
        protocol, {"method": "subscribe", "req_id": 1, "result": result, "success": True}
    )

    assert isinstance(accepted, Subscribed)
    assert isinstance(allowance, TradingCount)
    assert allowance.allowed == 125
    assert protocol.unanswered() == [EXECUTIONS]  # its snapshot is still to come
    say(protocol, snapshot())
    assert protocol.unanswered() == []


def test_the_published_order_is_followed_from_pending_to_its_fill() -> None:
    protocol = following()

    (pending,) = say(protocol, PENDING)
    (live,) = say(protocol, NEW)
    fill, traded = say(protocol, TRADE)

    assert isinstance(pending, OrderUpdate)
    assert (pending.status, pending.symbol, pending.side) == (OrderStatus.PENDING, BTC, Side.SELL)
    assert (pending.quantity, pending.limit_price) == (Decimal("0.005"), Decimal("26500.0"))
    assert pending.trigger_price is None
    assert isinstance(live, OrderUpdate)
    assert (live.status, live.symbol, live.limit_price) == (
        OrderStatus.OPEN,
        BTC,
        Decimal("26500.0"),
    )
    assert isinstance(fill, Fill)
    assert (fill.fill_id, fill.price, fill.quantity) == (
        "TGBB7L-HT5LX-J3BZ4A",
        Decimal("26599.9"),
        Decimal("0.005"),
    )
    assert fill.fees == (Fee("USD", Decimal("0.3458")),)  # type: ignore[arg-type]
    assert fill.liquidity is Liquidity.TAKER
    assert fill.venue_ns == parse_rfc3339("2023-09-22T10:33:05.709993Z")
    assert isinstance(traded, OrderUpdate)
    # The venue calls it partially filled although all is traded: the end is told by itself.
    assert traded.status is OrderStatus.PARTIALLY_FILLED
    assert (traded.filled, traded.cost) == (Decimal("0.005"), Decimal("132.9995"))
    assert not traded.remaining


def test_a_snapshot_tells_old_fills_first_and_then_what_is_open() -> None:
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([EXECUTIONS])
    old = json.loads(TRADE)["data"][0]
    older = old | {"exec_id": "T-OLDER", "timestamp": "2023-09-22T10:00:00.000000Z"}
    order = json.loads(PENDING)["data"][0] | {"order_id": "O-OPEN", "order_status": "new"}

    events = say(protocol, snapshot(old, order, older, number=120))

    assert [type(event) for event in events] == [Subscribed, Fill, Fill, OpenOrders]
    fills = [event for event in events if isinstance(event, Fill)]
    assert [fill.fill_id for fill in fills] == ["T-OLDER", "TGBB7L-HT5LX-J3BZ4A"]
    assert all(fill.backfilled for fill in fills)
    (held,) = [event for event in events if isinstance(event, OpenOrders)]
    assert [one.order_id for one in held.orders] == ["O-OPEN"]


def test_a_repeated_message_is_passed_over_and_a_hole_stops_the_channel() -> None:
    protocol = following()
    say(protocol, PENDING)

    assert say(protocol, PENDING) == []
    (hole,) = say(protocol, TRADE)  # 10, where 9 was to come

    assert isinstance(hole, Desync)
    assert (hole.subscription, hole.expected, hole.computed) == (EXECUTIONS, 9, 10)
    assert say(protocol, NEW) == []
    assert [type(event) for event in say(protocol, snapshot(number=1))] == [OpenOrders]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (1, 1)


def test_a_resync_ends_and_begins_the_channel_once_however_often_it_is_asked_for() -> None:
    protocol = following()
    protocol.resync(EXECUTIONS)
    protocol.resync(EXECUTIONS)

    assert [one["method"] for one in sent(protocol)] == ["unsubscribe", "subscribe"]
    assert say(protocol, PENDING) == []  # late: the snapshot is awaited


def test_a_part_of_an_order_that_nothing_is_known_of_is_left_out_and_looked_up() -> None:
    protocol = following()

    (left_out,) = say(protocol, NEW.replace('"sequence":9', '"sequence":8'))

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (EXECUTIONS, 1)
    assert "unknown order 'OK4GJX-KSTLS-7DZZO5'" in left_out.reason
    # What the row said is in the snapshot of a new beginning.
    assert [one["method"] for one in sent(protocol)] == ["unsubscribe", "subscribe"]


def test_a_fill_that_comes_after_the_end_of_its_order_is_told() -> None:
    protocol = following()
    say(protocol, PENDING)
    canceled = {"order_id": "OK4GJX-KSTLS-7DZZO5", "exec_type": "canceled"}
    ended = canceled | {"order_status": "canceled", "reason": "User requested"}
    frame = {"channel": "executions", "type": "update", "data": [ended], "sequence": 9}
    (update,) = say(protocol, frame)
    late = json.loads(TRADE)
    for field in ("symbol", "side"):
        del late["data"][0][field]

    fill, _ = say(protocol, late)

    assert isinstance(update, OrderUpdate)
    assert (update.status, update.reason) == (OrderStatus.CANCELED, "User requested")
    assert isinstance(fill, Fill)
    assert (fill.symbol, fill.side) == (BTC, Side.SELL)


def test_a_trigger_is_where_it_waits_and_not_its_distance() -> None:
    protocol = following()
    stop = json.loads(PENDING)
    stop["data"][0] |= {
        "order_type": "stop-loss",
        "triggers": {"price": -2.0, "price_type": "pct", "actual_price": 26000.0},
    }

    (pending,) = say(protocol, stop)

    assert isinstance(pending, OrderUpdate)
    assert pending.trigger_price == Decimal("26000.0")


def test_balances_come_whole_and_then_line_by_line() -> None:
    protocol = following()

    accepted, holdings = say(protocol, HOLDINGS)
    (entry,) = say(protocol, ENTRY)

    assert isinstance(accepted, Subscribed)
    assert isinstance(holdings, Balances)
    (matic,) = holdings.balances
    assert matic.total == 500
    assert matic.wallets == (
        Wallet("spot", "main", Decimal(300)),
        Wallet("earn", "flexible", Decimal(200)),
    )
    assert isinstance(entry, LedgerEntry)
    assert (entry.entry_id, entry.reference_id) == ("A5KS77-LQRMP-SMMN4B", "AGBB7L-HT5LX-J3BB4A")
    assert (entry.kind, entry.asset, entry.wallet) == (EntryKind.TRADE, "USD", "spot/main")
    assert (entry.amount, entry.fee, entry.change) == (
        Decimal("132.9995"),
        Decimal("0.3458"),
        Decimal("132.6537"),
    )
    assert b'"amount":132.9995' in entry.raw


def test_an_ended_channel_is_heard_no_more() -> None:
    protocol = following()
    protocol.unsubscribe([EXECUTIONS])
    (request,) = sent(protocol)

    assert say(protocol, PENDING) == []
    answer = {"method": "unsubscribe", "req_id": request["req_id"], "success": True}
    (ended,) = say(protocol, answer | {"result": {"channel": "executions"}})
    assert isinstance(ended, Unsubscribed)


# Rows and frames that are odd


def test_an_order_of_a_new_type_and_status_is_followed_with_the_venues_words() -> None:
    protocol = following()
    odd = json.loads(PENDING)
    odd["data"][0] |= {"order_type": "twap", "order_status": "frozen", "time_in_force": "GFS"}

    (order,) = say(protocol, odd)
    (live,) = say(protocol, NEW)

    assert isinstance(order, OrderUpdate)
    assert (order.order_type, order.venue_type) == (OrderType.OTHER, "twap")
    assert (order.status, order.venue_status) == (OrderStatus.OTHER, "frozen")
    assert (order.time_in_force, order.venue_time_in_force) == (TimeInForce.OTHER, "GFS")
    assert isinstance(live, OrderUpdate)
    assert (live.status, live.venue_status, live.venue_type) == (OrderStatus.OPEN, "", "twap")


def test_a_row_that_is_odd_costs_no_other_and_its_channel_begins_anew_once_a_minute() -> None:
    protocol = following()
    odd = json.loads(PENDING)
    odd["data"] = [{"order_id": 5}, *odd["data"]]

    left_out, order = say(protocol, odd)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count, left_out.sample) == (
        EXECUTIONS,
        1,
        '{"order_id": 5}',
    )
    assert isinstance(order, OrderUpdate)
    assert [one["method"] for one in sent(protocol)] == ["unsubscribe", "subscribe"]

    again = {"channel": "executions", "type": "update", "data": [None], "sequence": 8}
    say(protocol, snapshot())
    (left_out,) = say(protocol, again)
    assert isinstance(left_out, LeftOut)
    heartbeat = b'{"channel":"heartbeat"}'
    assert sent(protocol) == []  # it did so a moment ago
    protocol.receive(heartbeat, NOW + 59_000_000_000)
    assert sent(protocol) == []
    protocol.receive(heartbeat, NOW + 60_000_000_000)
    assert [one["method"] for one in sent(protocol)] == ["unsubscribe", "subscribe"]
    say(protocol, snapshot())
    protocol.receive(heartbeat, NOW + 600_000_000_000)
    assert sent(protocol) == []  # the snapshot was whole


def test_a_line_that_is_odd_has_balances_begin_anew() -> None:
    protocol = following()
    say(protocol, HOLDINGS)

    (left_out,) = say(protocol, ENTRY.replace('"amount":132.9995', '"amount":"much"'))

    assert isinstance(left_out, LeftOut)
    assert left_out.subscription == BALANCES
    assert [one["params"]["channel"] for one in sent(protocol)] == ["balances", "balances"]


def test_a_line_without_a_balance_is_kept() -> None:
    protocol = following()
    say(protocol, HOLDINGS)

    (entry,) = say(protocol, ENTRY.replace('"balance":500', '"balance":""'))

    assert isinstance(entry, LedgerEntry)
    assert (entry.balance, entry.amount) == (None, Decimal("132.9995"))


def test_a_fill_is_told_although_its_order_cannot_be() -> None:
    protocol = following()
    trade = json.loads(TRADE)
    del trade["data"][0]["order_type"]
    trade["sequence"] = 8

    (fill,) = say(protocol, trade)

    assert isinstance(fill, Fill)
    assert [one["method"] for one in sent(protocol)] == ["unsubscribe", "subscribe"]


def test_a_fill_that_names_no_fees_has_unknown_ones() -> None:
    protocol = following()
    trade = json.loads(TRADE)
    del trade["data"][0]["fees"]
    trade["sequence"] = 8

    fill, _ = say(protocol, trade)

    assert isinstance(fill, Fill)
    assert fill.fees is None


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ('{"channel":"executions","type":"update","data":null,"sequence":9}', (EXECUTIONS,)),
        ('{"channel":"executions","type":"update","data":[],"sequence":"9"}', (EXECUTIONS,)),
        ('{"channel":"balances","type":"whole","data":[],"sequence":9}', (BALANCES,)),
        ('{"channel":"status","type":"update","data":[]}', ()),
        ('{"channel":"news","data":[]}', ()),
    ],
)
def test_a_frame_that_cannot_be_read_harms_the_channel_it_names(
    frame: str, named: tuple[Subscription, ...]
) -> None:
    protocol = following()

    with pytest.raises(UnreadableStream) as caught:
        say(protocol, frame)

    assert caught.value.subscriptions == named


def test_an_answer_that_cannot_be_read_is_refused_for_its_own_reason() -> None:
    with pytest.raises(UnreadableStream, match="req_id"):
        say(following(), '{"method":"add_order","req_id":"one","channel":"executions"}')
    with pytest.raises(RemoteProtocolError, match="req_id"):
        say(following(), '{"method":"add_order","req_id":"one"}')


def test_a_status_that_is_new_is_a_notice() -> None:
    protocol = following()

    frame = {"channel": "status", "type": "update", "data": [{"system": "reduce_only"}]}
    (notice,) = say(protocol, frame)

    assert isinstance(notice, VenueNotice)
    assert (notice.status, notice.message) == (None, "status reduce_only")


# Tokens


def test_a_stale_token_is_renewed_and_the_subscribe_repeated_once() -> None:
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([EXECUTIONS])
    sent(protocol)
    # As seen on the wire in 2026.
    refusal = {"error": "ESession:Invalid session", "method": "subscribe", "success": False}

    assert say(protocol, refusal | {"req_id": 1}) == []
    renewal, again = sent(protocol)
    assert renewal == Reauthenticate("ESession:Invalid session")
    assert again["method"] == "subscribe"
    (refused,) = say(protocol, refusal | {"req_id": again["req_id"]})
    assert isinstance(refused, Refused)
    assert refused.subscription == EXECUTIONS
    assert sent(protocol) == []


def test_a_new_beginning_refused_for_its_token_begins_again_with_another() -> None:
    protocol = following()
    protocol.resync(EXECUTIONS)
    end, begin = sent(protocol)
    refusal = {"error": "EAPI:Invalid token", "success": False}

    assert say(protocol, refusal | {"method": "unsubscribe", "req_id": end["req_id"]}) == []
    assert say(protocol, refusal | {"method": "subscribe", "req_id": begin["req_id"]}) == []

    renewal, end, begin = sent(protocol)
    assert isinstance(renewal, Reauthenticate)
    assert [end["method"], begin["method"]] == ["unsubscribe", "subscribe"]


def test_a_new_beginning_that_is_refused_otherwise_takes_a_new_link() -> None:
    protocol = following()
    protocol.resync(EXECUTIONS)
    _, begin = sent(protocol)

    refusal = {"error": "Already subscribed", "method": "subscribe", "success": False}
    assert say(protocol, refusal | {"req_id": begin["req_id"]}) == []

    assert sent(protocol) == [Hangup("no new beginning of executions: Already subscribed")]


def test_a_command_refused_for_its_token_is_sent_once_more_with_another() -> None:
    protocol, request = commanded(Place(request=limit("name")))
    refusal = {"error": "EAPI:Invalid token", "method": "add_order", "success": False}

    assert say(protocol, refusal | {"req_id": request["req_id"]}) == []
    renewal, again = sent(protocol)
    assert isinstance(renewal, Reauthenticate)
    assert again["params"] == request["params"]
    (declined,) = say(protocol, refusal | {"req_id": again["req_id"]})
    assert isinstance(declined, Declined)
    assert (declined.command_id, declined.client_order_id) == (42, "name")


# Commands and their answers


def test_a_limit_order_is_asked_for_as_published_and_its_answer_known_again() -> None:
    command = Place(request=limit())
    protocol, request = commanded(command)

    assert request["method"] == "add_order"
    assert request["params"] == {
        "order_type": "limit",
        "side": "buy",
        "limit_price": 26500.4,
        "order_qty": 1.2,
        "time_in_force": "gtc",
        "symbol": "BTC/USD",
        "token": TOKEN,
    }
    answer = {"method": "add_order", "req_id": request["req_id"], "success": True}
    (accepted,) = say(protocol, answer | {"result": {"order_id": "AA5JGQ-SBMRC-SCJ7J7"}})
    assert isinstance(accepted, Accepted)
    assert (accepted.command_id, accepted.order_id) == (42, "AA5JGQ-SBMRC-SCJ7J7")
    assert accepted.is_last


def test_numbers_are_written_without_exponents() -> None:
    protocol = following()
    protocol.command(1, Place(request=limit(quantity="1E-8", price="1E+5")), NOW)

    (effect,) = protocol.outbox
    assert isinstance(effect, Send)
    assert b'"order_qty":0.00000001' in effect.frame
    assert b'"limit_price":100000' in effect.frame


def test_a_cancel_of_two_orders_has_two_answers() -> None:
    orders = ("OM5CRX-N2HAL-GFGWE9", "OLUMT4-UTEGU-ZYM7E9")
    protocol, request = commanded(Cancel(order_ids=orders))
    answer = {"method": "cancel_order", "req_id": request["req_id"]}

    (first,) = say(protocol, answer | {"success": True, "result": {"order_id": orders[1]}})
    (second,) = say(protocol, answer | {"success": False, "error": "EOrder:Unknown order"})

    assert request["params"]["order_id"] == list(orders)
    assert isinstance(first, Accepted)
    assert (first.order_id, first.is_last) == (orders[1], False)
    assert isinstance(second, Declined)
    assert second.is_last


def test_a_batch_tells_which_of_its_orders_were_refused() -> None:
    protocol, request = commanded(PlaceBatch(requests=(limit("one"), limit("two"))))
    rows = [{"order_id": "O-1"}, {"error": "EOrder:Insufficient funds"}]

    first, second = say(
        protocol,
        {"method": "batch_add", "req_id": request["req_id"], "success": True, "result": rows},
    )

    assert "symbol" not in request["params"]["orders"][0]
    assert isinstance(first, Accepted)
    assert (first.client_order_id, first.order_id, first.is_last) == ("one", "O-1", False)
    assert isinstance(second, Declined)
    assert (second.client_order_id, second.message) == ("two", "EOrder:Insufficient funds")


def test_counts_come_in_the_result_or_beside_it() -> None:
    protocol, request = commanded(CancelAll())
    (every,) = say(
        protocol,
        {"method": "cancel_all", "req_id": request["req_id"], "success": True}
        | {"result": {"count": 3}},
    )
    other, asked = commanded(CancelBatch(order_ids=("1", "2")))
    (batch,) = say(
        other,
        {"method": "batch_cancel", "orders_cancelled": 2, "req_id": asked["req_id"]}
        | {"success": True},
    )

    assert isinstance(every, Accepted)
    assert every.count == 3
    assert isinstance(batch, Accepted)
    assert batch.count == 2


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [("2023-09-21T15:51:09Z", parse_rfc3339("2023-09-21T15:51:09Z")), ("0", None)],
)
def test_the_dead_mans_switch_says_when_it_will_cancel(trigger: str, expected: int | None) -> None:
    protocol, request = commanded(CancelAllAfter(100))
    result = {"currentTime": "2023-09-21T15:49:29Z", "triggerTime": trigger}

    answer = {"method": request["method"], "req_id": request["req_id"], "success": True}
    (armed,) = say(protocol, answer | {"result": result})

    assert request["params"]["timeout"] == 100
    assert isinstance(armed, Accepted)
    assert armed.triggers_ns == expected


def test_an_edit_names_both_orders() -> None:
    command = Edit(order_id="ORDERX-IDXXX-XXXXX1", symbol=BTC, quantity=Decimal("0.2123456789"))
    protocol, request = commanded(command)
    result = {"order_id": "ORDERX-IDXXX-XXXXX2", "original_order_id": "ORDERX-IDXXX-XXXXX1"}

    answer = {"method": "edit_order", "req_id": request["req_id"], "success": True}
    (edited,) = say(protocol, answer | {"result": result})

    assert request["params"]["order_qty"] == 0.2123456789
    assert isinstance(edited, Accepted)
    assert edited.order_id == "ORDERX-IDXXX-XXXXX2"
    assert edited.original_order_id == "ORDERX-IDXXX-XXXXX1"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Place(request=limit("a free name that is too long")), "up to 18 characters"),
        (Place(request=limit(price="-1")), "was -1"),
        (PlaceBatch(requests=(limit(),)), "2 to 15 orders"),
        (Cancel(), "at least one id"),
        (CancelBatch(order_ids=("1",)), "2 to 50"),
        (CancelAllAfter(86_400), "was 86400"),
    ],
)
def test_what_the_venue_cannot_be_asked_is_refused_before_it_is_sent(
    command: Command, message: str
) -> None:
    protocol = following()

    with pytest.raises(BadInput, match=message):
        protocol.command(1, command, NOW)

    assert not protocol.outbox


def test_an_answer_to_nobodys_question_is_passed_over() -> None:
    answer = {"method": "add_order", "req_id": 99, "success": True, "result": {"order_id": "O"}}

    assert say(following(), answer) == []


# Real messages


def frames(path: Path) -> list[str]:
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    found = [json.loads(line) for line in text.splitlines()]
    texts = [one["raw"] for one in found if one.get("direction") != "send"]
    return [text for text in texts if '"executions"' in text or '"balances"' in text]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("kraken/v2_examples_public_and_private.jsonl.gz", 11),
        ("../protocols/kraken_examples.jsonl", 13),
    ],
)
def test_every_recorded_execution_and_balance_becomes_a_fact(name: str, count: int) -> None:
    path = recording(name) if name.startswith("kraken") else FOLDER / name
    if not path.is_file():
        pytest.skip(f"no examples in {path} (set FLUXUM_RECORDINGS)")
    facts: list[Event] = []
    heard = frames(path)

    for frame in heard:
        protocol = KrakenPrivateProtocol()
        protocol.follow_passively()
        events = protocol.receive(frame.encode(), NOW)
        if '"method"' not in frame:
            assert events, frame
        facts += events

    assert len(heard) == count
    kinds = {type(event) for event in facts}
    assert {OrderUpdate, OrderFragment, OpenOrders, Fill, Balances, LedgerEntry} >= kinds
    assert {Fill, LedgerEntry, Balances, OrderUpdate, OrderFragment} <= kinds


def test_types_of_orders_are_those_of_the_venue() -> None:
    known = set(OrderType) - {OrderType.OTHER}
    names = {one.value.replace("_", "-") for one in known}

    # https://docs.kraken.com/api/docs/websocket-v2/add_order
    assert names == {
        "limit",
        "market",
        "iceberg",
        "stop-loss",
        "stop-loss-limit",
        "take-profit",
        "take-profit-limit",
        "trailing-stop",
        "trailing-stop-limit",
        "settle-position",
    }


def test_answers_carry_the_venues_clock() -> None:
    protocol = KrakenPrivateProtocol()
    # https://docs.kraken.com/api/docs/websocket-v2/ping
    pong = (
        b'{"method":"pong","req_id":101,"time_in":"2023-09-24T14:10:23.799685Z",'
        b'"time_out":"2023-09-24T14:10:23.799703Z"}'
    )
    assert protocol.venue_time is None

    protocol.receive(pong, NOW)
    protocol.receive(pong.replace(b"2023-09-24T14:10:23.799703Z", b"soon"), NOW + 1)

    # 19,624 days and 51,023.799703 seconds after the epoch
    assert protocol.venue_time == VenueTime(1_695_564_623_799_703_000, NOW)
