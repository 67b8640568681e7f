"""Dialogues with market data v2, frame by frame."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Level, Side, Trade
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.gemini.v2.protocol import GeminiV2Protocol
from fluxum.venues.venue import Fetch, Send

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADE, BTC)
ETH_BOOK = Subscription(Channel.BOOK, ETH)
CANDLES = Subscription(Channel.CANDLE, BTC, interval_s=60)
LIST = Subscription(Channel.INSTRUMENT)
NOW = 1_790_000_000_000_000_000
HEARTBEAT = b'{"type":"heartbeat","timestamp":1624493666869}'
NO_PAIRS = b'{"reason":"NoValidTradingPairs","result":"error"}'
MINUTE_MS = 60_000


def trade(number: int, side: str = "buy", name: str = "BTCUSD", **more: Any) -> dict[str, Any]:
    return {
        "type": "trade",
        "symbol": name,
        "event_id": number,
        "timestamp": 1_560_976_400_428,
        "price": "100.5",
        "quantity": "0.25",
        "side": side,
        **more,
    }


def l2(*rows: str, name: str = "BTCUSD", **more: Any) -> bytes:
    """Rows like `buy 100 1`."""
    message = {"type": "l2_updates", "symbol": name, "changes": [row.split() for row in rows]}
    return json.dumps(message | more, separators=(",", ":")).encode()


def whole(*rows: str, name: str = "BTCUSD", trades: list[Any] | None = None) -> bytes:
    return l2(*rows, name=name, trades=trades or [], auction_events=[])


def candles(*rows: str, name: str = "BTCUSD") -> bytes:
    """Rows like `2 10.5`, a minute and its close, as JSON numbers."""
    texts: list[str] = []
    for row in rows:
        minute, close = row.split()
        texts.append(f"[{int(minute) * MINUTE_MS},10,11,9,{close},0.5]")
    changes = ",".join(texts)
    text = f'{{"type":"candles_1m_updates","symbol":"{name}","changes":[{changes}]}}'
    return text.encode()


def sent(protocol: GeminiV2Protocol) -> list[tuple[str, dict[str, list[str]]]]:
    """Requests as their kind, and the markets of each name."""
    requests: list[tuple[str, dict[str, list[str]]]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        request = json.loads(effect.frame)
        named = {one["name"]: one["symbols"] for one in request["subscriptions"]}
        requests.append((request["type"], named))
    return requests


def asked(*subscriptions: Subscription) -> GeminiV2Protocol:
    protocol = GeminiV2Protocol()
    protocol.subscribe(subscriptions)
    return protocol


def acknowledged(*subscriptions: Subscription) -> GeminiV2Protocol:
    """A protocol whose streams have all answered; its book is 100 against 101."""
    protocol = asked(*subscriptions)
    sent(protocol)
    protocol.receive(whole("buy 100 1", "sell 101 1"), NOW)
    if CANDLES in subscriptions:
        protocol.receive(candles("1 10"), NOW)
    assert not protocol.unanswered()
    return protocol


def levels(*pairs: str) -> tuple[Level, ...]:
    texts = [pair.split() for pair in pairs]
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in texts)


def subscribed(subscription: Subscription) -> Subscribed:
    return Subscribed(venue="gemini-v2", subscription=subscription, received_ns=NOW)


# Requests, and silence for an answer


def test_streams_are_requested_together_and_a_book_and_trades_share_one() -> None:
    protocol = asked(BOOK, TRADES, ETH_BOOK, CANDLES)

    assert sent(protocol) == [("subscribe", {"l2": ["BTCUSD", "ETHUSD"], "candles_1m": ["BTCUSD"]})]
    assert set(protocol.unanswered()) == {BOOK, TRADES, ETH_BOOK, CANDLES}


def test_the_whole_book_is_the_answer_and_brings_old_trades_oldest_first() -> None:
    protocol = asked(BOOK, TRADES)
    sent(protocol)
    published = [trade(9, "sell"), trade(7), trade(8, tid=80)]

    events = protocol.receive(
        whole("buy 99 2", "buy 100 1", "sell 102 1", "sell 101 3", trades=published), NOW
    )

    assert events[0] == subscribed(BOOK)
    assert events[1] == subscribed(TRADES)
    assert events[2] == BookSnapshot(
        venue="gemini-v2",
        symbol=BTC,
        bids=levels("100 1", "99 2"),
        asks=levels("101 3", "102 1"),
        received_ns=NOW,
    )
    assert events[3] == Trade(
        venue="gemini-v2",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal("100.5"),
        quantity=Decimal("0.25"),
        trade_id="7",
        backfilled=True,
        venue_ns=1_560_976_400_428_000_000,
        received_ns=NOW,
    )
    ids = [event.trade_id for event in events[3:] if isinstance(event, Trade)]
    assert ids == ["7", "80", "9"]
    assert not protocol.unanswered()


def test_changes_follow_without_time_or_number() -> None:
    protocol = acknowledged(BOOK)

    (mixed,) = protocol.receive(l2("sell 101 0", "buy 100 2", "buy 99 0"), NOW)
    (single,) = protocol.receive(l2("sell 103 1"), NOW)

    assert mixed == BookUpdate(
        "gemini-v2", BTC, levels("100 2", "99 0"), levels("101 0"), None, NOW
    )
    assert single == BookUpdate("gemini-v2", BTC, (), levels("103 1"), None, NOW)
    assert protocol.receive(l2("buy 100 5", "buy 99 1"), NOW) == (
        BookUpdate("gemini-v2", BTC, levels("100 5", "99 1"), (), None, NOW),
    )


def test_changes_before_the_whole_book_are_counted_and_the_first_is_published() -> None:
    protocol = asked(BOOK)
    sent(protocol)

    (early,) = protocol.receive(l2("buy 100 1"), NOW)

    assert isinstance(early, LeftOut)
    assert (early.subscription, early.count) == (BOOK, 1)
    assert early.reason == "a delta without its snapshot"
    assert protocol.receive(l2("buy 100 2"), NOW) == ()
    assert protocol.receive(l2("buy 100 3"), NOW) == ()
    assert protocol.unanswered() == [BOOK]
    _, others, snapshot = protocol.receive(whole("buy 100 1"), NOW)
    assert isinstance(others, LeftOut)
    assert others.count == 2
    assert isinstance(snapshot, BookSnapshot)


def test_members_in_the_order_of_2026_say_the_same() -> None:
    protocol = acknowledged(BOOK)
    frame = b'{"changes":[["sell","101","0.0"]],"symbol":"BTCUSD","type":"l2_updates"}'
    spaced = b'{"changes":[["sell","101","0.0"]],"symbol":"BTCUSD","type":"l2_updates" }'

    assert protocol.receive(frame, NOW) == protocol.receive(spaced, NOW)
    assert protocol.receive(frame, NOW) == (
        BookUpdate("gemini-v2", BTC, (), levels("101 0.0"), None, NOW),
    )


def test_a_second_whole_book_replaces_the_first() -> None:
    protocol = acknowledged(BOOK)

    (snapshot,) = protocol.receive(whole("buy 50 1"), NOW)

    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids == levels("50 1")
    assert snapshot.asks == ()


def test_one_request_is_on_its_way_at_a_time() -> None:
    protocol = asked(BOOK)
    protocol.subscribe([ETH_BOOK])
    assert sent(protocol) == [("subscribe", {"l2": ["BTCUSD"]})]

    protocol.receive(whole("buy 1 1"), NOW)

    assert sent(protocol) == [("subscribe", {"l2": ["ETHUSD"]})]


def test_what_waits_its_turn_owes_no_answer_yet() -> None:
    protocol = asked(BOOK)
    protocol.subscribe([ETH_BOOK])

    assert protocol.unanswered() == [BOOK]
    protocol.receive(whole("buy 100 1"), NOW)
    assert protocol.unanswered() == [ETH_BOOK]


def test_a_refusal_is_about_the_request_on_its_way() -> None:
    protocol = asked(BOOK, TRADES)
    protocol.subscribe([ETH_BOOK])
    sent(protocol)

    events = protocol.receive(NO_PAIRS, NOW)

    assert events == [
        Refused(venue="gemini-v2", subscription=one, message="NoValidTradingPairs", received_ns=NOW)
        for one in (BOOK, TRADES)
    ]
    assert sent(protocol) == [("subscribe", {"l2": ["ETHUSD"]})]
    assert protocol.unanswered() == [ETH_BOOK]
    assert protocol.receive(l2("buy 1 1"), NOW) == ()


def test_a_refusal_of_several_is_asked_about_one_by_one() -> None:
    protocol = asked(BOOK, ETH_BOOK)
    sent(protocol)

    assert protocol.receive(NO_PAIRS, NOW) == ()
    assert sent(protocol) == [("subscribe", {"l2": ["BTCUSD"]})]
    assert len(protocol.receive(NO_PAIRS, NOW)) == 1
    assert sent(protocol) == [("subscribe", {"l2": ["ETHUSD"]})]
    assert protocol.receive(whole("buy 1 1", name="ETHUSD"), NOW)[0] == subscribed(ETH_BOOK)
    assert not protocol.unanswered()


def test_what_the_venue_passes_over_is_requested_alone_after_two_heartbeats() -> None:
    bad = Subscription(Channel.TRADE, Symbol("NO/SUCH"))
    protocol = asked(BOOK, bad)
    protocol.receive(whole("buy 1 1"), NOW)
    sent(protocol)

    protocol.receive(HEARTBEAT, NOW)
    assert not protocol.outbox
    protocol.receive(HEARTBEAT, NOW)
    assert sent(protocol) == [("subscribe", {"l2": ["NOSUCH"]})]
    protocol.receive(HEARTBEAT, NOW)
    assert not protocol.outbox
    assert protocol.unanswered() == [bad]
    (refused,) = protocol.receive(NO_PAIRS, NOW)
    assert isinstance(refused, Refused)
    assert refused.subscription == bad


def test_an_error_without_a_request_is_published() -> None:
    frame = b'{"result":"error","reason":"InvalidJson"}'

    assert GeminiV2Protocol().receive(frame, NOW) == (
        Refused(venue="gemini-v2", message="InvalidJson", received_ns=NOW),
    )


# A stream shared by two


def test_trades_beside_a_book_make_the_stream_begin_anew() -> None:
    protocol = acknowledged(BOOK)
    protocol.subscribe([TRADES])
    assert sent(protocol) == [
        ("unsubscribe", {"l2": ["BTCUSD"]}),
        ("subscribe", {"l2": ["BTCUSD"]}),
    ]
    assert TRADES in protocol.unanswered()
    assert len(protocol.receive(l2("buy 100 9"), NOW)) == 1  # the book goes on meanwhile

    accepted, snapshot, old = protocol.receive(whole("buy 1 1", trades=[trade(7)]), NOW)

    assert accepted == subscribed(TRADES)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(old, Trade)


def test_a_second_wish_while_the_first_is_unanswered_sends_nothing() -> None:
    protocol = asked(BOOK)
    protocol.subscribe([TRADES, BOOK])

    assert len(sent(protocol)) == 1
    assert protocol.receive(whole("buy 1 1"), NOW)[:2] == [subscribed(BOOK), subscribed(TRADES)]


def test_trades_alone_bring_no_book_and_a_book_alone_no_trades() -> None:
    only_trades, only_book = acknowledged(TRADES), acknowledged(BOOK)

    assert only_trades.receive(l2("buy 1 1"), NOW) == ()
    assert len(only_trades.receive(json.dumps(trade(7)).encode(), NOW)) == 1
    assert only_book.receive(json.dumps(trade(7)).encode(), NOW) == ()
    (snapshot,) = only_book.receive(whole("buy 1 1", trades=[trade(6)]), NOW)
    assert isinstance(snapshot, BookSnapshot)


def test_the_stream_ends_with_the_last_that_wants_it() -> None:
    protocol = acknowledged(BOOK, TRADES)
    protocol.unsubscribe([BOOK])
    assert sent(protocol) == []
    assert protocol.receive(l2("buy 1 1"), NOW) == ()
    assert len(protocol.receive(json.dumps(trade(7)).encode(), NOW)) == 1

    protocol.unsubscribe([TRADES, BOOK])

    assert sent(protocol) == [("unsubscribe", {"l2": ["BTCUSD"]})]
    assert protocol.receive(json.dumps(trade(8)).encode(), NOW) == ()
    assert protocol.receive(whole("buy 1 1"), NOW) == ()
    assert protocol.receive(HEARTBEAT, NOW) == [
        Unsubscribed(venue="gemini-v2", subscription=one, received_ns=NOW) for one in (BOOK, TRADES)
    ]


def test_what_is_given_up_unanswered_lets_the_next_request_go() -> None:
    protocol = asked(BOOK)
    protocol.subscribe([ETH_BOOK])
    protocol.unsubscribe([BOOK])

    assert sent(protocol) == [
        ("subscribe", {"l2": ["BTCUSD"]}),
        ("unsubscribe", {"l2": ["BTCUSD"]}),
        ("subscribe", {"l2": ["ETHUSD"]}),
    ]
    assert protocol.unanswered() == [ETH_BOOK]


# Resync


def test_a_resync_is_requested_once_and_answered_without_an_event() -> None:
    protocol = acknowledged(BOOK)
    protocol.resync(BOOK)
    protocol.resync(BOOK)
    protocol.resync(TRADES)
    assert sent(protocol) == [
        ("unsubscribe", {"l2": ["BTCUSD"]}),
        ("subscribe", {"l2": ["BTCUSD"]}),
    ]
    assert protocol.unanswered() == [BOOK]

    (snapshot,) = protocol.receive(whole("buy 50 1"), NOW)

    assert isinstance(snapshot, BookSnapshot)
    assert not protocol.unanswered()
    protocol.resync(BOOK)
    assert len(sent(protocol)) == 2


# Trades without a taker


def test_a_block_trade_is_published_as_text() -> None:
    protocol = acknowledged(TRADES)

    (notice,) = protocol.receive(json.dumps(trade(7, "block")).encode(), NOW)

    assert notice == VenueNotice(
        venue="gemini-v2",
        message="trades of BTC/USD without a taker: block 7: 0.25 @ 100.5",
        received_ns=NOW,
    )


def test_auctions_among_old_trades_are_published_together() -> None:
    protocol = asked(TRADES)
    published = [trade(7, "auction"), trade(8), trade(9, "block", tid=90)]

    accepted, notice, old = protocol.receive(whole("buy 1 1", trades=published), NOW)

    assert isinstance(accepted, Subscribed)
    assert isinstance(notice, VenueNotice)
    assert notice.message == (
        "trades of BTC/USD without a taker: auction 7: 0.25 @ 100.5, block 90: 0.25 @ 100.5"
    )
    assert isinstance(old, Trade)
    assert old.trade_id == "8"


# Candles


def told_candles(events: Sequence[Event]) -> list[tuple[int, str, bool]]:
    return [
        (event.start_ns // 60_000_000_000, str(event.close), event.closed)
        for event in events
        if isinstance(event, Candle)
    ]


def test_candles_come_oldest_first_and_the_first_ones_are_the_answer() -> None:
    protocol = asked(CANDLES)
    sent(protocol)

    events = protocol.receive(candles("3 10.30", "2 1e1", "1 9"), NOW)

    assert events[0] == subscribed(CANDLES)
    assert events[1] == Candle(
        venue="gemini-v2",
        symbol=BTC,
        interval_s=60,
        start_ns=60_000_000_000,
        end_ns=120_000_000_000,
        open=Decimal(10),
        high=Decimal(11),
        low=Decimal(9),
        close=Decimal(9),
        volume=Decimal("0.5"),
        closed=True,
        backfilled=True,
        received_ns=NOW,
    )
    assert told_candles(events) == [(1, "9", True), (2, "1E+1", True), (3, "10.30", False)]
    assert not protocol.unanswered()


def test_a_candle_is_closed_by_the_next_one() -> None:
    protocol = asked(CANDLES)
    protocol.receive(candles("1 10"), NOW)

    assert told_candles(protocol.receive(candles("1 10.5"), NOW)) == [(1, "10.5", False)]
    assert told_candles(protocol.receive(candles("4 12"), NOW)) == [
        (1, "10.5", True),
        (4, "12", False),
    ]
    assert told_candles(protocol.receive(candles("5 13", "4 12.5"), NOW)) == [
        (4, "12.5", True),
        (5, "13", False),
    ]
    assert told_candles(protocol.receive(candles("6 14"), NOW)) == [
        (5, "13", True),
        (6, "14", False),
    ]


def test_a_late_candle_is_closed_already() -> None:
    protocol = asked(CANDLES)
    protocol.receive(candles("2 10"), NOW)

    assert told_candles(protocol.receive(candles("1 9"), NOW)) == [(1, "9", True)]
    assert told_candles(protocol.receive(candles("2 11"), NOW)) == [(2, "11", False)]


def test_candles_begin_anew_after_an_end() -> None:
    protocol = asked(CANDLES)
    protocol.receive(candles("1 10"), NOW)
    protocol.unsubscribe([CANDLES])
    assert protocol.receive(candles("2 10"), NOW) == ()

    protocol.subscribe([CANDLES])

    events = protocol.receive(candles("3 10"), NOW)
    assert events[0] == subscribed(CANDLES)
    assert told_candles(events) == [(3, "10", False)]


# The rest


def test_the_list_of_markets_ends_with_a_heartbeat() -> None:
    protocol = asked(LIST)
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    assert protocol.receive_response(fetch, b"[]", NOW) == [subscribed(LIST)]
    protocol.resync(LIST)
    assert len(protocol.outbox) == 1
    protocol.unsubscribe([LIST])

    (ended,) = protocol.receive(HEARTBEAT, NOW)

    assert isinstance(ended, Unsubscribed)
    refused = protocol.receive_refusal(fetch, "404", NOW)
    assert refused == ()


def test_a_ping_says_nothing() -> None:
    protocol = GeminiV2Protocol()
    protocol.ping()

    assert not protocol.outbox


@pytest.mark.parametrize(
    "subscription",
    [
        Subscription(Channel.TICKER, BTC),
        Subscription(Channel.CANDLE, BTC, interval_s=61),
        Subscription(Channel.CANDLE, BTC),
        Subscription(Channel.BOOK),
    ],
)
def test_what_the_feed_lacks_is_our_fault(subscription: Subscription) -> None:
    with pytest.raises(LocalProtocolError, match="no stream of this feed"):
        asked(subscription)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"type":"unheard_of"}',
        b'{"result":"ok"}',
        l2("buy 1 1", name="ETHUSD"),
        l2("hold 1 1"),
        l2("buy NaN 1"),
        l2("buy 1"),
        whole("buy 1 1e99"),
        json.dumps(trade(7, name="ETHUSD")).encode(),
        json.dumps(trade(7, quantity="x")).encode(),
        candles("1 10", name="ETHUSD"),
        candles("1 -10"),
        candles("1 1e400"),
        candles("1 null"),
    ],
)
def test_nonsense_is_the_venues_fault(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        acknowledged(BOOK, TRADES, CANDLES).receive(frame, NOW)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(whole("buy x 1", trades=[trade(7)]), id="no level makes sense"),
        b'{"type":"l2_updates","symbol":"BTCUSD","changes":null,"trades":[]}',
        b'{"type":"l2_updates","symbol":"BTCUSD","changes":[],"trades":7}',
        b'{"type":"l2_updates","symbol":"BTCUSD","changes":{},"auction_events":[]}',
        b'{"type":"candles_1m_updates","symbol":"BTCUSD","changes":null}',
        b'{"type":"candles_1m_updates","symbol":"BTCUSD","changes":[[1,2]]}',
    ],
)
def test_an_answer_that_makes_no_sense_is_not_waited_for_any_more(frame: bytes) -> None:
    protocol = asked(BOOK, TRADES) if b"l2" in frame else asked(CANDLES)
    with pytest.raises(UnreadableStream) as caught:
        protocol.receive(frame, NOW)

    assert caught.value.subscriptions
    assert not protocol.unanswered()


def test_changes_that_make_no_sense_are_no_answer() -> None:
    protocol = asked(BOOK, TRADES)
    with pytest.raises(UnreadableStream):
        protocol.receive(b'{"type":"l2_updates","symbol":"BTCUSD","changes":null}', NOW)

    assert set(protocol.unanswered()) == {BOOK, TRADES}


# On a tape


def test_a_tape_needs_no_requests() -> None:
    protocol = GeminiV2Protocol()
    protocol.follow_passively()
    frames = [whole("buy 1 1", trades=[trade(7)]), l2("buy 2 1"), candles("1 10")]
    events: list[Event] = [event for frame in frames for event in protocol.receive(frame, NOW)]

    assert [type(event) for event in events] == [BookSnapshot, Trade, BookUpdate, Candle]


def test_requests_on_a_tape_are_followed() -> None:
    protocol = GeminiV2Protocol()
    protocol.follow_passively()
    request = (
        '{"type":"%s","subscriptions":[{"name":"l2","symbols":["BTCUSD","X"]},'
        '{"name":"mark_price","symbols":["BTCGUSDPERP"]}]}'
    )
    protocol.follow_request((request % "subscribe").encode())
    protocol.follow_request(b"nonsense")
    assert len(protocol.receive(whole("buy 1 1"), NOW)) == 1

    protocol.follow_request((request % "unsubscribe").encode())

    assert protocol.receive(l2("buy 1 1"), NOW) == ()
    protocol.follow_request((request % "subscribe").encode())
    assert len(protocol.receive(whole("buy 1 1"), NOW)) == 1


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
def test_frames_are_scanned_for_what_is_subscribed_to_and_begun() -> None:
    protocol = asked(BOOK, TRADES)
    change, fresh = l2("buy 100 2"), json.dumps(trade(7), separators=(",", ":")).encode()
    assert protocol.scan_books is not None
    assert protocol.scan_trades is not None

    assert protocol.scan_books([change], 0, NOW) is None
    protocol.receive(whole("buy 100 1"), NOW)
    assert protocol.scan_books([change], 0, NOW) == list(protocol.receive(change, NOW))
    assert protocol.scan_trades([fresh], 0, NOW) == list(protocol.receive(fresh, NOW))
    protocol.unsubscribe([BOOK])
    assert protocol.scan_books([change], 0, NOW) is None
    assert protocol.scan_trades([fresh], 0, NOW) is not None
    protocol.unsubscribe([TRADES])
    assert protocol.scan_trades([fresh], 0, NOW) is None
