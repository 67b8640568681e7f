"""Queries about an account: calls, pages, refusals, and published answers."""

import json
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from fluxum.errors import BadInput, RateLimited, VenueRefused
from fluxum.model.account import Fee, Liquidity
from fluxum.model.event import Channel
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.queries import account_queries
from fluxum.venues.conversation import Auth
from fluxum.venues.private import FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from venues.binance.private.wire import CAPTURES, MARKETS, NOW

D = Decimal
MS, DAY = 1_000_000, 86_400_000
BTC = Symbol("BTC/USDT")
Item = TypeVar("Item")


def asked(query: RestQuery[Any]) -> tuple[str, dict[str, str]]:
    """The call and its parameters; every call about an account is signed."""
    assert query.fetch.auth is Auth.SIGNED
    url = urlsplit(query.fetch.path)
    return url.path, {name: values[0] for name, values in parse_qs(url.query).items()}


def read(query: RestQuery[Page[Item]], name: str) -> Page[Item]:
    return query.read(CAPTURES[name].encode(), NOW)


def test_balances() -> None:
    query = account_queries(SPOT).balances()

    assert asked(query) == ("/api/v3/account", {"omitZeroBalances": "true"})
    assert (query.fetch.cost, query.fetch.subscription.channel) == (20, Channel.BALANCE)  # type: ignore[union-attr]
    rows = [(str(one.asset), one.total, one.held) for one in read(query, "rest account")]
    assert rows == [
        ("BTC", Decimal("4723846.89208129"), D(0)),
        ("LTC", Decimal("4763368.68006011"), D(0)),
    ]


def test_open_orders_are_those_of_all_markets() -> None:
    query = account_queries(SPOT).open_orders()

    assert asked(query) == ("/api/v3/openOrders", {})
    assert query.fetch.cost == 80
    (order,) = read(query, "rest openOrders")
    assert (order.order_id, order.client_order_id, order.symbol) == (
        "LTCBTC:1",
        "myOrder1",
        "LTC/BTC",
    )
    assert (order.status, order.quantity, order.limit_price) == (
        OrderStatus.OPEN,
        D(1),
        Decimal("0.1"),
    )
    assert order.opened_ns == order.venue_ns == 1499827319559 * MS


def test_markets_are_named_by_the_list_that_is_read_first() -> None:
    queries = account_queries(SPOT)
    (names,) = queries.preparations()
    query = queries.fills(FillQuery(symbol=Symbol("XT/USD")))
    row = json.loads(CAPTURES["rest myTrades"])[0] | {"symbol": "XTUSD"}

    (guessed,) = query.read(json.dumps([row]).encode(), NOW)
    names.read(MARKETS, NOW)
    (known,) = query.read(json.dumps([row]).encode(), NOW)

    assert (guessed.symbol, known.symbol) == ("X/TUSD", "XT/USD")


