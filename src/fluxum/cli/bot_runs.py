"""`bot paper` and `bot run`: a strategy over live market data, on paper or with an account."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct, structs

from fluxum.bot.journal import last_state, read_lines
from fluxum.bot.limits import BotFact, BotHalted, BotLimits, StrategyFailed, Verdict
from fluxum.bot.live import BotRun
from fluxum.bot.opening import JOURNAL
from fluxum.bot.opening import run as run_bot
from fluxum.bot.strategy import Strategy, Want
from fluxum.bot.warmup import candle_history
from fluxum.cli.bot_options import (
    Delay,
    LimitsFile,
    Parameters,
    ParametersFile,
    latency_of,
    limits_of,
    strategy_of,
)
from fluxum.cli.bots import HALT_FILE, RESUME_FILE, Named
from fluxum.cli.configured import runtime_at, venue_at
from fluxum.cli.market import attended, until
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Endpoint,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Seconds,
    Tier,
    parse_endpoints,
    parse_proxy,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.trading import Yes, confirm
from fluxum.connect import connect
from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.ledger.ledger import Ledger
from fluxum.model.event import Channel, Subscription
from fluxum.model.input import not_negative
from fluxum.model.instrument import Symbol
from fluxum.paper_trader import PaperTerms, paper_trader_of
from fluxum.runtime import Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.tape.recording import TapeRecorder
from fluxum.tape.writer import TapeWriter
from fluxum.trader import ACCOUNT_CHANNELS, Trader, open_journal, trader_of

__all__ = ["paper", "run"]

HALTED = 3
"""The exit status of a bot that was halted."""
_READY_S = 60.0
_GLANCE_S = 0.5
Folder = Annotated[
    Path | None,
    typer.Option("--journal", help="The folder of the run: decisions, memory, tapes."),
]
Seed = Annotated[int, typer.Option("--seed", help="Orders are named from it.")]
History = Annotated[
    int, typer.Option("--history", min=0, help="Closed candles to warm the strategy up with.")
]


_Opened = Callable[[Session], AbstractAsyncContextManager[Trader]]
_Accounts = Mapping[str, AccountConfig]


class _Plan(Struct, kw_only=True, eq=False):
    """What both commands share."""

    strategy: Strategy
    source: str
    limits: BotLimits
    folder: Path | None
    seed: int
    history: int
    seconds: float | None
    endpoint: list[str] | None
    runtime: Runtime
    mode: str

    @property
    def wants(self) -> Sequence[Want]:
        """The data that the strategy wants."""
        return [one for one in self.strategy.wants() if isinstance(one, Want)]

    @property
    def venues(self) -> list[str]:
        """The exchanges of its wants, in their order."""
        return list(dict.fromkeys(one.market.venue for one in self.wants))


def paper(
    strategy: Named,
    parameters: Parameters = None,
    file: ParametersFile = None,
    deposit: Annotated[
        list[str] | None,
        typer.Option("--deposit", metavar="ASSET=AMOUNT", help="What each account begins with."),
    ] = None,
    fills: Annotated[
        str, typer.Option("--fills", help="pessimistic, expected or optimistic.")
    ] = "expected",
    latency: Delay = "50ms",
    limits: LimitsFile = None,
    journal: Folder = None,
    seed: Seed = 0,
    history: History = 0,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run a strategy on paper: live market data, simulated orders, no keys.

    With --journal the run is recorded: `fluxum bot report` shows it, `fluxum bot compare` proves it
    from its tapes, and the same command continues it, with the account as it was left. It ends
    after --seconds, with Ctrl-C, or when the bot is halted (status 3).

    Example: fluxum bot paper maker.py -c maker.toml --deposit USD=10000 --journal run/
    """
    plan = _Plan(
        strategy=strategy_of(strategy, parameters, file),
        source=_source(strategy),
        limits=limits_of(limits),
        folder=journal,
        seed=seed,
        history=history,
        seconds=seconds,
        endpoint=endpoint,
        runtime=runtime_at(parse_proxy(proxy)),
        mode="paper",
    )
    terms = PaperTerms(
        deposit=_deposit(deposit),
        fills=fills,
        latency=latency_of(latency),
    )

    _run(plan, partial(_on_paper, plan, terms), {}, form)


_PAPER = (Channel.BOOK, Channel.TRADE)


