"""Bots over real sockets: on paper with a tape, with an account, halted from outside, killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from commands import Commands, commands, exchange_at
from fluxum.bot.journal import read_lines

pytestmark = pytest.mark.network

QUOTES = ["-p", "market=kraken:BTC/USD", "-p", "size=0.01", "-p", "held_max=1"]


@pytest.fixture
def fluxum(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    with commands(capfd, monkeypatch) as made:
        yield made


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fluxum", "bot", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def wait_decisions(folder: Path, count: int) -> None:
    path = folder / "decisions.jsonl"
    for _ in range(900):
        if path.is_file() and path.read_bytes().count(b'"decision"') >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"no {count} decisions in {path}")


def test_a_paper_run_compares_with_itself_and_resumes(
    fluxum: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fluxum("bot", "new", "mine.py")
    words = ["bot", "paper", "mine.py", *QUOTES, "--deposit", "USD=100000", "--journal", "run"]
    with exchange_at(tmp_path) as url:
        for _ in range(2):
            done = fluxum(*words, "--seconds", "2", "--endpoint", url)
            assert done.status == 0, done.err
    compared = fluxum("bot", "compare", "run", "--format", "json")
    reported = fluxum("bot", "report", "run", "--format", "json")
    paged = fluxum("bot", "report", "run", "--html", "run.html")

    assert reported.status == paged.status == 0, reported.err
    numbers = json.loads(reported.out)[0]["numbers"]
    assert numbers["findings"] == []
    assert {one["closing"]["unexplained"] for one in numbers["worlds"].values()} == {"0"}
    assert "the bot did not run" in Path("run.html").read_text()
    assert compared.status == 0, compared.err
    (found,) = json.loads(compared.out)
    assert (found["differing"], found["unreached"]) == (0, 0)
    assert found["decisions"] > 20


def test_a_bot_is_halted_from_outside_with_status_3_and_resumed_by_a_person(
    fluxum: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fluxum("bot", "new", "mine.py")
    with exchange_at(tmp_path) as url:
        words = ["paper", "mine.py", *QUOTES, "--deposit", "USD=100000"]
        with started(tmp_path, *words, "--journal", "run", "--endpoint", url) as bot:
            wait_decisions(tmp_path / "run", 5)
            assert fluxum("bot", "halt", "run", "--reason", "the news").status == 0
            out, err = bot.communicate(timeout=20)
        words += ["--journal", "run", "--endpoint", url, "--seconds", "2"]
        still = fluxum("bot", *words)
        refused = fluxum("bot", "resume", "run", "--reason", "over")
        resumed = fluxum("bot", "resume", "run", "--reason", "over", "--yes")
        again = fluxum("bot", *words)
        twice = fluxum("bot", "resume", "run", "--reason", "over", "--yes")

    assert bot.returncode == still.status == 3
    assert "halted: the news" in out
    assert "halted: the news" in err
    assert refused.status == 2, "nobody can be asked"
    assert "which was halted at" in resumed.err
    assert "the news" in resumed.err
    assert "fluxum bot paper" in resumed.err
    assert again.status == 0, again.err
    assert "resumed: over" in again.err
    assert fluxum("bot", "compare", "run").status == 0
    assert (twice.status, "is not" in twice.err) == (2, True)


def test_a_bot_with_an_account_survives_a_kill_and_forgets_no_order(
    fluxum: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fluxum("bot", "new", "mine.py")
    keys = ["--keys", "file:account.toml"]
    with exchange_at(tmp_path) as url:
        words = ["run", "mine.py", *QUOTES, *keys, "--journal", "run", "--endpoint", url, "--yes"]
        with started(tmp_path, *words) as bot:
            wait_decisions(tmp_path / "run", 10)
            bot.send_signal(signal.SIGKILL)
        with started(tmp_path, *words) as bot:
            wait_decisions(tmp_path / "run", 25)
            bot.send_signal(signal.SIGINT)
            _, err = bot.communicate(timeout=30)
            assert bot.returncode == 130, err
        listed = fluxum("order", "list", *keys, "--endpoint", url, "--format", "json")

    assert json.loads(listed.out) == [], "an order was left behind"
    _, lines = read_lines(tmp_path / "run" / "decisions.jsonl")
    names = [
        one["command"]["request"]["client_order_id"]
        for line in lines
        if line.decision
        for one in json.loads(bytes(line.decision)).get("commands", [])
        if one["command"]["type"] == "place"
    ]
    assert len(names) == len(set(names)) > 2
