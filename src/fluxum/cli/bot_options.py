"""The options that the commands of bots share, and how they are read."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from fluxum.bot.limits import BotLimits
from fluxum.bot.loading import load_kind, make_limits, make_strategy
from fluxum.bot.strategy import Strategy
from fluxum.errors import BadInput

__all__ = [
    "LimitsFile",
    "Parameters",
    "ParametersFile",
    "limits_of",
    "strategy_of",
]

Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may be repeated."),
]
ParametersFile = Annotated[
    Path | None, typer.Option("--params", "-c", help="A TOML file of parameters.")
]
LimitsFile = Annotated[
    Path | None, typer.Option("--limits", help="A TOML file of limits (see BotLimits).")
]


def strategy_of(reference: str, given: list[str] | None, file: Path | None) -> Strategy:
    """A strategy as the command line names it; raises BadInput."""
    values = {} if file is None else _read(file)
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"--param: NAME=VALUE was expected, was {text!r}")
        values[name.strip()] = value
    return make_strategy(load_kind(reference), values)


def limits_of(file: Path | None) -> BotLimits:
    """The limits of a file, or those without one; raises BadInput."""
    return BotLimits() if file is None else make_limits(_read(file))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file} is no TOML: {error}") from error
