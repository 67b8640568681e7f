"""Checks of this machine: how Fluxum runs here, and whether files can be written."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from fluxum import __version__
from fluxum.book.fast import IS_COMPILED
from fluxum.doctor.check import Check, Figure, Outcome

__all__ = ["check_folder", "check_machine"]

_FILES_MIN = 256
_FREE_WARNING, _FREE_FAILED = 1 << 30, 1 << 26


def check_machine() -> Iterator[Check]:
    """How Fluxum runs here, and how many files and sockets it may open."""
    loop = "uvloop" if find_spec("uvloop") is not None else "asyncio"
    books = "compiled" if IS_COMPILED else "in Python"
    yield Check(
        name="fluxum",
        outcome=Outcome.OK if IS_COMPILED else Outcome.WARNING,
        result=f"{__version__}, Python {platform.python_version()}, {loop}, books {books}",
        advice="" if IS_COMPILED else "Install it again with a C compiler: books will be faster.",
        figures={"version": __version__, "python": platform.python_version(), "books": books},
    )
    limit = _files_max()
    if limit is not None:
        is_enough = limit >= _FILES_MIN
        yield Check(
            name="open files",
            outcome=Outcome.OK if is_enough else Outcome.WARNING,
            result=f"at most {limit}",
            advice="" if is_enough else f"Raise the limit: ulimit -n {4 * _FILES_MIN}",
            figures={"files_max": limit},
        )


def check_folder(name: str, folder: Path) -> Check:
    """Whether files can be written to a folder, or the folder be made, and how much room it has."""
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(
            name=name,
            outcome=Outcome.FAILED,
            result=f"{place} cannot be read: {error.strerror}",
            advice="Choose another folder.",
        )
    figures: dict[str, Figure] = {"folder": str(folder), "free_bytes": free}
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check(
            name=name,
            outcome=Outcome.FAILED,
            result=f"{folder} cannot be written",
            advice=f"Give this user the right to write to {place}, or choose another folder.",
            figures=figures,
        )
    outcome = Outcome.OK
    if free < _FREE_WARNING:
        outcome = Outcome.WARNING if free >= _FREE_FAILED else Outcome.FAILED
    return Check(
        name=name,
        outcome=outcome,
        result=f"{folder} can be written, {free / 1e9:.1f} GB free",
        advice="" if outcome is Outcome.OK else "Free some room on this disk.",
        figures=figures,
    )


def _files_max() -> int | None:
    try:
        import resource
    except ImportError:  # not a Unix
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
