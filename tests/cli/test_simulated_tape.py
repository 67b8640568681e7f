"""`sim record`: a tape without a network, and from a new strategy to a report in four commands."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.model.event import LinkLost
from fluxum.replay import Replay
from fluxum.sim.loop import START_NS
from fluxum.tape.reader import TapeReader


def run(*words: str | Path) -> int:
    try:
        return exit_code(lambda: app([str(word) for word in words]))
    except SystemExit as end:
        return int(end.code or 0)


def raw(path: Path) -> list[bytes]:
    return [line.frame for line in TapeReader(path) if not line.sent]


def test_a_tape_of_a_virtual_minute_is_proved_and_the_same_for_the_same_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again, other = (tmp_path / f"{name}.jsonl.gz" for name in ("first", "again", "other"))

    for path, seed in ((first, "5"), (again, "5"), (other, "6")):
        words = ("-s", "BTC/USD", "--minutes", "1", "--seed", seed)
        assert run("sim", "record", path, *words) == 0

    assert "1 minutes of kraken" in capsys.readouterr().err
    assert run("verify", first) == 0
    lines = list(TapeReader(first))
    assert lines[0].ns == START_NS
    assert START_NS + 55e9 < (lines[-1].ns or 0) <= START_NS + 60e9
    assert raw(first) == raw(again) != raw(other)


def test_faults_and_healing_are_on_the_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"

    assert run("sim", "record", path, "-x", "okx", "--minutes", "1", "--faults", "hangup@20s") == 0

    events = [event for moment in Replay(path).moments() for event in moment.events]
    lost = [one.received_ns - START_NS for one in events if isinstance(one, LinkLost)]
    assert 20e9 in lost
    assert len({line.link for line in TapeReader(path) if line.link}) == 2


def test_no_tape_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_text("precious\n")

    assert run("sim", "record", path) == 2

    assert path.read_text() == "precious\n"
    assert "exists" in capsys.readouterr().err


def test_from_a_new_strategy_to_a_report_are_four_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("sim", "record", "btc.jsonl.gz", "-s", "BTC/USD", "--minutes", "1") == 0
    parameters = ("market=kraken:BTC/USD", "size=0.02", "held_max=0.2", "half_spread_bps=0.05")
    given = [word for one in parameters for word in ("-p", one)]

    assert run("bot", "new", "maker.py") == 0
    assert run("bot", "prepare", "btc.jsonl.gz", "-o", "btc.cols") == 0
    assert run("bot", "backtest", "maker.py", *given, "--tape", "btc.cols", "-o", "run") == 0
    assert run("bot", "report", "run", "--html", "report.html") == 0

    page = Path("report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "BTC/USD" in page


def test_a_parameter_that_is_none_is_named_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("bot", "new", "maker.py") == 0

    result = CliRunner().invoke(
        app, ["bot", "check", "maker.py", "-p", "market=kraken:BTC/USD", "-p", "half_sprad_bps=1"]
    )

    assert "half_spread_bps" in str(result.exception)
    assert "half_sprad_bps" in str(result.exception)
