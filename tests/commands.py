"""Commands in the process of a test, which is ten times as fast as one of their own."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fluxum.cli.configured import begin_config
from fluxum.cli.main import app
from fluxum.cli.process import exit_code


class Done:
    """A command that has ended: its exit status, and what it wrote."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


class Commands:
    """Runs commands one after the other."""

    def __init__(self, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capfd = capfd
        self._patch = patch

    def __call__(self, *words: str, stdin: str = "") -> Done:
        """Run one command, to its end."""
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capfd.readouterr()
        begin_config("", "", None, is_anew=True)
        try:
            status = exit_code(lambda: app(list(words), prog_name="fluxum"))
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Done(status, *self._capfd.readouterr())


@contextmanager
def commands(capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Iterator[Commands]:
    """What runs commands; the configuration that they used is forgotten."""
    yield Commands(capfd, patch)
    begin_config("", "", None, is_anew=True)
