"""`record`: raw frames on a tape, until it is ended."""

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer

from fluxum.cli.configured import config, configured_markets
from fluxum.cli.market import until
from fluxum.cli.opening import opened
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Depth,
    Endpoint,
    Exchange,
    Format,
    Interval,
    MetricsPort,
    Proxy,
    Seconds,
    Symbols,
    parse_channels,
    parse_exchanges,
    parse_interval,
    parse_symbols,
)
from fluxum.cli.output import Output, event_text
from fluxum.cli.process import run_async
from fluxum.cli.serving import metrics_served
from fluxum.cli.sessions import NotReady
from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.model.event import MarketEvent, Subscription
from fluxum.session.session import Session
from fluxum.store.arrow import require_arrow
from fluxum.store.follower import Follower
from fluxum.tape import TapeRecorder, TapeWriter, gaps

__all__ = ["ColumnsLacking", "DataLost", "parse_size", "parse_span", "record"]

_CHECK_S = 0.5
_COLUMNS_S = 60.0
_TAPES, _COLUMNS = "tapes", "columns"
_SERVICE_SIZE, _SERVICE_SPAN = "256MB", "1h"
_SIZES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SPANS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MEASURE = re.compile("([0-9]{1,9})([A-Za-z]+)")


class DataLost(FluxumError):
    """A recording has a gap, which the recorder caused."""


class ColumnsLacking(FluxumError):
    """A recording has no columns, or not all of them."""


Tape = Annotated[
    str,
    typer.Argument(
        help="The tape to write: NAME.jsonl or NAME.jsonl.gz, a name with {time} in it, or a folder"
        " for EXCHANGE-TIME.jsonl.gz. Without: record.output of the configuration."
    ),
]
Append = Annotated[bool, typer.Option("--append", help="Continue a tape that exists, at its end.")]
RotateSize = Annotated[
    str, typer.Option("--rotate-size", help="Begin another file at this size: 100MB, 2GiB.")
]
RotateEvery = Annotated[
    str,
    typer.Option(
        "--rotate-every", help="Begin another file at every full 15m, 1h or 1d of UTC time."
    ),
]
Service = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="A folder for a service, which is made if need be: tapes in FOLDER/tapes, another file"
        " every hour and at 256MB.",
    ),
]
Columns = Annotated[
    bool,
    typer.Option(
        "--columns",
        help="With -o, make columns in FOLDER/columns of each tape once it is complete.",
    ),
]


def record(
    output: Tape = "",
    service: Service = None,
    symbol: Symbols = "",
    exchange: Exchange = FIRST_EXCHANGE,
    channel: str = "book,trade,ticker",
    depth: Depth = None,
    interval: Interval = None,
    append: Append = False,
    rotate_size: RotateSize = "",
    rotate_every: RotateEvery = "",
    columns: Columns = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    metrics: MetricsPort = None,
) -> None:
    """Record every frame of a session, as it is on the wire, until --seconds, Ctrl-C or SIGTERM.

    Nothing is overwritten: a tape that exists is refused with exit status 2, unless --append.
    The tape is flushed twice a second, so a crash costs no more than that. With rotation the time
    is put into each file's name. If a disk is full, the tape suffers, not the session: recording
    is tried again, the missing frames are reported, and the exit status is 1.

    Columns are made by a process beside this one, from the tapes: they cost the session nothing,
    and a crash loses none. What is lacking of earlier recordings in FOLDER is made first.

    Example: fluxum record btc.jsonl.gz --symbol BTC/USD --seconds 60

    Example: fluxum record tapes/ --symbol BTC/USD,ETH/USD --rotate-every 1h --rotate-size 500MB

    Example: fluxum record -o data --columns --symbol BTC/USD,ETH/USD
    """
    venue = _one(parse_exchanges(exchange), exchange)
    symbols = parse_symbols(symbol) if symbol else configured_markets([venue])[venue]
    channels, interval_s = parse_channels(channel), parse_interval(interval)
    _require_columns(service, columns)
    output, rotate_size, rotate_every = _served(service, output, rotate_size, rotate_every)
    tape = _tape(output, venue, SystemClock(), rotate_size, rotate_every, append=append)
    sessions = opened(
        [venue],
        symbols,
        channels,
        depth=depth,
        interval_s=interval_s,
        endpoint=endpoint,
        proxy=proxy,
        recorder=TapeRecorder(tape),
    )
    _keep(tape, _Progress(tape, venue, _follower(service, columns)), sessions, seconds, metrics)


