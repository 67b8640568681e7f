"""Calls over REST, what the published answers become, and pages as the venue cuts them."""

import json
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import Side
from fluxum.venues.binance.policy import SPOT, USDM
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.conversation import Fetch
from venues.binance.wire import BTC, NOW, PERP, listed, market

QUERIES, FUTURES = BinanceQueries(SPOT), BinanceQueries(USDM)
BNB = Symbol("BNB/BTC")

# https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md, each call's own section
TRADES = (
    b'[{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012",'
    b'"time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}]'
)
AGG_TRADES = (
    b'[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,'
    b'"m":true,"M":true}]'
)
KLINES = (
    b'[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",'
    b'1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]]'
)
DAY = (
    b'{"symbol":"BNBBTC","priceChange":"-94.99999800","priceChangePercent":"-95.960",'
    b'"weightedAvgPrice":"0.29628482","prevClosePrice":"0.10002000","lastPrice":"4.00000200",'
    b'"lastQty":"200.00000000","bidPrice":"4.00000000","bidQty":"100.00000000",'
    b'"askPrice":"4.00000200","askQty":"100.00000000","openPrice":"99.00000000",'
    b'"highPrice":"100.00000000","lowPrice":"0.10000000","volume":"8913.30000000",'
    b'"quoteVolume":"15.30000000","openTime":1499783499040,"closeTime":1499869899040,'
    b'"firstId":28385,"lastId":28460,"count":76}'
)
BEST = (
    b'{"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000",'
    b'"askPrice":"4.00000200","askQty":"9.00000000"}'
)
# https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/
# 24hr-Ticker-Price-Change-Statistics
FUTURES_DAY = (
    b'{"symbol":"BTCUSDT","priceChange":"-94.99999800","priceChangePercent":"-95.960",'
    b'"weightedAvgPrice":"0.29628482","lastPrice":"4.00000200","lastQty":"200.00000000",'
    b'"openPrice":"99.00000000","highPrice":"100.00000000","lowPrice":"0.10000000",'
    b'"volume":"8913.30000000","quoteVolume":"15.30000000","openTime":1499783499040,'
    b'"closeTime":1499869899040,"firstId":28385,"lastId":28460,"count":76}'
)
DEPTH = (
    b'{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],'
    b'"asks":[["4.00000200","12.00000000"]]}'
)
MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
MINUTE_MS = 60_000


def query(fetch: Fetch) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(fetch.path).query))


def path(fetch: Fetch) -> str:
    return urlsplit(fetch.path).path


# The exchange


def test_its_time_is_in_milliseconds() -> None:
    question = QUERIES.time()

    assert question.fetch.path == "/api/v3/time"
    assert question.read(b'{"serverTime":1499827319559}', NOW) == 1_499_827_319_559_000_000
    with pytest.raises(RemoteProtocolError):
        question.read(b'{"serverTime":0}', NOW)


def test_its_status_is_that_of_the_whole_exchange() -> None:
    question = QUERIES.status()

    assert question.fetch.path == "/sapi/v1/system/status"
    assert question.read(b'{"status":0,"msg":"normal"}', NOW) is VenueStatus.ONLINE
    assert question.read(b'{"status":1,"msg":"system maintenance"}', NOW) is VenueStatus.MAINTENANCE
    with pytest.raises(RemoteProtocolError, match="7"):
        question.read(b'{"status":7}', NOW)


def test_futures_are_online_when_they_answer() -> None:
    question = FUTURES.status()

    assert question.fetch.path == "/fapi/v1/ping"
    assert question.read(b"{}", NOW) is VenueStatus.ONLINE


def test_markets_are_listed_row_by_row() -> None:
    question = QUERIES.instruments()

    page = question.read(listed([market("BTCUSDT"), {"symbol": "X"}, market("ETHUSDT")]), NOW)

    assert path(question.fetch) == "/api/v3/exchangeInfo"
    assert question.fetch.cost == 20
    assert [one.symbol for one in page.items] == ["BTC/USDT", "ETH/USDT"]
    assert page.left_out is not None
    assert page.left_out.count == 1


