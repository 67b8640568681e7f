"""Which files are one recording: those that it was rotated into."""

from collections.abc import Iterable
from pathlib import Path

from fluxum.errors import TapeError
from fluxum.tape.lines import TapeHeader
from fluxum.tape.reader import TapeReader

__all__ = ["header_of", "joined"]


def joined(files: Iterable[Path]) -> list[list[Path]]:
    """Recordings as lists of files: those that one was rotated into, by their number."""
    found: list[list[Path]] = []
    rotated: list[tuple[TapeHeader, Path]] = []
    for file in files:
        header = header_of(file)
        if header is None or not header.recording_ns:
            found.append([file])
        else:
            rotated.append((header, file))
    before: TapeHeader | None = None
    for header, file in sorted(rotated, key=_place):
        if before is not None and header.follows(before):
            found[-1].append(file)
        else:
            found.append([file])
        before = header
    return found


def header_of(file: Path) -> TapeHeader | None:
    """The header of a tape; `None` without one, and for a file that cannot be read."""
    try:
        return TapeReader(file).header
    except TapeError:
        return None


def _place(one: tuple[TapeHeader, Path]) -> tuple[str, int, int]:
    header = one[0]
    return header.venue, header.recording_ns, header.segment
