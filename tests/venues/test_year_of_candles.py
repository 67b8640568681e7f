"""A year of candles, page by page in virtual time, within the limits that each venue documents.

The venues' answers are written here by their documents, and not by our simulated exchanges:

- https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#klinecandlestick-data
- https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Kline-Candlestick-Data
- https://bybit-exchange.github.io/docs/v5/market/kline
- https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-candlesticks and -history
- https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles
- https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-product-candles
- https://docs.gemini.com/rest/market-data#list-candles
- https://docs.kraken.com/api/docs/rest-api/get-ohlc-data
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import aclosing
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec import Struct

from fluxum.model.instant import format_second, parse_rfc3339
from fluxum.model.market import Candle
from fluxum.session.session import Session
from fluxum.sim.loop import START_NS, SimulatedClock, run
from fluxum.venues.register import find_venue

SECOND = 1_000_000_000
STEP_S = 900
SINCE, UNTIL = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
SINCE_S, UNTIL_S = (parse_rfc3339(one) // SECOND for one in (SINCE, UNTIL))
NOW_S = START_NS // SECOND  # 2026-01-01
IN_A_YEAR = 366 * 96  # 2024 was a leap year
Query = Mapping[str, str]
Row = tuple[int, int, int, int, int, int]


def row(start_s: int) -> Row:
    """Start, open, high, low, close and volume: different from candle to candle."""
    number = start_s // STEP_S % 1000 + 10
    return start_s, number, number + 5, number - 5, number + 1, number * 2


def rows(first_s: int, last_s: int, count: int | None = None, *, newest: bool = True) -> list[Row]:
    """Candles that start between two seconds, both included, oldest first; at most `count`."""
    first_s = -(-first_s // STEP_S) * STEP_S
    starts = range(first_s, min(last_s, NOW_S) + 1, STEP_S)
    if count is not None:
        starts = starts[-count:] if newest else starts[:count]
    return [row(one) for one in starts]


def texts(one: Row) -> list[str]:
    return [str(value) for value in one[1:]]


def kraken(query: Query) -> Any:
    listed = [one for one in rows(NOW_S - 719 * STEP_S, NOW_S) if one[0] > int(query["since"])]
    found = [[s, *texts((s, o, h, lo, c, v))[:4], "1.0", str(v), 7] for s, o, h, lo, c, v in listed]
    return {"error": [], "result": {"XXBTZUSD": found, "last": NOW_S - STEP_S}}


def binance(query: Query) -> Any:
    first_s = -(-int(query["startTime"]) // 1000)
    last_s = int(query.get("endTime", NOW_S * 1000)) // 1000
    found = rows(first_s, last_s, min(int(query["limit"]), 1000), newest=False)
    return [
        [one[0] * 1000, *texts(one), (one[0] + STEP_S) * 1000 - 1, "1", 7, "1", "1", "0"]
        for one in found
    ]


def bybit(query: Query) -> Any:
    first_s, last_s = -(-int(query["start"]) // 1000), int(query["end"]) // 1000
    found = rows(first_s, last_s, min(int(query["limit"]), 1000))
    listed = [[str(one[0] * 1000), *texts(one), "1"] for one in reversed(found)]
    result = {"category": query["category"], "symbol": query["symbol"], "list": listed}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": NOW_S * 1000}


def okx(query: Query) -> Any:
    first_s, end_s = int(query["before"]) // 1000 + 1, int(query["after"]) // 1000
    if "history" not in query["path"]:
        first_s = max(first_s, NOW_S - 1439 * STEP_S)
    found = rows(first_s, end_s - 1, min(int(query["limit"]), 300))
    listed = [[str(one[0] * 1000), *texts(one), "1", "1", "1"] for one in reversed(found)]
    return {"code": "0", "msg": "", "data": listed}


def coinbase_exchange(query: Query) -> Any:
    first_s, last_s = (parse_rfc3339(query[name]) // SECOND for name in ("start", "end"))
    found = rows(first_s, last_s)
    assert len(found) <= 300, "the venue refuses more"
    return [[s, lo, h, o, c, v] for s, o, h, lo, c, v in reversed(found)]


def coinbase(query: Query) -> Any:
    found = rows(int(query["start"]), int(query["end"]))
    assert len(found) <= 350, "the venue refuses more"
    names = ("start", "open", "high", "low", "close", "volume")
    listed = [dict(zip(names, map(str, one), strict=True)) for one in reversed(found)]
    return {"candles": listed}


def gemini(_query: Query) -> Any:
    return [[one[0] * 1000, *one[1:]] for one in reversed(rows(NOW_S - 999 * STEP_S, NOW_S))]


class Limit(Struct, frozen=True):
    """What a venue allows: calls of a weight, so many in any window."""

    most: int
    window_s: float
    weight: int = 1


class Case(Struct, frozen=True):
    """How a venue answers, what it allows, and how many candles and calls a year is."""

    answer: Callable[[Query], Any]
    limit: Limit
    calls: int
    candles: int = IN_A_YEAR


CASES = {
    # About one a second: https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits
    "kraken": Case(kraken, Limit(60, 60), 1, candles=0),
    # 6000 and 2400 a minute; `klines` weigh 2 on spot, and 5 for 500 to 1000 rows of futures.
    "binance": Case(binance, Limit(6000, 60, 2), 36),
    "binance-usdm": Case(binance, Limit(2400, 60, 5), 36),
    # https://bybit-exchange.github.io/docs/v5/rate-limit
    "bybit": Case(bybit, Limit(600, 5), 36),
    "bybit-linear": Case(bybit, Limit(600, 5), 36),
    # 20 in 2 s of history; one call is for the recent ones, which do not go back that far.
    "okx": Case(okx, Limit(20, 2), 119),
    # https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits
    "coinbase-exchange": Case(coinbase_exchange, Limit(10, 1), 118),
    "coinbase": Case(coinbase, Limit(10, 1), 101),
    # https://docs.gemini.com/rest-api/#rate-limits; candles cannot be requested by time.
    "gemini": Case(gemini, Limit(120, 60), 1, candles=0),
    "gemini-v2": Case(gemini, Limit(120, 60), 1, candles=0),
}
cases = pytest.mark.parametrize("name", CASES)


class Calls:
    """Answers calls for candles at once, so that nothing but our own limits holds them up."""

    def __init__(self, answer: Callable[[Query], Any]) -> None:
        self._answer = answer
        self.made_s: list[float] = []

    async def call(self, method: str, url: str, headers: object, body: bytes) -> bytes:
        assert (method, body, headers) == ("GET", b"", {})
        self.made_s.append(asyncio.get_running_loop().time())
        parts = urlsplit(url)
        answer = self._answer({"path": parts.path, **dict(parse_qsl(parts.query))})
        return json.dumps(answer).encode()

    def most_in(self, window_s: float) -> int:
        """The most calls in any window of that length."""
        window: deque[float] = deque()
        most = 0
        for made_s in self.made_s:
            window.append(made_s)
            while window[0] <= made_s - window_s:
                window.popleft()
            most = max(most, len(window))
        return most


def no_link(url: str, headers: Mapping[str, str] = {}, /) -> Any:
    raise AssertionError(f"no link was expected, was {url} {headers}")


def session(name: str, calls: Calls) -> Session:
    clock = SimulatedClock()
    return Session(find_venue(name), dial=no_link, clock=clock, random=Random(1), http=calls)


def figures(one: Candle) -> tuple[object, ...]:
    return (one.start_ns // SECOND, one.open, one.high, one.low, one.close, one.volume)


@cases
def test_a_year_is_read_whole_and_within_the_documented_limit(name: str) -> None:
    async def story() -> tuple[Calls, tuple[Candle, ...]]:
        calls = Calls(CASES[name].answer)
        async with session(name, calls) as now:
            symbol = now.venue.sample_symbols[0]
            return calls, await now.fetch_candles(symbol, "15m", SINCE, UNTIL)

    calls, found = run(story())

    case = CASES[name]
    assert len(found) == case.candles
    expected = [tuple(map(Decimal, row(s))) for s in range(SINCE_S, UNTIL_S, STEP_S)]
    assert list(map(figures, found)) == expected[: case.candles]
    assert all(one.closed and one.backfilled for one in found)
    assert len(calls.made_s) == case.calls
    assert calls.most_in(case.limit.window_s) * case.limit.weight <= case.limit.most


@cases
def test_a_page_is_requested_when_it_is_read(name: str) -> None:
    async def story() -> tuple[int, int]:
        calls = Calls(CASES[name].answer)
        async with session(name, calls) as now:
            symbol = now.venue.sample_symbols[0]
            since = format_second(START_NS - 600 * STEP_S * SECOND)
            async with aclosing(now.candle_pages(symbol, "15m", since)) as pages:
                await asyncio.sleep(60)
                before = len(calls.made_s)
                first = await anext(pages)
                assert first
                await asyncio.sleep(60)
                return before, len(calls.made_s)

    assert run(story()) == (0, 1)
