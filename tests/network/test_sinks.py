"""Streams out as a user has them: the commands and the program of the document, and outages."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sink_outages import trial

from commands import commands, exchange_at
from engines import NAMES, Engine, engine

pytestmark = pytest.mark.network

DOCUMENT = (Path(__file__).parents[2] / "docs" / "streams-out.md").read_text()
ENGINE, EXCHANGE = "nats://127.0.0.1:4222", "ws://127.0.0.1:8765"


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Engine]:
    with engine("nats") as running:
        yield running


@pytest.fixture(scope="module", name="endpoint")
def _endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with exchange_at(tmp_path_factory.mktemp("exchange")) as url:
        yield url


def test_the_documents_commands_publish_check_and_read(
    running: Engine,
    endpoint: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (block,) = re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL)
    words = [
        line.removeprefix("$ fluxum ")
        .replace(ENGINE, running.url)
        .replace(EXCHANGE, endpoint)
        .replace('"', "")
        .split()
        for line in block.splitlines()
    ]
    with commands(capfd, monkeypatch) as run:
        published, checked, read = (run(*one) for one in words)
        again = run("sink", "check", running.url, "--format", "ndjson", "--quiet", "0.3")

    assert published.status == 0, published.err
    assert "kraken/BTC-USD/book: " in published.out
    assert checked.status == 0, checked.err
    records = [json.loads(line) for line in again.out.splitlines()]
    assert {one["stream"] for one in records} >= {"kraken/BTC-USD/trade", "kraken/link"}
    assert all(one["sums_close"] and one["is_whole"] and one["is_closed"] for one in records)
    assert read.status == 0
    assert [json.loads(line)["type"] for line in read.out.splitlines()].count("trade") == 3
    assert "sums close" in read.err


def test_the_documents_program_runs(running: Engine, endpoint: str, tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    program = tmp_path / "program.py"
    program.write_text(text.replace(ENGINE, running.url).replace(EXCHANGE, endpoint))

    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=40, check=False
    )

    assert done.returncode == 0, done.stderr[-1000:]
    assert "BookStatus.VALID" in done.stdout
    assert "True True" in done.stdout


def test_what_is_missing_in_an_engine_is_exit_status_1(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with commands(capfd, monkeypatch) as run, engine("nats") as empty:
        nothing = run("sink", "check", empty.url, "--quiet", "0.1")
        gone = run("sink", "check", f"nats://127.0.0.1:{empty.port + 1}0", "--quiet", "0.1")
        wrong = run("sink", "check", "http://user:secret@127.0.0.1", "--quiet", "0.1")

    assert (nothing.status, "nothing is stored there" in nothing.err) == (1, True)
    assert gone.status in {1, 2}
    assert wrong.status == 2
    assert "a URL of an engine was expected" in wrong.err
    assert "secret" not in wrong.err


@pytest.mark.slow
@pytest.mark.timeout(100)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("outage", ["kill", "pause"])
def test_nothing_is_lost_when_an_engine_is_killed_or_held(name: str, outage: str) -> None:
    with engine(name) as running:
        done = asyncio.run(trial(running, outage, rate=300))

    assert done.faults == []
    assert done.dropped == done.missing == 0
    assert done.failures > 0


def test_without_to_every_configured_sink_is_published_to_and_has_a_name(
    running: Engine,
    endpoint: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = f"{running.url}?name=one", f"{running.url}?name=two"
    sinks = ["--set", f"sink.one.url={one}", "--set", f"sink.two.url={two}"]
    trades = ["--set", "sink.two.streams=*/*/trade"]
    words = ["publish", "-s", "BTC/USD", "--seconds", "2", "--endpoint", endpoint]
    with commands(capfd, monkeypatch) as run:
        both = run(*sinks, *trades, *words, "--format", "ndjson")
        checked = run(*sinks, "sink", "check", "two", "--quiet", "0.3", "--format", "ndjson")
        unknown = run(*sinks, *words, "--to", "three")
        none = run(*words)

    assert both.status == 0, both.err
    sums = [json.loads(line) for line in both.out.splitlines() if "outbox_sums" in line]
    assert {(it["sink"], it["stream"]) for it in sums} > {
        ("one", "kraken/BTC-USD/book"),
        ("two", "kraken/BTC-USD/trade"),
    }
    assert {it["stream"] for it in sums if it["sink"] == "two"} == {"kraken/BTC-USD/trade"}
    assert checked.status == 0, checked.err
    assert [json.loads(line)["stream"] for line in checked.out.splitlines()] == [
        "kraken/BTC-USD/trade"
    ]
    assert (unknown.status, none.status) == (2, 2)
    assert "a sink was expected (configured: one, two), was 'three'" in unknown.err
    assert "or a table [sink.NAME] in the configuration, was ''" in none.err
