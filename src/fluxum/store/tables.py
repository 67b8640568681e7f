"""The tables of columns: their schemas, and the rows of an event.

Prices and quantities are DECIMAL(38, 12) in every file, whatever the market: readers of several
files take the type of the first for all. Averages and percentages, which an exchange has rounded
already, are rounded to as many decimals. Times are Unix nanoseconds as integers. Every row has the
columns of `COMMON`; `n` counts the events of a stream from 1, so one that is left out is a hole.
"""

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from fluxum.model.event import (
    DataStale,
    Desync,
    Dropped,
    Gap,
    LeftOut,
    LinkLost,
    Loss,
    Rejected,
    Subscription,
)
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.session.gaps import OpenGap
from fluxum.store.arrow import arrow

__all__ = [
    "COMMON",
    "SCALE",
    "TABLES",
    "TABLE_OF",
    "Columnar",
    "Kind",
    "Row",
    "book_rows",
    "gap_row",
    "open_gap_row",
    "rows_of",
    "schema",
    "unfit",
    "unfit_row",
    "units",
]

Row = tuple[Any, ...]
"""The values of a row behind those of `COMMON`, in the order of its table's columns."""

SCALE: Final = 12
"""Decimals of every price and quantity in a file."""
_DIGITS: Final = 38
_EXACT: Final = Context(prec=_DIGITS, traps=[Inexact, InvalidOperation])
_ROUNDING: Final = Context(prec=_DIGITS, traps=[InvalidOperation])
_STEP: Final = Decimal(1).scaleb(-SCALE)
_INT_END: Final = 1 << 63


class Kind(Enum):
    """What a column holds; all but `received_ns`, `epoch`, `n` and `frame` may be null."""

    RISING = "int64, delta coded"
    INT = "int64"
    FEW = "int64, one of few numbers"
    MONEY = "decimal128(38, 12), exact"
    PRICE = "decimal128(38, 12), exact, one of some thousand"
    RATIO = "decimal128(38, 12), rounded"
    WORD = "one of few texts"
    TEXT = "text"
    NAME = "text that begins as the one before"
    BOOL = "boolean"


_RISING, _INT, _FEW = Kind.RISING, Kind.INT, Kind.FEW
_MONEY, _PRICE, _RATIO = Kind.MONEY, Kind.PRICE, Kind.RATIO
_WORD, _TEXT, _NAME, _BOOL = Kind.WORD, Kind.TEXT, Kind.NAME, Kind.BOOL

COMMON: Final[Mapping[str, Kind]] = {
    "received_ns": _RISING,
    "venue_ns": _RISING,
    "epoch": _RISING,
    "n": _RISING,
    "frame": _RISING,
}
"""`epoch` is when the recording began (Unix ns), `frame` the place on it, counted from 0."""

_QUOTE = ("bid", "bid_quantity", "ask", "ask_quantity", "last", "last_quantity", "volume")
_DAY = ("low", "high", "open", "change")
_STREAM: Final[dict[str, Kind]] = {"channel": _WORD, "symbol": _WORD, "interval_s": _FEW}

TABLES: Final[Mapping[str, Mapping[str, Kind]]] = {
    "trade": {
        "price": _MONEY,
        "quantity": _MONEY,
        "side": _WORD,
        "trade_id": _NAME,
        "sequence": _RISING,
        "order_type": _WORD,
        "backfilled": _BOOL,
    },
    "book_level": {
        "kind": _WORD,
        "side": _WORD,
        "price": _PRICE,
        "quantity": _MONEY,
        "orders": _FEW,
        "sequence": _RISING,
        "checksum": _INT,
        "depth": _FEW,
        "cut_at": _FEW,
        "generation": _RISING,
        "proved": _BOOL,
    },
    "ticker": {
        **dict.fromkeys(_QUOTE, _MONEY),
        "vwap": _RATIO,
        **dict.fromkeys(_DAY, _MONEY),
        "change_percent": _RATIO,
        "trades": _RISING,
    },
    "candle": {
        "interval_s": _FEW,
        "start_ns": _RISING,
        "end_ns": _RISING,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), _MONEY),
        "vwap": _RATIO,
        "trades": _RISING,
        "closed": _BOOL,
        "backfilled": _BOOL,
        "is_correction": _BOOL,
    },
    "gap": {
        "kind": _WORD,
        **_STREAM,
        "cause": _WORD,
        "repair": _WORD,
        "since_ns": _INT,
        "until_ns": _INT,
        "missing": _INT,
        "detail": _TEXT,
    },
    "coverage": {
        "minute_ns": _RISING,
        **_STREAM,
        "frames": _INT,
        "events": _INT,
        "rows": _INT,
        "proved": _INT,
        "unfit": _INT,
    },
}
"""The columns of each table behind those of `COMMON`; `coverage` has only its own."""

Columnar = Trade | BookSnapshot | BookUpdate | Ticker | Candle
"""The events that have a table of their own."""
TABLE_OF: Final[Mapping[type, str]] = {Trade: "trade", Ticker: "ticker", Candle: "candle"}
"""The tables of those of them that are one row."""


_FIELDS: Final = {table: attrgetter(*TABLES[table]) for table in TABLE_OF.values()}
_RATIOS: Final = {
    table: [at for at, kind in enumerate(TABLES[table].values()) if kind is Kind.RATIO]
    for table in TABLE_OF.values()
}


