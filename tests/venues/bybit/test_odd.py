"""What cannot be read costs itself alone: rows of lists and frames, levels, frames, markets."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, LeftOut, Subscription
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Level, Ticker, Trade
from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.protocol import BybitProtocol
from fluxum.venues.conversation import Fetch, UnreadableStream
from oddrows import OddRow, Received, odd_row, often

MS = 1_767_225_600_000
BTC, PERP = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
BOOK, TRADES = Subscription(Channel.BOOK, BTC, 50), Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
CANDLES = Subscription(Channel.CANDLE, BTC, None, 60)
LIST = Subscription(Channel.INSTRUMENT)
TOPICS = {
    BOOK: "orderbook.50.BTCUSDT",
    TRADES: "publicTrade.BTCUSDT",
    TICKER: "tickers.BTCUSDT",
    CANDLES: "kline.1.BTCUSDT",
}
# https://bybit-exchange.github.io/docs/v5/websocket/public/trade and /kline
TRADE_ROWS = [
    {
        "T": MS,
        "s": "BTCUSDT",
        "S": "Buy",
        "v": "0.001",
        "p": "16578.50",
        "L": "PlusTick",
        "i": f"20f43950-d8dd-5b31-9112-a178eb6023a{number}",
        "BT": False,
        "seq": 1783284617,
    }
    for number in range(3)
]
CANDLE_ROWS = [
    {
        "start": MS + 60_000 * number,
        "end": MS + 60_000 * number + 59_999,
        "interval": "1",
        "open": "16649.5",
        "close": "16677",
        "high": "16677",
        "low": "16608",
        "volume": "2.081",
        "turnover": "34666.4005",
        "confirm": False,
        "timestamp": MS,
    }
    for number in range(3)
]
LEVELS = [["30247.20", "30.028"], ["30245.40", "0.1"], ["30242.10", "1.25"]]


def following(*subscriptions: Subscription, category: Category = SPOT) -> BybitProtocol:
    protocol = BybitProtocol(category)
    protocol.subscribe(subscriptions)
    protocol.outbox.clear()
    return protocol


def frame(topic: str, data: str, kind: str = "snapshot") -> bytes:
    return f'{{"topic":"{topic}","type":"{kind}","ts":{MS},"data":{data}}}'.encode()


def rows_frame(topic: str, rows: Sequence[str]) -> bytes:
    return frame(topic, f"[{','.join(rows)}]")


def left_out(events: Sequence[Event], subscription: Subscription) -> int:
    found = [event for event in events if isinstance(event, LeftOut)]
    assert all(event.subscription == subscription for event in found)
    return sum(event.count for event in found)


def received(subscription: Subscription, key: Callable[[Any], object], body: bytes) -> Received:
    """The facts of a frame of one stream, and the rows of it that were left out."""
    try:
        events = following(subscription).receive(body, 7)
    except UnreadableStream as error:
        return Received({}, int(error.subscriptions == (subscription,)))
    facts: dict[object, object] = {
        key(event): event for event in events if isinstance(event, Trade | Candle)
    }
    return Received(facts, left_out(events, subscription))


@often
@given(odd_row(TRADE_ROWS))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    def trade_id(trade: Trade) -> object:
        return trade.trade_id

    odd.costs_itself_alone(partial(rows_frame, TOPICS[TRADES]), partial(received, TRADES, trade_id))


@often
@given(odd_row(CANDLE_ROWS))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    def start(candle: Candle) -> object:
        return candle.start_ns

    row = cast("dict[str, object]", odd.odd) if isinstance(odd.odd, dict) else {}
    if row.get("start", MS) != CANDLE_ROWS[odd.at]["start"] and row:
        return  # another candle, which may be late
    odd.costs_itself_alone(partial(rows_frame, TOPICS[CANDLES]), partial(received, CANDLES, start))


@often
@given(odd_row(LEVELS))
def test_an_odd_level_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        return frame(TOPICS[BOOK], f'{{"s":"BTCUSDT","a":[{",".join(rows)}],"b":[],"u":5}}')

    def receive(body: bytes) -> Received:
        events = following(BOOK).receive(body, 7)
        (book,) = [one for one in events if isinstance(one, BookSnapshot)]
        return Received({level.price: level for level in book.asks}, left_out(events, BOOK))

    odd.costs_itself_alone(build, receive)


# https://bybit-exchange.github.io/docs/v5/market/instrument, shortened
SPOT_MARKETS = [
    {
        "symbol": f"{coin}USDT",
        "baseCoin": coin,
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000011",
            "minOrderAmt": "5",
        },
        "priceFilter": {"tickSize": "0.1"},
    }
    for coin in ("BTC", "ETH", "SOL")
]
LINEAR_MARKETS = [
    {
        "symbol": f"{coin}USDT",
        "contractType": "LinearPerpetual",
        "baseCoin": coin,
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {"minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"},
        "priceFilter": {"tickSize": "0.10"},
        "settleCoin": "USDT",
    }
    for coin in ("BTC", "ETH", "SOL")
]


def listed(category: Category, rows: Sequence[str]) -> bytes:
    result = f'{{"category":"{category.name}","list":[{",".join(rows)}],"nextPageCursor":""}}'
    return f'{{"retCode":0,"retMsg":"OK","result":{result}}}'.encode()


def markets(category: Category, body: bytes) -> Received:
    protocol = BybitProtocol(category)
    protocol.subscribe([LIST])
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    events = protocol.receive_response(fetch, body, 7)
    facts: dict[object, object] = {
        one.venue_symbol: one for one in events if isinstance(one, Instrument)
    }
    return Received(facts, left_out(events, LIST))


@often
@given(odd_row(SPOT_MARKETS))
def test_an_odd_spot_market_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(partial(listed, SPOT), partial(markets, SPOT))


@often
@given(odd_row(LINEAR_MARKETS))
def test_an_odd_contract_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(partial(listed, LINEAR), partial(markets, LINEAR))


def instrument(category: Category, **changes: Any) -> Instrument:
    row = {**(SPOT_MARKETS if category is SPOT else LINEAR_MARKETS)[0], **changes}
    found = markets(category, listed(category, [json.dumps(row)])).facts
    assert len(found) == 1
    (one,) = found.values()
    assert isinstance(one, Instrument)
    return one


def test_a_market_is_named_by_its_coins() -> None:
    assert instrument(SPOT, symbol="XBTUSDT").symbol == "BTC/USDT"
    assert instrument(LINEAR).symbol == "BTC/USDT:PERP"
    dated = {"symbol": "BTCUSDT-26DEC26", "contractType": "LinearFutures"}
    assert instrument(LINEAR, **dated).symbol == "BTC/USDT:26DEC26"
    usdc = {"symbol": "BTCPERP", "quoteCoin": "USDC", "settleCoin": "USDC"}
    assert instrument(LINEAR, **usdc).symbol == "BTC/USDC:PERP"


def test_quantities_of_a_contract_are_in_the_base_asset() -> None:
    market = instrument(LINEAR)

    assert (market.contract_size, market.contract_asset, market.is_inverse) == (
        Decimal(1),
        None,
        False,
    )
    assert (market.lot, market.notional_min) == (Decimal("0.001"), Decimal(5))


@pytest.mark.parametrize("status", [None, "Paused", ""])
def test_a_status_that_is_new_is_other(status: str | None) -> None:
    assert instrument(SPOT, status=status).status is InstrumentStatus.OTHER


@pytest.mark.parametrize(
    "changes",
    [
        {"contractType": "InversePerpetual"},
        {"contractType": None},
        {"symbol": "ETHUSDT"},  # not the name of its coins
        {"priceFilter": {"tickSize": "0"}},
        {"priceFilter": {"tickSize": ""}},
    ],
)
def test_a_contract_that_is_odd_or_not_offered_is_left_out_and_counted(
    changes: dict[str, Any],
) -> None:
    row = {**LINEAR_MARKETS[0], **changes}

    assert markets(LINEAR, listed(LINEAR, [json.dumps(row)])) == Received({}, 1)


# Frames


@pytest.mark.parametrize("data", ["null", "7", "[7]", '{"u":"x"}'])
@pytest.mark.parametrize("subscription", TOPICS, ids=str)
def test_a_frame_that_names_its_stream_harms_no_other(
    subscription: Subscription, data: str
) -> None:
    if subscription == TICKER and data == '{"u":"x"}':
        return  # a line of which nothing is needed
    protocol = following(BOOK, TRADES, TICKER, CANDLES)

    with pytest.raises(UnreadableStream) as caught:
        protocol.receive(frame(TOPICS[subscription], data), 7)

    assert caught.value.subscriptions == (subscription,)


def test_a_frame_whose_head_is_odd_but_for_its_topic_harms_no_other() -> None:
    odd = b'{"op":7,"topic":"publicTrade.BTCUSDT","data":[]}'

    with pytest.raises(UnreadableStream) as caught:
        following(BOOK, TRADES).receive(odd, 7)

    assert caught.value.subscriptions == (TRADES,)


def test_data_that_were_not_requested_harm_no_stream() -> None:
    with pytest.raises(UnreadableStream, match="was not requested") as caught:
        following(BOOK).receive(frame("tickers.ETHUSDT", "{}"), 7)

    assert caught.value.subscriptions == ()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"topic":7}', b'{"op":"dance"}', b"\xff"])
def test_a_frame_that_names_nothing_is_the_links(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        following(BOOK).receive(body, 7)

    assert not isinstance(caught.value, UnreadableStream)


# Books


def book(kind: str, number: Any, bids: Any = (), asks: Any = ()) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": 9}
    return frame(TOPICS[BOOK], json.dumps(data), kind)


def test_a_level_that_cannot_be_read_is_left_out_of_an_update_and_the_numbers_go_on() -> None:
    protocol = following(BOOK)
    protocol.receive(book("snapshot", 5, [["9", "1"]], [["10", "2"]]), 7)

    left_out, update = protocol.receive(book("delta", 6, [["0.-10000", "1"], ["8", "3"]]), 7)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (BOOK, 1)
    assert "0.-10000" in left_out.sample
    assert isinstance(update, BookUpdate)
    assert (update.bids, update.sequence) == ((Level(Decimal(8), Decimal(3)),), 6)
    assert [type(one) for one in protocol.receive(book("delta", 7), 7)] == [BookUpdate]


@pytest.mark.parametrize("number", ["x", None, -1, [6]])
def test_an_update_without_its_number_is_not_applied_and_the_next_is_a_gap(number: Any) -> None:
    protocol = following(BOOK)
    protocol.receive(book("snapshot", 5, [["9", "1"]], [["10", "2"]]), 7)

    with pytest.raises(UnreadableStream):
        protocol.receive(book("delta", number, [["8", "3"]]), 7)

    assert [type(one) for one in protocol.receive(book("delta", 7), 7)] == [Desync]


def test_a_delta_before_any_snapshot_is_published_so_that_it_is_counted() -> None:
    protocol = following(BOOK)

    (update,) = protocol.receive(book("delta", 6, [["8", "3"]]), 7)

    assert isinstance(update, BookUpdate)
    assert protocol.sequence.steps == 0


@pytest.mark.parametrize("ts", ["0", "null", '"x"', "1" + "0" * 30])
def test_a_time_that_is_none_costs_no_message(ts: str) -> None:
    protocol = following(BOOK)
    body = book("snapshot", 5, [["9", "1"]]).replace(str(MS).encode(), ts.encode())

    _, snapshot = protocol.receive(body, 7)

    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.venue_ns is None


# Trades and candles


def test_a_block_trade_is_marked_as_none_of_the_market() -> None:
    rows = [json.dumps({**TRADE_ROWS[0], "BT": True}), json.dumps(TRADE_ROWS[1])]

    _, block, plain = following(TRADES).receive(rows_frame(TOPICS[TRADES], rows), 7)

    assert isinstance(block, Trade)
    assert isinstance(plain, Trade)
    assert (block.order_type, plain.order_type) == ("block", "")


def test_a_trade_of_no_known_time_is_a_trade() -> None:
    rows = [json.dumps({**TRADE_ROWS[0], "T": 0})]

    _, trade = following(TRADES).receive(rows_frame(TOPICS[TRADES], rows), 7)

    assert isinstance(trade, Trade)
    assert trade.venue_ns is None


def test_what_a_line_does_not_say_is_none() -> None:
    protocol = following(TICKER)

    _, ticker = protocol.receive(frame(TOPICS[TICKER], '{"lastPrice":"0"}'), 7)

    assert isinstance(ticker, Ticker)
    assert (ticker.last, ticker.bid, ticker.volume, ticker.change) == (None,) * 4
