"""Questions to Gemini over REST; the figures are read off published answers by hand.

Source of the answers: https://docs.gemini.com/rest/market-data.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.venue import GEMINI, GEMINI_V2
from fluxum.venues.queries import MarketQueries
from oddrows import OddRow, Received, odd_row
from unreadable import field

BTC = Symbol("BTC/USD")
NOW = 1_775_600_000_000_000_000  # 2026-04-07T22:13:20Z
SECOND, MILLISECOND = 1_000_000_000, 1_000_000
TRADE = {
    "timestamp": 1_547_146_811,
    "timestampms": 1_547_146_811_357,
    "tid": 5_335_307_668,
    "price": "3610.85",
    "amount": "0.27413495",
    "exchange": "gemini",
    "type": "buy",
}


def ask() -> MarketQueries:
    assert GEMINI.queries is not None
    return GEMINI.queries()


def query(fetch: Fetch) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(fetch.path).query).items()}


def rows(*members: Mapping[str, object]) -> bytes:
    return json.dumps([TRADE | dict(one) for one in members]).encode()


def test_nothing_tells_the_time_or_how_the_engine_is() -> None:
    with pytest.raises(BadInput, match="gemini has no call for its time"):
        ask().time()
    with pytest.raises(BadInput, match="gemini has no call for the status"):
        ask().status()


def test_a_book_is_read_as_it_was_published() -> None:
    question = ask().book(BTC, 10)
    body = (
        b'{"bids":[{"price":"3607.85","amount":"6.643373","timestamp":"1547147541"}],'
        b'"asks":[{"price":"3607.86","amount":"14.68205084","timestamp":"1547147541"}]}'
    )

    assert question.fetch.path == "/v1/book/btcusd?limit_bids=10&limit_asks=10"
    book = question.read(body, NOW)
    assert book.bids == (Level(Decimal("3607.85"), Decimal("6.643373")),)
    assert book.asks == (Level(Decimal("3607.86"), Decimal("14.68205084")),)
    assert (book.venue, book.cut_at) == ("gemini", 10)
    with pytest.raises(BadInput):
        ask().book(BTC, 0)


def test_a_ticker_is_read_as_it_was_published() -> None:
    question = ask().ticker(BTC)
    body = (
        b'{"symbol":"BTCUSD","open":"9121.76","high":"9440.66","low":"9106.51",'
        b'"close":"9347.66","changes":["9365.1","9386.16"],"bid":"9345.70","ask":"9347.67"}'
    )

    assert question.fetch.path == "/v2/ticker/btcusd"
    ticker = question.read(body, NOW)
    assert (ticker.bid, ticker.ask) == (Decimal("9345.70"), Decimal("9347.67"))
    assert (ticker.open, ticker.high, ticker.low) == (
        Decimal("9121.76"),
        Decimal("9440.66"),
        Decimal("9106.51"),
    )
    assert (ticker.last, ticker.change) == (Decimal("9347.66"), Decimal("225.90"))
    empty = question.read(b'{"close":"0","bid":null,"ask":"0.00"}', NOW)
    assert (empty.last, empty.bid, empty.ask, empty.change) == (None, None, None, None)


def test_a_trade_is_read_as_it_was_published() -> None:
    question = ask().trades(BTC)

    assert question.fetch.path == "/v1/trades/btcusd?limit_trades=500"
    page = question.read(rows({"tid": 2, "type": "sell"}, {}), NOW)
    old, new = page.items
    assert (old.trade_id, old.side) == ("5335307668", Side.BUY)
    assert (old.price, old.quantity) == (Decimal("3610.85"), Decimal("0.27413495"))
    assert old.venue_ns == 1_547_146_811_357 * MILLISECOND
    assert old.backfilled
    assert (new.trade_id, new.side) == ("2", Side.SELL)
    assert page.next is None


def test_trades_without_a_taker_are_counted_and_cancelled_ones_passed_over() -> None:
    body = rows({"type": "auction"}, {"type": "block", "tid": 2}, {"broken": True}, {"tid": 3})

    page = ask().trades(BTC).read(body, NOW)

    assert [one.trade_id for one in page.items] == ["3"]
    assert page.left_out is not None
    assert page.left_out.count == 2
    assert page.left_out.reason == "trade 5335307668 has no taker: 'auction'"


def test_trades_since_an_instant_go_on_behind_the_newest_one() -> None:
    since_ns = 1_547_146_811_000 * MILLISECOND
    question = ask().trades(BTC, since_ns)
    assert query(question.fetch) == {"limit_trades": "500", "timestamp": "1547146811000"}
    earlier = {"tid": 1, "timestampms": 1_547_146_810_999}

    page = question.read(rows(*({"tid": n} for n in range(500, 1, -1)), earlier), NOW)

    assert [one.trade_id for one in page.items] == [str(n) for n in range(2, 501)]
    assert page.next is not None
    assert query(page.next.fetch) == {"limit_trades": "500", "since_tid": "500"}
    assert page.next.read(b"[]", NOW).next is None
    stuck = page.next.read(rows(*({"tid": n} for n in range(500, 0, -1))), NOW)
    assert stuck.next is None


def test_candles_are_read_as_they_were_published() -> None:
    question = ask().candles(BTC, 900)
    body = (
        b"[[1559755800000,7781.6,7820.23,7776.56,7819.39,34.7624802159],"
        b"[1559754900000,7781.6,7829.46,7776.56,7817.28,43.4228281059]]"
    )

    assert question.fetch.path == "/v2/candles/btcusd/15m"
    page = question.read(body, NOW)
    old, new = page.items
    assert (new.open, new.high, new.low, new.close) == (
        Decimal("7781.6"),
        Decimal("7820.23"),
        Decimal("7776.56"),
        Decimal("7819.39"),
    )
    assert new.volume == Decimal("34.7624802159")
    assert (old.start_ns, old.end_ns) == (
        1_559_754_900 * SECOND,
        1_559_755_800 * SECOND,
    )
    assert all(one.closed and one.backfilled for one in page.items)
    since = ask().candles(BTC, 900, 1_559_755_800 * SECOND, 1_559_756_700 * SECOND)
    assert since.read(body, NOW).items == (new,)
    assert since.read(body, NOW).next is None


@pytest.mark.parametrize("interval_s", [61, 7200, 604_800])
def test_other_intervals_are_not_offered(interval_s: int) -> None:
    with pytest.raises(BadInput, match="of 60, 300, 900, 1800, 3600, 21600, 86400 seconds"):
        ask().candles(BTC, interval_s)


DETAILS = {
    "symbol": "BTCUSD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "tick_size": 1e-8,
    "quote_increment": 0.01,
    "min_order_size": "0.00001",
    "status": "open",
}


@pytest.mark.parametrize(("venue", "name"), [(GEMINI, "btcusd"), (GEMINI_V2, "BTCUSD")])
def test_markets_are_requested_one_by_one_and_an_odd_one_costs_itself_alone(
    venue: object, name: str
) -> None:
    question = (GEMINI if venue is GEMINI else GEMINI_V2).queries
    assert question is not None

    listed = question().instruments().read(b'["ethusd",7,"btcusd","GEMI-X"]', NOW)

    assert listed.items == ()
    assert listed.left_out is not None
    assert listed.left_out.count == 1
    assert listed.next is not None
    assert listed.next.fetch.path == "/v1/symbols/details/ethusd"
    odd = listed.next.read(json.dumps(DETAILS | {"symbol": "ETHUSD", "tick_size": 0}).encode(), NOW)
    assert odd.items == ()
    assert odd.left_out is not None
    assert odd.next is not None
    last = odd.next.read(json.dumps(DETAILS).encode(), NOW)
    assert [(one.symbol, one.venue_symbol) for one in last.items] == [("BTC/USD", name)]
    assert last.next is None


@given(odd_row([TRADE | {"tid": number} for number in (9, 8, 7)]))
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    if field(odd.odd, "broken"):
        return

    def receive(body: bytes) -> Received:
        page = ask().trades(BTC).read(body, NOW)
        facts: dict[object, object] = {one.trade_id: one for one in reversed(page.items)}
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda texts: f"[{','.join(texts)}]".encode(), receive)


@given(odd_row([[start * 1000, 2, 3, 1, 2.5, 9] for start in (1_559_755_800, 1_559_754_900)]))
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    starts = [row[0] for at, row in enumerate(odd.good) if at != odd.at]
    if field(odd.odd, 0) in starts:
        return

    def receive(body: bytes) -> Received:
        page = ask().candles(BTC, 900).read(body, NOW)
        facts: dict[object, object] = {
            one.start_ns: (one.open, one.high, one.low, one.close, one.volume)
            for one in reversed(page.items)
        }
        return Received(facts, 0 if page.left_out is None else page.left_out.count)

    odd.costs_itself_alone(lambda texts: f"[{','.join(texts)}]".encode(), receive)
