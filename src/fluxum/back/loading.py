"""Strategies by name, `FILE.py:Class` or `package.module:Class`, with plain parameters."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec

from fluxum.bot.strategy import REMEMBERED, Strategy
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol

__all__ = ["load_strategy", "make_strategy", "parameters"]


def load_strategy(name: str) -> type[Strategy]:
    """The class of a name; raises BadInput that says what is there instead."""
    place, colon, wanted = name.rpartition(":")
    if not colon or not place or not wanted:
        raise BadInput(f"a strategy like maker.py:Maker was expected, was {name!r}")
    module = _file(Path(place)) if place.endswith(".py") else _module(place)
    found = getattr(module, wanted, None)
    if isinstance(found, type) and issubclass(found, Strategy) and found is not Strategy:
        return found
    there = [
        one
        for one, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
    ]
    known = ", ".join(there) or "none"
    raise BadInput(f"{place} has no strategy {wanted!r}; it has {known}")


def make_strategy(kind: type[Strategy], values: Mapping[str, Any]) -> Strategy:
    """A strategy with these parameters; text is read as what its field is.

    Raises BadInput that names the field, and the nearest one for a name that is none.
    """
    names = parameters(kind)
    for name in values:
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(
                f"a parameter of {kind.__name__} was expected ({', '.join(names)}),"
                f" was {name!r}{hint}"
            )
    try:
        return msgspec.convert(dict(values), kind, strict=False, dec_hook=_symbol)
    except (msgspec.ValidationError, BadInput) as error:
        raise BadInput(f"{kind.__name__}: {error}") from error


def parameters(kind: type[Strategy]) -> tuple[str, ...]:
    """The names of the fields of a strategy that are no memory."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        name
        for name in kind.__struct_fields__
        if REMEMBERED not in getattr(hints[name], "__metadata__", ())
    )


def _symbol(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    if kind is Decimal:
        return Decimal(str(value))
    raise NotImplementedError(f"no type of a parameter: {kind}")


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BadInput(f"cannot import {name}: {error}") from error


def _file(path: Path) -> ModuleType:
    """A module of a file; the same file is one module, however it is named."""
    path = path.resolve()
    name = f"fluxum_strategy_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BadInput(f"a file with Python code was expected, was '{path}'")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return module
