"""Dialogues with the Exchange feed, frame by frame; the frames are written like the captures."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level, Ticker, Trade
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from fluxum.venues.venue import Fetch
from venues.coinbase.dialogue import NOW, frame, receive_all, sent
from venues.coinbase.exchange_frames import (
    BOOK,
    BTC,
    ETH,
    LISTING,
    TRADES,
    VENUE,
    acknowledged,
    heartbeat,
    listing,
    match,
    refusal,
    snapshot,
    update,
)


def test_each_channel_is_a_request_with_heartbeats_in_it() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([BOOK, Subscription(Channel.BOOK, ETH), TRADES])

    assert sent(protocol) == [
        {
            "type": "subscribe",
            "product_ids": ["BTC-USD", "ETH-USD"],
            "channels": ["level2_batch", "heartbeat"],
        },
        {"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["matches", "heartbeat"]},
    ]
    assert list(protocol.unanswered()) == [BOOK, Subscription(Channel.BOOK, ETH), TRADES]


@pytest.mark.parametrize("name", ["level2_50", "level2_batch", "level2"])
def test_a_list_accepts_by_any_name_of_the_channel(name: str) -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([BOOK])

    published = receive_all(
        protocol, listing(**{name: ["BTC-USD", "ETH-USD"], "heartbeat": ["BTC-USD"]})
    )

    assert published == [Subscribed(venue=VENUE, subscription=BOOK, received_ns=NOW)]
    assert not protocol.unanswered()


def test_data_may_come_before_its_list() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([BOOK, TRADES])

    published = receive_all(protocol, snapshot(), match(7, "last_match"))

    assert [type(event) for event in published] == [Subscribed, BookSnapshot, Subscribed, Trade]
    assert not protocol.unanswered()


def test_a_repeated_list_refuses_no_stream() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([BOOK, TRADES])
    books = listing(level2_50=["BTC-USD"])

    receive_all(protocol, books)

    assert receive_all(protocol, books) == []
    assert list(protocol.unanswered()) == [TRADES]


def test_one_unknown_product_is_refused_and_the_others_requested_again() -> None:
    protocol = ExchangeProtocol()
    bad = Subscription(Channel.BOOK, Symbol("NO/SUCH"))
    protocol.subscribe([BOOK, bad])
    sent(protocol)

    (published,) = receive_all(protocol, refusal("NO-SUCH is not a valid product"))

    assert isinstance(published, Refused)
    assert (published.subscription, published.message) == (
        bad,
        "Failed to subscribe: NO-SUCH is not a valid product",
    )
    (again,) = sent(protocol)
    assert again["product_ids"] == ["BTC-USD"]
    assert list(protocol.unanswered()) == [BOOK]


def test_a_reason_that_names_no_product_refuses_all_of_the_oldest_request() -> None:
    protocol = ExchangeProtocol()
    other = Subscription(Channel.BOOK, ETH)
    protocol.subscribe([BOOK, other, TRADES])

    published = receive_all(
        protocol, refusal("level2, level3, and full channels now require authentication.")
    )

    assert [event.subscription for event in published if isinstance(event, Refused)] == [
        BOOK,
        other,
    ]
    assert list(protocol.unanswered()) == [TRADES]


def test_an_error_without_a_request_is_published_of_no_stream() -> None:
    (published,) = receive_all(ExchangeProtocol(), refusal("No channels provided"))

    assert isinstance(published, Refused)
    assert published.subscription is None


def test_an_end_is_requested_acknowledged_and_followed_by_nothing() -> None:
    protocol = acknowledged(BOOK, TRADES)
    receive_all(protocol, snapshot())
    protocol.unsubscribe([BOOK])

    assert sent(protocol) == [
        {"type": "unsubscribe", "product_ids": ["BTC-USD"], "channels": ["level2_batch"]}
    ]
    assert receive_all(protocol, update(), snapshot()) == []
    published = receive_all(protocol, listing(matches=["BTC-USD"]))
    assert published == [Unsubscribed(venue=VENUE, subscription=BOOK, received_ns=NOW)]


def test_a_resync_asks_again_without_an_event_and_once() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot())
    protocol.resync(BOOK)
    protocol.resync(BOOK)
    protocol.resync(TRADES)

    assert [request["type"] for request in sent(protocol)] == ["unsubscribe", "subscribe"]
    published = receive_all(protocol, listing(), snapshot(), listing(level2_50=["BTC-USD"]))
    assert [type(event) for event in published] == [BookSnapshot]


def test_a_link_without_a_product_lives_by_the_heartbeats_of_another() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([LISTING])

    assert sent(protocol) == [
        {"fetch": "/products"},
        {"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["heartbeat"]},
    ]
    receive_all(protocol, listing(heartbeat=["BTC-USD"]), heartbeat(1))
    protocol.ping()
    assert sent(protocol) == []
    protocol.ping()
    assert len(sent(protocol)) == 1


def test_nothing_proves_a_book() -> None:
    protocol = acknowledged(BOOK)

    published = receive_all(
        protocol, update(), snapshot(), update("BTC-USD", ["sell", "101.0", "5"])
    )

    assert [type(event) for event in published] == [LeftOut, BookSnapshot, BookUpdate]
    _, whole, change = published
    assert isinstance(whole, BookSnapshot)
    assert isinstance(change, BookUpdate)
    assert (whole.sequence, whole.checksum, whole.venue_ns) == (None, None, None)
    assert change.asks == (Level(Decimal(101), Decimal(5)),)
    assert (change.sequence, change.checksum) == (None, None)


def test_the_side_of_a_match_is_the_makers() -> None:
    protocol = acknowledged(TRADES)

    published = receive_all(protocol, match(7, "last_match"), match(8))

    found = [event for event in published if isinstance(event, Trade)]
    assert [event.side.value for event in found] == ["buy", "buy"]
    assert [event.backfilled for event in found] == [True, False]
    assert [event.sequence for event in found] == [7, 8]


def test_a_trade_that_a_heartbeat_named_and_the_next_still_misses_is_lost() -> None:
    protocol = acknowledged(TRADES)
    receive_all(protocol, match(7, "last_match"), heartbeat(8))
    receive_all(protocol, match(8))
    assert receive_all(protocol, heartbeat(9)) == []

    published = receive_all(protocol, heartbeat(9))

    assert published == [
        Desync(
            venue=VENUE,
            subscription=TRADES,
            generation=0,
            reason="a heartbeat named trade 9, the last one here is 8",
            expected=9,
            computed=8,
            received_ns=NOW,
        )
    ]
    receive_all(protocol, match(9, "last_match"))
    assert receive_all(protocol, heartbeat(9), heartbeat(9)) == []


def test_a_ticker_may_be_empty() -> None:
    protocol = acknowledged(Subscription(Channel.TICKER, BTC))

    (published,) = receive_all(protocol, frame(type="ticker", product_id="BTC-USD", price=""))

    assert isinstance(published, Ticker)
    assert (published.last, published.venue_ns) == (None, None)


def test_types_that_are_unknown_are_ignored() -> None:
    assert receive_all(ExchangeProtocol(), frame(type="tomorrow", anything=1)) == []


@pytest.mark.parametrize(
    "nonsense",
    [
        b"invalid (un)subscribe msg",
        b'["open","BTC-USD"]',
        b"\xff",
        frame(type="l2update", product_id="BTC-USD", changes=[["up", "1", "1"]]),
        frame(type="l2update", product_id="BTC-USD", changes=[["buy", "NaN", "1"]], time=""),
        frame(type="snapshot", product_id="ETH-USD", asks=[], bids=[]),
        frame(type="match", trade_id=-1),
    ],
)
def test_what_makes_no_sense_is_refused(nonsense: bytes) -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot())

    with pytest.raises(RemoteProtocolError):
        protocol.receive(nonsense, NOW)


def test_the_list_of_markets_accepts_its_subscription() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([LISTING])
    body = (
        b'[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01",'
        b'"base_increment":"0.00000001","status":"online"}]'
    )

    published = protocol.receive_response(Fetch("GET", "/products", "products"), body, NOW)

    assert [type(event) for event in published] == [Subscribed, Instrument]
    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(Fetch("GET", "/products", "products"), b"{}", NOW)


def test_a_tape_teaches_what_another_client_requested() -> None:
    protocol = ExchangeProtocol()
    protocol.follow_passively()
    channels: list[Any] = ["level2", {"name": "matches", "product_ids": ["ETH-USD"]}]
    protocol.follow_request(frame(type="subscribe", product_ids=["BTC-USD"], channels=channels))
    protocol.follow_request(b"nonsense")

    assert receive_all(protocol, update()) == []  # known, so it waits for its snapshot
    (published,) = receive_all(protocol, update("SKL-BTC"))
    assert isinstance(published, BookUpdate)
    assert published.symbol == "SKL/BTC"


def test_on_a_tape_a_stream_that_is_requested_anew_goes_on_until_then() -> None:
    protocol = ExchangeProtocol()
    protocol.follow_passively()
    channels = ["level2", "heartbeat"]
    products = ["BTC-USD", "ETH-USD"]
    protocol.follow_request(frame(type="subscribe", product_ids=products, channels=channels))
    receive_all(protocol, listing(level2=products), snapshot(), snapshot("ETH-USD"))
    for kind in ("unsubscribe", "subscribe"):
        protocol.follow_request(frame(type=kind, product_ids=["BTC-USD"], channels=channels))
    protocol.follow_request(frame(type="unsubscribe", product_ids=["ETH-USD"], channels=channels))

    published = receive_all(protocol, update(), update("ETH-USD"), listing(level2=["BTC-USD"]))

    assert [type(event) for event in published] == [BookUpdate, BookUpdate]
    assert [type(event) for event in receive_all(protocol, update())] == [BookUpdate]
