"""Finds a strategy by its name, `maker.py:Maker` or `package.module:Maker`, and makes it."""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import get_annotations, isclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

import msgspec

from fluxum.bot.engine_state import custom
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market
from fluxum.bot.strategy import REMEMBERED, Strategy
from fluxum.errors import BadInput

__all__ = [
    "code_of",
    "load_kind",
    "make_limits",
    "make_strategy",
    "parameter_texts",
    "parameters_of",
    "required_of",
]


def load_kind(reference: str) -> type[Strategy]:
    """The class of a strategy: of a file or module, and its name if there are several.

    Its code runs. Raises BadInput for what is not there, and for what cannot be imported.
    """
    where, _, name = reference.rpartition(":")
    if not where or "/" in name or name.endswith(".py"):
        where, name = reference, ""
    module = _module(where)
    known = {
        one.__name__: one
        for one in vars(module).values()
        if isclass(one) and issubclass(one, Strategy) and one.__module__ == module.__name__
    }
    if name in known:
        return known[name]
    if not name and len(known) == 1:
        return next(iter(known.values()))
    names = ", ".join(known) or "none"
    was = f"was {name!r}{_near(name, known)}" if name else "none was named"
    raise BadInput(f"a strategy of {where} was expected ({names}), {was}")


def parameters_of(kind: type[Strategy]) -> dict[str, Any]:
    """The parameters of a strategy, and their types: its fields that are not its memory."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        if isclass(one) and issubclass(one, Strategy):
            module = sys.modules.get(one.__module__)
            found |= get_annotations(one, globals=vars(module) if module else None, eval_str=True)
    return {name: hint for name, hint in found.items() if REMEMBERED not in get_args(hint)}


def code_of(kind: type[Strategy]) -> str:
    """The SHA-256 in hex of the file that a strategy is in; empty if there is none."""
    path = getattr(sys.modules.get(kind.__module__), "__file__", None)
    try:
        return sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""


def parameter_texts(strategy: Strategy) -> dict[str, str]:
    """The parameters of a strategy as text, for a reader."""
    return {name: str(getattr(strategy, name)) for name in parameters_of(type(strategy))}


def required_of(kind: type[Strategy]) -> list[str]:
    """The parameters of a strategy that have no value of their own, in its order."""
    return [one.name for one in msgspec.structs.fields(kind) if one.required]


def make_strategy(kind: type[Strategy], given: Mapping[str, object]) -> Strategy:
    """A strategy from parameters as of a file or the command line.

    A market may be `VENUE:BTC/USD`, a list comma-separated text. Raises BadInput that names the
    field, all that are missing, and the nearest one for a name that is unknown.
    """
    known = parameters_of(kind)
    for name in given:
        if name not in known:
            names = ", ".join(known)
            raise BadInput(f"{kind.__name__} has no {name!r} ({names}){_near(name, known)}")
    missing = [one for one in required_of(kind) if one not in given]
    if missing:
        raise BadInput(
            f"{kind.__name__} needs {', '.join(missing)}: -p NAME=VALUE, or in a file, -c FILE"
        )
    values = {name: _value(known[name], value) for name, value in given.items()}
    made: Strategy = _converted(values, kind, kind.__name__)
    return made


def make_limits(given: Mapping[str, object]) -> BotLimits:
    """Limits of a bot as of a file; raises BadInput that names the field."""
    made: BotLimits = _converted(dict(given), BotLimits, "limits")
    return made


def _converted(values: dict[str, object], kind: type[Any], what: str) -> Any:
    for name, value in values.items():
        if isinstance(value, float):
            values[name] = repr(value)  # as it was written, for an exact number
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=custom)
    except msgspec.ValidationError as error:
        raise BadInput(f"{what}: {error}") from error


def _value(hint: Any, value: object) -> object:
    """Text of the command line as what a field has, where that is no single number or text."""
    if not isinstance(value, str):
        return value
    if hint is Market:
        venue, colon, symbol = value.partition(":")
        if not colon or not venue:
            raise BadInput(f"a market like VENUE:BTC/USD was expected, was {value!r}")
        return Market(venue, symbol)
    if get_origin(hint) in (tuple, list):
        inner = get_args(hint)[0]
        return [_value(inner, one.strip()) for one in value.split(",")]
    return value


def _module(where: str) -> ModuleType:
    path = Path(where)
    try:
        if path.suffix == ".py" or path.exists():
            return _of_file(path)
        return import_module(where)
    except (BadInput, SystemExit):
        raise
    except ModuleNotFoundError as error:
        raise BadInput(f"a file or module with a strategy was expected: {error}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise BadInput(f"{where} cannot be imported: {what}") from error


def _of_file(path: Path) -> ModuleType:
    """The module of a file; the same file is one module, however it is named."""
    if not path.is_file():
        raise BadInput(f"a file with a strategy was expected, was {path}")
    path = path.resolve()
    name = f"{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"a Python file was expected, was {path}")
    module = module_from_spec(spec)
    sys.modules[name] = module  # msgspec finds the types of fields there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _near(word: str, known: Mapping[str, object]) -> str:
    found = get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
