"""`bot new`, `check`, `compare` and `halt`: files, results, exit statuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import Raw

from fluxum.bot import run as run_bot
from fluxum.bot.engine_state import EngineState, Step, encode
from fluxum.bot.journal import BotJournal, RunHead
from fluxum.cli.main import app
from fluxum.cli.process import exit_code

GOOD = ["-p", "market=kraken:BTC/USD", "-p", "size=0.1", "-p", "held_max=1"]


def run(*words: str | Path) -> int:
    try:
        return exit_code(lambda: app(["bot", *map(str, words)]))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize("kind", ["maker", "arbitrage", "trend"])
def test_a_new_strategy_comes_with_a_test_that_passes(tmp_path: Path, kind: str) -> None:
    assert run("new", tmp_path / "mine.py", "--kind", kind) == 0

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_new_strategy_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    run("new", path)

    said = capsys.readouterr().err
    assert f"fluxum bot check {path} -p market=... -p size=... -p held_max=..." in said


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_mine.py").write_text("mine")

    assert run("new", tmp_path / "mine.py") == 2

    assert "a file that does not exist was expected" in capsys.readouterr().err
    assert not (tmp_path / "mine.py").exists()
    assert run("new", tmp_path / "new.py", "-k", "magic") == 2


def test_a_strategy_that_passes_its_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("new", tmp_path / "mine.py")
    capsys.readouterr()

    assert run("check", f"{tmp_path / 'mine.py'}:Maker", *GOOD, "--format", "ndjson") == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["name"]: row["is_passed"] for row in rows} == dict.fromkeys(
        ["purity", "memory", "look-ahead", "warm-up", "restart"], True
    )


def test_a_strategy_that_reads_a_clock_fails_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clocked.py"
    run("new", path)
    path.write_text("import time\n" + path.read_text())
    capsys.readouterr()

    assert run("check", path, *GOOD) == 1

    said = capsys.readouterr()
    assert "FAILED  purity      line 1: import of time, which reads a clock" in said.out
    assert "failed: purity" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.py"], "a file with a strategy was expected, was nothing.py"),
        (["no.such.module"], "a file or module with a strategy was expected"),
        (["mine.py:Makers", *GOOD], "was 'Makers'; did you mean 'Maker'?"),
        (["mine.py", *GOOD, "-p", "sise=1"], "did you mean 'size'?"),
        (["mine.py", *GOOD, "-p", "size=abc"], "Maker: Invalid decimal string - at `$.size`"),
        (["mine.py", *GOOD, "-p", "market=BTC/USD"], "a market like VENUE:BTC/USD was expected"),
        (["mine.py", *GOOD, "-p", "size"], "--param: NAME=VALUE was expected, was 'size'"),
        (["mine.py"], "Maker needs market, size, held_max: -p NAME=VALUE, or in a file, -c FILE"),
        (["mine.py", *GOOD[:4]], "Maker needs held_max: -p NAME=VALUE"),
        (["broken.py"], "broken.py cannot be imported: ZeroDivisionError: division by zero"),
        (["mine.py", "-c", "no.toml"], "cannot read no.toml"),
        (["mine.py", "-c", "bad.toml"], "bad.toml is no TOML"),
    ],
)
def test_what_makes_no_sense_is_said_with_status_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run("new", "mine.py")
    Path("broken.py").write_text("1 / 0")
    Path("bad.toml").write_text("size = = 1")
    capsys.readouterr()

    assert run("check", *words) == 2

    assert message in capsys.readouterr().err


def test_parameters_of_a_file_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fluxum.cli.bot_options import strategy_of

    monkeypatch.chdir(tmp_path)
    run("new", "mine.py")
    Path("mine.toml").write_text('market = "kraken:BTC/USD"\nsize = 0.1\nheld_max = 1\n')

    made = strategy_of("mine.py:Maker", ["size=0.30"], Path("mine.toml"))

    assert str(getattr(made, "size", "")) == "0.30"
    assert str(getattr(made, "held_max", "")) == "1"


def test_a_run_without_a_bot_cannot_be_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fluxum.cli.bots._HALT_S", 0.2)
    assert run("halt", tmp_path, "--reason", "x") == 2
    (tmp_path / "decisions.jsonl").touch()

    assert run("halt", tmp_path, "--reason", "x") == 1

    assert "no bot runs in" in capsys.readouterr().err
    assert not (tmp_path / "halt").exists()


def test_a_run_whose_strategy_failed_stays_halted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("resume", tmp_path, "--reason", "x", "--yes")
    assert run(*words) == 2
    head = RunHead(
        strategy="Near", parameters=Raw(b"{}"), limits=Raw(b"{}"), seed=0, markets=(),
        mode="paper", begun_ns=1,
    )  # fmt: skip
    state = EngineState(halted="the strategy failed: 1 / 0", failed="1 / 0")
    with BotJournal(tmp_path / "decisions.jsonl", head) as journal:
        journal.keep(Step(received=0, state=encode(state)))

    assert run(*words) == 1

    assert "stays halted, its strategy failed: 1 / 0" in capsys.readouterr().err
    assert not (tmp_path / "resume").exists()


def test_a_folder_that_is_no_run_cannot_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", tmp_path) == 1

    assert "cannot read" in capsys.readouterr().err
    assert callable(run_bot)
