"""Conversations with Binance: requests, ends, refusals, the list of markets, tapes."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.venue import Handover, Send
from venues.binance.wire import (
    BOOK,
    BTC,
    ETH,
    MINUTES,
    NOW,
    PERP,
    PERP_BOOK,
    SOL,
    TICKER,
    TRADES,
    changes,
    drain,
    fetched,
    listening,
    markets,
    no,
    refused,
    rest_client,
    sent,
    snapshot,
    subscribed,
    wrapped,
    yes,
)

TRADE = {
    "e": "trade",
    "E": 1_672_515_782_136,
    "s": "BTCUSDT",
    "t": 7,
    "p": "0.001",
    "q": "100",
    "T": 1_672_515_782_136,
    "m": False,
}


# Requests


def test_one_request_names_all_streams() -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([BOOK, TRADES, TICKER, MINUTES])

    (request,) = sent(drain(protocol))

    assert request == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@ticker", "btcusdt@kline_1m"],
        "id": 1,
    }
    assert list(protocol.unanswered()) == [BOOK, TRADES, TICKER, MINUTES]


def test_futures_are_requested_with_aggregated_trades_by_the_name_of_the_contract() -> None:
    protocol = BinanceProtocol(USDM)
    dated = Symbol("BTC/USDT:261225")
    protocol.subscribe([Subscription(Channel.TRADE, PERP), Subscription(Channel.TRADE, dated)])

    (request,) = sent(drain(protocol))

    assert request["params"] == ["btcusdt@aggTrade", "btcusdt_261225@aggTrade"]


def test_an_answer_begins_all_streams_of_its_request_and_the_list_is_looked_up_once() -> None:
    protocol = rest_client(BOOK, TRADES)

    assert list(protocol.receive(yes(1), NOW)) == [subscribed(BOOK), subscribed(TRADES)]

    depth, listing = fetched(drain(protocol))
    assert depth.path == "/api/v3/depth?symbol=BTCUSDT&limit=1000"
    assert listing.path == "/api/v3/exchangeInfo?showPermissionSets=false"
    assert not protocol.unanswered()
    protocol.subscribe([TICKER])
    (request,) = sent(drain(protocol))
    assert list(protocol.receive(yes(request["id"]), NOW)) == [subscribed(TICKER)]
    assert not drain(protocol)


def test_the_list_is_looked_up_again_for_a_market_that_is_not_in_it() -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    (listing,) = fetched(drain(protocol))
    protocol.receive_response(listing, markets("BTCUSDT"), NOW)
    protocol.subscribe([TICKER])
    protocol.receive(yes(sent(drain(protocol))[0]["id"]), NOW)
    assert not drain(protocol)

    protocol.subscribe([Subscription(Channel.TRADE, ETH)])
    protocol.receive(yes(sent(drain(protocol))[0]["id"]), NOW)

    (again,) = fetched(drain(protocol))
    assert protocol.receive_response(again, markets("BTCUSDT", "ETHUSDT"), NOW) == []


def test_an_answer_that_comes_twice_publishes_nothing() -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)

    assert protocol.receive(yes(1), NOW) == ()


def test_requests_are_kept_under_4000_bytes_and_200_names() -> None:
    protocol = BinanceProtocol(SPOT)
    wanted = [Subscription(Channel.TRADE, Symbol(f"C{number}/USDT")) for number in range(500)]
    wanted += [
        Subscription(Channel.BOOK, Symbol(f"A{'B' * 30}{number}/USDT"), 1000)
        for number in range(100)
    ]
    protocol.subscribe(wanted)

    frames = [one.frame for one in drain(protocol) if isinstance(one, Send)]

    assert all(len(frame) < 4000 for frame in frames)
    names = [json.loads(frame)["params"] for frame in frames]
    assert max(map(len, names)) == 200
    assert sum(map(len, names)) == 600


def test_the_same_stream_twice_is_requested_once() -> None:
    protocol = rest_client(TRADES)

    protocol.subscribe([TRADES])

    assert not drain(protocol)


def test_two_depths_of_one_book_are_refused_on_one_link() -> None:
    protocol = rest_client(BOOK)

    with pytest.raises(LocalProtocolError, match="book BTC/USDT 100"):
        protocol.subscribe([structs.replace(BOOK, depth=100)])


def test_the_snapshot_is_as_deep_as_requested() -> None:
    deep = structs.replace(BOOK, depth=5000)
    _, fetch = listening(book=deep)

    assert fetch.path == "/api/v3/depth?symbol=BTCUSDT&limit=5000"


# Refusals


def test_a_refused_request_of_one_stream_refuses_it() -> None:
    protocol = rest_client(TRADES)

    assert list(protocol.receive(no(1), NOW)) == [
        refused(TRADES, "Invalid request: invalid stream")
    ]
    assert not protocol.unanswered()
    assert protocol.receive(wrapped("btcusdt@trade", TRADE), NOW) == ()


def test_a_refused_request_of_several_streams_is_requested_again_in_halves() -> None:
    protocol = rest_client(BOOK, TRADES, TICKER)

    assert protocol.receive(no(1), NOW) == ()

    first, second = sent(drain(protocol))
    assert first["params"] == ["btcusdt@depth@100ms", "btcusdt@trade"]
    assert second["params"] == ["btcusdt@ticker"]
    assert protocol.receive(yes(first["id"]), NOW) == [subscribed(BOOK), subscribed(TRADES)]
    assert list(protocol.receive(no(second["id"], "no"), NOW)) == [refused(TICKER, "no")]
    assert not protocol.unanswered()


def test_an_error_may_be_flat() -> None:
    protocol = rest_client(TRADES)

    events = protocol.receive(b'{"code":2,"msg":"Invalid request: no","id":1}', NOW)

    assert list(events) == [refused(TRADES, "Invalid request: no")]


def test_an_error_that_answers_nothing_is_published_as_such() -> None:
    frame = b'{"error":{"code":3,"msg":"Invalid JSON"}}'

    assert list(rest_client(TRADES).receive(frame, NOW)) == [refused(None, "Invalid JSON")]


def test_a_market_that_is_not_listed_is_refused_though_it_was_acknowledged() -> None:
    ether = Subscription(Channel.TRADE, ETH)
    protocol = rest_client(TRADES, ether)
    protocol.receive(yes(1), NOW)
    (listing,) = fetched(drain(protocol))

    events = protocol.receive_response(listing, markets("BTCUSDT"), NOW)

    assert events == [refused(ether, "ETHUSDT is not listed")]
    assert protocol.receive(wrapped("btcusdt@trade", TRADE), NOW)


def test_a_market_that_is_another_one_is_refused() -> None:
    """The name of X/TUSD is that of XT/USD: only the list has both."""
    wrong = Subscription(Channel.TRADE, Symbol("XT/USD"))
    protocol = rest_client(wrong)
    protocol.receive(yes(1), NOW)
    (listing,) = fetched(drain(protocol))
    body = markets("XTUSD").replace(b'"XTU"', b'"X"').replace(b'"SD"', b'"TUSD"')

    assert protocol.receive_response(listing, body, NOW) == [refused(wrong, "XTUSD is X/TUSD")]

    protocol.subscribe([structs.replace(wrong, channel=Channel.TICKER)])
    (request,) = sent(drain(protocol))
    (published,) = protocol.receive(yes(request["id"]), NOW)
    assert isinstance(published, Refused)
    assert published.message == "XTUSD is X/TUSD"
    assert not drain(protocol)


def test_a_list_that_cannot_be_had_is_fetched_with_the_next_stream() -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    (listing,) = fetched(drain(protocol))
    assert protocol.receive_refusal(listing, "answered 403", NOW) == ()

    protocol.subscribe([TICKER])
    protocol.receive(yes(sent(drain(protocol))[0]["id"]), NOW)

    assert fetched(drain(protocol)) == [listing]


def test_a_snapshot_that_is_refused_refuses_the_book() -> None:
    protocol, fetch = listening()
    reason = 'GET https://x/ answered 400 {"code":-1121,"msg":"Invalid symbol."}'

    assert list(protocol.receive_refusal(fetch, reason, NOW)) == [refused(BOOK, reason)]
    assert protocol.receive(changes(1, 2), NOW) == ()
    assert protocol.receive_refusal(fetch, reason, NOW) == ()


@pytest.mark.parametrize(
    ("policy", "symbol"), [(SPOT, "BTC/USDT:PERP"), (USDM, "BTC/USDT"), (SPOT, "BTC/USDT:261225")]
)
def test_a_market_of_another_kind_is_refused_alone(policy: Policy, symbol: str) -> None:
    protocol = BinanceProtocol(policy)
    strange = Subscription(Channel.TRADE, Symbol(symbol))
    protocol.subscribe([strange])

    (request,) = sent(drain(protocol))
    assert request == {"method": "LIST_SUBSCRIPTIONS", "id": 1}
    assert list(protocol.unanswered()) == [strange]
    (published,) = protocol.receive(b'{"result":[],"id":1}', NOW)

    assert isinstance(published, Refused)
    assert published.subscription == strange
    assert policy.venue in published.message
    assert not protocol.unanswered()


# Ending


def test_an_ended_stream_is_published_when_the_venue_acknowledges_it() -> None:
    protocol = rest_client(BOOK, TRADES)
    protocol.receive(yes(1), NOW)
    drain(protocol)
    protocol.unsubscribe([BOOK, TRADES])

    (request,) = sent(drain(protocol))

    assert request["method"] == "UNSUBSCRIBE"
    assert request["params"] == ["btcusdt@depth@100ms", "btcusdt@trade"]
    assert protocol.receive(changes(1, 2), NOW) == ()
    assert protocol.receive(wrapped("btcusdt@trade", TRADE), NOW) == ()
    assert list(protocol.receive(yes(request["id"]), NOW)) == [
        Unsubscribed(venue="binance", subscription=BOOK, received_ns=NOW),
        Unsubscribed(venue="binance", subscription=TRADES, received_ns=NOW),
    ]


def test_a_refused_ending_is_an_ending() -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    drain(protocol)
    protocol.unsubscribe([TRADES])
    (request,) = sent(drain(protocol))

    assert protocol.receive(no(request["id"]), NOW) == ()


def test_a_stream_that_is_not_active_cannot_end() -> None:
    protocol = rest_client(TRADES)

    protocol.unsubscribe([BOOK])

    assert not drain(protocol)


def test_a_stream_that_begins_anew_counts_from_its_own_acknowledgement() -> None:
    """Late events of the stream before it would show a hole."""
    protocol = rest_client(BOOK)
    protocol.unsubscribe([BOOK])
    protocol.subscribe([BOOK])
    end, begin = sent(drain(protocol))

    assert protocol.receive(yes(1), NOW) == ()
    assert protocol.receive(changes(1, 2), NOW) == ()
    assert [type(one) for one in protocol.receive(yes(end["id"]), NOW)] == [Unsubscribed]
    assert list(protocol.receive(yes(begin["id"]), NOW)) == [subscribed(BOOK)]
    protocol.receive(changes(8, 9), NOW)

    assert (protocol.sequence.steps, protocol.sequence.breaks) == (0, 0)


def test_a_snapshot_for_the_stream_before_is_not_taken_for_the_new_one() -> None:
    protocol, fetch = listening()
    protocol.unsubscribe([BOOK])
    protocol.subscribe([BOOK])
    protocol.receive(yes(sent(drain(protocol))[-1]["id"]), NOW)

    assert protocol.receive_response(fetch, snapshot(9), NOW) == ()


# Silence


def test_a_stream_that_is_resynced_is_requested_again_once_until_it_is_answered() -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    drain(protocol)

    protocol.resync(TRADES)
    protocol.resync(TRADES)

    (request,) = sent(drain(protocol))
    assert request["params"] == ["btcusdt@trade"]
    assert protocol.receive(no(request["id"]), NOW) == ()
    protocol.resync(TRADES)
    assert len(sent(drain(protocol))) == 1


def test_a_ping_is_a_request_and_its_answer_publishes_nothing() -> None:
    protocol = rest_client(TRADES)
    protocol.ping()

    (request,) = sent(drain(protocol))

    assert request == {"method": "LIST_SUBSCRIPTIONS", "id": 2}
    assert protocol.receive(b'{"result":["btcusdt@trade"],"id":2}', NOW) == ()


def test_a_shutdown_hands_over_to_another_link() -> None:
    protocol = rest_client(TRADES)

    events = protocol.receive(wrapped("!serverShutdown", {"e": "serverShutdown", "E": 1}), NOW)

    message = "the server will shut down"
    assert list(events) == [VenueNotice(venue="binance", message=message, received_ns=NOW)]
    assert drain(protocol) == [Handover(message)]


# Data


def test_data_is_published_under_the_symbol_that_was_requested() -> None:
    """The name alone could be X/TUSD or XT/USD."""
    strange = Subscription(Channel.TRADE, Symbol("XT/USD"))
    protocol = rest_client(strange)

    (trade,) = protocol.receive(wrapped("xtusd@trade", {**TRADE, "s": "XTUSD"}), NOW)

    assert isinstance(trade, Trade)
    assert trade.symbol == "XT/USD"


def test_data_that_was_not_requested_makes_no_sense_and_harms_no_stream() -> None:
    with pytest.raises(UnreadableStream, match="ethusdt@trade") as error:
        rest_client(TRADES).receive(wrapped("ethusdt@trade", TRADE), NOW)

    assert error.value.subscriptions == ()


def test_an_event_of_a_new_kind_is_passed_over() -> None:
    frame = wrapped("btcusdt@trade", {"e": "tradePro", "E": 1})

    assert rest_client(TRADES).receive(frame, NOW) == ()


BAR = {
    **dict.fromkeys("ochlvqVQB", "1"),
    "t": 0,
    "T": 59_999,
    "s": "BTCUSDT",
    "n": 1,
    "i": "1m",
    "f": 1,
    "L": 1,
    "x": False,
}
KLINE = {"e": "kline", "E": 1_672_515_782_136, "s": "BTCUSDT", "k": BAR}
DAY = {"e": "24hrTicker", "E": 1_672_515_782_136, "s": "BTCUSDT", "c": "9.4", "b": "9", "a": "9.5"}


@pytest.mark.parametrize(
    ("topic", "data", "harmed"),
    [
        ("btcusdt@trade", {"E": 1}, TRADES),
        ("btcusdt@trade", None, TRADES),
        ("btcusdt@trade", [TRADE], TRADES),
        ("btcusdt@trade", {**TRADE, "p": "x"}, TRADES),
        ("btcusdt@trade", {**TRADE, "p": "0.00"}, TRADES),
        ("btcusdt@trade", {**TRADE, "t": None}, TRADES),
        ("btcusdt@trade", DAY, TRADES),
        ("btcusdt@ticker", {**DAY, "c": 5}, TICKER),
        ("btcusdt@ticker", {**DAY, "P": "N-1.2"}, TICKER),
        ("btcusdt@kline_1m", {**KLINE, "k": {**BAR, "i": "5m"}}, MINUTES),
        ("btcusdt@kline_1m", {**KLINE, "k": {**BAR, "t": 2**70}}, MINUTES),
        ("btcusdt@kline_1m", {**KLINE, "k": 5}, MINUTES),
        ("btcusdt@depth@100ms", {"e": "depthUpdate", "s": "BTCUSDT", "u": 7, "b": []}, BOOK),
    ],
)
def test_an_event_that_cannot_be_read_harms_its_own_stream_alone(
    topic: str, data: object, harmed: Subscription
) -> None:
    protocol = rest_client(TRADES, TICKER, MINUTES, BOOK)
    protocol.receive(yes(1), NOW)
    frame = json.dumps({"stream": topic, "data": data}).encode()

    with pytest.raises(UnreadableStream) as error:
        protocol.receive(frame, NOW)

    assert error.value.subscriptions == (harmed,)


@pytest.mark.parametrize(
    "frame", [b'{"stream":5,"data":{}}', b'{"stream":"btcusdt@trade","data":{"e', b"{", b"[]"]
)
def test_a_frame_that_names_no_stream_may_have_been_of_any(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as error:
        rest_client(TRADES).receive(frame, NOW)

    assert not isinstance(error.value, UnreadableStream)


@pytest.mark.parametrize(
    ("data", "harmed"),
    [
        ({**TRADE, "p": "x"}, (TRADES,)),
        ({**KLINE, "k": 5}, (MINUTES,)),
        ({**TRADE, "s": "ETHUSDT", "p": "x"}, ()),
    ],
)
def test_an_unwrapped_event_names_its_stream_as_well(
    data: object, harmed: tuple[Subscription, ...]
) -> None:
    with pytest.raises(UnreadableStream) as error:
        rest_client(TRADES, MINUTES).receive(json.dumps(data).encode(), NOW)

    assert error.value.subscriptions == harmed


@pytest.mark.parametrize("field", ["E", "s", "T", "M"])
def test_a_trade_without_what_is_not_needed_is_a_trade(field: str) -> None:
    data = {**TRADE, field: None} if field != "M" else TRADE

    (trade,) = rest_client(TRADES).receive(wrapped("btcusdt@trade", data), NOW)

    assert isinstance(trade, Trade)
    assert (str(trade.price), trade.trade_id) == ("0.001", "7")


def test_a_ticker_may_lack_all_but_one_field() -> None:
    frame = wrapped("btcusdt@ticker", {"e": "24hrTicker", "c": "9.4"})

    (ticker,) = rest_client(TICKER).receive(frame, NOW)

    assert isinstance(ticker, Ticker)
    assert (str(ticker.last), ticker.bid, ticker.volume, ticker.venue_ns) == (
        "9.4",
        None,
        None,
        None,
    )


@pytest.mark.parametrize("millis", [0, 1, -62_135_596_800_000, 10**30, 123_456_789])
def test_a_time_that_can_be_none_is_none(millis: int) -> None:
    """Of 1970, the year 1, beyond int64, and the documents' 123456789."""
    protocol = rest_client(TRADES, TICKER, MINUTES, BOOK)
    protocol.receive(yes(1), NOW)
    (fetch,) = [one for one in fetched(drain(protocol)) if "depth" in one.path]
    snapshot_ = json.dumps({"lastUpdateId": 4, "bids": [], "asks": [], "T": millis}).encode()
    frames = [
        wrapped("btcusdt@trade", {**TRADE, "E": millis, "T": millis}),
        wrapped("btcusdt@ticker", {**DAY, "E": millis}),
        wrapped("btcusdt@kline_1m", {**KLINE, "E": millis}),
        changes(5, 5).replace(b"1672515782136", str(millis).encode()),
    ]

    events = [*protocol.receive_response(fetch, snapshot_, NOW)]
    for frame in frames:
        events += protocol.receive(frame, NOW)

    assert [type(one) for one in events] == [BookSnapshot, Trade, Ticker, Candle, BookUpdate]
    assert {getattr(one, "venue_ns", 0) for one in events} == {None}