def schema(table: str) -> Any:
    """The Arrow schema of a table."""
    pa = arrow()
    types: dict[Kind, Any] = {
        Kind.RISING: pa.int64(),
        Kind.INT: pa.int64(),
        Kind.FEW: pa.int64(),
        Kind.MONEY: pa.decimal128(_DIGITS, SCALE),
        Kind.PRICE: pa.decimal128(_DIGITS, SCALE),
        Kind.RATIO: pa.decimal128(_DIGITS, SCALE),
        Kind.WORD: pa.dictionary(pa.int32(), pa.string()),
        Kind.TEXT: pa.string(),
        Kind.NAME: pa.string(),
        Kind.BOOL: pa.bool_(),
    }
    common = {} if table == "coverage" else COMMON
    return pa.schema([(name, types[kind]) for name, kind in {**common, **TABLES[table]}.items()])


def rows_of(event: Columnar) -> tuple[str, list[Row]]:
    """The table of an event, and its rows; those of a book end before `generation`."""
    if isinstance(event, BookSnapshot | BookUpdate):
        return "book_level", list(book_rows(event))
    if isinstance(event, Trade):
        named = (event.side.value, event.trade_id, event.sequence)
        more = (event.order_type, event.backfilled)
        return "trade", [(event.price, event.quantity, *named, *more)]
    table = TABLE_OF[type(event)]
    row = list(_FIELDS[table](event))
    for at in _RATIOS[table]:
        if row[at] is not None:
            row[at] = _rounded(row[at])
    return table, [tuple(row)]


def book_rows(event: BookSnapshot | BookUpdate) -> Iterator[Row]:
    """A row for each level; for a message without levels, one with neither side nor price."""
    kind, depth, cut_at = "update", None, None
    if isinstance(event, BookSnapshot):
        kind, depth, cut_at = "snapshot", event.depth, event.cut_at
    more = (event.sequence, event.checksum, depth, cut_at)
    for side, levels in (("bid", event.bids), ("ask", event.asks)):
        for level in levels:
            yield (kind, side, level.price, level.quantity, level.orders, *more)
    if not event.bids and not event.asks:
        yield (kind, None, None, None, None, *more)


def gap_row(event: Loss) -> Row:
    """The row of an event after which something may be missing."""
    kind, at_ns = str(event.__struct_config__.tag), event.received_ns
    match event:
        case Gap():
            about = (event.cause.value, event.repair.value, event.since_ns, event.until_ns)
            return (kind, *_stream(event.subscription), *about, event.missing, event.detail)
        case Desync():
            return (kind, *_stream(event.subscription), *_moment(at_ns), None, event.reason)
        case DataStale():
            since_ns = at_ns - round(event.silent_s * 10**9)
            return (kind, *_stream(event.subscription), None, None, since_ns, at_ns, None, "")
        case LinkLost():
            return (kind, *_stream(None), *_moment(at_ns), None, f"{event.link}: {event.reason}")
        case LeftOut():
            rows = (event.count, event.reason)
            return (kind, *_stream(event.subscription), *_moment(at_ns), *rows)
        case Rejected():
            return (kind, *_stream(None), *_moment(at_ns), 1, event.reason)
        case Dropped():
            return (kind, *_stream(None), *_moment(at_ns), event.count, "")


def open_gap_row(gap: OpenGap) -> Row:
    """The row of a gap that nothing had ended when the recording did."""
    named = (gap.cause.value, None, gap.since_ns, None, None, gap.detail)
    return ("open", *_stream(gap.subscription), *named)


def unfit_row(stream: tuple[str | None, str | None, int | None], ns: int, why: str) -> Row:
    """The row of an event that its table cannot hold exactly."""
    return ("unfit", *stream, "unfit", "lost", ns, ns, 1, why)


def unfit(event: Columnar, table: str, rows: list[Row]) -> str:
    """The first value that a file cannot hold exactly, and why; empty if there is none.

    `table` and `rows` are what `rows_of` gives for the event.
    """
    if event.venue_ns is not None and not -_INT_END <= event.venue_ns < _INT_END:
        return f"venue_ns {event.venue_ns} does not fit into 64 bits"
    for row in rows:
        for at, value in enumerate(row):
            if type(value) is Decimal:
                if units(value) is None:
                    return (
                        f"{list(TABLES[table])[at]} {value} does not fit: at most"
                        f" {_DIGITS - SCALE} digits before the point and {SCALE} behind it"
                    )
            elif type(value) is int and not -_INT_END <= value < _INT_END:
                return f"{list(TABLES[table])[at]} {value} does not fit into 64 bits"
    return ""


def units(value: Decimal | str, *, is_rounded: bool = False) -> int | None:
    """A number in units of 1e-12; `None` if a file cannot hold it, exactly or else rounded."""
    context = _ROUNDING if is_rounded else _EXACT
    try:
        found = context.quantize(Decimal(value), _STEP)
    except (Inexact, InvalidOperation):
        return None
    return int(_EXACT.scaleb(found, SCALE)) if found.is_finite() else None


def _rounded(value: Decimal) -> Decimal:
    try:
        return _ROUNDING.quantize(value, _STEP)
    except InvalidOperation:  # it is too large, or no number: `unfit` names it
        return value


def _stream(subscription: Subscription | None) -> tuple[str | None, str | None, int | None]:
    if subscription is None:
        return None, None, None
    symbol = None if subscription.symbol is None else str(subscription.symbol)
    return subscription.channel.value, symbol, subscription.interval_s


def _moment(ns: int) -> tuple[None, None, int, int]:
    """No cause, no repair, and one instant."""
    return None, None, ns, ns
