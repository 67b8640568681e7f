"""What cannot be read of Advanced Trade costs itself alone, and what no exchange can mean."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from fluxum.model.event import Channel, Desync, Event, LeftOut, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from oddrows import OddRow, Received, odd_row
from unreadable import counted, harmed, kinds
from venues.coinbase.advanced_frames import (
    BOOK,
    BTC,
    CANDLES,
    ETH,
    TICKER,
    TRADES,
    acknowledged,
    book,
    candles,
    heartbeat,
    listing,
    snapshot,
    tickers,
    trades,
    update,
)
from venues.coinbase.dialogue import NOW, envelope, frame, receive_all

ETH_BOOK = Subscription(Channel.BOOK, ETH)
ETH_TICKER = Subscription(Channel.TICKER, ETH)
ETH_TRADES = Subscription(Channel.TRADE, ETH)
ETH_CANDLES = Subscription(Channel.CANDLE, ETH, interval_s=300)


# Frames


@pytest.mark.parametrize(
    ("nonsense", "stream"),
    [
        (tickers(4, "update", "ETH-USD", volume_24_h="x12"), ETH_TICKER),
        (tickers(4, "update", "ETH-USD", best_bid=99), ETH_TICKER),
        (tickers(4, "later", "ETH-USD"), ETH_TICKER),
        (trades(4, "update", -1, product="ETH-USD").replace(b'"SELL"', b'"LEFT"'), ETH_TRADES),
        (candles(4, "update", 300, product="ETH-USD").replace(b'"9"', b'"many"'), ETH_CANDLES),
        (candles(4, "update", 300, product="ETH-USD").replace(b'"300"', b"300"), ETH_CANDLES),
        (book(4, "update", ("bid", "-1", "1"), product="ETH-USD"), ETH_BOOK),
        (book(4, "update", ("ask", "1", "1"), product="ETH-USD"), ETH_BOOK),
        (envelope(4, "l2_data", {"type": "update", "product_id": "ETH-USD"}), ETH_BOOK),
        (envelope(4, "ticker", {"type": "update", "product_id": "ETH-USD"}), ETH_TICKER),
    ],
)
def test_a_frame_that_cannot_be_read_harms_the_stream_it_names_alone(
    nonsense: bytes, stream: Subscription
) -> None:
    protocol = acknowledged(BOOK, ETH_BOOK, TICKER, TRADES, CANDLES, *{stream} - {ETH_BOOK})
    receive_all(protocol, snapshot(2), snapshot(3, "ETH-USD"))

    assert harmed(protocol, nonsense, NOW) == (stream,)

    assert kinds(receive_all(protocol, update(5), tickers(6, "update"))) == [BookUpdate, Ticker]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (6, 0)


@pytest.mark.parametrize(
    ("channel", "streams"),
    [
        ("l2_data", (BOOK, ETH_BOOK)),
        ("market_trades", (TRADES, ETH_TRADES)),
        ("ticker", (TICKER, ETH_TICKER)),
        ("candles", (CANDLES, ETH_CANDLES)),
    ],
)
@pytest.mark.parametrize("events", [None, [None], [{"type": "update", "product_id": 7}], [[]]])
def test_a_frame_that_names_no_market_harms_its_channel_alone(
    channel: str, streams: tuple[Subscription, ...], events: Any
) -> None:
    protocol = acknowledged(
        BOOK, ETH_BOOK, TRADES, ETH_TRADES, TICKER, ETH_TICKER, CANDLES, ETH_CANDLES
    )

    assert set(harmed(protocol, frame(channel=channel, sequence_num=2, events=events), NOW)) == {
        *streams
    }

    assert kinds(receive_all(protocol, heartbeat(3))) == []
    assert protocol.sequence.breaks == 0


@pytest.mark.parametrize("channel", ["heartbeats", "subscriptions"])
@pytest.mark.parametrize("events", [None, [None], 7, [[]]])
def test_an_answer_that_cannot_be_read_harms_no_stream(channel: str, events: object) -> None:
    protocol = acknowledged(BOOK, TRADES)
    receive_all(protocol, snapshot(2))

    assert harmed(protocol, frame(channel=channel, sequence_num=3, events=events), NOW) == ()

    assert kinds(receive_all(protocol, update(4))) == [BookUpdate]


def test_an_update_that_cannot_be_read_breaks_its_book_and_no_other() -> None:
    protocol = acknowledged(BOOK, ETH_BOOK)
    receive_all(protocol, snapshot(2), snapshot(3, "ETH-USD"))
    assert harmed(protocol, book(4, "update", ("bid", "x", "1"), product="ETH-USD"), NOW) == (
        ETH_BOOK,
    )

    published = receive_all(protocol, update(5), update(6, "ETH-USD"), update(7, "ETH-USD"))

    assert kinds(published) == [BookUpdate, Desync]
    assert published[1] == Desync(
        venue="coinbase",
        subscription=ETH_BOOK,
        generation=0,
        reason="the update in frame 4 of the link could not be read",
        expected=4,
        computed=6,
        venue_ns=NOW + 500_000_000,
        received_ns=NOW,
    )
    again = receive_all(protocol, snapshot(8, "ETH-USD"), update(9, "ETH-USD"))
    assert kinds(again) == [BookSnapshot, BookUpdate]


def test_a_snapshot_that_cannot_be_read_leaves_no_book_that_goes_on() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot(2))

    assert harmed(protocol, book(3, "snapshot", ("bid", "x", "1")), NOW) == (BOOK,)

    assert kinds(receive_all(protocol, update(4), snapshot(5), update(6))) == [
        Desync,
        BookSnapshot,
        BookUpdate,
    ]


def test_an_update_of_no_market_breaks_every_book() -> None:
    protocol = acknowledged(BOOK, ETH_BOOK)
    receive_all(protocol, snapshot(2), snapshot(3, "ETH-USD"))
    nonsense = envelope(4, "l2_data", {"type": "update", "product_id": None, "updates": []})

    assert harmed(protocol, nonsense, NOW) == (BOOK, ETH_BOOK)

    assert kinds(receive_all(protocol, update(5), update(6, "ETH-USD"))) == [Desync, Desync]


def test_an_odd_event_costs_the_others_of_its_frame_nothing() -> None:
    protocol = acknowledged(BOOK, ETH_BOOK)
    receive_all(protocol, snapshot(2), snapshot(3, "ETH-USD"))
    good = {
        "type": "update",
        "product_id": "BTC-USD",
        "updates": [{"side": "bid", "price_level": "100", "new_quantity": "4"}],
    }

    published = receive_all(
        protocol, envelope(4, "l2_data", {"type": "new", "product_id": "ETH-USD"}, good)
    )

    assert kinds(published) == [LeftOut, BookUpdate]
    assert isinstance(published[0], LeftOut)
    assert published[0].subscription == ETH_BOOK


def test_a_frame_that_is_neither_in_step_nor_readable_costs_its_stream_as_well() -> None:
    protocol = acknowledged(BOOK, TICKER)
    receive_all(protocol, snapshot(2))

    published = receive_all(protocol, tickers(4, "update", best_bid="x"))

    assert kinds(published) == [Desync, Desync, LeftOut]
    assert isinstance(published[2], LeftOut)
    assert published[2].subscription == TICKER
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 1)
    assert kinds(receive_all(protocol, snapshot(5), update(6))) == [BookSnapshot, BookUpdate]


def test_data_beside_other_data_that_was_not_requested_is_read() -> None:
    protocol = acknowledged(TICKER)
    lines = [{"product_id": name, "price": "1"} for name in ("DOGE-USD", "BTC-USD")]

    published = receive_all(protocol, envelope(2, "ticker", {"type": "update", "tickers": lines}))

    assert kinds(published) == [LeftOut, Ticker]
    assert isinstance(published[0], LeftOut)
    assert published[0].subscription is None


# Rows

_BOOK_ROWS = [
    {
        "side": "bid",
        "event_time": "1970-01-01T00:00:00Z",
        "price_level": "100",
        "new_quantity": "1",
    },
    {"side": "bid", "event_time": "1970-01-01T00:00:00Z", "price_level": "99", "new_quantity": "2"},
    {
        "side": "offer",
        "event_time": "1970-01-01T00:00:00Z",
        "price_level": "101",
        "new_quantity": "3",
    },
]
_TRADE_ROWS = [
    {
        "product_id": "BTC-USD",
        "trade_id": str(number),
        "price": "100.5",
        "size": "0.25",
        "time": "2026-08-09T21:05:48.167634Z",
        "side": "SELL",
    }
    for number in (7, 8, 9)
]
_TICKER_ROWS = [
    {"product_id": name, "price": "100", "volume_24_h": "9", "best_bid": "99", "best_ask": "101"}
    for name in ("BTC-USD", "ETH-USD")
]
_CANDLE_ROWS = [
    {
        "product_id": "BTC-USD",
        "start": str(start),
        "high": "3",
        "low": "1",
        "open": "2",
        "close": "2",
        "volume": "9",
    }
    for start in (1_786_309_200, 1_786_309_500, 1_786_309_800)
]


def text_of(channel: str, member: str, rows: Any, kind: str = "update") -> bytes:
    """A frame with number 2, its rows as JSON texts."""
    event = f'{{"type":"{kind}","product_id":"BTC-USD","{member}":[{",".join(rows)}]}}'
    return f'{{"channel":"{channel}","sequence_num":2,"events":[{event}]}}'.encode()


def received(frame: bytes, *wanted: Subscription) -> list[Event]:
    """What a frame says; nothing at all where nothing of it can be read."""
    protocol = acknowledged(*wanted)
    if b"l2_data" in frame and b"update" in frame:
        protocol.receive(snapshot(2), NOW)
        frame = frame.replace(b'"sequence_num":2', b'"sequence_num":3')
    return list(protocol.receive(frame, NOW))


@pytest.mark.parametrize("kind", ["snapshot", "update"])
@given(odd=odd_row(_BOOK_ROWS))
def test_an_odd_level_costs_itself_alone(kind: str, odd: OddRow) -> None:
    def receive(frame: bytes) -> Received:
        events = received(frame, BOOK)
        facts: dict[object, object] = {
            (side, level.price): level.quantity
            for event in events
            if isinstance(event, BookSnapshot | BookUpdate)
            for side, levels in (("bid", event.bids), ("ask", event.asks))
            for level in levels
        }
        return Received(facts, counted(events))

    odd.costs_itself_alone(lambda rows: text_of("l2_data", "updates", rows, kind), receive)


@given(odd_row(_TRADE_ROWS))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    def receive(frame: bytes) -> Received:
        events = received(frame, TRADES)
        facts: dict[object, object] = {
            one.trade_id: one for one in events if isinstance(one, Trade)
        }
        return Received(facts, counted(events))

    odd.costs_itself_alone(lambda rows: text_of("market_trades", "trades", rows), receive)


@given(odd_row(_TICKER_ROWS))
def test_an_odd_ticker_costs_itself_alone(odd: OddRow) -> None:
    def receive(frame: bytes) -> Received:
        events = received(frame, TICKER, ETH_TICKER)
        facts: dict[object, object] = {one.symbol: one for one in events if isinstance(one, Ticker)}
        return Received(facts, counted(events))

    odd.costs_itself_alone(lambda rows: text_of("ticker", "tickers", rows), receive)


@given(odd_row(_CANDLE_ROWS))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    def receive(frame: bytes) -> Received:
        events = received(frame, CANDLES)
        facts: dict[object, object] = {
            one.start_ns: (one.open, one.high, one.low, one.close, one.volume)
            for one in events
            if isinstance(one, Candle)
        }
        return Received(facts, counted(events))

    odd.costs_itself_alone(lambda rows: text_of("candles", "candles", rows), receive)


def test_a_level_that_cannot_be_read_is_left_out_of_its_book_first() -> None:
    protocol = acknowledged(BOOK)

    left_out, whole = receive_all(
        protocol, book(2, "snapshot", ("bid", "0.-10000", "1"), ("bid", "100", "1"))
    )

    assert left_out == LeftOut(
        venue="coinbase",
        subscription=BOOK,
        count=1,
        reason="a number from 0 to 1e30 was expected, was '0.-10000'",
        sample="Row(side='bid', price_level='0.-10000', new_quantity='1')",
        received_ns=NOW,
    )
    assert isinstance(whole, BookSnapshot)
    assert [level.price for level in whole.bids] == [100]
    assert kinds(receive_all(protocol, update(3))) == [BookUpdate]


def test_candles_that_may_have_been_missed_are_closed_by_no_memory() -> None:
    protocol = acknowledged(CANDLES)
    receive_all(protocol, candles(2, "update", 600))
    harmed(protocol, candles(3, "update", 600).replace(b'"9"', b'"x"'), NOW)

    published = receive_all(protocol, candles(4, "update", 900))

    assert [
        (one.start_ns // 10**9, one.closed) for one in published if isinstance(one, Candle)
    ] == [(900, False)]


# What no exchange can mean


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "", None])
def test_a_time_no_exchange_can_mean_is_none(time: str | None) -> None:
    protocol = acknowledged(TRADES)
    row = _TRADE_ROWS[0] | {"time": time}

    (published,) = receive_all(
        protocol, envelope(2, "market_trades", {"type": "update", "trades": [row]})
    )

    assert isinstance(published, Trade)
    assert published.venue_ns is None


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "yesterday", 7, None])
def test_a_book_does_not_depend_on_the_time_of_its_frame(time: object) -> None:
    protocol = acknowledged(BOOK)
    said = json.loads(snapshot(2)) | {"timestamp": time}

    (published,) = receive_all(protocol, frame(**said))

    assert isinstance(published, BookSnapshot)
    assert published.venue_ns is None
    assert published.sequence == 2


def test_a_price_of_zero_is_none() -> None:
    protocol = acknowledged(TICKER)
    zeros = {"price": "0", "best_bid": "0.00", "best_bid_quantity": "0", "low_24_h": "0"}

    (published,) = receive_all(
        protocol, tickers(2, "update", best_ask="101", best_ask_quantity="0", **zeros)
    )

    assert isinstance(published, Ticker)
    assert (published.last, published.bid, published.bid_quantity, published.low) == (
        None,
        None,
        None,
        None,
    )
    assert (published.ask, published.ask_quantity) == (Decimal(101), Decimal(0))
    assert (published.mid, published.spread) == (None, None)


def test_a_market_of_another_name_is_no_stream_of_ours() -> None:
    protocol = acknowledged(BOOK)

    assert harmed(protocol, tickers(2, "update", "ETH-USD"), NOW) == ()
    assert harmed(protocol, listing(3, level2=["BTC-USD"]).replace(b'"BTC-USD"', b"7"), NOW) == ()
    assert BTC == "BTC/USD"
