"""Any one row of a list replaced by any JSON value costs that row alone: a property per list."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given

from fluxum.model.event import Event, LeftOut
from fluxum.model.instrument import Instrument
from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.queries import Page, RestQuery
from oddrows import OddRow, Received, odd_row, often
from venues.binance.wire import (
    BTC,
    LIST,
    NOW,
    PERP,
    drain,
    fetched,
    listening,
    live,
    market,
)

FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
    {"filterType": "NOTIONAL", "minNotional": "10.0", "applyMinToMarket": False},
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
]
MARKETS = [{**market(name), "filters": FILTERS} for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]
CONTRACTS = [
    {**market(name), "filters": FILTERS, "contractType": kind, "deliveryDate": delivered}
    for name, kind, delivered in (
        ("BTCUSDT", "PERPETUAL", 4_133_404_800_000),
        ("ETHUSDT_261225", "CURRENT_QUARTER", 1_798_185_600_000),
        ("SOLUSDT", "", 4_133_404_800_000),
    )
]
BIDS = [["100.0", "1"], ["99.0", "2"], ["98.5", "0.00"]]
TRADES = [
    {"id": number, "price": "4.00000100", "qty": "12.0", "quoteQty": "48.000012",
     "time": 1_499_865_549_590, "isBuyerMaker": True, "isBestMatch": True}
    for number in (5, 6, 7)
]  # fmt: skip
AGG_TRADES = [
    {"a": number, "p": "0.01633102", "q": "4.70443515", "f": 27_781, "l": 27_781,
     "T": 1_498_793_709_153, "m": True, "M": True}
    for number in (5, 6, 7)
]  # fmt: skip
CANDLES = [
    [1_499_040_000_000 + 60_000 * number, "0.0163", "0.8", "0.0157", "0.0158", "148976.1",
     1_499_040_059_999, "2434.19", 308, "1756.87", "28.46", "0"]
    for number in range(3)
]  # fmt: skip


def body(name: str) -> Callable[[Sequence[str]], bytes]:
    """An object whose field of this name is the list."""
    return lambda rows: (
        b'{"serverTime":1565246363776,"%b":[%b]}'
        % (
            name.encode(),
            ",".join(rows).encode(),
        )
    )


def array(rows: Sequence[str]) -> bytes:
    return f"[{','.join(rows)}]".encode()


def counted(events: Sequence[Event]) -> int:
    return sum(one.count for one in events if isinstance(one, LeftOut))


# The list of markets


def listing(policy: Policy) -> Callable[[bytes], Received]:
    def receive(answer: bytes) -> Received:
        protocol = BinanceProtocol(policy)
        protocol.subscribe([LIST])
        (fetch,) = fetched(drain(protocol))
        events = protocol.receive_response(fetch, answer, NOW)
        found = [one for one in events if isinstance(one, Instrument)]
        return Received({one.venue_symbol: one for one in found}, counted(events))

    return receive


@often
@given(odd_row(MARKETS))
def test_an_odd_market(odd: OddRow) -> None:
    odd.costs_itself_alone(body("symbols"), listing(SPOT))


@often
@given(odd_row(CONTRACTS))
def test_an_odd_contract(odd: OddRow) -> None:
    odd.costs_itself_alone(body("symbols"), listing(USDM))


# Books


def facts_of(levels: Sequence[Level]) -> dict[object, object]:
    return {one.price: one.quantity for one in levels}


def spliced(answer: bytes) -> Received:
    protocol, fetch = listening()
    events = protocol.receive_response(fetch, answer, NOW)
    (book,) = (one for one in events if isinstance(one, BookSnapshot))
    return Received(facts_of(book.bids), counted(events))


def changed(policy: Policy) -> Callable[[bytes], Received]:
    def receive(frame: bytes) -> Received:
        events = live(policy).receive(frame, NOW)
        (update,) = (one for one in events if isinstance(one, BookUpdate))
        return Received(facts_of(update.bids), counted(events))

    return receive


def depth_event(rows: Sequence[str]) -> bytes:
    data = (
        b'{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":11,"u":12,"pu":10,"b":[%b],"a":[]}'
    )
    return b'{"stream":"btcusdt@depth@100ms","data":%b}' % (data % ",".join(rows).encode())


@often
@given(odd_row(BIDS[:2]))
def test_an_odd_level_of_a_snapshot(odd: OddRow) -> None:
    odd.costs_itself_alone(
        lambda rows: b'{"lastUpdateId":9,"bids":[%b],"asks":[]}' % ",".join(rows).encode(), spliced
    )


@often
@given(odd_row(BIDS))
def test_an_odd_level_of_an_event(odd: OddRow) -> None:
    odd.costs_itself_alone(depth_event, changed(SPOT))


@often
@given(odd_row(BIDS))
def test_an_odd_level_of_an_event_of_futures(odd: OddRow) -> None:
    odd.costs_itself_alone(depth_event, changed(USDM))


# Answers to questions


def page_reader(question: RestQuery[Page[Any]], key: str) -> Callable[[bytes], Received]:
    def receive(answer: bytes) -> Received:
        page = question.read(answer, NOW)
        found = {getattr(one, key): one for one in page.items}
        return Received(found, 0 if page.left_out is None else page.left_out.count)

    return receive


@often
@given(odd_row(MARKETS))
def test_an_odd_market_of_an_answer(odd: OddRow) -> None:
    question = BinanceQueries(SPOT).instruments()
    odd.costs_itself_alone(body("symbols"), page_reader(question, "venue_symbol"))


@often
@given(odd_row(TRADES))
def test_an_odd_trade(odd: OddRow) -> None:
    odd.costs_itself_alone(array, page_reader(BinanceQueries(SPOT).trades(BTC), "trade_id"))


@often
@given(odd_row(AGG_TRADES))
def test_an_odd_aggregated_trade(odd: OddRow) -> None:
    odd.costs_itself_alone(array, page_reader(BinanceQueries(USDM).trades(PERP), "trade_id"))


@often
@given(odd_row(CANDLES))
def test_an_odd_candle(odd: OddRow) -> None:
    odd.costs_itself_alone(array, page_reader(BinanceQueries(SPOT).candles(BTC, 60), "start_ns"))
