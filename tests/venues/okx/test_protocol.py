"""Dialogues with OKX, frame by frame; the frames are captures or written like them."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

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
from fluxum.model.interval import MONTH_S
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.venue import Effect, Handover, Send
from oddrows import OddRow, Received, odd_row, often
from venues.scanned import CASES

CAPTURES: dict[str, bytes] = {
    record["name"]: record["frame"].encode()
    for record in map(
        json.loads, (Path(__file__).parent / "captures/public.jsonl").read_text().splitlines()
    )
}
BTC, ETH = Symbol("BTC/USDT"), Symbol("ETH/USDT")
NOW = 1_700_000_000_000_000_000
BOOK = Subscription(Channel.BOOK, BTC, 400)
OTHER_BOOK = Subscription(Channel.BOOK, ETH, 400)
TRADES = Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)

Message = dict[str, Any]


def sent(protocol: OkxProtocol) -> list[Message]:
    requests: list[Message] = []
    while protocol.outbox:
        effect: Effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        requests.append(json.loads(effect.frame))
    return requests


def answer(event: str, arg: Message, number: str = "") -> bytes:
    named = {"id": number} if number else {}
    return json.dumps({**named, "event": event, "arg": arg, "connId": "a4d3ae55"}).encode()


def error(code: str, text: str, number: str = "") -> bytes:
    named = {"id": number} if number else {}
    return json.dumps({**named, "event": "error", "code": code, "msg": text}).encode()


def arg(channel: str, name: str = "BTC-USDT") -> Message:
    return {"channel": channel, "instId": name}


def subscribed(*subscriptions: Subscription) -> OkxProtocol:
    """A protocol that has subscribed and got its answers."""
    protocol = OkxProtocol()
    protocol.subscribe(subscriptions)
    for request in sent(protocol):
        for one in request["args"]:
            protocol.receive(answer("subscribe", one, request["id"]), NOW)
    assert not protocol.unanswered()
    return protocol


def kinds(events: Sequence[Event]) -> list[type]:
    return [type(event) for event in events]


def missing(channel: str, name: str) -> str:
    return (
        f"Wrong URL or channel:{channel},instId:{name} doesn't exist. Please use the correct URL, "
        "channel and parameters referring to API document."
    )


# Requests and answers


def test_one_request_requests_all_and_each_is_answered_by_itself() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK, TRADES, TICKER, OTHER_BOOK])

    assert sent(protocol) == [
        {
            "id": "1",
            "op": "subscribe",
            "args": [arg("books"), arg("trades"), arg("tickers"), arg("books", "ETH-USDT")],
        }
    ]
    assert list(protocol.unanswered()) == [BOOK, TRADES, TICKER, OTHER_BOOK]
    events = protocol.receive(answer("subscribe", arg("tickers"), "1"), NOW)
    assert list(events) == [Subscribed(venue="okx", subscription=TICKER, received_ns=NOW)]
    assert list(protocol.unanswered()) == [BOOK, TRADES, OTHER_BOOK]


def test_what_is_active_is_not_requested_again() -> None:
    protocol = subscribed(BOOK)

    protocol.subscribe([BOOK])

    assert sent(protocol) == []


@pytest.mark.parametrize(("depth", "channel"), [(400, "books"), (5, "books5"), (1, "bbo-tbt")])
def test_each_depth_is_a_channel_of_its_own(depth: int, channel: str) -> None:
    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.BOOK, BTC, depth)])

    assert sent(protocol)[0]["args"] == [arg(channel)]


@pytest.mark.parametrize(
    ("interval_s", "channel"),
    [
        (60, "candle1m"),
        (14_400, "candle4H"),
        (21_600, "candle6Hutc"),
        (86_400, "candle1Dutc"),
        (MONTH_S, "candle1Mutc"),
        (3 * MONTH_S, "candle3Mutc"),
    ],
)
def test_candles_of_six_hours_and_more_are_those_of_utc(interval_s: int, channel: str) -> None:
    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.CANDLE, BTC, None, interval_s)])

    assert sent(protocol)[0]["args"] == [arg(channel)]


def test_many_streams_are_requested_in_requests_far_below_64_kilobytes() -> None:
    protocol = OkxProtocol()
    protocol.subscribe(
        Subscription(Channel.TICKER, Symbol(f"COIN{number}/USDT")) for number in range(900)
    )

    sizes = [len(effect.frame) for effect in protocol.outbox if isinstance(effect, Send)]
    assert [len(request["args"]) for request in sent(protocol)] == [400, 400, 100]
    assert max(sizes) < 32_768


def test_a_refusal_names_its_stream_in_the_text_and_takes_no_other_with_it() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK, OTHER_BOOK, TRADES])
    text = missing("books", "ETH-USDT")

    events = protocol.receive(error("60018", text, "1"), NOW)

    assert events == [
        Refused(venue="okx", subscription=OTHER_BOOK, message=f"60018 {text}", received_ns=NOW)
    ]
    assert list(protocol.unanswered()) == [BOOK, TRADES]
    assert kinds(protocol.receive(answer("subscribe", arg("books"), "1"), NOW)) == [Subscribed]


def test_the_shorter_text_of_2023_names_its_stream_too() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK, TICKER])

    events = protocol.receive(error("60018", "channel:tickers,instId:BTC-USDT doesn't exist"), NOW)

    assert [one.subscription for one in events if isinstance(one, Refused)] == [TICKER]


def test_a_refusal_that_names_no_stream_is_of_all_its_request_waits_for() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK, TICKER])
    protocol.receive(answer("subscribe", arg("tickers"), "1"), NOW)
    protocol.subscribe([TRADES])

    events = protocol.receive(error("60013", "Invalid args", "1"), NOW)

    assert [one.subscription for one in events if isinstance(one, Refused)] == [BOOK]
    assert list(protocol.unanswered()) == [TRADES]


@pytest.mark.parametrize("number", ["", "77", "x", "٣", "9" * 40])
def test_a_refusal_of_no_request_is_published_all_the_same(number: str) -> None:
    protocol = subscribed(BOOK)

    events = protocol.receive(error("60012", "Invalid request: {}", number), NOW)

    assert list(events) == [
        Refused(venue="okx", message="60012 Invalid request: {}", received_ns=NOW)
    ]


def test_too_many_requests_leave_the_question_open() -> None:
    """So the link is replaced when no answer comes, and all is asked for again."""
    protocol = OkxProtocol()
    protocol.subscribe([BOOK])

    events = protocol.receive(error("60014", "Requests too frequent", "1"), NOW)

    assert kinds(events) == [VenueNotice]
    assert list(protocol.unanswered()) == [BOOK]


def test_data_of_a_refused_stream_are_late() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([TICKER])
    protocol.receive(error("60018", missing("tickers", "BTC-USDT"), "1"), NOW)

    assert protocol.receive(CAPTURES["tickers"], NOW) == ()


def test_a_snapshot_answers_when_the_acknowledgement_is_lost() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK])

    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [Subscribed, BookSnapshot]
    assert not protocol.unanswered()
    assert not protocol.receive(answer("subscribe", arg("books"), "1"), NOW)


@pytest.mark.parametrize(
    ("subscription", "capture", "kind"),
    [
        (TICKER, "tickers", Ticker),
        (TRADES, "trades", Trade),
        (Subscription(Channel.BOOK, Symbol("BCH/USDT:PERP-CONTRACTS"), 5), "books5", BookSnapshot),
        (Subscription(Channel.BOOK, Symbol("BCH/USDT:PERP-CONTRACTS"), 1), "bbo", BookSnapshot),
    ],
)
def test_any_data_answer_when_the_acknowledgement_is_lost(
    subscription: Subscription, capture: str, kind: type
) -> None:
    protocol = OkxProtocol()
    protocol.subscribe([subscription])

    events = protocol.receive(CAPTURES[capture], NOW)

    assert kinds(events) == [Subscribed, kind]
    assert not protocol.unanswered()


def test_data_that_make_no_sense_answer_nothing_and_harm_their_own_stream() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([TICKER])

    with pytest.raises(UnreadableStream) as caught:
        protocol.receive(CAPTURES["tickers"].replace(b'"9000"', b'"x"'), NOW)

    assert caught.value.subscriptions == (TICKER,)

    assert list(protocol.unanswered()) == [TICKER]


def test_what_is_ended_is_published_when_the_venue_acknowledges_it_and_late_data_are_no_error() -> (
    None
):
    protocol = subscribed(BOOK)
    protocol.receive(CAPTURES["books_snapshot"], NOW)
    protocol.unsubscribe([BOOK])

    (request,) = sent(protocol)
    assert (request["op"], request["args"]) == ("unsubscribe", [arg("books")])
    assert protocol.receive(CAPTURES["books_update"], NOW) == ()
    events = protocol.receive(answer("unsubscribe", arg("books"), request["id"]), NOW)
    assert list(events) == [Unsubscribed(venue="okx", subscription=BOOK, received_ns=NOW)]
    assert protocol.receive(CAPTURES["books_update"], NOW) == ()


def test_nothing_is_ended_that_is_not_active() -> None:
    protocol = subscribed(BOOK)

    protocol.unsubscribe([TICKER, Subscription(Channel.INSTRUMENT)])

    assert sent(protocol) == []


def test_a_stream_that_is_ended_and_wanted_again_begins_anew() -> None:
    protocol = subscribed(BOOK)
    protocol.receive(CAPTURES["books_snapshot"], NOW)
    protocol.unsubscribe([BOOK])
    protocol.subscribe([BOOK])

    assert [request["op"] for request in sent(protocol)] == ["unsubscribe", "subscribe"]
    assert kinds(protocol.receive(answer("unsubscribe", arg("books")), NOW)) == [Unsubscribed]
    assert kinds(protocol.receive(answer("subscribe", arg("books")), NOW)) == [Subscribed]
    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [BookSnapshot]


def test_data_that_were_not_requested_are_the_venues_fault() -> None:
    protocol = subscribed(BOOK)

    with pytest.raises(
        UnreadableStream, match="was not requested, was of 'tickers BTC-U"
    ) as caught:
        protocol.receive(CAPTURES["tickers"], NOW)

    assert caught.value.subscriptions == ()


def test_two_books_of_one_market_cannot_be_told_apart() -> None:
    protocol = subscribed(BOOK)

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([Subscription(Channel.BOOK, BTC, 5)])


# Resync, ping, notices


def test_a_resync_ends_and_begins_and_publishes_nothing() -> None:
    protocol = subscribed(BOOK)
    protocol.resync(BOOK)

    end, begin = sent(protocol)
    assert (end["op"], begin["op"]) == ("unsubscribe", "subscribe")
    assert end["args"] == begin["args"] == [arg("books")]
    assert list(protocol.unanswered()) == [BOOK]
    assert not protocol.receive(answer("unsubscribe", arg("books"), end["id"]), NOW)
    assert not protocol.receive(answer("subscribe", arg("books"), begin["id"]), NOW)
    assert not protocol.unanswered()
    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [BookSnapshot]


def test_a_resync_on_its_way_is_not_requested_twice() -> None:
    protocol = subscribed(BOOK)
    protocol.resync(BOOK)
    (_, begin) = sent(protocol)

    protocol.resync(BOOK)
    assert sent(protocol) == []

    protocol.receive(answer("subscribe", arg("books"), begin["id"]), NOW)
    protocol.resync(BOOK)
    assert len(sent(protocol)) == 2


def test_a_resync_is_over_with_its_snapshot_when_its_answers_are_lost() -> None:
    protocol = subscribed(BOOK)
    protocol.resync(BOOK)

    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [BookSnapshot]
    assert not protocol.unanswered()


def test_a_resync_that_is_refused_is_published() -> None:
    protocol = subscribed(BOOK)
    protocol.resync(BOOK)

    (event,) = protocol.receive(error("60018", missing("books", "BTC-USDT")), NOW)

    assert isinstance(event, Refused)
    assert event.subscription == BOOK


def test_nothing_is_resynced_that_is_not_active() -> None:
    protocol = subscribed(BOOK)

    protocol.resync(OTHER_BOOK)
    protocol.resync(Subscription(Channel.INSTRUMENT))

    assert not protocol.outbox


def test_a_ping_is_plain_text_and_its_pong_is_no_event() -> None:
    protocol = OkxProtocol()
    protocol.ping()

    assert list(protocol.outbox) == [Send(b"ping")]
    assert protocol.receive(b"pong", NOW) == ()


def test_an_announced_cut_is_handed_over() -> None:
    protocol = subscribed(BOOK)

    events = protocol.receive(CAPTURES["notice_upgrade"], NOW)

    assert kinds(events) == [VenueNotice]
    assert list(protocol.outbox) == [
        Handover("The connection will soon be closed for a service upgrade. Please reconnect.")
    ]


def test_an_event_we_do_not_know_is_published_and_costs_no_book() -> None:
    frame = b'{"event":"maintenance","code":"1","msg":"soon"}'

    (event,) = subscribed(BOOK).receive(frame, NOW)

    assert event == VenueNotice(venue="okx", message="maintenance: 1 soon", received_ns=NOW)


# Data


def test_data_are_understood_however_their_arg_is_spelled() -> None:
    protocol = subscribed(BOOK)
    protocol.receive(CAPTURES["books_snapshot"], NOW)
    (plain,) = protocol.receive(CAPTURES["books_update"], NOW)
    message = json.loads(CAPTURES["books_update"])
    message["data"][0]["prevSeqId"], message["data"][0]["seqId"] = 123457, 123458
    message["arg"] = {"instId": "BTC-USDT", "channel": "books"}

    (spaced,) = protocol.receive(json.dumps(message, indent=1).encode(), NOW)

    assert isinstance(plain, BookUpdate)
    assert isinstance(spaced, BookUpdate)
    assert (spaced.bids, spaced.sequence) == (plain.bids, 123458)


def test_an_answer_whose_arg_stands_first_is_an_answer() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([BOOK])
    frame = b'{"arg":{"channel":"books","instId":"BTC-USDT"},"event":"subscribe"}'

    assert kinds(protocol.receive(frame, NOW)) == [Subscribed]


def test_the_first_trade_after_the_answer_is_from_memory_if_it_is_older() -> None:
    trade_ns = 1_630_048_897_897_000_000
    protocol = OkxProtocol()
    protocol.subscribe([TRADES])
    protocol.receive(answer("subscribe", arg("trades"), "1"), trade_ns + 1)

    (old,) = protocol.receive(CAPTURES["trades"], trade_ns + 2)
    (new,) = protocol.receive(CAPTURES["trades"], trade_ns + 3)

    assert isinstance(old, Trade)
    assert isinstance(new, Trade)
    assert (old.backfilled, new.backfilled) == (True, False)


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
def test_trades_are_scanned_once_the_first_one_after_the_answer_has_come() -> None:
    protocol = subscribed(TRADES)
    assert protocol.scan_trades is not None
    frame = CASES["okx"].frames[0]

    assert protocol.scan_trades([frame], 0, NOW) is None
    assert kinds(protocol.receive(frame, NOW)) == [Trade]
    assert protocol.scan_trades([frame], 0, NOW) is not None
    protocol.resync(TRADES)
    for request in sent(protocol):
        protocol.receive(answer(request["op"], arg("trades"), request["id"]), NOW)
    assert protocol.scan_trades([frame], 0, NOW) is None
    protocol.receive(frame, NOW)
    assert protocol.scan_trades([frame], 0, NOW) is not None


def test_the_first_trade_after_the_answer_is_live_if_it_is_younger() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([TRADES])
    protocol.receive(answer("subscribe", arg("trades"), "1"), 1_630_048_897_000_000_000)

    (trade,) = protocol.receive(CAPTURES["trades"], NOW)

    assert isinstance(trade, Trade)
    assert not trade.backfilled


def test_candles_say_themselves_when_they_are_closed() -> None:
    hourly = Subscription(Channel.CANDLE, BTC, None, 3600)
    frame = CAPTURES["candle_running"].replace(b"candle1D", b"candle1H")
    protocol = subscribed(hourly)

    (running,) = protocol.receive(frame, NOW)
    (closed,) = protocol.receive(frame.replace(b'"0"]', b'"1"]'), NOW)

    assert isinstance(running, Candle)
    assert isinstance(closed, Candle)
    assert (running.interval_s, running.closed, closed.closed) == (3600, False, True)
    assert running.end_ns - running.start_ns == 3_600_000_000_000


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"ping",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"event":"subscribe"}',
        b'{"event":7}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"}}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"partial","data":[{"asks":[],'
        b'"bids":[],"ts":"1"}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":null,'
        b'"bids":[],"ts":"1"}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
        b'"bids":[],"ts":"1597026383085","prevSeqId":"x","seqId":11}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":7,"data":[{"asks":[],"bids":[]}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"data":' + b"[" * 5000,
    ],
)
def test_what_makes_no_sense_is_a_typed_error(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        subscribed(BOOK).receive(frame, NOW)


# Frames of which not all can be read

CANDLES = Subscription(Channel.CANDLE, BTC, None, 60)
# From https://www.okx.com/docs-v5/en/#order-book-trading-market-data
ROWS: dict[Subscription, list[Any]] = {
    TRADES: [
        {
            "instId": "BTC-USDT",
            "tradeId": f"13063947{number}",
            "px": "42219.9",
            "sz": "0.12060306",
            "side": "buy",
            "ts": "1630048897897",
            "count": "3",
            "source": "0",
            "seqId": 1234,
        }
        for number in range(3)
    ],
    TICKER: [
        {
            "instType": "SPOT",
            "instId": "BTC-USDT",
            "last": f"999{number}.99",
            "lastSz": "0.1",
            "askPx": "9999.99",
            "askSz": "11",
            "bidPx": "8888.88",
            "bidSz": "5",
            "open24h": "9000",
            "high24h": "10000",
            "low24h": "8888.88",
            "volCcy24h": "2222",
            "vol24h": "2222",
            "sodUtc0": "2222",
            "sodUtc8": "2222",
            "ts": "1597026383085",
        }
        for number in range(3)
    ],
    CANDLES: [
        [
            f"159702{number}383085",
            "8533.02",
            "8553.74",
            "8527.17",
            "8548.26",
            "45247",
            "5",
            "5",
            "0",
        ]
        for number in range(3)
    ],
}
CHANNELS = {TRADES: "trades", TICKER: "tickers", CANDLES: "candle1m"}


def batch(subscription: Subscription, rows: Sequence[str]) -> bytes:
    channel = CHANNELS[subscription]
    return b'{"arg":{"channel":"%s","instId":"BTC-USDT"},"data":[%s]}' % (
        channel.encode(),
        ",".join(rows).encode(),
    )


def received(subscription: Subscription, frame: bytes) -> Received:
    """The facts of a frame of one stream, and the rows of it that were left out."""
    protocol = subscribed(subscription)
    try:
        events = protocol.receive(frame, NOW)
    except UnreadableStream as error:
        return Received({}, int(error.subscriptions == (subscription,)))
    left_out = [event for event in events if isinstance(event, LeftOut)]
    assert all(event.subscription == subscription for event in left_out)
    facts: dict[object, object] = {}
    for event in events:
        match event:
            case Trade():
                facts[event.trade_id] = event
            case Ticker():
                facts[event.last] = event
            case Candle():
                facts[event.start_ns] = event
            case _:
                pass
    return Received(facts, sum(one.count for one in left_out))


@often
@given(odd_row(ROWS[TRADES]))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(partial(batch, TRADES), partial(received, TRADES))


@often
@given(odd_row(ROWS[TICKER]))
def test_an_odd_ticker_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(partial(batch, TICKER), partial(received, TICKER))


@often
@given(odd_row(ROWS[CANDLES]))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(partial(batch, CANDLES), partial(received, CANDLES))


LEVELS = [["8476.98", "415", "0", "13"], ["8477", "7", "0", "2"], ["8477.34", "85", "0", "1"]]


@often
@given(odd_row(LEVELS))
def test_an_odd_level_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        return (
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":'
            b'[%s],"bids":[],"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":1}]}'
        ) % ",".join(rows).encode()

    def receive(frame: bytes) -> Received:
        events = subscribed(BOOK).receive(frame, NOW)
        (book,) = [one for one in events if isinstance(one, BookSnapshot)]
        return Received(
            {level.price: level for level in book.asks},
            sum(one.count for one in events if isinstance(one, LeftOut)),
        )

    odd.costs_itself_alone(build, receive)


@pytest.mark.parametrize("data", [b"null", b"7", b"[]", b"[7]", b"{}"])
@pytest.mark.parametrize("subscription", [BOOK, TRADES, TICKER, CANDLES], ids=str)
def test_a_frame_that_names_its_stream_harms_no_other(
    subscription: Subscription, data: bytes
) -> None:
    if data == b"[]" and subscription != BOOK:
        return  # nothing at all
    channel = {**CHANNELS, BOOK: "books"}[subscription].encode()
    frame = b'{"arg":{"channel":"%s","instId":"BTC-USDT"},"data":%s}' % (channel, data)
    protocol = subscribed(BOOK, TRADES, TICKER, CANDLES)

    with pytest.raises(UnreadableStream) as caught:
        protocol.receive(frame, NOW)

    assert caught.value.subscriptions == (subscription,)


def test_a_frame_whose_head_is_odd_but_for_its_stream_harms_no_other() -> None:
    frame = CAPTURES["tickers"][:-1] + b',"code":7}'

    with pytest.raises(UnreadableStream) as caught:
        subscribed(BOOK, TICKER).receive(frame.replace(b"9000", b"x"), NOW)

    assert caught.value.subscriptions == (TICKER,)


def test_a_closed_candle_closes_once_and_a_changed_one_is_a_correction() -> None:
    row = ["1597026360000", "1", "3", "1", "2", "5", "5", "5", "1"]
    protocol = subscribed(CANDLES)

    def published(*changes: tuple[int, str]) -> list[tuple[bool, bool]]:
        changed = list(row)
        for at, text in changes:
            changed[at] = text
        events = protocol.receive(batch(CANDLES, [json.dumps(changed)]), NOW)
        return [(one.closed, one.is_correction) for one in events if isinstance(one, Candle)]

    assert published((8, "0")) == [(False, False)]
    assert published() == [(True, False)]
    assert published() == []
    assert published((8, "0")) == []  # late
    assert published((4, "2.5")) == [(True, True)]
    assert published((4, "2.5")) == []


# On tapes


def on_tape(*frames: bytes) -> OkxProtocol:
    protocol = OkxProtocol()
    protocol.follow_passively()
    for frame in frames:
        protocol.receive(frame, NOW)
    return protocol


def test_on_a_tape_answers_to_others_are_published_and_an_end_is_an_end() -> None:
    protocol = on_tape(answer("subscribe", arg("books-l2-tbt")), CAPTURES["books_update"])

    events = protocol.receive(answer("unsubscribe", arg("books-l2-tbt")), NOW)

    assert list(events) == [Unsubscribed(venue="okx", subscription=BOOK, received_ns=NOW)]
    frame = CAPTURES["books_update"].replace(b'"books"', b'"books-l2-tbt"')
    assert protocol.receive(frame, NOW) == ()


def test_on_a_tape_an_end_behind_which_a_book_was_requested_anew_is_none() -> None:
    """As a session does that may have missed something; the new answer was lost, or comes late."""
    protocol = on_tape(answer("subscribe", arg("books")), CAPTURES["books_snapshot"])
    for op in ("unsubscribe", "subscribe"):
        protocol.follow_request(json.dumps({"op": op, "args": [arg("books")]}).encode())

    assert protocol.receive(answer("unsubscribe", arg("books")), NOW) == ()
    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [BookSnapshot]
    assert list(protocol.receive(answer("subscribe", arg("books")), NOW)) == []


def test_on_a_tape_the_deeper_of_two_books_is_published() -> None:
    shallow = CAPTURES["books5"].replace(b"BCH-USDT-SWAP", b"BTC-USDT")
    protocol = on_tape()

    (first,) = protocol.receive(shallow, NOW)
    assert isinstance(first, BookSnapshot)
    (second,) = protocol.receive(CAPTURES["books_snapshot"], NOW)
    assert isinstance(second, BookSnapshot)
    assert (first.depth, second.depth) == (5, 400)
    assert protocol.receive(shallow, NOW) == ()
    assert protocol.receive(CAPTURES["bbo"].replace(b"BCH-USDT-SWAP", b"BTC-USDT"), NOW) == ()


def test_on_a_tape_another_clients_request_is_learned_from() -> None:
    protocol = on_tape()
    request = {
        "op": "subscribe",
        "args": [arg("bbo-tbt"), arg("books"), arg("x"), arg("books", "")],
    }
    protocol.follow_request(json.dumps(request).encode())
    protocol.follow_request(b"ping")
    protocol.follow_request(b'{"op":"login","args":[{"apiKey":"k"}]}')

    assert protocol.receive(CAPTURES["bbo"].replace(b"BCH-USDT-SWAP", b"BTC-USDT"), NOW) == ()
    assert kinds(protocol.receive(CAPTURES["books_snapshot"], NOW)) == [BookSnapshot]


def test_on_a_tape_a_market_whose_name_is_none_is_nonsense() -> None:
    with pytest.raises(RemoteProtocolError, match="a market like BTC-USDT was expected"):
        on_tape().receive(CAPTURES["tickers"].replace(b"BTC-USDT", b"BTC"), NOW)
