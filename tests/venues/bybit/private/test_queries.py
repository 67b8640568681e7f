"""Queries about an account: published answers, windows of a week, and pages."""

import json
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, Liquidity
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.venues.bybit.category import LINEAR, SPOT
from fluxum.venues.bybit.private.queries import account_queries
from fluxum.venues.conversation import Auth
from fluxum.venues.private import EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import RestQuery
from venues.bybit.private.wire import CAPTURES, NOW

MS = 1_000_000
DAY = 86_400_000 * MS
Answer = TypeVar("Answer")
QUERIES, LINEAR_QUERIES = account_queries(SPOT), account_queries(LINEAR)
EMPTY = b'{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1684765770483}'


def asked(query: RestQuery[Answer]) -> tuple[str, dict[str, str]]:
    """The path and the parameters of a signed GET."""
    fetch = query.fetch
    assert (fetch.method, fetch.auth) == ("GET", Auth.SIGNED)
    parts = urlsplit(fetch.path)
    return parts.path, dict(parse_qsl(parts.query))


def test_the_published_wallet_is_read() -> None:
    query = QUERIES.balances()

    assert asked(query) == ("/v5/account/wallet-balance", {"accountType": "UNIFIED"})
    (balance,) = query.read(CAPTURES["wallet_balance"], NOW)
    assert (balance.asset, balance.total, balance.held) == ("BTC", Decimal(0), Decimal(0))
    assert balance.venue_ns == 1690872862481 * MS


def test_the_published_open_order_is_read_and_contracts_are_listed_by_what_they_settle_in() -> None:
    query = LINEAR_QUERIES.open_orders()
    path, parameters = asked(query)
    assert path == "/v5/order/realtime"
    assert parameters == {"category": "linear", "settleCoin": "USDT", "limit": "50"}

    page = query.read(CAPTURES["open_orders"], NOW)
    (order,) = page
    assert (order.symbol, order.order_id, order.client_order_id) == (
        "ETH/USDT:PERP",
        "fd4300ae-7847-404e-b947-b46980a4d140",
        "test-000005",
    )
    assert (order.status, order.limit_price) == (OrderStatus.OPEN, Decimal("1600.00"))
    assert page.next is not None
    assert asked(page.next)[1]["settleCoin"] == "USDC"
    assert page.next.read(EMPTY, NOW).next is None
    assert "settleCoin" not in asked(QUERIES.open_orders())[1]


def test_an_order_is_looked_for_among_the_open_and_then_in_the_history() -> None:
    symbol = Symbol("BTC/USDT")
    open_one, ended_one = QUERIES.order(OrderQuery(symbol=symbol, client_order_id="mine"))
    by_id, _ = QUERIES.order(OrderQuery(symbol=symbol, order_id="7", client_order_id="mine"))

    wanted = {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "mine", "limit": "50"}
    assert asked(open_one) == ("/v5/order/realtime", wanted)
    assert asked(ended_one) == ("/v5/order/history", wanted)
    assert asked(by_id)[1]["orderId"] == "7"


