"""The simulated Bybit: its acknowledgements, its refusals, and the client it would fool."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from worlds import play

from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.sides import find_side
from fluxum.venues.bybit.category import SPOT
from fluxum.venues.bybit.server.rest import BybitRest
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.server.contract import Close, Dialled, VenueServer
from fluxum.venues.venue import Fetch, Venue

NOW = 1_767_225_600_000_000_000


def served(venue: Venue, *requests: str) -> list[dict[str, Any]]:
    """What a fresh client is told for its requests."""
    answered: list[dict[str, Any]] = []

    async def story() -> None:
        server = fresh(venue)
        for request in requests:
            answered.extend(json.loads(frame) for frame in answers(server, request))

    play(story)
    return answered


def fresh(venue: Venue) -> VenueServer:
    exchange = SimulatedExchange(venue, venue.sample_symbols, seed=1, clock=SimulatedClock())
    server = find_side(venue.name).link(exchange, Dialled("public"))
    server.opened(NOW)
    return server


def answers(server: VenueServer, request: str) -> list[bytes]:
    return [frame for frame in server.receive(request.encode(), NOW) if isinstance(frame, bytes)]


def test_answers_echo_the_id_and_those_of_spot_the_operation() -> None:
    """A client of other people's waits for the id that it gave (ccxt, un_watch_trades)."""
    request = '{"req_id":"10001","op":"subscribe","args":["orderbook.50.BTCUSDT"]}'

    spot, snapshot = served(BYBIT, request)
    linear, _ = served(BYBIT_LINEAR, request)
    end = '{"req_id":"8","op":"unsubscribe","args":["orderbook.50.BTCUSDT"]}'
    *_, ended = served(BYBIT_LINEAR, request, end)
    (without,) = served(BYBIT_LINEAR, '{"op":"subscribe","args":["publicTrade.BTCUSDT"]}')

    assert (spot["success"], spot["ret_msg"], spot["req_id"]) == (True, "subscribe", "10001")
    assert (linear["success"], linear["ret_msg"], linear["req_id"]) == (True, "", "10001")
    assert (ended["success"], ended["req_id"], ended["op"]) == (True, "8", "unsubscribe")
    assert without["req_id"] == ""
    assert (snapshot["topic"], snapshot["type"]) == ("orderbook.50.BTCUSDT", "snapshot")
    assert len(snapshot["data"]["b"]) <= 50
    assert snapshot["data"]["u"] > 1


def test_an_id_is_echoed_as_it_was_given() -> None:
    (answer,) = served(BYBIT, '{"req_id":7,"op":"subscribe","args":["publicTrade.BTCUSDT"]}')

    assert answer["req_id"] == 7


def test_a_ping_is_answered_as_published() -> None:
    (spot,) = served(BYBIT, '{"op":"ping"}')
    (linear,) = served(BYBIT_LINEAR, '{"req_id":"5","op":"ping"}')

    assert list(spot) == ["success", "ret_msg", "conn_id", "op"]
    assert (spot["ret_msg"], spot["op"]) == ("pong", "ping")
    assert (linear["ret_msg"], linear["req_id"]) == ("pong", "")


@pytest.mark.parametrize(
    ("venue", "args", "text"),
    [
        (BYBIT, ["publicTrade.NOPEUSDT"], "Invalid symbol :[publicTrade.NOPEUSDT]"),
        (BYBIT, ["kline.7.BTCUSDT"], "Invalid kline type :[kline.7.BTCUSDT]"),
        (BYBIT, [f"tickers.{n}" for n in range(11)], "args size >10"),
        (
            BYBIT_LINEAR,
            ["publicTrade.BTCUSDT", "orderbook.500.BTCUSDT"],
            "error:handler not found,topic:orderbook.500.BTCUSDT",
        ),
    ],
)
def test_one_bad_topic_refuses_the_whole_request(venue: Venue, args: list[str], text: str) -> None:
    (refused,) = served(venue, json.dumps({"op": "subscribe", "args": args}))

    assert (refused["success"], refused["ret_msg"]) == (False, text)


