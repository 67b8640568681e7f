"""Trades and candles of the past in the simulated half, and the client's queries to it."""

import json
from typing import Any

import pytest

from fluxum.model.event import VenueStatus
from fluxum.model.market import Candle
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.binance.server.rest import BinanceRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.venue import Fetch, Venue
from venues.binance.market import BUY, MINUTE, START, Market

MILLIS = START // 1_000_000


def moved(policy: Policy = SPOT) -> BinanceRest:
    """Seven trades, one in each of seven minutes from five seconds into the first."""
    market = Market(policy)
    for number in range(7):
        market.trade(BUY, f"10{number}", "1", START + number * MINUTE)
    return BinanceRest(policy, Snapshots(), market)


def listed(query: str, policy: Policy = SPOT, *, status: int = 200) -> Any:
    answer = moved(policy).answer(Fetch("GET", f"{policy.rest}{query}", ""), START + 7 * MINUTE)
    assert answer.status == status, answer
    return json.loads(answer.body)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7]),
        ("&limit=2", [6, 7]),
        ("&fromId=3&limit=2", [3, 4]),
        ("&fromId=6&limit=9", [6, 7]),
        (f"&startTime={MILLIS + 60_000}&limit=2", [2, 3]),
        (f"&startTime={MILLIS + 60_001}", [3, 4, 5, 6, 7]),
        (f"&startTime={MILLIS + 60_000}&endTime={MILLIS + 120_000}", [2, 3]),
        (f"&endTime={MILLIS + 120_000}&limit=2", [2, 3]),
        (f"&startTime={MILLIS + 10**9}", []),
    ],
)
def test_aggregated_trades_are_listed_from_where_the_call_begins(
    query: str, ids: list[int]
) -> None:
    assert [one["a"] for one in listed(f"aggTrades?symbol=BTCUSDT{query}")] == ids


@pytest.mark.parametrize(("query", "ids"), [("&limit=2", [6, 7]), ("&fromId=2&limit=3", [2, 3, 4])])
def test_old_trades_are_listed_by_their_ids(query: str, ids: list[int]) -> None:
    assert [one["id"] for one in listed(f"historicalTrades?symbol=BTCUSDT{query}")] == ids


MINUTE_MS = 60_000
FIRST_MS = MILLIS - 5_000  # the first minute's beginning


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("&limit=2", [5, 6]),
        (f"&startTime={FIRST_MS}&limit=2", [0, 1]),
        (f"&startTime={FIRST_MS + 1}&limit=2", [1, 2]),
        (f"&startTime={FIRST_MS}&endTime={FIRST_MS + MINUTE_MS}", [0, 1]),
        (f"&endTime={FIRST_MS + MINUTE_MS - 1}", [0]),
    ],
)
def test_candles_are_listed_by_their_beginning(query: str, minutes: list[int]) -> None:
    bars = listed(f"klines?symbol=BTCUSDT&interval=1m{query}")

    assert [(one[0] - FIRST_MS) // MINUTE_MS for one in bars] == minutes


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("klines?symbol=BTCUSDT&interval=1m&startTime=soon", -1100),
        ("klines?symbol=BTCUSDT&interval=1m&limit=0", -1130),
        ("klines?symbol=BTCUSDT&interval=2m", -1120),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128),
        ("historicalTrades?symbol=BTCUSDT&fromId=-1", -1100),
        ("historicalTrades?symbol=NOSUCH", -1121),
    ],
)
def test_bounds_that_make_no_sense_are_refused(query: str, code: int) -> None:
    assert listed(query, status=400)["code"] == code


def test_maintenance_is_the_status_of_the_whole_exchange() -> None:
    market = Market(SPOT)
    rest = BinanceRest(SPOT, Snapshots(), market)
    fetch = Fetch("GET", "/sapi/v1/system/status", "")

    assert json.loads(rest.answer(fetch, START).body) == {"status": 0, "msg": "normal"}
    market.status = "maintenance"
    assert json.loads(rest.answer(fetch, START).body)["status"] == 1


def answer_of(question: RestQuery[Any], rest: BinanceRest) -> Any:
    while question.first is not None:
        question = question.first.read(rest.answer(question.fetch, START).body, START)
    return question.read(rest.answer(question.fetch, START).body, START)


def whole(question: RestQuery[Page[Any]], rest: BinanceRest) -> list[Any]:
    """The items of all pages."""
    found: list[Any] = []
    following: RestQuery[Page[Any]] | None = question
    while following is not None:
        page = answer_of(following, rest)
        found += page.items
        following = page.next
    return found


class Still:
    """A clock that stands still."""

    def now_ns(self) -> int:
        return START


@pytest.mark.parametrize("venue", [BINANCE, BINANCE_USDM], ids=lambda venue: venue.name)
def test_our_own_questions_are_answered(venue: Venue) -> None:
    policy, symbol = SPOT if venue is BINANCE else USDM, venue.sample_symbols[0]
    exchange = SimulatedExchange(
        venue, venue.sample_symbols, seed=5, clock=Still(), resolution_ns=1_000_000
    )
    rest, queries = BinanceRest(policy, Snapshots(), exchange), BinanceQueries(policy)
    book = answer_of(queries.book(symbol, 3), rest)
    ticker = answer_of(queries.ticker(symbol), rest)
    truth = exchange.trades(symbol, 1000)

    assert answer_of(queries.time(), rest) == START
    assert answer_of(queries.status(), rest) is VenueStatus.ONLINE
    markets = answer_of(queries.instruments(), rest).items
    assert [one.symbol for one in markets] == list(venue.sample_symbols)
    assert [one.tick for one in markets] == [one.tick for one in exchange.instruments()]
    bids = exchange.levels(symbol, BUY, 3)
    assert [(one.price, one.quantity) for one in book.bids] == [
        (one.price, one.quantity) for one in bids
    ]
    assert (ticker.bid, ticker.ask) == (book.bids[0].price, book.asks[0].price)
    assert ticker.last == truth[-1].price
    since = truth[len(truth) // 2]
    wanted = [one.trade_id for one in truth if one.received_ns >= since.received_ns]
    trades = whole(queries.trades(symbol, since.received_ns), rest)
    assert [one.trade_id for one in trades] == wanted


@pytest.mark.parametrize("venue", [BINANCE, BINANCE_USDM], ids=lambda venue: venue.name)
def test_our_own_questions_for_candles_are_answered(venue: Venue) -> None:
    policy, symbol = SPOT if venue is BINANCE else USDM, venue.sample_symbols[0]
    exchange = SimulatedExchange(venue, [symbol], seed=5, clock=Still(), resolution_ns=1_000_000)
    rest, queries = BinanceRest(policy, Snapshots(), exchange), BinanceQueries(policy)
    truth = exchange.candles(symbol, 60, 10_000)
    assert len(truth) > 5
    since_ns, until_ns = truth[1].start_ns, truth[-2].start_ns

    candles: list[Candle] = whole(queries.candles(symbol, 60, since_ns, until_ns), rest)

    assert [(one.start_ns, one.close, one.volume) for one in candles] == [
        (one.start_ns, one.close, one.volume)
        for one in truth
        if since_ns <= one.start_ns < until_ns
    ]
    assert {(one.closed, one.backfilled) for one in candles} == {(True, True)}
