"""The `fluxum` command: every command, and a group for each exchange made from the register."""

import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from fluxum import __version__
from fluxum.book.fast import IS_COMPILED
from fluxum.cli import account, market, simulator, tapes, trading
from fluxum.cli.demo import demo
from fluxum.cli.process import exit_code
from fluxum.cli.record import record
from fluxum.cli.support import support
from fluxum.venues.register import VENUES

__all__ = ["app", "run"]

_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


def _version(wanted: bool) -> None:
    if wanted:
        books = "compiled" if IS_COMPILED else "in Python, as no C compiler was there"
        typer.echo(f"fluxum {__version__} (books {books})")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Show the version, and whether books are compiled.",
        ),
    ] = False,
) -> None:
    """Crypto exchanges in real time, over links that heal and never hide what they lost.

    Exit status: 0 done, 1 something failed, was lost or could not be proved, 2 what was asked makes
    no sense, 130 ended by Ctrl-C, 143 by SIGTERM. Both end every command cleanly; a second one ends
    it at once.
    """


class _Commands(TyperGroup):
    """All commands, and a group for each exchange, which is made when somebody looks into it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        names: dict[str, Any] = dict.fromkeys(VENUES)
        self.commands.update(names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in VENUES:
            return get_command(_venue(cmd_name))
        return super().get_command(ctx, cmd_name)


def _group(help_text: str, name: str | None = None) -> typer.Typer:
    return typer.Typer(
        name=name,
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        context_settings=_SETTINGS,
        pretty_exceptions_enable=False,
    )


def _for_venue(command: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same command with its exchange decided."""

    def bound(**options: Any) -> Any:
        return command(exchange=name, **options)

    signature = inspect.signature(command)
    left = [one for one in signature.parameters.values() if one.name != "exchange"]
    bound.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
    bound.__name__ = command.__name__
    bound.__doc__ = (
        (command.__doc__ or "")
        .replace(f" --exchange {name}", "")
        .replace("fluxum ", f"fluxum {name} ", 1)
    )
    return bound


def _venue(name: str) -> typer.Typer:
    group = _group(f"The commands above, with --exchange {name}.", name)
    private = _ACCOUNT if VENUES[name].private is not None else ()
    for command in (*_MARKET, *private, record):
        group.command()(_for_venue(command, name))
    return group


_MARKET: tuple[Callable[..., Any], ...] = (market.orderbook, market.stream, market.session)
_ACCOUNT: tuple[Callable[..., Any], ...] = (account.balances, account.ledger)
_TAPES: tuple[Callable[..., Any], ...] = (record, tapes.replay, tapes.verify)

app = _group("Crypto exchanges in real time.")
app.callback(cls=_Commands)(_root)
_EVERYDAY: tuple[Callable[..., Any], ...] = (demo, *_MARKET, *_ACCOUNT, *_TAPES, support)
for _command in _EVERYDAY:
    app.command()(_command)

_sim = _group("Simulated exchanges on this machine.")
_sim.callback()(lambda: None)  # so that `serve` stays a command of its own
_sim.command()(simulator.serve)
app.add_typer(_sim, name="sim")

_order = _group("Place, change and end orders; each says what it will do and asks first.")
_order.command()(trading.place)
_order.command()(trading.amend)
_order.command()(trading.cancel)
_order.command("cancel-all")(trading.cancel_all)
_order.command("list")(trading.list_orders)
app.add_typer(_order, name="order")


def run() -> None:
    """The console script: runs the command line and exits with its code."""
    sys.exit(exit_code(app))
