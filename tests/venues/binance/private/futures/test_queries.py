"""Queries about an account on USD-M futures: calls, published answers, and long lists."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qsl

import pytest

from fluxum.errors import BadInput, RateLimited, VenueRefused
from fluxum.model.account import Balance, EntryKind, Fee
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderStatus, OrderType, TimeInForce
from fluxum.model.position import Forced, MarginMode, PositionSide
from fluxum.venues.binance.policy import USDM
from fluxum.venues.binance.private.futures.queries import account_queries
from fluxum.venues.conversation import Auth
from fluxum.venues.private import EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from venues.binance.private.futures.wire import CAPTURES, NOW

D = Decimal
MS = 1_000_000
DAY = 86_400_000
PERP = Symbol("BTC/USDT:PERP")
QUERIES = account_queries(USDM)
CLOCK_MS = 1_700_000_000_000
CLOCK = json.dumps({"serverTime": CLOCK_MS}).encode()
MINUTE = 60_000
WEEK = 7 * DAY - 1
Item = TypeVar("Item")
Found = tuple[str, dict[str, str], float]


def call(query: RestQuery[Item]) -> Found:
    """The path, the parameters and the cost of a call."""
    path, _, parameters = query.fetch.path.partition("?")
    return path, dict(parse_qsl(parameters)), query.fetch.cost


def follow(query: RestQuery[Page[Item]], *bodies: bytes) -> RestQuery[Page[Item]]:
    """The query behind those that only prepare it."""
    for body in bodies:
        assert query.first is not None
        query = query.first.read(body, NOW)
    return query


def walk(query: RestQuery[Page[Item]], body: bytes) -> Sequence[Found]:
    """Every call of a list whose answers are all the same."""
    calls: list[Found] = []
    following: RestQuery[Page[Item]] | None = query
    while following is not None:
        calls.append(call(following))
        following = following.read(body, NOW).next
    return calls


def test_a_listen_key_is_had_for_an_hour_and_is_not_shown() -> None:
    assert QUERIES.token is not None
    query = QUERIES.token()
    assert (query.fetch.method, query.fetch.path) == ("POST", "/fapi/v1/listenKey")
    token = query.read(CAPTURES["key"], NOW)
    assert token.text == "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"
    assert token.valid_s == 3600
    assert "pqia" not in repr(token)


def test_the_published_balances_are_read() -> None:
    query = QUERIES.balances()
    assert call(query) == ("/fapi/v3/account", {}, 5)
    assert query.fetch.auth is Auth.SIGNED
    assert list(query.read(CAPTURES["holdings"], NOW)) == [
        Balance(
            venue="binance-usdm",
            asset=Asset(asset),
            total=D(total),
            held=D(0),
            venue_ns=1625474304765 * MS,
            received_ns=NOW,
        )
        for asset, total in (("USDT", "23.72469206"), ("USDC", "103.12345678"))
    ]


def test_the_published_positions_are_read() -> None:
    assert QUERIES.positions is not None
    query = QUERIES.positions()
    assert call(query) == ("/fapi/v3/positionRisk", {}, 5)
    comp, ada = query.read(CAPTURES["positions"], NOW)  # as any list, the last one first
    assert (comp.symbol, comp.side, comp.leg) == (
        Symbol("COMP/USDT:PERP"),
        PositionSide.SHORT,
        PositionSide.SHORT,
    )
    assert (comp.quantity, comp.entry_price) == (D("1.000"), D("70.92841"))
    assert (comp.mark_price, comp.liquidation_price) == (D("49.72023376"), D("2260.56757210"))
    assert (comp.unrealised, comp.margin_mode) == (D("21.20817624"), MarginMode.CROSS)
    assert comp.venue_ns == 1708943511656 * MS
    assert (ada.side, ada.quantity, ada.liquidation_price) == (PositionSide.LONG, D(30), None)


def test_open_orders_are_those_of_the_book_and_those_that_wait() -> None:
    query = QUERIES.open_orders()
    assert call(query) == ("/fapi/v1/openOrders", {}, 40)
    page = query.read(b"[" + CAPTURES["listed order"] + b"]", NOW)
    (order,) = page
    assert (order.order_id, order.client_order_id) == ("BTCUSDT:1917641", "abc")
    assert (order.quantity, order.filled, order.cost) == (D("0.40"), D(0), D(0))
    assert (order.opened_ns, order.venue_ns) == (1579276756075 * MS, 1579276756075 * MS)
    assert page.next is not None
    assert call(page.next) == ("/fapi/v1/openAlgoOrders", {}, 40)
    waiting = page.next.read(b"[" + CAPTURES["algoOrder.place"] + b"]", NOW)
    (one,) = waiting
    assert (one.order_id, one.status) == ("BNBUSDT:conditional-2146760", OrderStatus.PENDING)
    assert (one.order_type, one.trigger_price) == (OrderType.TAKE_PROFIT_LIMIT, D(750))
    assert waiting.next is None


def test_an_order_is_asked_of_both_services_by_its_name_and_of_its_own_by_its_id() -> None:
    named = QUERIES.order(OrderQuery(symbol=PERP, client_order_id="a"))
    assert [call(one) for one in named] == [
        ("/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": "a"}, 1),
        ("/fapi/v1/algoOrder", {"clientAlgoId": "a"}, 1),
    ]
    (one,) = QUERIES.order(OrderQuery(symbol=PERP, order_id="BTCUSDT:12", client_order_id="a"))
    assert call(one) == ("/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "12"}, 1)
    (two,) = QUERIES.order(OrderQuery(symbol=PERP, order_id="BTCUSDT:conditional-7"))
    assert call(two) == ("/fapi/v1/algoOrder", {"algoId": "7"}, 1)
    (ended,) = two.read(CAPTURES["algoOrder"], NOW)
    assert (ended.status, ended.venue_ns) == (OrderStatus.CANCELED, 1750514545091 * MS)

    unknown = VenueRefused("HTTP 400", "400")
    unknown.body = '{"code":-2013,"msg":"Order does not exist."}'
    assert one.refused is not None
    assert list(one.refused(unknown)) == []
    unknown.body = '{"code":-1003,"msg":"Too many requests."}'
    with pytest.raises(RateLimited):
        one.refused(unknown)


def test_fills_know_which_were_forced() -> None:
    since_ns = (CLOCK_MS - DAY) * MS
    query = QUERIES.fills(FillQuery(symbol=PERP, since_ns=since_ns))
    assert call(query)[0] == "/fapi/v1/time"
    forced = follow(query, CLOCK)
    named = {"symbol": "BTCUSDT", "startTime": str(CLOCK_MS - DAY), "limit": "100"}
    assert call(forced) == ("/fapi/v1/forceOrders", named, 20)
    trades = follow(forced, CAPTURES["forced orders"])
    times = {"startTime": str(CLOCK_MS - DAY), "endTime": str(CLOCK_MS + MINUTE)}
    named = {"symbol": "BTCUSDT", **times, "limit": "1000"}
    assert call(trades) == ("/fapi/v1/userTrades", named, 5)
    (row,) = json.loads(CAPTURES["trades"])
    rows = [
        {**row, "time": CLOCK_MS - 2 * DAY},  # too early
        {**row, "time": CLOCK_MS - 3, "orderId": 6071832819},
        {**row, "time": CLOCK_MS - 2, "orderId": 6072734303},
        {**row, "time": CLOCK_MS - 1},
    ]
    ordinary, deleveraged, liquidated = trades.read(json.dumps(rows).encode(), NOW)
    assert (ordinary.price, ordinary.quantity) == (D("7819.01"), D("0.002"))
    assert (ordinary.fill_id, ordinary.order_id) == ("698759", "BTCUSDT:25851813")
    assert ordinary.fees == (Fee(Asset("USDT"), D("0.07819010")),)
    assert [one.forced for one in (ordinary, deleveraged, liquidated)] == [
        None,
        Forced.DELEVERAGING,
        Forced.LIQUIDATION,
    ]
    with pytest.raises(BadInput, match="no symbol was given"):
        QUERIES.fills(FillQuery())


def test_lines_have_their_kind_and_a_commission_is_a_fee() -> None:
    assert QUERIES.entries is not None
    query = follow(QUERIES.entries(EntryQuery()), CLOCK)
    commission, transfer = query.read(CAPTURES["income"], NOW)
    assert (transfer.entry_id, transfer.kind) == ("9689322392/TRANSFER/USDT", EntryKind.TRANSFER)
    assert (transfer.amount, transfer.fee, transfer.change) == (D("-0.375"), D(0), D("-0.375"))
    assert (commission.entry_id, commission.kind, commission.reference_id) == (
        "9689322392/COMMISSION/USDT",
        EntryKind.TRADE,
        "BTCUSDT:2059192",
    )
    assert (commission.amount, commission.fee, commission.change) == (D(0), D("0.01"), D("-0.01"))
    assert commission.venue_ns == 1570636800000 * MS
    funding = [{**json.loads(CAPTURES["income"])[0], "incomeType": "FUNDING_FEE"}]
    (paid,) = query.read(json.dumps(funding).encode(), NOW)
    assert paid.kind is EntryKind.FUNDING


def test_a_long_list_goes_back_week_by_week_as_far_as_the_venue_remembers() -> None:
    assert QUERIES.entries is not None
    calls = walk(follow(QUERIES.entries(EntryQuery()), CLOCK), b"[]")
    spans = [(int(one["startTime"]), int(one["endTime"])) for _, one, _ in calls]
    end = CLOCK_MS + MINUTE
    assert spans[0] == (end - WEEK, end)
    assert spans[1] == (end - 2 * WEEK - 1, end - WEEK - 1)
    assert spans[-1][0] == end - 90 * DAY
    assert len(spans) == 13
    assert all(cost == 30 for _, _, cost in calls)


def test_more_rows_than_an_answer_has_are_asked_by_halves() -> None:
    """Ten milliseconds with 2,600 rows, half of them in one, which is more than an answer has."""
    assert QUERIES.entries is not None
    first, row = 1_699_999_000_000, json.loads(CAPTURES["income"])[0]
    query = EntryQuery(since_ns=first * MS, until_ns=(first + 9) * MS)
    rows = {first + 2: 600, first + 3: 700, first + 8: 1300}
    asked: list[tuple[int, int]] = []
    told: list[int] = []
    following: RestQuery[Page[object]] | None = follow(QUERIES.entries(query), CLOCK)  # type: ignore[arg-type]
    while following is not None:
        _, named, _ = call(following)
        since, until = int(named["startTime"]), int(named["endTime"])
        asked.append((since, until))
        found = [
            {**row, "time": at, "tranId": at * 1000 + one}
            for at, count in rows.items()
            if since <= at <= until
            for one in range(count)
        ][:1000]
        page = following.read(json.dumps(found).encode(), NOW)
        told += [one.venue_ns for one in page]  # type: ignore[attr-defined]
        following = page.next

    counts = {at: told.count(at * MS) for at in rows}
    assert counts == {first + 2: 600, first + 3: 700, first + 8: 1000}  # which is all there is
    assert told == sorted(told, reverse=True)
    assert [(one - first, two - first) for one, two in asked] == [
        *((0, 9), (5, 9), (8, 9), (9, 9), (8, 8)),
        *((5, 7), (0, 4), (3, 4), (0, 2)),
    ]


def test_ended_orders_are_those_that_traded_then_those_that_waited() -> None:
    since_ns = (CLOCK_MS - DAY) * MS
    query = QUERIES.closed_orders(FillQuery(symbol=PERP, since_ns=since_ns))
    calls = walk(follow(query, CLOCK), b"[]")
    paths = [path for path, _, _ in calls]
    assert paths == ["/fapi/v1/allOrders"] * 2 + ["/fapi/v1/allAlgoOrders"] * 2
    assert calls[1][1]["startTime"] == str(CLOCK_MS - 8 * DAY)

    ended = {**json.loads(CAPTURES["listed order"]), "updateTime": CLOCK_MS - 5}
    rows = [
        {**ended, "status": "FILLED", "type": "LIMIT", "timeInForce": "GTX", "price": "9"},
        {**ended, "status": "NEW"},
        {**ended, "status": "CANCELED", "updateTime": CLOCK_MS - 2 * DAY},
    ]
    (one,) = follow(query, CLOCK).read(json.dumps(rows).encode(), NOW)
    assert (one.status, one.post_only) == (OrderStatus.FILLED, True)
    assert one.time_in_force is TimeInForce.GTC
