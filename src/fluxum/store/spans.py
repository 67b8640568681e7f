"""The spans of a recording: those of its files that become columns together.

A recording that has ended is one span, or what the folder lacks of it. One that is still being
written has a span for each of its files.
"""

import hashlib
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.lock import CAN_HOLD, hold
from fluxum.store.manifest import HIDDEN, UNFINISHED, Manifest, TapeDigest, originals
from fluxum.tape import TapeHeader

__all__ = ["AlreadyBuilt", "Span", "divide", "epoch_of", "held", "name_of"]


class AlreadyBuilt(BadInput):
    """The folder has the columns of this recording."""


class Span(Struct, frozen=True):
    """Files of a recording, in order; `is_last` if the recording ends with them."""

    files: Sequence[Path]
    is_last: bool = True


def divide(
    recording: Sequence[Path], folder: Path, header: TapeHeader | None
) -> tuple[list[Span], list[Manifest]]:
    """The spans of a whole recording, and the manifests of those that the folder has, the first.

    Raises BadInput if the folder has columns of other files of it, or of when it was shorter.
    """
    tapes = [TapeDigest.of(one) for one in recording]
    digests = [one.sha256 for one in tapes]
    epoch = epoch_of(header)
    ours = [
        one
        for one in originals(folder)
        if (epoch and (one.epoch, one.venue) == (epoch, header and header.venue))
        or not set(digests).isdisjoint(tape.sha256 for tape in one.tapes)
    ]
    spans: list[Span] = []
    built: list[Manifest] = []
    at = 0
    while following := [one for one in ours if _is_at(one, digests, at)]:
        count = len(following[0].tapes)
        spans.append(Span(recording[at : at + count], at + count == len(digests)))
        built.append(following[0])
        ours.remove(following[0])
        at += count
    if ours:
        raise BadInput(
            f"{folder} has columns of a part of the recording {tapes[0].name}, as {ours[0].name}: "
            "build a recording when it has ended, or into another folder"
        )
    if at < len(digests):
        spans.append(Span(recording[at:]))
    return spans, built


def epoch_of(header: TapeHeader | None) -> int:
    """When a recording began, Unix ns, by the header of any of its files; 0 for a bare one."""
    return 0 if header is None else header.recording_ns or header.started_ns


def name_of(header: TapeHeader | None, tapes: Sequence[TapeDigest]) -> str:
    """The name of a span's files: when its first file began, and the beginning of its digest."""
    digest = hashlib.sha256("".join(one.sha256 for one in tapes).encode()).hexdigest()
    started_s = 0 if header is None else header.started_ns // 10**9
    return f"{datetime.fromtimestamp(started_s, UTC):%Y%m%dT%H%M%SZ}-{digest[:12]}"


@contextmanager
def held(folder: Path, *, waits: bool = False) -> Generator[None]:
    """Keep other processes from writing columns to the folder, which is made if need be.

    If another process does so, wait for its end, or raise BadInput.
    """
    try:
        (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / HIDDEN / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BadInput(f"cannot write columns to {folder}: {error.strerror}") from error
    try:
        if CAN_HOLD and not hold(descriptor, waits=waits):
            raise BadInput(f"another process is building columns in {folder}")
        if CAN_HOLD:
            for left in (folder / HIDDEN).glob(f"*{UNFINISHED}"):  # by a process that was killed
                rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _is_at(manifest: Manifest, digests: Sequence[str], at: int) -> bool:
    """Whether a manifest is of the files that begin there."""
    theirs = [tape.sha256 for tape in manifest.tapes]
    return bool(theirs) and digests[at : at + len(theirs)] == theirs
