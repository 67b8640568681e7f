"""Questions about markets: published answers, and pages of the simulated exchange's."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Level, Side
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.bybit.category import LINEAR, SPOT
from fluxum.venues.bybit.queries import BybitQueries
from fluxum.venues.bybit.server.rest import BybitRest
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.queries import Page, RestQuery

NOW = 1_790_358_506_844 * 1_000_000
MINUTE = 60_000_000_000
BTC, PERP = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
QUERIES, QUERIES_LINEAR = BybitQueries(SPOT), BybitQueries(LINEAR)
Said = TypeVar("Said")
Item = TypeVar("Item")


def answer(result: str, time: int = 1_672_053_054_358) -> bytes:
    head = '{"retCode":0,"retMsg":"OK","result":'
    return f'{head}{result},"retExtInfo":{{}},"time":{time}}}'.encode()


# Published answers: https://bybit-exchange.github.io/docs/v5/market
BOOK = answer(
    '{"s":"BTCUSDT","a":[["65557.7","16.606555"]],"b":[["65485.47","47.081829"]],'
    '"ts":1716863719031,"u":230704,"seq":1432604333,"cts":1716863718905}'
)
TICKER = answer(
    '{"category":"spot","list":[{"symbol":"BTCUSDT","bid1Price":"20517.96","bid1Size":"2",'
    '"ask1Price":"20527.77","ask1Size":"1.862172","lastPrice":"20533.13","prevPrice24h":"20393.48",'
    '"price24hPcnt":"0.0068","highPrice24h":"21128.12","lowPrice24h":"20318.89",'
    '"turnover24h":"243765620.65899866","volume24h":"11801.27771","usdIndexPrice":"20784.12009279"}]}'
)
TRADES = answer(
    '{"category":"spot","list":[{"execId":"2100000000007764263","symbol":"BTCUSDT",'
    '"price":"16618.49","size":"0.00012","side":"Buy","time":"1672052955758","isBlockTrade":false,'
    '"isRPITrade":true,"seq":"123456"}]}'
)
CANDLES = answer(
    '{"symbol":"BTCUSD","category":"inverse","list":[["1670608800000","17071","17073","17027",'
    '"17055.5","268611","15.74462667"],["1670605200000","17071.5","17071.5","17061","17071","4177",'
    '"0.24469757"]]}',
    time=1_670_609_000_000,  # within the hour of the newer one
)


def test_the_venues_clock_is_read() -> None:
    body = answer('{"timeSecond":"1688639403","timeNano":"1688639403423213947"}')

    assert QUERIES.time().fetch.path == "/v5/market/time"
    assert QUERIES.time().read(body, NOW) == 1_688_639_403_423_213_947
    for odd in ("0", "x", "9" * 30):
        with pytest.raises(RemoteProtocolError, match="a time was expected"):
            QUERIES.time().read(body.replace(b"1688639403423213947", odd.encode()), NOW)


@pytest.mark.parametrize(
    ("state", "product", "is_spot", "is_linear"),
    [
        ("ongoing", "[1,2]", True, True),
        ("ongoing", "[2]", True, False),
        ("ongoing", "[1]", False, True),
        ("completed", "[1,2]", False, False),
        ("scheduled", "[1,2]", False, False),
    ],
)
def test_a_maintenance_of_the_product_is_its_status(
    state: str, product: str, is_spot: bool, is_linear: bool
) -> None:
    # https://bybit-exchange.github.io/docs/v5/system-status
    body = answer(
        f'{{"list":[{{"id":"4d95b2a0","title":"t06","state":"{state}","product":{product}}},7]}}'
    )

    assert QUERIES.status().fetch.path == "/v5/system/status"
    assert (QUERIES.status().read(body, NOW) is VenueStatus.MAINTENANCE) is is_spot
    assert (QUERIES_LINEAR.status().read(body, NOW) is VenueStatus.MAINTENANCE) is is_linear


def test_a_book_is_read_best_first_and_cut_where_it_was_requested() -> None:
    query = QUERIES.book(BTC, 1)

    book = query.read(BOOK, NOW)

    assert query.fetch.path == "/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=1"
    assert book.bids == (Level(Decimal("65485.47"), Decimal("47.081829")),)
    assert book.asks == (Level(Decimal("65557.7"), Decimal("16.606555")),)
    assert (book.cut_at, book.sequence) == (1, 230_704)
    assert book.venue_ns == 1_716_863_718_905_000_000


def test_a_ticker_is_one_line_with_bid_and_ask() -> None:
    query = QUERIES.ticker(BTC)

    ticker = query.read(TICKER, NOW)

    assert query.fetch.path == "/v5/market/tickers?category=spot&symbol=BTCUSDT"
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal("20517.96"),
        Decimal("20527.77"),
        Decimal("20533.13"),
    )
    assert (ticker.change, ticker.change_percent) == (Decimal("139.65"), Decimal("0.68"))
    assert ticker.venue_ns == 1_672_053_054_358_000_000


def test_trades_are_published_as_history() -> None:
    query = QUERIES.trades(BTC)

    (trade,) = query.read(TRADES, NOW).items

    assert query.fetch.path.endswith("/recent-trade?category=spot&symbol=BTCUSDT&limit=60")
    assert (trade.trade_id, trade.side, trade.backfilled) == ("2100000000007764263", Side.BUY, True)
    assert (trade.price, trade.quantity) == (Decimal("16618.49"), Decimal("0.00012"))
    assert trade.venue_ns == 1_672_052_955_758_000_000
    assert "limit=1000" in QUERIES_LINEAR.trades(PERP).fetch.path


def test_trades_since_an_instant_are_those_of_the_last_ones() -> None:
    at_ns = 1_672_052_955_758_000_000

    assert len(QUERIES.trades(BTC, at_ns).read(TRADES, NOW).items) == 1
    assert QUERIES.trades(BTC, at_ns + 1).read(TRADES, NOW).items == ()


def test_candles_are_published_oldest_first_and_the_last_runs_by_the_venues_clock() -> None:
    query = QUERIES.candles(BTC, 3600)

    old, new = query.read(CANDLES, NOW).items

    assert query.fetch.path == (
        "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=60&limit=1000"
    )
    assert (old.start_ns, old.close, old.closed) == (
        1_670_605_200_000_000_000,
        Decimal(17_071),
        True,
    )
    assert (new.close, new.volume, new.closed) == (Decimal("17055.5"), Decimal(268_611), False)
    assert old.backfilled
    assert new.backfilled


@pytest.mark.parametrize("interval_s", [0, 1, 61])
def test_an_interval_that_is_not_offered_is_refused(interval_s: int) -> None:
    with pytest.raises(BadInput, match=f"seconds was expected, was {interval_s}"):
        QUERIES.candles(BTC, interval_s)


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_more_levels_than_are_listed_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="1 to 1000 levels were expected"):
        QUERIES.book(BTC, count)


QUERIES_OF_ALL: list[Callable[[], RestQuery[Any]]] = [
    QUERIES.time,
    QUERIES.status,
    QUERIES.instruments,
    lambda: QUERIES.book(BTC, 1),
    lambda: QUERIES.ticker(BTC),
    lambda: QUERIES.trades(BTC),
    lambda: QUERIES.candles(BTC, 60),
]


@pytest.mark.parametrize("query", QUERIES_OF_ALL)
def test_a_no_is_a_no_and_too_many_calls_are_that(query: Callable[[], RestQuery[Any]]) -> None:
    with pytest.raises(VenueRefused, match="10001 Not supported symbols"):
        query().read(b'{"retCode":10001,"retMsg":"Not supported symbols","result":{}}', NOW)
    with pytest.raises(RateLimited, match="10006 Too many visits!"):
        query().read(b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', NOW)
    for body in (b"<html>", b'{"retCode":0,"result":7}'):
        with pytest.raises(RemoteProtocolError):
            query().read(body, NOW)


def test_an_odd_row_of_a_list_is_counted_and_costs_no_other() -> None:
    page = QUERIES.trades(BTC).read(TRADES.replace(b'"list":[', b'"list":[{"execId":7},'), NOW)

    assert len(page.items) == 1
    assert page.left_out is not None
    assert page.left_out.count == 1


# Against the simulated exchange


class Clock:
    """A clock that is set by hand."""

    at_ns = NOW

    def now_ns(self) -> int:
        return self.at_ns


def queried(view: SimulatedExchange, query: RestQuery[Said], now_ns: int) -> Said:
    category = LINEAR if view.venue is BYBIT_LINEAR else SPOT
    return query.read(BybitRest(view, category).answer(query.fetch, now_ns).body, now_ns)


def pages(
    view: SimulatedExchange, query: RestQuery[Page[Item]], now_ns: int
) -> Sequence[Page[Item]]:
    found: list[Page[Item]] = []
    following: RestQuery[Page[Item]] | None = query
    while following is not None:
        found.append(queried(view, following, now_ns))
        following = found[-1].next
        assert len(found) < 100
    return found


def test_answers_are_the_exchanges_own() -> None:
    view = SimulatedExchange(BYBIT, (BTC,), seed=1, clock=Clock(), resolution_ns=1_000_000)

    book = queried(view, QUERIES.book(BTC, 5), NOW)
    trades = queried(view, QUERIES.trades(BTC), NOW).items

    assert queried(view, QUERIES.time(), NOW) == NOW
    assert queried(view, QUERIES.status(), NOW) is VenueStatus.ONLINE
    assert [one.symbol for one in queried(view, QUERIES.instruments(), NOW).items] == [BTC]
    assert [(one.price, one.quantity) for one in book.bids] == [
        (one.price, one.quantity) for one in view.levels(BTC, Side.BUY, 5)
    ]
    assert queried(view, QUERIES.ticker(BTC), NOW).volume == view.ticker(BTC).volume
    assert [one.trade_id for one in trades] == [one.trade_id for one in view.trades(BTC, 60)]


def test_candles_since_an_instant_are_listed_window_by_window() -> None:
    clock = Clock()
    view = SimulatedExchange(BYBIT_LINEAR, (PERP,), seed=1, clock=clock, resolution_ns=1_000_000)
    for _ in range(2000):
        clock.at_ns += 100_000_000_000
        view.step(PERP)
    volumes = {one.start_ns: one.volume for one in view.candles(PERP, 60, 100_000)}
    since_ns = max(volumes) - 2500 * MINUTE
    until_ns = max(volumes) - 10 * MINUTE
    every = {start: volume for start, volume in volumes.items() if start >= since_ns}

    found = pages(view, QUERIES_LINEAR.candles(PERP, 60, since_ns), clock.at_ns)
    part = pages(view, QUERIES_LINEAR.candles(PERP, 60, since_ns, until_ns), clock.at_ns)

    candles: list[Candle] = [one for page in found for one in page.items]
    assert [(one.start_ns, one.volume) for one in candles] == sorted(every.items())
    assert len(found) == 3
    assert [one.start_ns for page in part for one in page.items] == [
        start for start in sorted(every) if start < until_ns
    ]


def test_pages_of_markets_follow_their_cursor() -> None:
    row = (
        '{"symbol":"%sUSDT","contractType":"LinearPerpetual","baseCoin":"%s","quoteCoin":"USDT",'
        '"priceFilter":{"tickSize":"0.1"},"lotSizeFilter":{"qtyStep":"0.1","minOrderQty":"0.1"}}'
    )

    first = QUERIES_LINEAR.instruments().read(
        answer('{"list":[%s],"nextPageCursor":"first%%3ABTC"}' % (row % ("BTC", "BTC"))), NOW
    )
    assert first.next is not None
    assert first.next.fetch.path.endswith("&cursor=first%3ABTC")
    last = first.next.read(answer('{"list":[%s]}' % (row % ("ETH", "ETH"))), NOW)

    assert [one.symbol for one in (*first.items, *last.items)] == [PERP, "ETH/USDT:PERP"]
    assert last.next is None
