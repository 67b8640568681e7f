"""One event of every kind beside its line, written by hand: a line never changes unnoticed.

The lines are those of Fluxum 0.1.0, which made them from `plain`. Decimals of each event are among
those that an encoder spells in its own way: exponents, zeros with a scale, numbers below 1e-6.
"""

from decimal import Decimal
from typing import get_args

import pytest

from fluxum.model.account import (
    Balance,
    Balances,
    EntryKind,
    Fee,
    Fill,
    LedgerEntry,
    Liquidity,
    Wallet,
)
from fluxum.model.codec import encode_event
from fluxum.model.event import (
    CallFailed,
    Channel,
    ClockOffset,
    DataStale,
    Desync,
    Dropped,
    Event,
    FailedOver,
    Gap,
    GapCause,
    LeftOut,
    LinkLost,
    LinkReplaced,
    Refused,
    Rejected,
    Repair,
    Resynced,
    State,
    StateChange,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueFailed,
    VenueNotice,
    VenueRemoved,
    VenueReturned,
    VenueStatus,
)
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.levels import Levels
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Level3Snapshot,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
    Side,
    Ticker,
    Trade,
)
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderStatus,
    OrderType,
    OrderUpdate,
    TradingCount,
)
from fluxum.model.position import (
    Forced,
    MarginMode,
    OpenPositions,
    PositionSide,
    PositionUpdate,
)

