"""The one text of a value: the same in every process and Python version. Pure.

Facts become JSON objects with their tag first and their fields in order; what is `None`, false or
empty is left out. Numbers are text without an exponent and without trailing zeros, as `1` and
`1.00` are the same number. Keys of mappings are sorted, and a set is refused.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, cast

import msgspec
from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.numbers import digits

__all__ = ["canonical"]


def canonical(value: object) -> str:
    """The JSON text of a value; raises BadInput for what has no order or no exact text."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, Struct):
        return _struct(value)
    if isinstance(value, Enum):
        return canonical(value.value)
    if value is None or isinstance(value, bool | int):
        return _plain(value)
    if isinstance(value, tuple | list):
        return "[" + ",".join(map(canonical, cast("list[object]", value))) + "]"
    if isinstance(value, Mapping):
        known = cast("Mapping[object, object]", value)
        items = sorted((canonical(str(key)), one) for key, one in known.items())
        return "{" + ",".join(f"{key}:{canonical(one)}" for key, one in items) + "}"
    raise BadInput(
        f"numbers, text, and containers and Structs of these were expected, "
        f"was {type(value).__name__} {value!r:.60}"
    )


@lru_cache(1 << 14)
def _number(value: Decimal) -> str:
    """Equal numbers have one text; so they may share one entry of the cache."""
    if not value.is_finite():
        return f'"{value}"'
    return f'"{digits(value.normalize(EXACT) if value else Decimal(0))}"'


@lru_cache(1 << 12)
def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _plain(value: bool | int | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _struct(value: Struct) -> str:
    kind: Any = type(value)
    parts = [f'"type":"{kind.__struct_config__.tag}"'] if kind.__struct_config__.tag else []
    for name in kind.__struct_fields__:
        one = getattr(value, name)
        if one is None or one is False or one == "" or one == () or isinstance(one, bytes):
            continue
        parts.append(f'"{name}":{canonical(one)}')
    return "{" + ",".join(parts) + "}"
