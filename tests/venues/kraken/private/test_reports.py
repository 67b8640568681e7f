"""Tests of `private.reports`: what is written is compared with what was published.

Sources: https://docs.kraken.com/api/docs/websocket-v2/executions and /balances.
"""

from decimal import Decimal
from typing import Any

import msgspec

from box import BTC, Box
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import (
    FeeAsset,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Trigger,
)
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.server.reports import ReportWriter, balances_frame, executions_frame
from fluxum.venues.server.accounts import OrderEventKind, OrderHappening, OrderState

D = Decimal
AT = parse_rfc3339("2023-09-22T10:33:05.709950Z")
BOX = Box()
WRITER = ReportWriter(BOX.exchange.instruments(), BOX.exchange.accounts)


def standing(status: OrderStatus, **more: Any) -> OrderState:
    """The published order: a sale of 0.005 at 26500 or better."""
    filled = more.pop("filled", D(0))
    request = OrderRequest(
        symbol=BTC,
        side=Side.SELL,
        quantity=D("0.005"),
        limit_price=D("26500.0"),
        user_reference=3,
    )
    update = OrderUpdate(
        venue="kraken",
        order_id="OK4GJX-KSTLS-7DZZO5",
        user_reference=3,
        symbol=BTC,
        side=Side.SELL,
        order_type=more.pop("order_type", OrderType.LIMIT),
        status=status,
        quantity=D("0.005"),
        filled=filled,
        cost=D("132.9995") if filled else D(0),
        average_price=D("26599.9") if filled else None,
        limit_price=D("26500.0"),
        trigger_price=more.pop("trigger_price", None),
        opened_ns=AT,
        venue_ns=AT,
        received_ns=AT,
    )
    fields: dict[str, Any] = {
        "request": request,
        "update": update,
        "fee_asset": FeeAsset.QUOTE,
        "fee": D("0.3458") if filled else D(0),
        "is_triggered": None,
        "is_amended": False,
        "peak_price": None,
        "display_left": None,
        "origin_id": "",
        "fill_ids": (),
        "changed_ns": AT,
        "closed_ns": None,
    }
    return OrderState(**{**fields, **more})


def decoded(frame: bytes) -> dict[str, Any]:
    return msgspec.json.decode(frame, type=dict[str, Any])


def report(happening: OrderHappening, ratecount: Decimal | None = None) -> dict[str, Any]:
    return decoded(WRITER.happened(happening, ratecount))


def test_the_first_report_of_an_order_is_the_published_one() -> None:
    happening = OrderHappening(
        what=OrderEventKind.PENDING, order=standing(OrderStatus.PENDING), venue_ns=AT
    )

    written = report(happening)

    # executions_update_pending_new, which has no cum_qty
    assert written.pop("cum_qty") == 0
    assert written == {
        "order_id": "OK4GJX-KSTLS-7DZZO5",
        "order_userref": 3,
        "symbol": "BTC/USD",
        "order_qty": 0.005,
        "cum_cost": 0.0,
        "time_in_force": "GTC",
        "exec_type": "pending_new",
        "side": "sell",
        "order_type": "limit",
        "limit_price_type": "static",
        "limit_price": 26500.0,
        "stop_price": 0.0,
        "order_status": "pending_new",
        "fee_usd_equiv": 0.0,
        "fee_ccy_pref": "fciq",
        "timestamp": "2023-09-22T10:33:05.709950Z",
    }


def test_a_delta_has_ids_status_and_time_only() -> None:
    at_ns = parse_rfc3339("2023-09-22T10:33:05.709982Z")
    happening = OrderHappening(
        what=OrderEventKind.OPENED, order=standing(OrderStatus.OPEN), venue_ns=at_ns
    )

    frame = executions_frame(b"update", [WRITER.happened(happening, None)], 9)

    # executions_update_new, to the letter
    assert frame == (
        b'{"channel":"executions","type":"update","data":[{"timestamp":'
        b'"2023-09-22T10:33:05.709982Z","order_status":"new","exec_type":"new",'
        b'"order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5"}],"sequence":9}'
    )


