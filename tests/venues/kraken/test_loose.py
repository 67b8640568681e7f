"""Public frames with something odd: what is read of them, and which streams that harms."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscribed, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.kraken.protocol import KrakenProtocol
from oddrows import OddRow, Received, odd_row, often

NOW = 1_700_000_000_000_000_000
BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)
LEVEL3 = Subscription(Channel.LEVEL3, BTC, 10)
MINUTES = Subscription(Channel.CANDLE, BTC, None, 60)
INSTRUMENTS = Subscription(Channel.INSTRUMENT)
TICKERS = [Subscription(Channel.TICKER, symbol) for symbol in (BTC, ETH)]
TRADES = [Subscription(Channel.TRADE, symbol) for symbol in (BTC, ETH)]
ALL = (BOOK, LEVEL3, MINUTES, INSTRUMENTS, *TICKERS, *TRADES)

TICKER = {
    "symbol": "BTC/USD",
    "bid": 83744.2,
    "bid_qty": 0.56251979,
    "ask": 83744.3,
    "ask_qty": 0.0004478,
    "last": 83744.3,
    "volume": 3156.8478211,
    "vwap": 84174.6,
    "low": 83163.6,
    "high": 85247.4,
    "change": -429.3,
    "change_pct": -0.51,
    "trades": 135262,
    "timestamp": "2026-09-25T17:48:26.844359Z",
}
TRADE = {
    "symbol": "BTC/USD",
    "side": "sell",
    "price": 0.5117,
    "qty": 40.0,
    "ord_type": "market",
    "trade_id": 4665906,
    "timestamp": "2023-09-25T07:49:37.708706Z",
}
CANDLE = {
    "symbol": "BTC/USD",
    "open": 0.5624,
    "high": 0.5628,
    "low": 0.5622,
    "close": 0.5627,
    "trades": 12,
    "volume": 30927.68066226,
    "vwap": 0.5626,
    "interval_begin": "2023-10-04T16:25:00.000000000Z",
    "interval": 1,
    "timestamp": "2023-10-04T16:30:00.000000Z",
}
PAIR = {
    "symbol": "BTC/USD",
    "base": "BTC",
    "quote": "USD",
    "status": "online",
    "qty_precision": 8,
    "qty_increment": 1e-08,
    "price_precision": 1,
    "cost_precision": 5,
    "marginable": True,
    "has_index": True,
    "cost_min": 0.5,
    "tick_size": 0.1,
    "price_increment": 0.1,
    "qty_min": 0.0001,
}
LEVELS = [{"price": price, "qty": 1.5} for price in (100.5, 100.4, 100.3)]
ORDER = {
    "order_id": "O6ZQNQ-BXL4E-5WGINO",
    "limit_price": 0.5629,
    "order_qty": 111.56125344,
    "timestamp": "2023-10-06T17:35:00.279389650Z",
}


def subscribed() -> KrakenProtocol:
    protocol = KrakenProtocol()
    protocol.subscribe(ALL)
    return protocol


def framed(channel: str, kind: str = "update") -> Callable[[Sequence[str]], bytes]:
    def build(rows: Sequence[str]) -> bytes:
        text = f"[{','.join(rows)}]"
        if channel == "instrument":
            text = f'{{"assets":[],"pairs":{text}}}'
        return f'{{"channel":"{channel}","type":"{kind}","data":{text}}}'.encode()

    return build


def levels(channel: str, kind: str) -> Callable[[Sequence[str]], bytes]:
    def build(rows: Sequence[str]) -> bytes:
        data = f'"symbol":"BTC/USD","bids":[{",".join(rows)}],"asks":[],"checksum":5'
        return f'{{"channel":"{channel}","type":"{kind}","data":[{{{data}}}]}}'.encode()

    return build


def received(events: Sequence[Event]) -> Received:
    facts: dict[object, object] = {}
    left_out = 0
    for event in events:
        match event:
            case LeftOut():
                left_out += event.count
            case Ticker() | Trade() | Instrument():
                facts[event.symbol] = event
            case Candle():
                facts.setdefault(event.start_ns, event)
            case BookUpdate() | BookSnapshot():
                facts |= {level.price: level for level in event.bids}
            case Level3Snapshot():
                facts |= {order.order_id: order for order in event.bids}
            case Level3Update():
                facts |= {change.order.order_id: change for change in event.bids}
            case _:
                pass
    return Received(facts, left_out)


def receive(frame: bytes) -> Received:
    return received(subscribed().receive(frame, NOW))


@given(odd_row([TICKER, TICKER | {"symbol": "ETH/USD"}]))
@often
def test_an_odd_ticker_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("ticker"), receive)


@given(odd_row([TRADE, TRADE | {"symbol": "ETH/USD"}]))
@often
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("trade", "snapshot"), receive)


@given(odd_row([CANDLE, CANDLE | {"interval_begin": "2023-10-04T16:26:00Z"}]))
@often
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("ohlc"), lambda frame: _without_ends(receive(frame)))


def _without_ends(result: Received) -> Received:
    """The first of two candles is closed by the second, if that can be read."""
    return Received({start: start for start in result.facts}, result.left_out)


@given(
    odd_row(
        [PAIR, PAIR | {"symbol": "ETH/USD", "base": "ETH"}, PAIR | {"symbol": "A/USD", "base": "A"}]
    )
)
@often
def test_an_odd_market_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(framed("instrument", "snapshot"), receive)


@given(odd_row(LEVELS))
@often
def test_an_odd_level_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(levels("book", "update"), receive)


@given(odd_row(LEVELS))
@often
def test_an_odd_level_of_a_snapshot_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(levels("book", "snapshot"), receive)


@given(odd_row([ORDER, ORDER | {"order_id": "O-TWO"}, ORDER | {"order_id": "O-THREE"}]))
@often
def test_an_odd_resting_order_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(levels("level3", "snapshot"), receive)


ADDED = ORDER | {"event": "add"}


@given(odd_row([ADDED, ADDED | {"order_id": "O-TWO"}, ADDED | {"order_id": "O-THREE"}]))
@often
def test_an_odd_change_of_an_order_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(levels("level3", "update"), receive)


# Frames of which nothing is left


def frame(channel: str, data: object, kind: str = "update") -> bytes:
    return json.dumps({"channel": channel, "type": kind, "data": data}).encode()


@pytest.mark.parametrize(
    ("unreadable", "harmed"),
    [
        (frame("ticker", [TICKER | {"ask": "x"}]), TICKERS[:1]),
        (frame("ticker", [TICKER | {"symbol": "ETH/USD", "ask": True}]), TICKERS[1:]),
        (frame("ticker", None), TICKERS),
        (frame("ticker", [{"symbol": 5}]), []),
        (frame("ticker", [TICKER], "whole"), TICKERS),
        (frame("trade", [TRADE | {"side": "both"}]), TRADES[:1]),
        (frame("ohlc", [CANDLE | {"open": "x"}]), [MINUTES]),
        (frame("ohlc", [CANDLE | {"open": "x", "interval": 5}]), []),
        (frame("instrument", {"pairs": None}), [INSTRUMENTS]),
        (frame("book", [{"symbol": "BTC/USD", "checksum": None}]), [BOOK]),
        (frame("book", [{"symbol": "BTC/USD", "bids": 5, "checksum": 5}]), [BOOK]),
        (frame("book", [{"symbol": "ETH/USD", "bids": 5, "checksum": 5}]), []),
        (frame("book", []), [BOOK]),
        (frame("level3", [{"symbol": "BTC/USD"}]), [LEVEL3]),
        (frame("status", []), []),
        (frame("news", []), []),
        (b'{"channel":"heartbeat","method":"subscribe"}', []),
        (b'{"method":"subscribe","success":true,"req_id":"one"}', None),
        (b'{"method":"subscribe","channel":"book","req_id":"one"}', []),
        (b"[]", None),
    ],
)
def test_a_frame_that_cannot_be_read_harms_what_it_names(
    unreadable: bytes, harmed: Sequence[Subscription] | None
) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        subscribed().receive(unreadable, NOW)

    if harmed is None:
        assert not isinstance(caught.value, UnreadableStream)
    else:
        assert isinstance(caught.value, UnreadableStream)
        assert list(caught.value.subscriptions) == list(harmed)


def test_rows_of_several_streams_are_left_out_by_stream() -> None:
    rows = [TRADE | {"price": 0}, TRADE | {"symbol": "ETH/USD", "qty": "NaN"}, TRADE, {"symbol": 1}]

    first, second, third, trade = subscribed().receive(frame("trade", rows), NOW)

    assert [
        (event.subscription, event.count)
        for event in (first, second, third)
        if isinstance(event, LeftOut)
    ] == [(TRADES[0], 1), (TRADES[1], 1), (None, 1)]
    assert isinstance(trade, Trade)


def test_a_row_that_was_not_requested_costs_no_other() -> None:
    rows = [TRADE | {"symbol": "SOL/USD"}, TRADE]

    left_out, trade = subscribed().receive(frame("trade", rows), NOW)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.reason) == (
        None,
        "data that was not requested, was of 'trade SOL/USD'",
    )
    assert isinstance(trade, Trade)


def test_odd_rows_of_an_ended_stream_are_late() -> None:
    protocol = subscribed()
    protocol.unsubscribe(TRADES[:1])

    assert protocol.receive(frame("trade", [TRADE]), NOW) == []


def test_a_snapshot_with_an_odd_row_acknowledges_its_stream() -> None:
    left_out, acknowledged, trade = subscribed().receive(
        frame("trade", [{"symbol": "BTC/USD"}, TRADE], "snapshot"), NOW
    )

    assert isinstance(left_out, LeftOut)
    assert isinstance(acknowledged, Subscribed)
    assert isinstance(trade, Trade)
    assert trade.backfilled


def test_a_time_that_makes_no_sense_costs_no_book() -> None:
    data: dict[str, Any] = {"symbol": "BTC/USD", "bids": LEVELS, "checksum": 5}
    for odd in (5, "soon", "2023-13-45T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        (update,) = subscribed().receive(frame("book", [data | {"timestamp": odd}]), NOW)

        assert isinstance(update, BookUpdate)
        assert update.venue_ns is None
        assert len(update.bids) == 3
