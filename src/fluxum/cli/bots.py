"""`bot new`, `check`, `compare`, `halt` and `resume`: before a strategy runs, and from outside."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fluxum.bot.check import CheckResult, check_strategy
from fluxum.bot.compare import Difference
from fluxum.bot.compare import compare as compare_run
from fluxum.bot.engine_state import decode
from fluxum.bot.journal import RunHead, last_state, read_lines
from fluxum.bot.loading import load_kind, required_of
from fluxum.bot.opening import JOURNAL
from fluxum.bot.scaffold import KINDS, scaffold
from fluxum.bot.strategy import Strategy
from fluxum.cli.bot_options import Parameters, ParametersFile, strategy_of
from fluxum.cli.options import Format, FormatOption
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.trading import Yes, confirm
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.merge import merge_by_time
from fluxum.model.event import Event
from fluxum.model.instant import format_second
from fluxum.replay import Replay

__all__ = [
    "HALT_FILE",
    "RESUME_FILE",
    "BotCheckFailed",
    "RunDiffers",
    "check",
    "compare",
    "halt",
    "new",
    "resume",
]

HALT_FILE = "halt"
"""A file of this name in the folder of a run halts it; its text is the reason."""
RESUME_FILE = "resume"
"""A file of this name lets a halted run continue when it is started; its text is the reason."""
_HALT_S = 5.0
_GLANCE_S = 0.1


class BotCheckFailed(FluxumError):
    """A check of a strategy failed."""


class RunDiffers(FluxumError):
    """A run decides otherwise from its own tape."""


Named = Annotated[
    str,
    typer.Argument(
        metavar="STRATEGY", help="FILE.py:NAME or MODULE:NAME; without :NAME if there is but one."
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]


def new(
    file: Annotated[Path, typer.Argument(help="The file to write, such as maker.py.")],
    kind: Annotated[
        str, typer.Option("--kind", "-k", help=f"What to begin with: {', '.join(KINDS)}.")
    ] = "maker",
) -> None:
    """Write a strategy to begin with, and a test beside it. Nothing is overwritten.

    Example: fluxum bot new maker.py --kind maker && pytest test_maker.py
    """
    source, test = scaffold(kind, file.stem)
    beside = file.with_name(f"test_{file.stem}.py")
    for path in (file, beside):
        if path.exists():
            raise BadInput(f"a file that does not exist was expected, was {path}")
    file.write_text(source, encoding="utf-8")
    beside.write_text(test, encoding="utf-8")
    with Output(Format.TABLE) as output:
        output.message(f"{file} has the strategy, {beside} its test: pytest {beside}")
        words = " ".join(f"-p {one}=..." for one in required_of(load_kind(str(file))))
        output.message(f"fluxum bot check {file} {words}")


def check(
    strategy: Named,
    parameters: Parameters = None,
    file: ParametersFile = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the made-up market.")] = 1,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check a strategy: that nothing but its events decides what it intends.

    Its source is searched for clocks, files, networks, chance and the order of sets. It then runs
    in a made-up market: with another future, warmed up, and stopped and resumed. The exit status
    is 1 if a check fails.

    Example: fluxum bot check maker.py:Maker -c maker.toml -p size=0.1
    """
    made = strategy_of(strategy, parameters, file)
    with Output(form, [CheckResult]) as output:
        results = check_strategy(made, seed=seed)
        for one in results:
            mark = "passed" if one.is_passed else "FAILED"
            output.write(one, f"{mark:6}  {one.name:10}  {one.detail}")
    failed = [one.name for one in results if not one.is_passed]
    if failed:
        raise BotCheckFailed(f"{strategy} failed: {', '.join(failed)}")


