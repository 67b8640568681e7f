"""`make venue`: a new exchange begins with a folder that imports and is in the register."""

import ast
from pathlib import Path

import pytest
from scaffold import MODULES, PROJECT, REGISTER, ROOT, begin


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for one in (REGISTER, PROJECT):
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).write_text((ROOT / one).read_text())
    return tmp_path


def test_a_new_exchange_is_a_folder_a_line_and_a_place_for_captures(root: Path) -> None:
    assert begin(root, "bitstamp") == ""

    folder = root / "src/fluxum/venues/bitstamp"
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in written} == set(MODULES)
    for path in written:
        assert ast.get_docstring(ast.parse(path.read_text()))
    assert (root / "tests/venues/bitstamp/captures/public.jsonl").read_text() == ""
    register = (root / REGISTER).read_text()
    assert '\n    "bitstamp": "bitstamp:BITSTAMP",\n    # make venue' in register
    assert '"fluxum.venues.bitstamp | fluxum.venues.' in (root / PROJECT).read_text()


@pytest.mark.parametrize("name", ["", "Bitstamp", "bit stamp", "../x", "1st"])
def test_a_name_that_cannot_be_is_shown(root: Path, name: str) -> None:
    assert repr(name) in begin(root, name)


def test_nothing_that_exists_is_overwritten(root: Path) -> None:
    assert begin(root, "bitstamp") == ""
    (root / "src/fluxum/venues/bitstamp/native.py").write_text("mine")

    assert "already" in begin(root, "bitstamp")
    assert (root / "src/fluxum/venues/bitstamp/native.py").read_text() == "mine"