def test_one_order_is_found_by_its_id_or_by_our_name() -> None:
    queries = account_queries(SPOT)
    (by_id,) = queries.order(OrderQuery(symbol=BTC, order_id="BTCUSDT:7", client_order_id="mine"))
    (by_name,) = queries.order(OrderQuery(symbol=BTC, client_order_id="mine"))

    assert asked(by_id) == ("/api/v3/order", {"symbol": "BTCUSDT", "orderId": "7"})
    assert asked(by_name) == ("/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "mine"})
    (order,) = read(by_id, "rest order")
    assert order.order_id == "LTCBTC:1"


def refusal(code: int, text: str) -> VenueRefused:
    return VenueRefused("answered 400", "400", f'{{"code":{code},"msg":"{text}"}}')


def test_no_such_order_is_an_answer_and_other_refusals_are_none() -> None:
    (query,) = account_queries(SPOT).order(OrderQuery(symbol=BTC, order_id="BTCUSDT:7"))
    assert query.refused is not None

    assert query.refused(refusal(-2013, "Order does not exist.")) == Page(())
    with pytest.raises(VenueRefused, match=r"order was refused: Signature .* not valid\.") as error:
        query.refused(refusal(-1022, "Signature for this request is not valid."))
    assert error.value.code == "-1022"
    with pytest.raises(RateLimited):  # is asked again, by a surer clock
        query.refused(refusal(-1021, "Timestamp for this request is outside of the recvWindow."))
    with pytest.raises(VenueRefused, match="answered 403"):
        query.refused(VenueRefused("answered 403", "403", "<html>"))


def test_no_such_order_is_no_answer_to_a_list() -> None:
    query = account_queries(SPOT).fills(FillQuery(symbol=BTC))
    assert query.refused is not None

    with pytest.raises(VenueRefused, match="myTrades was refused: Order does not exist"):
        query.refused(refusal(-2013, "Order does not exist."))


def test_fills_of_one_market() -> None:
    query = account_queries(SPOT).fills(FillQuery(symbol=Symbol("BNB/BTC")))

    assert asked(query) == ("/api/v3/myTrades", {"symbol": "BNBBTC", "limit": "1000"})
    page = read(query, "rest myTrades")
    (fill,) = page
    assert page.next is None
    assert (fill.fill_id, fill.order_id, fill.symbol) == ("28457", "BNBBTC:100234", "BNB/BTC")
    assert (fill.side, fill.liquidity, fill.backfilled) == (Side.BUY, Liquidity.TAKER, True)
    assert (fill.price, fill.quantity) == (Decimal("4.00000100"), D(12))
    assert fill.fees == (Fee(Asset("BNB"), Decimal("10.10000000")),)
    assert fill.venue_ns == 1499865549590 * MS


def trades(times_ms: list[int]) -> bytes:
    row = json.loads(CAPTURES["rest myTrades"])[0]
    return json.dumps([{**row, "id": at, "time": at} for at in times_ms]).encode()


def test_long_lists_go_back_from_the_newest_until_their_beginning() -> None:
    since, last = 1_499_800_000_000, 1_499_900_000_000
    query = account_queries(SPOT).fills(
        FillQuery(symbol=Symbol("BNB/BTC"), since_ns=since * MS, until_ns=last * MS)
    )
    assert asked(query)[1]["endTime"] == str(last)

    page = query.read(trades(list(range(last - 999, last + 1))), NOW)
    assert [page.items[at].venue_ns // MS for at in (0, -1)] == [last, last - 999]
    assert page.next is not None
    assert asked(page.next)[1]["endTime"] == str(last - 999)  # that instant is in both

    page = page.next.read(trades(list(range(since - 500, since + 500))), NOW)
    assert page.next is None
    assert [page.items[at].venue_ns // MS for at in (0, -1)] == [since + 499, since + 1]


def test_a_page_of_one_instant_goes_on_before_it() -> None:
    query = account_queries(SPOT).fills(FillQuery(symbol=Symbol("BNB/BTC")))

    page = query.read(trades([1_499_900_000_000] * 1000), NOW)

    assert page.next is not None
    assert asked(page.next)[1]["endTime"] == "1499899999999"


def test_orders_that_ended_may_have_been_placed_a_week_before() -> None:
    since = 1_499_827_319_559 - 1
    query = account_queries(SPOT).closed_orders(
        FillQuery(symbol=Symbol("LTC/BTC"), since_ns=since * MS)
    )
    row = json.loads(CAPTURES["rest allOrders"])[0]
    rows = [
        {**row, "orderId": at, "time": since - 6 * DAY + at, "status": status, "updateTime": end}
        for at, (status, end) in enumerate(
            [("FILLED", since), ("CANCELED", since + 1), ("NEW", since + 2)] * 333
            + [("EXPIRED", since + 9)]
        )
    ]

    page = query.read(json.dumps(rows).encode(), NOW)

    assert asked(query) == ("/api/v3/allOrders", {"symbol": "LTCBTC", "limit": "1000"})
    assert len(page) == 334
    assert page.items[0].status is OrderStatus.EXPIRED
    assert page.next is not None
    older = [{**one, "time": since - 8 * DAY} for one in rows]
    assert page.next.read(json.dumps(older).encode(), NOW).next is None


def test_a_list_needs_a_market_and_there_are_no_entries() -> None:
    queries = account_queries(SPOT)

    assert queries.needs_symbol
    assert queries.entries is None
    with pytest.raises(BadInput, match="lists market by market"):
        queries.fills(FillQuery())


def test_costs_that_are_not_known_are_none() -> None:
    row = json.loads(CAPTURES["rest order"]) | {"cummulativeQuoteQty": "-1", "executedQty": "0.5"}
    (query,) = account_queries(SPOT).order(OrderQuery(symbol=BTC, order_id="BTCUSDT:7"))

    (order,) = query.read(json.dumps(row).encode(), NOW)

    assert (order.cost, order.average_price, order.filled) == (D(0), None, Decimal("0.5"))