def test_a_duplicate_is_silence_on_spot_and_an_error_on_linear() -> None:
    request = '{"op":"subscribe","args":["publicTrade.BTCUSDT"]}'

    assert len(served(BYBIT, request, request)) == 1
    assert served(BYBIT_LINEAR, request, request)[-1]["ret_msg"] == (
        "error:already subscribed,topic:publicTrade.BTCUSDT"
    )


@pytest.mark.parametrize("frame", ["", "not json", "[]", '{"op":5}', '{"op":"dance"}'])
def test_nonsense_is_refused(frame: str) -> None:
    (refused,) = served(BYBIT, frame)

    assert (refused["success"], refused["ret_msg"]) == (False, "error:invalid op")


def test_ten_idle_minutes_end_the_link() -> None:
    async def story() -> None:
        server = fresh(BYBIT)
        assert server.tick(NOW + 599 * 10**9) == []
        (close,) = server.tick(NOW + 600 * 10**9)
        assert isinstance(close, Close)

    play(story)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v5/market/time", 0),
        ("/v5/market/instruments-info?category=spot", 0),
        ("/v5/market/instruments-info?category=option", 0),
        ("/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=5", 0),
        ("/v5/market/tickers?category=spot", 0),
        ("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1", 0),
        ("/v5/market/recent-trade?category=spot&symbol=BTCUSDT", 0),
        ("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1&start=x", 10001),
        ("/v5/system/status", 0),
        ("/v5/market/instruments-info", 10001),
        ("/v5/market/orderbook?category=spot&symbol=NOPE", 10001),
        ("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=7", 10001),
        ("/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=x", 10001),
    ],
)
def test_calls_are_answered_in_the_envelope(path: str, code: int) -> None:
    async def story() -> None:
        exchange = SimulatedExchange(BYBIT, BYBIT.sample_symbols, seed=1, clock=SimulatedClock())
        rest = BybitRest(exchange, SPOT)
        answer = rest.answer(Fetch("GET", path, ""), NOW)
        assert answer.status == 200
        assert json.loads(answer.body)["retCode"] == code
        assert rest.answer(Fetch("GET", "/v5/nothing", ""), NOW).status == 404

    play(story)


@pytest.mark.parametrize("venue", [BYBIT, BYBIT_LINEAR], ids=lambda one: str(one.name))
def test_a_candle_is_confirmed_once(venue: Venue) -> None:
    async def story() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(
            venue,
            venue.sample_symbols[:1],
            seed=1,
            clock=clock,
            rate_per_s=5,
            resolution_ns=1_000_000,
        )
        confirmed: Counter[int] = Counter()
        running = 0
        async with exchange, exchange.dial(venue.endpoints["public"]) as link:
            await link.send(b'{"op":"subscribe","args":["kline.1.BTCUSDT"]}')
            with suppress(TimeoutError):
                async with asyncio.timeout(200):
                    while True:
                        for row in json.loads(await link.receive()).get("data", ()):
                            confirmed[row["start"]] += row["confirm"]
                            running += not row["confirm"]
        assert sorted(confirmed.values())[-3:] == [1, 1, 1]
        assert 100 < running < 1000 * 0.5  # with the trades, not with every move

    play(story)


def test_a_line_of_futures_has_what_that_of_spot_has_not() -> None:
    """By `openInterestValue` and `usdIndexPrice` clients of other people's tell the two apart."""
    request = '{"op":"subscribe","args":["tickers.BTCUSDT"]}'

    spot, linear = served(BYBIT, request)[1]["data"], served(BYBIT_LINEAR, request)[1]["data"]

    own = {"markPrice", "indexPrice", "openInterest", "openInterestValue", "fundingRate"}
    assert own <= set(linear)
    assert not own & set(spot)
    assert (spot["usdIndexPrice"], linear["markPrice"]) == (spot["lastPrice"], linear["lastPrice"])
    assert linear["nextFundingTime"] == "1767254400000"  # 08:00 UTC
