"""Queries about an account: published answers, recent and old lists, pages, kinds of markets."""

import json
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType
from fluxum.venues.conversation import Auth
from fluxum.venues.okx.private.queries import account_queries
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from venues.okx.private.wire import CAPTURES, CONTRACTS, NOW, listed

MS = 1_000_000
DAY = 86_400_000 * MS
NOW_MS = 1_688_639_403_000
TIME = json.dumps({"code": "0", "msg": "", "data": [{"ts": str(NOW_MS)}]}).encode()
Answer = TypeVar("Answer")
BTC = Symbol("BTC/USDT")


def queries() -> AccountQueries:
    """The queries of an account whose contracts were listed."""
    made = account_queries()
    for query in made.preparations():
        rows = CONTRACTS if "SWAP" in query.fetch.path else []
        assert query.read(listed(rows), NOW) is None
    return made


def asked(query: RestQuery[Answer]) -> tuple[str, dict[str, str]]:
    """The path and the parameters of a signed GET."""
    fetch = query.fetch
    assert (fetch.method, fetch.auth) == ("GET", Auth.SIGNED)
    parts = urlsplit(fetch.path)
    return parts.path.removeprefix("/api/v5/"), dict(parse_qsl(parts.query))


def timed(query: RestQuery[Answer]) -> RestQuery[Answer]:
    """What follows once the venue's clock was read."""
    assert query.fetch.path == "/api/v5/public/time"
    assert query.first is not None
    return query.first.read(TIME, NOW)


