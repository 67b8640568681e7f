"""Opens a bot over traders: its journal, its engine, and what the accounts hold. See `live`."""

import logging
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from decimal import Decimal
from functools import partial
from pathlib import Path

from msgspec import Raw

from fluxum.bot.books import Books
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import EngineState, encode
from fluxum.bot.journal import BotJournal, RunHead
from fluxum.bot.limits import BotLimits
from fluxum.bot.live import Balances, BotRun
from fluxum.bot.loading import code_of, parameter_texts
from fluxum.bot.market import Market
from fluxum.bot.run_log import RunLog
from fluxum.bot.strategy import BotEvent, Strategy
from fluxum.bot.wanted import Wanted
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.hub.hub import Hub
from fluxum.model.input import Number
from fluxum.model.instrument import Asset, Instrument
from fluxum.paper_trader import PaperTrader
from fluxum.report.run import FeeTerms, RunHeader, World
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.trader import Trader

__all__ = ["JOURNAL", "run"]

_log = logging.getLogger(__name__)
JOURNAL = "decisions.jsonl"
"""The journal's name in the folder of a run."""


def run(
    strategy: Strategy,
    traders: Mapping[str, Trader] | Hub,
    *,
    limits: BotLimits | None = None,
    seed: int = 0,
    journal: str | Path | None = None,
    history: Iterable[BotEvent] = (),
    fees: Mapping[str, Number] | None = None,
    leaves_orders: bool = False,
    runtime: Runtime | None = None,
    mode: str = "live",
    source: str = "",
) -> Opening[BotRun]:
    """Run a strategy over traders, by venue, or those of a hub: enter it, or await and close it.

    The sessions have to subscribe to what the strategy wants. `journal` is a folder; a run that it
    has is resumed, if strategy, limits and seed are the same. `history` is for warm-up: events from
    before the run, oldest first, for a run that is not resumed. `fees` are rates of takers by venue
    for consolidated books. The bot's orders are canceled when the block ends, unless it
    `leaves_orders`. `mode` and `source` are for the reader of the journal. Raises BadInput for a
    market without a trader, OrderJournalError.
    """
    world = LiveRuntime() if runtime is None else runtime
    limits = BotLimits() if limits is None else limits

    @asynccontextmanager
    async def opened() -> AsyncGenerator[BotRun]:
        wanted = Wanted(strategy.wants())
        known = _traders(traders, wanted.markets)
        head = _head(strategy, limits, seed, known, (mode, source), world.clock.now_ns())
        with _journal(journal, head) as kept:
            books = Books(wanted.markets, _instruments(known, wanted.markets), fees)
            engine = _engine(strategy, books, limits, seed, kept, known, history)
            balances = {venue: await _balances(venue, trader) for venue, trader in known.items()}
            with _facts(journal, head, strategy, books, wanted, known, kept) as log:
                async with _followed(engine, known, world, balances, leaves_orders, log) as made:
                    yield made

    return Opening(opened)


def _engine(
    strategy: Strategy,
    books: Books,
    limits: BotLimits,
    seed: int,
    kept: BotJournal | None,
    known: Mapping[str, Trader],
    history: Iterable[BotEvent],
) -> Engine:
    """The engine as its journal has it, or a new one that is warmed up."""
    resumed = None if kept is None else kept.resumed(type(strategy))
    engine = Engine(
        strategy if resumed is None else resumed.strategy,
        books,
        limits,
        seed=seed,
        can_amend=partial(_can_amend, known),
        state=EngineState() if resumed is None else resumed.state,
        keep=None if kept is None else kept.keep,
    )
    if resumed is None:
        engine.warm(history)
        if kept is not None and engine.warmed:
            kept.keep(engine.step_of_warm_up())
    return engine


@asynccontextmanager
async def _followed(
    engine: Engine,
    traders: Mapping[str, Trader],
    runtime: Runtime,
    balances: Mapping[str, Balances],
    leaves_orders: bool,
    log: RunLog | None,
) -> AsyncGenerator[BotRun]:
    """A run that has begun; at the end it steps no more, and then its orders are canceled."""
    async with background() as work:
        made = BotRun(engine, traders, runtime, work, log)
        made.begin(balances)
        following = work.start(made.follow(), name="bot")
        try:
            yield made
        finally:
            following.cancel()
            await made.leave(leaves_orders=leaves_orders)