# One market


def test_a_book_has_as_many_levels_as_were_requested() -> None:
    question = QUERIES.book(BNB, 7)
    book = question.read(DEPTH, NOW)

    assert path(question.fetch) == "/api/v3/depth"
    assert query(question.fetch) == {"symbol": "BNBBTC", "limit": "7"}
    assert question.fetch.cost == 5
    assert (book.symbol, book.sequence, book.cut_at) == (BNB, 1_027_024, 7)
    (bid,), (ask,) = book.bids, book.asks
    assert (bid.price, bid.quantity) == (Decimal("4.00000000"), Decimal("431.00000000"))
    assert (ask.price, ask.quantity) == (Decimal("4.00000200"), Decimal("12.00000000"))


def test_futures_have_books_of_certain_depths_which_are_cut() -> None:
    question = FUTURES.book(PERP, 2)
    levels = [["9", "1"], ["8", "1"], ["7", "1"]]
    body = {"lastUpdateId": 5, "E": 1, "T": 1_617_647_797_881, "bids": levels, "asks": []}

    book = question.read(json.dumps(body).encode(), NOW)

    assert query(question.fetch)["limit"] == "5"
    assert [one.price for one in book.bids] == [9, 8]
    assert book.venue_ns == 1_617_647_797_881_000_000
    for count in (0, 1001):
        with pytest.raises(BadInput, match="1000"):
            FUTURES.book(PERP, count)


def test_a_ticker_covers_the_last_24_hours() -> None:
    question = QUERIES.ticker(BNB)
    ticker = question.read(DAY, NOW)

    assert path(question.fetch) == "/api/v3/ticker/24hr"
    assert question.fetch.cost == 2
    assert (ticker.bid, ticker.bid_quantity) == (Decimal("4.00000000"), Decimal(100))
    assert (ticker.ask, ticker.ask_quantity) == (Decimal("4.00000200"), Decimal(100))
    assert (ticker.last, ticker.last_quantity) == (Decimal("4.00000200"), Decimal(200))
    assert (ticker.open, ticker.high, ticker.low) == (Decimal(99), Decimal(100), Decimal("0.1"))
    assert (ticker.volume, ticker.vwap) == (Decimal("8913.3"), Decimal("0.29628482"))
    assert (ticker.change, ticker.change_percent) == (Decimal("-94.999998"), Decimal("-95.96"))
    assert (ticker.trades, ticker.venue_ns) == (76, 1_499_869_899_040_000_000)


def test_a_ticker_of_futures_has_bid_and_ask_as_well() -> None:
    """They are answered to another call, which is made first."""
    first = FUTURES.ticker(PERP)
    assert first.first is not None
    assert path(first.fetch) == "/fapi/v1/ticker/bookTicker"
    second = first.first.read(BEST, NOW)
    assert second.first is None
    assert path(second.fetch) == "/fapi/v1/ticker/24hr"

    ticker = second.read(FUTURES_DAY, NOW)

    assert (ticker.bid, ticker.bid_quantity) == (Decimal(4), Decimal(431))
    assert (ticker.ask, ticker.ask_quantity) == (Decimal("4.000002"), Decimal(9))
    assert (ticker.last, ticker.volume) == (Decimal("4.000002"), Decimal("8913.3"))


def test_a_side_of_zero_is_an_empty_side() -> None:
    body = DAY.replace(b'"askPrice":"4.00000200"', b'"askPrice":"0.00000000"')

    ticker = QUERIES.ticker(BNB).read(body, NOW)

    assert (ticker.ask, ticker.mid, ticker.spread) == (None, None, None)


# Trades


def test_the_last_trades_are_a_page_of_history() -> None:
    question = QUERIES.trades(BNB)
    page = question.read(TRADES, NOW)

    assert path(question.fetch) == "/api/v3/trades"
    assert query(question.fetch) == {"symbol": "BNBBTC", "limit": "1000"}
    (trade,) = page.items
    assert (trade.side, trade.price, trade.quantity) == (
        Side.SELL,
        Decimal("4.00000100"),
        Decimal("12.00000000"),
    )
    assert (trade.trade_id, trade.sequence, trade.backfilled) == ("28457", 28457, True)
    assert trade.venue_ns == 1_499_865_549_590_000_000
    assert page.next is None


