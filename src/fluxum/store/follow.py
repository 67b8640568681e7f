"""A recording that is still being written becomes columns, file by file, in a process beside it.

The process reads the names of the recorder's files on its stdin, each when the file is begun: so
the one before is complete. When stdin ends, the last one is complete too, whether the recorder was
closed or killed. First the columns of earlier recordings are completed, those of recorders that
were killed among them. The recorder's own process does nothing for it but send the names.
"""

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from fluxum.errors import FluxumError
from fluxum.lock import CAN_HOLD, hold
from fluxum.store.build import AlreadyBuilt, build, build_spans
from fluxum.store.manifest import Manifest, originals
from fluxum.store.spans import Span, epoch_of
from fluxum.tape import header_of, joined

__all__ = ["announced", "catch_up", "follow"]

_NICE = 10


def follow(names: Iterable[Path], tapes: Path, folder: Path) -> int:
    """Make the columns of all recordings in a folder of tapes, and of the files that are named.

    What is wrong is written to stderr. Returns the exit status: 0, or 1 if columns are lacking.
    """
    coming = iter(names)
    first = next(coming, None)
    is_whole = catch_up(tapes, folder, first)
    if first is None:
        return int(not is_whole)
    made: list[Manifest] = []
    spans = announced(first, coming)
    try:
        span = next(spans, None)
        if span is not None:
            build_spans(_chain(span, spans), folder, placed=made.append, waits=True)
    except (FluxumError, OSError) as error:
        _say(f"fluxum: columns: {error}")
        return 1
    for one in made:
        if one.damage:
            _say(f"fluxum: columns: {one.damage}")
            is_whole = False
    rows = sum(sums.rows for one in made for sums in one.tables.values())
    _say(f"columns: {rows} rows of {len(made)} files in {folder}")
    return int(not is_whole)


def announced(first: Path, coming: Iterable[Path]) -> Iterator[Span]:
    """A span for each file, once the next one has begun, or nothing writes to it any more.

    A file that was begun shortly before the recorder was killed may have no name yet.
    """
    before = first
    for path in coming:
        yield Span([before], is_last=False)
        before = path
    if not before.is_file() or not before.stat().st_size:  # nothing was recorded
        return
    *others, last = [before, *_unnamed(before)]
    for path in others:
        yield Span([path], is_last=False)
    yield Span([last])


def catch_up(tapes: Path, folder: Path, but: Path | None = None) -> bool:
    """Make the columns that the recordings of a folder lack, all but that of one file.

    Recordings that are still being written are left out. Returns whether all is whole.
    """
    is_whole = True
    now = None if but is None else header_of(but)
    known = {(one.epoch, tape.name) for one in originals(folder) for tape in one.tapes}
    for files in joined(path for path in sorted(tapes.glob("*.jsonl*")) if path.stat().st_size):
        header = header_of(files[0])
        epoch = epoch_of(header)
        is_ours = header is not None and (now is None or epoch != epoch_of(now))
        has_all = all((epoch, path.name) in known for path in files)
        if not is_ours or has_all or _is_recorded_to(files):
            continue
        try:
            build(files, folder, waits=True)
        except AlreadyBuilt:
            continue
        except (FluxumError, OSError) as error:
            _say(f"fluxum: columns: {error}")
            is_whole = False
    return is_whole


def _chain(first: Span, others: Iterator[Span]) -> Iterator[Span]:
    yield first
    yield from others


def _unnamed(before: Path) -> list[Path]:
    """The files of the same recording that come after this one."""
    header = header_of(before)
    if header is None or not header.recording_ns:
        return []
    beside = (path for path in before.parent.glob("*.jsonl*") if path.stat().st_size)
    for files in joined(beside):
        if before in files:
            return files[files.index(before) + 1 :]
    return []


def _is_recorded_to(files: Sequence[Path]) -> bool:
    """Whether a recorder has the last file."""
    if not CAN_HOLD:
        return False
    with files[-1].open("rb") as file:
        return not hold(file.fileno())


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # stderr may have gone with the recorder
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _main() -> int:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the end of stdin ends it
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    folder, tapes = map(Path, sys.argv[1:])
    decode = msgspec.json.Decoder(str).decode
    return follow((Path(decode(line)) for line in sys.stdin.buffer), tapes, folder)


if __name__ == "__main__":
    sys.exit(_main())
