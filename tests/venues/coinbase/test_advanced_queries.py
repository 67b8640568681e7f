"""Questions to Advanced Trade over REST; the figures are read off the captures by hand."""

import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.advanced.queries import AdvancedQueries
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery
from oddrows import OddRow, Received, odd_row
from unreadable import field
from venues.coinbase.answers import BOOK, CANDLES, TRADES

BTC = Symbol("BTC/USD")
ASK = AdvancedQueries()
NOW = 1_775_600_000_000_000_000  # 2026-04-07T22:13:20Z
HOUR = 3600
SECOND = 1_000_000_000


def query(fetch: Fetch) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(fetch.path).query).items()}


def candles(*starts: int) -> bytes:
    rows = [
        {"start": str(one), "low": "1", "high": "3", "open": "2", "close": "2", "volume": "9"}
        for one in starts
    ]
    return json.dumps({"candles": rows}).encode()


def trades(*numbers: int, second: int | None = None) -> bytes:
    """Trades, newest first: trade 7 was in second 7 of the day, or all were in one second."""
    times = {number: number if second is None else second for number in numbers}
    rows = [
        {
            "product_id": "BTC-USD",
            "trade_id": str(number),
            "price": "100",
            "size": "1",
            "side": "BUY",
            "time": f"2026-04-07T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z",
        }
        for number, at in times.items()
    ]
    return json.dumps({"trades": rows}).encode()


def test_the_time_is_published_in_milliseconds() -> None:
    question = ASK.time()

    assert question.fetch.path == "/api/v3/brokerage/time"
    body = (
        b'{"iso":"2026-04-07T00:28:59Z","epochSeconds":"1775521739","epochMillis":"1775521739662"}'
    )
    assert question.read(body, NOW) == 1_775_521_739_662_000_000