def test_a_trade_is_the_published_one() -> None:
    at_ns = parse_rfc3339("2023-09-22T10:33:05.709993Z")
    fill = Fill(
        venue="kraken",
        symbol=BTC,
        side=Side.SELL,
        price=D("26599.9"),
        quantity=D("0.005"),
        fees=(Fee(Asset("USD"), D("0.3458")),),
        liquidity=Liquidity.TAKER,
        fill_id="TGBB7L-HT5LX-J3BZ4A",
        order_id="OK4GJX-KSTLS-7DZZO5",
        venue_ns=at_ns,
        received_ns=at_ns,
    )
    happening = OrderHappening(
        what=OrderEventKind.TRADED,
        order=standing(OrderStatus.PARTIALLY_FILLED, filled=D("0.005")),
        fill=fill,
        trade_id="62887576",
        cost=D("132.9995"),
        venue_ns=at_ns,
    )

    # executions_update_trade
    assert report(happening) == {
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


def test_numbers_have_the_decimals_of_the_pair_and_no_exponent() -> None:
    happening = OrderHappening(
        what=OrderEventKind.PENDING, order=standing(OrderStatus.PENDING), venue_ns=AT
    )

    text = WRITER.happened(happening, D("1.5"))

    assert b'"order_qty":0.00500000,' in text
    assert b'"cum_qty":0.00000000,"cum_cost":0.0000,' in text
    assert b'"limit_price":26500.0,' in text
    assert text.endswith(b'"ratecount":1.50}')


def test_an_untriggered_stop_is_like_the_captured_one() -> None:
    # cap_executions_snapshot_2024, a real account's, with other numbers
    order = standing(
        OrderStatus.PENDING,
        order_type=OrderType.STOP_LOSS_LIMIT,
        trigger_price=D("26600.0"),
        request=OrderRequest(
            symbol=BTC,
            side=Side.SELL,
            order_type=OrderType.STOP_LOSS_LIMIT,
            quantity=D("0.005"),
            limit_price=D("26500.0"),
            trigger=Trigger(D("26600.0")),
            user_reference=3,
        ),
        is_triggered=False,
    )

    written = decoded(WRITER.standing(order))

    assert written["exec_type"] == written["order_status"] == "pending_new"
    assert written["stop_price"] == 26600.0
    triggers = written["triggers"]
    assert triggers.pop("actual_price") == 26600.0
    assert triggers == {
        "price": 26600.0,
        "price_type": "static",
        "reference": "last",
        "status": "untriggered",
    }


def test_every_happening_decodes_as_the_client_reads_it() -> None:
    for what in OrderEventKind:
        if what is OrderEventKind.TRADED:
            continue
        order = standing(OrderStatus.CANCELED)
        happening = OrderHappening(what=what, order=order, venue_ns=AT)
        frame = executions_frame(b"update", [WRITER.happened(happening, None)], 1)

        message = native.decode_frame(frame)

        assert isinstance(message, native.ExecutionsFrame)
        assert message.data[0].order_id == "OK4GJX-KSTLS-7DZZO5"


def test_a_line_is_the_published_one() -> None:
    at_ns = parse_rfc3339("2023-09-22T10:33:05.710082Z")
    entry = LedgerEntry(
        venue="kraken",
        entry_id="A5KS77-LQRMP-SMMN4B",
        reference_id="AGBB7L-HT5LX-J3BB4A",
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=Asset("USD"),
        amount=D("132.9995"),
        fee=D("0.3458"),
        balance=D("500.0000"),
        wallet="spot/main",
        venue_ns=at_ns,
        received_ns=at_ns,
    )

    frame = balances_frame(b"update", [WRITER.entry(entry)], 10)

    # balances_update_trade_quote_leg; the balance has the asset's four decimals here
    assert frame == (
        b'{"channel":"balances","type":"update","data":[{"ledger_id":"A5KS77-LQRMP-SMMN4B",'
        b'"ref_id":"AGBB7L-HT5LX-J3BB4A","timestamp":"2023-09-22T10:33:05.710082Z",'
        b'"type":"trade","asset":"USD","asset_class":"currency","category":"trade",'
        b'"wallet_type":"spot","wallet_id":"main","amount":132.9995,"fee":0.3458,'
        b'"balance":500.0000}],"sequence":10}'
    )


def test_a_holding_is_the_published_one() -> None:
    balance = Balance(
        venue="kraken",
        asset=Asset("USD"),
        total=D("80595.4943"),
        wallets=(Wallet("spot", "main", D("80595.4943")),),
        received_ns=AT,
    )

    frame = balances_frame(b"snapshot", [WRITER.holding(balance)], 1)

    assert frame == (
        b'{"channel":"balances","data":[{"asset":"USD","asset_class":"currency",'
        b'"balance":80595.4943,"wallets":[{"type":"spot","id":"main","balance":80595.4943}]}],'
        b'"type":"snapshot","sequence":1}'
    )
