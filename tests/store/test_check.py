"""`check` finds what was changed, lost or added since columns were built."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from fluxum.errors import BadInput, TapeError
from fluxum.store.arrow import arrow, parquet
from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.manifest import ColumnFile, Manifest, manifests, sha256
from store.test_build import NS, handmade, trade

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return handmade(tmp_path / "a.jsonl", trade(1, "100.5"), trade(2, "7"), trade(4, "8"))


@pytest.fixture
def columns(tape: Path, tmp_path: Path) -> Path:
    build([tape], tmp_path / "out")
    return tmp_path / "out"


def file_of(folder: Path, table: str) -> ColumnFile:
    (manifest,) = manifests(folder)
    return next(file for file in manifest.files if file.table == table)


def write_manifest(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    (manifest,) = manifests(folder)
    path = folder / "_fluxum" / f"{manifest.name}.json"
    path.write_bytes(msgspec.json.encode(change(manifest)))


def rewrite(folder: Path, file: ColumnFile, change: Callable[[Any], Any]) -> None:
    """Change a file's rows, and let the manifest have the digest of the changed file."""
    path = folder / file.path
    parquet().write_table(change(parquet().read_table(path, partitioning=None)), path)
    theirs = structs.replace(file, sha256=sha256(path))
    write_manifest(
        folder,
        lambda one: structs.replace(
            one, files=[theirs if old.path == file.path else old for old in one.files]
        ),
    )


def test_what_was_not_touched_is_right(columns: Path, tape: Path) -> None:
    found = check(columns, [[tape]])

    assert found.faults == []
    assert found.replayed == [found.manifests[0].name]


def test_a_changed_file_is_told_by_its_digest(columns: Path) -> None:
    path = columns / file_of(columns, "trade").path
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)

    faults = check(columns).faults

    assert f"{file_of(columns, 'trade').path} is not the file that was written" in faults[0]


def test_a_lost_file_and_a_strange_one_are_told(columns: Path) -> None:
    path = columns / file_of(columns, "trade").path
    path.rename(path.with_name("mine.parquet"))

    first, second = check(columns).faults

    assert first == f"{file_of(columns, 'trade').path} is missing"
    assert second.startswith("trade/venue=kraken/symbol=BTC%2FUSD/date=2026-08-01/mine.parquet is")


def test_a_row_less_opens_the_sums(columns: Path) -> None:
    rewrite(columns, file_of(columns, "trade"), lambda table: table.slice(1))

    faults = check(columns).faults

    assert any(fault.endswith("has 2 rows; 3 were expected") for fault in faults)
    assert any(fault.endswith("trade has 2 events; 3 were expected") for fault in faults)


def test_a_loss_less_opens_the_sums(columns: Path) -> None:
    gap = file_of(columns, "gap")
    assert gap.rows == 2  # trade number 3 is missing; and the recorder was killed

    rewrite(columns, gap, lambda table: table.slice(1))

    assert any("gap has 0 events; 1 were expected" in fault for fault in check(columns).faults)


def test_coverage_that_counts_otherwise_opens_the_sums(columns: Path) -> None:
    def halved(table: Any) -> Any:
        at = table.schema.get_field_index("frames")
        return table.set_column(at, "frames", arrow().array([1] * table.num_rows))

    rewrite(columns, file_of(columns, "coverage"), halved)

    (fault,) = check(columns).faults
    assert fault.endswith("coverage sums up 2 frames; 3 were expected")


@pytest.mark.parametrize("field", ["events", "unfit"])
def test_a_manifest_whose_sums_are_open_is_told(columns: Path, field: str) -> None:
    write_manifest(columns, lambda one: structs.replace(one, **{field: 99}))

    assert any("sums of its manifest do not close" in fault for fault in check(columns).faults)


def test_one_changed_price_is_found_only_with_the_recording(columns: Path, tape: Path) -> None:
    def dearer(table: Any) -> Any:
        at = table.schema.get_field_index("price")
        prices = [price + 1 for price in table["price"].to_pylist()]
        return table.set_column(at, "price", arrow().array(prices, table["price"].type))

    rewrite(columns, file_of(columns, "trade"), dearer)

    assert check(columns).faults == []
    (fault,) = check(columns, [[tape]]).faults
    assert fault == f"{file_of(columns, 'trade').path} differs from what the recording gives"


def test_a_recording_that_the_folder_has_not(columns: Path, tmp_path: Path) -> None:
    other = handmade(tmp_path / "b.jsonl", trade(7, "1"), started_ns=NS + 1)

    with pytest.raises(BadInput, match=r"has no columns of .*b\.jsonl"):
        check(columns, [[other]])
    with pytest.raises(TapeError, match=r"cannot read .*c\.jsonl"):
        check(columns, [[tmp_path / "c.jsonl"]])


def test_a_folder_without_columns_and_a_damaged_manifest(columns: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no columns"):
        check(tmp_path / "nothing")

    write_manifest(columns, lambda one: structs.replace(one, schema=2))
    with pytest.raises(BadInput, match="is of schema 2; 1 was expected"):
        check(columns)

    next((columns / "_fluxum").glob("*.json")).write_bytes(b"{")
    with pytest.raises(BadInput, match="is no manifest of columns"):
        check(columns)
