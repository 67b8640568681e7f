"""`bot prepare`, `bot backtest` and `bot sweep`: strategies over recordings."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct
from rich.console import Console

from fluxum.back.backtest import BacktestResult, backtest
from fluxum.back.columns import Columns, Provenance
from fluxum.back.prepare import prepare
from fluxum.back.sweep import Sweep, Variant, spread, sweep
from fluxum.bot.loading import load_kind
from fluxum.cli.bot_options import (
    Delay,
    LimitsFile,
    Parameters,
    ParametersFile,
    latency_of,
    limits_of,
    strategy_of,
)
from fluxum.cli.options import Format, FormatOption
from fluxum.cli.output import Output
from fluxum.cli.tapes import BookDepth, Files, RecordedBy, recordings
from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.model.codec import plain
from fluxum.model.event import Channel
from fluxum.model.instant import format_second
from fluxum.report.run import ByWorld, World

__all__ = ["BacktestRecord", "agreement", "backtest_tape", "prepare_tapes", "sweep_tape"]

_WITHOUT_RULES = (
    "fluxum: the tape has no rules of markets, so no price and no quantity was rounded:"
    " record the channel instrument as well"
)

Named = Annotated[
    str, typer.Argument(metavar="STRATEGY", help="FILE.py:Class, or package.module:Class.")
]
Tape = Annotated[Path, typer.Option("--tape", help="A tape that 'bot prepare' wrote.")]
Deposits = Annotated[
    list[str] | None,
    typer.Option(
        "--deposit",
        metavar="[EXCHANGE:]ASSET=AMOUNT",
        help="A balance at the beginning; without any, accounts have no limit. Repeatable.",
    ),
]
FeeRates = Annotated[
    list[str] | None,
    typer.Option(
        "--fees",
        metavar="[EXCHANGE:]MAKER/TAKER",
        help="Rates as fractions: 0.0016/0.0026. Repeatable.",
    ),
]
WorldOption = Annotated[World, typer.Option("--fills", help="The fills that the account follows.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the names of orders.")]
Currency = Annotated[
    str, typer.Option("--currency", help="Of profit; the first market's quote asset by default.")
]


class BacktestRecord(Struct, frozen=True, kw_only=True):
    """What `bot backtest` writes."""

    strategy: str
    parameters: dict[str, str]
    decisions: int
    hash: str
    orders: int
    fills: int
    currency: str
    profit: ByWorld[Decimal | None]
    gaps: int
    is_proved: bool
    halted: str
    failed: str
    run: str


def prepare_tapes(
    files: Files,
    out: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Prepare recordings for back-tests: prove them once, and write exact columns.

    Every frame is replayed through the live code. Gaps, lost links and failed checks are kept where
    they happened. Several recordings become one file, merged by the time of reception.

    Exit status 0 if all is proved, 1 if something failed or is missing (the file is written), 2 for
    a recording that cannot be prepared.

    Example: fluxum bot prepare btc.jsonl.gz -o btc.cols
    """
    talk = Console(stderr=True)
    with Output(form) as output:
        found = recordings(files, output)
        if talk.is_terminal:
            with talk.status("preparing") as status:

                def progress(frames: int, ns: int) -> None:
                    status.update(f"preparing: {frames:,} frames, at {format_second(ns)}")

                columns = prepare(found, out, venue=exchange, depth=depth, progress=progress)
        else:
            columns = prepare(found, out, venue=exchange, depth=depth)
        output.write(_prepared(columns), _prepared_text(columns))
    if not columns.provenance.is_proved:
        raise typer.Exit(1)


