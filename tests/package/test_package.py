"""The source distribution has what its tests need, and the wheel made of it what users need."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fluxum

ROOT = Path(__file__).parents[2]
BUILD = "import sys, setuptools.build_meta as b; print(b.build_{}(sys.argv[1]))"


def build(kind: str, source: Path, out: Path, **world: str) -> Path:
    """Build one file of a kind from a folder, without a network."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(kind), str(out)],
        cwd=source,
        env={**os.environ, **world},
        capture_output=True,
        text=True,
        check=True,
    )
    return out / done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_pure_wheel_is_built_of_the_source_distribution(tmp_path: Path) -> None:
    archive = build("sdist", ROOT, tmp_path)
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())

    for part in ("tests", "docs", "bench", "examples", "requirements", "src", ".ci"):
        kept = {path.relative_to(source) for path in (source / part).rglob("*")}
        assert {"__pycache__", "_fast.c"}.isdisjoint(path.name for path in kept), part
        wanted = {
            path.relative_to(ROOT)
            for path in (ROOT / part).rglob("*")
            if path.suffix
            in {".py", ".pxd", ".pxi", ".pyx", ".md", ".txt", ".ipynb", ".json", ".toml"}
            and not path.is_relative_to(ROOT / "docs" / "reference" / "api")
        }
        assert wanted <= kept, part
    for name in ("Makefile", "README.md", "CHANGELOG.md", "LICENSE", "setup.py", "SECURITY.md"):
        assert (source / name).is_file(), name

    wheel = build("wheel", source, tmp_path, FLUXUM_PURE="1")
    assert wheel.name == f"fluxum-{fluxum.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (metadata,) = (files.read(one).decode() for one in names if one.endswith("/METADATA"))
    assert {"fluxum/py.typed", "fluxum/cli/support.json", "fluxum/book/_fast.pyx"} <= names
    assert not [name for name in names if not name.startswith(("fluxum/", "fluxum-"))]
    needed = re.findall(r"^Requires-Dist: ([\w.-]+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(needed) == ["aiohttp", "msgspec", "yarl"]
    extras = set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.MULTILINE))
    assert {"all", "cli", "fast", "frames", "kafka", "keyring", "metrics"} <= extras
    assert {"nats", "postgres", "redis", "signing", "tls", "tui"} <= extras
