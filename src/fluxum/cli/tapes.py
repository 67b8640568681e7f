"""`replay` and `verify`: recordings played again, and proved."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fluxum.cli.columns import KINDS, parse_kinds
from fluxum.cli.options import Format, FormatOption, Kinds
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.errors import BadInput, FluxumError, TapeError
from fluxum.model.codec import plain
from fluxum.recognise import recognise
from fluxum.replay import Replay
from fluxum.tape import TapeReader, joined
from fluxum.verify import Report, nonsense
from fluxum.verify import verify as verify_recording

__all__ = ["BookDepth", "Files", "Nonsense", "RecordedBy", "recordings", "replay", "verify"]

_TURN = 100  # moments of a replay between two checks for a signal


class Nonsense(FluxumError):
    """Every frame of a recording was rejected."""


Files = Annotated[
    list[Path], typer.Argument(help="A recording: a file, or all files it was rotated into.")
]
RecordedBy = Annotated[
    str | None,
    typer.Option(
        "--exchange", "-x", help="The exchange of a bare recording; a tape names its own."
    ),
]
BookDepth = Annotated[
    int | None,
    typer.Option("--depth", min=1, help="Depth of books, if the file does not contain it."),
]


def replay(
    files: Files,
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0.0, help="Times real time; 0 is as fast as possible.")
    ] = 0.0,
    kind: Kinds = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Play a recording through the live code and write its events.

    Exit status 0 if it was played, with a summary on stderr; 1 if every frame was rejected; 2 for
    bad usage or a damaged file, with everything before the damage played. If a crash cut the end
    off, that is reported and is no failure.

    Example: fluxum replay btc.jsonl.gz --speed 10 --format ndjson

    Example: fluxum replay tapes/*-20260801T*.jsonl.gz --format ndjson
    """
    kinds = parse_kinds(kind)
    with Output(form, [KINDS[one] for one in sorted(kinds)], kinds) as output:
        found = recordings(files, output)
        if len(found) != 1:
            names = ", ".join(str(one[0]) for one in found)
            raise BadInput(f"one recording is replayed at a time, was {len(found)}: {names}")
        path, *more = found[0]
        played = Replay(path, exchange, depth, more)
        events: Counter[str] = Counter()
        try:
            run_async(_play(played, speed, output, events))
        finally:
            output.message(_sum(played, events.total()))
    if problem := nonsense(
        path, played.venue.name, played.frames, played.rejected, played.rejection
    ):
        raise Nonsense(problem)


async def _play(played: Replay, speed: float, output: Output, events: Counter[str]) -> None:
    """Write every event, at the wanted speed, and count them by their kind."""
    before_ns: int | None = None
    for moment in played:
        if speed and moment.ns is not None:
            await asyncio.sleep(max(0, moment.ns - (before_ns or moment.ns)) / 1e9 / speed)
            before_ns = moment.ns
        elif moment.index % _TURN == 0:
            await asyncio.sleep(0)  # a signal may have come
        for event in moment.events:
            events[type(event).__name__] += 1
            output.event(event)


def _sum(played: Replay, events: int) -> str:
    """The summary of a replay, in one line."""
    parts = [
        f"{played.frames} frames of {played.venue.name}",
        f"{events} events",
        f"{played.rejected} rejected",
    ]
    if played.lost:
        parts.append(f"{played.lost} lost by the recorder")
    if played.tape.torn:
        parts.append(f"cut off by a crash at {played.tape.torn} place(s)")
    return ", ".join(parts)


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Tapes, bare recordings, or folders of them.")
    ],
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Replay recordings and prove every book message by its venue's own check.

    Of a folder, every recording is taken that names its exchange: a tape, or a recording with a
    NAME.meta.json beside it. REST calls are answered from NAME.rest.jsonl.gz. Files that one
    recording was rotated into are proved together.

    Exit status 0 if all is proved, 1 if something failed or is missing, 2 for bad usage or a file
    that cannot be read.

    Example: fluxum verify recordings --format json
    """
    is_proved = is_readable = True
    talk = Console(stderr=True)
    with Output(form) as output:
        found = recordings(files, output)
        for number, (path, *more) in enumerate(found, 1):
            working = f"verifying {number} of {len(found)}: {path.name}"
            try:
                with talk.status(working) if talk.is_terminal else nullcontext():
                    report = verify_recording(path, exchange, depth, more)
            except (TapeError, BadInput) as error:  # report it, and prove the others
                output.message(f"fluxum: {error}")
                is_readable = False
                continue
            output.write(plain(report), _text(report))
            if problem := nonsense(
                path, report.venue, report.frames, report.rejected, report.rejection
            ):
                output.message(f"fluxum: {problem}")
            is_proved = is_proved and report.is_proved
    if not is_readable:
        raise typer.Exit(2)
    if not is_proved:
        raise typer.Exit(1)


def recordings(paths: Sequence[Path], output: Output) -> list[list[Path]]:
    """The recordings, file by file: those named, and those of folders."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for file in sorted(path.rglob("*.jsonl*")):
            if ".rest." in file.name:
                continue
            if _is_known(file):
                found.append(file)
            else:
                output.message(f"passed over, as it names no known exchange: {file}")
    return joined(found)


def _is_known(file: Path) -> bool:
    """Whether a file names its exchange; one that cannot be read is reported later."""
    try:
        return TapeReader(file).header is not None or recognise(file) is not None
    except TapeError:
        return True


def _text(report: Report) -> str:
    counts = (
        f"{report.frames} frames, {report.events} events, {report.book_messages} book messages:"
        f" {report.checks_passed} checks passed, {report.checks_failed} failed,"
        f" {report.unverified} unverified, {report.gaps} gaps, {report.desyncs} desyncs,"
        f" {report.crossed} crossed, {report.rejected} rejected"
    )
    numbers = (
        f"{report.steps} sequence steps, {report.breaks} breaks, {report.applied} updates applied,"
        f" {len(report.generations)} books; {report.trades} trades"
        f" ({report.trades_backfilled} backfilled, {report.trade_steps} followed on)"
    )
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.kinds.items())
    generations = ", ".join(f"{symbol} {count}" for symbol, count in report.generations.items())
    more = f" and {report.files - 1} more" if report.files > 1 else ""
    lines = [f"{'proved' if report.is_proved else 'FAILED'} {report.file}{more}", f"  {counts}"]
    lines += [f"  {numbers}", f"  frames: {kinds}"]
    if generations:
        lines.append(f"  generations: {generations}")
    lines += [f"  frame {one.frame}: {one.symbol} {one.reason}" for one in report.failures]
    if not report.frames:
        lines.append("  it holds no frames: there is nothing to prove")
    if report.lost:
        lines.append(f"  {report.lost} frames are missing that the recorder could not write")
    if report.torn:
        lines.append(f"  a crash cut it off at {report.torn} place(s)")
    if report.damage:
        lines.append(f"  {report.damage}")
    return "\n".join(lines)