def _one(exchanges: Sequence[str], given: str) -> str:
    if len(exchanges) != 1:
        raise BadInput(f"a tape holds one exchange, was {given!r}")
    return exchanges[0]


def _served(
    folder: Path | None, output: str, rotate_size: str, rotate_every: str
) -> tuple[str, str, str]:
    """The folder of tapes in a service's folder, and when its files end; or what was given."""
    if folder is None:
        return output, rotate_size, rotate_every
    if output:
        raise BadInput(f"one of -o {folder} and {output} was expected: both say where to record")
    tapes = folder / _TAPES
    try:
        tapes.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot make {tapes}: {error.strerror}") from error
    settings = config().settings.record
    if settings.rotate_bytes is None:
        rotate_size = rotate_size or _SERVICE_SIZE
    if settings.rotate_s is None:
        rotate_every = rotate_every or _SERVICE_SPAN
    return str(tapes), rotate_size, rotate_every


def _require_columns(service: Path | None, columns: bool) -> None:
    """Refuse columns that cannot be made, before there is a tape."""
    if columns and service is None:
        raise BadInput("columns are made in a folder: name it with -o FOLDER")
    if columns:
        require_arrow()


def _follower(folder: Path | None, columns: bool) -> Follower | None:
    if folder is None or not columns:
        return None
    try:
        return Follower(folder / _COLUMNS, folder / _TAPES)
    except OSError as error:
        raise BadInput(f"cannot start a process for columns: {error.strerror}") from error


def _tape(
    output: str,
    exchange: str,
    clock: Clock,
    rotate_size: str = "",
    rotate_every: str = "",
    *,
    append: bool = False,
) -> TapeWriter:
    """The tape of the command line, or else as configured."""
    settings = config().settings.record
    where = output or settings.output
    if not where:
        raise BadInput("a tape or a folder was expected, or record.output in the configuration")
    return TapeWriter(
        _path(where),
        exchange,
        clock,
        append=append,
        rotate_bytes=parse_size(rotate_size) or settings.rotate_bytes,
        rotate_s=parse_span(rotate_every) or settings.rotate_s,
    )


def _path(text: str) -> Path:
    """Where to record; a name that ends like a folder's is a folder that exists."""
    path = Path(text)
    if text.endswith(os.sep) and not path.is_dir():
        raise BadInput(f"a folder that exists was expected, was {text!r}: make it first")
    return path


def _keep(
    tape: TapeWriter,
    progress: "_Progress",
    sessions: AbstractAsyncContextManager[Sequence[Session]],
    seconds: float | None,
    metrics: int | None,
) -> None:
    """Record, and report the end; what is lacking counts more than the signal that ended it."""
    ended: KeyboardInterrupt | None = None
    try:
        with tape:
            run_async(_record(tape, progress, sessions, seconds, metrics))
    except KeyboardInterrupt as error:
        ended = error
    finally:
        if not tape.counts().offered:
            tape.discard()
        progress.end()
    counts = tape.counts()
    if counts.holes:
        raise DataLost(f"the recording is not whole: {counts.lost} frames are lost")
    if not progress.has_columns:
        raise ColumnsLacking(
            "not all columns are made: fluxum columns build FOLDER/tapes -o FOLDER/columns, or the"
            " next start, makes the others"
        )
    if ended is not None:
        raise ended


