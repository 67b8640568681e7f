"""Every command is where the configuration says: at its endpoint, and through its proxy."""

import socketserver
import threading
import tomllib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import Commands, commands, exchange_at
from fluxum.cli.main import app

pytestmark = pytest.mark.network

ORDER = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-q", "0.01", "-p", "50000", "--yes")
COMMANDS = {
    "orderbook": ("--count", "1"),
    "stream": ("trade", "--count", "1", "--seconds", "5"),
    "session": ("--seconds", "0.5"),
    "ticker": (),
    "book": (),
    "trades": (),
    "candles": ("--limit", "2"),
    "instruments": (),
    "time": (),
    "status": (),
    "balances": (),
    "ledger": ("--symbol", "BTC/USD", "--seconds", "0.5"),
    "fills": (),
    "pnl": (),
    "serve": ("--port", "0", "--seconds", "0.5"),
    "record": ("tape.jsonl", "--seconds", "0.5"),
    "setup": ("--store", "new.toml"),
    "doctor": (),
    "order": ORDER[1:],
}
QUESTIONS = {"ticker", "book", "trades", "candles", "instruments", "time", "status"}
# These read tapes, or are about this machine, an exchange of their own, or contracts; the last
# three need a terminal or an engine.
ELSEWHERE = {
    *("positions", "demo", "replay", "verify", "support", "completion"),
    *("watch", "publish", "subscribe"),
}


def test_no_command_is_left_out() -> None:
    names = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}

    assert names - ELSEWHERE == COMMANDS.keys() - {"order"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configured")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with exchange_at(folder) as url:
        yield url


@pytest.fixture
def fluxum(
    folder: Path,
    endpoint: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Commands]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FLUXUM_CONFIG", str(tmp_path / "fluxum.toml"))
    (tmp_path / "fluxum.toml").write_text(
        f"""[venue.kraken]
endpoint = "{endpoint}"
symbols = ["BTC/USD"]
rest.cost_per_s = 50
[account.main]
venue = "kraken"
keys = "file:{folder}/account.toml"
journal = "orders.jsonl"
"""
    )
    with commands(capfd, monkeypatch) as run:
        yield run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_at_the_configured_endpoint(name: str, fluxum: Commands, folder: Path) -> None:
    done = fluxum(name, *COMMANDS[name], stdin=typed(folder))

    assert done.status == 0, done.err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_goes_through_the_configured_proxy(
    name: str, fluxum: Commands, endpoint: str, folder: Path
) -> None:
    with proxy() as (url, asked):
        settings = {
            "venue.kraken.proxy": url,
            "venue.kraken.breaker.failures": "1",
            "venue.kraken.backoff.attempts_max": "1",
            "venue.kraken.backoff.quick_s": "0",
            "account.main.ready_s": "1",
        }
        words = [word for one in settings.items() for word in ("--set", "=".join(one))]
        words += ["--timeout", "0.2"] if name in QUESTIONS else []
        fluxum(name, *COMMANDS[name], *words, stdin=typed(folder))

    host = endpoint.removeprefix("ws://")
    assert asked
    assert all(host in one for one in asked), asked


def typed(folder: Path) -> str:
    """The keys of the account, as a user types them."""
    account = tomllib.loads((folder / "account.toml").read_text())["kraken"]
    return f"{account['key']}\n{account['secret']}\n"


@contextmanager
def proxy() -> Generator[tuple[str, list[str]]]:
    """A proxy that refuses everything, and the first lines of the requests that it had."""
    asked: list[str] = []

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode("latin-1")
            if line:  # the doctor only looks whether the port is open
                asked.append(line)
                self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()
