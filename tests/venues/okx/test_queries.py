"""Questions about markets: published answers, and pages of the simulated exchange's."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import Candle, Level, Side, Trade
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.okx.queries import OkxQueries
from fluxum.venues.okx.server.rest import OkxRest
from fluxum.venues.okx.venue import OKX
from fluxum.venues.queries import Page, RestQuery

NOW = 1_790_358_506_844 * 1_000_000
MINUTE = 60_000_000_000
BTC, LINEAR = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
INVERSE = Symbol("BTC/USD:PERP-INVERSE")
QUERIES = OkxQueries()
Said = TypeVar("Said")
Item = TypeVar("Item")


def answer(data: str) -> bytes:
    return b'{"code":"0","msg":"","data":[%s]}' % data.encode()


# Published answers: https://www.okx.com/docs-v5/en/#order-book-trading-market-data
BOOK = answer(
    '{"asks":[["41006.8","0.60038921","0","1"]],"bids":[["41006.3","0.30178218","0","2"]],'
    '"ts":"1629966436396","seqId":3235851742}'
)
TICKER = answer(
    '{"instType":"SWAP","instId":"BTC-USD-SWAP","last":"9999.99","lastSz":"0.1","askPx":"9999.99",'
    '"askSz":"11","bidPx":"8888.88","bidSz":"5","open24h":"9000","high24h":"10000","low24h":'
    '"8888.88","volCcy24h":"2222","vol24h":"2222","sodUtc0":"2222","sodUtc8":"2222",'
    '"ts":"1597026383085"}'
)
TRADES = answer(
    '{"instId":"BTC-USDT","side":"sell","sz":"0.00001","source":"0","px":"29963.2","tradeId":'
    '"242720720","ts":"1654161646974"},{"instId":"BTC-USDT","side":"sell","sz":"0.00001","source":'
    '"0","px":"29964.1","tradeId":"242720719","ts":"1654161641568"}'
)
CANDLES = answer(
    '["1597026383085","3.721","3.743","3.677","3.708","8422410","22698348.04","12698348.04","0"],'
    '["1597026323085","3.731","3.799","3.494","3.72","24912403","67632347.24","37632347.24","1"]'
)
# nautilus_trader crates/adapters/okx/test_data/http_get_instruments_swap.json, shortened
SIZE = answer(
    '{"instType":"SWAP","instId":"BTC-USDT-SWAP","ctVal":"0.01","ctValCcy":"BTC","ctMult":"1",'
    '"ctType":"linear","settleCcy":"USDT"}'
)


def sized(query: RestQuery[Said]) -> RestQuery[Said]:
    """The question itself, once the size of BTC-USDT-SWAP is known."""
    assert query.first is not None
    path = "/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP"
    assert query.fetch.path == path
    return query.first.read(SIZE, NOW)


def test_the_venues_clock_is_read() -> None:
    query = QUERIES.time()

    assert query.fetch.path == "/api/v5/public/time"
    assert query.read(answer('{"ts":"1597026383085"}'), NOW) == 1_597_026_383_085_000_000
    with pytest.raises(RemoteProtocolError, match="a time was expected"):
        query.read(answer('{"ts":"0"}'), NOW)


def test_a_maintenance_that_goes_on_is_the_venues_status() -> None:
    # https://www.okx.com/docs-v5/en/#status-get-status
    row = '{"begin":"1672823400000","end":"1672825980000","state":"%s","title":"upgrade"}'

    assert QUERIES.status().fetch.path == "/api/v5/system/status?state=ongoing"
    assert QUERIES.status().read(answer(""), NOW) is VenueStatus.ONLINE
    assert QUERIES.status().read(answer(row % "completed"), NOW) is VenueStatus.ONLINE
    assert QUERIES.status().read(answer(row % "ongoing"), NOW) is VenueStatus.MAINTENANCE


def test_a_book_is_read_best_first_and_cut_where_it_was_requested() -> None:
    query = QUERIES.book(BTC, 1)

    book = query.read(BOOK, NOW)

    assert query.fetch.path == "/api/v5/market/books?instId=BTC-USDT&sz=1"
    assert book.bids == (Level(Decimal("41006.3"), Decimal("0.30178218"), 2),)
    assert book.asks == (Level(Decimal("41006.8"), Decimal("0.60038921"), 1),)
    assert (book.cut_at, book.sequence) == (1, 3_235_851_742)
    assert book.venue_ns == 1_629_966_436_396_000_000


def test_a_book_of_contracts_is_in_the_base_asset() -> None:
    book = sized(QUERIES.book(LINEAR, 1)).read(BOOK, NOW)

    assert str(book.bids[0].quantity) == "0.0030178218"


def test_a_ticker_is_one_line() -> None:
    query = QUERIES.ticker(Symbol("BTC/USD:PERP-CONTRACTS"))

    ticker = query.read(TICKER, NOW)

    assert query.fetch.path == "/api/v5/market/ticker?instId=BTC-USD-SWAP"
    assert (ticker.bid, ticker.ask, ticker.ask_quantity) == (
        Decimal("8888.88"),
        Decimal("9999.99"),
        Decimal(11),
    )
    assert (ticker.change, ticker.volume) == (Decimal("999.99"), Decimal(2222))


def test_trades_are_published_oldest_first_and_as_history() -> None:
    query = QUERIES.trades(BTC)

    page = query.read(TRADES, NOW)

    assert query.fetch.path == "/api/v5/market/trades?instId=BTC-USDT&limit=500"
    assert [one.trade_id for one in page.items] == ["242720719", "242720720"]
    assert {(one.backfilled, one.side, str(one.quantity)) for one in page.items} == {
        (True, Side.SELL, "0.00001")
    }
    assert (page.next, page.left_out) == (None, None)


def test_trades_since_an_instant_are_those_of_the_last_ones() -> None:
    page = QUERIES.trades(BTC, 1_654_161_646_974_000_000).read(TRADES, NOW)

    assert [one.trade_id for one in page.items] == ["242720720"]


def test_trades_of_contracts_are_in_the_base_asset() -> None:
    page = sized(QUERIES.trades(LINEAR)).read(TRADES, NOW)

    assert {one.quantity for one in page.items} == {Decimal("0.0000001")}


def test_candles_are_published_oldest_first_and_the_last_may_be_running() -> None:
    query = QUERIES.candles(BTC, 60)

    page = query.read(CANDLES, NOW)

    assert query.fetch.path == "/api/v5/market/candles?instId=BTC-USDT&bar=1m&limit=300"
    old, new = page.items
    assert (old.close, old.volume, old.closed) == (Decimal("3.72"), Decimal(24_912_403), True)
    assert (new.close, new.volume, new.closed) == (Decimal("3.708"), Decimal(8_422_410), False)
    assert new.start_ns == 1_597_026_383_085_000_000
    assert {(one.backfilled, one.interval_s) for one in page.items} == {(True, 60)}


def test_days_are_those_of_utc() -> None:
    assert "bar=1Dutc" in QUERIES.candles(BTC, 86_400).fetch.path
    assert "bar=1Mutc" in QUERIES.candles(BTC, MONTH_S).fetch.path


@pytest.mark.parametrize("interval_s", [0, 7, 61])
def test_an_interval_that_is_not_offered_is_refused(interval_s: int) -> None:
    with pytest.raises(BadInput, match=f"seconds was expected, was {interval_s}"):
        QUERIES.candles(BTC, interval_s)


@pytest.mark.parametrize("count", [0, -1, 401])
def test_more_levels_than_are_listed_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="1 to 400 levels were expected"):
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
    with pytest.raises(VenueRefused, match="51001 Instrument ID does not exist"):
        query().read(b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}', NOW)
    with pytest.raises(RateLimited, match="50011"):
        query().read(b'{"code":"50011","msg":"Too Many Requests","data":[]}', NOW)
    with pytest.raises(RemoteProtocolError):
        query().read(b"<html>", NOW)


def test_the_size_of_a_contract_is_requested_first_and_must_fit_its_symbol() -> None:
    query = QUERIES.book(Symbol("BTC/USD:PERP"), 1)
    assert query.first is not None
    with pytest.raises(RemoteProtocolError, match="the size of BTC-USD-SWAP was expected first"):
        query.read(BOOK, NOW)
    row = (
        '{"instType":"SWAP","instId":"BTC-USD-SWAP","ctVal":"100","ctValCcy":"USD","ctMult":"1",'
        '"ctType":"inverse","settleCcy":"BTC"}'
    )

    with pytest.raises(VenueRefused, match="BTC-USD-SWAP is BTC/USD:PERP-INVERSE"):
        query.first.read(answer(row), NOW)
    with pytest.raises(VenueRefused, match="lists no BTC-USD-SWAP"):
        query.first.read(answer(""), NOW)


def test_an_odd_row_of_a_list_is_counted_and_costs_no_other() -> None:
    odd = TRADES[:-2] + b',{"tradeId":7}]}'

    page = QUERIES.trades(BTC).read(odd, NOW)

    assert len(page.items) == 2
    assert page.left_out is not None
    assert page.left_out.count == 1


# Against the simulated exchange


class Clock:
    """A clock that is set by hand."""

    at_ns = NOW

    def now_ns(self) -> int:
        return self.at_ns


def exchange(clock: Clock, *symbols: Symbol) -> SimulatedExchange:
    return SimulatedExchange(OKX, symbols, seed=1, clock=clock, resolution_ns=1_000_000)


def queried(view: SimulatedExchange, query: RestQuery[Said], now_ns: int) -> Said:
    rest = OkxRest(view)
    while query.first is not None:
        query = query.first.read(rest.answer(query.fetch, now_ns).body, now_ns)
    return query.read(rest.answer(query.fetch, now_ns).body, now_ns)


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


def test_every_market_is_listed_over_three_pages() -> None:
    view = exchange(Clock(), BTC, LINEAR, INVERSE)

    listed = pages(view, QUERIES.instruments(), NOW)

    assert [[one.symbol for one in page.items] for page in listed] == [[BTC], [LINEAR, INVERSE], []]
    assert [one.contract_size for page in listed for one in page.items] == [1, Decimal("0.01"), 100]


@pytest.mark.parametrize("symbol", [BTC, LINEAR, INVERSE])
def test_answers_are_the_exchanges_own_in_its_unit(symbol: Symbol) -> None:
    view = exchange(Clock(), symbol)

    book = queried(view, QUERIES.book(symbol, 5), NOW)
    ticker = queried(view, QUERIES.ticker(symbol), NOW)
    trades = queried(view, QUERIES.trades(symbol), NOW).items

    assert [(one.price, one.quantity) for one in book.bids] == [
        (one.price, one.quantity) for one in view.levels(symbol, Side.BUY, 5)
    ]
    assert ticker.volume == view.ticker(symbol).volume
    truth: Sequence[Trade] = view.trades(symbol, 500)
    assert [(one.trade_id, one.quantity) for one in trades] == [
        (one.trade_id, one.quantity) for one in truth
    ]


def day(symbol: Symbol) -> tuple[SimulatedExchange, int, dict[int, Decimal]]:
    """An exchange some days old, the present, and the volume of each of its minutes."""
    clock = Clock()
    view = exchange(clock, symbol)
    for _ in range(2000):
        clock.at_ns += 100_000_000_000
        view.step(symbol)
    volumes = {one.start_ns: one.volume for one in view.candles(symbol, 60, 100_000)}
    return view, clock.at_ns, volumes


@pytest.mark.parametrize("symbol", [BTC, LINEAR])
def test_candles_since_an_instant_are_listed_window_by_window(symbol: Symbol) -> None:
    view, now_ns, volumes = day(symbol)
    since_ns = max(volumes) - 700 * MINUTE
    expected = {start: volume for start, volume in volumes.items() if start >= since_ns}

    found = pages(view, QUERIES.candles(symbol, 60, since_ns), now_ns)

    candles: list[Candle] = [one for page in found for one in page.items]
    assert {one.start_ns: one.volume for one in candles} == expected
    assert [one.start_ns for one in candles] == sorted(expected)
    assert len(expected) > 80
    assert len(found) == 3


def test_candles_too_old_for_the_recent_ones_are_requested_elsewhere() -> None:
    view, now_ns, volumes = day(BTC)
    since_ns, until_ns = max(volumes) - 3000 * MINUTE, max(volumes) - 2500 * MINUTE
    expected = [start for start in volumes if since_ns <= start < until_ns]

    found = pages(view, QUERIES.candles(BTC, 60, since_ns, until_ns), now_ns)

    assert [one.start_ns for page in found for one in page.items] == expected
    assert len(expected) > 80
    assert not found[0].items  # the recent ones do not reach so far


def test_a_range_between_two_starts_holds_the_first_and_not_the_second() -> None:
    view, now_ns, volumes = day(BTC)
    starts = sorted(volumes)[-10:]

    found = pages(view, QUERIES.candles(BTC, 60, starts[2], starts[7]), now_ns)

    assert [one.start_ns for page in found for one in page.items] == starts[2:7]
