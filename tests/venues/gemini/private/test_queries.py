"""Queries about an account: published answers, and lists that go forward."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, EntrySource, Fee, Liquidity
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.venues.conversation import Auth
from fluxum.venues.gemini.private.queries import account_queries
from fluxum.venues.private import EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import RestQuery
from venues.gemini.private.wire import CAPTURES, MS, NOW

D = Decimal
BTC = Symbol("BTC/USD")
QUERIES = account_queries()
Answer = TypeVar("Answer")


def asked(query: RestQuery[Answer]) -> tuple[str, dict[str, Any]]:
    """The path and the parameters of a signed call."""
    fetch = query.fetch
    assert (fetch.method, fetch.auth, fetch.is_once) == ("POST", Auth.SIGNED, False)
    return fetch.path, json.loads(fetch.body) if fetch.body else {}


def test_the_published_balances_are_read() -> None:
    query = QUERIES.balances()

    assert asked(query) == ("/v1/balances", {})
    found = [(one.asset, one.total, one.free) for one in query.read(CAPTURES["balances"], NOW)]
    assert found == [
        ("BTC", D("5.0"), D("4.5")),
        ("USD", D("15000.00"), D("5000.00")),
        ("ETH", D("10.0"), D("10.0")),
    ]


def test_the_published_open_orders_are_read() -> None:
    query = QUERIES.open_orders()

    assert asked(query) == ("/v1/orders", {})
    sale, buy = query.read(CAPTURES["orders"], NOW)
    assert (sale.order_id, sale.side, sale.limit_price, sale.status) == (
        "107421210",
        Side.SELL,
        D("125.51"),
        OrderStatus.OPEN,
    )
    assert sale.average_price is None
    assert (buy.status, buy.filled, buy.remaining) == (
        OrderStatus.PARTIALLY_FILLED,
        D("0.029147"),
        D("0.970853"),
    )
    assert buy.cost == D("125.41") * D("0.029147")
    assert buy.opened_ns == buy.venue_ns == 1547241626991 * MS


def test_the_published_status_is_read_whether_it_is_one_order_or_an_array() -> None:
    (by_id,) = QUERIES.order(OrderQuery(symbol=BTC, order_id="7", client_order_id="mine"))
    (by_name,) = QUERIES.order(OrderQuery(symbol=BTC, client_order_id="mine"))

    assert asked(by_id) == ("/v1/order/status", {"order_id": "7"})
    assert asked(by_name) == ("/v1/order/status", {"client_order_id": "mine"})
    (one,) = by_id.read(CAPTURES["order_status"], NOW)
    (same,) = by_name.read(b"[" + CAPTURES["order_status"] + b"]", NOW)
    assert one == same
    assert (one.order_id, one.status, one.filled, one.cost) == (
        "123456789012345",
        OrderStatus.FILLED,
        D(3),
        D(1200),
    )


def test_the_published_answers_to_new_and_canceled_orders_are_orders() -> None:
    (query,) = QUERIES.order(OrderQuery(symbol=BTC, order_id="7"))

    (placed,) = query.read(CAPTURES["order_new"], NOW)
    (canceled,) = query.read(CAPTURES["order_cancel"], NOW)
    assert (placed.status, placed.filled, placed.client_order_id) == (
        OrderStatus.PARTIALLY_FILLED,
        D("3.7567928949"),
        "20190110-4738721",
    )
    assert (canceled.status, canceled.filled, canceled.reason) == (
        OrderStatus.CANCELED,
        D("3.7610296649"),
        "Requested",
    )


def test_the_published_order_that_ended_is_read() -> None:
    query = QUERIES.closed_orders(FillQuery(since_ns=1_695_629_298_000 * MS))

    assert asked(query) == (
        "/v1/orders/history",
        {"timestamp": 1_695_629_298_000, "limit_orders": 500},
    )
    (order,) = query.read(CAPTURES["orders_history"], NOW)
    assert (order.symbol, order.order_id, order.status) == (
        "ETH/GUSD",
        "73751560172006688",
        OrderStatus.CANCELED,
    )
    assert (order.client_order_id, order.quantity) == (
        "fb5321b0-2114-47fd-8cca-531a66d7feaf",
        D("0.69"),
    )


def test_the_published_fills_are_read() -> None:
    query = QUERIES.fills(FillQuery(symbol=BTC, since_ns=7))

    assert asked(query) == (
        "/v1/mytrades",
        {"timestamp": 0, "limit_trades": 500, "symbol": "btcusd"},
    )
    taken, made = query.read(CAPTURES["mytrades"], NOW)
    assert (taken.fill_id, taken.order_id, taken.side) == ("107317526", "107317524", Side.BUY)
    assert (taken.price, taken.quantity) == (D("3648.09"), D("0.0027343246"))
    assert taken.fees == (Fee(Asset("USD"), D("0.024937655575035")),)
    assert (taken.liquidity, made.liquidity) == (Liquidity.TAKER, Liquidity.MAKER)
    assert (made.venue_ns, made.backfilled) == (1547220640195 * MS, True)


def trades(
    count: int, first_ms: int = 1_700_000_000_000, changes: Mapping[str, object] = {}
) -> bytes:
    (row, _) = json.loads(CAPTURES["mytrades"])
    rows = [
        {**row, "tid": at, "timestampms": first_ms + at, **changes} for at in reversed(range(count))
    ]
    return json.dumps(rows).encode()


def test_a_list_goes_forward_from_the_newest_row_of_a_full_page() -> None:
    query = QUERIES.fills(FillQuery(symbol=BTC, since_ns=1_600_000_000_000 * MS))

    page = query.read(trades(500), NOW)

    assert page.next is not None
    assert asked(page.next)[1]["timestamp"] == 1_700_000_000_499
    assert page.next.read(trades(499, 1_700_000_000_499), NOW).next is None


def test_a_list_ends_at_its_end() -> None:
    until_ns = 1_700_000_000_200 * MS
    query = QUERIES.fills(FillQuery(symbol=BTC, since_ns=0, until_ns=until_ns))

    page = query.read(trades(500), NOW)

    assert [one.venue_ns <= until_ns for one in page] == [True] * 201
    assert page.next is None


def test_a_page_of_one_instant_alone_is_refused_as_more_would_be_lost() -> None:
    query = QUERIES.fills(FillQuery(symbol=BTC, since_ns=1_700_000_000_000 * MS))

    with pytest.raises(RemoteProtocolError, match="500 rows of one instant"):
        query.read(trades(500, changes={"timestampms": 1_700_000_000_000}), NOW)


def test_a_broken_trade_counts_no_more_and_one_that_was_paid_back_does() -> None:
    query = QUERIES.fills(FillQuery(symbol=BTC))

    assert len(query.read(trades(1, changes={"break": "full"}), NOW)) == 0
    assert len(query.read(trades(1, changes={"break": "manual"}), NOW)) == 1


@pytest.mark.parametrize(
    ("change", "fees"),
    [
        ({"fee_amount": "-0.01"}, (Fee(Asset("USD"), D("-0.01")),)),
        ({"fee_amount": "0"}, ()),
        ({"fee_currency": ""}, None),
    ],
)
def test_fees_may_be_rebates_nothing_or_of_an_unknown_asset(
    change: dict[str, str], fees: tuple[Fee, ...] | None
) -> None:
    (fill,) = QUERIES.fills(FillQuery(symbol=BTC)).read(trades(1, changes=change), NOW)

    assert fill.fees == fees


@pytest.mark.parametrize(
    "change", [{"price": "0"}, {"type": "Both"}, {"timestampms": 5}, {"symbol": "x"}, {"tid": None}]
)
def test_a_row_that_makes_no_sense_is_left_out(change: dict[str, object]) -> None:
    page = QUERIES.fills(FillQuery(symbol=BTC)).read(trades(1, changes=change), NOW)

    assert page.left_out is not None
    assert (page.items, page.left_out.count) == ((), 1)


def test_an_order_that_is_not_known_is_told_from_other_refusals() -> None:
    (query,) = QUERIES.order(OrderQuery(symbol=BTC, order_id="7"))
    assert query.refused is not None

    assert len(query.refused(VenueRefused('404 {"reason":"OrderNotFound"}', "404"))) == 0
    with pytest.raises(VenueRefused):
        query.refused(VenueRefused('404 {"reason":"EndpointNotFound"}', "404"))
    assert QUERIES.entries is None
    assert QUERIES.needs_symbol


def test_published_transfers_are_entries_with_their_sign() -> None:
    transfers = account_queries().transfers
    assert transfers is not None
    (query,) = transfers(EntryQuery(since_ns=1_450_000_000 * 1_000_000_000))

    entries = list(query.read(CAPTURES["rest_transfers"], NOW))

    assert query.fetch.path == "/v1/transfers"
    assert json.loads(query.fetch.body) == {"timestamp": 1_450_000_000_000, "limit_transfers": 50}
    assert [(one.entry_id, one.kind, one.asset, one.change) for one in entries] == [
        ("transfer/320033681", EntryKind.REWARD, "USD", Decimal(125)),
        ("transfer/320013281", EntryKind.DEPOSIT, "USD", Decimal(36)),
        ("transfer/309356152", EntryKind.DEPOSIT, "ETH", Decimal(100)),
        ("transfer/82897811", EntryKind.WITHDRAWAL, "BTC", Decimal(-5)),
    ]
    assert {one.source for one in entries} == {EntrySource.TRANSFER}
    assert entries[0].venue_ns == 1_507_943_543_575_000_000


def test_a_transfer_that_is_pending_is_no_entry_yet() -> None:
    transfers = account_queries().transfers
    assert transfers is not None
    rows = json.loads(CAPTURES["rest_transfers"])[:1]
    rows[0]["status"] = "Pending"

    (query,) = transfers(EntryQuery())
    assert len(query.read(json.dumps(rows).encode(), NOW)) == 0
