"""A recording that becomes columns file by file gives the rows that it gives as a whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.store.build import AlreadyBuilt, build, build_spans
from fluxum.store.check import check
from fluxum.store.manifest import Manifest, manifests
from fluxum.store.spans import Span, held
from store.rotated import rotated
from store.test_build import rows

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")

FAULTS = "corrupt@20s,hangup@40s"
TABLES = ("trade", "book_level", "ticker", "candle", "gap")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ninety seconds in five files, with a failed check and a lost link."""
    return rotated(tmp_path_factory.mktemp("tape"), 5, faults=FAULTS)


@pytest.fixture(scope="module")
def whole(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    build(files, folder)
    return folder


def one_by_one(files: list[Path]) -> Iterator[Span]:
    for number, file in enumerate(files, start=1):
        yield Span([file], number == len(files))


def contents(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {table: rows(folder, table) for table in TABLES}


def counted(folder: Path) -> dict[tuple[Any, ...], list[int]]:
    """The sums of coverage for each minute and stream."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in rows(folder, "coverage"):
        key = (row["minute_ns"], row["channel"], row["symbol"], row["interval_s"])
        names = ("frames", "events", "rows", "proved", "unfit")
        before = sums.get(key, [0] * len(names))
        sums[key] = [one + row[name] for one, name in zip(before, names, strict=True)]
    return sums


def test_rows_and_sums_are_those_of_the_whole(
    files: list[Path], whole: Path, tmp_path: Path
) -> None:
    made: list[Manifest] = []

    build_spans(one_by_one(files), tmp_path / "out", placed=made.append)

    (all_of_it,) = manifests(whole)
    assert contents(tmp_path / "out") == contents(whole)
    assert counted(tmp_path / "out") == counted(whole)
    assert [one.tapes[0].name for one in made] == [one.name for one in files]
    assert all(one.sums_close for one in made)
    assert sum(one.frames for one in made) == all_of_it.frames
    assert sum(one.events for one in made) == all_of_it.events
    assert [one.proved for one in made].count(False) < len(made)  # a span has its own faults only
    assert not all(one.proved for one in made)
    assert check(tmp_path / "out", [files]).faults == []


def test_a_span_is_in_the_folder_before_the_next_is_requested(
    files: list[Path], tmp_path: Path
) -> None:
    found: list[int] = []

    def spans() -> Iterator[Span]:
        for span in one_by_one(files):
            if (tmp_path / "out").exists():
                found.append(len(manifests(tmp_path / "out")))
                with held(tmp_path / "out"):  # others may write meanwhile
                    pass
            yield span

    build_spans(spans(), tmp_path / "out", placed=lambda _: None)

    assert found == [1, 2, 3, 4]


class Killed(BaseException):
    """What a test ends a build with, at once."""


@pytest.mark.parametrize("first", [1, 4])
def test_a_build_adds_what_the_folder_lacks(
    files: list[Path], whole: Path, tmp_path: Path, first: int
) -> None:
    def spans() -> Iterator[Span]:
        for number, span in enumerate(one_by_one(files)):
            if number == first:
                raise Killed
            yield span

    out = tmp_path / "out"
    with pytest.raises(Killed):
        build_spans(spans(), out, placed=lambda _: None)

    manifest = build(files, out)

    assert [one.name for one in manifest.tapes] == [one.name for one in files[first:]]
    assert contents(out) == contents(whole)
    assert counted(out) == counted(whole)
    assert check(out, [files]).faults == []
    with pytest.raises(AlreadyBuilt, match="has the columns of kraken-0"):
        build(files, out)


def test_columns_of_other_files_of_the_recording_are_refused(
    files: list[Path], tmp_path: Path
) -> None:
    build(files[:2], tmp_path / "out")
    files_changed = [files[0], files[2]]

    with pytest.raises(BadInput, match=r"has columns of a part of the recording kraken-0\.jsonl"):
        build(files_changed, tmp_path / "out")


def test_damage_ends_the_columns_there_and_is_told_once(files: list[Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(files[1].read_bytes() + b"{nonsense\n")
    made: list[Manifest] = []

    with_damage = [files[0], damaged, files[2]]
    build_spans(one_by_one(with_damage), tmp_path / "out", placed=made.append)

    assert [bool(one.damage) for one in made] == [False, True]
    with pytest.raises(AlreadyBuilt, match="up to where it is damaged"):
        build(with_damage, tmp_path / "out")
