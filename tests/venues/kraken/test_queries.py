"""Queries about markets, answered by the published and recorded bodies, cut short."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import InstrumentStatus, Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.kraken.queries import KrakenMarketQueries
from fluxum.venues.queries import Page, RestQuery
from oddrows import OddRow, Received, odd_row, often

NOW = 1_700_000_000_000_000_000
BTC = Symbol("BTC/USD")
QUESTIONS = KrakenMarketQueries()
# https://docs.kraken.com/api/docs/rest-api/get-order-book
DEPTH = (
    b'{"error":[],"result":{"XXBTZUSD":{"asks":[["30384.10000","2.059",1688671659],'
    b'["30387.90000","1.500",1688671380]],"bids":[["30297.00000","1.115",1688671636],'
    b'["30296.70000","2.002",1688671674]]}}}'
)
# https://docs.kraken.com/api/docs/rest-api/get-recent-trades
TRADES = (
    b'{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",'
    b'61044952],["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953]],'
    b'"last":"1688671969993150842"}}'
)
# As seen on the wire in 2026: keyed by the name in the request.
CANDLES = (
    b'{"error":[],"result":{"BTC/USD":[[1790355600,"83732.7","83969.8","83612.9","83765.4",'
    b'"83766.9","81.13696690",5879],[1790359200,"83765.3","84050.3","83765.3","84030.6","83921.9",'
    b'"53.72114923",2375]],"last":1790355600}}'
)
# https://docs.kraken.com/api/docs/rest-api/get-ticker-information
TICKER = (
    b'{"error":[],"result":{"XXBTZUSD":{"a":["30300.10000","1","1.000"],'
    b'"b":["30300.00000","1","1.000"],"c":["30303.20000","0.00067643"],'
    b'"v":["4083.67001100","4412.73601799"],"p":["30706.77771","30689.13205"],'
    b'"t":[34619,38907],"l":["29868.30000","29868.30000"],"h":["31631.00000","31631.00000"],'
    b'"o":"30502.80000"}}}'
)
PAIRS = (
    b'{"error":[],"result":{"XDGUSD":{"altname":"XDGUSD","wsname":"XDG/USD",'
    b'"aclass_base":"currency","base":"XXDG","aclass_quote":"currency","quote":"ZUSD",'
    b'"cost_decimals":9,"pair_decimals":7,"lot_decimals":8,"ordermin":"50","costmin":"0.5",'
    b'"tick_size":"0.0000001","status":"online"}}}'
)


def test_the_venues_clock_is_read() -> None:
    # https://docs.kraken.com/api/docs/rest-api/get-server-time
    body = (
        b'{"error":[],"result":{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}}'
    )

    assert QUESTIONS.time().read(body, NOW) == 1_688_669_448_000_000_000


def test_the_engines_state_is_read() -> None:
    # https://docs.kraken.com/api/docs/rest-api/get-system-status
    body = b'{"error":[],"result":{"status":"cancel_only","timestamp":"2023-07-06T18:52:00Z"}}'

    assert QUESTIONS.status().read(body, NOW) is VenueStatus.CANCEL_ONLY


def test_a_book_is_requested_by_its_name_and_read_whatever_it_is_called() -> None:
    question = QUESTIONS.book(BTC, 2)

    book = question.read(DEPTH, NOW)

    assert question.fetch.path == "/0/public/Depth?pair=BTC%2FUSD&count=2"
    assert book.symbol == BTC
    assert book.bids == (
        Level(Decimal("30297.00000"), Decimal("1.115")),
        Level(Decimal("30296.70000"), Decimal("2.002")),
    )
    assert book.asks[0].price == Decimal("30384.10000")


def test_trades_come_oldest_first_with_the_takers_side() -> None:
    question = QUESTIONS.trades(BTC, since_ns=1_688_671_969_993_150_842)

    first, second = question.read(TRADES, NOW).items

    assert question.fetch.path.endswith("since=1688671969993150842")
    assert (first.side, first.price, first.order_type) == (
        Side.BUY,
        Decimal("30243.40000"),
        "market",
    )
    assert (second.side, second.sequence, second.backfilled) == (Side.SELL, 61044953, True)
    assert first.venue_ns == 1_688_669_597_827_736_900


def trades_answer(first: int, count: int, last_ns: int) -> bytes:
    """An answer of so many trades, ten of them at each instant, as orders make them."""
    rows = ",".join(
        f'["1.0","2.0",{1_688_669_597 + number // 10}.5,"b","m","",{number}]'
        for number in range(first, first + count)
    )
    return f'{{"error":[],"result":{{"XXBTZUSD":[{rows}],"last":"{last_ns}"}}}}'.encode()


def test_trades_since_an_instant_go_on_and_none_of_one_instant_is_lost() -> None:
    instant_ns = 1_688_669_697_500_000_000  # of the trades 1000 to 1009
    question = QUESTIONS.trades(BTC, since_ns=1_688_669_000_000_000_000)

    # The first thousand ends within the ten trades of an instant.
    first = question.read(trades_answer(5, 1000, instant_ns), NOW)
    assert first.next is not None
    second = first.next.read(trades_answer(1000, 40, instant_ns + 4 * 10**9), NOW)

    assert first.next.fetch.path.endswith(f"since={instant_ns - 1}")
    assert [one.sequence for one in (*first, *second)] == list(range(5, 1040))
    assert second.next is None


@pytest.mark.parametrize(
    ("since_ns", "last"),
    [(None, "1688669697500000000"), (1_688_669_697_500_000_000, "1688669697500000000"), (7, "x")],
)
def test_trades_end_with_the_last_ones_and_where_the_venue_does_not_go_on(
    since_ns: int | None, last: str
) -> None:
    body = trades_answer(0, 1000, 0).replace(b'"last":"0"', f'"last":"{last}"'.encode())

    assert QUESTIONS.trades(BTC, since_ns).read(body, NOW).next is None


def test_the_last_candle_is_running_and_those_before_are_closed() -> None:
    question = QUESTIONS.candles(BTC, 3600)

    closed, running = question.read(CANDLES, NOW).items

    assert question.fetch.path.endswith("interval=60")
    assert (closed.closed, running.closed) == (True, False)
    assert (closed.open, closed.high, closed.low, closed.close) == (
        Decimal("83732.7"),
        Decimal("83969.8"),
        Decimal("83612.9"),
        Decimal("83765.4"),
    )
    assert running.start_ns == closed.end_ns == 1_790_359_200_000_000_000


def test_candles_are_history_and_only_those_requested() -> None:
    since_ns = 1_790_359_200_000_000_000  # the start of the second candle

    (only,) = QUESTIONS.candles(BTC, 3600, since_ns).read(CANDLES, NOW).items
    (first,) = QUESTIONS.candles(BTC, 3600, None, since_ns).read(CANDLES, NOW).items

    assert (only.start_ns, only.backfilled) == (since_ns, True)
    assert (first.end_ns, first.backfilled) == (since_ns, True)


def test_a_ticker_covers_the_last_24_hours() -> None:
    ticker = QUESTIONS.ticker(BTC).read(TICKER, NOW)

    assert (ticker.bid, ticker.bid_quantity) == (Decimal("30300.00000"), Decimal("1.000"))
    assert (ticker.ask, ticker.ask_quantity) == (Decimal("30300.10000"), Decimal("1.000"))
    assert (ticker.last, ticker.volume) == (Decimal("30303.20000"), Decimal("4412.73601799"))
    assert (ticker.vwap, ticker.trades) == (Decimal("30689.13205"), 38907)


def test_a_side_of_zero_is_an_empty_side() -> None:
    ticker = QUESTIONS.ticker(BTC).read(TICKER.replace(b"30300.10000", b"0.00000"), NOW)

    assert (ticker.ask, ticker.mid, ticker.spread) == (None, None, None)


def test_a_market_is_called_by_its_modern_name() -> None:
    (doge,) = QUESTIONS.instruments().read(PAIRS, NOW).items

    assert (doge.symbol, doge.base, doge.quote) == (Symbol("DOGE/USD"), "DOGE", "USD")
    assert (doge.tick, doge.lot) == (Decimal("0.0000001"), Decimal("0.00000001"))
    assert (doge.quantity_min, doge.notional_min) == (Decimal(50), Decimal("0.5"))
    assert doge.status is InstrumentStatus.ONLINE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"error":[],"result":{}}',
        b'{"error":[],"result":{"a":{"asks":[],"bids":[]},"b":{"asks":[],"bids":[]}}}',
        DEPTH.replace(b'"2.059"', b'"-2.059"'),
        DEPTH.replace(b'"2.059"', b'"NaN"'),
        DEPTH.replace(b'"30384.10000"', b'"0"'),
    ],
)
def test_a_book_that_makes_no_sense_is_none(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        QUESTIONS.book(BTC, 10).read(body, NOW)


def test_a_refusal_that_will_pass_says_so() -> None:
    with pytest.raises(RateLimited, match="Depth was refused: EGeneral:Too many requests"):
        QUESTIONS.book(BTC, 10).read(b'{"error":["EGeneral:Too many requests"]}', NOW)


@pytest.mark.parametrize("count", [0, 501])
def test_more_levels_than_there_are_cannot_be_requested(count: int) -> None:
    with pytest.raises(BadInput, match=f"was {count}"):
        QUESTIONS.book(BTC, count)


@pytest.mark.parametrize("interval_s", [90, 120, 2_592_000])
def test_intervals_are_those_that_the_venue_offers(interval_s: int) -> None:
    with pytest.raises(BadInput, match=rf"60, 300, 900.*was {interval_s}"):
        QUESTIONS.candles(BTC, interval_s)


def test_candles_since_an_instant_are_requested_from_just_before_it() -> None:
    # https://docs.kraken.com/api/docs/rest-api/get-ohlc-data: `since` lists what is later.
    path = QUESTIONS.candles(BTC, 60, 1_790_359_200_000_000_000).fetch.path

    assert path.endswith("interval=1&since=1790359199")


def test_candles_with_a_senseless_cursor_are_all_taken_for_running() -> None:
    body = CANDLES.replace(b'"last":1790355600', b'"last":"soon"')

    candles = QUESTIONS.candles(BTC, 3600).read(body, NOW)

    assert [one.closed for one in candles] == [False, False]


def test_what_the_venue_adds_to_a_row_is_ignored() -> None:
    body = TRADES.replace(b"61044952]", b'61044952,"new",{}]').replace(b'"m",""', b'"x",null')

    first, _ = QUESTIONS.trades(BTC).read(body, NOW)

    assert (first.sequence, first.order_type) == (61044952, "x")


def test_prices_of_zero_are_none() -> None:
    body = TICKER.replace(b"30300.00000", b"0.00000").replace(b"29868.30000", b"0")

    ticker = QUESTIONS.ticker(BTC).read(body, NOW)

    assert (ticker.bid, ticker.low, ticker.mid) == (None, None, None)


# Any row replaced by any JSON value


def receiving(question: RestQuery[Page[Any]], key: str) -> Callable[[bytes], Received]:
    def receive(body: bytes) -> Received:
        page = question.read(body, NOW)
        left_out = 0 if page.left_out is None else page.left_out.count
        return Received({getattr(item, key): item for item in page}, left_out)

    return receive


def listed(rows: Sequence[str]) -> bytes:
    return f'{{"error":[],"result":{{"XXBTZUSD":[{",".join(rows)}],"last":"5"}}}}'.encode()


def mapped(rows: Sequence[str]) -> bytes:
    pairs = ",".join(f'"ID-{index}":{row}' for index, row in enumerate(rows))
    return f'{{"error":[],"result":{{{pairs}}}}}'.encode()


WHOLE: dict[str, Any] = {
    "altname": "XDGUSD",
    "wsname": "XDG/USD",
    "base": "XXDG",
    "quote": "ZUSD",
    "pair_decimals": 7,
    "lot_decimals": 8,
    "ordermin": "50",
    "costmin": "0.5",
    "tick_size": "0.0000001",
    "status": "online",
}


@given(odd_row([WHOLE, WHOLE | {"wsname": "SOL/USD"}, WHOLE | {"wsname": "XBT/USD"}]))
@often
def test_an_odd_market_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(mapped, receiving(QUESTIONS.instruments(), "symbol"))


TRADE = ["30243.40000", "0.34507674", 1688669597.8277369, "b", "m", "", 61044952]


@given(odd_row([TRADE, [*TRADE[:6], 61044953], [*TRADE[:6], 61044954]]))
@often
def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(listed, receiving(QUESTIONS.trades(BTC), "trade_id"))


CANDLE = ["83732.7", "83969.8", "83612.9", "83765.4", "83766.9", "81.13696690", 5879]


@given(odd_row([[1790355600, *CANDLE], [1790359200, *CANDLE], [1790362800, *CANDLE]]))
@often
def test_an_odd_candle_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(listed, receiving(QUESTIONS.candles(BTC, 3600), "start_ns"))
