"""The compiled buffer of rows against the plain one: the same rows, and the same refusals."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")

from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level, Levels, Row
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Side, Ticker, Trade
from fluxum.store.buffers import Buffer
from fluxum.store.fast import IS_COMPILED, TableBuffer
from fluxum.store.tables import Columnar, rows_of, unfit
from fluxum.venues.book_scan import book_scan
from fluxum.venues.kraken.books import BOOKS as KRAKEN_BOOKS

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

VENUE, SYMBOL = "kraken", Symbol("BTC/USD")
INT_END = 1 << 63
USUAL = st.decimals(-(10**9), 10**9, places=8)
NUMBERS = USUAL | st.decimals()
WHOLE = st.integers(-INT_END, INT_END - 1) | st.integers(INT_END - 2, INT_END + 2)
TEXTS = st.text(max_size=9)
TRADES = st.builds(
    Trade,
    venue=st.just(VENUE),
    symbol=st.just(SYMBOL),
    side=st.sampled_from(Side),
    price=NUMBERS,
    quantity=NUMBERS,
    trade_id=TEXTS,
    sequence=st.none() | WHOLE,
    order_type=st.sampled_from(["", "limit", "market"]),
    backfilled=st.booleans(),
    venue_ns=st.none() | st.integers(0, INT_END - 1),
    received_ns=st.integers(0, INT_END - 1),
)
MONEY = ("bid", "ask_quantity", "last", "volume", "vwap", "low", "change", "change_percent")
TICKERS = st.builds(
    Ticker,
    venue=st.just(VENUE),
    symbol=st.just(SYMBOL),
    **dict.fromkeys(MONEY, st.none() | NUMBERS),
    trades=st.none() | WHOLE,
    received_ns=st.just(7),
)
CANDLES = st.builds(
    Candle,
    venue=st.just(VENUE),
    symbol=st.just(SYMBOL),
    interval_s=st.just(60),
    start_ns=st.integers(0, 10**18),
    end_ns=st.integers(0, 10**18),
    **dict.fromkeys(("open", "high", "low", "close", "volume"), NUMBERS),
    vwap=st.none() | NUMBERS,
    trades=st.none() | WHOLE,
    closed=st.booleans(),
    is_correction=st.booleans(),
    received_ns=st.just(7),
)
MADE = st.lists(st.builds(Level, NUMBERS, NUMBERS, st.none() | WHOLE), max_size=3).map(tuple)
WIRE = st.decimals(0, 10**30).map(str)
ROWS = st.lists(st.tuples(WIRE, WIRE) | st.tuples(WIRE, WIRE, st.just(b"12")), max_size=3)
UPDATES = st.builds(
    BookUpdate,
    st.just(VENUE),
    st.just(SYMBOL),
    MADE | ROWS.map(Levels),
    MADE | ROWS.map(Levels),
    st.none() | WHOLE,
    st.just(8),
    st.none() | WHOLE,
    st.none() | WHOLE,
)
SNAPSHOTS = st.builds(
    BookSnapshot,
    venue=st.just(VENUE),
    symbol=st.just(SYMBOL),
    bids=MADE,
    asks=MADE,
    depth=st.none() | st.just(10),
    received_ns=st.just(9),
    cut_at=st.none() | st.just(1000),
)


def taken(buffer: Buffer, events: list[Columnar]) -> tuple[list[int], list[dict[str, Any]]]:
    """How many rows each event gave, and all rows."""
    counts = [
        buffer.put(event, 1, number, -number, number // 2, bool(number % 2))
        for number, event in enumerate(events)
    ]
    assert len(buffer) == sum(counts)
    if not len(buffer):
        return counts, []
    batch = buffer.take()
    batch.validate(full=True)
    assert not len(buffer)
    return counts, batch.to_pylist()


@pytest.mark.parametrize(
    ("table", "events"),
    [
        ("trade", st.lists(TRADES)),
        ("ticker", st.lists(TICKERS)),
        ("candle", st.lists(CANDLES)),
        ("book_level", st.lists(UPDATES | SNAPSHOTS)),
    ],
)
def test_both_make_the_same_rows(table: str, events: st.SearchStrategy[list[Columnar]]) -> None:
    @given(events)
    def same(events: list[Columnar]) -> None:
        buffer = TableBuffer(table)
        assert taken(buffer, events) == taken(Buffer(table), events)
        assert taken(buffer, events) == taken(Buffer(table), events)  # once more in the same one

    same()


@given(st.text("0123456789.E+-", max_size=45).filter(lambda text: "E" not in text[:1]))
@example("99999999999999999999999999.999999999999")
@example("100000000000000000000000000")
@example("0.0000000000001")
@example("0.0000000000010000000")
@example("000000000000000000000000000000000000000000001.5")
@example("1E-12")
@example("1E-13")
@example("1000E-13")
@example("-1.5E+18")
@example("12E+24")
@example("12E+25")
@example("0E-99")
@example("0.00E+99")
def test_a_number_is_exact_or_refused(text: str) -> None:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return  # no venue's text of a number
    is_near = abs(value.adjusted()) < 60
    units = Fraction(value) * 10**12 if is_near else Fraction(1, 2)
    fits = not value or (units.denominator == 1 and abs(units) < 10**38)
    rows: list[Row] = [(text, "1")]

    (count,), found = taken(
        TableBuffer("book_level"), [BookUpdate(VENUE, SYMBOL, Levels(rows), (), None, 1)]
    )

    assert count == fits
    assert [one["price"] for one in found] == ([value] if fits else [])


PLAIN = st.from_regex(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?", fullmatch=True)


@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=4), st.lists(st.tuples(PLAIN, PLAIN), max_size=4))
@example([("999999999999999999.5", "0"), ("0.0000000000010", "0.00000000000000")], [])
@example([], [("1", "123456789012345.0000000000001"), ("2", "1")])
def test_rows_of_a_scanned_frame_are_those_of_its_levels(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]]
) -> None:
    def side(rows: list[tuple[str, str]]) -> str:
        return ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in rows)

    frame = (
        '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD",'
        f'"bids":[{side(bids)}],"asks":[{side(asks)}],"checksum":7,'
        '"timestamp":"2026-07-19T17:54:39.799885Z"}]}'
    )
    scan = book_scan(KRAKEN_BOOKS, {"BTC/USD": (SYMBOL,)})
    assert scan is not None
    scanned = scan([frame.encode()], 0, 8)
    assert scanned is not None
    (update,) = scanned

    found = taken(TableBuffer("book_level"), [update, update])

    made = [Level(Decimal(price), Decimal(quantity)) for price, quantity in bids]
    more = [Level(Decimal(price), Decimal(quantity)) for price, quantity in asks]
    by_hand = BookUpdate(VENUE, SYMBOL, tuple(made), tuple(more), update.venue_ns, 8, 7)
    assert found == taken(Buffer("book_level"), [by_hand, by_hand])


@pytest.mark.parametrize("buffer", [TableBuffer, Buffer])
def test_a_time_of_more_than_64_bits_is_refused(buffer: type[Buffer]) -> None:
    level = (Level(Decimal(1), Decimal(2)),)
    late = BookUpdate(VENUE, SYMBOL, level, (), INT_END, 1)

    assert taken(buffer("book_level"), [late]) == ([0], [])
    assert "venue_ns 9223372036854775808 does not fit" in unfit(late, *rows_of(late))


def test_a_refused_event_leaves_no_trace() -> None:
    def trade(quantity: str) -> Trade:
        return Trade(
            venue=VENUE,
            symbol=SYMBOL,
            side=Side.SELL,
            price=Decimal(2),
            quantity=Decimal(quantity),
            trade_id=f"of {quantity}",
            received_ns=5,
        )

    counts, rows = taken(TableBuffer("trade"), [trade("1"), trade("1E-13"), trade("3")])

    assert counts == [1, 0, 1]
    assert [(one["n"], one["quantity"], one["trade_id"], one["side"]) for one in rows] == [
        (0, 1, "of 1", "sell"),
        (2, 3, "of 3", "sell"),
    ]


def test_rows_of_gaps_are_refused_loudly() -> None:
    buffer = TableBuffer("coverage")
    buffer.add([(60, "trade", "BTC/USD", None, 0, 1, 1, 0, 0)])

    with pytest.raises(OverflowError, match="rows is 9223372036854775808"):
        buffer.add([(60, None, None, None, 0, 1, INT_END, 0, 0)])

    assert buffer.take().to_pylist() == [
        {
            "minute_ns": 60,
            "channel": "trade",
            "symbol": "BTC/USD",
            "interval_s": None,
            "frames": 0,
            "events": 1,
            "rows": 1,
            "proved": 0,
            "unfit": 0,
        }
    ]
