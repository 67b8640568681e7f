"""`make venue`: a new exchange begins with a folder that works and is in the register.

The template itself is linted and type checked like any other code, and is dealt the cards of
`venues/test_conformance.py`.
"""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scaffold import PROJECT, REGISTER, ROOT, begin, modules

import fluxum.venues


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
    assert {path.relative_to(folder).as_posix() for path in written} == set(modules())
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


@pytest.fixture
def written(root: Path) -> Iterator[Path]:
    """A new exchange that can be imported."""
    assert begin(root, "zaif") == ""
    fluxum.venues.__path__.append(str(root / "src/fluxum/venues"))
    yield root / "src/fluxum/venues/zaif"
    fluxum.venues.__path__.pop()
    for name in [one for one in sys.modules if one.startswith("fluxum.venues.zaif")]:
        del sys.modules[name]


def test_what_is_written_is_formatted_and_every_module_of_it_imports(written: Path) -> None:
    for command in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, written], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
    for path in written.rglob("*.py"):
        assert "newvenue" not in path.read_text().lower()
        name = path.relative_to(written).with_suffix("").as_posix().replace("/", ".")
        module = importlib.import_module(f"fluxum.venues.zaif.{name.removesuffix('.__init__')}")
        assert all(hasattr(module, one) for one in getattr(module, "__all__", ()))
    assert importlib.import_module("fluxum.venues.zaif.venue").ZAIF.name == "zaif"
