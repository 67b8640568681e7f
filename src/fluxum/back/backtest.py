"""A back-test as one call: a strategy, a prepared tape and assumptions; orders with bounds."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Unpack

from msgspec import structs

from fluxum.back.arguments import (
    END_NS,
    BacktestTerms,
    balances_of,
    builders_of,
    check_terms,
    currency_of,
    delivered,
    fees_of,
    latency_of,
    numbered,
    world_of,
)
from fluxum.back.columns import Columns
from fluxum.back.facts import RunCourse, gap_facts, order_fact
from fluxum.back.faithful import ReplayPlayer
from fluxum.back.fast import TapePlayer
from fluxum.back.lane import Lane
from fluxum.back.money import Accounts
from fluxum.back.player import Player
from fluxum.back.run import Loop, TapeBooks
from fluxum.back.venue import TapeVenues
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import Step, decode, encode
from fluxum.bot.loading import code_of, parameter_texts
from fluxum.bot.market import Market
from fluxum.bot.strategy import Strategy, Want
from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.instrument import Instrument
from fluxum.report.files import RunWriter
from fluxum.report.run import (
    ByWorld,
    EquityPoint,
    FeeTerms,
    GapFact,
    Held,
    OrderFact,
    Provenance,
    RunFact,
    RunFacts,
    RunHeader,
    World,
)

__all__ = ["Backtest", "BacktestResult", "backtest"]

_ZERO = Decimal(0)
_WORLDS = tuple(World)


def backtest(
    strategy: Strategy,
    tape: Columns | Path | str,
    *,
    out: Path | str | None = None,
    **terms: Unpack[BacktestTerms],
) -> "BacktestResult":
    """Run a copy of a strategy over a prepared tape, in virtual time.

    `out` is a folder for the files of the run, and `terms` are what is assumed: accounts, fills,
    latency, fees and more, see `BacktestTerms`. Raises BadInput for a tape that lacks what the
    strategy wants, and TapeError for a file that is no prepared tape.
    """
    columns = tape if isinstance(tape, Columns) else Columns(Path(tape))
    return Backtest(strategy, columns, **terms).run(out)


class Backtest:
    """One back-test, put together; see `backtest`."""

    def __init__(
        self, strategy: Strategy, columns: Columns, **terms: Unpack[BacktestTerms]
    ) -> None:
        check_terms(terms)
        self._strategy = decode(encode(strategy), type(strategy))
        self._parameters = parameter_texts(strategy)
        self._columns = columns
        self._seed = terms.get("seed", 0)
        self._limits = terms.get("limits")
        self._wants = [one for one in strategy.wants() if isinstance(one, Want)]
        if not self._wants:
            raise BadInput(f"{type(strategy).__name__} wants no data, so nothing would happen")
        self._numbers = numbered(columns)
        self._world = world_of(terms.get("fills", World.EXPECTED))
        self._latency = latency_of(terms.get("latency", 0.0))
        self._fees = fees_of(terms.get("fees"), self._numbers)
        begins_ns, self._ends_ns = terms.get("begins_ns", 0), terms.get("ends_ns", END_NS)
        self._begins_ns = max(begins_ns, columns.begins_ns)
        if self._begins_ns >= min(self._ends_ns, columns.ends_ns + 1):
            raise BadInput(
                f"a time within the tape was expected ({columns.begins_ns} to {columns.ends_ns}"
                f" ns), was {begins_ns} to {self._ends_ns}"
            )
        self._builders = builders_of(self._wants, columns.streams)
        self._player = self._make_player(terms.get("faithful", ()))
        self._currency = currency_of(terms.get("currency"), self._wants)
        accounts = balances_of(terms.get("accounts"), self._numbers)
        self._accounts = Accounts(accounts, self._fees, self._world)
        self._open(dict(terms.get("instruments") or {}), terms.get("equity_s", 60))
        self.texts: list[str] = []

    def _open(self, rules: dict[Market, Instrument], equity_s: int) -> None:
        """Open every market of the strategy, and the venues."""
        wanted = dict.fromkeys(one.market for one in self._wants)
        self.lanes = {
            market: self._lane(self._player, market) for market in self._numbers if market in wanted
        }
        self.course = RunCourse(
            self.lanes,
            self._accounts,
            self._currency,
            _WORLDS[self._world],
            equity_s,
            self._begins_ns,
            self._columns.ends_ns,
        )
        rates = {venue: one.tiers[0].taker for venue, one in self._fees.items()}
        numbers = {market: lane.number for market, lane in self.lanes.items()}
        self._books = TapeBooks(self._player, numbers, rules, rates)
        self.venues = TapeVenues(
            self.lanes,
            self._accounts,
            self._latency,
            self._world,
            self._books.instrument,
        )

    def _make_player(self, faithful: Sequence[Path | Sequence[Path]]) -> Player | ReplayPlayer:
        wanted = delivered(self._wants, self._builders, self._numbers)

        def delivers(kind: int, market: int) -> bool:
            return (kind, market) in wanted

        if not faithful:
            return TapePlayer(self._columns, delivers)
        files = [[one] if isinstance(one, Path) else list(one) for one in faithful]
        return ReplayPlayer(files, self._columns.markets, delivers)

    def run(self, out: Path | str | None = None) -> "BacktestResult":
        """Run it once, and write the files of the run into a folder if one is given."""
        keep = None if out is None else self._keep
        engine = Engine(self._strategy, self._books, self._limits, seed=self._seed, keep=keep)
        for venue, assets in self._begun().items():
            engine.account.own(venue, assets.items())
        positions = {
            market: held
            for market in self.lanes
            if (held := self._accounts.begun(market.venue, market.symbol.base))
            and not market.symbol.contract
        }
        engine.hold(positions)
        loop = Loop(self._player, engine, self.venues, self._builders, self.course)
        self._player.skip(self._begins_ns)
        begun, first = self._begun_worth()
        loop.run(self._ends_ns)
        ends_ns = max(self._player.now_ns, self._begins_ns)
        self.course.sample(ends_ns)
        header = self._header(_ZERO if begun is None else begun, first, ends_ns)
        result = BacktestResult(self, engine, loop.steps, header)
        if out is not None:
            result.save(out)
        return result

    def _header(
        self, equity_begins: Decimal, held_begins: tuple[Held, ...], ends_ns: int
    ) -> RunHeader:
        """What was run, and under which assumptions."""
        provenance = self._columns.provenance
        return RunHeader(
            strategy=type(self._strategy).__name__,
            parameters=self._parameters,
            markets=tuple((market.venue, market.symbol) for market in self.lanes),
            currency=self._currency,
            begins_ns=self._begins_ns,
            ends_ns=ends_ns,
            equity_begins=equity_begins,
            held_begins=held_begins,
            provenance=Provenance(
                tape=", ".join(tape.file for tape in provenance.tapes),
                digest=provenance.digest,
                frames=provenance.frames,
                proved=sum(tape.checks_passed for tape in provenance.tapes),
                gaps=len(provenance.gaps),
            ),
            fees=tuple(
                FeeTerms(
                    venue=venue, tier=f"from {tier.volume:f}", maker=tier.maker, taker=tier.taker
                )
                for venue in dict.fromkeys(market.venue for market in self.lanes)
                for tier in self._fees[venue].tiers
            ),
            latency=str(self._latency),
            world=_WORLDS[self._world],
            seed=self._seed,
            code=code_of(type(self._strategy)),
        )

    def gaps(self, ends_ns: int) -> tuple[GapFact, ...]:
        """The gaps of the tape within the run."""
        gaps = self._columns.provenance.gaps
        return tuple(gap_facts(gaps, self.lanes, self._begins_ns, ends_ns))

    def order_facts(self) -> tuple[OrderFact, ...]:
        """Every order."""
        charges = self._accounts.charges
        return tuple(order_fact(order, self._currency, charges) for order in self.venues.orders)

    @property
    def is_proved(self) -> bool:
        """Whether every tape is proved, and none has a gap."""
        return self._columns.provenance.is_proved

    @property
    def world(self) -> World:
        """The world that the account follows."""
        return _WORLDS[self._world]

    def _keep(self, step: Step) -> None:
        if step.decision:
            self.texts.append(step.decision)

    def _begun_worth(self) -> tuple[Decimal | None, tuple[Held, ...]]:
        """What the balances are worth at the beginning, and the positions in them.

        They are valued at the first mids that there are.
        """
        player = TapePlayer(self._columns, lambda _kind, _market: False)
        player.skip(self._begins_ns)
        lanes = {market: self._lane(player, market) for market in self.lanes}
        while True:
            mids = {market: lane.mid(lane.twice_mid) for market, lane in lanes.items()}
            worth = self.course.worth(self._world, mids)
            if worth is not None or player.next_ns >= self._ends_ns:
                return worth, self.course.held_first(mids)
            player.skip(player.next_ns + 1)

    def _lane(self, player: Player | ReplayPlayer, market: Market) -> Lane:
        number = self._numbers[market]
        one = self._columns.markets[number]
        return Lane(player, number, market, (one.price_places, one.quantity_places))

    def _begun(self) -> dict[str, dict[str, Decimal]]:
        found: dict[str, dict[str, Decimal]] = {}
        for venue in self._accounts.limited:
            symbols = [market.symbol for market in self.lanes]
            assets = {asset for symbol in symbols for asset in (symbol.base, symbol.quote)}
            found[venue] = {asset: self._accounts.begun(venue, asset) for asset in sorted(assets)}
        return found


class BacktestResult:
    """What a back-test found. Its facts are made when they are read, and kept."""

    def __init__(self, run: Backtest, engine: Engine, steps: int, header: RunHeader) -> None:
        self.strategy = engine.strategy
        """The strategy with its memory at the end."""
        self.decisions = engine.decisions
        """How many decisions there were."""
        self.hash = engine.hash
        """The hash of all decisions: the same for the same strategy, tape, assumptions and seed."""
        self.halted = engine.halted
        """Why the bot was halted, else empty."""
        self.failed = engine.failed
        """The error of the strategy, else empty."""
        self.world = run.world
        """The world that the account followed."""
        self.steps = steps
        """How many events the engine received."""
        self._run = run
        self._header = header

    @property
    def is_proved(self) -> bool:
        """Whether every tape is proved, and none has a gap."""
        return self._run.is_proved

    @cached_property
    def facts(self) -> RunFacts:
        """The facts of the run, for a report."""
        return RunFacts(
            header=self._header,
            orders=self._run.order_facts(),
            equity=tuple(self._run.course.equity),
            gaps=self._run.gaps(self._header.ends_ns or 0),
        )

    @property
    def orders(self) -> tuple[OrderFact, ...]:
        """Every order, in the order of decision, with its fills in each world."""
        return self.facts.orders

    @property
    def equity(self) -> tuple[EquityPoint, ...]:
        """The equity in time."""
        return tuple(self._run.course.equity)

    @property
    def profit(self) -> ByWorld[Decimal | None]:
        """The equity at the end less that at the beginning, in each world."""
        last = self.equity[-1].equity
        return ByWorld(
            *(
                None if one is None else EXACT.subtract(one, self._header.equity_begins)
                for one in last.all
            )
        )

    def save(self, folder: Path | str) -> Path:
        """Write the files of the run into a new folder; raises RunFilesError."""
        facts = self.facts
        header = structs.replace(facts.header, ends_ns=None)
        with RunWriter(folder, header) as writer:
            written: tuple[RunFact, ...] = (*facts.orders, *facts.equity, *facts.gaps)
            for fact in written:
                writer.write(fact)
            texts = self._run.texts
            if texts:
                lines = "".join(f"{text}\n" for text in texts)
                (Path(folder) / "decisions.jsonl").write_text(lines, "utf-8")
            writer.end(facts.ends_ns)
        return Path(folder)
