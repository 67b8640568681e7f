"""Commands in the process of a test, which is faster than one of their own, and an exchange."""

import io
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
        wrote = self._capfd.readouterr()
        return Done(status, wrote.out, wrote.err)


@contextmanager
def commands(capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Generator[Commands]:
    """What runs commands; the configuration that they used is forgotten."""
    yield Commands(capfd, patch)
    begin_config("", "", None, is_anew=True)


@contextmanager
def exchange_at(
    folder: Path, account: str = "account.toml", exchange: str = "kraken"
) -> Generator[str]:
    """The URL of a simulated exchange in a process; the keys of its account are in the folder."""
    words = ("sim", "serve", "-x", exchange, "--port", "0", "--rate", "20", "--account", account)
    with subprocess.Popen(
        [sys.executable, "-m", "fluxum", *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            while "Ctrl-C" not in said:
                said = process.stderr.readline()
            yield said.split(" at ")[1].split(",")[0]
        finally:
            process.terminate()