def test_a_price_of_zero_is_none_in_a_ticker() -> None:
    """An empty side, or a market without a trade in 24 hours."""
    zero = dict.fromkeys("pPwcQbBaAohlvq", "0.00000000")
    frame = wrapped("btcusdt@ticker", {**DAY, **zero})

    (ticker,) = rest_client(TICKER).receive(frame, NOW)

    assert isinstance(ticker, Ticker)
    prices = (ticker.bid, ticker.ask, ticker.last, ticker.open, ticker.high, ticker.low)
    assert {*prices, ticker.vwap, ticker.mid, ticker.spread} == {None}
    assert {ticker.volume, ticker.change} == {Decimal(0)}


def candle_of(protocol: BinanceProtocol, **bar: object) -> Sequence[Event]:
    data = {**KLINE, "k": {**BAR, **bar}}
    return protocol.receive(wrapped("btcusdt@kline_1m", data), NOW)


def test_a_candle_closes_once_and_what_differs_later_is_a_correction() -> None:
    protocol = rest_client(MINUTES)
    minute = 60_000
    (closed,) = candle_of(protocol, x=True)
    (after,) = candle_of(protocol, t=minute)

    assert candle_of(protocol, x=True) == ()
    assert candle_of(protocol, x=False) == ()
    (corrected,) = candle_of(protocol, x=True, c="2")
    assert candle_of(protocol, x=True, c="2") == ()
    (next_closed,) = candle_of(protocol, t=minute, x=True)

    facts = [
        (one.start_ns, one.closed, one.is_correction)
        for one in (closed, after, corrected, next_closed)
        if isinstance(one, Candle)
    ]
    next_ns = minute * 1_000_000
    assert facts == [
        (0, True, False),
        (next_ns, False, False),
        (0, True, True),
        (next_ns, True, False),
    ]


