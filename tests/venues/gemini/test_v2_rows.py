"""What cannot be read of market data v2 costs itself alone, and what no exchange can mean."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Trade
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.gemini.v2.protocol import GeminiV2Protocol
from oddrows import OddRow, Received, odd_row
from unreadable import field, harmed, kinds

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADE, BTC)
CANDLES = Subscription(Channel.CANDLE, BTC, interval_s=60)
ETH_BOOK, ETH_TRADES = Subscription(Channel.BOOK, ETH), Subscription(Channel.TRADE, ETH)
NONE: set[Subscription] = set()
NOW = 1_790_000_000_000_000_000
TRADE: dict[str, Any] = {
    "type": "trade",
    "symbol": "BTCUSD",
    "event_id": 7,
    "timestamp": 1_560_976_400_428,
    "price": "100.5",
    "quantity": "0.25",
    "side": "buy",
}


def l2(*changes: object, **members: object) -> bytes:
    message = {"type": "l2_updates", "symbol": "BTCUSD", "changes": changes}
    return json.dumps(message | members, separators=(",", ":")).encode()


def candles(*rows: object, **members: object) -> bytes:
    message = {"type": "candles_1m_updates", "symbol": "BTCUSD", "changes": rows}
    return json.dumps(message | members).encode()


def frame(**members: object) -> bytes:
    return json.dumps(members).encode()


def acknowledged(*wanted: Subscription) -> GeminiV2Protocol:
    """A protocol whose streams have all answered."""
    protocol = GeminiV2Protocol()
    protocol.subscribe(wanted)
    for name in ("BTCUSD", "ETHUSD"):
        symbol = BTC if name == "BTCUSD" else ETH
        if any(one.symbol == symbol and one.channel is not Channel.CANDLE for one in wanted):
            protocol.receive(l2(["buy", "100", "1"], symbol=name, trades=[]), NOW)
    if CANDLES in wanted:
        protocol.receive(candles([0, 10, 11, 9, 10, 1]), NOW)
    assert not protocol.unanswered()
    return protocol


@pytest.mark.parametrize(
    ("nonsense", "streams"),
    [
        (l2(["buy", "x", "1"]), {BOOK}),
        (l2(["hold", "1", "1"]), {BOOK}),
        (l2(changes="none"), {BOOK, TRADES}),
        (l2(["buy", "1", "1"], trades="none"), {BOOK, TRADES}),
        (l2(symbol=None), {BOOK, TRADES, ETH_BOOK, ETH_TRADES}),
        (frame(**(TRADE | {"price": "x"})), {TRADES}),
        (frame(**(TRADE | {"price": 100.5})), {TRADES}),
        (frame(**(TRADE | {"event_id": None})), {TRADES}),
        (frame(**(TRADE | {"symbol": 7})), {BOOK, TRADES, ETH_BOOK, ETH_TRADES}),
        (candles([0, 10, 11, 9, -10, 1]), {CANDLES}),
        (candles([0, 10, 11, 9]), {CANDLES}),
        (candles(changes=None), {CANDLES}),
        (candles(symbol=None), {CANDLES}),
        (l2(["buy", "1", "1"], symbol="DOGEUSD"), NONE),
        (frame(**(TRADE | {"symbol": "DOGEUSD"})), NONE),
        (candles([0, 1, 1, 1, 1, 1], symbol="DOGEUSD"), NONE),
        (frame(type="unheard_of", symbol="BTCUSD"), NONE),
    ],
)
def test_a_frame_that_cannot_be_read_harms_the_streams_it_names_alone(
    nonsense: bytes, streams: set[Subscription]
) -> None:
    protocol = acknowledged(BOOK, TRADES, CANDLES, ETH_BOOK, ETH_TRADES)

    assert set(harmed(protocol, nonsense, NOW)) == streams

    assert kinds(protocol.receive(l2(["buy", "9", "1"], symbol="ETHUSD"), NOW)) == [BookUpdate]


@pytest.mark.parametrize("nonsense", [b"{", b"[]", b"{}", b"\xff", frame(type=7), frame(type=None)])
def test_a_frame_without_a_type_may_be_of_any_stream(nonsense: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        acknowledged(BOOK).receive(nonsense, NOW)

    assert not isinstance(raised.value, UnreadableStream)


def test_an_odd_trade_beside_a_whole_book_costs_itself_alone() -> None:
    protocol = acknowledged(BOOK, TRADES)
    trades = [TRADE | {"event_id": 9, "price": "x"}, TRADE | {"event_id": 8}, None]

    left_out, snapshot, published = protocol.receive(l2(["buy", "99", "1"], trades=trades), NOW)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (TRADES, 2)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(published, Trade)
    assert published.trade_id == "8"


def test_an_odd_level_of_a_whole_book_costs_itself_alone() -> None:
    protocol = acknowledged(BOOK, TRADES)
    rows = (["buy", "99", "1"], ["sell", "0.-10000", "1"], ["sell", "101", 7])

    left_out, snapshot = protocol.receive(l2(*rows, trades=[], auction_events=[]), NOW)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (BOOK, 2)
    assert isinstance(snapshot, BookSnapshot)
    assert (len(snapshot.bids), len(snapshot.asks)) == (1, 0)


@pytest.mark.parametrize("is_whole", [True, False])
@given(odd=odd_row([["buy", "99", "1"], ["buy", "97.50", "0.25"], ["sell", "101", "0"]]))
def test_an_odd_change_costs_itself_alone(is_whole: bool, odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        more = ',"trades":[]' if is_whole else ""
        changes = ",".join(rows)
        text = f'{{"type":"l2_updates","symbol":"BTCUSD","changes":[{changes}]{more}}}'
        return text.encode()

    def receive(answer: bytes) -> Received:
        events = acknowledged(BOOK).receive(answer, NOW)
        facts: dict[object, object] = {
            (side, level.price): level.quantity
            for event in events
            if isinstance(event, BookSnapshot | BookUpdate)
            for side, levels in (("bid", event.bids), ("ask", event.asks))
            for level in levels
        }
        return Received(facts, sum(one.count for one in events if isinstance(one, LeftOut)))

    odd.costs_itself_alone(build, receive)


@given(odd_row([TRADE | {"event_id": number, "tid": number} for number in (7, 8, 9)]))
def test_an_odd_trade_of_the_past_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        trades = ",".join(rows)
        text = f'{{"type":"l2_updates","symbol":"BTCUSD","changes":[],"trades":[{trades}]}}'
        return text.encode()

    def receive(answer: bytes) -> Received:
        try:
            events = acknowledged(TRADES).receive(answer, NOW)
        except UnreadableStream:
            return Received({}, 1)
        facts: dict[object, object] = {
            event.trade_id: event for event in events if isinstance(event, Trade)
        }
        counted = sum(one.count for one in events if isinstance(one, LeftOut))
        published = sum(isinstance(one, VenueNotice) for one in events)
        return Received(facts, counted + published)

    odd.costs_itself_alone(build, receive)


@given(odd_row([[minute * 60_000, 10, 11, 9, 10.5, 0.5] for minute in (3, 2, 1)]))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        changes = ",".join(rows)
        return f'{{"type":"candles_1m_updates","symbol":"BTCUSD","changes":[{changes}]}}'.encode()

    def receive(answer: bytes) -> Received:
        protocol = GeminiV2Protocol()
        protocol.subscribe([CANDLES])
        events = protocol.receive(answer, NOW)
        facts: dict[object, object] = {
            event.start_ns: (event.open, event.high, event.low, event.close, event.volume)
            for event in sorted(
                (one for one in events if isinstance(one, Candle)), key=lambda one: -one.start_ns
            )
        }
        return Received(facts, sum(one.count for one in events if isinstance(one, LeftOut)))

    others = [row[0] for at, row in enumerate(odd.good) if at != odd.at]
    if field(odd.odd, 0) in others:
        return  # of two candles of one start one is the other's correction
    odd.costs_itself_alone(build, receive)


# Trades without a taker


def test_a_trade_without_a_taker_is_published_once_and_never_as_a_trade() -> None:
    protocol = acknowledged(BOOK, TRADES)
    block = TRADE | {"side": "block"}

    events = [
        *protocol.receive(frame(**block), NOW),
        *protocol.receive(frame(**block), NOW),
        *protocol.receive(l2(trades=[block, TRADE | {"event_id": 8}]), NOW),
        *protocol.receive(l2(trades=[block, TRADE | {"event_id": 8}]), NOW),
    ]

    notices = [event for event in events if isinstance(event, VenueNotice)]
    assert [one.message for one in notices] == [
        "trades of BTC/USD without a taker: block 7: 0.25 @ 100.5"
    ]
    assert {event.trade_id for event in events if isinstance(event, Trade)} == {"8"}


# What no exchange can mean


@pytest.mark.parametrize("time", [0, 151_231_241, -1, 10**30, None])
def test_a_time_no_exchange_can_mean_is_none(time: int | None) -> None:
    (published,) = acknowledged(TRADES).receive(frame(**(TRADE | {"timestamp": time})), NOW)

    assert isinstance(published, Trade)
    assert published.venue_ns is None


# Candles


def closes(events: Sequence[Event]) -> list[tuple[int, bool, bool, bool]]:
    return [
        (event.start_ns // 60_000_000_000, event.closed, event.backfilled, event.is_correction)
        for event in events
        if isinstance(event, Candle)
    ]


def test_history_is_marked_and_told_once() -> None:
    protocol = GeminiV2Protocol()
    protocol.subscribe([CANDLES])
    rows = [[minute * 60_000, 10, 11, 9, 10, 1] for minute in (3, 2, 1)]
    assert closes(protocol.receive(candles(*rows), NOW)) == [
        (1, True, True, False),
        (2, True, True, False),
        (3, False, False, False),
    ]
    protocol.resync(CANDLES)

    again = protocol.receive(candles([240_000, 10, 11, 9, 10, 1], *rows), NOW)

    assert closes(again) == [(3, True, True, False), (4, False, False, False)]


def test_a_closed_candle_that_changed_is_a_correction() -> None:
    protocol = acknowledged(CANDLES)
    protocol.receive(candles([60_000, 10, 11, 9, 10, 1]), NOW)

    assert closes(protocol.receive(candles([0, 10, 11, 9, 10.5, 2]), NOW)) == [
        (0, True, False, True)
    ]
    assert closes(protocol.receive(candles([0, 10, 11, 9, 10.5, 2]), NOW)) == []
