"""Events as a data frame: exact decimals, times as timestamps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import Struct, inspect

from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances
from fluxum.model.codec import plain
from fluxum.model.event import Event
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Level3Snapshot,
    Level3Update,
    OrderChange,
)
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.store.arrow import arrow
from fluxum.store.tables import book_rows

__all__ = ["frame"]

_DIGITS_MAX = 38


class _Leaf(Enum):
    """What a column of a frame holds."""

    MONEY = auto()
    TIME = auto()
    INT = auto()
    FLOAT = auto()
    BOOL = auto()
    TEXT = auto()


_Columns = Mapping[str, tuple[_Leaf, Sequence[Any]]]


def frame(events: Iterable[Event], kind: type[Event] | None = None) -> Any:
    """A `pyarrow.Table` of events of one kind, a row for each; `.to_pandas()` makes it pandas'.

    A column has the name of its field; one inside another has both names: `subscription_symbol`.
    Prices and quantities are exact decimals, each column with the places that its values have.
    Times (`received_ns` and the like) are timestamps in UTC, to the nanosecond. Lists are JSON.
    Snapshots and updates of books are one kind: a row for each level, in which `event` counts the
    messages from 0; a message without levels is a row with neither side nor price. So are those of
    level 3: a row for each order, with its `action`. `Balances`, `OpenPositions` and `OpenOrders`
    have a row for each balance, position and order, and one without if there are none. `kind` is
    needed only if there are no events.

    Raises BadInput for events of several kinds, for a number that does not fit into 38 digits,
    which it names, and if pyarrow is not installed (the extra `frames`).
    """
    held = list(events)
    kinds: set[type[Struct]] = {type(one) for one in held}
    if not kinds:
        if kind is None:
            raise BadInput("there are no events: name their kind, as in frame([], Trade)")
        kinds = {kind}
    names = ", ".join(sorted(one.__name__ for one in kinds))
    if kinds <= {BookSnapshot, BookUpdate}:
        columns = _of_books(cast("list[BookSnapshot | BookUpdate]", held))
    elif kinds <= {Level3Snapshot, Level3Update}:
        columns = _of_level3(cast("list[Level3Snapshot | Level3Update]", held))
    elif len(kinds) == 1:
        (one,) = kinds
        inner = _INNER.get(one)
        columns = _of_events(held, one) if inner is None else _of_lists(held, one, *inner)
    else:
        raise BadInput(f"events of one kind were expected, were {names}")
    return arrow().table(
        {name: _column(names, name, leaf, values) for name, (leaf, values) in columns.items()}
    )


def _of_events(events: Sequence[Event], kind: type[Struct]) -> _Columns:
    return {
        name.replace(".", "_"): (leaf, [_at(event, name) for event in events])
        for name, leaf in _leaves(kind).items()
    }


_LEVEL: Mapping[str, _Leaf] = {
    "venue": _Leaf.TEXT,
    "symbol": _Leaf.TEXT,
    "event": _Leaf.INT,
    "received_ns": _Leaf.TIME,
    "venue_ns": _Leaf.TIME,
    "kind": _Leaf.TEXT,
    "side": _Leaf.TEXT,
    "price": _Leaf.MONEY,
    "quantity": _Leaf.MONEY,
    "orders": _Leaf.INT,
    "sequence": _Leaf.INT,
    "checksum": _Leaf.INT,
    "depth": _Leaf.INT,
    "cut_at": _Leaf.INT,
}


def _of_books(events: Sequence[BookSnapshot | BookUpdate]) -> _Columns:
    rows = [
        (event.venue, str(event.symbol), number, event.received_ns, event.venue_ns, *row)
        for number, event in enumerate(events)
        for row in book_rows(event)
    ]
    values = list(zip(*rows, strict=True)) or [()] * len(_LEVEL)
    return {name: (leaf, values[at]) for at, (name, leaf) in enumerate(_LEVEL.items())}


_ORDER: Mapping[str, _Leaf] = {
    **{name: _LEVEL[name] for name in ("venue", "symbol", "event", "received_ns", "venue_ns")},
    "kind": _Leaf.TEXT,
    "side": _Leaf.TEXT,
    "action": _Leaf.TEXT,
    "order_id": _Leaf.TEXT,
    "price": _Leaf.MONEY,
    "quantity": _Leaf.MONEY,
    "order_ns": _Leaf.TIME,
    "checksum": _Leaf.INT,
    "depth": _Leaf.INT,
}


def _of_level3(events: Sequence[Level3Snapshot | Level3Update]) -> _Columns:
    rows: list[tuple[Any, ...]] = []
    for number, event in enumerate(events):
        about = (event.venue, str(event.symbol), number, event.received_ns, event.venue_ns)
        depth = event.depth if isinstance(event, Level3Snapshot) else None
        rows += [(*about, *row, event.checksum, depth) for row in _order_rows(event)]
    values = list(zip(*rows, strict=True)) or [()] * len(_ORDER)
    return {name: (leaf, values[at]) for at, (name, leaf) in enumerate(_ORDER.items())}


def _order_rows(event: Level3Snapshot | Level3Update) -> Iterator[tuple[Any, ...]]:
    """A row for each order; for a message without orders, one with neither side nor order."""
    kind = "snapshot" if isinstance(event, Level3Snapshot) else "update"
    for side, held in (("bid", event.bids), ("ask", event.asks)):
        for one in held:
            action = one.action.value if isinstance(one, OrderChange) else None
            order = one.order if isinstance(one, OrderChange) else one
            own = (order.order_id, order.price, order.quantity, order.venue_ns)
            yield (kind, side, action, *own)
    if not event.bids and not event.asks:
        yield (kind, *[None] * 6)


_INNER: Mapping[type[Struct], tuple[str, type[Struct]]] = {
    Balances: ("balances", Balance),
    OpenPositions: ("positions", PositionUpdate),
    OpenOrders: ("orders", OrderUpdate),
}
"""The kinds that are lists, the field that has it, and of what."""


def _of_lists(
    events: Sequence[Event], kind: type[Struct], field: str, inner: type[Struct]
) -> _Columns:
    """A row for each part of each event, behind the event's own fields and its number."""
    rows = [
        (number, event, part)
        for number, event in enumerate(events)
        for part in getattr(event, field) or (None,)
    ]
    columns: dict[str, tuple[_Leaf, Sequence[Any]]] = {
        "event": (_Leaf.INT, [number for number, _, _ in rows])
    }
    for name, leaf in _leaves(kind).items():
        if name != field:
            columns[name] = (leaf, [_at(event, name) for _, event, _ in rows])
    for path, leaf in _leaves(inner).items():
        name = path.replace(".", "_")
        if name not in columns:
            columns[name] = (leaf, [part and _at(part, path) for _, _, part in rows])
    return columns


