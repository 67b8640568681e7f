"""`record`, `replay` and `verify`: raw frames kept, played again, and proved."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from fluxum.cli.market import until
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Depth,
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Interval,
    Seconds,
    Symbols,
    opened,
    parse_channels,
    parse_exchanges,
    parse_interval,
    parse_symbols,
)
from fluxum.cli.output import Output, event_record, event_text
from fluxum.cli.process import run_async
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, TapeError
from fluxum.model.codec import plain
from fluxum.model.event import MarketEvent
from fluxum.replay import Replay, Report, recognise
from fluxum.replay import verify as verify_file
from fluxum.tape import TapeReader, TapeWriter, recording, recording_calls

__all__ = ["record", "replay", "verify"]

RecordedBy = Annotated[
    str | None,
    typer.Option(
        "--exchange", "-x", help="The exchange of a bare recording; a tape names its own."
    ),
]
BookDepth = Annotated[
    int | None,
    typer.Option("--depth", min=1, help="Depth of books of which the file does not tell it."),
]


def record(
    output: Annotated[Path, typer.Argument(help="The tape to write, NAME.jsonl or NAME.jsonl.gz.")],
    symbol: Symbols,
    exchange: Exchange = FIRST_EXCHANGE,
    channel: str = "book,trade,ticker",
    depth: Depth = None,
    interval: Interval = None,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
) -> None:
    """Record every frame of a session, as it is on the wire, until --seconds or Ctrl-C.

    Example: fluxum record btc.jsonl.gz --symbol BTC/USD --seconds 60
    """
    exchanges, symbols = parse_exchanges(exchange), parse_symbols(symbol)
    if len(exchanges) != 1:
        raise BadInput(f"a tape holds one exchange, was {exchange!r}")
    channels = parse_channels(channel)
    talk = Output(Format.TABLE)

    async def main() -> None:
        async with opened(
            exchanges,
            symbols,
            channels,
            depth=depth,
            interval_s=parse_interval(interval),
            endpoint=endpoint,
            through=lambda dial: recording(dial, tape),
            calls_through=lambda calls: recording_calls(calls, tape),
        ) as sessions:
            await until(seconds, tell(sessions))

    async def tell(sessions: Sequence[Any]) -> None:
        async for event in sessions[0].events(capacity=100_000):
            if not isinstance(event, MarketEvent):
                talk.say(event_text(event))

    with TapeWriter(output, exchanges[0], SystemClock()) as tape:
        try:
            run_async(main())
        finally:
            talk.say(f"{tape.frames} frames in {output}")


def replay(
    file: Annotated[Path, typer.Argument(help="A tape or a bare recording.")],
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0.0, help="Times real time; 0 is as fast as possible.")
    ] = 0.0,
    form: FormatOption = Format.TABLE,
) -> None:
    """Play a recording through the live code and write its events.

    Example: fluxum replay btc.jsonl.gz --speed 10 --format ndjson
    """
    output = Output(form)
    with_links = form in {Format.NDJSON, Format.JSON}

    async def main() -> None:
        before_ns: int | None = None
        for moment in Replay(file, exchange, depth):
            if speed and moment.ns is not None:
                await asyncio.sleep(max(0, moment.ns - (before_ns or moment.ns)) / 1e9 / speed)
                before_ns = moment.ns
            for event in moment.events:
                if isinstance(event, MarketEvent) or with_links:
                    output.write(event_record(event), event_text(event))
                else:
                    output.say(event_text(event))

    try:
        run_async(main())
    finally:
        output.close()


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Tapes, bare recordings, or folders of them.")
    ],
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Replay recordings and prove every book message by its venue's own check.

    Of a folder, every recording is taken that says which exchange it is of: a tape, or one with
    a NAME.meta.json beside it. REST calls are answered from NAME.rest.jsonl.gz.

    Exit status 0 when all is proved, 1 when something failed, 2 for bad usage or a
    file that cannot be read.

    Example: fluxum verify recordings --format json
    """
    output = Output(Format.NDJSON if form is Format.JSON else form)
    is_proved = is_readable = True
    talk = Console(stderr=True)
    for file in track(
        _recordings(files, output),
        "verifying",
        console=talk,
        transient=True,
        disable=not talk.is_terminal,
    ):
        try:
            report = verify_file(file, exchange, depth)
        except TapeError as error:  # tell it, and prove the others all the same
            output.say(f"fluxum: {error}")
            is_readable = False
            continue
        output.write(plain(report), _text(report))
        is_proved = is_proved and report.is_proved
    if not is_readable:
        raise typer.Exit(2)
    if not is_proved:
        raise typer.Exit(1)


def _recordings(paths: Sequence[Path], output: Output) -> list[Path]:
    """The files meant: those named, and those of folders that name their exchange."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for file in sorted(path.rglob("*.jsonl*")):
            if ".rest." in file.name:
                continue
            if TapeReader(file).header is not None or recognise(file) is not None:
                found.append(file)
            else:
                output.say(f"passed over, as it names no known exchange: {file}")
    return found


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
    lines = [f"{'proved' if report.is_proved else 'FAILED'} {report.file}", f"  {counts}"]
    lines += [f"  {numbers}", f"  frames: {kinds}"]
    if generations:
        lines.append(f"  generations: {generations}")
    lines += [f"  frame {one.frame}: {one.symbol} {one.reason}" for one in report.failures]
    if report.damage:
        lines.append(f"  {report.damage}")
    return "\n".join(lines)
