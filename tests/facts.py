"""Facts of any type for Hypothesis: every field holds anything that its type allows."""

from decimal import Decimal
from enum import Enum
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest

__all__ = ["EVENT_TYPES", "structs"]

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)


def shifted(digits: int, exponent: int) -> Decimal:
    return Decimal(digits).scaleb(exponent)


numbers = st.builds(shifted, st.integers(-(10**12), 10**12), st.integers(-12, 6))
symbols = st.sampled_from([Symbol("BTC/USD"), Symbol("AAPLx/USDT")])
words = st.text("abc 0,;=/'\"\\\n\r\t\u20ac", max_size=8)


LEAVES: dict[type[msgspec.inspect.Type], st.SearchStrategy[Any]] = {
    msgspec.inspect.DecimalType: numbers,
    msgspec.inspect.CustomType: symbols,  # the only type that is not msgspec's own
    msgspec.inspect.IntType: st.integers(-(2**62), 2**62),
    msgspec.inspect.FloatType: st.integers(0, 4000).map(lambda quarters: quarters / 4),
    msgspec.inspect.StrType: words,
    msgspec.inspect.BytesType: st.just(b""),
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.NoneType: st.none(),
}


positive = st.builds(shifted, st.integers(1, 10**12), st.integers(-12, 6))
CHECKED: dict[type[Any], st.SearchStrategy[Any]] = {
    OrderRequest: st.builds(
        OrderRequest,
        symbol=symbols,
        side=st.sampled_from(Side),
        quantity=positive,
        limit_price=positive | st.none(),
        client_order_id=words,
    )
}
"""Facts that are checked when they are made, so that not every value of a field will do."""


def values(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Anything a field of this type can hold; levels and orders without their text."""
    match kind:
        case msgspec.inspect.StructType():
            return structs(kind.cls)
        case msgspec.inspect.UnionType():
            return st.one_of([values(one) for one in kind.types])
        case (
            msgspec.inspect.VarTupleType() | msgspec.inspect.ListType()
        ):  # a sequence is the latter
            return st.lists(values(kind.item_type), max_size=3).map(tuple)
        case msgspec.inspect.EnumType():
            members: list[Enum] = list(kind.cls)
            return st.sampled_from(members)
        case _:
            return LEAVES[type(kind)]


def structs(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Any fact of this type."""
    if cls in CHECKED:
        return CHECKED[cls]
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return st.builds(cls, **{field.name: values(field.type) for field in info.fields})
