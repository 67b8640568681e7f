"""The jobs of docs/how-to: each command and each program runs, at simulated exchanges."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from test_docs import served

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
JOBS = sorted(path.stem for path in HOW_TO.glob("*.md") if path.stem != "index")
VENUES = ("kraken", "coinbase", "gemini")
LINES_MAX = 10
RECORD = "fluxum record btc.jsonl.gz -s BTC/USD --channel trade,book,instrument --seconds 3"
PREPARE = "fluxum bot prepare btc.jsonl.gz -o btc.cols"
TIMEOUT_S = 60


def blocks(job: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / f"{job}.md").read_text(), re.DOTALL)


# What a stranger finds to do with such a library.
WANTED = {
    "alert", "back-test", "balances-in-usd", "callbacks", "candle-history", "fills", "instruments",
    "logs", "metrics", "notebook", "one-book-of-several-venues", "post-only-with-rounding",
    "prices-on-several-venues", "profit-of-a-month", "record-into-a-dataframe", "service",
    "several-accounts", "spread", "strategy-on-paper", "synchronous-script", "threads",
    "web-framework",
}  # fmt: skip
COMMANDS = [job for job in JOBS if blocks(job, "console")]
PROGRAMS = [job for job in JOBS if blocks(job, "python")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of them run: the keys are there, and what the commands write."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def boxes(folder: Path) -> Iterator[dict[str, str]]:
    """The URLs of simulated exchanges, each with an account, by name."""
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(
                served(f"fluxum sim serve -x {name} --port 0 --account keys.toml", folder)
            )
            for name in VENUES
        }
        buy = "order place -s BTC/USD --side buy -q 0.01 --type market --yes --journal first.jsonl"
        run(["-m", "fluxum", *buy.split(), "--keys", "file:keys.toml"], urls, folder)
        run(["-m", *shlex.split(RECORD)], urls, folder)
        run(["-m", *shlex.split(PREPARE)], urls, folder)
        yield urls


def run(words: list[str], boxes: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    endpoints = {f"FLUXUM__VENUE__{name.upper()}__ENDPOINT": url for name, url in boxes.items()}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, **endpoints, "BOXED": json.dumps(boxes), "XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(2 * TIMEOUT_S)
@pytest.mark.parametrize("job", COMMANDS)
def test_its_command_does_the_job(job: str, boxes: dict[str, str], folder: Path) -> None:
    (line,) = "".join(blocks(job, "console")).splitlines()

    words = shlex.split(line.removeprefix("$ ").replace("btc.jsonl", "another.jsonl"))
    done = run(["-m", *words], boxes, folder)

    assert done.returncode == 0, done.stderr[-1000:]
    if " bot paper " in line:  # its data is in the journal of a run
        assert re.search(r"[1-9]\d* decisions, [1-9]\d* commands, 0 refused", done.stderr)
    else:
        assert done.stdout or " record " in line


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(2 * TIMEOUT_S)
@pytest.mark.parametrize("job", PROGRAMS)
def test_its_program_does_the_job(job: str, boxes: dict[str, str], folder: Path) -> None:
    (text,) = blocks(job, "python")
    program = folder / f"{job}.py"
    program.write_text(text)

    done = run([str(Path(__file__).with_name("boxed.py")), str(program)], boxes, folder)

    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout or "run_app" in (HOW_TO / f"{job}.md").read_text()


def test_every_job_that_is_wanted_has_a_page_with_a_program() -> None:
    assert set(JOBS) == set(PROGRAMS) == WANTED
    assert len(WANTED) == 22


@pytest.mark.parametrize("job", PROGRAMS)
def test_no_program_is_longer_than_ten_lines(job: str) -> None:
    (text,) = blocks(job, "python")

    assert sum(bool(line.strip()) for line in text.splitlines()) <= LINES_MAX
