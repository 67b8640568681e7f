"""The one text of a value: the same in every process and Python version. Pure.

Facts become JSON objects with their tag first and their fields in order; what is `None`, false or
empty is left out. Numbers are text without an exponent and without trailing zeros, as `1` and
`1.00` are the same number. Keys of mappings are sorted, and a set is refused.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from fluxum.bot.fast import StructText
from fluxum.bot.market import Market
from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.numbers import digits

__all__ = ["canonical"]


def canonical(value: object) -> str:
    """The JSON text of a value; raises BadInput for what has no order or no exact text."""
    return _writers[type(value)](value)


class _Writers(dict[type, Callable[[Any], str]]):
    """How values of each type are written; made at first use."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = _writer(kind)
        return self[kind]


_writers = _Writers()


def _writer(kind: type) -> Callable[[Any], str]:
    """How values of a type are written; it is the same for all of them."""
    if issubclass(kind, Decimal):
        return _number
    if kind is str:
        return _text
    if issubclass(kind, str):
        return _kind_of_text
    if kind is Market:
        return lru_cache(1 << 10)(_struct_writer(kind))
    if issubclass(kind, Struct):
        return _struct_writer(kind)
    if issubclass(kind, Enum):
        return {one: canonical(one.value) for one in kind}.__getitem__
    if issubclass(kind, bool):
        return {True: "true", False: "false"}.__getitem__
    if issubclass(kind, int):
        return str
    if kind is type(None):
        return lambda _: "null"
    if issubclass(kind, tuple | list):
        return lambda value: f"[{','.join(map(canonical, value))}]"
    if issubclass(kind, Mapping):
        return _mapping
    return _refuse


def _refuse(value: object) -> str:
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


@lru_cache(1 << 12)
def _kind_of_text(value: str) -> str:
    """The same for what is text and more, such as a symbol."""
    return _text(str(value))


def _mapping(value: Mapping[object, object]) -> str:
    items = sorted((canonical(str(key)), one) for key, one in value.items())
    return "{" + ",".join(f"{key}:{canonical(one)}" for key, one in items) + "}"


def _struct_writer(kind: type[Struct]) -> Callable[[Any], str]:
    tag = kind.__struct_config__.tag
    first = [f'"type":"{tag}"'] if tag else []
    return StructText(first, [f'"{name}":' for name in kind.__struct_fields__], _writers)