def test_trades_since_an_instant_begin_at_the_match_that_is_found_there() -> None:
    """Matches are listed by id alone, aggregated trades by time as well; they name their ids."""
    question = QUERIES.trades(BNB, since_ns=1_498_793_709_152_000_001)
    assert path(question.fetch) == "/api/v3/aggTrades"
    assert query(question.fetch) == {
        "symbol": "BNBBTC",
        "startTime": "1498793709153",
        "limit": "1",
    }
    assert question.first is not None

    found = question.first.read(AGG_TRADES, NOW)

    assert path(found.fetch) == "/api/v3/historicalTrades"
    assert query(found.fetch) == {"symbol": "BNBBTC", "fromId": "27781", "limit": "1000"}
    assert [one.trade_id for one in found.read(TRADES, NOW).items] == ["28457"]


def test_no_trade_since_an_instant_is_an_empty_page() -> None:
    question = QUERIES.trades(BNB, since_ns=NOW)
    assert question.first is not None

    page = question.first.read(b"[]", NOW).read(b"{}", NOW)

    assert (page.items, page.next) == ((), None)


def test_a_full_page_of_trades_is_followed_by_the_next_id() -> None:
    question = QUERIES.trades(BNB, since_ns=NOW)
    assert question.first is not None
    found = question.first.read(AGG_TRADES, NOW)
    row = json.loads(TRADES)[0]
    rows = [{**row, "id": 27_781 + number} for number in range(1000)]

    page = found.read(json.dumps(rows).encode(), NOW)

    assert page.next is not None
    assert query(page.next.fetch)["fromId"] == "28781"
    assert page.next.read(json.dumps(rows[:5]).encode(), NOW).next is None


def test_trades_of_futures_are_aggregated_as_in_the_stream() -> None:
    last = FUTURES.trades(PERP)
    since = FUTURES.trades(PERP, since_ns=1_498_793_709_153_000_000)

    assert path(last.fetch) == path(since.fetch) == "/fapi/v1/aggTrades"
    assert query(last.fetch) == {"symbol": "BTCUSDT", "limit": "1000"}
    assert query(since.fetch)["startTime"] == "1498793709153"
    (trade,) = last.read(AGG_TRADES, NOW).items
    assert (trade.trade_id, trade.price, trade.side) == ("26129", Decimal("0.01633102"), Side.SELL)


# Candles


def test_a_candle_of_history_is_marked_and_closed_once_it_ended() -> None:
    question = QUERIES.candles(BNB, 604_800)
    end_ns = 1_499_644_800_000 * MILLISECOND

    (closed,) = question.read(KLINES, end_ns).items
    (running,) = question.read(KLINES, end_ns - 1).items

    assert path(question.fetch) == "/api/v3/klines"
    assert query(question.fetch) == {"symbol": "BNBBTC", "interval": "1w", "limit": "1000"}
    assert (closed.start_ns, closed.end_ns) == (1_499_040_000_000 * MILLISECOND, end_ns)
    assert (closed.open, closed.high) == (Decimal("0.01634790"), Decimal("0.80000000"))
    assert (closed.low, closed.close) == (Decimal("0.01575800"), Decimal("0.01577100"))
    assert (closed.volume, closed.trades) == (Decimal("148976.11427815"), 308)
    assert (closed.closed, closed.backfilled, closed.is_correction) == (True, True, False)
    assert running.closed is False


def candle_rows(first_ms: int, count: int) -> bytes:
    row = json.loads(KLINES)[0]
    return json.dumps([[first_ms + one * MINUTE_MS, *row[1:]] for one in range(count)]).encode()


def test_a_candle_that_another_one_follows_is_closed_whatever_our_clock_is() -> None:
    first_ms = 1_499_040_000_000
    page = QUERIES.candles(BNB, 60).read(candle_rows(first_ms, 3), first_ms * MILLISECOND)

    assert [one.closed for one in page.items] == [True, True, False]


