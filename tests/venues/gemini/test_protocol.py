"""Dialogues with the sequenced feed, frame by frame."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level, Side, Ticker, Trade
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.gemini.protocol import GeminiProtocol
from fluxum.venues.venue import Fetch, Send

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
LIST = Subscription(Channel.INSTRUMENT)
NOW, THEN = 1_790_000_000_000_000_000, 1_789_999_999_000_000_123


def depth(first: int, final: int, bids: str = "", asks: str = "", name: str = "btcusd") -> bytes:
    """`bids` like `100 1,99 2`."""

    def rows(text: str) -> list[list[str]]:
        return [row.split() for row in text.split(",") if row]

    message = {"e": "depthUpdate", "E": THEN, "s": name, "U": first, "u": final}
    compact = json.dumps(message | {"b": rows(bids), "a": rows(asks)}, separators=(",", ":"))
    return compact.encode()


def trade(number: int = 7, *, buyer_made: bool = True, name: str = "btcusd") -> bytes:
    message = {"E": THEN, "s": name, "t": number, "p": "100.50", "q": "0.25", "m": buyer_made}
    return json.dumps(message).encode()


def ok(number: int) -> bytes:
    return b'{"id":%d,"status":200}' % number


def no(number: int, code: int = -1013, text: str = "Invalid stream name: x") -> bytes:
    error = {"code": code, "msg": text}
    return json.dumps({"id": number, "status": 400, "error": error}).encode()


def sent(protocol: GeminiProtocol) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        requests.append(json.loads(effect.frame))
    return requests


def asked(*subscriptions: Subscription) -> GeminiProtocol:
    protocol = GeminiProtocol()
    protocol.subscribe(subscriptions)
    return protocol


def acknowledged(*subscriptions: Subscription) -> GeminiProtocol:
    """A protocol whose requests were answered, with no snapshot yet."""
    protocol = asked(*subscriptions)
    for request in sent(protocol):
        protocol.receive(ok(request["id"]), NOW)
    assert not protocol.unanswered()
    return protocol


def holding(final: int = 100) -> GeminiProtocol:
    """A protocol with a book as of `final`."""
    protocol = acknowledged(BOOK)
    (snapshot,) = protocol.receive(depth(final, final, "100 1,99 2", "101 1"), NOW)
    assert isinstance(snapshot, BookSnapshot)
    return protocol


def levels(*pairs: str) -> tuple[Level, ...]:
    texts = [pair.split() for pair in pairs]
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in texts)


# Requests and answers


def test_streams_are_requested_together() -> None:
    protocol = asked(BOOK, TRADES, TICKER, Subscription(Channel.BOOK, ETH))

    assert sent(protocol) == [
        {
            "method": "subscribe",
            "id": 1,
            "params": [
                "btcusd@depth@100ms",
                "btcusd@trade",
                "btcusd@bookTicker",
                "ethusd@depth@100ms",
            ],
        }
    ]
    assert len(protocol.unanswered()) == 4


def test_more_names_than_fifty_are_requested_in_turn() -> None:
    markets = [Subscription(Channel.BOOK, Symbol(f"A{n}/USD")) for n in range(60)]

    assert [len(request["params"]) for request in sent(asked(*markets))] == [50, 10]


def test_an_answer_accepts_all_streams_of_its_request() -> None:
    protocol = asked(BOOK, TRADES)
    sent(protocol)

    events = protocol.receive(ok(1), NOW)

    assert events == [
        Subscribed(venue="gemini", subscription=BOOK, received_ns=NOW),
        Subscribed(venue="gemini", subscription=TRADES, received_ns=NOW),
    ]
    assert not protocol.unanswered()
    assert protocol.receive(ok(1), NOW) == []


def test_a_snapshot_before_the_answer_accepts_its_stream_once() -> None:
    protocol = asked(BOOK, TRADES)
    sent(protocol)

    accepted, snapshot = protocol.receive(depth(100, 100, "99 2,100 1", "102 1,101 1"), NOW)

    assert accepted == Subscribed(venue="gemini", subscription=BOOK, received_ns=NOW)
    assert snapshot == BookSnapshot(
        venue="gemini",
        symbol=BTC,
        bids=levels("100 1", "99 2"),
        asks=levels("101 1", "102 1"),
        venue_ns=THEN,
        received_ns=NOW,
        sequence=100,
    )
    assert protocol.unanswered() == [TRADES]
    assert protocol.receive(ok(1), NOW) == [
        Subscribed(venue="gemini", subscription=TRADES, received_ns=NOW)
    ]


def test_data_accepts_its_stream_should_the_answer_be_lost() -> None:
    protocol = asked(TRADES, TICKER)
    sent(protocol)

    accepted, published = protocol.receive(trade(), NOW)

    assert isinstance(accepted, Subscribed)
    assert isinstance(published, Trade)
    assert protocol.unanswered() == [TICKER]


def test_one_bad_name_refuses_only_itself() -> None:
    bad = Subscription(Channel.BOOK, Symbol("NO/SUCH"))
    protocol = asked(BOOK, TRADES, bad, TICKER)
    sent(protocol)

    assert protocol.receive(no(1), NOW) == []
    first, second = sent(protocol)
    assert first["params"] == ["btcusd@depth@100ms", "btcusd@trade"]
    assert second["params"] == ["nosuch@depth@100ms", "btcusd@bookTicker"]
    assert len(protocol.unanswered()) == 4
    assert len(protocol.receive(ok(first["id"]), NOW)) == 2
    assert protocol.receive(no(second["id"]), NOW) == []
    alone, other = sent(protocol)
    refused = protocol.receive(no(alone["id"], text="Invalid stream name: nosuch@depth"), NOW)
    assert refused == [
        Refused(
            venue="gemini",
            subscription=bad,
            message="Invalid stream name: nosuch@depth",
            received_ns=NOW,
        )
    ]
    assert len(protocol.receive(ok(other["id"]), NOW)) == 1
    assert not protocol.unanswered()
    assert protocol.receive(depth(5, 5, name="nosuch"), NOW) == ()


@pytest.mark.parametrize("code", [-1000, -1003])
def test_what_may_be_tried_again_is_asked_with_the_next_ping(code: int) -> None:
    protocol = asked(BOOK)
    sent(protocol)

    (notice,) = protocol.receive(no(1, code, "rate limit"), NOW)

    assert notice == VenueNotice(venue="gemini", message="rate limit", received_ns=NOW)
    assert protocol.unanswered() == [BOOK]
    assert not protocol.outbox
    protocol.ping()
    ping, again = sent(protocol)
    assert ping == {"method": "ping", "id": 2}
    assert again == {"method": "subscribe", "id": 3, "params": ["btcusd@depth@100ms"]}
    assert len(protocol.receive(ok(3), NOW)) == 1
    assert not protocol.unanswered()


def test_what_was_given_up_meanwhile_is_not_tried_again() -> None:
    protocol = asked(BOOK)
    protocol.receive(no(1, -1003), NOW)
    protocol.unsubscribe([BOOK])
    sent(protocol)

    protocol.ping()

    assert [request["method"] for request in sent(protocol)] == ["ping"]


def test_a_pong_says_nothing() -> None:
    protocol = GeminiProtocol()
    protocol.ping()

    assert protocol.receive(b'{"id":1,"status":200}', NOW) == []


def test_an_error_without_a_request_is_published() -> None:
    (refused,) = GeminiProtocol().receive(no(9, -1020, "Unsupported operation"), NOW)

    assert refused == Refused(venue="gemini", message="Unsupported operation", received_ns=NOW)


def test_unsubscribing_is_acknowledged_and_late_data_passed_over() -> None:
    protocol = acknowledged(BOOK, TRADES)
    protocol.unsubscribe([BOOK, TRADES, TICKER])
    (request,) = sent(protocol)
    assert request["method"] == "unsubscribe"
    assert request["params"] == ["btcusd@depth@100ms", "btcusd@trade"]
    assert not protocol.unanswered()

    assert protocol.receive(depth(100, 100, "100 1"), NOW) == ()
    assert protocol.receive(trade(), NOW) == ()
    assert protocol.receive(ok(request["id"]), NOW) == [
        Unsubscribed(venue="gemini", subscription=BOOK, received_ns=NOW),
        Unsubscribed(venue="gemini", subscription=TRADES, received_ns=NOW),
    ]


def test_a_refused_unsubscribe_ends_the_stream_all_the_same() -> None:
    protocol = acknowledged(BOOK, TRADES)
    protocol.unsubscribe([BOOK, TRADES])
    (request,) = sent(protocol)

    assert protocol.receive(no(request["id"]), NOW) == []
    first, second = sent(protocol)
    assert isinstance(protocol.receive(no(first["id"]), NOW)[0], Unsubscribed)
    assert isinstance(protocol.receive(ok(second["id"]), NOW)[0], Unsubscribed)


def test_asking_twice_sends_once_and_two_spellings_cannot_be_told_apart() -> None:
    protocol = asked(Subscription(Channel.BOOK, Symbol("USDG/USD")))
    protocol.subscribe([Subscription(Channel.BOOK, Symbol("USDG/USD"))])
    assert len(sent(protocol)) == 1

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([Subscription(Channel.BOOK, Symbol("USD/GUSD"))])


def test_candles_are_no_stream_of_this_feed() -> None:
    with pytest.raises(LocalProtocolError, match="no stream of this feed"):
        asked(Subscription(Channel.CANDLE, BTC, interval_s=60))


def test_the_list_of_markets_ends_with_the_next_answer() -> None:
    protocol = GeminiProtocol()
    protocol.subscribe([LIST])
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    assert isinstance(protocol.receive_response(fetch, b"[]", NOW)[0], Subscribed)
    protocol.unsubscribe([LIST])
    protocol.ping()

    assert protocol.receive(ok(1), NOW) == [
        Unsubscribed(venue="gemini", subscription=LIST, received_ns=NOW)
    ]


# The numbering of books


def test_an_update_that_begins_where_the_last_one_ended_is_applied() -> None:
    protocol = holding(100)

    (first,) = protocol.receive(depth(100, 105, "100 0,99.5 3"), NOW)
    (second,) = protocol.receive(depth(103, 110, "", "101 2"), NOW)

    assert first == BookUpdate("gemini", BTC, levels("100 0", "99.5 3"), (), THEN, NOW, None, 105)
    assert second == BookUpdate("gemini", BTC, (), levels("101 2"), THEN, NOW, None, 110)
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 0)


@pytest.mark.parametrize("frame", [depth(90, 95, "1 1"), depth(95, 100, "1 1"), depth(100, 100)])
def test_what_came_before_is_passed_over(frame: bytes) -> None:
    protocol = holding(100)

    assert protocol.receive(frame, NOW) == ()
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (0, 0)


def test_a_hole_is_published_in_place_of_the_update_and_nothing_follows_it() -> None:
    protocol = holding(100)

    (desync,) = protocol.receive(depth(101, 105, "100 3"), NOW)

    assert desync == Desync(
        venue="gemini",
        subscription=BOOK,
        generation=0,
        reason="an update from at most 100 was expected, was from 101",
        expected=100,
        computed=101,
        venue_ns=THEN,
        received_ns=NOW,
    )
    assert protocol.receive(depth(105, 110, "100 4"), NOW) == ()
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (0, 1)
    (snapshot,) = protocol.receive(depth(120, 120, "100 5"), NOW)
    assert isinstance(snapshot, BookSnapshot)
    assert len(protocol.receive(depth(120, 121, "100 6"), NOW)) == 1


def test_updates_before_the_snapshot_are_counted_and_the_first_is_published() -> None:
    protocol = acknowledged(BOOK)

    (early,) = protocol.receive(depth(100, 105, "100 3"), NOW)

    assert early == LeftOut(
        venue="gemini",
        subscription=BOOK,
        count=1,
        reason="a delta without its snapshot",
        sample="an update of btcusd",
        received_ns=NOW,
    )
    assert protocol.receive(depth(105, 106, "100 3"), NOW) == ()
    others, snapshot = protocol.receive(depth(107, 107, "100 3"), NOW)
    assert isinstance(others, LeftOut)
    assert others.count == 1
    assert isinstance(snapshot, BookSnapshot)


def test_what_looks_like_a_snapshot_unasked_is_a_hole() -> None:
    protocol = holding(100)

    assert isinstance(protocol.receive(depth(200, 200, "1 1"), NOW)[0], Desync)


def test_an_unreadable_update_is_a_hole_for_the_next_one() -> None:
    protocol = holding(100)
    with pytest.raises(RemoteProtocolError):
        protocol.receive(depth(100, 105, "100 -3"), NOW)

    assert isinstance(protocol.receive(depth(105, 110, "100 3"), NOW)[0], Desync)


def test_a_resync_ends_and_begins_the_stream_without_an_event() -> None:
    protocol = holding(100)
    protocol.resync(BOOK)
    protocol.resync(BOOK)
    end, begin = sent(protocol)
    assert (end["method"], begin["method"]) == ("unsubscribe", "subscribe")
    assert end["params"] == begin["params"] == ["btcusd@depth@100ms"]
    assert set(protocol.unanswered()) == {BOOK}

    assert len(protocol.receive(depth(100, 105, "100 3"), NOW)) == 1  # still the old stream
    assert protocol.receive(ok(end["id"]), NOW) == []
    (snapshot,) = protocol.receive(depth(200, 200, "100 4"), NOW)
    assert isinstance(snapshot, BookSnapshot)
    assert not protocol.unanswered()
    assert protocol.receive(ok(begin["id"]), NOW) == []


def test_a_venue_that_counts_anew_is_followed_after_a_resync() -> None:
    protocol = holding(1000)
    assert protocol.receive(depth(1, 2, "100 3"), NOW) == ()
    protocol.resync(BOOK)
    sent(protocol)

    assert isinstance(protocol.receive(depth(3, 3, "100 3"), NOW)[-1], BookSnapshot)
    assert isinstance(protocol.receive(depth(3, 4, "100 4"), NOW)[-1], BookUpdate)


def test_a_resync_can_be_requested_again_once_its_snapshot_was_lost() -> None:
    protocol = holding(100)
    protocol.resync(BOOK)
    for request in sent(protocol):
        protocol.receive(ok(request["id"]), NOW)

    protocol.resync(BOOK)

    assert len(sent(protocol)) == 2


def test_a_resync_waits_for_the_first_answer() -> None:
    protocol = asked(BOOK)
    sent(protocol)
    protocol.resync(BOOK)
    protocol.resync(TRADES)

    assert not protocol.outbox


def test_books_are_numbered_each_by_itself() -> None:
    protocol = acknowledged(BOOK, Subscription(Channel.BOOK, ETH))
    protocol.receive(depth(100, 100, "100 1"), NOW)
    protocol.receive(depth(500, 500, "10 1", name="ethusd"), NOW)

    assert len(protocol.receive(depth(100, 501, "100 2"), NOW)) == 1
    assert len(protocol.receive(depth(500, 502, "10 2", name="ethusd"), NOW)) == 1


def test_a_frame_whose_members_come_in_another_order_is_understood() -> None:
    protocol = holding(100)
    frame = b'{"s":"btcusd","e":"depthUpdate","E":1,"u":105,"U":100,"a":[["101","0"]]}'

    (update,) = protocol.receive(frame, NOW)

    assert isinstance(update, BookUpdate)
    assert (update.bids, update.asks) == ((), levels("101 0"))


# Other data


@pytest.mark.parametrize(("buyer_made", "side"), [(True, Side.SELL), (False, Side.BUY)])
def test_the_taker_is_not_the_maker(buyer_made: bool, side: Side) -> None:
    (published,) = acknowledged(TRADES).receive(trade(buyer_made=buyer_made), NOW)

    assert published == Trade(
        venue="gemini",
        symbol=BTC,
        side=side,
        price=Decimal("100.50"),
        quantity=Decimal("0.25"),
        trade_id="7",
        venue_ns=THEN,
        received_ns=NOW,
    )


def test_an_empty_side_of_a_ticker_is_left_out() -> None:
    frame = b'{"u":5,"E":1,"s":"btcusd","b":"","B":"","a":"101.0","A":"2"}'

    (published,) = acknowledged(TICKER).receive(frame, NOW)

    assert isinstance(published, Ticker)
    assert (published.bid, published.bid_quantity) == (None, None)
    assert (published.ask, published.ask_quantity) == (Decimal("101.0"), Decimal(2))


def test_events_of_private_streams_are_passed_over() -> None:
    frame = b'{"e":"orderUpdate","E":1,"s":"BTCUSD","i":7,"X":"NEW"}'

    assert GeminiProtocol().receive(frame, NOW) == ()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"id":1,"status":500}',
        b'{"lastUpdateId":1,"bids":[],"asks":[]}',
        depth(100, 105, name="ethusd"),
        depth(105, 100),
        trade(name="ethusd"),
        depth(100, 100, "NaN 1"),
        depth(100, 100, "100 1e99"),
        depth(100, 100, "-1 1"),
        depth(10**30, 10**30),
        b'{"e":"depthUpdate","E":1,"s":"btcusd","U":1,"u":1,"b":[["1"]]}',
        b'{"E":1,"s":"btcusd","t":1,"p":"1","q":"1"}',
        b'{"E":1,"s":"btcusd","t":1,"p":"x","q":"1","m":true}',
        b'{"u":1,"E":1,"s":"btcusd","b":[["1","1"]],"B":"","a":"","A":""}',
    ],
)
def test_nonsense_is_the_venues_fault(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        acknowledged(BOOK, TRADES, TICKER).receive(frame, NOW)


# On a tape


def overheard(*frames: bytes) -> list[Event]:
    protocol = GeminiProtocol()
    protocol.follow_passively()
    return [event for frame in frames for event in protocol.receive(frame, NOW)]


def test_a_tape_needs_no_requests() -> None:
    snapshot, update, published = overheard(depth(5, 5, "1 1"), depth(5, 6, "1 2"), trade())

    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(update, BookUpdate)
    assert isinstance(published, Trade)


def test_a_request_on_a_tape_makes_a_book_begin_anew() -> None:
    protocol = GeminiProtocol()
    protocol.follow_passively()
    protocol.receive(depth(5, 5, "1 1"), NOW)
    for params in ('["btcusd@depth"]', '["x@depth",5]', '{"symbol":"btcusd"}', '["@x","@depth"]'):
        request = '{"id":"1","method":"SUBSCRIBE","params":%s}' % params  # noqa: UP031
        protocol.follow_request(request.encode())
    protocol.follow_request(b"nonsense")

    (snapshot,) = protocol.receive(depth(90, 90, "1 2"), NOW)

    assert isinstance(snapshot, BookSnapshot)


def test_an_end_on_a_tape_makes_data_late() -> None:
    protocol = GeminiProtocol()
    protocol.follow_passively()
    protocol.receive(depth(5, 5, "1 1"), NOW)
    protocol.follow_request(b'{"id":2,"method":"unsubscribe","params":["btcusd@depth@100ms"]}')

    assert protocol.receive(depth(5, 6, "1 2"), NOW) == ()


def test_a_stream_that_another_client_requests_again_is_active_again() -> None:
    protocol = GeminiProtocol()
    protocol.follow_passively()
    protocol.receive(depth(5, 5, "1 1"), NOW)
    for method in ("unsubscribe", "subscribe"):
        request = {"id": 2, "method": method, "params": ["btcusd@depth@100ms"]}
        protocol.follow_request(json.dumps(request).encode())

    (snapshot,) = protocol.receive(depth(9, 9, "1 2"), NOW)

    assert isinstance(snapshot, BookSnapshot)


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
def test_updates_are_scanned_unless_a_snapshot_is_awaited() -> None:
    protocol = acknowledged(BOOK)
    assert protocol.scan_books is not None

    assert protocol.scan_books([depth(5, 5, "100 1")], 0, NOW) is None
    protocol.receive(depth(5, 5, "100 1", "101 1"), NOW)
    assert protocol.scan_books([depth(5, 9, "100 2"), depth(9, 12, "100 3")], 0, NOW) == [
        *reading_from(5).receive(depth(5, 9, "100 2"), NOW),
        *reading_from(9).receive(depth(9, 12, "100 3"), NOW),
    ]
    assert protocol.sequence.steps == 2
    assert protocol.scan_books([depth(13, 14, "100 2")], 0, NOW) is None
    protocol.resync(BOOK)
    assert protocol.scan_books([depth(12, 14, "100 2")], 0, NOW) is None


def reading_from(number: int) -> GeminiProtocol:
    """A protocol whose book has come to a number."""
    protocol = acknowledged(BOOK)
    protocol.receive(depth(number, number, "100 1", "101 1"), NOW)
    return protocol
