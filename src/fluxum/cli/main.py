"""The `fluxum` command: all commands, and a group for each exchange in the register."""

import inspect
import sys
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from fluxum.cli import (
    account,
    backtests,
    bot_report,
    bot_runs,
    bots,
    ledger,
    market,
    positions,
    queries,
    simulator,
    sinks,
    statements,
    stored,
    tapes,
    trading,
)
from fluxum.cli.configuration import check, init, show
from fluxum.cli.configured import ConfigFile, Profile, Settings, begin_config
from fluxum.cli.demo import demo
from fluxum.cli.doctor import doctor
from fluxum.cli.hints import unexpected
from fluxum.cli.logs import LogFile, LogForm, LogFormat, Verbose, begin_logs
from fluxum.cli.process import exit_code
from fluxum.cli.record import record
from fluxum.cli.serve import serve
from fluxum.cli.setup import setup
from fluxum.cli.simulated_tape import record_simulated
from fluxum.cli.support import support
from fluxum.cli.watch import watch
from fluxum.cli.writer import hold_standard_files
from fluxum.venues.register import VENUES
from fluxum.version import described

__all__ = ["app", "completion", "run"]

Command = Callable[..., Any]
_NAME = "fluxum"
_HELP = """Crypto exchanges in real time, over links that reconnect and report every loss.

Data goes to stdout, messages go to stderr. Exit status: 0 done; 1 something failed or could not be
proved, or the reader of stdout left; 2 the arguments make no sense; 3 a bot was halted; 130
ended by Ctrl-C; 143 ended by SIGTERM.
"""
_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class _Shell(Enum):
    """The shells that completion supports."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(described())
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Show the version, and which parts are compiled.",
        ),
    ] = False,
    verbose: Verbose = 0,
    log_file: LogFile = "",
    log_format: LogFormat = None,
    file: ConfigFile = "",
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Set up what all commands share."""
    begin_logs(verbose, log_file, log_format)
    begin_config(file, profile, settings, is_anew=True)


def completion(
    shell: Annotated[_Shell, typer.Argument(help="The shell to complete words in.")],
) -> None:
    """Print the script with which a shell completes commands, options, exchanges and channels.

    Example: fluxum completion bash >> ~/.bashrc
    """
    name, variable = _NAME, f"_{_NAME.upper()}_COMPLETE"
    typer.echo(get_completion_script(prog_name=name, complete_var=variable, shell=shell.value))


class _Commands(TyperGroup):
    """All commands, and a group for each exchange, which is made when it is needed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        names: dict[str, Any] = dict.fromkeys(VENUES)
        self.commands.update(names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in VENUES:
            return get_command(_venue(cmd_name))
        return super().get_command(ctx, cmd_name)


class _Command(TyperCommand):
    """One command: words that it does not take are named, with the options they may belong to."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True  # they are refused here
        extra = super().parse_args(ctx, args)
        if extra and not ctx.resilient_parsing:
            options = [option for one in self.params for option in one.opts]
            ctx.fail(unexpected(extra, options, VENUES))
        return extra