# Trades that are none


def futures_trade(**fields: object) -> bytes:
    return wrapped("btcusdt@trade", {**TRADE, **fields})


def test_a_trade_that_is_no_match_in_the_book_names_its_kind() -> None:
    protocol = BinanceProtocol(USDM)
    protocol.follow_passively()

    trades = [
        one
        for kind in ("MARKET", "INSURANCE_FUND", "ADL")
        for one in protocol.receive(futures_trade(X=kind), NOW)
    ]

    assert [one.order_type for one in trades if isinstance(one, Trade)] == [
        "",
        "insurance_fund",
        "adl",
    ]


def test_an_id_without_a_trade_is_passed_over_and_published_once() -> None:
    """As seen: a frame at a price of zero for each id that no trade has."""
    protocol = BinanceProtocol(USDM)
    protocol.follow_passively()
    spent = futures_trade(X="NA", p="0", q="0")

    (notice,) = protocol.receive(spent, NOW)

    assert isinstance(notice, VenueNotice)
    assert "btcusdt@trade" in notice.message
    assert protocol.receive(spent, NOW) == ()
    (trade,) = protocol.receive(futures_trade(X="MARKET"), NOW)
    assert isinstance(trade, Trade)
    assert trade.sequence is None  # such numbers are no holes


def test_an_empty_side_of_the_book_is_none_in_a_ticker() -> None:
    frame = b'{"u":1,"s":"BTCUSDT","b":"0.00000000","B":"0.00000000","a":"9.5","A":"1"}'
    protocol = BinanceProtocol(SPOT)
    protocol.follow_passively()

    (ticker,) = protocol.receive(frame, NOW)

    assert isinstance(ticker, Ticker)
    assert (ticker.bid, str(ticker.ask)) == (None, "9.5")


