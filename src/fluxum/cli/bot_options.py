"""The options that the commands of bots share, and how they are read."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from fluxum.bot.limits import BotLimits
from fluxum.bot.loading import load_kind, make_limits, make_strategy
from fluxum.bot.strategy import Strategy
from fluxum.errors import BadInput
from fluxum.fill.latency import ConstantLatency

__all__ = [
    "Delay",
    "LimitsFile",
    "Parameters",
    "ParametersFile",
    "latency_of",
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


Delay = Annotated[
    str, typer.Option("--latency", help="Of orders, and of answers after a comma: 1ms, 2ms,500us.")
]
_UNITS_NS = {"ms": 1_000_000, "us": 1_000, "s": 1_000_000_000}


def strategy_of(reference: str, given: list[str] | None, file: Path | None) -> Strategy:
    """A strategy as the command line names it; raises BadInput."""
    values = {} if file is None else _read(file)
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"--param: NAME=VALUE was expected, was {text!r}")
        values[name.strip()] = value
    return make_strategy(load_kind(reference), values)


def latency_of(text: str) -> ConstantLatency:
    """The latency that an option names, such as 2ms,500us; raises BadInput."""
    delays = [_delay(part.strip(), text) for part in text.split(",")]
    if len(delays) > 2:
        raise BadInput(f"--latency with one delay or two was expected, was {text!r}")
    return ConstantLatency(*delays)


def _delay(part: str, text: str) -> int:
    unit = next((one for one in _UNITS_NS if part.endswith(one)), "")
    number = part.removesuffix(unit)
    if not unit or not number.replace(".", "", 1).isdigit():
        raise BadInput(f"--latency like 1ms or 2ms,500us was expected, was {text!r}")
    return int(Decimal(number) * _UNITS_NS[unit])


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
