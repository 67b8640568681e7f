"""Any row of an account's list replaced by any JSON value: that row alone may be missing."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given

from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import Channel, Event, LeftOut, Subscription
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.venues.kraken.private.protocol import KrakenPrivateProtocol
from fluxum.venues.kraken.private.queries import Lists, account_queries
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from needed import needed
from oddrows import OddRow, Received, odd_row, often

NOW = 1_700_000_000_000_000_000
Row = dict[str, Any]

ASSETS = {"XXBT": "XBT", "ZUSD": "USD", "XETH": "ETH"}
PAIRS = {"XXBTZUSD": ("XBTUSD", "XXBT", "ZUSD"), "XETHZUSD": ("ETHUSD", "XETH", "ZUSD")}


def count(left_out: LeftOutRows | None) -> int:
    return 0 if left_out is None else left_out.count


def queries() -> AccountQueries:
    asked = account_queries()
    assets = {name: {"altname": altname} for name, altname in ASSETS.items()}
    pairs = {
        name: {"altname": altname, "base": base, "quote": quote}
        for name, (altname, base, quote) in PAIRS.items()
    }
    for question, result in zip(asked.preparations(), (assets, pairs, {}), strict=True):
        question.read(answer(result), NOW)
    return asked


def answer(result: object) -> bytes:
    return json.dumps({"error": [], "result": result}).encode()


def listed(*before: str) -> Callable[[Sequence[str]], bytes]:
    """What builds an answer of rows under ids, within the result or a part of it."""

    def build(rows: Sequence[str]) -> bytes:
        text = ",".join(f'"ID-{index}":{row}' for index, row in enumerate(rows))
        for name in before:
            text = f'"{name}":{{{text}}}'
        return f'{{"error":[],"result":{{{text}}}}}'.encode()

    return build


def paged(
    question: RestQuery[Page[Any]], key: Callable[[Any], object]
) -> Callable[[bytes], Received]:
    def receive(body: bytes) -> Received:
        page = question.read(body, NOW)
        return Received({key(item): item for item in page}, count(page.left_out))

    return receive


# REST

ORDER = {
    "refid": None,
    "userref": 7,
    "cl_ord_id": "mine",
    "status": "canceled",
    "reason": "User requested",
    "opentm": 1688666559.8974,
    "closetm": 1688667000.5,
    "descr": {
        "pair": "XBTUSD",
        "type": "buy",
        "ordertype": "stop-loss-limit",
        "price": "30010.0",
        "price2": "30020.0",
    },
    "vol": "1.25000000",
    "vol_exec": "0.37500000",
    "cost": "11253.7",
    "price": "30010.0",
    "stopprice": "0.00000",
    "limitprice": "0.00000",
    "oflags": "fciq",
    "timeinforce": "GTC",
}
TRADE = {
    "ordertxid": "OQCLML-BW3P3-BUCMWZ",
    "pair": "XXBTZUSD",
    "time": 1688667796.8802,
    "type": "buy",
    "price": "30010.00000",
    "fee": "0.96000",
    "vol": "0.02000000",
    "maker": True,
}
LINE = {
    "refid": "TJKLXF-PGMUI-4NTLXU",
    "time": 1688464484.1787,
    "type": "trade",
    "asset": "XXBT",
    "amount": "-24.5000",
    "fee": "0.0490",
    "balance": "459567.9171",
}
HOLDING = {"balance": "25435.21", "hold_trade": "8249.76"}
THREE_ORDERS = [ORDER, ORDER | {"userref": 8}, ORDER | {"status": "closed"}]
THREE_TRADES = [TRADE, TRADE | {"vol": "0.03"}, TRADE | {"pair": "XETHZUSD"}]
THREE_LINES = [LINE, LINE | {"asset": "ZUSD"}, LINE | {"type": "deposit"}]


@given(odd_row(THREE_ORDERS))
@often
def test_an_odd_open_order_costs_itself_alone(odd: OddRow) -> None:
    receive = paged(queries().open_orders(), lambda order: order.order_id)

    odd.costs_itself_alone(listed("open"), receive)


@given(odd_row(THREE_ORDERS))
@often
def test_an_odd_closed_order_costs_itself_alone(odd: OddRow) -> None:
    receive = paged(queries().closed_orders(FillQuery()), lambda order: order.order_id)

    odd.costs_itself_alone(listed("closed"), receive)


@given(odd_row(THREE_TRADES))
@often
def test_an_odd_execution_costs_itself_alone(odd: OddRow) -> None:
    receive = paged(queries().fills(FillQuery()), lambda fill: fill.fill_id)

    odd.costs_itself_alone(listed("trades"), receive)


@given(odd_row(THREE_LINES))
@often
def test_an_odd_line_costs_itself_alone(odd: OddRow) -> None:
    receive = paged(needed(queries().entries)(EntryQuery()), lambda entry: entry.entry_id)

    odd.costs_itself_alone(listed("ledger"), receive)


@given(odd_row([HOLDING, HOLDING | {"balance": "1"}, HOLDING | {"hold_trade": "0"}]))
@often
def test_an_odd_holding_costs_itself_alone(odd: OddRow) -> None:
    receive = paged(queries().balances(), lambda balance: balance.asset)

    odd.costs_itself_alone(listed(), receive)


@given(odd_row([{"altname": "XBT"}, {"altname": "USD"}, {"altname": "NEW"}]))
@often
def test_an_odd_asset_costs_itself_alone(odd: OddRow) -> None:
    def receive(body: bytes) -> Received:
        lists = Lists()
        left_out = lists.all()[0].read(body, NOW)
        named = {name: lists.names.asset(name)[0] for name in ("ID-0", "ID-1", "ID-2")}
        known = {name: asset for name, asset in named.items() if name != asset}
        return Received(known, count(left_out))

    odd.costs_itself_alone(listed(), receive)


PAIR = {"altname": "NEWUSD", "base": "NEW", "quote": "ZUSD"}


@given(odd_row([PAIR, PAIR | {"altname": "NEWBTC"}, PAIR | {"base": "XXBT"}]))
@often
def test_an_odd_pair_costs_itself_alone(odd: OddRow) -> None:
    def receive(body: bytes) -> Received:
        lists = Lists()
        left_out = lists.all()[1].read(body, NOW)
        listed_names = [name for name in ("ID-0", "ID-1", "ID-2") if lists.names.is_listed(name)]
        return Received({name: lists.names.market(name) for name in listed_names}, count(left_out))

    odd.costs_itself_alone(listed(), receive)


# WebSocket

REPORT = {
    "order_id": "OK4GJX-KSTLS-7DZZO5",
    "order_userref": 3,
    "exec_id": "TGBB7L-HT5LX-J3BZ4A",
    "exec_type": "trade",
    "trade_id": 62887576,
    "symbol": "BTC/USD",
    "side": "sell",
    "last_qty": 0.005,
    "last_price": 26599.9,
    "liquidity_ind": "t",
    "cost": 132.9995,
    "order_type": "limit",
    "timestamp": "2023-09-22T10:33:05.709993Z",
    "order_status": "partially_filled",
    "cum_qty": 0.005,
    "cum_cost": 132.9995,
    "avg_price": 26599.9,
    "fee_usd_equiv": 0.3458,
    "fees": [{"asset": "USD", "qty": 0.3458}],
}
STANDING = {
    "order_id": "OK4GJX-KSTLS-7DZZO5",
    "order_userref": 3,
    "symbol": "BTC/USD",
    "order_qty": 0.005,
    "cum_cost": 0.0,
    "time_in_force": "GTC",
    "exec_type": "new",
    "side": "sell",
    "order_type": "stop-loss-limit",
    "limit_price": 26500.0,
    "triggers": {"price": 0.2, "price_type": "static", "reference": "index"},
    "order_status": "new",
    "timestamp": "2023-09-22T10:33:05.709950Z",
    "display_qty": 0.001,
    "post_only": True,
    "ratecount": 1.5,
}
ENTRY = {
    "ledger_id": "A5KS77-LQRMP-SMMN4B",
    "ref_id": "AGBB7L-HT5LX-J3BB4A",
    "timestamp": "2023-09-22T10:33:05.710082Z",
    "type": "trade",
    "asset": "USD",
    "wallet_type": "spot",
    "wallet_id": "main",
    "amount": 132.9995,
    "fee": 0.3458,
    "balance": 500,
}
ASSET = {
    "asset": "MATIC",
    "balance": 500,
    "wallets": [
        {"type": "spot", "id": "main", "balance": 300},
        {"type": "earn", "id": "flex", "balance": 200},
    ],
}


def framed(channel: str, kind: str) -> Callable[[Sequence[str]], bytes]:
    def build(rows: Sequence[str]) -> bytes:
        text = ",".join(rows)
        frame = f'"channel":"{channel}","type":"{kind}","data":[{text}],"sequence":2'
        return f"{{{frame}}}".encode()

    return build


def received(events: Sequence[Event]) -> Received:
    """Facts by the id of their row: a fill with its order counts as one."""
    facts: dict[object, object] = {}
    left_out = 0
    for event in events:
        match event:
            case LeftOut():
                left_out += event.count
            case Fill():
                facts[event.order_id] = event
            case OrderUpdate():
                facts.setdefault(event.order_id, event)
            case OpenOrders():
                facts |= {order.order_id: order for order in event.orders}
            case LedgerEntry():
                facts[event.entry_id] = event
            case Balances():
                facts |= {balance.asset: balance for balance in event.balances}
            case _:
                pass
    return Received(facts, left_out)


def follow(frame: bytes) -> Received:
    protocol = KrakenPrivateProtocol()
    protocol.subscribe([Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)])
    for channel in ("executions", "balances"):
        begin = f'{{"channel":"{channel}","type":"snapshot","data":[],"sequence":1}}'
        protocol.receive(begin.encode(), NOW)
    return received(protocol.receive(frame, NOW))


ROWS = [
    REPORT,
    STANDING | {"order_id": "O-TWO"},
    REPORT | {"order_id": "O-THREE", "exec_id": "T-THREE", "fees": []},
]


@given(odd_row(ROWS))
@often
def test_an_odd_report_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("executions", "update"), follow)


@given(odd_row(ROWS))
@often
def test_an_odd_report_of_a_snapshot_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("executions", "snapshot"), follow)


@given(odd_row([ENTRY, ENTRY | {"ledger_id": "L-TWO"}, ENTRY | {"ledger_id": "L-THREE"}]))
@often
def test_an_odd_line_of_the_stream_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("balances", "update"), follow)


@given(odd_row([ASSET, ASSET | {"asset": "USD"}, ASSET | {"asset": "BTC", "wallets": []}]))
@often
def test_an_odd_balance_of_the_stream_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("balances", "snapshot"), follow)
