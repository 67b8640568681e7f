"""Arguments of callers as values: text for enumerations, exact numbers, BadInput for the rest.

Each function takes a value and a name for it, and returns the value in its own type. Numbers may be
Decimal, int or text. A float is refused, as it is not the number that was written.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TypeVar, cast

from msgspec import Struct, structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.numbers import is_bounded

__all__ = [
    "Number",
    "Take",
    "asset",
    "choice",
    "choice_of",
    "counted",
    "flag",
    "mapping",
    "not_negative",
    "number",
    "one_of",
    "optional",
    "positive",
    "several",
    "symbol",
    "take_all",
    "text",
    "texts",
    "whole",
]

Choice = TypeVar("Choice", bound=Enum)
Number = Decimal | int | str
"""The types that are accepted as a number."""
Take = Callable[[object, str], object]
_SHOWN = 80
_BITS_SHOWN = 256
_SECTIONS = str.maketrans("- ", "__")


def choice(kind: type[Choice], value: object, what: str) -> Choice:
    """A member of an enumeration, by itself or by its text in any case, `-` for `_` allowed.

    Raises BadInput that lists the members.
    """
    return _among(list(kind), value, what)


class _Conversion:
    """A conversion that knows the types whose values it returns as they are."""

    def __init__(self, take: Take, keeps: frozenset[type]) -> None:
        self.keeps = keeps
        self._take = take

    def __call__(self, value: object, what: str) -> object:
        return self._take(value, what)


def choice_of(kind: type[Enum]) -> Take:
    """The same for `take_all`; OTHER is only for venues and can never be requested."""
    members = [member for member in kind if member.name != "OTHER"]
    keeps = frozenset({kind} if len(members) == len(kind) else ())
    return _Conversion(lambda value, what: _among(members, value, what), keeps)


def number(value: object, what: str) -> Decimal:
    """An exact number of at most 60 characters; raises BadInput."""
    if type(value) is Decimal and is_bounded(value):
        return value
    given = value
    if isinstance(given, str | int) and not isinstance(given, bool):
        with suppress(InvalidOperation):
            given = Decimal(given)
    if isinstance(given, Decimal) and is_bounded(given):
        return given
    was = _shown(value)
    if isinstance(value, float):
        was = f"the float {was}, which is not exact: write it as text"
    raise BadInput(f"{what}: a number as Decimal, int or short text was expected, was {was}")


def positive(value: object, what: str) -> Decimal:
    """A number above zero; raises BadInput."""
    found = number(value, what)
    if found <= 0:
        raise BadInput(f"{what}: a number above zero was expected, was {_shown(value)}")
    return found


def not_negative(value: object, what: str) -> Decimal:
    """A number that is zero or above; raises BadInput."""
    found = number(value, what)
    if found < 0:
        raise BadInput(f"{what}: a number that is not negative was expected, was {_shown(value)}")
    return found


def whole(value: object, what: str) -> int:
    """An int, such as an instant or a count; raises BadInput."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadInput(f"{what}: an int was expected, was {_shown(value)}")


def counted(value: object, what: str) -> int:
    """An int of at least 1; raises BadInput."""
    if whole(value, what) < 1:
        raise BadInput(f"{what}: 1 or more was expected, was {value}")
    return whole(value, what)


def flag(value: object, what: str) -> bool:
    """True or false; raises BadInput."""
    if isinstance(value, bool):
        return value
    raise BadInput(f"{what}: true or false was expected, was {_shown(value)}")


def text(value: object, what: str) -> str:
    """Text, which may be empty; raises BadInput."""
    if isinstance(value, str):
        return value
    raise BadInput(f"{what}: text was expected, was {_shown(value)}")


def symbol(value: object, what: str) -> Symbol:
    """A market, by its symbol or the symbol's text; raises BadInput."""
    return value if isinstance(value, Symbol) else Symbol(text(value, what))


def asset(value: object, what: str) -> Asset:
    """An asset by its name; raises BadInput for an empty one."""
    name = text(value, what)
    if not name:
        raise BadInput(f"{what}: the name of an asset was expected, was ''")
    return Asset(name)


def one_of(kind: type[Struct]) -> Take:
    """A value that must have its type already, such as a request within a batch."""

    def take(value: object, what: str) -> object:
        if isinstance(value, kind):
            return value
        raise BadInput(f"{what}: {kind.__name__} was expected, was {_shown(value)}")

    return _Conversion(take, frozenset({kind}))


def several(take: Take) -> Callable[[object, str], tuple[object, ...]]:
    """Values converted in the same way; a tuple, a list or a set of them, never a single one."""

    def taken(value: object, what: str) -> tuple[object, ...]:
        if isinstance(value, tuple | list | frozenset | set):
            items = cast("Iterable[object]", value)
            return tuple(take(item, what) for item in items)
        raise BadInput(f"{what}: a tuple was expected, was {_shown(value)}")

    return taken


def mapping(take_key: Take, take_value: Take) -> Take:
    """A mapping whose keys and values are converted."""

    def taken(value: object, what: str) -> object:
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {take_key(key, what): take_value(one, f"{what} of {key}") for key, one in items}
        raise BadInput(f"{what}: a mapping was expected, was {_shown(value)}")

    return taken


def texts(value: object, what: str) -> object:
    """A tuple of texts, such as ids; raises BadInput."""
    return several(text)(value, what)


def optional(take: Take) -> Take:
    """The same; `None` is allowed."""
    return _Conversion(
        lambda value, what: None if value is None else take(value, what),
        _kept_by(take) | {type(None)},
    )


def take_all(struct: Struct, fields: Mapping[str, Take]) -> None:
    """Convert the fields of a Struct that is being made; for `__post_init__`.

    They are the same for every Struct of a type. Most values need no conversion, and are passed
    over by their type.
    """
    conversions = _conversions.get(type(struct))
    if conversions is None:
        conversions = [(name, take, _kept_by(take)) for name, take in fields.items()]
        _conversions[type(struct)] = conversions
    for name, take, keeps in conversions:
        value = getattr(struct, name)
        if type(value) not in keeps:
            taken = take(value, name)
            if taken is not value:
                structs.force_setattr(struct, name, taken)


_KEPT_BY: Mapping[Take, frozenset[type]] = {
    text: frozenset({str}),
    flag: frozenset({bool}),
    whole: frozenset({int}),
    symbol: frozenset({Symbol}),
}
_conversions: dict[type[Struct], list[tuple[str, Take, frozenset[type]]]] = {}


def _kept_by(take: Take) -> frozenset[type]:
    """The types whose values a conversion returns as they are, as far as that is known."""
    return take.keeps if isinstance(take, _Conversion) else _KEPT_BY.get(take, frozenset())


def _among(members: list[Choice], value: object, what: str) -> Choice:
    word = value.strip().lower().translate(_SECTIONS) if isinstance(value, str) else None
    for member in members:
        if value is member or word == member.value:
            return member
    known = ", ".join(str(member.value) for member in members)
    raise BadInput(f"{what}: one of {known} was expected, was {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > _BITS_SHOWN:
        return f"an int of {value.bit_length()} bits"
    return (str(value) if isinstance(value, Decimal) else repr(value))[:_SHOWN]