@cache
def _leaves(kind: type[Struct]) -> dict[str, _Leaf]:
    """The columns of a kind of event: the paths of its fields, and what they hold."""
    return dict(_paths(kind, ""))


def _paths(kind: type[Struct], above: str) -> Iterator[tuple[str, _Leaf]]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        held = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        held = tuple(one for one in held if not isinstance(one, inspect.NoneType))
        path = above + field.name
        if len(held) == 1 and isinstance(held[0], inspect.StructType):
            yield from _paths(held[0].cls, f"{path}.")
        elif len(held) == 1 and isinstance(held[0], inspect.IntType):
            yield path, _Leaf.TIME if field.name.endswith("_ns") else _Leaf.INT
        else:
            yield path, _SIMPLE.get(type(held[0]), _Leaf.TEXT) if len(held) == 1 else _Leaf.TEXT


_SIMPLE: Mapping[type[inspect.Type], _Leaf] = {
    inspect.DecimalType: _Leaf.MONEY,
    inspect.FloatType: _Leaf.FLOAT,
    inspect.BoolType: _Leaf.BOOL,
}


def _at(event: Struct, path: str) -> Any:
    """The value of a field, or of one inside it; `None` if the outer one is."""
    value: Any = event
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    return value


def _column(kind: str, name: str, leaf: _Leaf, values: Sequence[Any]) -> Any:
    if leaf is _Leaf.MONEY:
        return _decimals(kind, name, values)
    pa = arrow()
    if leaf is _Leaf.TEXT:
        return pa.array([_text(value) for value in values], pa.string())
    types: dict[_Leaf, Any] = {
        _Leaf.TIME: pa.timestamp("ns", "UTC"),
        _Leaf.INT: pa.int64(),
        _Leaf.FLOAT: pa.float64(),
        _Leaf.BOOL: pa.bool_(),
    }
    try:
        return pa.array(values, types[leaf])
    except OverflowError as error:
        worst = max((one for one in values if one is not None), key=abs)
        raise BadInput(f"{name} of {kind} does not fit into 64 bits: {worst}") from error


def _decimals(kind: str, name: str, values: Sequence[Decimal | None]) -> Any:
    """Decimals with as many places as the values have; refused if they need more than 38 digits."""
    places, digits = 0, 0
    longest: Decimal | None = None
    for value in values:
        if value is None:
            continue
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise BadInput(f"{name} of {kind} was {value}; a number was expected")
        if -exponent > places or longest is None:
            places, longest = max(places, -exponent), value
        digits = max(digits, value.adjusted() + 1)
    if places + digits > _DIGITS_MAX:
        raise BadInput(
            f"{name} of {kind} needs {digits} digits before the point and {places} behind it, as"
            f" in {longest}; a column holds {_DIGITS_MAX} in all"
        )
    pa = arrow()
    return pa.array(values, pa.decimal128(_DIGITS_MAX, places))


def _text(value: Any) -> str | None:
    """Text as it is, an Enum by its value, a list as JSON."""
    if value is None or isinstance(value, str):
        return value if value is None else str(value)
    if isinstance(value, Enum):
        return str(value.value)
    return msgspec.json.encode(plain(value)).decode()
