"""Columns beside a recorder: each file once it is complete, whatever happened to the recorder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxum.lock import hold
from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.follow import announced, catch_up, follow
from fluxum.store.follower import Follower
from fluxum.store.manifest import manifests
from fluxum.store.spans import Span
from store.rotated import rotated
from store.test_build import NS, handmade, trade
from store.test_spans import FAULTS, contents, counted

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rotated(tmp_path_factory.mktemp("tape"), 3, seconds=60, faults=FAULTS)


@pytest.fixture(scope="module")
def whole(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    build(files, folder)
    return folder


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """A folder of tapes that has none yet."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    return folder


def named(files: list[Path], tapes: Path, columns: Path, found: list[int]) -> Iterator[Path]:
    """Copy each file when it begins, and count the manifests that are there then."""
    for file in files:
        found.append(len(manifests(columns)))
        yield Path(shutil.copy(file, tapes))


def test_each_file_becomes_columns_when_the_next_has_begun(
    files: list[Path], whole: Path, tapes: Path, tmp_path: Path
) -> None:
    found: list[int] = []
    out = tmp_path / "out"

    status = follow(named(files, tapes, out, found), tapes, out)

    assert status == 0
    assert found == [0, 0, 1]
    assert contents(out) == contents(whole)
    assert counted(out) == counted(whole)
    assert check(out, [files]).faults == []


def test_a_recorder_that_was_killed_before_it_named_its_last_file(
    files: list[Path], whole: Path, tapes: Path, tmp_path: Path
) -> None:
    copies = [Path(shutil.copy(file, tapes)) for file in files]
    (tapes / "kraken-begun.jsonl.gz").touch()  # it was killed in the instant it made the file

    assert follow(iter(copies[:2]), tapes, tmp_path / "out") == 0

    assert contents(tmp_path / "out") == contents(whole)
    assert len(manifests(tmp_path / "out")) == 3


def test_earlier_recordings_are_completed_first_and_only_once(
    files: list[Path], whole: Path, tapes: Path, tmp_path: Path
) -> None:
    copies = [Path(shutil.copy(file, tapes)) for file in files]
    out = tmp_path / "out"
    follow(iter(copies[:1]), tmp_path, out)  # ended here, as the process was killed with it
    now = handmade(tapes / "now.jsonl", trade(1, "3"), started_ns=NS + 1)

    assert follow(iter([now]), tapes, out) == 0

    assert {one.tapes[-1].name for one in manifests(out)} >= {"now.jsonl", "kraken-2.jsonl"}
    assert check(out, [copies, [now]]).faults == []
    made = len(manifests(out))
    assert catch_up(tapes, out)
    assert len(manifests(out)) == made


def test_what_another_recorder_has_is_left_to_it(tapes: Path, tmp_path: Path) -> None:
    path = handmade(tapes / "a.jsonl", trade(1, "3"))
    with path.open("rb") as file:
        assert hold(file.fileno())

        assert catch_up(tapes, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_damage_is_told_and_the_others_are_made(
    tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = handmade(tapes / "bad.jsonl", started_ns=NS + 1)
    bad.write_bytes(bad.read_bytes() + b"{nonsense\n{}\n")
    handmade(tapes / "good.jsonl", trade(1, "3"))

    assert follow(iter(()), tapes, tmp_path / "out") == 1

    assert [one.tapes[0].name for one in manifests(tmp_path / "out")] == ["good.jsonl"]
    assert "bad.jsonl:2 is no recorded frame" in capsys.readouterr().err


def test_a_recording_without_a_frame_gives_nothing(tapes: Path, tmp_path: Path) -> None:
    assert follow(iter([tapes / "discarded.jsonl.gz"]), tapes, tmp_path / "out") == 0
    assert list(announced(tapes / "discarded.jsonl.gz", [])) == []


def test_a_file_is_a_span_when_the_next_is_named(tapes: Path) -> None:
    paths = [handmade(tapes / name, trade(1, "3")) for name in ("a.jsonl", "b.jsonl")]

    spans = announced(paths[0], iter(paths[1:]))

    assert list(spans) == [Span([paths[0]], is_last=False), Span([paths[1]])]


@pytest.mark.network  # it waits for a process
def test_the_process_beside_a_recorder(files: list[Path], whole: Path, tmp_path: Path) -> None:
    follower = Follower(tmp_path / "out", files[0].parent)
    follower.announce(files[:1])
    follower.announce(files)

    status = follower.finish(60)

    assert status == 0
    assert not follower.is_running
    assert contents(tmp_path / "out") == contents(whole)
