"""`bot report`: a run as text, page, record and row; several runs as a table."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.report.files import RunWriter
from fluxum.report.run import RunFact, RunFacts
from runs import synthetic


def run(*words: str | Path) -> int:
    try:
        return exit_code(lambda: app(["bot", "report", *map(str, words)]))
    except SystemExit as end:
        return int(end.code or 0)


def saved(folder: Path, seed: int = 7, **header: object) -> Path:
    facts: RunFacts = synthetic(seed, orders=60)
    lines: tuple[RunFact, ...] = (*facts.orders, *facts.equity, *facts.gaps, *facts.notes)
    with RunWriter(folder, replace(facts.header, **header)) as writer:
        for line in lines:
            writer.write(line)
        writer.end(facts.ends_ns)
    return folder


def test_a_report_is_lines_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(saved(tmp_path / "run")) == 0

    said = capsys.readouterr()
    assert said.out.startswith("Maker\n")
    assert "PROFIT, USD" in said.out
    assert said.err == ""


def test_a_page_is_written_and_stdout_stays_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.html"

    assert run(saved(tmp_path / "run"), "--html", path) == 0

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"report written to {path}\n")
    assert path.read_text().startswith("<!doctype html>")


def test_both_can_be_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(saved(tmp_path / "run"), "--html", tmp_path / "out.html", "--terminal") == 0

    assert "PROFIT, USD" in capsys.readouterr().out


def test_json_has_every_digit_and_every_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(saved(tmp_path / "run"), "--format", "json") == 0

    (record,) = json.loads(capsys.readouterr().out)
    expected = record["numbers"]["worlds"]["expected"]
    assert Decimal(expected["gross"]) == Decimal(expected["net"]) + Decimal(
        expected["trading"]["fees_value"]
    )
    assert expected["closing"]["unexplained"].strip("0.") == ""
    orders = expected["trading"]["orders"]
    assert len(record["orders"]) == orders["filled"] + orders["partly"]
    assert record["performance"]["expected"]["trials"] == 20


def test_several_runs_are_ranked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [
        saved(tmp_path / str(seed), seed, parameters={"lean": str(seed)}) for seed in (1, 2, 3)
    ]

    assert run(*folders) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 RUNS, USD"
    assert [line.split()[1] for line in lines[2:5]] == ["1", "2", "3"]

    assert run(*folders, "--format", "csv", "--trials", "500") == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert {row["parameters"] for row in rows} == {"lean=1", "lean=2", "lean=3"}


def test_trials_deflate_the_ratio_of_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path / "run")

    assert run(folder, "--trials", "9000", "--format", "ndjson") == 0
    assert json.loads(capsys.readouterr().out)["performance"]["expected"]["trials"] == 9000

    assert run(folder, "--trials", "19") == 2
    assert "at least the run's own 20 trials were expected, was 19" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere/run.json: the folder of a run was expected (No such file"),
        (("run", "run", "--html", "x.html"), "--html is for one run, was given 2"),
        (("run", "--risk-free", "-2"), "a risk-free share a year like 0.03 was expected, was -2"),
        ((), "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    saved(tmp_path / "run")
    monkeypatch.chdir(tmp_path)

    assert run(*words) == 2

    assert said in capsys.readouterr().err


def test_a_page_that_cannot_be_written_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(saved(tmp_path / "run"), "--html", tmp_path / "none" / "out.html") == 1

    assert "No such file or directory" in capsys.readouterr().err


def test_damage_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved(tmp_path / "run")
    path = folder / "orders.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"side":"buy"', b'"side":"by"', 1))

    assert run(folder) == 2

    assert "orders.jsonl, line " in capsys.readouterr().err