def entries(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    found = queries().entries
    assert found is not None
    return found(query)


def test_the_published_balance_is_read() -> None:
    query = queries().balances()

    assert asked(query) == ("account/balance", {})
    (balance,) = query.read(CAPTURES["rest_balance"], NOW)
    assert (balance.asset, balance.total) == ("USDT", Decimal("4850.435693622894"))
    assert balance.held == Decimal("158.573")
    assert balance.venue_ns == 1705449605015 * MS


def test_the_published_open_order_is_read() -> None:
    query = queries().open_orders()

    assert asked(query) == ("trade/orders-pending", {"limit": "100"})
    page = query.read(CAPTURES["rest_orders_pending"], NOW)
    (order,) = page
    assert (order.order_id, order.symbol, order.side) == (
        "1752588852617379840",
        "BTC/USDT",
        Side.BUY,
    )
    assert (order.order_type, order.post_only) == (OrderType.LIMIT, True)
    assert (order.status, order.limit_price) == (OrderStatus.OPEN, Decimal("13013.5"))
    assert (order.quantity, order.filled) == (Decimal("0.001"), Decimal(0))
    assert order.venue_ns == 1724733617998 * MS
    lists: list[tuple[str, dict[str, str]]] = []
    while page.next is not None:
        lists.append(asked(page.next))
        page = page.next.read(listed([]), NOW)
    assert lists == [
        ("trade/orders-algo-pending", {"ordType": kind, "limit": "100"})
        for kind in ("conditional,oco", "trigger", "move_order_stop")
    ]


def test_a_full_page_continues_behind_its_last_row() -> None:
    row = json.loads(CAPTURES["rest_orders_pending"])["data"][0]
    query = queries().open_orders()

    page = query.read(listed({**row, "ordId": str(at)} for at in range(100)), NOW)

    assert page.next is not None
    assert asked(page.next) == ("trade/orders-pending", {"limit": "100", "after": "99"})
    behind = page.next.read(listed([]), NOW).next
    assert behind is not None
    assert asked(behind)[0] == "trade/orders-algo-pending"


def test_one_order_is_found_by_either_id_and_one_that_is_gone_is_not_there() -> None:
    (by_id,) = queries().order(OrderQuery(symbol=BTC, order_id="7", client_order_id="mine"))
    by_name, by_algo_name = queries().order(OrderQuery(symbol=BTC, client_order_id="mine"))

    assert asked(by_id) == ("trade/order", {"instId": "BTC-USDT", "ordId": "7"})
    assert asked(by_name) == ("trade/order", {"instId": "BTC-USDT", "clOrdId": "mine"})
    assert asked(by_algo_name) == ("trade/order-algo", {"algoClOrdId": "mine"})
    (order,) = by_id.read(CAPTURES["rest_order"], NOW)
    # An order of 100 USDT: what it bought is its quantity.
    assert (order.status, order.quantity) == (OrderStatus.FILLED, Decimal("0.00192834"))
    assert order.cost == Decimal("99.99985572")  # 0.00192834 x 51858
    gone = b'{"code":"51603","msg":"Order does not exist","data":[]}'
    assert by_id.read(gone, NOW).items == ()
    with pytest.raises(VenueRefused, match="50113"):
        by_id.read(b'{"code":"50113","msg":"Invalid Sign","data":[]}', NOW)


@pytest.mark.parametrize("name", ["rest_fills", "rest_fills_history"])
def test_the_published_fill_was_charged_in_the_base_asset(name: str) -> None:
    query = queries().fills(FillQuery())

    (fill,) = query.read(CAPTURES[name], NOW)

    assert (fill.symbol, fill.side, fill.liquidity) == ("BTC/USDT", Side.BUY, Liquidity.TAKER)
    assert (fill.price, fill.quantity) == (Decimal(51858), Decimal("0.00192834"))
    assert [(fee.asset, fee.amount) for fee in fill.fees or ()] == [
        ("BTC", Decimal("0.00000192834"))
    ]
    assert (fill.fill_id, fill.order_id) == ("744876980", "680800019749904384")
    assert (fill.venue_ns, fill.backfilled) == (1708587373361 * MS, True)


def test_fills_of_three_days_are_one_list_and_pages_go_by_bills() -> None:
    since_ns = NOW_MS * MS - 2 * DAY
    query = timed(queries().fills(FillQuery(since_ns=since_ns, until_ns=NOW_MS * MS)))
    span = {"begin": str(since_ns // MS), "end": str(NOW_MS), "limit": "100"}

    assert asked(query) == ("trade/fills", span)
    row = json.loads(CAPTURES["rest_fills"])["data"][0]
    page = query.read(listed({**row, "billId": str(at), "tradeId": "1"} for at in range(100)), NOW)
    assert page.next is not None
    assert asked(page.next)[1]["after"] == "99"
    of_one = timed(queries().fills(FillQuery(symbol=BTC, since_ns=since_ns)))
    assert asked(of_one)[1]["instId"] == "BTC-USDT"


def test_older_fills_are_listed_kind_by_kind() -> None:
    query: RestQuery[Page[Fill]] | None
    query = timed(queries().fills(FillQuery(since_ns=NOW_MS * MS - 4 * DAY)))
    kinds: list[str] = []
    while query is not None:
        path, parameters = asked(query)
        assert path == "trade/fills-history"
        kinds.append(parameters["instType"])
        query = query.read(listed([]), NOW).next

    assert kinds == ["SPOT", "MARGIN", "SWAP", "FUTURES"]
    of_one = queries().fills(FillQuery(symbol=Symbol("BTC/USDT:PERP")))
    assert asked(of_one)[1]["instType"] == "SWAP"
    assert of_one.read(listed([]), NOW).next is None


@pytest.mark.parametrize(
    ("days", "name", "capture"),
    [
        (7, "orders-history-archive", "rest_orders_history_archive"),
        (6, "orders-history", "rest_orders_history"),
    ],
)
def test_ended_orders_are_those_that_ended_since(days: int, name: str, capture: str) -> None:
    ended_ns = 1708587373362 * MS
    time = json.dumps({"code": "0", "data": [{"ts": str((ended_ns + days * DAY) // MS)}]}).encode()
    query = queries().closed_orders(FillQuery(symbol=BTC, since_ns=ended_ns))
    assert query.first is not None

    listing = query.first.read(time, NOW)

    path, parameters = asked(listing)
    assert path == f"trade/{name}"
    assert (parameters["instType"], parameters["instId"]) == ("SPOT", "BTC-USDT")
    assert len(listing.read(CAPTURES[capture], NOW)) == 1
    later = queries().closed_orders(FillQuery(symbol=BTC, since_ns=ended_ns + MS))
    assert later.first is not None
    assert later.first.read(time, NOW).read(CAPTURES[capture], NOW).items == ()


def test_ended_orders_of_an_unknown_status_ended() -> None:
    answer = json.loads(CAPTURES["rest_orders_history"])
    answer["data"][0]["state"] = "musing"

    (order,) = queries().closed_orders(FillQuery()).read(json.dumps(answer).encode(), NOW)

    assert (order.status, order.venue_status) == (OrderStatus.CANCELED, "musing")


@pytest.mark.parametrize(("days", "name"), [(7, "rest_bills_archive"), (6, "rest_bills")])
def test_the_published_bill_is_read(days: int, name: str) -> None:
    query = timed(entries(EntryQuery(asset="USDT", since_ns=NOW_MS * MS - days * DAY)))
    path, parameters = asked(query)

    assert path == ("account/bills" if days == 6 else "account/bills-archive")
    assert parameters["ccy"] == "USDT"
    (entry,) = query.read(CAPTURES[name], NOW)
    assert (entry.kind, entry.venue_kind, entry.asset) == (EntryKind.TRADE, "2/1", "USDT")
    # What was traded is 0.021955779, a thousandth of it was charged.
    assert entry.amount == Decimal("0.021955779")
    assert entry.fee == Decimal("0.000021955779")
    assert entry.change == Decimal("0.021933823221")
    assert entry.balance == Decimal("8694.2179403378290202")
    assert (entry.entry_id, entry.reference_id) == ("623950854533513219", "586760148")
    assert entry.venue_ns == 1695033476167 * MS


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("1", EntryKind.TRANSFER),
        ("8", EntryKind.FUNDING),
        ("5", EntryKind.TRADE),
        ("777", EntryKind.OTHER),
    ],
)
def test_kinds_of_bills(kind: str, wanted: EntryKind) -> None:
    bill = json.loads(CAPTURES["rest_bills"])["data"][0]
    funding = {**bill, "type": kind, "subType": "173", "tradeId": "", "fee": "0", "balChg": "-3.5"}

    (entry,) = entries(EntryQuery()).read(listed([funding]), NOW)

    assert (entry.kind, entry.venue_kind) == (wanted, f"{kind}/173")
    assert (entry.amount, entry.fee, entry.reference_id) == (
        Decimal("-3.5"),
        Decimal(0),
        "623950854533513219",
    )


def test_contracts_count_in_the_base_asset_and_those_of_no_list_are_asked_for_again() -> None:
    made = queries()
    row = json.loads(CAPTURES["rest_fills"])["data"][0] | {"instType": "SWAP"}
    known, unknown = row | {"instId": "ETH-USDT-SWAP"}, row | {"instId": "SOL-USDT-SWAP"}
    inverse, option = row | {"instId": "BTC-USD-SWAP"}, row | {"instType": "OPTION"}

    page = made.fills(FillQuery()).read(listed([known, unknown, inverse, option]), NOW)

    (fill,) = page
    assert (fill.symbol, fill.quantity) == ("ETH/USDT:PERP", Decimal("0.000192834"))
    assert page.left_out is not None
    assert page.left_out.count == 1
    assert "SOL-USDT-SWAP" in page.left_out.reason
    assert len(made.renewals(NOW)) == 2
    assert made.renewals(NOW) == ()
    made.fills(FillQuery()).read(listed([unknown]), NOW)
    assert made.renewals(NOW + 59 * 1000 * MS) == ()  # not more often than once a minute
    made.fills(FillQuery()).read(listed([unknown]), NOW)
    assert len(made.renewals(NOW + 60 * 1000 * MS)) == 2


def test_rows_of_the_list_of_contracts_that_cannot_be_read_are_told() -> None:
    swaps, _ = account_queries().preparations()

    left_out = swaps.read(listed([*CONTRACTS, {**CONTRACTS[0], "ctVal": "much"}]), NOW)

    assert left_out is not None
    assert left_out.count == 1


def test_refusals_are_told_apart_by_whether_another_try_can_help() -> None:
    query = queries().balances()

    for code, kind in (("50011", RateLimited), ("50102", RateLimited), ("50111", VenueRefused)):
        with pytest.raises(kind) as error:
            query.read(json.dumps({"code": code, "msg": "no", "data": []}).encode(), NOW)
        assert type(error.value) is kind
    with pytest.raises(RemoteProtocolError):
        query.read(b"[]", NOW)
    with pytest.raises(RemoteProtocolError, match="one row"):
        query.read(listed([]), NOW)
