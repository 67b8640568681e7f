"""Rows of CSV: the columns of each kind of record are known from its type.

Each field is a column. A struct inside a struct gives its fields, with a point between the names
(`proof.status`); a list is one cell of JSON. A cell is the value as in JSON, text without its
quotes, and `null` is an empty cell. So no value of a record is lost, whichever record comes first.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from io import StringIO
from typing import Any, get_args

import msgspec
from msgspec import Struct, inspect

from fluxum.cli.hints import near
from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.codec import plain
from fluxum.model.event import AccountEvent, Channel, Event, MarketEvent
from fluxum.model.instrument import Instrument
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
)
from fluxum.model.position import OpenPositions, PositionUpdate

__all__ = [
    "CHANNEL_KINDS",
    "KINDS",
    "Record",
    "Rows",
    "columns",
    "is_data",
    "kind_of",
    "kind_of_type",
    "kinds_beside",
    "parse_kinds",
]

Record = Struct | Mapping[str, Any]
"""A record: a struct, or a mapping of JSON-ready values with its kind as `type`."""

CHANNEL_KINDS: Mapping[Channel, tuple[type[Struct], ...]] = {
    Channel.BOOK: (BookSnapshot, BookUpdate),
    Channel.LEVEL3: (Level3Snapshot, Level3Update),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument,),
    Channel.BALANCE: (Balance, Balances, LedgerEntry, PositionUpdate, OpenPositions),
    Channel.EXECUTION: (
        OrderUpdate,
        OrderFragment,
        OpenOrders,
        Fill,
        Accepted,
        Declined,
        TradingCount,
    ),
}
"""The kinds of events of each channel."""


def kind_of(record: Record) -> str:
    """The kind of a record: its tag, the `type` of a mapping, or ""."""
    return kind_of_type(type(record)) if isinstance(record, Struct) else str(record.get("type", ""))


def kind_of_type(fact: type[Struct]) -> str:
    """The tag of a type of struct, or ""."""
    return str(fact.__struct_config__.tag or "")


KINDS: Mapping[str, type[Struct]] = {kind_of_type(one): one for one in get_args(Event)}
"""Every kind of event by its name."""


_DATA = frozenset(map(kind_of_type, get_args(MarketEvent | AccountEvent)))


def is_data(event: Event) -> bool:
    """Whether an event is of a market or an account, rather than of a link."""
    return kind_of(event) in _DATA


def kinds_beside(kind: str) -> tuple[type[Struct], ...]:
    """The kinds that share a header with this one, as they come together."""
    for kinds in CHANNEL_KINDS.values():
        if KINDS.get(kind) in kinds:
            return kinds
    return (KINDS[kind],) if kind in KINDS else ()


def parse_kinds(text: str) -> frozenset[str]:
    """Kinds of events from a comma list; raises BadInput for an unknown one."""
    names = [one.strip() for one in text.split(",")] if text else []
    for name in names:
        if name not in KINDS:
            known = ", ".join(KINDS)
            raise BadInput(f"a kind was expected ({known}), was {name!r}{near(name, KINDS)}")
    return frozenset(names)


@cache
def columns(kind: type[Struct]) -> tuple[str, ...]:
    """The columns of a kind of record, in the order of its fields."""
    return tuple(".".join(path) for path in _paths(kind))


class Rows:
    """Makes the lines of one CSV.

    `kinds` are the kinds that may come. If there are none, the first record gives the header: its
    own kind and those of its channel. Raises BadInput for a record with a column that the header
    lacks, and names the column.
    """

    def __init__(self, kinds: Iterable[type[Struct]] = ()) -> None:
        self._columns = _union(kinds)
        self._first = ""

    @property
    def header(self) -> str:
        """The header line; known after the first record at the latest."""
        return _line(self._columns)

    def line(self, record: Record) -> str:
        """The record as a line; raises BadInput."""
        cells = dict(_cells(record))
        if not self._columns:
            together = _union(kinds_beside(kind_of(record)))
            self._columns = together if cells.keys() <= set(together) else list(cells)
        foreign = [name for name in cells if name not in self._columns]
        if foreign:
            raise BadInput(
                f"this CSV has the columns of {self._first or 'another kind'}, and a record of "
                f"{kind_of(record) or 'another kind'} brings {', '.join(foreign)}: "
                "choose one kind with --kind, or another format"
            )
        self._first = self._first or kind_of(record)
        return _line([cells.get(name, "") for name in self._columns])


def _union(kinds: Iterable[type[Struct]]) -> list[str]:
    return list(dict.fromkeys(name for kind in kinds for name in columns(kind)))


def _line(cells: Sequence[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # quotes a part of the line end
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cells(record: Record) -> Iterator[tuple[str, str]]:
    if not isinstance(record, Struct):
        known = KINDS.get(kind_of(record))
        if known is None or not record.keys() <= set(known.__struct_encode_fields__) | {"type"}:
            yield from ((name, _cell(value)) for name, value in record.items())
            return
        paths, values = _paths(known), record
    else:
        paths, values = _paths(type(record)), plain(record)
    for path in paths:
        yield ".".join(path), _cell(_at(values, path))


def _at(values: Any, path: Sequence[str]) -> Any:
    for name in path:
        if values is None:
            return None
        values = values.get(name)
    return values


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@cache
def _paths(kind: type[Struct]) -> tuple[tuple[str, ...], ...]:
    """The paths of a kind of record's values in its JSON."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    tag = [] if info.tag_field is None else [(info.tag_field,)]
    found: list[tuple[str, ...]] = [*tag]
    for field in info.fields:
        inner = _fact_in(field.type)
        if inner is not None:
            found += [(field.encode_name, *path) for path in _paths(inner)]
        elif not isinstance(field.type, inspect.BytesType):
            found.append((field.encode_name,))
    return tuple(found)


def _fact_in(kind: inspect.Type) -> type[Struct] | None:
    """The one type of struct that a field has, or may have."""
    held = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    held = tuple(one for one in held if not isinstance(one, inspect.NoneType))
    one = held[0] if len(held) == 1 else None
    return one.cls if isinstance(one, inspect.StructType) else None