def compare(
    run: RunFolder,
    strategy: Annotated[
        str, typer.Option("--strategy", help="Where its class is; without: as the run began.")
    ] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Step a run again from its journal and its tapes, and compare every decision.

    The tapes are the recordings in the folder of the run. The exit status is 1 if one decision
    differs, or if the tapes end before the run.

    Example: fluxum bot compare run/
    """
    head, lines = read_lines(run / JOURNAL)
    made = _strategy(head, strategy)
    with Output(form) as output:
        found = compare_run(head, lines, made, _events(run))
        for one in found.differences:
            output.write(one, _difference_text(one))
        text = (
            f"{found.decisions} decisions, {found.differing} differ, {found.unreached} not reached"
        )
        output.write(found, text)
    if not found.is_same:
        raise RunDiffers(f"{run} decides otherwise from its tapes: {text}")


def halt(
    run: RunFolder,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is in the journal.")],
) -> None:
    """Halt a running bot: its orders are canceled, and it places none until it is resumed.

    Example: fluxum bot halt run/ --reason "the news"
    """
    if not (run / JOURNAL).is_file():
        raise BadInput(f"the folder of a run was expected, was {run}")
    (run / HALT_FILE).write_text(reason, encoding="utf-8")
    with Output(Format.TABLE) as output:
        if not run_async(_is_taken(run / HALT_FILE)):
            (run / HALT_FILE).unlink(missing_ok=True)
            raise FluxumError(f"no bot runs in {run}: nothing was halted")
        output.message(f"{run} is halted: {reason}")


def resume(
    run: RunFolder,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is in the journal.")],
    yes: Yes = False,
) -> None:
    """Let a halted run continue: with its next start, by the command that began it.

    It shows why the run was halted, and asks. A bot whose strategy failed stays halted, as its
    memory may be half changed: begin a new run then.

    Example: fluxum bot resume run/ --reason "the news is over"
    """
    if not (run / JOURNAL).is_file():
        raise BadInput(f"the folder of a run was expected, was {run}")
    head, lines = read_lines(run / JOURNAL)
    state = last_state(lines)
    if not state.halted:
        raise BadInput(f"a run that is halted was expected; {run} is not")
    if state.failed:
        raise FluxumError(f"{run} stays halted, its strategy failed: {state.failed}")
    at = format_second(state.now_ns)
    confirm(
        f"let {head.strategy} in {run} go on, which was halted at {at}: {state.halted}", yes=yes
    )
    (run / RESUME_FILE).write_text(reason, encoding="utf-8")
    with Output(Format.TABLE) as output:
        output.message(f"{run} continues with its next start: fluxum bot {_MODES[head.mode]} ...")


_MODES = {"live": "run", "paper": "paper"}


async def _is_taken(path: Path) -> bool:
    """Wait until a bot has taken the file; false if none does."""
    for _ in range(round(_HALT_S / _GLANCE_S)):
        if not path.exists():  # noqa: ASYNC240 - another process takes it
            return True
        await asyncio.sleep(_GLANCE_S)
    return False


def _strategy(head: RunHead, reference: str) -> Strategy:
    where = reference or head.source
    if not where:
        raise BadInput(f"--strategy: where {head.strategy} is, was expected: the run does not say")
    return decode(bytes(head.parameters), load_kind(where))


def _events(run: Path) -> Iterator[Event]:
    """The events of all tapes of a run, in the order of their receipt."""
    tapes = sorted([*run.glob("*.jsonl.gz"), *run.glob("tape*.jsonl")])
    if not tapes:
        raise BadInput(f"a folder with tapes (*.jsonl.gz) was expected, was {run}")
    by_venue: dict[str, list[Path]] = {}
    for path in tapes:
        by_venue.setdefault(path.name.partition(".")[0], []).append(path)
    streams = [_of_tape(paths) for paths in by_venue.values()]
    return merge_by_time(*streams, key=lambda event: event.received_ns)


def _of_tape(paths: list[Path]) -> Iterator[Event]:
    for moment in Replay(paths[0], more=paths[1:]):
        yield from moment.events


def _difference_text(one: Difference) -> str:
    return f"{one.number}\n  written {one.written or 'none'}\n  again   {one.again or 'none'}"