async def _record(
    tape: TapeWriter,
    progress: "_Progress",
    sessions: AbstractAsyncContextManager[Sequence[Session]],
    seconds: float | None,
    metrics: int | None,
) -> None:
    async with sessions as (session,):
        async with (
            metrics_served(metrics, lambda: (session, tape), progress.message),
            background(progress.watch(session)),
        ):
            await until(seconds, progress.follow(session))
        if not tape.counts().offered:
            missing = "; ".join(map(str, session.missing()))
            raise NotReady(f"nothing was received: {session.venue.name} {missing}")


class _Progress:
    """Messages on stderr: of the session, of the recorder, and at the end."""

    def __init__(self, tape: TapeWriter, venue: str, follower: Follower | None = None) -> None:
        self.has_columns = True
        """Whether all columns that were wanted are made, or will be without this process."""
        self._tape = tape
        self._venue = venue
        self._follower = follower
        self._output = Output(Format.TABLE, is_live=True)
        self._trouble = ""
        self._subscriptions: Sequence[Subscription] = ()

    def message(self, text: str) -> None:
        """Report one line on stderr."""
        self._output.message(text)

    async def follow(self, session: Session) -> None:
        """Report the session's events, except market data."""
        async for event in session.events(capacity=100_000):
            if not isinstance(event, MarketEvent):
                self._output.message(event_text(event))

    async def watch(self, session: Session) -> None:
        """Report when recording stops, and what is missing once it continues."""
        while True:
            self._subscriptions = tuple(session.subscriptions)
            self._check()
            await asyncio.sleep(_CHECK_S)

    def end(self) -> None:
        """Report what became of all frames; nothing is reported after it."""
        self._report_gaps()
        counts, paths = self._tape.counts(), self._tape.paths
        if counts.offered:
            where = paths[0] if len(paths) == 1 else f"{len(paths)} files, the last {paths[-1]}"
            sums = f" of {counts.offered}, {counts.lost} are lost" if counts.lost else ""
            self._output.message(f"{counts.written} frames{sums} in {where}")
        else:
            self._output.message("nothing was recorded")
        if self._follower is not None:
            self._finish(self._follower)
        self._output.close()

    def _finish(self, follower: Follower) -> None:
        """Wait until the columns are made, or leave that to the process that makes them."""
        follower.announce(self._tape.paths)
        status = follower.finish(_COLUMNS_S)
        if status is None:
            self._output.message(f"the process {follower.pid} goes on to make columns")
        self.has_columns = not status

    def _check(self) -> None:
        self._report_gaps()
        if self._follower is not None:
            self._follower.announce(self._tape.paths)
            if not self._follower.is_running and self.has_columns:
                self.has_columns = False
                self._output.message("no more columns are made: their process has ended")
        trouble = self._tape.trouble
        if trouble != self._trouble:
            now = f"stopped, and is tried again: {trouble}" if trouble else "goes on"
            self._output.message(f"recording {now}")
            self._trouble = trouble

    def _report_gaps(self) -> None:
        for hole in self._tape.take_holes():
            for gap in gaps(hole, self._venue, self._subscriptions):
                self._output.message(event_text(gap))
            self._output.message(f"the recorder lost {hole.lost} frames: {hole.reason}")


def parse_size(text: str) -> int | None:
    """Bytes from text like `100MB` or `2GiB`; `None` if it is empty. Raises BadInput."""
    return _measure(text, str.lower, _SIZES, "a size like 500kB, 100MB or 2GiB")


def parse_span(text: str) -> int | None:
    """Seconds from text like `30s`, `15m`, `1h` or `1d`; `None` if it is empty. Raises BadInput."""
    return _measure(text, str, _SPANS_S, "a time like 30s, 15m, 1h or 1d")


def _measure(
    text: str, format_symbol: Callable[[str], str], units: Mapping[str, int], wanted: str
) -> int | None:
    if not text:
        return None
    found = _MEASURE.fullmatch(text)
    unit = units.get(format_symbol(found[2])) if found else None
    if found is None or unit is None or not int(found[1]):
        raise BadInput(f"{wanted} was expected, was {text!r}")
    return int(found[1]) * unit
