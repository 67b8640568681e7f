"""Commands as processes whose readers pause, leave, or read another alphabet; and CSV of each."""

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from fluxum.cli.main import app
from fluxum.cli.process import exit_code

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40


def fluxum(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLUXUM, *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )


def run(*words: str) -> int:
    """A command in this process: it begins sooner."""
    try:
        return exit_code(lambda: app(list(words), prog_name="fluxum"))
    except SystemExit as end:
        return int(end.code or 0)


@contextmanager
def serving(folder: Path, *words: str) -> Generator[str]:
    """A simulated exchange in another process, and its URL."""
    with subprocess.Popen(
        [*FLUXUM, "sim", "serve", "--port", "0", *words],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        while "Ctrl-C" not in said:
            said = process.stderr.readline()
        yield said.split(" at ")[1].split(",")[0]
        process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def kraken(folder: Path) -> Iterator[str]:
    with serving(folder, "--rate", "60", "--account", "keys.toml") as url:
        yield url


@pytest.fixture(scope="module")
def binance(folder: Path) -> Iterator[str]:
    with serving(folder, "-x", "binance", "--rate", "50") as url:
        yield url


def test_a_reader_that_pauses_stops_nothing_and_is_told_what_it_missed(kraken: str) -> None:
    words = ("stream", "book,trade,ticker", "-s", "BTC/USD,ETH/USD,SOL/USD", "-f", "json")
    with subprocess.Popen(
        [*FLUXUM, *words, "--endpoint", kraken], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        begun = process.stdout.read(1)
        time.sleep(4)  # nobody reads meanwhile
        with ThreadPoolExecutor() as pool:
            rest = pool.submit(process.stdout.read)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            text = begun + rest.result(20)
        assert process.wait(10) == 130

    records: list[dict[str, Any]] = json.loads(text)
    books = [one for one in records if one["type"] == "book_update"]
    assert max(one["received_ns"] - one["venue_ns"] for one in books) < 1_000_000_000
    assert books[-1]["received_ns"] - books[0]["received_ns"] > 3_000_000_000
    longest = max(b["received_ns"] - a["received_ns"] for a, b in pairwise(books))
    assert longest < 1_000_000_000 or "dropped" in [one["type"] for one in records]


def test_a_reader_that_leaves_a_quiet_stream_is_noticed(kraken: str) -> None:
    words = ("session", "-s", "BTC/USD", "-f", "ndjson", "--endpoint", kraken)
    with subprocess.Popen(
        [*FLUXUM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 1
        assert process.stderr.read() == ""


PLACE = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-q", "0.01", "-p", "100", "-y")
COMMANDS: dict[str, tuple[str, ...]] = {
    "orderbook": ("orderbook", "-s", "BTC/USD", "--count", "3", "--depth", "3"),
    "book": ("stream", "book", "-s", "BTC/USD", "--count", "4"),
    "trade": ("stream", "trade", "-s", "BTC/USD", "--count", "4"),
    "ticker": ("stream", "ticker", "-s", "BTC/USD", "--count", "2"),
    "candle": ("stream", "candle", "-s", "BTC/USD", "--count", "4"),
    "instrument": ("stream", "instrument", "--count", "3"),
    "mixed": ("stream", "trade,book", "-s", "BTC/USD", "--kind", "trade", "--count", "3"),
    "level3": ("stream", "level3", "-s", "BTC/USD", "--count", "3", "KEYS"),
    "balance": ("stream", "balance", "--count", "1", "KEYS"),
    "execution": ("stream", "execution", "--count", "1", "KEYS"),
    "session": ("session", "-s", "BTC/USD", "--seconds", "2"),
    "balances": ("balances", "KEYS"),
    "entries": ("ledger", "--entries", "KEYS"),
    "audit": ("ledger", "--audit", "KEYS"),
    "place": (*PLACE, "KEYS", "JOURNAL"),
    "orders": ("order", "list", "KEYS", "JOURNAL"),
    "positions": ("ledger", "-s", "BTC/USD", "--seconds", "3", "KEYS"),
    "follow": ("balances", "--follow", "--seconds", "2", "KEYS"),
    "support": ("support",),
}


def flat(record: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= flat(cast("dict[str, Any]", value), f"{before}{name}.")
        else:
            found[before + name] = value
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_each_value_that_json_has_a_csv_has_a_column_for(
    name: str, kraken: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {
        "KEYS": ("--keys", f"file:{folder / 'keys.toml'}"),
        "JOURNAL": ("--journal", str(folder / "orders.jsonl")),
    }
    words = [one for word in COMMANDS[name] for one in more.get(word, (word,))]
    if name != "support":
        words += ["--endpoint", kraken]

    assert run(*words, "-f", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""), strict=True))
    assert run(*words, "-f", "ndjson") == 0
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert rows
    columns = set(rows[0])
    kinds = {row.get("type") for row in rows}
    data = [one for one in written if one.get("type") in kinds]
    assert data
    for record in data:
        for path, value in flat(record).items():
            assert path in columns or path.partition(".")[0] in columns or value is None, path
    assert all(len(row) == len(columns) and None not in row for row in rows)


@pytest.mark.parametrize("kind", ["book_update", "trade", "subscribed"])
def test_a_replay_has_the_same_values_in_csv(
    kind: str, kraken: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = folder / "replayed.jsonl"
    if not tape.exists():
        words = ("-s", "BTC/USD", "--channel", "book,trade", "--seconds", "1", "--endpoint", kraken)
        assert run("record", str(tape), *words) == 0
        capsys.readouterr()

    assert run("replay", str(tape), "--kind", kind, "-f", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""), strict=True))
    assert run("replay", str(tape), "--kind", kind, "-f", "ndjson") == 0
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert rows
    assert len(rows) == len(written)
    for row, record in zip(rows, written, strict=True):
        for path, value in flat(record).items():
            if value is not None:
                cell = row[path]
                assert (cell if isinstance(value, str) else json.loads(cell)) == value


def test_several_exchanges_go_into_one_stream(kraken: str, binance: str) -> None:
    done = fluxum(
        *("stream", "trade", "-s", "kraken:BTC/USD,binance:BTC/USDT,binance:NOPE/USDT"),
        *("--endpoint", f"kraken={kraken}", "--endpoint", f"binance={binance}"),
        *("--seconds", "3", "-f", "ndjson"),
    )

    assert done.returncode == 1
    trades = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(one["venue"], one["symbol"]) for one in trades if one["type"] == "trade"}
    assert found == {("kraken", "BTC/USD"), ("binance", "BTC/USDT")}
    assert "binance refused 'trade NOPE/USDT'" in done.stderr
    assert "the rest goes on" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fluxum: binance refused 'trade NOPE/USDT'")


def test_an_exchange_out_of_reach_harms_no_other(kraken: str) -> None:
    done = fluxum(
        *("orderbook", "-s", "BTC/USD,binance:BTC/USDT", "-x", "kraken", "--seconds", "3"),
        *("--endpoint", f"kraken={kraken}", "--endpoint", "binance=ws://127.0.0.1:9"),
    )

    assert done.returncode == 1
    assert done.stdout.count("kraken BTC/USD") > 10
    assert "not ready: binance" in done.stderr.splitlines()[-1]
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("support",), marks=pytest.mark.slow),
        pytest.param(("--help",), marks=pytest.mark.slow),
        ("stream", "--help"),
        pytest.param(("completion", "bash"), marks=pytest.mark.slow),
        pytest.param(("demo", "--seconds", "2"), marks=pytest.mark.slow),
        ("orderbook", "-s", "BTC/USD", "--count", "2"),
        ("stream", "trade", "-s", "BTC/USD", "--count", "2", "-f", "json"),
        pytest.param(("balances",), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_an_alphabet_of_ascii_is_enough(words: tuple[str, ...], kraken: str, folder: Path) -> None:
    more: tuple[str, ...] = ()
    if words[0] in {"orderbook", "stream", "balances"} and "--help" not in words:
        more = ("--endpoint", kraken)
    if words[0] == "balances":
        more = (*more, "--keys", f"file:{folder / 'keys.toml'}")
    done = fluxum(*words, *more, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "Traceback" not in done.stderr


def test_a_closed_stdout_is_told_and_no_socket_takes_its_number(kraken: str) -> None:
    words = ("stream", "trade", "-s", "BTC/USD", "--count", "3", "--endpoint", kraken)
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *FLUXUM, *words]

    done = subprocess.run(shell, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    assert done.returncode == 1
    assert "stdout is closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_stderr_is_no_failure(kraken: str) -> None:
    words = ("stream", "trade", "-s", "BTC/USD", "--count", "3", "--endpoint", kraken)
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *FLUXUM, *words]

    done = subprocess.run(shell, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3


def on_a_terminal(words: tuple[str, ...], columns: int, lines: int, term: str) -> tuple[str, int]:
    """What a command writes to a terminal of a size, and its status."""
    ours, theirs = pty.openpty()
    os.set_inheritable(theirs, True)
    with subprocess.Popen(
        [*FLUXUM, *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": term, "COLUMNS": str(columns), "LINES": str(lines)},
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            shown += piece
        code = process.wait(TIMEOUT_S)
    os.close(ours)
    return shown.decode(), code


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 20)])
def test_books_are_drawn_on_a_terminal_and_what_does_not_fit_is_said(
    kraken: str, columns: int, lines: int
) -> None:
    words = ("orderbook", "-s", "BTC/USD,ETH/USD", "--seconds", "2", "--endpoint", kraken)

    shown, code = on_a_terminal(words, columns, lines, "xterm")

    assert code == 0
    assert "\u2502" in shown
    assert "levels a side fit" in shown
    assert "Traceback" not in shown


def test_a_dumb_terminal_gets_lines(kraken: str) -> None:
    words = ("orderbook", "-s", "BTC/USD", "--seconds", "2", "--endpoint", kraken)

    shown, code = on_a_terminal(words, 80, 24, "dumb")

    assert code == 0
    assert "\x1b" not in shown
    assert shown.count("kraken BTC/USD") > 5


def test_the_way_of_each_frame_is_logged_without_a_secret(kraken: str, folder: Path) -> None:
    log = folder / "fluxum.log"
    keys = folder / "keys.toml"

    done = fluxum(
        *("session", "-s", "BTC/USD", "--channel", "execution", "--seconds", "2"),
        *("--keys", f"file:{keys}", "--endpoint", kraken, "-vv", "--log-file", str(log)),
    )

    assert done.returncode == 0, done.stderr
    text = log.read_text()
    assert "is ready" in text
    assert '"channel":"executions","token":"***"' in text
    secret = keys.read_text().split('secret = "')[1].split('"')[0]
    assert secret not in text + done.stderr