def _group(help_text: str, name: str | None = None, *, is_root: bool = False) -> typer.Typer:
    # Plain help wraps its paragraphs and cuts nothing, whatever the width and the encoding.
    return typer.Typer(
        name=name,
        help=help_text,
        short_help=help_text.partition("\n\n")[0],
        no_args_is_help=True,
        add_completion=is_root,
        context_settings=_SETTINGS,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def _add(group: typer.Typer, command: Command, name: str | None = None) -> None:
    """Add a command, with the options that every command has."""
    summary = " ".join((inspect.getdoc(command) or "").partition("\n\n")[0].split())
    group.command(name, cls=_Command, short_help=summary)(_with_shared(command))


def _with_shared(command: Command) -> Command:
    """The same command, with options for its log and its configuration."""

    def shared(
        *,
        verbose: int,
        log_file: str,
        log_format: LogForm | None,
        config: str,
        profile: str,
        settings: list[str] | None,
        **options: Any,
    ) -> Any:
        begin_logs(verbose, log_file, log_format)
        begin_config(config, profile, settings)
        return command(**options)

    known = inspect.signature(command).parameters.values()
    kind = inspect.Parameter.KEYWORD_ONLY
    more = (
        inspect.Parameter("verbose", kind, default=0, annotation=Verbose),
        inspect.Parameter("log_file", kind, default="", annotation=LogFile),
        inspect.Parameter("log_format", kind, default=None, annotation=LogFormat),
        inspect.Parameter("config", kind, default="", annotation=ConfigFile),
        inspect.Parameter("profile", kind, default="", annotation=Profile),
        inspect.Parameter("settings", kind, default=None, annotation=Settings),
    )
    return _like(shared, command, [*known, *more], command.__doc__ or "")


def _for_venue(command: Command, name: str) -> Command:
    """The same command for one exchange."""

    def bound(**options: Any) -> Any:
        return command(exchange=name, **options)

    known = inspect.signature(command).parameters.values()
    doc = (
        (command.__doc__ or "")
        .replace(f" --exchange {name}", "")
        .replace(f"{_NAME} ", f"{_NAME} {name} ", 1)
    )
    return _like(bound, command, [one for one in known if one.name != "exchange"], doc)


def _like(
    function: Command, command: Command, parameters: list[inspect.Parameter], doc: str
) -> Command:
    """A function with these parameters, for the command line."""
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__name__ = command.__name__
    function.__doc__ = doc
    return function


def _venue(name: str) -> typer.Typer:
    group = _group(f"The commands above, with --exchange {name}.", name)
    has_account = VENUES[name].private is not None
    for command in (*_MARKET, *(_ACCOUNT if has_account else ()), record):
        _add(group, _for_venue(command, name))
    if has_account:
        orders = _orders(lambda command: _for_venue(command, name))
        group.add_typer(orders, name="order")
    return group


def _orders(adapt: Callable[[Command], Command] = lambda command: command) -> typer.Typer:
    group = _group(_ORDERS)
    for name, command in _ORDER.items():
        _add(group, adapt(command), name)
    return group


_MARKET: tuple[Command, ...] = (
    market.orderbook,
    market.stream,
    market.session,
    queries.ticker,
    queries.book,
    queries.trades,
    queries.candles,
    queries.instruments,
    queries.time,
    queries.status,
)
_ACCOUNT: tuple[Command, ...] = (
    account.balances,
    positions.positions,
    ledger.ledger,
    statements.fills,
    statements.pnl,
)
_ORDERS = "Place, amend and cancel orders; each shows what it will do and asks first."
_TAPES: tuple[Command, ...] = (record, tapes.replay, tapes.verify)
_ORDER: dict[str, Command] = {
    "place": trading.place,
    "amend": trading.amend,
    "cancel": trading.cancel,
    "cancel-all": trading.cancel_all,
    "list": trading.list_orders,
}

app = _group(_HELP, is_root=True)
app.callback(cls=_Commands)(_root)
_EVERYDAY: tuple[Command, ...] = (
    demo,
    watch,
    *_MARKET,
    *_ACCOUNT,
    *_TAPES,
    serve,
    setup,
    doctor,
    support,
    completion,
)
for _command in _EVERYDAY:
    _add(app, _command)

_sim = _group("Simulated exchanges on this machine.")
_add(_sim, simulator.serve)
_add(_sim, record_simulated, "record")
app.add_typer(_sim, name="sim")
_bot = _group("Trading bots: strategies, their runs, and what came out.")
_BOT: dict[str, Command] = {
    "new": bots.new,
    "check": bots.check,
    "prepare": backtests.prepare_tapes,
    "backtest": backtests.backtest_tape,
    "sweep": backtests.sweep_tape,
    "paper": bot_runs.paper,
    "run": bot_runs.run,
    "report": bot_report.report,
    "compare": bots.compare,
    "halt": bots.halt,
    "resume": bots.resume,
}
for _name, _command in _BOT.items():
    _add(_bot, _command, _name)
app.add_typer(_bot, name="bot")
_config = _group("Settings: show what is in effect, begin a file, check one.")
for _command in (show, init, check):
    _add(_config, _command)
app.add_typer(_config, name="config")
_columns = _group("Recordings as Parquet files: build them, check them, ask them in SQL.")
_add(_columns, stored.build_columns, "build")
_add(_columns, stored.check_columns, "check")
_add(_columns, stored.compact_columns, "compact")
_add(_columns, stored.query_columns, "sql")
app.add_typer(_columns, name="columns")
_add(app, sinks.publish_events, "publish")
_add(app, sinks.subscribe_events, "subscribe")
_sink = _group("Message engines: whether all that was published is there.")
_sink.callback()(lambda: None)  # so that `check` stays a subcommand
_add(_sink, sinks.check_sink, "check")
app.add_typer(_sink, name="sink")
app.add_typer(_orders(), name="order")


def run() -> None:
    """The console script: runs the command line and exits with its code."""
    hold_standard_files()
    sys.exit(exit_code(lambda: app(prog_name=_NAME)))