@asynccontextmanager
async def _on_paper(plan: _Plan, terms: PaperTerms, session: Session) -> AsyncGenerator[Trader]:
    symbols = _symbols(plan, session.venue.name)
    session.subscribe(
        *(Subscription(one, symbol) for symbol in symbols for one in _PAPER),
        Subscription(Channel.INSTRUMENT),
    )
    ledger = Ledger()
    left = _left(plan, session.venue.name)
    if left is not None:
        terms = structs.replace(terms, deposit=left[0])
        for symbol, quantity in left[1].items():
            now_ns = plan.runtime.clock.now_ns()
            ledger.open_with(session.venue.name, symbol, quantity, None, now_ns)
    opened = paper_trader_of(session, symbols, plan.runtime, terms, ledger=ledger)
    async with opened as trader:
        yield trader


def _left(plan: _Plan, venue: str) -> tuple[dict[str, Decimal], dict[Symbol, Decimal]] | None:
    """The balances and positions that a run on paper was left with; `None` for a new one."""
    path = None if plan.folder is None else plan.folder / JOURNAL
    if path is None or not path.is_file():
        return None
    account = last_state(read_lines(path)[1]).account
    if venue not in account.balances:
        return None
    held = {
        one.market.symbol: one.quantity
        for one in account.positions
        if one.market.venue == venue and one.quantity
    }
    return account.balances[venue], held


