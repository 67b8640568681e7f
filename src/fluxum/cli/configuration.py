"""`config`: what is in effect and where it came from, a first file, and whether a file is right."""

import os
from pathlib import Path
from typing import Annotated

import typer

from fluxum.cli.configured import config
from fluxum.cli.options import FIRST_EXCHANGE, Exchange, Format, FormatOption, parse_exchange
from fluxum.cli.output import Output
from fluxum.config.config import load_config
from fluxum.config.table import Effective, effective, first_file
from fluxum.errors import BadInput

__all__ = ["check", "init", "show"]


def show(
    written: Annotated[
        bool, typer.Option("--written", help="Only what is written somewhere, no defaults.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show every setting that is in effect, and where it came from. Secrets are masked.

    The source is `default`, `venue` for a number of the exchange's own, FILE:LINE, the variable, or
    the option.

    Example: fluxum config show --config fluxum.toml --profile live
    """
    chosen = config()
    with Output(form, [Effective]) as output:
        if form is Format.TABLE:
            place = "no file" if chosen.path is None else str(chosen.path)
            profile = f", profile {chosen.profile}" if chosen.profile else ""
            output.message(f"{place}{profile}")
        for one in effective(chosen):
            if not written or one.source not in {"default", "venue"}:
                output.write(one, _text(one))


def init(
    file: Annotated[str, typer.Argument(help="The file to write; without: stdout.")] = "",
    exchange: Exchange = FIRST_EXCHANGE,
) -> None:
    """Write a file in which every setting is explained, and none is in effect yet.

    A file that exists is refused.

    Example: fluxum config init fluxum.toml
    """
    text = first_file(parse_exchange(exchange))
    if not file:
        typer.echo(text, nl=False)
        return
    path = Path(file).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise BadInput(f"a file that does not exist was expected, was {file!r}") from None
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from error
    typer.echo(f"{path} is written; check it with: fluxum config check {file}", err=True)


def check(
    file: Annotated[str, typer.Argument(help="The file of settings, TOML or JSON.")],
) -> None:
    """Check a file and report every fault in it, profiles included; exit status 2 for any.

    Example: fluxum config check fluxum.toml
    """
    environment = {"HOME": os.environ.get("HOME", "")}
    found = load_config(file, environment=environment)
    profiles = f", profiles {', '.join(found.profiles)}" if found.profiles else ""
    venues = ", ".join(found.settings.venue) or "none"
    accounts = ", ".join(found.settings.account) or "none"
    typer.echo(f"{file} is right: exchanges {venues}; accounts {accounts}{profiles}", err=True)


def _text(one: Effective) -> str:
    value = "-" if one.value is None else str(one.value)
    unit = f" {one.unit}" if one.unit and one.value is not None else ""
    return f"{one.name:<42} {value + unit:<22} {one.source}"