@pytest.mark.parametrize("body", [b"{}", b'{"epochMillis":"soon"}', b'{"epochMillis":"-1"}', b"["])
def test_a_time_that_is_none_is_the_venues_fault(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ASK.time().read(body, NOW)


def test_nothing_says_how_the_engine_is() -> None:
    with pytest.raises(BadInput, match="no call for the status"):
        ASK.status()


def test_a_book_is_read_as_it_was_captured() -> None:
    question = ASK.book(BTC, 3)

    assert question.fetch.path == (
        "/api/v3/brokerage/market/product_book?product_id=BTC-USD&limit=3"
    )
    book = question.read(BOOK, NOW)
    assert book.bids == (
        Level(Decimal("68923.66"), Decimal("0.17189468")),
        Level(Decimal(68923), Decimal("0.05795895")),
        Level(Decimal("68922.99"), Decimal("0.02177956")),
    )
    assert book.asks[0] == Level(Decimal("68923.67"), Decimal("0.16987193"))
    assert (book.cut_at, book.sequence) == (3, None)
    assert book.venue_ns == 1_775_521_739_662_782_000


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_a_book_has_levels(count: int) -> None:
    with pytest.raises(BadInput, match="levels were expected"):
        ASK.book(BTC, count)


def test_a_ticker_is_the_best_prices_and_the_last_trade() -> None:
    question = ASK.ticker(BTC)

    assert question.fetch.path == "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=1"
    ticker = question.read(TRADES, NOW)
    assert (ticker.bid, ticker.ask) == (Decimal("68923.66"), Decimal("68923.67"))
    assert (ticker.last, ticker.last_quantity) == (Decimal("68923.67"), Decimal("0.00064"))
    empty = question.read(b'{"trades":[],"best_bid":"0","best_ask":""}', NOW)
    assert (empty.bid, empty.ask, empty.last) == (None, None, None)


def test_trades_come_oldest_first_with_the_takers_side() -> None:
    question = ASK.trades(BTC)

    assert question.fetch.path == "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=1000"
    page = question.read(TRADES, NOW)
    assert [one.trade_id for one in page.items] == ["995098661", "995098662", "995098663"]
    first = page.items[0]
    assert (first.side, first.price, first.quantity) == (
        Side.SELL,
        Decimal("68924.94"),
        Decimal("0.01450854"),
    )
    assert (first.sequence, first.backfilled) == (995_098_661, True)
    assert first.venue_ns == 1_775_521_737_296_283_000
    assert (page.next, page.left_out) == (None, None)


def test_trades_since_an_instant_are_collected_backwards_and_told_in_order() -> None:
    since_ns = 1_775_520_000_000_000_000 + 500 * SECOND  # trade 500, at 00:08:20
    question = ASK.trades(BTC, since_ns)
    assert query(question.fetch) == {"limit": "1000"}

    first = question.read(trades(*range(2000, 1000, -1)), NOW)

    assert first.items == ()
    assert first.next is not None
    assert query(first.next.fetch)["end"] == str(1_775_520_000 + 1001 + 1)
    last = first.next.read(trades(1002, 1001, *range(1000, 2, -1)), NOW)
    assert last.next is None
    assert [one.sequence for one in last.items] == list(range(500, 2001))


def test_more_trades_in_a_second_than_a_page_holds_end_in_an_error() -> None:
    page = ASK.trades(BTC, 0).read(trades(*range(3000, 2000, -1), second=77), NOW)
    assert page.next is not None
    for repeated in (range(3000, 2000, -1), range(2500, 1500, -1)):
        with pytest.raises(RemoteProtocolError, match="older trades were expected"):
            page.next.read(trades(*repeated, second=77), NOW)


def test_a_page_that_is_not_full_is_the_first_one_there_is() -> None:
    page = ASK.trades(BTC, 0).read(trades(9, 8, 7), NOW)

    assert [one.sequence for one in page.items] == [7, 8, 9]
    assert page.next is None


def test_candles_are_read_as_they_were_captured() -> None:
    since_ns = 1_712_188_800 * SECOND
    question = ASK.candles(BTC, HOUR, since_ns, since_ns + 2 * HOUR * SECOND)

    assert query(question.fetch) == {
        "granularity": "ONE_HOUR",
        "start": "1712188800",
        "end": str(1_712_188_800 + HOUR),
        "limit": "350",
    }
    page = question.read(CANDLES, NOW)
    old, new = page.items
    assert (old.open, old.high, old.low, old.close, old.volume) == (
        Decimal("65984.18"),
        Decimal("66387.77"),
        Decimal("65857.35"),
        Decimal("66314.59"),
        Decimal("358.74851052"),
    )
    assert (old.start_ns, old.end_ns) == (since_ns, since_ns + HOUR * SECOND)
    assert (new.close, new.interval_s) == (Decimal("66181.6"), HOUR)
    assert all(one.closed and one.backfilled for one in page.items)
    assert page.next is None


def pages(question: RestQuery[Page[object]]) -> list[tuple[int, int]]:
    """The windows that are asked for, where each answer is empty."""
    windows: list[tuple[int, int]] = []
    following: RestQuery[Page[object]] | None = question
    while following is not None:
        asked = query(following.fetch)
        windows.append((int(asked["start"]), int(asked["end"])))
        following = following.read(b'{"candles":[]}', NOW).next
    return windows


def test_candles_since_an_instant_are_requested_window_by_window() -> None:
    now_s = NOW // SECOND
    since_s = now_s - 800 * 60 - 30  # not at the start of a minute

    windows = pages(ASK.candles(BTC, 60, since_s * SECOND))  # type: ignore[arg-type]

    first_s = -(-since_s // 60) * 60
    assert windows == [
        (first_s, first_s + 349 * 60),
        (first_s + 350 * 60, first_s + 699 * 60),
        (first_s + 700 * 60, first_s + 1049 * 60),
    ]


def test_candles_outside_of_what_was_requested_are_not_told() -> None:
    since_ns = 1_775_520_000 * SECOND
    question = ASK.candles(BTC, 60, since_ns + 1, since_ns + 180 * SECOND)
    starts = [1_775_520_000 + 60 * minute for minute in (4, 3, 2, 1, 0)]

    page = question.read(candles(*starts), NOW)

    assert [one.start_ns // SECOND for one in page.items] == [1_775_520_060, 1_775_520_120]


def test_the_last_candles_are_those_before_the_venues_own_time() -> None:
    first = ASK.candles(BTC, 300)
    assert first.fetch.path == "/api/v3/brokerage/time"

    page = first.read(b'{"epochMillis":"1775600000000"}', NOW)

    assert page.items == ()
    assert page.next is not None
    assert query(page.next.fetch)["end"] == "1775599800"
    assert query(page.next.fetch)["start"] == str(1_775_599_800 - 349 * 300)
    running = page.next.read(candles(1_775_599_800, 1_775_599_500), NOW)
    assert [one.closed for one in running.items] == [True, False]
    assert running.next is None


def test_the_last_candles_before_an_instant_need_no_clock() -> None:
    question = ASK.candles(BTC, 300, until_ns=1_775_599_800 * SECOND)

    assert query(question.fetch)["end"] == "1775599500"
    assert question.read(candles(1_775_599_500), NOW).next is None


@pytest.mark.parametrize("interval_s", [0, 1, 61, 14_401, 2_592_000])
def test_other_intervals_are_not_offered(interval_s: int) -> None:
    with pytest.raises(BadInput, match="an interval of 60, 300"):
        ASK.candles(BTC, interval_s)


PRODUCT = {
    "product_id": "BTC-USD",
    "product_type": "SPOT",
    "status": "online",
    "base_currency_id": "BTC",
    "quote_currency_id": "USD",
    "price_increment": "0.01",
    "base_increment": "0.00000001",
    "base_min_size": "0.00000001",
    "quote_min_size": "1",
    "alias": "",
    "alias_to": ["BTC-USDC"],
}


def test_the_list_of_products_is_read_page_by_page() -> None:
    body = {
        "products": [PRODUCT, PRODUCT | {"product_type": "FUTURE", "base_currency_id": ""}],
        "pagination": {"has_next": True, "next_cursor": "a b"},
    }

    page = ASK.instruments().read(json.dumps(body).encode(), NOW)

    assert [one.symbol for one in page.items] == ["BTC/USD"]
    assert page.left_out is None
    assert page.next is not None
    assert page.next.fetch.path == "/api/v3/brokerage/market/products?cursor=a+b"
    body["pagination"] = {"has_next": False, "next_cursor": ""}
    assert page.next.read(json.dumps(body).encode(), NOW).next is None


_NAMES = ("BTC", "ETH", "SOL")
_PRODUCTS = [PRODUCT | {"product_id": f"{name}-USD", "base_currency_id": name} for name in _NAMES]


@given(odd_row(_PRODUCTS))
def test_an_odd_product_costs_itself_alone(odd: OddRow) -> None:
    kind = field(odd.odd, "product_type")
    if isinstance(kind, str) and kind != "SPOT":
        return  # of another kind of market

    def receive(body: bytes) -> Received:
        page = ASK.instruments().read(body, NOW)
        facts: dict[object, object] = {one.symbol: one for one in page.items}
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda rows: f'{{"products":[{",".join(rows)}]}}'.encode(), receive)


@given(odd_row(json.loads(TRADES)["trades"]))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    def receive(body: bytes) -> Received:
        page = ASK.trades(BTC).read(body, NOW)
        facts: dict[object, object] = {one.trade_id: one for one in reversed(page.items)}
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda rows: f'{{"trades":[{",".join(rows)}]}}'.encode(), receive)


@given(odd_row(json.loads(CANDLES)["candles"]))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    starts = {row["start"] for at, row in enumerate(odd.good) if at != odd.at}
    if str(field(odd.odd, "start")) in starts:
        return

    def receive(body: bytes) -> Received:
        page = ASK.candles(BTC, HOUR, until_ns=1_712_196_000 * SECOND).read(body, NOW)
        facts: dict[object, object] = {
            one.start_ns: (one.open, one.high, one.low, one.close, one.volume)
            for one in reversed(page.items)
        }
        outside = len(json.loads(body)["candles"]) - len(facts)
        left_out = 0 if page.left_out is None else page.left_out.count
        return Received(facts, left_out or outside)

    odd.costs_itself_alone(lambda rows: f'{{"candles":[{",".join(rows)}]}}'.encode(), receive)
