"""Dialogues with Kraken, frame by frame; the frames are captures or written like them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

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
    VenueStatus,
)
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
    Side,
    Ticker,
    Trade,
)
from fluxum.venues.conversation import Auth, UnreadableStream, VenueTime
from fluxum.venues.kraken import native
from fluxum.venues.kraken.normalize import Numbers
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.private import TOKEN
from fluxum.venues.venue import Fetch, Send

CAPTURES: dict[str, bytes] = {
    record["name"]: record["frame"].encode()
    for record in map(
        json.loads, (Path(__file__).parent / "captures/public.jsonl").read_text().splitlines()
    )
}
MATIC, ALGO, BTC = Symbol("MATIC/USD"), Symbol("ALGO/USD"), Symbol("BTC/USD")
NOW = 1_700_000_000_000_000_000


def book(symbol: Symbol) -> Subscription:
    return Subscription(Channel.BOOK, symbol, 10)


def sent(protocol: KrakenProtocol) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        requests.append(json.loads(effect.frame))
    return requests


def subscribed(*subscriptions: Subscription) -> KrakenProtocol:
    """A protocol whose subscriptions are acknowledged."""
    protocol = KrakenProtocol()
    protocol.subscribe(subscriptions)
    for request in sent(protocol):
        params: dict[str, Any] = request["params"]
        for symbol in params.get("symbol") or [None]:
            protocol.receive(ack(request["req_id"], {**params, "symbol": symbol}), NOW)
    assert not protocol.unanswered()
    return protocol


def ack(req_id: object, result: Mapping[str, object], method: str = "subscribe") -> bytes:
    return json.dumps(
        {"method": method, "req_id": req_id, "result": result, "success": True}
    ).encode()


def receive(capture: str, *subscriptions: Subscription) -> list[Event]:
    return list(subscribed(*subscriptions).receive(CAPTURES[capture], NOW))


# Requests and answers


def test_one_request_names_all_symbols_and_each_is_answered_by_itself() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe([book(ALGO), book(MATIC)])

    (request,) = sent(protocol)
    assert request == {
        "method": "subscribe",
        "params": {
            "channel": "book",
            "symbol": ["ALGO/USD", "MATIC/USD"],
            "depth": 10,
            "snapshot": True,
        },
        "req_id": 1,
    }
    assert list(protocol.unanswered()) == [book(ALGO), book(MATIC)]

    events = protocol.receive(
        ack(1, {"channel": "book", "depth": 10, "snapshot": True, "symbol": "MATIC/USD"}), NOW
    )
    assert events == [Subscribed(venue="kraken", subscription=book(MATIC), received_ns=NOW)]
    assert list(protocol.unanswered()) == [book(ALGO)]

    refusal = json.loads(CAPTURES["refused_symbol"])
    refusal.update(req_id=1, symbol="ALGO/USD")
    events = protocol.receive(json.dumps(refusal).encode(), NOW)
    assert events == [
        Refused(
            venue="kraken",
            subscription=book(ALGO),
            message="Currency pair not supported XBT/USD",
            received_ns=NOW,
        )
    ]
    assert not protocol.unanswered()


def test_different_depths_channels_and_intervals_are_different_requests() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe(
        [
            Subscription(Channel.BOOK, ALGO, 25),
            Subscription(Channel.CANDLE, ALGO, interval_s=300),
            Subscription(Channel.CANDLE, ALGO, interval_s=3600),
            Subscription(Channel.INSTRUMENT),
            Subscription(Channel.TRADE, ALGO),
        ]
    )

    params = [request["params"] for request in sent(protocol)]
    assert params == [
        {"channel": "book", "symbol": ["ALGO/USD"], "depth": 25, "snapshot": True},
        {"channel": "ohlc", "symbol": ["ALGO/USD"], "interval": 5, "snapshot": True},
        {"channel": "ohlc", "symbol": ["ALGO/USD"], "interval": 60, "snapshot": True},
        {"channel": "instrument", "snapshot": True},
        {"channel": "trade", "symbol": ["ALGO/USD"], "snapshot": True},
    ]


def test_a_refusal_without_a_symbol_refuses_the_whole_request() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe([book(ALGO), book(MATIC)])
    refusal = json.loads(CAPTURES["refused_host"])
    refusal["req_id"] = 1

    events = protocol.receive(json.dumps(refusal).encode(), NOW)

    assert [event.subscription for event in events if isinstance(event, Refused)] == [
        book(ALGO),
        book(MATIC),
    ]


def test_a_refusal_that_also_names_a_channel_is_read_as_an_answer() -> None:
    (event,) = KrakenProtocol().receive(CAPTURES["refused_session"], NOW)

    assert isinstance(event, Refused)
    assert event.message == "ESession:Invalid session"


def test_a_snapshot_answers_when_the_acknowledgement_is_lost() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe([book(MATIC)])

    events = protocol.receive(snapshot("MATIC/USD"), NOW)

    assert [type(event) for event in events] == [Subscribed, BookSnapshot]
    assert not protocol.unanswered()
    late = ack(1, {"channel": "book", "depth": 10, "snapshot": True, "symbol": "MATIC/USD"})
    assert protocol.receive(late, NOW) == ()


def test_a_resync_requests_again_and_publishes_nothing() -> None:
    protocol = subscribed(book(MATIC))
    protocol.resync(book(MATIC))

    end, begin = sent(protocol)
    assert end["method"] == "unsubscribe"
    assert end["params"] == {"channel": "book", "symbol": ["MATIC/USD"], "depth": 10}
    assert begin["method"] == "subscribe"
    result = {"channel": "book", "depth": 10, "symbol": "MATIC/USD"}
    assert not protocol.receive(ack(end["req_id"], result, "unsubscribe"), NOW)
    assert not protocol.receive(ack(begin["req_id"], result), NOW)
    assert [type(event) for event in protocol.receive(snapshot("MATIC/USD"), NOW)] == [BookSnapshot]


def test_only_an_active_subscription_is_resynced() -> None:
    protocol = subscribed(book(MATIC))

    protocol.resync(book(ALGO))

    assert not protocol.outbox


def test_data_of_an_ended_stream_is_late_and_of_an_unknown_one_an_error() -> None:
    protocol = subscribed(book(MATIC))
    protocol.unsubscribe([book(MATIC)])
    (request,) = sent(protocol)

    assert protocol.receive(CAPTURES["book_update"], NOW) == ()
    events = protocol.receive(
        ack(request["req_id"], {"channel": "book", "symbol": "MATIC/USD"}, "unsubscribe"), NOW
    )
    assert events == [Unsubscribed(venue="kraken", subscription=book(MATIC), received_ns=NOW)]
    with pytest.raises(RemoteProtocolError, match="not requested, was of 'book MATIC/USD'"):
        receive("book_update", book(ALGO))


def test_two_depths_of_one_book_cannot_be_told_apart() -> None:
    protocol = subscribed(book(MATIC))

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([Subscription(Channel.BOOK, MATIC, 25)])


def test_a_ping_has_no_params_and_its_pong_is_no_event() -> None:
    protocol = KrakenProtocol()
    protocol.ping()

    assert sent(protocol) == [{"method": "ping", "req_id": 1}]
    assert protocol.receive(CAPTURES["pong"], NOW) == ()


def test_a_placeholder_for_a_token_goes_to_level_3_only() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe([book(ALGO), Subscription(Channel.LEVEL3, ALGO, 10)])

    effects = [effect for effect in protocol.outbox if isinstance(effect, Send)]
    assert [effect.auth for effect in effects] == [Auth.NONE, Auth.TOKEN]
    public, private = sent(protocol)
    assert "token" not in json.dumps(public)
    assert json.dumps(private).count(TOKEN) == 1


# Data


def test_a_book_update_keeps_every_digit_and_its_checksum_text() -> None:
    (event,) = receive("book_update", book(MATIC))

    assert event == BookUpdate(
        venue="kraken",
        symbol=MATIC,
        bids=(Level(Decimal("0.5657"), Decimal("1098.3947558"), None, b"565710983947558"),),
        asks=(),
        venue_ns=1_696_613_755_440_295_000,
        received_ns=NOW,
        checksum=2114181697,
    )


def test_numbers_below_a_millionth_and_exponents_have_plain_checksum_text() -> None:
    raw = (
        CAPTURES["book_update"].replace(b"1098.3947558", b"0.00000010").replace(b"0.5657", b"1e-08")
    )
    (event,) = subscribed(book(MATIC)).receive(raw, NOW)

    assert isinstance(event, BookUpdate)
    (level,) = event.bids
    assert (level.price, level.quantity) == (Decimal("1E-8"), Decimal("0.00000010"))
    assert level.text == b"1" + b"10"


def test_the_memory_of_prices_is_bounded() -> None:
    numbers = Numbers()
    for price in range(20_000):
        (level,) = numbers.plain_levels((native.Level(Raw(str(price).encode()), Raw(b"1")),))
        assert level.price == price

    assert numbers.emptied == 2  # of 8,192 prices each
    assert len(numbers._prices) == 20_000 - 2 * 8192


def test_level_3_changes_keep_their_order_and_nanoseconds() -> None:
    (event,) = receive("level3_update", Subscription(Channel.LEVEL3, MATIC, 10))

    assert isinstance(event, Level3Update)
    assert event.asks == (
        OrderChange(
            OrderAction.DELETE,
            RestingOrder(
                "OOIATY-6EIWY-ACVIUN",
                Decimal("0.5636"),
                Decimal("302.89736033"),
                1_696_616_460_097_010_033,
                b"563630289736033",
            ),
        ),
        OrderChange(
            OrderAction.ADD,
            RestingOrder(
                "O2BN53-5RSB2-V3J57T",
                Decimal("0.564"),
                Decimal("3500.77668626"),
                1_696_616_427_383_408_052,
                b"564350077668626",
            ),
        ),
    )


def test_a_ticker_has_all_its_fields_and_the_open_by_its_change() -> None:
    (event,) = receive("ticker_update", Subscription(Channel.TICKER, BTC))

    assert event == Ticker(
        venue="kraken",
        symbol=BTC,
        bid=Decimal("83744.2"),
        bid_quantity=Decimal("0.56251979"),
        ask=Decimal("83744.3"),
        ask_quantity=Decimal("0.00044780"),
        last=Decimal("83744.3"),
        volume=Decimal("3156.84782110"),
        vwap=Decimal("84174.6"),
        low=Decimal("83163.6"),
        high=Decimal("85247.4"),
        open=Decimal("84173.6"),
        change=Decimal("-429.3"),
        change_percent=Decimal("-0.51"),
        trades=135262,
        venue_ns=1_790_358_506_844_359_000,
        received_ns=NOW,
    )


def test_a_ticker_without_a_time_has_none() -> None:
    (event,) = receive("ticker_without_time", Subscription(Channel.TICKER, BTC))

    assert isinstance(event, Ticker)
    assert event.venue_ns is None
    assert event.trades is None


def test_trades_have_the_takers_side_and_those_of_a_snapshot_are_marked() -> None:
    protocol = subscribed(Subscription(Channel.TRADE, MATIC))

    events = protocol.receive(CAPTURES["trade_snapshot"], NOW)
    (live,) = protocol.receive(CAPTURES["trade_update"], NOW)

    assert [(one.trade_id, one.backfilled) for one in events if isinstance(one, Trade)] == [
        ("4665846", True),
        ("4665847", True),
    ]
    assert live == Trade(
        venue="kraken",
        symbol=MATIC,
        side=Side.SELL,
        price=Decimal("0.5117"),
        quantity=Decimal("40.0"),
        trade_id="4665906",
        sequence=4665906,
        order_type="market",
        venue_ns=1_695_628_177_708_706_000,
        received_ns=NOW,
    )


def test_a_candle_is_closed_by_the_first_of_a_later_interval() -> None:
    protocol = subscribed(Subscription(Channel.CANDLE, MATIC, interval_s=300))
    later = CAPTURES["ohlc_update"].replace(b"16:25:00.000000000", b"16:30:00.000000000")

    (running,) = protocol.receive(CAPTURES["ohlc_update"], NOW)
    closed, fresh = protocol.receive(later, NOW + 1)

    assert isinstance(running, Candle)
    assert isinstance(closed, Candle)
    assert isinstance(fresh, Candle)
    assert (running.closed, closed.closed, fresh.closed) == (False, True, False)
    assert closed.start_ns == running.start_ns == 1_696_436_700_000_000_000
    assert closed.end_ns == fresh.start_ns
    assert (closed.open, closed.high, closed.low, closed.close) == (
        Decimal("0.5624"),
        Decimal("0.5628"),
        Decimal("0.5622"),
        Decimal("0.5627"),
    )
    assert closed.volume == Decimal("30927.68066226")


def test_the_last_candle_of_a_snapshot_that_was_sent_after_its_end_is_history() -> None:
    subscription = Subscription(Channel.CANDLE, MATIC, interval_s=300)
    snapshot = CAPTURES["ohlc_update"].replace(b'"update"', b'"snapshot"')
    over = snapshot.replace(b"16:26:30.524394914", b"16:30:00.000000000")

    (running,) = subscribed(subscription).receive(snapshot, NOW)
    (history,) = subscribed(subscription).receive(over, NOW)

    assert isinstance(running, Candle)
    assert isinstance(history, Candle)
    assert (running.closed, running.backfilled) == (False, False)
    assert (history.closed, history.backfilled) == (True, True)


def test_instruments_come_from_the_venues_own_list() -> None:
    (event,) = receive("instrument_snapshot", Subscription(Channel.INSTRUMENT))

    assert event == Instrument(
        venue="kraken",
        symbol=BTC,
        venue_symbol="BTC/USD",
        base=BTC.base,
        quote=BTC.quote,
        status=InstrumentStatus.ONLINE,
        tick=Decimal("0.1"),
        lot=Decimal("0.00000001"),
        price_precision=1,
        quantity_precision=8,
        quantity_min=Decimal("0.0001"),
        notional_min=Decimal("0.5"),
        received_ns=NOW,
    )


def test_the_status_is_published_when_it_changes_and_not_each_second() -> None:
    protocol = KrakenProtocol()
    down = CAPTURES["status"].replace(b"online", b"maintenance")
    planned = CAPTURES["status"].replace(b'maintenance":[]', b'maintenance":[{"event_id":32}]')

    first = protocol.receive(CAPTURES["status"], NOW)
    assert protocol.receive(CAPTURES["status"], NOW) == ()
    (second,) = protocol.receive(down, NOW)
    (third,) = protocol.receive(planned, NOW)

    assert first == (VenueNotice(venue="kraken", status=VenueStatus.ONLINE, received_ns=NOW),)
    assert isinstance(second, VenueNotice)
    assert second.status is VenueStatus.MAINTENANCE
    assert isinstance(third, VenueNotice)
    assert third.message == 'maintenance announced: {"event_id":32}'


def test_a_rate_error_is_a_notice() -> None:
    (event,) = KrakenProtocol().receive(CAPTURES["rate_error"], NOW)

    assert event == VenueNotice(venue="kraken", message="Exceeded msg rate", received_ns=NOW)


def test_heartbeats_are_no_events() -> None:
    assert KrakenProtocol().receive(CAPTURES["heartbeat"], NOW) == ()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"CloudFlare WebSocket proxy restarting",
        b"null",
        b"[]",
        b'{"channel":"book"}',
        b'{"channel":"unheard_of","type":"update","data":[]}',
        b'{"channel":"heartbeat","method":"subscribe"}',
        b"\xff\xfe",
        b"[" * 100_000,
        CAPTURES["book_update"].replace(b"2114181697", b'"2114181697"'),
        CAPTURES["book_update"].replace(b"MATIC/USD", b"MATICUSD"),
    ],
)
def test_nonsense_is_a_remote_protocol_error_and_nothing_else(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        subscribed(book(MATIC)).receive(frame, NOW)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"0.5657", b'"0.5657"'),
        (b"0.5657", b"-0.5657"),
        (b"0.5657", b"1e999999999"),
        (b"0.5657", b"null"),
        (b"1098.3947558", b"-1098.3947558"),
        (b"1098.3947558", b'"NaN"'),
        (b"1098.3947558", b'"Infinity"'),
        (b"1098.3947558", b"1e999999"),
    ],
)
def test_a_level_that_makes_no_sense_is_left_out(good: bytes, bad: bytes) -> None:
    frame = CAPTURES["book_update"].replace(good, bad)

    left_out, update = subscribed(book(MATIC)).receive(frame, NOW)

    assert isinstance(left_out, LeftOut)
    assert left_out.subscription == book(MATIC)
    assert isinstance(update, BookUpdate)
    assert (update.bids, update.checksum) == ((), 2114181697)


def test_a_status_that_is_new_is_quoted() -> None:
    (notice,) = KrakenProtocol().receive(CAPTURES["status"].replace(b"online", b"on holiday"), NOW)

    assert isinstance(notice, VenueNotice)
    assert (notice.status, notice.message) == (None, "status on holiday")


def test_an_answer_to_a_call_is_not_expected() -> None:
    with pytest.raises(LocalProtocolError, match="/0/public/Time"):
        KrakenProtocol().receive_response(Fetch("GET", "/0/public/Time", "time"), b"{}", NOW)


# A tape: answers to the requests of another client


def test_on_a_tape_depths_are_learned_from_requests_and_acknowledgements() -> None:
    protocol = KrakenProtocol()
    protocol.follow_passively()
    protocol.follow_request(
        b'{"method":"subscribe","params":{"channel":"book","symbol":["MATIC/USD"],"depth":100}}'
    )
    protocol.follow_request(b"nonsense")
    protocol.receive(CAPTURES["book_ack"].replace(b'"depth":10', b'"depth":25'), NOW)

    assert depth_of(protocol, "MATIC/USD") == 100
    assert depth_of(protocol, "ALGO/USD") == 25
    assert depth_of(protocol, "BTC/USD") == 10


def test_on_a_tape_the_depth_of_a_request_counts_as_its_answer_may_be_damaged() -> None:
    protocol = KrakenProtocol()
    protocol.follow_passively()
    asked = json.loads(CAPTURES["book_ack"])
    protocol.follow_request(
        b'{"method":"subscribe","params":{"channel":"book","symbol":["ALGO/USD"],"depth":10},'
        b'"req_id":%d}' % asked.setdefault("req_id", 7)
    )
    asked["result"]["depth"] = 90

    protocol.receive(msgspec.json.encode(asked), NOW)

    assert depth_of(protocol, "ALGO/USD") == 10


@pytest.mark.parametrize(
    ("happened", "published"),
    [
        ("uU", "ended"),
        ("ubUB", ""),  # as a session does that may have missed something
        ("ubBU", ""),
        ("ubU", ""),  # the answer to the new beginning was lost
        ("ubUBeE", "ended"),
        ("uUbB", "ended begun"),
        ("U", "ended"),  # a tape without requests
        ("UB", "ended begun"),
    ],
)
def test_on_a_tape_an_end_behind_which_a_stream_was_requested_anew_is_none(
    happened: str, published: str
) -> None:
    """Requests to end (u), begin (b) and end (e) a book, and the answers to them in capitals."""
    protocol = KrakenProtocol()
    protocol.follow_passively()
    protocol.receive(snapshot("ALGO/USD"), NOW)
    methods = {"u": "unsubscribe", "b": "subscribe", "e": "unsubscribe"}
    numbers = {"u": 46, "b": 47, "e": 48}
    about = b'"channel":"book","depth":10,"snapshot":true,"symbol":'

    events: list[Event] = []
    for letter in happened:
        method, number = methods[letter.lower()].encode(), numbers[letter.lower()]
        if letter.islower():
            protocol.follow_request(
                b'{"method":"%s","params":{%s["ALGO/USD"]},"req_id":%d}' % (method, about, number)
            )
        else:
            events += protocol.receive(
                b'{"method":"%s","req_id":%d,"result":{%s"ALGO/USD"},"success":true}'
                % (method, number, about),
                NOW,
            )

    names: dict[type, str] = {Unsubscribed: "ended", Subscribed: "begun"}
    assert " ".join(names[type(event)] for event in events) == published
    has_ended = published.endswith("ended")
    assert [type(one) for one in protocol.receive(snapshot("ALGO/USD"), NOW)] == (
        [] if has_ended else [BookSnapshot]
    )


def test_on_a_tape_a_book_of_no_market_harms_no_stream() -> None:
    protocol = KrakenProtocol()
    protocol.follow_passively()

    with pytest.raises(UnreadableStream) as caught:
        protocol.receive(snapshot("MATICUSD"), NOW)

    assert caught.value.subscriptions == ()


def depth_of(protocol: KrakenProtocol, symbol: str) -> int | None:
    (event,) = protocol.receive(snapshot(symbol), NOW)
    assert isinstance(event, BookSnapshot)
    return event.depth


def snapshot(symbol: str) -> bytes:
    return msgspec.json.encode(
        {
            "channel": "book",
            "type": "snapshot",
            "data": [{"symbol": symbol, "bids": [], "asks": [], "checksum": 0}],
        }
    )


def test_answers_carry_the_venues_clock() -> None:
    protocol = KrakenProtocol()
    # https://docs.kraken.com/api/docs/websocket-v2/ping
    pong = (
        b'{"method":"pong","req_id":101,"time_in":"2023-09-24T14:10:23.799685Z",'
        b'"time_out":"2023-09-24T14:10:23.799703Z"}'
    )
    assert protocol.venue_time is None

    protocol.receive(pong, NOW)
    protocol.receive(pong.replace(b"2023-09-24T14:10:23.799703Z", b"soon"), NOW + 1)

    # 19,624 days and 51,023.799703 seconds after the epoch
    assert protocol.venue_time == VenueTime(1_695_564_623_799_703_000, NOW)