def run(
    strategy: Named,
    parameters: Parameters = None,
    file: ParametersFile = None,
    keys: Keys = "",
    tier: Tier = "",
    limits: LimitsFile = None,
    journal: Folder = None,
    cancel_all_after: Annotated[
        int,
        typer.Option(
            "--cancel-all-after", min=0, help="Have the exchange cancel all if we vanish so long."
        ),
    ] = 0,
    seed: Seed = 0,
    history: History = 0,
    seconds: Seconds = None,
    yes: Yes = False,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run a strategy with the account of each exchange that it wants. It moves money, and asks.

    Orders are canceled when it ends: after --seconds, with Ctrl-C, or when the bot is halted
    (status 3). With --journal the same command continues a run that was killed, and
    `fluxum bot report` shows it.

    Example: fluxum bot run maker.py -c maker.toml --limits limits.toml --journal run/
    """
    plan = _Plan(
        strategy=strategy_of(strategy, parameters, file),
        source=_source(strategy),
        limits=limits_of(limits),
        folder=journal,
        seed=seed,
        history=history,
        seconds=seconds,
        endpoint=endpoint,
        runtime=runtime_at(parse_proxy(proxy)),
        mode="live",
    )
    accounts = {venue: account_config(venue, keys, tier) for venue in plan.venues}
    name = type(plan.strategy).__name__
    confirm(f"run {name} with the accounts at {', '.join(plan.venues)}", yes=yes)

    _run(plan, partial(_with_account, plan, accounts, cancel_all_after), accounts, form)


@asynccontextmanager
async def _with_account(
    plan: _Plan, accounts: _Accounts, cancel_all_after: int, session: Session
) -> AsyncGenerator[Trader]:
    name = session.venue.name
    session.subscribe(*map(Subscription, ACCOUNT_CHANNELS))
    await session.wait_ready(_READY_S)
    await session.wait_instruments(_symbols(plan, name), _READY_S)
    orders = None if plan.folder is None else plan.folder / f"orders-{name}.jsonl"
    with open_journal(session.venue, orders, accounts[name]) as kept:
        async with trader_of(session, kept, plan.runtime) as trader:
            if cancel_all_after:
                await trader.orders.cancel_all_after(cancel_all_after)
            yield trader


# How both run


def _run(plan: _Plan, opened: _Opened, accounts: _Accounts, form: Format) -> None:
    with Output(form, is_live=True) as output:
        reason = run_async(_followed(plan, opened, accounts, output))
        if reason:
            output.message(f"halted: {reason}")
    if reason:
        raise typer.Exit(HALTED)


async def _followed(plan: _Plan, opened: _Opened, accounts: _Accounts, output: Output) -> str:
    """Run until the time is over or the bot is halted; returns the reason of a halt."""
    async with AsyncExitStack() as stack:
        traders: dict[str, Trader] = {}
        for venue in plan.venues:
            session = await stack.enter_async_context(_session(plan, venue, accounts))
            traders[venue] = await stack.enter_async_context(opened(session))
        sessions = {venue: trader.session for venue, trader in traders.items()}
        now_ns = plan.runtime.clock.now_ns()
        history = await candle_history(sessions, plan.wants, plan.history, now_ns)
        made = await stack.enter_async_context(
            run_bot(
                plan.strategy,
                traders,
                limits=plan.limits,
                seed=plan.seed,
                journal=plan.folder,
                history=history,
                runtime=plan.runtime,
                mode=plan.mode,
                source=plan.source,
            )
        )
        output.message(f"{plan.mode}: {type(plan.strategy).__name__} at {', '.join(traders)}")
        await _resume(made, plan.folder, output)
        async with background(_write_facts(made, output), _watch_file(made, plan.folder)):
            await until(plan.seconds, attended(output, made.wait_halted()))
        engine = made.engine
        sent, refused = made.dispatch.sent, made.dispatch.refused
        output.message(
            f"{engine.decisions} decisions, {sent} commands, {refused} refused; {engine.hash[:16]}"
        )
        if plan.folder is not None:
            output.message(f"fluxum bot report {plan.folder} shows the rest")
        return engine.halted


@asynccontextmanager
async def _session(plan: _Plan, venue: str, accounts: _Accounts) -> AsyncGenerator[Session]:
    """A session with what the strategy wants of an exchange, recorded if the run has a folder."""
    async with AsyncExitStack() as stack:
        recorder = None
        if plan.folder is not None:
            plan.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            clock = plan.runtime.clock
            name = plan.folder / f"{venue}.{clock.now_ns()}.jsonl.gz"
            tape = stack.enter_context(TapeWriter(name, venue, clock))
            recorder = TapeRecorder(tape)
        session = await stack.enter_async_context(
            connect(
                venue_at(venue, parse_endpoints(plan.endpoint, plan.venues).get(venue)),
                runtime=plan.runtime,
                recorder=recorder,
                account_config=accounts.get(venue),
            )
        )
        for want in plan.wants:
            if want.market.venue == venue:
                session.subscribe(
                    Subscription(want.channel, want.market.symbol, interval_s=want.interval_s)
                )
        yield session


async def _write_facts(made: BotRun, output: Output) -> None:
    async for fact in made.facts():
        await output.room()
        output.write(fact, _fact_text(fact))


async def _watch_file(made: BotRun, folder: Path | None) -> None:
    """Halt when `fluxum bot halt` leaves a file."""
    while folder is not None:
        reason = _taken(folder / HALT_FILE)
        if reason is not None:
            made.halt(reason or "bot halt")
        await asyncio.sleep(_GLANCE_S)


async def _resume(made: BotRun, folder: Path | None, output: Output) -> None:
    """Continue a run that was halted, if `fluxum bot resume` has left a file."""
    reason = None if folder is None else _taken(folder / RESUME_FILE)
    if reason is not None and made.engine.halted:
        made.resume(reason)
        await made.wait_resumed()
        output.message(f"resumed: {reason}")


def _taken(path: Path) -> str | None:
    """The text of a file, which is removed; `None` if there is none."""
    try:
        reason = path.read_text(encoding="utf-8")
        path.unlink()
    except OSError:
        return None
    return reason


def _fact_text(fact: BotFact) -> str:
    match fact:
        case Verdict():
            return f"refused by {fact.limit}: {fact.message}"
        case BotHalted():
            return f"halted: {fact.reason}"
        case StrategyFailed():
            return f"failed: {fact.error}"
        case _:
            return f"paused by {fact.protection}: {fact.reason}"


# The command line


def _source(reference: str) -> str:
    """Where a strategy is, from any folder."""
    where, colon, name = reference.partition(":")
    path = Path(where)
    return f"{path.resolve()}{colon}{name}" if path.is_file() else reference


def _symbols(plan: _Plan, venue: str) -> list[Symbol]:
    return list(dict.fromkeys(one.market.symbol for one in plan.wants if one.market.venue == venue))


def _deposit(given: list[str] | None) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for text in given or ():
        asset, equals, amount = text.partition("=")
        if not equals or not asset:
            raise BadInput(f"--deposit: ASSET=AMOUNT was expected, was {text!r}")
        found[asset] = not_negative(amount, f"--deposit of {asset}")
    if not found:
        raise BadInput("--deposit: what the accounts begin with was expected, such as USD=10000")
    return found
