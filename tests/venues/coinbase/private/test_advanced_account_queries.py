"""Lists about an account at Advanced Trade, read from captures, page by page."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from fluxum.model.account import Fee, Fill, Liquidity
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.coinbase.advanced.private.queries import account_queries
from fluxum.venues.conversation import Auth
from fluxum.venues.private import FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from venues.coinbase.private.wire import CAPTURES, NOW

T = TypeVar("T")
QUERIES = account_queries()
BTC = Symbol("BTC/USD")
SINCE_NS = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z


def asked(query: RestQuery[T]) -> tuple[str, dict[str, list[str]]]:
    """The path of a query behind the root, and its parameters."""
    assert (query.fetch.method, query.fetch.auth) == ("GET", Auth.SIGNED)
    url = urlsplit(query.fetch.path)
    return url.path.removeprefix("/api/v3/brokerage/"), parse_qs(url.query)


def read(query: RestQuery[Page[T]], name: str) -> Page[T]:
    return query.read(CAPTURES[name], NOW)


def edited(name: str, **members: object) -> bytes:
    """A captured list of orders, of which the first has other members."""
    body = json.loads(CAPTURES[name])
    body["orders"][0] |= members
    return json.dumps(body).encode()


def test_balances() -> None:
    query = QUERIES.balances()

    page = read(query, "accounts")

    assert asked(query) == ("accounts", {"limit": ["250"]})
    assert [(one.asset, one.total, one.held) for one in page] == [
        (Asset("BTC"), Decimal("1.23956789"), Decimal("0.005")),
        (Asset("USD"), Decimal("10450.5"), Decimal(450)),
    ]
    assert page.next is None
    following = read(query, "accounts_published").next
    assert following is not None
    assert asked(following) == ("accounts", {"limit": ["250"], "cursor": ["789100"]})


def test_open_orders() -> None:
    query = QUERIES.open_orders()

    limit, market = read(query, "orders").items

    path, parameters = asked(query)
    assert (path, parameters["order_status"]) == ("orders/historical/batch", ["OPEN"])
    assert limit == OrderUpdate(
        venue="coinbase",
        order_id="0000-000000-000001",
        client_order_id="11111-000000-000001",
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=Decimal("0.01"),
        limit_price=Decimal(45_000),
        opened_ns=1_705_312_800_000_000_000,  # 2024-01-15T10:00:00Z
        venue_ns=1_705_312_800_000_000_000,
        received_ns=NOW,
    )
    # A sale of what is worth 100 in the quote asset: its quantity is what was filled.
    assert (market.quantity, market.filled, market.cost) == (
        Decimal("0.0325"),
        Decimal("0.0325"),
        Decimal(100),
    )
    assert (market.order_type, market.time_in_force) == (OrderType.MARKET, TimeInForce.IOC)
    assert (market.status, market.average_price) == (OrderStatus.FILLED, Decimal("3076.92"))
    assert market.venue_ns == 1_705_313_100_000_000_000


def test_the_last_change_of_an_order_counts() -> None:
    change = {
        "price": "44000.00",
        "size": "0.02",
        "replace_accept_timestamp": "2024-01-15T10:07:00Z",
    }
    body = edited("orders", edit_history=[change], filled_size="0.005")

    order = QUERIES.open_orders().read(body, NOW).items[0]

    assert (order.quantity, order.limit_price) == (Decimal("0.02"), Decimal(44_000))
    assert (order.status, order.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.005"))
    assert order.venue_ns == 1_705_313_220_000_000_000  # 2024-01-15T10:07:00Z


def test_a_stop_takes_a_profit_by_its_direction() -> None:
    stop = {
        "base_size": 0.001,
        "limit_price": "10000.00",
        "stop_price": "20000.00",
        "stop_direction": "STOP_DIRECTION_STOP_DOWN",
    }
    body = edited(
        "orders",
        order_configuration={"stop_limit_stop_limit_gtc": stop},
        order_type="STOP_LIMIT",
        trigger_status="STOP_PENDING",
    )

    order = QUERIES.open_orders().read(body, NOW).items[0]

    assert (order.order_type, order.status) == (OrderType.TAKE_PROFIT_LIMIT, OrderStatus.PENDING)
    assert (order.quantity, order.trigger_price) == (Decimal("0.001"), Decimal(20_000))


def test_published_rows_without_a_side_or_a_time_are_left_out_by_name() -> None:
    """The documents fill every member in with a placeholder: `side` is empty."""
    orders = read(QUERIES.open_orders(), "orders_published")
    fills = read(QUERIES.fills(FillQuery()), "fills_published")

    for page in (orders, fills):
        assert page.items == ()
        assert page.left_out is not None
        assert "BUY or SELL was expected, was ''" in page.left_out.reason


def test_contracts_are_passed_over() -> None:
    body = edited("orders", product_id="BTC-PERP-INTX", product_type="FUTURE")

    page = QUERIES.open_orders().read(body, NOW)

    assert (len(page), page.left_out) == (1, None)


def test_an_order_is_found_by_its_id() -> None:
    (query,) = QUERIES.order(OrderQuery(symbol=BTC, order_id="0000/1", client_order_id="mine"))
    row = json.loads(CAPTURES["orders"])["orders"][0]

    page = query.read(json.dumps({"order": row}).encode(), NOW)

    assert asked(query)[0] == "orders/historical/0000%2F1"
    assert [one.order_id for one in page] == ["0000-000000-000001"]
    assert page.next is None


def test_an_order_is_looked_for_by_its_name_among_the_open_ones_then_among_all() -> None:
    query = OrderQuery(symbol=BTC, client_order_id="11111-000000-000002", since_ns=SINCE_NS)

    open_ones, every = QUERIES.order(query)

    assert asked(open_ones)[1] == {
        "product_ids": ["BTC-USD"],
        "order_status": ["OPEN"],
        "limit": ["250"],
    }
    assert asked(every)[1] == {
        "product_ids": ["BTC-USD"],
        "start_date": ["2023-11-14T22:13:20Z"],
        "limit": ["250"],
    }
    assert [one.order_id for one in read(every, "orders")] == ["0000-000000-000002"]


def test_orders_that_ended_may_have_been_placed_long_before() -> None:
    query = QUERIES.closed_orders(FillQuery(symbol=BTC, since_ns=SINCE_NS))

    _, parameters = asked(query)

    assert parameters["order_status"] == ["FILLED", "CANCELLED", "EXPIRED", "FAILED"]
    assert parameters["start_date"] == ["2023-08-16T22:13:20Z"]
    assert parameters["product_ids"] == ["BTC-USD"]
    odd = query.read(edited("orders", status="HALTED"), NOW).items[0]
    assert (odd.status, odd.venue_status) == (OrderStatus.CANCELED, "HALTED")


def test_fills() -> None:
    query = QUERIES.fills(FillQuery(since_ns=SINCE_NS, until_ns=SINCE_NS + 10**9))

    bought, sold = read(query, "fills").items

    path, parameters = asked(query)
    assert path == "orders/historical/fills"
    assert parameters["start_sequence_timestamp"] == ["2023-11-14T22:13:20Z"]
    assert parameters["end_sequence_timestamp"] == ["2023-11-14T22:13:21.001Z"]
    assert (bought.price, bought.quantity) == (Decimal("45123.45"), Decimal("0.005"))
    assert bought.fees == (Fee(Asset("USD"), Decimal("1.14")),)
    assert (bought.liquidity, bought.side) == (Liquidity.MAKER, Side.BUY)
    assert bought.venue_ns == 1_705_314_600_000_000_000  # 2024-01-15T10:30:00Z
    assert (bought.fill_id, bought.order_id) == ("22222-2222222-22222222", "0000-000000-000000")
    assert bought.backfilled
    assert (sold.symbol, sold.side, sold.liquidity) == ("ETH/USD", Side.SELL, Liquidity.TAKER)
    assert sold.fees == (Fee(Asset("USD"), Decimal("0.50")),)


def test_lists_go_on_behind_a_cursor_until_it_stays() -> None:
    bodies: Sequence[bytes] = [
        json.dumps({**json.loads(CAPTURES["fills"]), "cursor": cursor}).encode()
        for cursor in ("1", "2", "2")
    ]
    query: RestQuery[Page[Fill]] | None = QUERIES.fills(FillQuery())
    seen: list[str] = []
    for body in bodies:
        assert query is not None
        seen += asked(query)[1].get("cursor", [])
        query = query.read(body, NOW).next

    assert seen == ["1", "2"]
    assert query is None
