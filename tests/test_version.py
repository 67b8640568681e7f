"""The version's line, and the command without the packages that the command line needs."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from fluxum import version

# The finder of modules refuses one name, as if its package were not installed.
BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["fluxum", *{words!r}]
from fluxum.__main__ import run
run()
"""


def without(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(name=name, words=words)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_what_is_compiled_is_what_is_used() -> None:
    used = [
        room for room in version.compilable() if import_module(f"fluxum.{room}.fast").IS_COMPILED
    ]

    assert list(version.compiled()) == used


@pytest.mark.parametrize(
    ("built", "line"),
    [
        ((), "(in Python, as no C compiler was there: back, book)"),
        (("book",), "(compiled: book; in Python, as no C compiler was there: back)"),
        (("back", "book"), "(compiled: back, book)"),
    ],
)
def test_the_line_says_what_is_compiled(
    built: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for room in ("back", "book"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "_fast.pyx").touch()
    for room in built:
        (tmp_path / room / "_fast.abi3.so").touch()
    monkeypatch.setattr(version, "_SOURCE", tmp_path)
    monkeypatch.setattr(version, "__version__", "1.2.3")

    assert version.described() == f"fluxum 1.2.3 {line}"


def test_the_version_needs_no_package_of_the_command_line() -> None:
    done = without("typer", "--version")

    assert (done.returncode, done.stdout) == (0, f"{version.described()}\n")


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_a_command_without_its_packages_names_the_extra(name: str) -> None:
    done = without(name, "support")

    assert done.returncode == 1
    assert done.stderr == f"the command line needs {name}: pip install 'fluxum[cli]'\n"


def test_another_missing_module_is_no_matter_of_extras() -> None:
    done = without("msgspec", "support")

    assert done.returncode == 1
    assert "fluxum[cli]" not in done.stderr


def test_the_command_line_brings_no_web_client_and_no_server_before_one_is_needed() -> None:
    code = "import sys, fluxum.cli.main; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_a_command_begins_with_the_garbage_collector_on() -> None:
    code = (
        "import sys, gc, fluxum.__main__ as main, fluxum.cli.main as commands\n"
        "commands.run = lambda: print(gc.isenabled(), gc.get_freeze_count() > 0)\n"
        "sys.argv = ['fluxum', 'support']\n"
        "main.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True True\n"
