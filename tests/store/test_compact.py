"""Small files become one a day: the same rows, and never both or neither after a crash."""

import os
from pathlib import Path

import pytest

from fluxum.errors import BadInput
from fluxum.store import parts
from fluxum.store.build import AlreadyBuilt, build, build_spans
from fluxum.store.check import check
from fluxum.store.compact import compact
from fluxum.store.manifest import manifests
from fluxum.store.query import query
from store.rotated import rotated
from store.test_build import handmade, trade
from store.test_spans import FAULTS, contents, counted, one_by_one

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rotated(tmp_path_factory.mktemp("tape"), 4, seconds=60, faults=FAULTS)


@pytest.fixture
def columns(files: list[Path], tmp_path: Path) -> Path:
    build_spans(one_by_one(files), tmp_path / "out", placed=lambda _: None)
    return tmp_path / "out"


def stored(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))


def test_a_day_is_one_file_a_table_and_market(columns: Path, files: list[Path]) -> None:
    before, sums = contents(columns), counted(columns)

    (made,) = compact(columns)

    places = [path.rpartition("/")[0] for path in stored(columns)]
    assert len(places) == len(set(places))
    assert stored(columns) == sorted(one.path for one in made.files)
    assert manifests(columns) == [made]
    assert len(list((columns / "_fluxum").glob("*.json"))) == 1
    assert contents(columns) == before
    assert counted(columns) == sums
    assert made.sums_close
    assert check(columns, [files]).faults == []
    assert compact(columns) == []


def test_what_comes_later_joins_the_day(columns: Path, files: list[Path], tmp_path: Path) -> None:
    (day,) = compact(columns)
    started_ns = day.merged[0].epoch + 1
    other = handmade(tmp_path / "other.jsonl", trade(1, "0.5"), started_ns=started_ns)
    build([other], columns)
    before = contents(columns)

    (made,) = compact(columns)

    assert manifests(columns) == [made]
    assert len(made.merged) == len(files) + 1
    assert contents(columns) == before
    assert check(columns, [files, [other]]).faults == []
    with pytest.raises(AlreadyBuilt):
        build(files, columns)


def test_days_from_a_date_on_stay(columns: Path) -> None:
    before, day = stored(columns), manifests(columns)[0].name[:8]
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"

    assert compact(columns, before=date) == []
    assert stored(columns) == before


def test_one_changed_value_is_found_in_the_merged_file(
    columns: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    compact(columns)
    other = [files[0].with_name("changed.jsonl"), *files[1:]]
    other[0].write_bytes(files[0].read_bytes())

    assert check(columns, [other]).faults == []
    with monkeypatch.context() as patch:
        patch.setattr("fluxum.store.build.Coverage.of", _miscounting())
        assert any(
            "differs from what the recording gives" in one for one in _faults(columns, files)
        )


def _miscounting() -> object:
    from fluxum.store.coverage import Coverage

    of = Coverage.of

    def wrong(self: Coverage, stream: object) -> object:
        counts = of(self, stream)  # type: ignore[arg-type]
        counts.unfit += 1
        return counts

    return wrong


def _faults(columns: Path, files: list[Path]) -> list[str]:
    return list(check(columns, [files]).faults)


class Killed(BaseException):
    """What a test ends a compaction with, at once."""


def _stay(_: parts.Staging) -> None:
    """What a process that was killed removes."""


def stop_before(step: int, patch: pytest.MonkeyPatch) -> None:
    """End the process before its next rename or removal of a file, and leave all as it is."""
    left = iter(range(step))
    rename, unlink = Path.rename, Path.unlink

    def renaming(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise Killed
        return rename(path, target)

    def removing(path: Path, missing_ok: bool = False) -> None:
        if next(left, None) is None:
            raise Killed
        unlink(path, missing_ok)

    patch.setattr(Path, "rename", renaming)
    patch.setattr(Path, "unlink", removing)
    patch.setattr(parts.Staging, "remove", _stay)


def test_a_crash_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tapes = [
        handmade(tmp_path / f"{number}.jsonl", trade(number, "2.5"), started_ns=NS + number)
        for number in (1, 2)
    ]
    step, is_done = 0, False
    while not is_done:
        out = tmp_path / f"out{step}"
        for tape in tapes:
            build([tape], out)
        with monkeypatch.context() as patch:
            stop_before(step, patch)
            try:
                compact(out)
                is_done = True
            except Killed:
                pass

        asked = query(out, "SELECT count(*), sum(price * quantity) FROM trade")
        assert [tuple(map(float, one)) for one in asked] == [(2, 2.5)]
        compact(out)
        assert [len(one.merged) for one in manifests(out)] == [2]
        assert check(out, [[one] for one in tapes]).faults == []
        assert not list((out / "_fluxum").glob("*.building"))
        step += 1
    assert step > 3 + 1 + 2 * 3 + 2  # files, the manifest, the old files, the old manifests


def test_a_changed_file_is_refused_and_nothing_is_touched(columns: Path) -> None:
    path = columns / manifests(columns)[0].files[-1].path
    os.truncate(path, path.stat().st_size - 1)
    before = stored(columns)

    with pytest.raises(BadInput, match="is missing or was changed"):
        compact(columns)
    assert stored(columns) == before


def test_a_folder_without_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no columns"):
        compact(tmp_path)


NS = 1_785_585_600_000_000_000  # 2026-08-01T12:00:00Z