def test_a_list_goes_back_week_by_week_from_now_by_the_venues_clock() -> None:
    now_ns = 1_688_639_403 * 1_000 * MS
    query = QUERIES.closed_orders(FillQuery(since_ns=now_ns - 16 * DAY))
    assert query.fetch.path == "/v5/market/time"
    assert query.fetch.auth is Auth.NONE
    assert query.first is not None
    time = b'{"retCode":0,"result":{"timeSecond":"1688639403","timeNano":"1688639403000000000"}}'

    week = query.first.read(time, NOW)
    starts: list[int] = []
    ends: list[str | None] = []
    while week is not None:
        path, parameters = asked(week)
        assert path == "/v5/order/history"
        starts.append(int(parameters["startTime"]))
        ends.append(parameters.get("endTime"))
        week = week.read(EMPTY, NOW).next  # type: ignore[assignment]

    now_ms, week_ms = now_ns // MS, 7 * DAY // MS
    assert starts == [now_ms - week_ms, now_ms - 2 * week_ms - 1, now_ms - 16 * DAY // MS]
    assert ends == [None, str(now_ms - week_ms - 1), str(now_ms - 2 * week_ms - 2)]


def test_without_a_beginning_two_years_are_listed() -> None:
    query = QUERIES.fills(FillQuery(until_ns=NOW))
    weeks = 0
    while query is not None:
        weeks += 1
        query = query.read(EMPTY, NOW).next  # type: ignore[assignment]

    assert weeks == 105


def test_a_full_page_is_followed_by_its_cursor_which_is_encoded_once() -> None:
    row = json.loads(CAPTURES["executions"])["result"]["list"][0]
    body = json.dumps(
        {
            "retCode": 0,
            "result": {"list": [row] * 100, "nextPageCursor": "132766%3A2%2C132766%3A2"},
        }
    ).encode()
    query = LINEAR_QUERIES.fills(FillQuery(since_ns=NOW - DAY, until_ns=NOW))

    page = query.read(body, NOW)

    assert len(page) == 100
    assert page.next is not None
    assert page.next.fetch.path.endswith("&cursor=132766%3A2%2C132766%3A2")
    assert page.next.read(body, NOW).next is None  # the same cursor again is no next page


def test_the_published_execution_is_a_fill_charged_in_the_quote_asset() -> None:
    query = LINEAR_QUERIES.fills(FillQuery(since_ns=0, until_ns=NOW))

    (fill,) = query.read(CAPTURES["executions"], NOW)

    assert (fill.symbol, fill.side) == ("ETH/USDC:PERP", Side.BUY)
    assert (fill.price, fill.quantity) == (Decimal("1190.15"), Decimal("0.1"))
    assert [(fee.asset, fee.amount) for fee in fill.fees or ()] == [("USDC", Decimal("0.071409"))]
    assert (fill.liquidity, fill.backfilled) == (Liquidity.TAKER, True)
    assert fill.fill_id == "e0cbe81d-0f18-5866-9415-cf319b5dab3b"


def test_the_published_history_is_read() -> None:
    query = LINEAR_QUERIES.closed_orders(FillQuery(since_ns=0, until_ns=NOW))

    (order,) = query.read(CAPTURES["order_history"], NOW)

    assert (order.status, order.post_only) == (OrderStatus.CANCELED, True)
    assert order.reason == "EC_PostOnlyWillTakeLiquidity"
    assert order.limit_price == Decimal("26864.40")


def test_the_published_log_is_read_and_each_row_has_an_id_of_its_own() -> None:
    assert LINEAR_QUERIES.entries is not None
    query = LINEAR_QUERIES.entries(EntryQuery(asset="USDT", since_ns=0, until_ns=NOW))
    assert asked(query)[1]["currency"] == "USDT"

    funding, large, small = query.read(CAPTURES["transaction_log"], NOW)

    assert len({one.entry_id for one in (funding, large, small)}) == 3
    assert (funding.kind, funding.venue_kind) == (EntryKind.FUNDING, "SETTLEMENT")
    assert (funding.amount, funding.fee) == (Decimal("-0.003676"), Decimal(0))
    assert (large.kind, large.amount, large.fee) == (
        EntryKind.TRADE,
        Decimal(0),
        Decimal("0.01908720"),
    )
    assert large.reference_id == "5184f079-88ec-54c7-8774-5173cafd2b4e"
    assert small.balance is not None
    assert large.balance is not None
    assert small.balance + large.change == large.balance
    assert large.balance + funding.change == funding.balance


def test_refusals_are_told_apart_by_whether_another_try_can_help() -> None:
    query = QUERIES.balances()

    for code, kind in ((10006, RateLimited), (10002, RateLimited), (10003, VenueRefused)):
        with pytest.raises(kind) as error:
            query.read(json.dumps({"retCode": code, "retMsg": "no"}).encode(), NOW)
        assert type(error.value) is kind
    with pytest.raises(RemoteProtocolError):
        query.read(b"[]", NOW)
