"""`fluxum columns`: what it writes, and its exit status."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from commands import Commands, commands
from store.test_build import NS, handmade, trade

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")
pytest.importorskip("duckdb", reason="duckdb is not installed: pip install 'fluxum[frames]'")


@pytest.fixture
def fluxum(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Generator[Commands]:
    with commands(capfd, monkeypatch) as run:
        yield run


@pytest.fixture
def tape(tmp_path: Path) -> str:
    return str(handmade(tmp_path / "a.jsonl", trade(1, "100.5"), trade(2, "0.25"), b"nonsense"))


@pytest.fixture
def columns(fluxum: Commands, tape: str, tmp_path: Path) -> str:
    folder = str(tmp_path / "out")
    assert fluxum("columns", "build", tape, "-o", folder).status == 0
    return folder


def test_the_sums_are_written(fluxum: Commands, tape: str, tmp_path: Path) -> None:
    done = fluxum("columns", "build", tape, "-o", str(tmp_path / "out"))

    assert (done.status, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.endswith("a.jsonl: 3 frames, NOT PROVED, 3 files")
    assert second == "  3 events = 1 gap (2 rows) + 2 trade: the sums close"


def test_a_build_as_json_and_a_second_one(
    fluxum: Commands, tape: str, columns: str, tmp_path: Path
) -> None:
    again = fluxum("columns", "build", tape, "-o", columns)
    other = fluxum("columns", "build", tape, "-o", str(tmp_path / "two"), "-f", "json")

    assert (again.status, again.out) == (0, "")
    assert again.err.startswith(f"passed over: {columns} has the columns of a.jsonl already")
    (record,) = json.loads(other.out)
    assert (record["frames"], record["events"], record["sums_close"]) == (3, 3, True)
    assert record["tables"]["trade"] == {"events": 2, "rows": 2}


def test_damage_is_status_1_and_what_cannot_be_read_2(fluxum: Commands, tmp_path: Path) -> None:
    path = handmade(tmp_path / "b.jsonl", trade(1, "1"), trade(2, "2"))
    path.write_bytes(path.read_bytes() + b"nonsense\n{}\n")
    out = str(tmp_path / "out")

    damaged = fluxum("columns", "build", str(path), "-o", out)
    missing = fluxum("columns", "build", str(tmp_path / "no.jsonl"), "-o", out)

    assert damaged.status == 1
    assert "b.jsonl:4 is no recorded frame" in damaged.err
    assert damaged.out.endswith("2 trade: the sums close\n")
    assert missing.status == 2
    assert "cannot read" in missing.err


def test_a_recording_that_has_grown_is_refused(fluxum: Commands, tmp_path: Path) -> None:
    path, out = handmade(tmp_path / "b.jsonl", trade(1, "1")), str(tmp_path / "out")
    assert fluxum("columns", "build", str(path), "-o", out).status == 0
    handmade(path, trade(1, "1"), trade(2, "2"))

    grown = fluxum("columns", "build", str(path), "-o", out)

    assert grown.status == 2
    assert "has columns of a part of the recording b.jsonl" in grown.err


def test_check_is_silent_about_what_is_right_and_names_faults(
    fluxum: Commands, tape: str, columns: str
) -> None:
    right = fluxum("columns", "check", columns, tape)
    file = next(Path(columns).glob("trade/**/*.parquet"))
    file.unlink()
    wrong = fluxum("columns", "check", columns)

    assert (right.status, right.err) == (0, "")
    assert "replayed and equal row by row" in right.out
    assert wrong.status == 1
    assert f"fluxum: {file.relative_to(columns)} is missing" in wrong.err
    assert wrong.err.endswith(f"fluxum: 1 fault in {columns}\n")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("table", "symbol   sum(price)\nBTC/USD      100.75\n"),
        ("csv", "symbol,sum(price)\nBTC/USD,100.750000000000\n"),
        ("ndjson", '{"symbol":"BTC/USD","sum(price)":"100.750000000000"}\n'),
    ],
)
def test_an_answer_in_every_format(
    fluxum: Commands, columns: str, form: str, expected: str
) -> None:
    sql = "SELECT symbol, sum(price) FROM trade GROUP BY symbol"

    assert fluxum("columns", "sql", columns, sql, "-f", form).out == expected
    assert fluxum("columns", "sql", columns, "-f", form, stdin=sql).out == expected


def test_a_long_answer_has_one_header_and_an_empty_one_too(fluxum: Commands, columns: str) -> None:
    long = fluxum("columns", "sql", columns, "SELECT unnest(range(450)) AS n")
    empty = fluxum("columns", "sql", columns, "SELECT price FROM trade WHERE price > 1000")

    assert long.out.split() == ["n", *map(str, range(450))]
    assert empty.out == "price\n"


def test_a_wrong_question_is_status_2(fluxum: Commands, columns: str) -> None:
    done = fluxum("columns", "sql", columns, "DROP TABLE trade")

    assert (done.status, done.out) == (2, "")
    assert done.err == "fluxum: one SELECT was expected, was DROP\n"


def test_past_days_are_made_one_and_the_present_one_stays(
    fluxum: Commands, tape: str, columns: str, tmp_path: Path
) -> None:
    other = handmade(tmp_path / "b.jsonl", trade(3, "7"), started_ns=NS + 1)
    assert fluxum("columns", "build", str(other), "-o", columns).status == 0

    before = fluxum("columns", "compact", columns, "--before", "2026-08-01")
    done = fluxum("columns", "compact", columns, "--before", "2026-08-02", "-f", "json")

    assert (before.status, before.out) == (0, "")
    assert before.err == "every day before 2026-08-01 is one already\n"
    (record,) = json.loads(done.out)
    assert (record["merged"], record["files"], record["sums_close"]) == (2, 3, True)
    checked = fluxum("columns", "check", columns, tape, str(other))
    assert "a.jsonl, b.jsonl: 4 frames, NOT PROVED, 3 files" in checked.out
    assert "replayed and equal row by row" in checked.out


def test_a_date_that_is_none_is_status_2(fluxum: Commands, columns: str) -> None:
    done = fluxum("columns", "compact", columns, "--before", "1.8.2026")

    assert (done.status, done.out) == (2, "")
    assert "a date like 2026-11-30 was expected, was '1.8.2026'" in done.err
