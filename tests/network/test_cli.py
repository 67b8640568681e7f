"""Commands as processes: what they print, how they end, and that Ctrl-C ends them at once."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40


def fluxum(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLUXUM, *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@contextmanager
def started(*words: str) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*FLUXUM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with started("sim", "serve", "--port", "0", "--rate", "50") as process:
        assert process.stderr is not None
        yield process.stderr.readline().split(" at ")[1].split(",")[0]


def test_the_demo_shows_a_desync_a_cut_and_both_healed() -> None:
    done = fluxum("demo", "--seconds", "4", "--format", "ndjson")

    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    types = [record["type"] for record in records]
    lost = types.index("link_lost")
    assert types.index("desync") < types.index("resynced") < lost
    later = types[lost:]
    assert later.index("gap") < later.index("book_snapshot")
    states = [record["new"] for record in records if record["type"] == "state_change"]
    assert states.count("ready") >= 3
    assert "reconnecting" in states
    summary = records[-1]
    assert summary["type"] == "summary"
    assert summary["sums_close"] is True
    assert summary["state"] == "ready"
    assert summary["frames"] == summary["data"] + summary["control"] + summary["rejected"]
    assert [proof["status"] for proof in summary["proofs"]] == ["valid", "valid"]


def test_a_book_in_a_pipe_is_lines_with_their_proof(endpoint: str) -> None:
    done = fluxum(
        *("orderbook", "-s", "BTC/USD", "--depth", "3", "--count", "4"),
        *("--format", "ndjson", "--endpoint", endpoint),
    )

    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 4
    assert {record["type"] for record in records} == {"book"}
    assert {record["proof"]["status"] for record in records} == {"valid"}
    assert len(records[0]["bids"]) == len(records[0]["asks"]) == 3
    assert isinstance(records[0]["bids"][0]["price"], str)
    assert "ready" in done.stderr


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_every_format_is_whole(endpoint: str, form: str) -> None:
    done = fluxum(
        *("stream", "ticker", "-s", "BTC/USD", "--count", "3"),
        *("--format", form, "--endpoint", endpoint),
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if form == "json":
        records = json.loads(done.stdout)
        assert [one["type"] for one in records].count("ticker") == 3
    elif form == "csv":
        assert lines[0].startswith("type,venue,symbol,bid,")
        assert len(lines) == 4
    else:
        assert all("BTC/USD ticker bid" in line for line in lines)
        assert len(lines) == 3


def test_a_service_has_tapes_and_their_columns(endpoint: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")
    folder = tmp_path / "data"
    words = ("record", "-o", str(folder), "--columns", "-s", "BTC/USD", "--rotate-every", "1s")

    done = fluxum(*words, "--seconds", "2.5", "--endpoint", endpoint)

    assert done.returncode == 0, done.stderr
    tapes = list((folder / "tapes").iterdir())
    assert f"rows of {len(tapes)} files in {folder / 'columns'}" in done.stderr
    assert len(tapes) > 1
    checked = fluxum("columns", "check", str(folder / "columns"), str(folder / "tapes"))
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count("replayed and equal row by row") == len(tapes)


def test_a_refused_symbol_ends_with_the_venues_words(endpoint: str) -> None:
    done = fluxum("stream", "trade", "-s", "XBT/USD", "--endpoint", endpoint)

    assert done.returncode == 1
    assert "Currency pair not supported XBT/USD" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_nobody_listens_on_is_a_failure_when_the_time_is_up() -> None:
    done = fluxum("orderbook", "-s", "BTC/USD", "--seconds", "2", "--endpoint", "ws://127.0.0.1:9")

    assert done.returncode == 1
    assert "not ready: kraken public-1: not connected: cannot reach ws://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_crash(endpoint: str) -> None:
    with started("stream", "book", "-s", "BTC/USD", "--endpoint", endpoint) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) in {0, 1}
        assert "Traceback" not in process.stderr.read()


def test_doctor_finds_all_well_and_audits_the_book(endpoint: str) -> None:
    done = fluxum("doctor", "--audit", "1", "--format", "json", "--endpoint", endpoint)

    checks = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stderr
    assert {"rest", "clock", "status", "link public", "book BTC/USD", "limits"} <= set(checks)
    assert {one["outcome"] for one in checks.values()} <= {"ok", "warning"}
    assert checks["audit BTC/USD"]["figures"]["percent"] == 100.0


def test_doctor_fails_with_advice_where_nobody_answers() -> None:
    done = fluxum("doctor", "--endpoint", "ws://127.0.0.1:9")

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("failed   kraken tcp 127.0.0.1"))
    assert lines[at + 1].strip().startswith("-> Check the firewall")
    assert "checks failed: kraken tcp 127.0.0.1:9, kraken rest, kraken link public" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [("session",), ("stream", "trade"), ("record", "tape.jsonl")],
    ids=["session", "stream", "record"],
)
def test_a_command_that_runs_for_long_serves_its_metrics(
    endpoint: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    words = tuple(str(tmp_path / one) if "." in one else one for one in words)
    command = (*words, "-s", "BTC/USD", "--metrics", "0", "--endpoint", endpoint)
    with started(*command) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        while "metrics at " not in line:
            line = process.stderr.readline()
        with urllib.request.urlopen(line.split()[-1], timeout=5) as answer:
            text = answer.read().decode()
        process.terminate()
        assert process.wait(10) in {143, 1}

    assert 'fluxum_session_state{session="1",state="ready",venue="kraken"}' in text
    assert ("fluxum_recorder_up" in text) == (words[0] == "record")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
    ids=["ctrl-c", "sigterm"],
)
@pytest.mark.parametrize(
    ("words", "works"),
    [
        (("demo",), "ready"),
        (("orderbook", "-s", "BTC/USD"), "ready"),
        (("stream", "trade,book", "-s", "BTC/USD"), "ready"),
        (("session", "-s", "BTC/USD"), "ready"),
        (("record", "tape.jsonl.gz", "-s", "BTC/USD"), "ready"),
        (("sim", "serve", "--port", "0"), "Ctrl-C ends it"),
    ],
    ids=["demo", "orderbook", "stream", "session", "record", "sim serve"],
)
def test_a_signal_ends_every_command_at_once(
    endpoint: str,
    words: tuple[str, ...],
    works: str,
    number: signal.Signals,
    status: int,
    tmp_path: Path,
) -> None:
    has_endpoint = words[0] not in {"demo", "sim"}
    more = ("--endpoint", endpoint) if has_endpoint else ()
    words = tuple(str(tmp_path / word) if word.endswith(".gz") else word for word in words)
    begun = time.monotonic()
    with started(*words, *more) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout if words[0] in {"demo", "session"} else process.stderr
        while works not in said.readline():
            pass
        pressed = time.monotonic()
        process.send_signal(number)
        code = process.wait(TIMEOUT_S)
        took_s = time.monotonic() - pressed

        assert code == status
        assert "Traceback" not in process.stderr.read()
        # How long anything takes is the machine's business: at once is less than to begin.
        assert took_s < max(1.0, pressed - begun)


def test_ctrl_c_is_heard_where_a_shell_had_it_ignored(endpoint: str) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a child inherits
    try:
        with started("stream", "book", "-s", "BTC/USD", "--endpoint", endpoint) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(5) == 130
    finally:
        signal.signal(signal.SIGINT, before)
