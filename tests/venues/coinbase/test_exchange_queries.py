"""Questions to the Exchange over REST; the figures are read off published answers by hand."""

import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.exchange.queries import ExchangeQueries
from fluxum.venues.conversation import Fetch
from oddrows import OddRow, Received, odd_row
from unreadable import field
from venues.coinbase.answers import EXCHANGE_BOOK

BTC = Symbol("BTC/USD")
ASK = ExchangeQueries()
NOW = 1_775_600_000_000_000_000  # 2026-04-07T22:13:20Z
SECOND = 1_000_000_000


def query(fetch: Fetch) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(fetch.path).query).items()}


def trades(*numbers: int) -> bytes:
    """A trade a second, with the number of seconds since midnight."""
    rows = [
        {
            "trade_id": number,
            "price": "100",
            "size": "1",
            "side": "buy",
            "time": f"2026-04-07T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        }
        for number in numbers
    ]
    return json.dumps(rows).encode()


def test_the_time_is_published_as_text() -> None:
    body = b'{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}'

    assert ASK.time().fetch.path == "/time"
    assert ASK.time().read(body, NOW) == 1_420_674_445_201_000_000
    for nonsense in (b"{}", b'{"iso":""}', b'{"iso":"1970-01-01T00:00:00Z"}'):
        with pytest.raises(RemoteProtocolError):
            ASK.time().read(nonsense, NOW)


def test_nothing_says_how_the_engine_is() -> None:
    with pytest.raises(BadInput, match="no call for the status"):
        ASK.status()


def test_a_book_is_read_as_it_was_published() -> None:
    question = ASK.book(BTC, 5)

    assert question.fetch.path == "/products/BTC-USD/book?level=2"
    assert ASK.book(BTC, 1).fetch.path == "/products/BTC-USD/book?level=1"
    book = question.read(EXCHANGE_BOOK, NOW)
    assert book.bids == (Level(Decimal("6247.58"), Decimal("6.3578146")),)
    assert book.asks == (Level(Decimal("6251.52"), Decimal(2)),)
    assert (book.cut_at, book.venue_ns) == (5, 1_613_092_163_334_000_000)
    with pytest.raises(BadInput):
        ASK.book(BTC, 0)


def test_a_ticker_is_read_as_it_was_published() -> None:
    # https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-ticker
    body = (
        b'{"trade_id":86326522,"price":"6268.48","size":"0.00698254",'
        b'"time":"2020-03-20T00:22:57.833897Z","bid":"6265.15","ask":"6267.71",'
        b'"volume":"53602.03940154"}'
    )

    ticker = ASK.ticker(BTC).read(body, NOW)

    assert (ticker.bid, ticker.ask) == (Decimal("6265.15"), Decimal("6267.71"))
    assert (ticker.last, ticker.last_quantity) == (Decimal("6268.48"), Decimal("0.00698254"))
    assert ticker.volume == Decimal("53602.03940154")
    assert ticker.venue_ns == 1_584_663_777_833_897_000
    empty = ASK.ticker(BTC).read(b'{"price":"0","size":"0","bid":"0","ask":null}', NOW)
    assert (empty.bid, empty.ask, empty.last, empty.last_quantity) == (None, None, None, None)


def test_trades_come_oldest_first_with_the_takers_side() -> None:
    # https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-trades
    body = (
        b'[{"time":"2014-11-07T22:19:28.578544Z","trade_id":74,"price":"10.00000000",'
        b'"size":"0.01000000","side":"buy"},{"time":"2014-11-07T01:08:43.642366Z","trade_id":73,'
        b'"price":"100.00000000","size":"0.01000000","side":"sell"}]'
    )

    page = ASK.trades(BTC).read(body, NOW)

    assert ASK.trades(BTC).fetch.path == "/products/BTC-USD/trades?limit=1000"
    old, new = page.items
    assert (old.trade_id, old.side, old.price) == ("73", Side.BUY, Decimal("100.00000000"))
    assert (new.sequence, new.side, new.backfilled) == (74, Side.SELL, True)
    assert new.venue_ns == 1_415_398_768_578_544_000


def test_trades_since_an_instant_are_collected_backwards_and_told_in_order() -> None:
    since_ns = 1_775_520_000_000_000_000 + 500 * SECOND
    question = ASK.trades(BTC, since_ns)

    first = question.read(trades(*range(2000, 1000, -1)), NOW)

    assert first.items == ()
    assert first.next is not None
    assert query(first.next.fetch) == {"limit": "1000", "after": "1001"}
    last = first.next.read(trades(*range(1000, 0, -1)), NOW)
    assert [one.sequence for one in last.items] == list(range(500, 2001))
    assert last.next is None


def test_a_page_that_repeats_itself_is_the_venues_fault() -> None:
    first = ASK.trades(BTC, 1).read(trades(*range(2000, 1000, -1)), NOW)
    assert first.next is not None

    with pytest.raises(RemoteProtocolError, match="older trades were expected"):
        first.next.read(trades(*range(2000, 1000, -1)), NOW)


def test_candles_are_read_as_they_were_published() -> None:
    # https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles
    question = ASK.candles(BTC, 60)
    assert question.fetch.path == "/products/BTC-USD/candles?granularity=60"

    page = question.read(b"[[1415398800,0.32,4.2,0.35,4.2,12.3]]", NOW)

    (candle,) = page.items
    assert (candle.low, candle.high) == (Decimal("0.32"), Decimal("4.2"))
    assert (candle.open, candle.close) == (Decimal("0.35"), Decimal("4.2"))
    assert (candle.volume, candle.closed) == (Decimal("12.3"), True)
    assert candle.start_ns == 1_415_398_800 * SECOND
    assert page.next is None


def test_candles_since_an_instant_are_requested_window_by_window() -> None:
    since_ns = NOW - 500 * 60 * SECOND
    question = ASK.candles(BTC, 60, since_ns)
    windows: list[tuple[str, str]] = []
    following = question
    while True:
        asked = query(following.fetch)
        windows.append((asked["start"], asked["end"]))
        page = following.read(b"[]", NOW)
        if page.next is None:
            break
        following = page.next

    assert windows == [
        ("2026-04-07T13:54:00Z", "2026-04-07T18:53:00Z"),
        ("2026-04-07T18:54:00Z", "2026-04-07T23:53:00Z"),
    ]


def test_what_is_before_an_instant_is_one_window() -> None:
    question = ASK.candles(BTC, 60, until_ns=NOW)

    assert query(question.fetch)["end"] == "2026-04-07T22:13:00Z"
    with pytest.raises(BadInput, match="an interval of 60, 300"):
        ASK.candles(BTC, 1800)


_NAMES = ("BTC", "ETH", "SOL")
_PRODUCTS = [
    {
        "id": f"{name}-USD",
        "base_currency": name,
        "quote_currency": "USD",
        "quote_increment": "0.01",
        "base_increment": "0.00000001",
        "status": "online",
        "min_market_funds": "1",
        "cancel_only": False,
    }
    for name in _NAMES
]


@given(odd_row(_PRODUCTS))
def test_an_odd_product_costs_itself_alone(odd: OddRow) -> None:
    def receive(body: bytes) -> Received:
        page = ASK.instruments().read(body, NOW)
        facts: dict[object, object] = {one.symbol: one for one in page.items}
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda rows: f"[{','.join(rows)}]".encode(), receive)


@given(odd_row(json.loads(trades(9, 8, 7))))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    def receive(body: bytes) -> Received:
        page = ASK.trades(BTC).read(body, NOW)
        facts: dict[object, object] = {one.trade_id: one for one in reversed(page.items)}
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda rows: f"[{','.join(rows)}]".encode(), receive)


@given(
    odd_row([[start, 1, 3, 2, 2.5, 9] for start in (1_712_188_980, 1_712_188_920, 1_712_188_860)])
)
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    starts = [row[0] for at, row in enumerate(odd.good) if at != odd.at]
    if field(odd.odd, 0) in starts:
        return

    def receive(body: bytes) -> Received:
        page = ASK.candles(BTC, 60).read(body, NOW)
        facts: dict[object, object] = {
            one.start_ns: (one.open, one.high, one.low, one.close, one.volume)
            for one in reversed(page.items)
        }
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda rows: f"[{','.join(rows)}]".encode(), receive)