@pytest.mark.parametrize(
    "capture",
    [
        "agg_trade_sold_recorded",
        "kline_closed_recorded",
        "book_ticker_documented",
        "ticker_documented",
        "trade_documented",
    ],
)
def test_late_data_of_an_ended_stream_is_passed_over(capture: str) -> None:
    lines = (Path(__file__).parent / "captures/public.jsonl").read_text().splitlines()
    frame = next(one["frame"] for one in map(json.loads, lines) if one["name"] == capture).encode()
    protocol = passive()
    (event,) = protocol.receive(frame, NOW)
    assert isinstance(event, Trade | Candle | Ticker)
    topic = (json.loads(frame).get("stream") or "").partition("@")[2] or {
        "book_ticker_documented": "bookTicker",
        "ticker_documented": "ticker",
        "trade_documented": "trade",
    }[capture]
    name = f"{event.symbol.base}{event.symbol.quote}".lower()
    request = {"method": "UNSUBSCRIBE", "params": [f"{name}@{topic}"], "id": 9}

    protocol.follow_request(json.dumps(request).encode())
    protocol.receive(yes(9), NOW)

    assert protocol.receive(frame, NOW) == ()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"code":-1121,"msg":"Invalid symbol."}', b"\xff"])
def test_an_answer_that_is_none_makes_no_sense(body: bytes) -> None:
    protocol, fetch = listening()

    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(fetch, body, NOW)

    assert protocol.receive_response(fetch, snapshot(1), NOW)


