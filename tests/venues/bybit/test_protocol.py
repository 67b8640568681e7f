"""Dialogues with Bybit: what is asked, what answers mean, and the numbers of books."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Level, Ticker
from fluxum.tape import TapeReader
from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.protocol import BybitProtocol
from fluxum.venues.venue import Fetch, Send
from recordings import recording

BTC, ETH = Symbol("BTC/USDT"), Symbol("ETH/USDT")
BOOK = Subscription(Channel.BOOK, BTC, 50)
TRADES = Subscription(Channel.TRADE, BTC)
NOPE = Subscription(Channel.TRADE, Symbol("NOPE/USDT"))
MINUTES = Subscription(Channel.CANDLE, BTC, None, 60)
MS = 1_767_225_600_000
PERP_TICKER = Subscription(Channel.TICKER, Symbol("BTC/USDT:PERP"))


def sent(protocol: BybitProtocol) -> list[dict[str, Any]]:
    frames = [effect.frame for effect in protocol.outbox if isinstance(effect, Send)]
    protocol.outbox.clear()
    return [json.loads(frame) for frame in frames]


def deliver(protocol: BybitProtocol, message: dict[str, Any]) -> list[Event]:
    return list(protocol.receive(json.dumps(message, separators=(",", ":")).encode(), 7))


def ack(number: int | None, op: str = "subscribe", error: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = {"success": not error, "ret_msg": error or op, "conn_id": "x"}
    if number is not None:
        answer["req_id"] = str(number)
    return {**answer, "op": op}


def book(kind: str, number: int, bids: Any = (), asks: Any = (), depth: int = 50) -> dict[str, Any]:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": 9}
    topic = f"orderbook.{depth}.BTCUSDT"
    return {"topic": topic, "type": kind, "ts": MS + 1, "data": data, "cts": MS}


def following(category: Category = SPOT, subscription: Subscription = BOOK) -> BybitProtocol:
    protocol = BybitProtocol(category)
    protocol.subscribe([subscription])
    protocol.outbox.clear()
    return protocol


def test_spot_takes_ten_topics_a_request_and_one_request_at_a_time() -> None:
    protocol = BybitProtocol(SPOT)
    wanted = [Subscription(Channel.TRADE, Symbol(f"A{n}/USDT")) for n in range(12)]

    protocol.subscribe(wanted)

    (first,) = sent(protocol)
    assert first == {
        "op": "subscribe",
        "args": [f"publicTrade.A{n}USDT" for n in range(10)],
        "req_id": "1",
    }
    accepted = deliver(protocol, ack(1))
    assert [event.subscription for event in accepted if isinstance(event, Subscribed)] == wanted[
        :10
    ]
    (second,) = sent(protocol)
    assert second["args"] == ["publicTrade.A10USDT", "publicTrade.A11USDT"]
    assert set(protocol.unanswered()) == set(wanted[10:])


def test_what_waits_for_another_request_is_not_requested_yet() -> None:
    protocol = BybitProtocol(SPOT)
    wanted = [Subscription(Channel.TRADE, Symbol(f"A{n}/USDT")) for n in range(12)]

    protocol.subscribe(wanted)

    assert set(protocol.unanswered()) == set(wanted[:10])


def test_an_answer_to_another_request_answers_nothing() -> None:
    protocol = following()

    assert deliver(protocol, ack(77)) == []
    assert list(protocol.unanswered()) == [BOOK]


def test_data_answers_a_request_before_its_acknowledgement_does() -> None:
    protocol = following()

    events = deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]]))

    assert [type(event) for event in events] == [Subscribed, BookSnapshot]
    assert list(protocol.unanswered()) == []
    assert deliver(protocol, ack(1)) == []


def test_one_bad_topic_is_refused_and_the_others_are_requested_again() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([TRADES, NOPE])
    sent(protocol)

    events = deliver(protocol, ack(1, error="Invalid symbol :[publicTrade.NOPEUSDT]"))

    assert [event.subscription for event in events if isinstance(event, Refused)] == [NOPE]
    assert sent(protocol)[0]["args"] == ["publicTrade.BTCUSDT"]
    assert [type(event) for event in deliver(protocol, ack(2))] == [Subscribed]


def test_topics_refused_without_a_name_are_requested_one_by_one() -> None:
    protocol = BybitProtocol(LINEAR)
    good = Subscription(Channel.TRADE, Symbol("BTC/USDT:PERP"))
    bad = Subscription(Channel.TRADE, Symbol("NOPE/USDT:PERP"))
    protocol.subscribe([good, bad])
    sent(protocol)

    assert deliver(protocol, ack(None, error="Params Error")) == []
    assert sent(protocol)[0]["args"] == ["publicTrade.BTCUSDT"]
    assert [type(event) for event in deliver(protocol, ack(None))] == [Subscribed]
    assert sent(protocol)[0]["args"] == ["publicTrade.NOPEUSDT"]
    (refused,) = deliver(protocol, ack(None, error="Params Error"))
    assert isinstance(refused, Refused)
    assert refused.subscription == bad


def test_a_name_that_begins_like_the_bad_one_is_not_refused_with_it() -> None:
    protocol = BybitProtocol(LINEAR)
    good = Subscription(Channel.TRADE, Symbol("BTC/USDT:PERP"))
    bad = Subscription(Channel.TRADE, Symbol("BTC/USDT:26DEC26"))
    protocol.subscribe([good, bad])
    sent(protocol)

    words = "error:handler not found,topic:publicTrade.BTCUSDT-26DEC26"
    (refused,) = deliver(protocol, ack(None, error=words))

    assert isinstance(refused, Refused)
    assert refused.subscription == bad
    assert sent(protocol)[0]["args"] == ["publicTrade.BTCUSDT"]


def test_one_bad_topic_of_many_that_is_not_named_is_found_by_halves() -> None:
    protocol = BybitProtocol(LINEAR)
    wanted = [Subscription(Channel.TRADE, Symbol(f"A{n}/USDT:PERP")) for n in range(64)]
    protocol.subscribe(wanted)
    refused: list[Subscription | None] = []
    accepted: list[Subscription | None] = []
    requests = 0

    while messages := sent(protocol):
        (message,) = messages
        requests += 1
        is_bad = "publicTrade.A37USDT" in message["args"]
        for event in deliver(protocol, ack(None, error="Params Error" if is_bad else "")):
            assert isinstance(event, Refused | Subscribed)
            (refused if isinstance(event, Refused) else accepted).append(event.subscription)

    assert refused == [wanted[37]]
    assert set(accepted) == set(wanted) - {wanted[37]}
    assert requests <= 13


def test_a_topic_that_was_ended_meanwhile_is_not_requested_again() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([TRADES, NOPE])
    protocol.unsubscribe([TRADES])
    sent(protocol)

    deliver(protocol, ack(1, error="Invalid symbol :[publicTrade.NOPEUSDT]"))

    assert [message["op"] for message in sent(protocol)] == ["unsubscribe"]
    (ended,) = deliver(protocol, ack(2, "unsubscribe"))
    assert isinstance(ended, Unsubscribed)
    assert sent(protocol) == []


def test_late_data_does_not_accept_what_is_wanted_again() -> None:
    protocol = following(SPOT, TRADES)
    deliver(protocol, ack(1))
    protocol.unsubscribe([TRADES])
    protocol.subscribe([TRADES])
    row = {"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2", "i": "9"}
    late = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 5, "data": [row]}

    assert Subscribed not in [type(event) for event in deliver(protocol, late)]
    assert [type(event) for event in deliver(protocol, ack(2, "unsubscribe"))] == [Unsubscribed]
    assert [type(event) for event in deliver(protocol, ack(3))] == [Subscribed]


def test_what_is_active_already_counts_as_accepted() -> None:
    protocol = following(LINEAR, Subscription(Channel.BOOK, Symbol("BTC/USDT:PERP"), 50))

    words = "error:already subscribed,topic:orderbook.50.BTCUSDT"
    assert [type(event) for event in deliver(protocol, ack(None, error=words))] == [Subscribed]


def test_what_is_active_already_takes_its_request_with_it() -> None:
    protocol = BybitProtocol(LINEAR)
    carried = Subscription(Channel.TRADE, Symbol("BTC/USDT:PERP"))
    fresh = Subscription(Channel.TRADE, Symbol("ETH/USDT:PERP"))
    protocol.subscribe([carried, fresh])
    sent(protocol)

    words = "error:already subscribed,topic:publicTrade.BTCUSDT"
    (accepted,) = deliver(protocol, ack(None, error=words))

    assert isinstance(accepted, Subscribed)
    assert accepted.subscription == carried
    assert sent(protocol)[0]["args"] == ["publicTrade.ETHUSDT"]


def test_a_lost_answer_holds_up_the_others_for_two_pings_only() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([BOOK])
    protocol.subscribe([TRADES])
    sent(protocol)
    deliver(protocol, book("snapshot", 5))  # it came all the same

    protocol.ping()
    assert [message["op"] for message in sent(protocol)] == ["ping"]
    protocol.ping()
    ping, request = sent(protocol)
    assert ping == {"op": "ping"}
    assert request["args"] == ["publicTrade.BTCUSDT"]


def test_an_end_is_published_when_it_is_acknowledged_and_late_data_is_passed_over() -> None:
    protocol = following()
    deliver(protocol, ack(1))

    protocol.unsubscribe([BOOK])

    assert sent(protocol) == [
        {"op": "unsubscribe", "args": ["orderbook.50.BTCUSDT"], "req_id": "2"}
    ]
    assert deliver(protocol, book("snapshot", 5)) == []
    (ended,) = deliver(protocol, ack(2, "unsubscribe"))
    assert isinstance(ended, Unsubscribed)
    assert ended.subscription == BOOK


def test_a_book_follows_number_by_number() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]]))

    (update,) = deliver(protocol, book("delta", 6, [["9", "0"]], []))

    assert update == BookUpdate(
        "bybit", BTC, (Level(Decimal(9), Decimal(0)),), (), MS * 1_000_000, 7, None, 6
    )
    assert deliver(protocol, book("delta", 6, [["9", "5"]], [])) == []  # it came twice
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (1, 0)


def test_a_gap_is_a_desync_and_nothing_follows_until_a_snapshot() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]]))

    (desync,) = deliver(protocol, book("delta", 7, [["9", "0"]], []))

    assert isinstance(desync, Desync)
    assert (desync.subscription, desync.expected, desync.computed) == (BOOK, 6, 7)
    assert desync.reason == "number 6 was expected, was 7"
    assert deliver(protocol, book("delta", 8, [["9", "0"]], [])) == []
    (snapshot,) = deliver(protocol, book("snapshot", 20, [["9", "1"]], [["10", "2"]]))
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.sequence, snapshot.depth) == (20, 50)
    assert protocol.sequence.breaks == 1


def test_number_one_replaces_the_book_whatever_its_type() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 5000, [["9", "1"]], [["10", "2"]]))

    (snapshot,) = deliver(protocol, book("delta", 1, [["8", "1"]], [["10", "3"]]))

    assert isinstance(snapshot, BookSnapshot)
    assert [level.price for level in snapshot.bids] == [Decimal(8)]
    (update,) = deliver(protocol, book("delta", 2, [["8", "2"]], []))
    assert isinstance(update, BookUpdate)


def test_a_second_restart_replaces_the_book_of_the_first() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 1, [["9", "1"]], [["10", "2"]]))

    (snapshot,) = deliver(protocol, book("delta", 1, [["8", "1"]], [["10", "3"]]))

    assert isinstance(snapshot, BookSnapshot)
    assert [level.price for level in snapshot.bids] == [Decimal(8)]


def test_a_book_of_one_level_that_is_repeated_is_still_so() -> None:
    protocol = following(SPOT, Subscription(Channel.BOOK, BTC, 1))
    deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]], depth=1))

    (repeated,) = deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]], depth=1))

    assert isinstance(repeated, BookUpdate)
    assert (repeated.bids, repeated.asks, repeated.sequence) == ((), (), 5)


def test_a_resync_ends_and_begins_the_stream_once_however_often_it_is_requested() -> None:
    protocol = following()
    deliver(protocol, ack(1))

    protocol.resync(BOOK)
    protocol.resync(BOOK)

    assert [message["op"] for message in sent(protocol)] == ["unsubscribe"]
    assert deliver(protocol, ack(2, "unsubscribe")) == []
    assert [message["op"] for message in sent(protocol)] == ["subscribe"]
    assert deliver(protocol, ack(3)) == []
    assert sent(protocol) == []


def test_a_snapshot_that_was_requested_replaces_the_book_even_with_the_same_number() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]]))
    deliver(protocol, ack(1))

    protocol.resync(BOOK)
    deliver(protocol, ack(2, "unsubscribe"))
    (snapshot,) = deliver(protocol, book("snapshot", 5, [["9", "3"]], [["10", "2"]]))

    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids == (Level(Decimal(9), Decimal(3)),)


def test_a_gap_before_the_acknowledgement_is_resynced_all_the_same() -> None:
    protocol = following()
    deliver(protocol, book("snapshot", 5, [["9", "1"]], [["10", "2"]]))
    (desync,) = deliver(protocol, book("delta", 7, [["9", "0"]], []))
    assert isinstance(desync, Desync)

    protocol.resync(BOOK)
    protocol.resync(BOOK)

    assert deliver(protocol, ack(1)) == []
    assert [message["op"] for message in sent(protocol)] == ["unsubscribe"]
    deliver(protocol, ack(2, "unsubscribe"))
    assert [message["op"] for message in sent(protocol)] == ["subscribe"]
    deliver(protocol, ack(3))
    assert sent(protocol) == []


def test_a_ticker_of_futures_is_merged_from_what_changed() -> None:
    protocol = following(LINEAR, PERP_TICKER)
    whole = {"symbol": "BTCUSDT", "lastPrice": "100", "bid1Price": "99", "bid1Size": "3"}
    deliver(protocol, {"topic": "tickers.BTCUSDT", "type": "snapshot", "data": whole, "ts": 5})

    changed = {"symbol": "BTCUSDT", "ask1Price": "101", "bid1Size": ""}
    (ticker,) = deliver(
        protocol, {"topic": "tickers.BTCUSDT", "type": "delta", "data": changed, "ts": 6}
    )

    assert isinstance(ticker, Ticker)
    assert (ticker.last, ticker.bid, ticker.ask) == (Decimal(100), Decimal(99), Decimal(101))
    assert ticker.bid_quantity is None


def read_candle(
    protocol: BybitProtocol,
    after: int,
    *,
    confirm: bool,
    end: int = 0,
    bar: str = "1",
    close: str = "2",
) -> list[Candle]:
    start = MS + after
    row = {
        "start": start,
        "end": end or start + 59_999,
        "interval": bar,
        "open": "1",
        "close": close,
        "high": "3",
        "low": "1",
        "volume": "4",
        "confirm": confirm,
        "timestamp": start,
    }
    message = {"topic": f"kline.{bar}.BTCUSDT", "data": [row], "ts": 5, "type": "snapshot"}
    return [event for event in deliver(protocol, message) if isinstance(event, Candle)]


def test_a_month_is_as_long_as_the_calendars() -> None:
    start, end = 1_769_904_000_000, 1_772_323_199_999  # February 2026, as the exchange writes it
    protocol = following(SPOT, Subscription(Channel.CANDLE, BTC, None, MONTH_S))

    (candle,) = read_candle(protocol, start - MS, confirm=False, end=end, bar="M")

    assert (candle.interval_s, candle.start_ns) == (MONTH_S, start * 1_000_000)
    assert candle.end_ns == (end + 1) * 1_000_000


def test_a_candle_is_closed_when_the_venue_confirms_it_and_once() -> None:
    protocol = following(SPOT, MINUTES)

    assert [one.closed for one in read_candle(protocol, 0, confirm=False)] == [False]
    assert [one.closed for one in read_candle(protocol, 60_000, confirm=False)] == [False]
    assert [one.closed for one in read_candle(protocol, 0, confirm=True)] == [True]  # late
    assert read_candle(protocol, 0, confirm=True) == []
    assert read_candle(protocol, 0, confirm=False) == []
    assert [one.closed for one in read_candle(protocol, 60_000, confirm=True)] == [True]
    assert read_candle(protocol, 60_000, confirm=True) == []
    assert [one.closed for one in read_candle(protocol, 120_000, confirm=False)] == [False]


def test_a_closed_candle_that_has_changed_is_a_correction() -> None:
    protocol = following(SPOT, MINUTES)
    (first,) = read_candle(protocol, 0, confirm=True)

    (second,) = read_candle(protocol, 0, confirm=True, close="3")

    assert (first.is_correction, second.is_correction, second.closed) == (False, True, True)
    assert read_candle(protocol, 0, confirm=True, close="3") == []


def test_the_list_of_markets_is_fetched_page_by_page() -> None:
    protocol = BybitProtocol(LINEAR)
    listing = Subscription(Channel.INSTRUMENT)
    protocol.subscribe([listing])
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    assert fetch.path == "/v5/market/instruments-info?category=linear&limit=1000"

    def page(name: str, cursor: str) -> bytes:
        market = {
            "symbol": f"{name}USDT",
            "contractType": "LinearPerpetual",
            "status": "Trading",
            "baseCoin": name,
            "quoteCoin": "USDT",
            "priceFilter": {"tickSize": "0.10"},
            "lotSizeFilter": {"minOrderQty": "0.001", "qtyStep": "0.001"},
        }
        result = {"category": "linear", "list": [market], "nextPageCursor": cursor}
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()

    events = protocol.receive_response(fetch, page("BTC", "first%3ABTC"), 7)
    assert [type(event) for event in events] == [Subscribed, Instrument]
    following_page = protocol.outbox.popleft()
    assert isinstance(following_page, Fetch)
    assert following_page.path.endswith("&cursor=first%3ABTC")
    (last,) = protocol.receive_response(following_page, page("ETH", ""), 8)
    assert isinstance(last, Instrument)
    assert (last.symbol, last.tick, last.price_precision) == ("ETH/USDT:PERP", Decimal("0.10"), 1)
    assert not protocol.outbox


def test_a_busy_venue_is_requested_its_list_again_and_a_no_is_a_no() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)

    with pytest.raises(RemoteProtocolError, match="10006 Too many visits!"):
        protocol.receive_response(fetch, b'{"retCode":10006,"retMsg":"Too many visits!"}', 7)
    (refused,) = protocol.receive_response(fetch, b'{"retCode":10001,"retMsg":"no"}', 7)
    assert isinstance(refused, Refused)
    assert refused.message == "no list of markets (spot): 10001 no"


@pytest.mark.parametrize("category", [SPOT, LINEAR], ids=["spot", "linear"])
def test_every_listed_market_is_spelled_and_read_back(category: Category) -> None:
    path = recording("bybit/rest_instruments_20260809.jsonl.gz")
    body = next(line.frame for line in TapeReader(path) if f"category={category.name}" in line.url)
    protocol = BybitProtocol(category)
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])

    events = protocol.receive_response(Fetch("GET", "", ""), body, 7)

    assert not [event for event in events if isinstance(event, LeftOut)]
    listed = [event for event in events if isinstance(event, Instrument)]
    assert len(listed) == {"spot": 557, "linear": 800}[category.name]
    assert len({one.symbol for one in listed}) == len(listed)
    assert [category.format_symbol(one.symbol) for one in listed] == [
        one.venue_symbol for one in listed
    ]
    wrong = [one.symbol for one in listed if category.parse_symbol(one.venue_symbol) != one.symbol]
    assert not wrong


@pytest.mark.parametrize(
    ("category", "symbol", "name"),
    [
        (SPOT, "BTC/USDT", "BTCUSDT"),
        (SPOT, "USDC/USDT", "USDCUSDT"),
        (LINEAR, "BTC/USDT:PERP", "BTCUSDT"),
        (LINEAR, "1000PEPE/USDT:PERP", "1000PEPEUSDT"),
        (LINEAR, "SHIB1000/USDT:PERP", "SHIB1000USDT"),
        (LINEAR, "BTC/USDC:PERP", "BTCPERP"),
        (LINEAR, "BTC/USDT:26DEC26", "BTCUSDT-26DEC26"),
        (LINEAR, "BTC/USDC:26DEC26", "BTC-26DEC26"),
    ],
)
def test_markets_are_spelled_as_the_venue_spells_them(
    category: Category, symbol: str, name: str
) -> None:
    assert category.format_symbol(Symbol(symbol)) == name
    assert category.parse_symbol(name) == Symbol(symbol)


@pytest.mark.parametrize(
    ("category", "symbol"), [(SPOT, "BTC/USDT:PERP"), (LINEAR, "BTC/USDT"), (LINEAR, "BTC/USDC")]
)
def test_a_market_of_another_category_has_no_name_here(category: Category, symbol: str) -> None:
    assert category.format_symbol(Symbol(symbol)) == symbol
