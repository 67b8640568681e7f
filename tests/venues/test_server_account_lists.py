"""Lists of simulated accounts: what is picked, and how it is divided into pages."""

import asyncio
from decimal import Decimal

import pytest

from fluxum.model.account import LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderRequest
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue
from fluxum.venues.server.account_lists import (
    ListQuery,
    holdings,
    older_than,
    opened_ns,
    page,
    within,
)

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")


def account() -> SimulatedAccount:
    """With three open orders, and two executions."""

    async def opened() -> SimulatedAccount:
        await asyncio.sleep(0)
        exchange = SimulatedExchange(
            find_venue("kraken"), [BTC, ETH], seed=7, clock=SimulatedClock(), rate_per_s=0
        )
        one = exchange.open_account("key", "c2VjcmV0", {"USD": Decimal(100_000)})
        for symbol, name in ((BTC, "a"), (ETH, "b"), (BTC, "c")):
            one.place(
                OrderRequest(
                    symbol=symbol, side="buy", quantity=1, limit_price=10, client_order_id=name
                )
            )
        for symbol in (BTC, ETH):
            one.place(OrderRequest(symbol=symbol, side="buy", order_type="market", quantity="0.01"))
        return one

    return run(opened())


def names(query: ListQuery, one: SimulatedAccount) -> str:
    return "".join(order.update.client_order_id for order in query.orders(one.open_orders()))


def test_orders_are_picked_by_market_and_names_and_are_newest_first() -> None:
    one = account()
    second = one.open_orders()[1].update.order_id

    assert names(ListQuery(), one) == "cba"
    assert names(ListQuery(symbol=BTC), one) == "ca"
    assert names(ListQuery(order_id=second), one) == "b"
    assert names(ListQuery(client_order_id="a"), one) == "a"
    assert names(ListQuery(symbol=BTC, order_id=second), one) == ""


def test_both_instants_are_included() -> None:
    one = account()
    first, second, third = map(opened_ns, one.open_orders())

    assert names(ListQuery(since_ns=second, until_ns=third), one) == "cb"
    assert names(ListQuery(until_ns=second), one) == "ba"
    assert names(ListQuery(since_ns=first + 1, until_ns=third - 1), one) == "b"


def test_milliseconds_are_included_whole() -> None:
    query = ListQuery(symbol=BTC).between(5, 6)

    assert (query.symbol, query.since_ns, query.until_ns) == (BTC, 5_000_000, 6_999_999)
    assert ListQuery(since_ns=1).between(None, None) == ListQuery()


def test_what_is_held_is_named_or_is_not_nothing() -> None:
    one = account()
    one.deposit({"DOGE": Decimal(0)})

    assert {balance.asset for balance in holdings(one)} == {"USD", "BTC", "ETH"}
    assert [balance.asset for balance in holdings(one, "DOGE,XYZ")] == ["DOGE"]


def test_executions_and_entries_are_picked_by_market_and_asset() -> None:
    one = account()

    trades = ListQuery(symbol=ETH).trades(one.trades)
    entries = ListQuery(asset=Asset("ETH")).entries(one.entries)
    everything: list[LedgerEntry] = ListQuery().entries(one.entries)

    assert {trade.order.update.symbol for trade in trades} == {ETH}
    assert {entry.asset for entry in entries} == {"ETH"}
    assert everything == list(reversed(one.entries))


@pytest.mark.parametrize(
    ("offset", "items", "following"), [(0, "ab", 2), (2, "cd", 4), (4, "e", None), (9, "", None)]
)
def test_pages_follow_by_their_offset(offset: int, items: str, following: int | None) -> None:
    assert page("abcde", 2, offset) == (items, following)


def test_pages_follow_by_the_name_of_the_last_item() -> None:
    assert older_than("abc", str, "") == "abc"
    assert older_than("abc", str, "b") == "c"
    assert older_than("abc", str, "c") == ""
    assert older_than("abc", str, "x") == ()


def test_nothing_is_within_a_time_before_the_first() -> None:
    assert within([5, 6, 7], int, None, 4) == []
    assert within([5, 6, 7], int, 6, None) == [7, 6]
