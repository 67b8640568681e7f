"""What is public is named, described and nothing else; and importing it is quick and quiet."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).parents[1] / "src"


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def defined(path: Path) -> set[str]:
    """The public classes and functions that a module makes itself."""
    made = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(path.read_text()).body
    return {node.name for node in body if isinstance(node, made) and node.name[0] != "_"}


# `__main__` runs when it is imported, and an empty package has nothing to name.
PATHS = [
    path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.stem != "__main__" and "import" in path.read_text()
]
modules = pytest.mark.parametrize("path", PATHS, ids=dotted)


def exported(module: ModuleType) -> list[str]:
    names: list[str] = module.__all__
    return names


@modules
def test_all_is_exact(path: Path) -> None:
    names = exported(importlib.import_module(dotted(path)))

    assert len(names) == len(set(names))
    assert defined(path) <= set(names)


@modules
def test_what_is_public_exists_and_says_what_it_is(path: Path) -> None:
    module = importlib.import_module(dotted(path))

    assert (module.__doc__ or "").strip()
    for name in exported(module):
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert (thing.__doc__ or "").strip(), name


def test_importing_is_quiet_and_leaves_the_command_line_out() -> None:
    code = (
        "import sys, fluxum; "
        "print(sorted({'typer', 'rich', 'fluxum.cli', 'fluxum.sim'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")
