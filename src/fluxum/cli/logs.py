"""Fluxum's log, for finding faults: `--verbose` and `--log-file`.

Keys, signatures and tokens are masked in every line, whichever module wrote it (see `fluxum.logs`).
"""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from fluxum.cli.writer import ThreadWriter
from fluxum.errors import BadInput
from fluxum.logs import JsonFormatter, TextFormatter
from fluxum.session.rest_client import RestClient
from fluxum.session.session import Session

__all__ = [
    "LogFile",
    "LogForm",
    "LogFormat",
    "Verbose",
    "begin_logs",
    "configure_logs",
    "log_frames",
]

_log = logging.getLogger(__name__)


class LogForm(Enum):
    """How lines of the log are written."""

    TEXT = "text"
    JSON = "json"


LogFile = Annotated[
    str,
    typer.Option(
        "--log-file", metavar="PATH", help="Append the log to this file instead of stderr."
    ),
]
LogFormat = Annotated[
    LogForm | None,
    typer.Option(
        "--log-format",
        show_default=False,
        help="Write lines of the log as text, or each as a JSON object.",
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Log links and calls to stderr; given twice, every frame as well.",
    ),
]

_PATIENCE_S = 1.0
_is_form_chosen = [False]  # by the command line


def begin_logs(verbose: int, log_file: str, log_format: LogForm | None = None) -> None:
    """Log to stderr or to a file; raises BadInput if the file cannot be written.

    Without either option, only calls that fail and are repeated are logged: a command that makes
    one call would wait in silence. All else that a user has to know is a command's own message.
    """
    root = logging.getLogger()
    begun = _begun()
    _is_form_chosen[0] = log_format is not None or (bool(begun) and _is_form_chosen[0])
    if begun and not (verbose or log_file):
        for one in begun if log_format else ():
            one.setFormatter(_formatter(log_format))
        return
    _use(_file(log_file) if log_file else _Stderr(), _formatter(log_format))
    if verbose or log_file:
        root.setLevel(logging.WARNING)  # of other packages
        logging.getLogger("fluxum").setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    else:
        root.setLevel(logging.CRITICAL)
        logging.getLogger(RestClient.__module__).setLevel(logging.WARNING)


def configure_logs(
    level: str | None, file: str | None, modules: Mapping[str, str], form: str = ""
) -> None:
    """Log as configured, unless the command line has an option for it (`--verbose`, `--log-file`).

    `level` is the least level of Fluxum, `modules` are levels of some modules, `form` is how lines
    are written unless `--log-format` is given. Raises BadInput if the file cannot be written.
    """
    root = logging.getLogger()
    begun = _begun()
    if form and not _is_form_chosen[0]:
        for one in begun:
            one.setFormatter(_formatter(LogForm(form)))
    if (root.level == logging.WARNING and begun) or not (level or file or modules):
        return
    if file is not None:
        _use(_file(file), begun[0].formatter or TextFormatter() if begun else TextFormatter())
    root.setLevel(logging.WARNING)
    least = (level or ("info" if file else "warning")).upper()
    logging.getLogger("fluxum").setLevel(least)
    for name, wanted in modules.items():
        logging.getLogger(name).setLevel(wanted.upper())


def _begun() -> list[logging.Handler]:
    """The handlers that an earlier call set up."""
    handlers = logging.getLogger().handlers
    return [one for one in handlers if isinstance(one.formatter, TextFormatter)]


def _formatter(log_format: LogForm | None) -> TextFormatter:
    return JsonFormatter() if log_format is LogForm.JSON else TextFormatter()


def _use(handler: logging.Handler, formatter: logging.Formatter) -> None:
    """Log to this handler, and no longer to the one before."""
    root = logging.getLogger()
    handler.setFormatter(formatter)
    for old in list[logging.Handler](root.handlers):
        is_stream = type(old).__qualname__ == "StreamHandler"  # that of `basicConfig`
        if is_stream or isinstance(old.formatter, TextFormatter):
            root.removeHandler(old)
            old.close()
    root.addHandler(handler)


async def log_frames(session: Session) -> None:
    """Log every frame of a session's links; return at once if frames are not logged."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    name = session.venue.name
    async for one in session.raw():
        text = one.frame.decode("utf-8", "replace")
        _log.debug("%s %s %s", name, "sent" if one.sent else "received", text)


class _Stderr(logging.Handler):
    """Lines to stderr from a separate thread, so that a slow reader blocks nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._writer: ThreadWriter | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, if stderr is open."""
        if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison] - it was closed
            return
        if self._writer is None:
            self._writer = ThreadWriter(sys.stderr, "stderr", bytes, _notice)
        with suppress(OSError):
            self._writer.put((self.format(record) + "\n").encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Wait a moment for the reader; called when the process ends."""
        if self._writer is not None:
            self._writer.close(_PATIENCE_S)
        super().close()


def _file(path: str) -> logging.Handler:
    try:
        return logging.FileHandler(Path(path).expanduser(), encoding="utf-8", delay=False)
    except OSError as error:
        raise BadInput(
            f"a log file that can be written was expected, was {path!r}: {error.strerror}"
        ) from error


def _notice(count: int) -> bytes:
    return b"%d lines of the log dropped: the reader of stderr is too slow\n" % count