def test_candles_are_listed_page_by_page_from_the_first_to_the_last() -> None:
    """Since is counted in, until is not; the venue counts both in."""
    first_ms = 1_499_040_000_000
    since_ns = first_ms * MILLISECOND - 5
    until_ns = (first_ms + 1500 * MINUTE_MS) * MILLISECOND
    question = QUERIES.candles(BNB, 60, since_ns, until_ns)
    assert query(question.fetch) == {
        "symbol": "BNBBTC",
        "interval": "1m",
        "startTime": str(first_ms),
        "endTime": str(first_ms + 1500 * MINUTE_MS - 1),
        "limit": "1000",
    }

    page = question.read(candle_rows(first_ms, 1000), NOW)

    assert len(page.items) == 1000
    assert page.next is not None
    assert query(page.next.fetch)["startTime"] == str(first_ms + 1000 * MINUTE_MS)
    assert query(page.next.fetch)["endTime"] == query(question.fetch)["endTime"]
    assert page.next.read(candle_rows(first_ms + 1000 * MINUTE_MS, 500), NOW).next is None


def test_a_full_page_that_reaches_the_end_is_the_last() -> None:
    first_ms = 1_499_040_000_000
    bounds = (first_ms * MILLISECOND, (first_ms + 1000 * MINUTE_MS) * MILLISECOND)

    page = QUERIES.candles(BNB, 60, *bounds).read(candle_rows(first_ms, 1000), NOW)

    assert page.next is None


def test_the_last_candles_are_one_page() -> None:
    page = QUERIES.candles(BNB, 60).read(candle_rows(1_499_040_000_000, 1000), NOW)

    assert page.next is None


def test_an_odd_candle_costs_itself_alone() -> None:
    rows = json.loads(candle_rows(1_499_040_000_000, 3))
    rows[1][2] = None

    page = QUERIES.candles(BNB, 60).read(json.dumps(rows).encode(), NOW)

    assert len(page.items) == 2
    assert page.left_out is not None
    assert page.left_out.count == 1


def test_months_are_candles_of_the_calendar() -> None:
    question = QUERIES.candles(BNB, MONTH_S)
    row = json.loads(KLINES)[0]
    body = json.dumps([[1_769_904_000_000, *row[1:]]]).encode()

    (february,) = question.read(body, NOW).items

    assert query(question.fetch)["interval"] == "1M"
    assert february.end_ns == 1_772_323_200_000 * MILLISECOND


# What cannot be


def test_an_interval_that_is_not_offered_is_bad_input() -> None:
    with pytest.raises(BadInput, match="was 90"):
        QUERIES.candles(BNB, 90)
    with pytest.raises(BadInput, match="was 1"):
        FUTURES.candles(PERP, 1)


def test_a_market_of_another_kind_is_bad_input() -> None:
    with pytest.raises(BadInput, match="PERP"):
        QUERIES.trades(PERP)
    with pytest.raises(BadInput, match="BTC/USDT"):
        FUTURES.ticker(BTC)


def test_a_no_in_the_body_is_a_no() -> None:
    with pytest.raises(VenueRefused, match="Invalid symbol") as error:
        QUERIES.ticker(BNB).read(b'{"code":-1121,"msg":"Invalid symbol."}', NOW)
    assert error.value.code == "-1121"
    with pytest.raises(RateLimited):
        QUERIES.candles(BNB, 60).read(b'{"code":-1003,"msg":"Too many requests."}', NOW)


@pytest.mark.parametrize("body", [b"", b"null", b"{", b'"x"', b"\xff"])
def test_an_answer_that_is_none_makes_no_sense(body: bytes) -> None:
    for question in (
        QUERIES.time(),
        QUERIES.instruments(),
        QUERIES.trades(BNB),
        QUERIES.book(BNB, 5),
    ):
        with pytest.raises(RemoteProtocolError):
            question.read(body, NOW)
