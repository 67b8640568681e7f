"""Where values come from: a TOML or JSON file, the environment, arguments; later ones win.

A layer is a tree of tables whose leaves are `Given`: a value, and where it was written.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, cast

from msgspec import Struct

from fluxum.errors import BadInput

__all__ = [
    "PREFIX",
    "Given",
    "Layer",
    "Node",
    "laid_over",
    "of_arguments",
    "of_environment",
    "of_file",
]

PREFIX = "FLUXUM__"
"""What the names of settings begin with in the environment; a table's name ends with `__`."""

_FILE_BYTES_MAX = 1 << 20
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


class Given(Struct, frozen=True):
    """A value as it was written, and where: `fluxum.toml:12`, a variable, an argument.

    `text` is what was written where only text can be. Paths are relative to `folder`.
    """

    value: object
    source: str
    text: str | None = None
    folder: Path | None = None


Layer: TypeAlias = "dict[str, Node]"
"""A table: tables and values by name."""
Node: TypeAlias = "Layer | Given"
"""A table or a value."""


def of_file(path: Path) -> Layer:
    """A file's tables, JSON if its name ends so, otherwise TOML; raises BadInput."""
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise BadInput(f"{path}: at most {_FILE_BYTES_MAX} bytes were expected")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: text in UTF-8 was expected: {error.reason}") from error
    is_json = path.suffix.lower() == ".json"
    values = _parsed_json(path, text) if is_json else _parsed_toml(path, text)
    lines = _lines_of_json(text) if is_json else _lines_of_toml(text)
    return _layer(values, (), path, lines)


def of_environment(environment: Mapping[str, str]) -> Layer:
    """The variables that begin with `FLUXUM__`, such as FLUXUM__VENUE__NAME__PROXY."""
    layer: Layer = {}
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX):
            words = name.removeprefix(PREFIX).split("__")
            _put(layer, [word.lower() for word in words], Given(_value(text), name, text))
    return layer


def of_arguments(arguments: Mapping[str, str]) -> Layer:
    """Texts by their full name, such as `venue.NAME.link.ping_interval_s`."""
    layer: Layer = {}
    for name, text in arguments.items():
        _put(layer, name.split("."), Given(_value(text), f"--set {name}", text))
    return layer


def laid_over(under: Layer, over: Layer) -> Layer:
    """Both layers; where both have a value, the upper one's.

    In the environment names have capitals and no hyphens, so they match those of the lower layer
    regardless of both.
    """
    found = dict(under)
    names = {_plain(name): name for name in under}
    for written, value in over.items():
        name = written if written in under else names.get(_plain(written), written)
        below = found.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            found[name] = laid_over(below, value)
        else:
            found[name] = value
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _put(layer: Layer, names: list[str], given: Given) -> None:
    """Add a value below its tables; a table that is a value already is replaced."""
    for name in names[:-1]:
        below = layer.get(name)
        if not isinstance(below, dict):
            below = layer[name] = {}
        layer = below
    layer[names[-1]] = given


def _value(text: str) -> object:
    """Text as TOML reads it: a number, true, a list; or else the text itself."""
    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    return text


def _layer(
    values: Mapping[str, Any], above: tuple[str, ...], path: Path, lines: Mapping[Any, int]
) -> Layer:
    found: Layer = {}
    for name, value in values.items():
        place = (*above, name)
        if isinstance(value, dict):
            found[name] = _layer(cast("dict[str, Any]", value), place, path, lines)
        else:
            line = lines.get(place)
            source = str(path) if line is None else f"{path}:{line}"
            found[name] = Given(value, source, None, path.parent)
    return found


# TOML: each statement is parsed by itself below the header of its table, so that the lines are
# those of the real parser, whatever strings and lists contain.


def _parsed_toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: TOML was expected: {error}") from error


def _lines_of_toml(text: str) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    header, statement, begun = "", "", 1
    for number, line in enumerate(text.splitlines(), 1):
        statement, begun = (f"{statement}\n{line}", begun) if statement else (line, number)
        is_header = statement.lstrip().startswith("[")
        with suppress(tomllib.TOMLDecodeError):
            values = tomllib.loads(statement if is_header else f"{header}\n{statement}")
            for place in _places(values):
                found.setdefault(place, begun)
            header = statement if is_header else header
            statement = ""
    return found


def _places(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, value in values.items():
        place = (*above, name)
        found.append(place)
        if isinstance(value, dict):
            found += _places(cast("dict[str, Any]", value), place)
    return found


# JSON: the library's parser keeps no lines, but the text it accepted is easily walked.


def _parsed_json(path: Path, text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise BadInput(f"{path}: {name} was expected once in its table, is there twice")
            found[name] = value
        return found

    def refuse(word: str) -> object:
        raise BadInput(f"{path}: a number was expected, was {word}")

    try:
        values = json.loads(
            text, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=once
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadInput(f"{path}: JSON was expected: {error}") from error
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a table in braces was expected, was {str(values)[:60]!r}")
    return cast("dict[str, Any]", values)


def _lines_of_json(text: str) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    above: list[str] = []
    name = ""
    for token in _JSON_TOKEN.finditer(text):
        word = token.group()
        if word in "{[":
            above.append(name)
        elif word in "}]":
            above.pop()
        elif word == ":":
            found.setdefault((*above[1:], name), text.count("\n", 0, token.start()) + 1)
        elif word != ",":
            name = json.loads(word)
    return found