# Tapes


def passive(depth: int | None = None) -> BinanceProtocol:
    """On a tape; what it wants at once is the list of markets, which may be on it."""
    protocol = BinanceProtocol(SPOT)
    protocol.follow_passively(depth)
    (fetch,) = fetched(drain(protocol))
    assert fetch.path.startswith("/api/v3/exchangeInfo")
    return protocol


def test_a_book_on_a_tape_begins_with_its_first_event() -> None:
    protocol = passive(100)

    assert protocol.receive(changes(5, 7), NOW) == ()

    (fetch,) = fetched(drain(protocol))
    assert fetch.path == "/api/v3/depth?symbol=BTCUSDT&limit=100"
    events = protocol.receive_response(fetch, snapshot(6), NOW)
    assert [type(one) for one in events] == [BookSnapshot, BookUpdate]


def test_a_book_on_a_tape_may_come_on_a_link_that_is_not_combined() -> None:
    protocol = passive()
    frame = json.dumps(json.loads(changes(5, 7))["data"]).encode()

    assert protocol.receive(frame, NOW) == ()
    (fetch,) = fetched(drain(protocol))
    protocol.receive_response(fetch, snapshot(7), NOW)

    following = json.dumps(json.loads(changes(8, 8))["data"]).encode()
    assert [type(one) for one in protocol.receive(following, NOW)] == [BookUpdate]