async def _balances(venue: str, trader: Trader) -> Balances:
    """The totals of an account; `None` if they cannot be had, which harms `view.balance` alone."""
    try:
        return tuple(sorted((str(one.asset), one.total) for one in await trader.balances()))
    except FluxumError as error:
        _log.warning("%s: the balances are not known: %s", venue, error)
        return None


def _traders(
    traders: Mapping[str, Trader] | Hub, markets: Iterable[Market]
) -> Mapping[str, Trader]:
    venues = dict.fromkeys(market.venue for market in markets)
    if isinstance(traders, Hub):
        return {venue: traders.trader(venue) for venue in venues}
    for venue in venues:
        if venue not in traders:
            known = ", ".join(traders) or "none"
            raise BadInput(f"a trader of every venue was expected, was {known}; missing: {venue}")
    return traders


def _instruments(
    traders: Mapping[str, Trader], markets: Iterable[Market]
) -> dict[Market, Instrument]:
    found = {one: traders[one.venue].session.instrument(one.symbol) for one in markets}
    return {market: rules for market, rules in found.items() if rules is not None}


def _can_amend(traders: Mapping[str, Trader], venue: str) -> bool:
    return traders[venue].orders.rules.can_amend


def _head(
    strategy: Strategy,
    limits: BotLimits,
    seed: int,
    traders: Mapping[str, Trader],
    mode: tuple[str, str],
    now_ns: int,
) -> RunHead:
    return RunHead(
        strategy=type(strategy).__name__,
        parameters=Raw(encode(strategy)),
        limits=Raw(encode(limits)),
        seed=seed,
        markets=Wanted(strategy.wants()).markets,
        amends=tuple(venue for venue in sorted(traders) if _can_amend(traders, venue)),
        mode=mode[0],
        source=mode[1],
        begun_ns=now_ns,
        instruments=tuple(_instruments(traders, Wanted(strategy.wants()).markets).values()),
    )


def _journal(folder: str | Path | None, head: RunHead) -> AbstractContextManager[BotJournal | None]:
    if folder is None:
        return nullcontext()
    path = Path(folder).expanduser()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return BotJournal(path / JOURNAL, head)


@contextmanager
def _facts(
    folder: str | Path | None,
    head: RunHead,
    strategy: Strategy,
    books: Books,
    wanted: Wanted,
    traders: Mapping[str, Trader],
    kept: BotJournal | None,
) -> Generator[RunLog | None]:
    """The facts of the run beside its journal; `None` without one, or without a market."""
    if folder is None or kept is None or not wanted.markets:
        yield None
        return
    papers = {venue: one for venue, one in traders.items() if isinstance(one, PaperTrader)}
    header = _run_header(head, strategy, wanted, papers)
    with RunLog(Path(folder).expanduser(), header, books, wanted.books, papers) as log:
        log.recover(kept.found)
        yield log


def _run_header(
    head: RunHead, strategy: Strategy, wanted: Wanted, papers: Mapping[str, PaperTrader]
) -> RunHeader:
    venues = [papers[venue].paper for venue in papers]
    worlds = {World(one.world.value) for one in venues}
    if len(worlds) > 1:
        names = ", ".join(sorted(one.value for one in worlds))
        raise BadInput(f"accounts on paper that follow one world were expected, were {names}")
    return RunHeader(
        strategy=type(strategy).__name__,
        parameters=parameter_texts(strategy),
        markets=tuple((one.venue, one.symbol) for one in wanted.markets),
        currency=Asset(wanted.markets[0].symbol.quote),
        begins_ns=head.begun_ns,
        equity_begins=Decimal(0),
        fees=tuple(
            FeeTerms(
                venue=one.venue, tier=f"from {tier.volume:f}", maker=tier.maker, taker=tier.taker
            )
            for one in venues
            for tier in one.fees.tiers
        ),
        latency=", ".join(dict.fromkeys(str(one.latency) for one in venues)),
        world=next(iter(worlds), None),
        seed=head.seed,
        code=code_of(type(strategy)),
    )
