"""Dialogues with Advanced Trade, frame by frame; the frames are written like the captures."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Level, Ticker, Trade
from fluxum.venues.coinbase.advanced.protocol import AdvancedProtocol
from fluxum.venues.coinbase.venue import COINBASE
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.venue import Fetch
from venues.coinbase.advanced_frames import (
    BOOK,
    BTC,
    CANDLES,
    ETH,
    LISTING,
    TICKER,
    TRADES,
    USDC,
    acknowledged,
    book,
    candles,
    heartbeat,
    listing,
    snapshot,
    trades,
    update,
)
from venues.coinbase.dialogue import NOW, envelope, frame, receive_all, sent

# Requests and answers


def test_each_channel_is_a_request_and_heartbeats_are_the_first() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([BOOK, Subscription(Channel.BOOK, ETH), TRADES, CANDLES])

    assert sent(protocol) == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD", "ETH-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "candles", "product_ids": ["BTC-USD"]},
    ]
    protocol.subscribe([TICKER, BOOK])
    assert sent(protocol) == [
        {"type": "subscribe", "channel": "ticker", "product_ids": ["BTC-USD"]}
    ]


def test_a_list_or_a_snapshot_accepts_whichever_comes_first() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([BOOK, TICKER])
    assert list(protocol.unanswered()) == [BOOK, TICKER]

    published = receive_all(protocol, listing(0, heartbeats=["heartbeats"]), snapshot(1))
    assert [type(event) for event in published] == [Subscribed, BookSnapshot]
    assert list(protocol.unanswered()) == [TICKER]

    both = {"level2": ["BTC-USD"], "heartbeats": ["heartbeats"]}
    assert receive_all(protocol, listing(2, **both)) == []
    published = receive_all(protocol, listing(3, ticker=["BTC-USD"], **both))
    assert published == [Subscribed(venue="coinbase", subscription=TICKER, received_ns=NOW)]
    assert not protocol.unanswered()


def test_what_a_list_leaves_out_is_refused() -> None:
    protocol = AdvancedProtocol()
    bad = Subscription(Channel.TICKER, Symbol("NO/SUCH"))
    protocol.subscribe([TICKER, bad])

    beats = {"heartbeats": ["heartbeats"]}
    published = receive_all(protocol, listing(0, **beats), listing(1, ticker=["BTC-USD"], **beats))

    assert [(type(event), event.subscription) for event in published] == [  # type: ignore[union-attr]
        (Subscribed, TICKER),
        (Refused, bad),
    ]
    assert not protocol.unanswered()


def test_an_error_refuses_the_oldest_request_of_its_kind() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([TICKER, BOOK])
    receive_all(protocol, listing(0, heartbeats=["heartbeats"]))

    text = "too many L2 streams requested in a single session"
    published = receive_all(protocol, frame(type="error", message=text))

    assert published == [
        Refused(venue="coinbase", subscription=BOOK, message=text, received_ns=NOW)
    ]
    assert list(protocol.unanswered()) == [TICKER]


def test_one_unknown_product_is_refused_and_the_others_requested_again() -> None:
    protocol = AdvancedProtocol()
    bad = Subscription(Channel.BOOK, Symbol("NO/SUCH"))
    protocol.subscribe([BOOK, bad])
    receive_all(protocol, listing(0, heartbeats=["heartbeats"]))
    sent(protocol)

    reason = "NO-SUCH is not a valid product"
    (refused,) = receive_all(
        protocol, frame(type="error", message="Failed to subscribe", reason=reason)
    )

    assert isinstance(refused, Refused)
    assert refused.subscription == bad
    assert refused.message == f"Failed to subscribe: {reason}"
    assert sent(protocol) == [
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"]}
    ]
    assert list(protocol.unanswered()) == [BOOK]


def test_an_end_is_requested_acknowledged_and_followed_by_nothing() -> None:
    protocol = acknowledged(BOOK, TRADES)
    receive_all(protocol, snapshot(2))
    protocol.unsubscribe([BOOK, Subscription(Channel.BOOK, ETH)])

    assert sent(protocol) == [
        {"type": "unsubscribe", "channel": "level2", "product_ids": ["BTC-USD"]}
    ]
    assert receive_all(protocol, update(3), snapshot(4)) == []
    published = receive_all(protocol, listing(5, market_trades=["BTC-USD"]))
    assert published == [Unsubscribed(venue="coinbase", subscription=BOOK, received_ns=NOW)]


def test_a_quiet_link_is_requested_heartbeats_again() -> None:
    protocol = acknowledged(TRADES)
    receive_all(protocol, heartbeat(2))
    protocol.ping()
    assert sent(protocol) == []

    protocol.ping()
    assert sent(protocol) == [{"type": "subscribe", "channel": "heartbeats"}]


# Numbers


def test_every_frame_is_counted_whatever_its_channel() -> None:
    protocol = acknowledged(BOOK)

    unknown = envelope(4, "status", {"type": "snapshot", "products": []})
    receive_all(protocol, snapshot(2), heartbeat(3), unknown, update(5))

    assert (protocol.sequence.steps, protocol.sequence.breaks) == (5, 0)


def test_a_lost_frame_puts_every_stream_out_of_step() -> None:
    protocol = acknowledged(BOOK, TRADES)
    receive_all(protocol, snapshot(2))

    published = receive_all(protocol, update(4))

    assert published == [
        Desync(
            venue="coinbase",
            subscription=one,
            generation=0,
            reason="frame 3 of the link was expected, was 4",
            expected=3,
            computed=4,
            received_ns=NOW,
        )
        for one in (BOOK, TRADES)
    ]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 1)
    assert receive_all(protocol, update(5)) == []
    assert [type(event) for event in receive_all(protocol, snapshot(6), update(7))] == [
        BookSnapshot,
        BookUpdate,
    ]


def test_a_lost_heartbeat_is_a_break_too() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot(2))

    assert [type(event) for event in receive_all(protocol, heartbeat(4))] == [Desync]


def test_what_shows_a_break_is_published_if_it_is_no_book() -> None:
    protocol = acknowledged(TRADES)

    published = receive_all(protocol, trades(3, "update", 8))

    assert [type(event) for event in published] == [Desync, Trade]


def test_a_repeated_frame_is_passed_over() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot(2), update(3))

    assert receive_all(protocol, update(3), snapshot(2)) == []
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (3, 0)


def test_a_snapshot_that_comes_before_or_after_its_turn_begins_no_book() -> None:
    for order in ((snapshot(4), update(3)), (update(4), snapshot(3))):
        protocol = acknowledged(BOOK)
        receive_all(protocol, snapshot(2))

        assert [type(event) for event in receive_all(protocol, *order)] == [Desync]
        assert receive_all(protocol, update(5)) == []
        assert [type(event) for event in receive_all(protocol, snapshot(6))] == [BookSnapshot]


@pytest.mark.parametrize("nonsense", [b"{", frame(channel="l2_data"), b"[]", b"\xff"])
def test_a_frame_without_a_number_is_missing_to_the_next_and_may_be_of_any_stream(
    nonsense: bytes,
) -> None:
    protocol = acknowledged(BOOK, TRADES)
    receive_all(protocol, snapshot(2))
    with pytest.raises(RemoteProtocolError) as raised:
        protocol.receive(nonsense, NOW)
    assert not isinstance(raised.value, UnreadableStream)

    assert [type(event) for event in receive_all(protocol, update(4))] == [Desync, Desync]


def test_data_that_was_not_requested_is_the_venues_fault_and_no_break() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot(2))

    with pytest.raises(RemoteProtocolError, match="was not requested"):
        protocol.receive(snapshot(3, "ETH-USD"), NOW)

    assert [type(event) for event in receive_all(protocol, update(4))] == [BookUpdate]


def test_a_break_is_healed_by_two_requests_for_each_channel() -> None:
    other = Subscription(Channel.BOOK, ETH)
    protocol = acknowledged(BOOK, other, TRADES)
    receive_all(protocol, heartbeat(3))
    for one in (BOOK, TRADES, other, BOOK):
        protocol.resync(one)

    assert sent(protocol) == [
        {"type": "unsubscribe", "channel": "level2", "product_ids": ["BTC-USD", "ETH-USD"]},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD", "ETH-USD"]},
        {"type": "unsubscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
    ]
    published = receive_all(
        protocol,
        listing(4, market_trades=["BTC-USD"]),
        snapshot(5),
        snapshot(6, "ETH-USD"),
        listing(7, level2=["BTC-USD", "ETH-USD"], market_trades=["BTC-USD"]),
    )
    assert [type(event) for event in published] == [BookSnapshot, BookSnapshot]


def test_a_resync_on_its_way_is_not_requested_twice_unless_its_answer_may_be_lost() -> None:
    protocol = acknowledged(BOOK)
    receive_all(protocol, snapshot(2))
    protocol.resync(BOOK)
    assert len(sent(protocol)) == 2
    assert list(protocol.unanswered()) == [BOOK]

    protocol.resync(BOOK)
    assert sent(protocol) == []

    receive_all(protocol, heartbeat(4))
    protocol.resync(BOOK)
    assert len(sent(protocol)) == 2


def test_nothing_is_resynced_that_is_not_active() -> None:
    protocol = acknowledged(BOOK)

    protocol.resync(TRADES)

    assert sent(protocol) == []


# Data


def test_a_book_is_sorted_and_its_number_proves_it() -> None:
    protocol = acknowledged(BOOK)
    rows = (("offer", "102", "1"), ("bid", "99", "4"), ("offer", "101", "2"), ("bid", "100", "1"))

    (published,) = receive_all(protocol, book(2, "snapshot", *rows))

    assert isinstance(published, BookSnapshot)
    assert published.bids == (Level(Decimal(100), Decimal(1)), Level(Decimal(99), Decimal(4)))
    assert [level.price for level in published.asks] == [101, 102]
    assert (published.sequence, published.depth, published.cut_at) == (2, None, None)
    (published,) = receive_all(protocol, update(3))
    assert isinstance(published, BookUpdate)
    assert (published.bids, published.asks, published.sequence) == (
        (Level(Decimal(100), Decimal(3)),),
        (),
        3,
    )


def test_an_update_waits_for_its_snapshot() -> None:
    protocol = acknowledged(BOOK)

    published = receive_all(protocol, update(2), update(3), update(4), snapshot(5))

    assert [(type(event), getattr(event, "count", None)) for event in published] == [
        (LeftOut, 1),
        (LeftOut, 2),
        (BookSnapshot, None),
    ]
    assert published[0] == LeftOut(
        venue="coinbase",
        subscription=BOOK,
        count=1,
        reason="a delta without its snapshot",
        sample="an update of BTC-USD",
        received_ns=NOW,
    )


def test_one_frame_may_tell_of_several_books() -> None:
    protocol = acknowledged(BOOK, Subscription(Channel.BOOK, ETH))
    rows = [{"side": "bid", "price_level": "1", "new_quantity": "1"}]
    events: list[dict[str, Any]] = [
        {"type": "snapshot", "product_id": product, "updates": rows}
        for product in ("BTC-USD", "ETH-USD")
    ]

    published = receive_all(protocol, envelope(2, "l2_data", *events))

    assert [event.symbol for event in published if isinstance(event, BookSnapshot)] == [BTC, ETH]


def test_trades_are_published_oldest_first() -> None:
    protocol = acknowledged(TRADES)

    published = receive_all(protocol, trades(2, "snapshot", 7, 6, 5), trades(3, "update", 9, 8))

    found = [event for event in published if isinstance(event, Trade)]
    assert [event.sequence for event in found] == [5, 6, 7, 8, 9]
    assert [event.backfilled for event in found] == [True, True, True, False, False]


def test_a_candle_is_closed_by_a_later_one() -> None:
    protocol = acknowledged(CANDLES)

    published = receive_all(
        protocol,
        candles(2, "snapshot", 900, 300, 600),
        candles(3, "update", 900),
        candles(4, "update", 1200),
        candles(5, "update", 900),
    )

    found = [(e.start_ns // 10**9, e.closed) for e in published if isinstance(e, Candle)]
    assert found == [
        (300, True),
        (600, True),
        (900, False),
        (900, False),
        (900, True),
        (1200, False),
    ]


def test_a_snapshot_that_goes_on_closes_what_ran_before_once() -> None:
    protocol = acknowledged(CANDLES)

    published = receive_all(protocol, candles(2, "snapshot", 300), candles(3, "snapshot", 300, 600))

    found = [(e.start_ns // 10**9, e.closed) for e in published if isinstance(e, Candle)]
    assert found == [(300, False), (300, True), (600, False)]


def test_empty_fields_of_a_ticker_are_none() -> None:
    protocol = acknowledged(TICKER)
    line = {"type": "ticker", "product_id": "BTC-USD", "price": "", "best_bid": "1"}

    (published,) = receive_all(
        protocol, envelope(2, "ticker", {"type": "update", "tickers": [line]})
    )

    assert isinstance(published, Ticker)
    assert (published.last, published.bid, published.ask, published.change_percent) == (
        None,
        Decimal(1),
        None,
        None,
    )


def test_usdc_is_published_as_usd() -> None:
    wanted = Subscription(Channel.BOOK, USDC)
    protocol = AdvancedProtocol()
    protocol.subscribe([wanted])
    assert sent(protocol)[1]["product_ids"] == ["BTC-USDC"]

    beats = {"heartbeats": ["heartbeats"]}
    published = receive_all(protocol, listing(0, **beats), listing(1, level2=["BTC-USD"], **beats))
    published += receive_all(protocol, snapshot(2), update(3))

    assert [type(event) for event in published] == [Subscribed, BookSnapshot, BookUpdate]
    assert {
        event.symbol for event in published if isinstance(event, BookSnapshot | BookUpdate)
    } == {USDC}
    protocol.unsubscribe([wanted])
    assert receive_all(protocol, update(4)) == []


def test_two_candle_intervals_cannot_be_told_apart() -> None:
    protocol = acknowledged(CANDLES)

    with pytest.raises(LocalProtocolError):
        protocol.subscribe([Subscription(Channel.CANDLE, BTC, interval_s=60)])


# The list of markets


def product(**members: object) -> dict[str, object]:
    return {
        "product_id": "BTC-USD",
        "product_type": "SPOT",
        "status": "online",
        "base_currency_id": "BTC",
        "quote_currency_id": "USD",
        "price_increment": "0.01",
        "base_increment": "1",
        "base_min_size": "0.00000001",
        **members,
    }


def test_the_list_of_markets_is_fetched_once_and_accepts_its_subscription() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([LISTING])
    protocol.resync(LISTING)
    assert sent(protocol) == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"fetch": "/api/v3/brokerage/market/products"},
    ]
    assert not protocol.unanswered()

    body = frame(products=[product(), product(product_type="FUTURE", product_id="BIT-28JUN24-CDE")])
    published = protocol.receive_response(Fetch("GET", "", "products"), body, NOW)

    assert [type(event) for event in published] == [Subscribed, Instrument]
    protocol.unsubscribe([LISTING])
    assert not protocol.receive_response(Fetch("GET", "", "products"), body, NOW)
    assert receive_all(protocol, heartbeat(0)) == [
        Unsubscribed(venue="coinbase", subscription=LISTING, received_ns=NOW)
    ]


def test_a_refused_list_of_markets_is_published() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([LISTING])

    (published,) = protocol.receive_refusal(Fetch("GET", "", "products"), "HTTP 403", NOW)

    message = "no list of markets (products): HTTP 403"
    assert published == Refused(
        venue="coinbase", subscription=LISTING, message=message, received_ns=NOW
    )


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, InstrumentStatus.ONLINE),
        ({"limit_only": True}, InstrumentStatus.LIMIT_ONLY),
        ({"post_only": True}, InstrumentStatus.POST_ONLY),
        ({"cancel_only": True}, InstrumentStatus.CANCEL_ONLY),
        ({"status": "delisted", "trading_disabled": True}, InstrumentStatus.DELISTED),
        ({"trading_disabled": True}, InstrumentStatus.OTHER),
    ],
)
def test_a_market_tells_what_one_may_do_there(
    members: dict[str, object], status: InstrumentStatus
) -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([LISTING])
    body = frame(products=[product(**members)])

    _, published = protocol.receive_response(Fetch("GET", "", "products"), body, NOW)

    assert isinstance(published, Instrument)
    assert published.status is status
    assert (published.price_precision, published.quantity_precision) == (2, 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", frame(products={"BTC-USD": product()})])
def test_a_list_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        AdvancedProtocol().receive_response(Fetch("GET", "", "products"), body, NOW)


# Tapes


def test_a_tape_teaches_what_another_client_requested() -> None:
    protocol = AdvancedProtocol()
    protocol.follow_passively()
    for asked in (
        frame(type="subscribe", channel="level2", product_ids=["BTC-USDC"]),
        frame(type="subscribe", channel="candles", product_ids=["no product"]),
        frame(type="subscribe", channel="level3", product_ids=["BTC-USD"]),
        b"nonsense",
    ):
        protocol.follow_request(asked)

    (published,) = receive_all(protocol, snapshot(5))

    assert isinstance(published, BookSnapshot)
    assert published.symbol == USDC


def test_a_stream_that_another_client_requests_again_is_active_again() -> None:
    protocol = AdvancedProtocol()
    protocol.follow_passively()
    for kind in ("subscribe", "unsubscribe", "subscribe"):
        protocol.follow_request(frame(type=kind, channel="level2", product_ids=["BTC-USD"]))

    assert [type(event) for event in receive_all(protocol, snapshot(5))] == [BookSnapshot]


def test_the_venue_spells_symbols_with_a_hyphen() -> None:
    assert COINBASE.format_symbol(BTC) == "BTC-USD"