def backtest_tape(
    strategy: Named,
    tape: Tape,
    parameters: Parameters = None,
    file: ParametersFile = None,
    deposits: Deposits = None,
    fees: FeeRates = None,
    latency: Delay = "0ms",
    fills: WorldOption = World.EXPECTED,
    limits: LimitsFile = None,
    seed: Seed = 0,
    currency: Currency = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--output", help="A new folder for the files of the run.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run a strategy over a prepared tape, with fills in three worlds.

    An order that rests was certainly filled so much (pessimistic), probably so much (expected), and
    at most so much (optimistic). The same strategy, tape, options and seed have the same hash.

    Exit status 0 if it was run to the end, 1 if the strategy failed, 2 for bad usage, 3 if a limit
    halted the bot.

    Example: fluxum bot backtest maker.py:Maker --tape btc.cols --latency 1ms -o run/
    """
    made = strategy_of(strategy, parameters, file)
    columns = Columns(tape)
    with Output(form) as output:
        result = backtest(made, columns, out=out, **_options(locals(), columns))
        output.write(_record(result, out), _result_text(result, columns.provenance, out))
        if not any(one.channel == Channel.INSTRUMENT.value for one in columns.streams):
            output.message(_WITHOUT_RULES)
    if result.failed:
        raise typer.Exit(1)
    if result.halted:
        raise typer.Exit(3)


def sweep_tape(
    strategy: Named,
    tape: Tape,
    over: Annotated[
        list[str],
        typer.Option("--over", metavar="NAME=VALUES", help="2,4,8 or FIRST:LAST:STEP. Repeatable."),
    ],
    parameters: Parameters = None,
    file: ParametersFile = None,
    folds: Annotated[int, typer.Option("--folds", min=1, help="Equal parts of the tape.")] = 1,
    processes: Annotated[int, typer.Option("--processes", min=1)] = 1,
    deposits: Deposits = None,
    fees: FeeRates = None,
    latency: Delay = "0ms",
    fills: WorldOption = World.EXPECTED,
    limits: LimitsFile = None,
    seed: Seed = 0,
    currency: Currency = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Back-test every combination of parameters, on every fold, and rank them.

    A rank is followed by the ranks whose bounds overlap with its own: fills on this tape cannot
    separate those. With several folds, what was best on the folds before is judged on the next.
    The ranking is the same for any number of processes.

    Example: fluxum bot sweep maker.py:Maker --tape btc.cols --over lean_bps=0:12:3 --folds 5
    """
    made = strategy_of(strategy, parameters, file)
    talk = Console(stderr=True)

    def progress(done: int, count: int) -> None:
        if talk.is_terminal:
            talk.print(f"{done:,} of {count:,} back-tests", end="\r")

    options = _options(locals(), Columns(tape))
    ranges = dict(_pair(one, "--over NAME=VALUES") for one in over)
    with Output(form) as output:
        found = sweep(
            made,
            tape,
            {name: spread(text) for name, text in ranges.items()},
            folds=folds,
            processes=processes,
            progress=progress,
            load=partial(load_kind, strategy),
            **options,
        )
        output.write(plain(found), _sweep_text(found))


# Options


def _options(given: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """The options of `backtest` that the commands share."""
    venues = tuple(dict.fromkeys(market.venue for market in columns.markets))
    limits: Path | None = given["limits"]
    return {
        "accounts": _accounts(given["deposits"] or (), venues),
        "fees": _fees(given["fees"] or (), venues),
        "latency": latency_of(given["latency"]),
        "fills": given["fills"],
        "limits": None if limits is None else limits_of(limits),
        "seed": given["seed"],
        "currency": given["currency"] or None,
    }


def _pair(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise BadInput(f"{form} was expected, was {text!r}")
    return name, value


def _of_venue(text: str, venues: Sequence[str], form: str) -> tuple[str, str]:
    """The exchange of an option and the rest of it; the only one of the tape need not be named."""
    venue, colon, rest = text.rpartition(":")
    if not colon and len(venues) == 1:
        return venues[0], rest
    if venue not in venues:
        raise BadInput(f"{form} with one of {', '.join(venues)} was expected, was {text!r}")
    return venue, rest


def _accounts(
    deposits: Sequence[str], venues: Sequence[str]
) -> dict[str, dict[str, Decimal]] | None:
    accounts: dict[str, dict[str, Decimal]] = {}
    for one in deposits:
        venue, rest = _of_venue(one, venues, "--deposit [EXCHANGE:]ASSET=AMOUNT")
        asset, amount = _pair(rest, "--deposit [EXCHANGE:]ASSET=AMOUNT")
        accounts.setdefault(venue, {})[asset] = _decimal(amount, "an amount")
    return accounts or None


def _fees(rates: Sequence[str], venues: Sequence[str]) -> dict[str, Fees]:
    found: dict[str, Fees] = {}
    for one in rates:
        venue, rest = _of_venue(one, venues, "--fees [EXCHANGE:]MAKER/TAKER")
        maker, slash, taker = rest.partition("/")
        if not slash:
            raise BadInput(f"--fees [EXCHANGE:]MAKER/TAKER was expected, was {one!r}")
        found[venue] = Fees.flat(_decimal(maker, "a rate"), _decimal(taker, "a rate"))
    return found


def _decimal(text: str, what: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise BadInput(f"{what} was expected, was {text!r}") from error
    if not value.is_finite():
        raise BadInput(f"{what} was expected, was {text!r}")
    return value


# Output


def _prepared(columns: Columns) -> Any:
    return {
        "file": str(columns.path),
        "frames": columns.frames,
        "events": columns.events,
        "rows": columns.rows,
        "streams": [str(one) for one in columns.streams],
        "is_proved": columns.provenance.is_proved,
        "digest": columns.provenance.digest,
        **plain(columns.provenance),
    }


def _prepared_text(columns: Columns) -> str:
    lines = [f"{'proved' if columns.provenance.is_proved else 'NOT PROVED'} {columns.path}"]
    lines += [
        f"  {tape.file}: {tape.frames:,} frames of {tape.venue}, {tape.book_messages:,} book"
        f" messages, {tape.checks_passed:,} proved, {tape.checks_failed} failed,"
        f" {tape.unverified} unverified, {tape.desyncs} desyncs, {tape.rejected} rejected,"
        f" {tape.crossed} crossed, {tape.lost} lost, {tape.torn} torn"
        for tape in columns.provenance.tapes
    ]
    gaps = columns.provenance.gaps
    missing = sum(gap.until_ns - gap.since_ns for gap in gaps) / 1e9
    lines.append(f"  {len(gaps)} gaps of {missing:.1f} s in all; {columns.rows:,} rows of")
    lines += [f"    {stream}" for stream in columns.streams]
    return "\n".join(lines)


def _record(result: BacktestResult, out: Path | None) -> Any:
    header = result.facts.header
    return plain(
        BacktestRecord(
            strategy=header.strategy,
            parameters=header.parameters,
            decisions=result.decisions,
            hash=result.hash,
            orders=len(result.orders),
            fills=sum(len(order.fills.of(result.world)) for order in result.orders),
            currency=header.currency,
            profit=result.profit,
            gaps=len(result.facts.gaps),
            is_proved=result.is_proved,
            halted=result.halted,
            failed=result.failed,
            run="" if out is None else str(out),
        )
    )


def _result_text(result: BacktestResult, provenance: Provenance, out: Path | None) -> str:
    header = result.facts.header
    filled = sum(bool(order.fills.of(result.world)) for order in result.orders)
    lines = [
        f"{header.strategy}: {result.decisions:,} decisions, {len(result.orders):,} orders,"
        f" {filled:,} of them filled",
        f"  profit in {header.currency}: {_profit(result.profit)}; {agreement(result.profit)}",
        f"  fills as {result.world.value}; latency {header.latency}; seed {header.seed}",
        f"  tape {'proved' if provenance.is_proved else 'NOT PROVED'},"
        f" {len(result.facts.gaps)} gaps met; decisions {result.hash}",
    ]
    if result.failed:
        lines.append(f"  the strategy FAILED: {result.failed}")
    elif result.halted:
        lines.append(f"  HALTED: {result.halted}")
    if out is not None:
        lines.append(f"  fluxum bot report {out} shows the rest")
    return "\n".join(lines)


def agreement(profit: ByWorld[Decimal | None]) -> str:
    """Whether the three worlds agree that there was a profit, a loss, or neither."""
    known = [one for one in profit.all if one is not None]
    if len(known) < len(profit.all):
        return "what is held at the end has no price"
    signs = {(one > 0) - (one < 0) for one in known}
    return "the three agree in sign" if len(signs) == 1 else "the three differ in sign"


def _sweep_text(found: Sweep) -> str:
    lines = [f"{found.trials} variants on {len(found.folds)} folds; {found.says}"]
    lines += [_variant_text(one) for one in found.variants]
    for one in found.forward:
        chosen = " ".join(f"{name}={value}" for name, value in one.parameters.items())
        lines.append(
            f"fold {one.fold + 1}: best before was {chosen} ({one.profit_before:f});"
            f" after: {_profit(one.profit)}"
        )
    return "\n".join(lines)


def _variant_text(one: Variant) -> str:
    chosen = " ".join(f"{name}={value}" for name, value in one.parameters.items())
    ties = f"; not separated from {', '.join(map(str, one.ties))}" if one.ties else ""
    halted = f"; HALTED: {one.halted}" if one.halted else ""
    wrong = f"; FAILED: {one.failed}" if one.failed else halted
    return (
        f"{one.rank:>4}  {chosen}  {_profit(one.profit)}, {one.fills} fills of {one.orders}"
        f" orders{ties}{wrong}"
    )


def _profit(profit: ByWorld[Decimal | None]) -> str:
    shown = ["unknown" if one is None else f"{one:.2f}" for one in profit.all]
    return f"pessimistic {shown[0]}, expected {shown[1]}, optimistic {shown[2]}"