@pytest.mark.parametrize(
    ("happened", "goes_on"),
    [("uU", False), ("ubUB", True), ("ubBU", True), ("ubU", True), ("uUb", True), ("uUbB", True)],
)
def test_a_stream_of_a_tape_goes_on_if_its_beginning_was_requested_last(
    happened: str, goes_on: bool
) -> None:
    """Requests to end (u) and begin (b) a stream, and the answers to them in capitals."""
    protocol = passive()
    frame = wrapped("btcusdt@trade", TRADE)
    assert len(protocol.receive(frame, NOW)) == 1
    methods, numbers = {"u": "UNSUBSCRIBE", "b": "SUBSCRIBE"}, {"U": 1, "B": 2}

    for letter in happened:
        if letter in numbers:
            protocol.receive(yes(numbers[letter]), NOW)
        else:
            request = {
                "method": methods[letter],
                "params": ["btcusdt@trade"],
                "id": numbers[letter.upper()],
            }
            protocol.follow_request(json.dumps(request).encode())

    assert bool(protocol.receive(frame, NOW)) is goes_on


def test_a_tapes_request_is_published_with_its_answer() -> None:
    protocol = passive()
    protocol.follow_request(
        b'{"method":"SUBSCRIBE","params":["btcusdt@kline_5m","ethusdt@trade","!x@y"],"id":"a"}'
    )

    events: list[Event] = list(protocol.receive(b'{"result":null,"id":"a"}', NOW))

    assert events == [
        subscribed(Subscription(Channel.CANDLE, BTC, interval_s=300)),
        subscribed(Subscription(Channel.TRADE, ETH)),
    ]
    protocol.follow_request(
        b'{"method":"UNSUBSCRIBE","params":["ethusdt@trade","solusdt@trade"],"id":"b"}'
    )
    (ended,) = protocol.receive(b'{"result":null,"id":"b"}', NOW)
    assert isinstance(ended, Unsubscribed)
    assert ended.subscription == Subscription(Channel.TRADE, ETH)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"method":5}',
        b'{"method":"SUBSCRIBE"}',
        b'{"method":"ping","id":1}',
        b'{"op":"subscribe","args":[]}',
        b"[" * 100_000,
    ],
)
def test_another_clients_nonsense_is_passed_over(frame: bytes) -> None:
    protocol = passive()

    protocol.follow_request(frame)

    assert protocol.receive(b'{"result":null,"id":1}', NOW) == ()


