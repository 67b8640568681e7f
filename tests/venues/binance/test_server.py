"""Binance's simulated half: what it sends is compared with what is published."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.server.link import BinanceServer
from fluxum.venues.binance.server.rest import BinanceRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.contract import Close, Dialled, Outgoing, StatusServer
from fluxum.venues.venue import Fetch
from venues.binance.market import BUY, MINUTE, SECOND, SELL, START, Market

MILLIS = START // 1_000_000
HERE = Dialled("public")


def ask(server: BinanceServer, method: str, *params: object, now_ns: int = START) -> Any:
    frame = json.dumps({"method": method, "params": params, "id": 1}).encode()
    return decoded(server.receive(frame, now_ns))[0]


def decoded(frames: Iterable[Outgoing]) -> list[Any]:
    return [json.loads(word) for word in frames if isinstance(word, bytes)]


def serving(
    *streams: str, policy: Policy = SPOT, endpoint: str = "public"
) -> tuple[Market, BinanceServer]:
    market = Market(policy)
    server = BinanceServer(policy, Snapshots(), market, Dialled(endpoint))
    assert ask(server, "SUBSCRIBE", *streams) == {"result": None, "id": 1}
    return market, server


# Control


def test_it_sends_nothing_until_a_request() -> None:
    server = BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE)

    assert server.opened(START) == ()
    assert server.tick(START) == []
    assert not isinstance(server, StatusServer)


def test_streams_are_listed_and_end() -> None:
    _, server = serving("btcusdt@trade", "btcusdt@kline_1m")

    assert ask(server, "LIST_SUBSCRIPTIONS") == {
        "result": ["btcusdt@trade", "btcusdt@kline_1m"],
        "id": 1,
    }
    assert ask(server, "UNSUBSCRIBE", "btcusdt@trade", "nosuch@trade")["result"] is None
    assert ask(server, "LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@kline_1m"]


@pytest.mark.parametrize("number", [1, -5, None, "fc93a61a"])
def test_the_id_of_a_request_is_that_of_its_answer(number: object) -> None:
    server = BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE)
    frame = json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}).encode()

    assert decoded(server.receive(frame, START)) == [{"result": [], "id": number}]


def test_a_stream_that_does_not_exist_is_acknowledged_and_silent() -> None:
    market, server = serving("nosuch@trade", "btcusdt@nosuch", "BTCUSDT@trade", "!nosuch@arr")
    market.trade(BUY, "100", "1")

    assert not server.publish(market.symbol, START)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (b"{", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        (
            b'{"id":1}',
            {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 8"},
        ),
        (
            b'{"method":"LOGIN","id":1}',
            {
                "code": 2,
                "msg": "Invalid request: unknown variant `LOGIN`, expected one of `SUBSCRIBE`, "
                "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 "
                "column 28",
            },
        ),
        (
            b'{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1.5}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            b'{"method":"SUBSCRIBE","params":["' + b"x" * 4100 + b'@trade"],"id":1}',
            {"code": 3, "msg": "Invalid JSON: EOF while parsing a string at line 1 column 4096"},
        ),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_without_its_id(
    frame: bytes, error: dict[str, object]
) -> None:
    assert decoded(BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE).receive(frame, START)) == [
        {"error": error}
    ]


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("SUBSCRIBE", ["btcusdt@trade", "btc/usdt@trade"], (2, "Invalid request: invalid stream")),
        ("SUBSCRIBE", ["btcusdt"], (2, "Invalid request: invalid stream")),
        ("SUBSCRIBE", [], (2, "Invalid request: invalid stream")),
        ("SET_PROPERTY", ["combined", "yes"], (1, "Invalid value type: expected Boolean")),
        ("SET_PROPERTY", [5, True], (2, "Invalid request: property name must be a string")),
        ("SET_PROPERTY", ["a", 1, 2], (2, "Invalid request: too many parameters")),
        ("GET_PROPERTY", ["other"], (0, "Unknown property")),
        ("SUBSCRIBE", [f"a{n}@t" for n in range(200)], None),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_its_id(
    method: str, params: list[object], error: tuple[int, str] | None
) -> None:
    answer = ask(BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE), method, *params)

    if error is None:
        assert answer == {"result": None, "id": 1}
    else:
        assert answer == {"error": {"code": error[0], "msg": error[1]}, "id": 1}


def test_more_than_1024_streams_are_too_many() -> None:
    server = BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE)
    for part in range(4):
        names = [f"a{part}{n}@t" for n in range(256)]
        assert ask(server, "SUBSCRIBE", *names, now_ns=START + part * SECOND)["result"] is None

    assert ask(server, "SUBSCRIBE", "b@t")["error"] == {"code": 4, "msg": "Too many subscriptions"}


def test_a_sixth_message_in_a_second_ends_the_link() -> None:
    server = BinanceServer(SPOT, Snapshots(), Market(SPOT), HERE)
    frame = b'{"method":"LIST_SUBSCRIPTIONS","id":1}'
    step = SECOND // 5
    for number in range(20):
        assert len(decoded(server.receive(frame, START + number * step))) == 1
    now_ns = START + 19 * step
    for number in range(4):
        server.receive(frame, now_ns + SECOND + number)

    assert len(decoded(server.receive(frame, now_ns + SECOND + 4))) == 1
    assert server.receive(frame, now_ns + 2 * SECOND - 1) == (Close(1008, "Too many requests"),)


def test_wrapping_can_be_switched_off_and_on() -> None:
    market, server = serving("btcusdt@trade")

    assert ask(server, "GET_PROPERTY", "combined")["result"] is True
    assert ask(server, "SET_PROPERTY", "combined", False)["result"] is None
    market.trade(BUY, "100", "1")
    assert decoded(server.publish(market.symbol, START))[0]["e"] == "trade"


def test_the_notice_that_it_shuts_down_is_the_published_one() -> None:
    _, server = serving("btcusdt@trade")

    assert decoded(server.going_away(START)) == [
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": MILLIS}}
    ]


# Data


def test_a_depth_event_has_what_changed_from_where_the_last_one_ended() -> None:
    market, server = serving("btcusdt@depth@100ms")
    market.put(BUY, "99.5", "2")
    market.put(SELL, "101.5", "3")

    assert decoded(server.publish(market.symbol, START)) == [
        {
            "stream": "btcusdt@depth@100ms",
            "data": {
                "e": "depthUpdate",
                "E": MILLIS,
                "s": "BTCUSDT",
                "U": 1001,
                "u": 1002,
                "b": [["99.5", "2"]],
                "a": [["101.5", "3"]],
            },
        }
    ]
    market.take(BUY, "99.5")
    (gone,) = decoded(server.publish(market.symbol, START + SECOND))
    assert gone["data"]["b"] == [["99.5", "0"]]
    assert (gone["data"]["U"], gone["data"]["u"]) == (1003, 1003)


def test_what_changes_no_level_is_sent_with_the_next_change() -> None:
    market, server = serving("btcusdt@depth")
    market.moved += 5

    assert server.publish(market.symbol, START) == []
    market.put(BUY, "99.5", "2")

    (event,) = decoded(server.publish(market.symbol, START))
    assert (event["data"]["U"], event["data"]["u"]) == (1001, 1006)


def test_a_level_that_came_was_listed_and_went_unsent_is_sent_as_gone() -> None:
    market, snapshots = Market(SPOT), Snapshots()
    server = BinanceServer(SPOT, snapshots, market, HERE)
    rest = BinanceRest(SPOT, snapshots, market)
    ask(server, "SUBSCRIBE", "btcusdt@depth@100ms")
    market.put(BUY, "99.5", "2")
    market.put(BUY, "99", "7")
    listed = rest.answer(Fetch("GET", "/api/v3/depth?symbol=BTCUSDT", ""), START)
    assert json.loads(listed.body)["bids"] == [["99.5", "2"], ["99", "7"]]
    market.take(BUY, "99.5")
    market.put(SELL, "101", "1")

    (event,) = decoded(server.publish(market.symbol, START))

    assert sorted(event["data"]["b"]) == [["99", "7"], ["99.5", "0"]]
    assert event["data"]["a"] == [["101", "1"]]
    market.put(SELL, "102", "1")
    (event,) = decoded(server.publish(market.symbol, START))
    assert (event["data"]["b"], event["data"]["a"]) == ([], [["102", "1"]])


def test_a_futures_depth_event_names_the_one_before() -> None:
    market, server = serving("btcusdt@depth@100ms", policy=USDM)
    market.put(BUY, "99.5", "2")

    (event,) = decoded(server.publish(market.symbol, START))

    data = event["data"]
    assert (data["pu"], data["U"], data["u"]) == (1000, 1001, 1001)
    assert (data["E"], data["T"]) == (MILLIS, MILLIS)


def test_the_best_levels_are_sent_whole() -> None:
    market, server = serving("btcusdt@depth5")
    for price in range(90, 99):
        market.put(BUY, str(price), "1")

    (event,) = decoded(server.publish(market.symbol, START))

    assert event["data"]["lastUpdateId"] == 1009
    assert [price for price, _ in event["data"]["bids"]] == ["99", "98", "97", "96", "95"]
    assert event["data"]["asks"] == [["101", "1"]]


@pytest.mark.parametrize(("side", "buyer_is_maker"), [(BUY, False), (SELL, True)])
def test_a_trade_tells_who_rested(side: Side, buyer_is_maker: bool) -> None:
    market, server = serving("btcusdt@trade")
    market.trade(side, "100.5", "0.25")

    assert decoded(server.publish(market.symbol, START)) == [
        {
            "stream": "btcusdt@trade",
            "data": {
                "e": "trade",
                "E": MILLIS,
                "s": "BTCUSDT",
                "t": 1,
                "p": "100.5",
                "q": "0.25",
                "T": MILLIS,
                "m": buyer_is_maker,
                "M": True,
            },
        }
    ]
    assert server.publish(market.symbol, START) == []


def test_a_trade_of_futures_is_marked_as_a_match_in_the_book() -> None:
    market, server = serving("btcusdt@trade", policy=USDM)
    market.trade(BUY, "100.5", "0.25")

    (event,) = decoded(server.publish(market.symbol, START))

    assert event["data"]["X"] == "MARKET"


def test_aggregated_trades_are_sent_with_their_range() -> None:
    market, server = serving("btcusdt@aggTrade", policy=USDM, endpoint="market")
    market.trade(BUY, "100.5", "0.25")
    market.trade(BUY, "100.6", "0.25")

    events = decoded(server.publish(market.symbol, START))

    ids = [(one["data"]["a"], one["data"]["f"], one["data"]["l"]) for one in events]
    assert ids == [(1, 1, 1), (2, 2, 2)]
    assert "M" not in events[0]["data"]


@pytest.mark.parametrize(
    ("endpoint", "stream", "other"),
    [("public", "btcusdt@aggTrade", "market"), ("market", "btcusdt@depth@100ms", "public")],
)
def test_a_futures_link_refuses_by_name_what_another_one_carries(
    endpoint: str, stream: str, other: str
) -> None:
    """The real one acknowledges it and sends nothing."""
    server = BinanceServer(USDM, Snapshots(), Market(USDM), Dialled(endpoint))

    answer = ask(server, "SUBSCRIBE", "btcusdt@trade", stream)

    text = f"Invalid request: {stream} is sent over /{other}, not over /{endpoint}"
    assert answer == {"error": {"code": 2, "msg": text}, "id": 1}
    assert ask(server, "LIST_SUBSCRIPTIONS")["result"] == []


# The URL


@pytest.mark.parametrize(
    ("path", "query", "policy"),
    [
        ("/stream", "streams=btcusdt@trade", SPOT),
        ("/stream", "x=1&streams=btcusdt%40trade/ethusdt@trade", SPOT),
        ("/market/stream", "streams=btcusdt@trade", USDM),
        ("/public/stream", "streams=btcusdt@trade", USDM),
        ("/stream", "streams=btcusdt@trade", USDM),
    ],
)
def test_streams_that_the_url_names_are_sent_at_once_and_wrapped(
    path: str, query: str, policy: Policy
) -> None:
    market = Market(policy)
    server = BinanceServer(policy, Snapshots(), market, Dialled("public", path, query))
    assert server.opened(START) == ()
    market.trade(BUY, "100", "1")

    (event,) = decoded(server.publish(market.symbol, START))

    assert (event["stream"], event["data"]["p"]) == ("btcusdt@trade", "100")


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/ws/btcusdt@trade", SPOT),
        ("/ws/btcusdt@trade/ethusdt@trade", SPOT),
        ("/public/ws/btcusdt@trade", USDM),
        ("/market/ws/btcusdt@trade", USDM),
        ("/ws/btcusdt@trade", USDM),
    ],
)
def test_streams_behind_ws_are_sent_as_they_are(path: str, policy: Policy) -> None:
    market = Market(policy)
    server = BinanceServer(policy, Snapshots(), market, Dialled("public", path))
    server.opened(START)
    market.trade(BUY, "100", "1")

    (event,) = decoded(server.publish(market.symbol, START))

    assert (event["e"], event["p"]) == ("trade", "100")


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/public/ws", "/ws/0", "/ws/stream1"])
def test_what_is_subscribed_to_on_ws_is_sent_as_it_is(path: str) -> None:
    policy = USDM if "public" in path else SPOT
    market = Market(policy)
    server = BinanceServer(policy, Snapshots(), market, Dialled("public", path))
    server.opened(START)
    assert ask(server, "SUBSCRIBE", "btcusdt@trade")["result"] is None
    market.trade(BUY, "100", "1")

    assert decoded(server.publish(market.symbol, START))[0]["e"] == "trade"


def test_streams_of_the_url_are_listed_and_end_like_others() -> None:
    market = Market(SPOT)
    server = BinanceServer(SPOT, Snapshots(), market, Dialled("public", "/ws/btcusdt@kline_1m"))
    server.opened(START)
    assert ask(server, "LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@kline_1m"]

    assert ask(server, "UNSUBSCRIBE", "btcusdt@kline_1m")["result"] is None
    market.trade(BUY, "100", "1")

    assert not server.publish(market.symbol, START)
    assert not server.tick(START + 2 * MINUTE)


@pytest.mark.parametrize(
    ("path", "query", "status", "named"),
    [
        ("/public/stream", "streams=btcusdt@trade/btcusdt@kline_1m", "400", "btcusdt@kline_1m"),
        ("/market/ws/btcusdt@bookTicker", "", "400", "btcusdt@bookTicker"),
        ("/ws/btcusdt@markPrice@1s", "", "400", "btcusdt@markPrice@1s"),
    ],
)
def test_a_url_that_names_a_stream_which_is_not_sent_is_refused(
    path: str, query: str, status: str, named: str
) -> None:
    with pytest.raises(VenueRefused, match=named) as error:
        BinanceServer(USDM, Snapshots(), Market(USDM), Dialled("public", path, query))

    assert error.value.code == status


def test_the_best_levels_of_futures_are_sent_as_changes_are() -> None:
    market, server = serving("btcusdt@depth5@100ms", policy=USDM)
    for price in range(90, 99):
        market.put(BUY, str(price), "1")

    (event,) = decoded(server.publish(market.symbol, START))

    assert (event["data"]["e"], event["data"]["u"]) == ("depthUpdate", 1009)
    assert [price for price, _ in event["data"]["b"]] == ["99", "98", "97", "96", "95"]


def test_tickers_of_all_markets_are_lists_of_those_that_changed() -> None:
    market, server = serving("!miniTicker@arr")
    market.trade(BUY, "100.5", "0.25")

    (event,) = decoded(server.publish(market.symbol, START))

    assert event["stream"] == "!miniTicker@arr"
    assert [(one["e"], one["s"], one["c"]) for one in event["data"]] == [
        ("24hrMiniTicker", "BTCUSDT", "100.5")
    ]
    assert ask(server, "UNSUBSCRIBE", "!miniTicker@arr")["result"] is None
    market.trade(BUY, "101", "0.25")
    assert not server.publish(market.symbol, START)


def test_the_best_levels_of_all_futures_are_one_stream() -> None:
    market, server = serving("!bookTicker", policy=USDM)
    market.put(BUY, "99.5", "2")

    (event,) = decoded(server.publish(market.symbol, START))

    assert (event["stream"], event["data"]["b"]) == ("!bookTicker", "99.5")


def test_a_ticker_tells_the_day_and_on_spot_the_best_levels() -> None:
    market, server = serving("btcusdt@ticker")
    market.trade(BUY, "100.5", "0.25")

    ((event,), again) = (
        decoded(server.publish(market.symbol, START)),
        server.publish(BTC, START + 1),
    )

    data = event["data"]
    assert again == []
    assert (data["e"], data["c"], data["n"], data["L"]) == ("24hrTicker", "100.5", 1, 1)
    assert (data["b"], data["B"], data["a"], data["A"]) == ("99", "1", "101", "1")
    assert (data["O"], data["C"]) == (MILLIS - 86_400_000, MILLIS)


def test_a_mini_ticker_is_the_same_in_short() -> None:
    market, server = serving("btcusdt@miniTicker")
    market.trade(BUY, "100.5", "0.25")

    (event,) = decoded(server.publish(market.symbol, START))

    assert list(event["data"]) == ["e", "E", "s", "c", "o", "h", "l", "v", "q"]
    assert (event["data"]["e"], event["data"]["c"]) == ("24hrMiniTicker", "100.5")
    assert server.publish(market.symbol, START + 1) == []


def test_a_futures_ticker_has_no_best_levels() -> None:
    market, server = serving("btcusdt@ticker", policy=USDM, endpoint="market")
    market.trade(BUY, "100.5", "0.25")

    (event,) = decoded(server.publish(market.symbol, START))

    assert not {"b", "B", "a", "A", "x"} & event["data"].keys()


def test_the_best_levels_have_no_tag_on_spot_and_one_on_futures() -> None:
    market, server = serving("btcusdt@bookTicker")
    (event,) = decoded(server.publish(market.symbol, START))
    assert event["data"] == {
        "u": 1000,
        "s": "BTCUSDT",
        "b": "99",
        "B": "1",
        "a": "101",
        "A": "1",
    }

    market, server = serving("btcusdt@bookTicker", policy=USDM)
    (event,) = decoded(server.publish(market.symbol, START))
    assert (event["data"]["e"], event["data"]["E"]) == ("bookTicker", MILLIS)


# Candles


def test_a_candle_is_sent_with_each_trade_and_closed_once() -> None:
    market, server = serving("btcusdt@kline_1m")
    market.trade(BUY, "100.5", "0.25")
    (running,) = decoded(server.publish(market.symbol, START))
    bar = running["data"]["k"]
    begin = MILLIS - MILLIS % 60_000
    assert (bar["t"], bar["T"], bar["i"], bar["x"]) == (begin, begin + 59_999, "1m", False)
    assert (bar["o"], bar["c"], bar["v"], bar["n"]) == ("100.5", "100.5", "0.25", 1)
    assert (bar["f"], bar["L"]) == (1, 1)
    assert server.publish(market.symbol, START) == []
    assert server.tick(START + SECOND) == []

    (closed,) = decoded(server.tick(START + MINUTE))

    assert closed["data"]["k"] == {**bar, "x": True}
    assert server.tick(START + MINUTE + SECOND) == []


def test_a_candle_without_trades_is_sent_when_it_is_closed() -> None:
    market, server = serving("btcusdt@kline_1m")
    market.trade(BUY, "100.5", "0.25")

    _, empty = decoded(server.tick(START + 2 * MINUTE))

    bar = empty["data"]["k"]
    assert (bar["o"], bar["h"], bar["l"], bar["c"]) == ("100.5", "100.5", "100.5", "100.5")
    assert Decimal(bar["v"]) == Decimal(0)
    assert (bar["n"], bar["f"], bar["L"], bar["x"]) == (0, -1, -1, True)


def test_a_month_is_closed_at_its_end_in_the_calendar() -> None:
    market, server = serving("btcusdt@kline_1M")
    market.trade(BUY, "100.5", "0.25")
    (running,) = decoded(server.publish(market.symbol, START))
    bar = running["data"]["k"]
    end_ns = (bar["T"] + 1) * 1_000_000

    assert server.tick(end_ns - SECOND) == []
    (closed,) = decoded(server.tick(end_ns))

    assert closed["data"]["k"] == {**bar, "x": True}
    assert datetime.fromtimestamp(bar["t"] // 1000, UTC).day == 1
    assert datetime.fromtimestamp(bar["T"] // 1000 + 1, UTC).day == 1


def test_a_market_that_never_traded_has_no_candles() -> None:
    _, server = serving("btcusdt@kline_1m")

    assert server.tick(START + 5 * MINUTE) == []


def test_a_candle_ends_before_the_next_one_is_sent() -> None:
    market, server = serving("btcusdt@kline_1m")
    market.trade(BUY, "100.5", "0.25")
    server.publish(market.symbol, START)
    market.trade(SELL, "99.5", "1", at_ns=START + MINUTE)

    closed, running = decoded(server.publish(market.symbol, START + MINUTE))

    assert (closed["data"]["k"]["x"], closed["data"]["k"]["c"]) == (True, "100.5")
    assert (running["data"]["k"]["x"], running["data"]["k"]["o"]) == (False, "99.5")


BTC = Symbol("BTC/USDT")