BTC = Symbol("BTC/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)
BOOK_JSON = '{"channel":"book","symbol":"BTC/USD","depth":10,"interval_s":null}'
LEVEL = Level(Decimal("45283.5"), Decimal("0E-8"), 2, b"452835")
LEVEL_JSON = '{"price":"45283.5","quantity":"0.00000000","orders":2}'
RESTING = RestingOrder("O1", Decimal("45283.5"), Decimal("1E-7"), 5, b"452835")
RESTING_JSON = '{"order_id":"O1","price":"45283.5","quantity":"0.0000001","venue_ns":5}'
ORDER = OrderUpdate(
    venue="k",
    order_id="O1",
    client_order_id='a"b,c',
    symbol=BTC,
    side=Side.BUY,
    order_type=OrderType.STOP_LOSS_LIMIT,
    status=OrderStatus.PARTIALLY_FILLED,
    quantity=Decimal("1E+2"),
    filled=Decimal("0.00000001"),
    limit_price=Decimal("45283.50"),
    venue_ns=1,
    received_ns=2,
)
ORDER_JSON = (
    '{"type":"order","venue":"k","order_id":"O1","client_order_id":"a\\"b,c",'
    '"user_reference":null,"symbol":"BTC/USD","side":"buy","order_type":"stop_loss_limit",'
    '"status":"partially_filled","quantity":"100","filled":"0.00000001","cost":"0",'
    '"average_price":null,"limit_price":"45283.50","trigger_price":null,"display_quantity":null,'
    '"time_in_force":"gtc","post_only":false,"reduce_only":false,"forced":null,"reason":"","venue_type":"",'
    '"venue_status":"","venue_time_in_force":"","opened_ns":null,'
    '"venue_ns":1,"received_ns":2}'
)
POSITION = PositionUpdate(
    venue="k",
    symbol=BTC,
    side=PositionSide.SHORT,
    quantity=Decimal("1E-8"),
    entry_price=Decimal("45283.50"),
    margin_mode=MarginMode.CROSS,
    unrealised=Decimal("-1.5E-7"),
    forced=Forced.DELEVERAGING,
    received_ns=2,
)
POSITION_JSON = (
    '{"type":"position_update","venue":"k","symbol":"BTC/USD","side":"short",'
    '"quantity":"0.00000001","leg":null,"position_id":"","entry_price":"45283.50","mark_price":null,'
    '"liquidation_price":null,"margin_mode":"cross","unrealised":"-0.00000015",'
    '"forced":"auto-deleveraging","venue_ns":null,"received_ns":2}'
)
BALANCE = Balance(
    venue="k",
    asset=Asset("BTC"),
    total=Decimal("0E-10"),
    held=Decimal("-1.5E-7"),
    wallets=(Wallet("spot", "main", Decimal("7E-9")),),
    received_ns=2,
)
BALANCE_JSON = (
    '{"type":"balance","venue":"k","asset":"BTC","total":"0.0000000000","held":"-0.00000015",'
    '"wallets":[{"kind":"spot","name":"main","total":"0.000000007"}],"venue_ns":null,'
    '"received_ns":2}'
)

LINES: list[tuple[Event, str]] = [
    (
        Ticker(venue="k", symbol=BTC, bid=Decimal("1.10"), volume=Decimal("1E+3"), received_ns=2),
        '{"type":"ticker","venue":"k","symbol":"BTC/USD","bid":"1.10","bid_quantity":null,'
        '"ask":null,"ask_quantity":null,"last":null,"last_quantity":null,"volume":"1000",'
        '"vwap":null,"low":null,"high":null,"open":null,"change":null,"change_percent":null,'
        '"trades":null,"venue_ns":null,"received_ns":2}',
    ),
    (
        Trade(
            venue="k",
            symbol=Symbol("ETH/USD"),
            side=Side.SELL,
            price=Decimal("45283.50"),
            quantity=Decimal("1E-8"),
            trade_id="1E-8",
            venue_ns=1,
            received_ns=2,
        ),
        '{"type":"trade","venue":"k","symbol":"ETH/USD","side":"sell","price":"45283.50",'
        '"quantity":"0.00000001","trade_id":"1E-8","sequence":null,"order_type":"",'
        '"backfilled":false,"venue_ns":1,"received_ns":2}',
    ),
    (
        Candle(
            venue="k",
            symbol=BTC,
            interval_s=60,
            start_ns=1,
            end_ns=3,
            open=Decimal(1),
            high=Decimal("2.0"),
            low=Decimal("5E-7"),
            close=Decimal("1.5"),
            volume=Decimal("0E-8"),
            closed=True,
            received_ns=2,
        ),
        '{"type":"candle","venue":"k","symbol":"BTC/USD","interval_s":60,"start_ns":1,"end_ns":3,'
        '"open":"1","high":"2.0","low":"0.0000005","close":"1.5","volume":"0.00000000",'
        '"vwap":null,"trades":null,"closed":true,"backfilled":false,'
        '"is_correction":false,"venue_ns":null,"received_ns":2}',
    ),
    (
        BookSnapshot(
            venue="k", symbol=BTC, bids=(LEVEL,), asks=(), depth=10, received_ns=2, checksum=9
        ),
        f'{{"type":"book_snapshot","venue":"k","symbol":"BTC/USD","bids":[{LEVEL_JSON}],"asks":[],'
        '"depth":10,"venue_ns":null,"received_ns":2,"sequence":null,"checksum":9,"cut_at":null}',
    ),
    (
        BookUpdate("k", BTC, (LEVEL, LEVEL), Levels([("1.50", "0.00000000")]), None, 2, 9),
        f'{{"type":"book_update","venue":"k","symbol":"BTC/USD","bids":[{LEVEL_JSON},{LEVEL_JSON}],'
        '"asks":[{"price":"1.50","quantity":"0.00000000","orders":null}],'
        '"venue_ns":null,"received_ns":2,"checksum":9,"sequence":null}',
    ),
    (
        Level3Snapshot(venue="k", symbol=BTC, bids=(RESTING,), asks=(), received_ns=2),
        f'{{"type":"level3_snapshot","venue":"k","symbol":"BTC/USD","bids":[{RESTING_JSON}],'
        '"asks":[],"depth":null,"venue_ns":null,"received_ns":2,"checksum":null}',
    ),
    (
        Level3Update(
            venue="k",
            symbol=BTC,
            bids=(),
            asks=(OrderChange(OrderAction.DELETE, RESTING),),
            received_ns=2,
        ),
        '{"type":"level3_update","venue":"k","symbol":"BTC/USD","bids":[],'
        f'"asks":[{{"action":"delete","order":{RESTING_JSON}}}],'
        '"venue_ns":null,"received_ns":2,"checksum":null}',
    ),
    (
        Instrument(
            venue="k",
            symbol=BTC,
            venue_symbol="XBT/USD",
            base=Asset("BTC"),
            quote=Asset("USD"),
            status=InstrumentStatus.ONLINE,
            tick=Decimal("0.1"),
            lot=Decimal("1E-8"),
            price_precision=1,
            quantity_precision=8,
            quantity_min=Decimal("0.0001"),
            received_ns=2,
        ),
        '{"type":"instrument","venue":"k","symbol":"BTC/USD","venue_symbol":"XBT/USD",'
        '"base":"BTC","quote":"USD","status":"online","tick":"0.1","lot":"0.00000001",'
        '"price_precision":1,"quantity_precision":8,"quantity_min":"0.0001","notional_min":null,'
        '"contract_size":"1","contract_asset":null,"is_inverse":false,'
        '"venue_ns":null,"received_ns":2}',
    ),
    (BALANCE, BALANCE_JSON),
    (
        Balances(venue="k", balances=(BALANCE,), received_ns=3),
        f'{{"type":"balances","venue":"k","balances":[{BALANCE_JSON}],"received_ns":3}}',
    ),
    (
        LedgerEntry(
            venue="k",
            entry_id="L1",
            reference_id="T1",
            kind=EntryKind.TRADE,
            venue_kind="trade",
            asset=Asset("USD"),
            amount=Decimal("-1E+1"),
            fee=Decimal("0E-4"),
            balance=Decimal("90.0000"),
            venue_ns=1,
            received_ns=2,
            raw=b'{"x":1}',
        ),
        '{"type":"ledger_entry","venue":"k","entry_id":"L1","reference_id":"T1","kind":"trade",'
        '"venue_kind":"trade","asset":"USD","amount":"-10","fee":"0.0000","balance":"90.0000",'
        '"wallet":"","backfilled":false,"venue_ns":1,"received_ns":2,"source":"venue"}',
    ),
    (POSITION, POSITION_JSON),
    (
        OpenPositions(venue="k", positions=(POSITION,), received_ns=3),
        f'{{"type":"open_positions","venue":"k","positions":[{POSITION_JSON}],"received_ns":3}}',
    ),
    (ORDER, ORDER_JSON),
    (
        OrderFragment(
            venue="k", order_id="O1", status=OrderStatus.OPEN, filled=Decimal("0E-8"), received_ns=2
        ),
        '{"type":"order_fragment","venue":"k","order_id":"O1","client_order_id":"",'
        '"status":"open","venue_status":"","quantity":null,"filled":"0.00000000","cost":null,"limit_price":null,'
        '"reason":"","venue_ns":null,"received_ns":2}',
    ),
    (
        OpenOrders(venue="k", orders=(ORDER,), received_ns=3),
        f'{{"type":"open_orders","venue":"k","orders":[{ORDER_JSON}],"unread":[],"received_ns":3}}',
    ),
    (
        Fill(
            venue="k",
            symbol=BTC,
            side=Side.BUY,
            price=Decimal("45283.50"),
            quantity=Decimal("1E-8"),
            fees=(Fee(Asset("BTC"), Decimal("4E-11")),),
            liquidity=Liquidity.TAKER,
            fill_id="T1",
            order_id="O1",
            venue_ns=1,
            received_ns=2,
        ),
        '{"type":"fill","venue":"k","symbol":"BTC/USD","side":"buy","price":"45283.50",'
        '"quantity":"0.00000001","fees":[{"asset":"BTC","amount":"0.00000000004"}],'
        '"liquidity":"taker","fill_id":"T1","order_id":"O1","client_order_id":"",'
        '"forced":null,"backfilled":false,"venue_ns":1,"received_ns":2}',
    ),
    (
        Accepted(venue="k", command_id=7, order_id="O1", warnings=("w",), received_ns=2),
        '{"type":"accepted","venue":"k","command_id":7,"order_id":"O1","client_order_id":"",'
        '"original_order_id":"","count":null,"triggers_ns":null,"warnings":["w"],"is_last":true,'
        '"received_ns":2}',
    ),
    (
        Declined(venue="k", command_id=7, message="EOrder:\n1E-8", is_last=False, received_ns=2),
        '{"type":"declined","venue":"k","command_id":7,"order_id":"","client_order_id":"",'
        '"message":"EOrder:\\n1E-8","is_last":false,"received_ns":2}',
    ),
    (
        TradingCount(venue="k", used=Decimal("1E+1"), allowed=Decimal("60.00"), received_ns=2),
        '{"type":"trading_count","venue":"k","symbol":null,"used":"10","allowed":"60.00",'
        '"received_ns":2}',
    ),
    (
        Subscribed(venue="k", subscription=BOOK, received_ns=2),
        f'{{"type":"subscribed","venue":"k","subscription":{BOOK_JSON},"warnings":[],'
        '"received_ns":2}',
    ),
    (
        Unsubscribed(venue="k", subscription=BOOK, received_ns=2),
        f'{{"type":"unsubscribed","venue":"k","subscription":{BOOK_JSON},"received_ns":2}}',
    ),
    (
        Refused(venue="k", message="no, \u20ac", received_ns=2),
        '{"type":"refused","venue":"k","subscription":null,"message":"no, \u20ac","received_ns":2}',
    ),
    (
        VenueNotice(venue="k", status=VenueStatus.MAINTENANCE, received_ns=2),
        '{"type":"venue_notice","venue":"k","status":"maintenance","message":"","received_ns":2}',
    ),
    (
        StateChange(
            venue="k",
            old=State.READY,
            new=State.RECONNECTING,
            attempt=1,
            delay_s=0.5,
            reason="E-8",
            received_ns=2,
        ),
        '{"type":"state_change","venue":"k","old":"ready","new":"reconnecting","attempt":1,'
        '"delay_s":0.5,"reason":"E-8","received_ns":2}',
    ),
    (
        LinkLost(venue="k", link="public-1", reason="cut", received_ns=2),
        '{"type":"link_lost","venue":"k","link":"public-1","reason":"cut","received_ns":2}',
    ),
    (
        LinkReplaced(venue="k", link="public-1", reason="age", received_ns=2),
        '{"type":"link_replaced","venue":"k","link":"public-1","reason":"age","received_ns":2}',
    ),
    (
        Desync(venue="k", subscription=BOOK, generation=3, reason="crc", expected=1, received_ns=2),
        f'{{"type":"desync","venue":"k","subscription":{BOOK_JSON},"generation":3,"reason":"crc",'
        '"expected":1,"computed":null,"venue_ns":null,"received_ns":2}',
    ),
    (
        Resynced(venue="k", subscription=BOOK, generation=4, received_ns=2),
        f'{{"type":"resynced","venue":"k","subscription":{BOOK_JSON},"generation":4,'
        '"received_ns":2}',
    ),
    (
        DataStale(venue="k", subscription=BOOK, silent_s=12.25, received_ns=2),
        f'{{"type":"data_stale","venue":"k","subscription":{BOOK_JSON},"silent_s":12.25,'
        '"received_ns":2}',
    ),
    (
        Rejected(venue="k", reason="no JSON", sample='{"price":"1E-8', received_ns=2),
        '{"type":"rejected","venue":"k","reason":"no JSON","sample":"{\\"price\\":\\"1E-8",'
        '"subscriptions":null,"received_ns":2}',
    ),
    (
        LeftOut(venue="k", subscription=BOOK, count=2, reason="no", sample="{}", received_ns=2),
        f'{{"type":"left_out","venue":"k","subscription":{BOOK_JSON},"count":2,"reason":"no",'
        '"sample":"{}","received_ns":2}',
    ),
    (
        CallFailed(
            venue="k",
            subscription=BOOK,
            call="GET /depth",
            reason="timed out",
            failures=2,
            again_ns=9,
            received_ns=2,
        ),
        f'{{"type":"call_failed","venue":"k","subscription":{BOOK_JSON},"call":"GET /depth",'
        '"reason":"timed out","failures":2,"again_ns":9,"received_ns":2}',
    ),
    (
        ClockOffset(venue="k", offset_s=-1.5, uncertainty_s=0.25, received_ns=2),
        '{"type":"clock_offset","venue":"k","offset_s":-1.5,"uncertainty_s":0.25,"received_ns":2}',
    ),
    (
        Gap(
            venue="k",
            subscription=BOOK,
            cause=GapCause.LINK_LOST,
            repair=Repair.BACKFILLED,
            since_ns=1,
            until_ns=2,
            missing=4,
            received_ns=2,
        ),
        f'{{"type":"gap","venue":"k","subscription":{BOOK_JSON},"cause":"link_lost",'
        '"repair":"backfilled","since_ns":1,"until_ns":2,"missing":4,"detail":"","received_ns":2}',
    ),
    (
        Dropped(venue="k", count=12, received_ns=2),
        '{"type":"dropped","venue":"k","count":12,"received_ns":2}',
    ),
    (
        VenueFailed(venue="k", reason="403", received_ns=2),
        '{"type":"venue_failed","venue":"k","reason":"403","received_ns":2}',
    ),
    (
        VenueRemoved(
            venue="k", symbol=BTC, market=BTC, generation=3, reason="desynced", received_ns=2
        ),
        '{"type":"venue_removed","venue":"k","symbol":"BTC/USD","market":"BTC/USD",'
        '"generation":3,"reason":"desynced","received_ns":2}',
    ),
    (
        VenueReturned(venue="k", symbol=BTC, market=BTC, generation=4, received_ns=2),
        '{"type":"venue_returned","venue":"k","symbol":"BTC/USD","market":"BTC/USD",'
        '"generation":4,"received_ns":2}',
    ),
    (
        FailedOver(venue="k", symbol=BTC, before="j", reason="stale", received_ns=2),
        '{"type":"failed_over","venue":"k","symbol":"BTC/USD","before":"j","reason":"stale",'
        '"received_ns":2}',
    ),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=lambda one: type(one).__name__)
def test_an_event_is_this_line(event: Event, line: str) -> None:
    assert encode_event(event).decode() == line


def test_every_kind_of_event_is_here() -> None:
    assert {type(event) for event, _ in LINES} == set(get_args(Event))