def test_of_two_streams_of_one_markets_trades_the_first_counts() -> None:
    protocol = passive()
    aggregated = {**TRADE, "e": "aggTrade", "a": 3, "f": 7, "l": 7}

    assert len(protocol.receive(wrapped("btcusdt@aggTrade", aggregated), NOW)) == 1
    assert protocol.receive(wrapped("btcusdt@trade", TRADE), NOW) == ()
    assert len(protocol.receive(wrapped("btcusdt@aggTrade", aggregated), NOW)) == 1


def test_a_tape_wants_its_list_once() -> None:
    protocol = passive()
    protocol.follow_request(b'{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')
    protocol.receive(b'{"result":null,"id":1}', NOW)

    assert not drain(protocol)


def test_a_market_on_a_tape_whose_name_cannot_be_divided_makes_no_sense() -> None:
    with pytest.raises(RemoteProtocolError, match="NOSUCHTHING"):
        passive().receive(wrapped("nosuchthing@trade", TRADE), NOW)


def test_candles_on_a_tape_have_the_interval_of_their_stream() -> None:
    bar = dict.fromkeys("ochlvqVQB", "1") | {"t": 0, "T": 0, "s": "SOLUSDT", "n": 1, "i": "1w"}
    bar |= {"f": 1, "L": 1, "x": True}
    frame = wrapped("solusdt@kline_1w", {"e": "kline", "E": 1, "s": "SOLUSDT", "k": bar})

    (candle,) = passive().receive(frame, NOW)

    assert isinstance(candle, Candle)
    assert (candle.symbol, candle.interval_s, candle.closed) == (SOL, 604_800, True)


def test_a_month_is_as_long_as_the_calendars() -> None:
    start, end = 1_769_904_000_000, 1_772_323_199_999  # February 2026, as the exchange writes it
    bar = dict.fromkeys("ochlvqVQB", "1") | {"t": start, "T": end, "s": "SOLUSDT", "n": 1}
    bar |= {"f": 1, "L": 1, "x": False, "i": "1M"}
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([Subscription(Channel.CANDLE, SOL, None, MONTH_S)])
    frame = wrapped("solusdt@kline_1M", {"e": "kline", "E": 1, "s": "SOLUSDT", "k": bar})

    (candle,) = protocol.receive(frame, NOW)

    assert isinstance(candle, Candle)
    assert (candle.interval_s, candle.start_ns) == (MONTH_S, start * 1_000_000)
    assert candle.end_ns == (end + 1) * 1_000_000


def test_a_perpetual_book_is_published_as_one() -> None:
    protocol, fetch = listening(USDM, PERP_BOOK)

    (published,) = protocol.receive_response(fetch, snapshot(5), NOW)

    assert isinstance(published, BookSnapshot)
    assert (published.venue, published.symbol) == ("binance-usdm", PERP)
