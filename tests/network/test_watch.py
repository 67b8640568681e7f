"""`fluxum watch` on a real terminal: it shows, it obeys, and it leaves the terminal as it was."""

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import exchange_at
from kraken_tape import write

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40
CTRL_C = b"\x03"


class Terminal:
    """A terminal, and a command on it; what it writes is read unless `is_stalled`."""

    def __init__(self, words: tuple[str, ...], *, width: int = 80, height: int = 24) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.shown = b""
        self.is_stalled = threading.Event()
        self.process = subprocess.Popen(
            [*FLUXUM, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 1 << 16)
            except OSError:
                return
            if not piece:
                return
            self.shown += piece
            while self.is_stalled.is_set():
                time.sleep(0.01)

    def wait_for(self, text: str) -> None:
        """Wait until it has shown a text."""
        until_s = time.monotonic() + TIMEOUT_S
        while text.encode() not in self.shown:
            assert time.monotonic() < until_s, f"no {text!r} in {self.shown[-2000:]!r}"
            assert self.process.poll() is None, self.end()
            time.sleep(0.02)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def end(self) -> tuple[int, str]:
        """Wait for the end of the command; its status, and what it wrote to stderr."""
        _, errors = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, errors.decode()

    @property
    def after(self) -> list[object]:
        """How the terminal is set now."""
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        """Close it, and the command with it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.is_stalled.clear()
        os.close(self._theirs)
        self._reader.join()  # the other end is closed
        os.close(self._ours)


def environment() -> dict[str, str]:
    """The environment without what fixes the size of a terminal, or its colours."""
    fixed = {"COLUMNS", "LINES", "COLORTERM"}
    return {name: os.environ[name] for name in os.environ.keys() - fixed} | {
        "TERM": "xterm-256color"
    }


@contextmanager
def terminal(*words: str, width: int = 80, height: int = 24) -> Generator[Terminal]:
    """A terminal with a command, for the length of a block."""
    made = Terminal(words, width=width, height=height)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tape") / "tape.jsonl.gz", 2_000)


@pytest.fixture(scope="module")
def kraken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with exchange_at(tmp_path_factory.mktemp("kraken")) as url:
        yield url


@pytest.mark.parametrize(("ending", "status"), [(b"q", 0), (CTRL_C, 130), (signal.SIGTERM, 143)])
def test_however_it_ends_the_terminal_is_as_before(
    tape: Path, ending: bytes | signal.Signals, status: int
) -> None:
    with terminal("watch", "--replay", str(tape)) as screen:
        screen.wait_for("BTC/USD")
        assert screen.after != screen.before  # no echo, no lines

        if isinstance(ending, bytes):
            screen.press(ending)
        else:
            screen.process.send_signal(ending)

        assert screen.end() == (status, "")
        assert screen.after == screen.before
        for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l"):
            assert restored in screen.shown


def test_a_live_market_needs_a_line_of_100_kb_a_second_at_most(kraken: str) -> None:
    words = ("watch", "BTC/USD", "ETH/USD", "--endpoint", kraken)
    with terminal(*words, width=160, height=45) as screen:
        screen.wait_for("valid")
        before, begun_s = len(screen.shown), time.monotonic()
        time.sleep(2.0)
        rate = (len(screen.shown) - before) / (time.monotonic() - begun_s)
        screen.press(b"\t")
        screen.press(b"?")
        screen.wait_for("Keys and signs")
        screen.press(b"q")

        assert screen.end() == (0, "")
        assert 0 < rate < 100_000


def test_without_colour_there_is_none_and_a_stalled_terminal_does_not_keep_it_from_ending(
    kraken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal("watch", "BTC/USD", "--endpoint", kraken, width=200, height=60) as screen:
        screen.wait_for("valid")
        screen.is_stalled.set()
        time.sleep(1.0)

        screen.process.send_signal(signal.SIGTERM)

        assert screen.end() == (143, "")
        assert b"38;5;" not in screen.shown
        assert b"38;2;" not in screen.shown


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_whole_screen_in_a_terminal_of_80x24(kraken: str, tmp_path: Path) -> None:
    tmux = ["tmux", "-S", str(tmp_path / "tmux")]

    def ask(*words: str) -> str:
        return subprocess.run(
            [*tmux, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            env=environment(),
        ).stdout

    def wait_for(text: str) -> list[str]:
        until_s = time.monotonic() + TIMEOUT_S
        while text not in (shown := ask("capture-pane", "-p", "-t", "w")):
            assert time.monotonic() < until_s, shown
            time.sleep(0.1)
        return shown.splitlines()

    command = f"{sys.executable} -m fluxum watch BTC/USD ETH/USD --endpoint {kraken}"
    ask(
        "new-session",
        "-d",
        "-s",
        "w",
        "-x",
        "80",
        "-y",
        "24",
        f"{command}; echo ended $?; sleep 60",
    )
    try:
        rows = wait_for("valid")
        assert len(rows) == 24
        assert rows[0].startswith("● kraken ready")
        assert rows[1].startswith("─ BTC/USD kraken ─")
        assert " ─ Trades ─" in rows[1]
        assert rows[19].startswith("─ Losses ─")
        assert rows[23].startswith(" q quit  space pause  tab market 1/2")
        ask("send-keys", "-t", "w", "Tab")
        assert wait_for("─ ETH/USD kraken ─")
        ask("resize-window", "-t", "w", "-x", "130", "-y", "40")
        assert wait_for("─ Candles 1m ETH/USD ─")
        ask("send-keys", "-t", "w", "q")
        assert wait_for("ended 0")
    finally:
        ask("kill-server")
