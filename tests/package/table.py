"""Builds the package and tries it in clean environments: `make package`, one table.

    python tests/package/table.py BUILDER [PYTHON...] [--extras cli,all]

BUILDER is a Python that has `build` and `twine`. A source distribution is built from this folder,
everything else from that file: a pure wheel, and a compiled one for each Python. Then each is
installed in new environments: with no extra, with each of `--extras`, and from source where no
compiler is found. In each: `pip check`, `fluxum --version`, the import, what each extra brings,
and the programs of the README, at simulated exchanges that this Python serves; its commands too
where the command line is installed.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from test_docs import EXAMPLE, OTHER, README, blocks, commands, served

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
TIMEOUT_S = 60
SERVE = "fluxum sim serve --exchange kraken --port 0 --account keys.toml"
BRINGS = {  # modules, by extra
    "cli": ["typer", "rich"],
    "fast": ["uvloop"],
    "frames": ["pyarrow", "duckdb"],
    "kafka": ["confluent_kafka"],
    "keyring": ["keyring"],
    "metrics": ["prometheus_client"],
    "nats": ["nats"],
    "postgres": ["asyncpg"],
    "redis": ["redis"],
    "signing": ["jwt", "cryptography"],
    "tls": ["trustme"],
    "tui": ["typer", "textual"],
}
BRINGS["all"] = [name for names in BRINGS.values() for name in names]
WITH_COMMANDS = {"cli", "tui", "all"}


class Way(NamedTuple):
    """One way to install: a Python, a file of `dist`, extras, and whether a compiler is found."""

    python: str
    file: Path
    extras: str
    compiles: bool = True


class Tried(NamedTuple):
    """What came of one way."""

    version: str
    install_s: float
    size_mb: float
    import_s: float
    programs: int


def call(
    words: Sequence[str | Path],
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """What a command prints; its errors go on, and a failure ends everything."""
    texts = [str(word) for word in words]
    done = subprocess.run(
        texts, check=False, capture_output=True, text=True, env=env, cwd=cwd, timeout=timeout
    )
    if done.returncode:
        sys.exit(f"{' '.join(texts)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def build(builder: str, pythons: Sequence[str]) -> tuple[Path, Path, dict[str, Path]]:
    """The source distribution, the pure wheel, and a compiled wheel for each Python."""
    shutil.rmtree(DIST, ignore_errors=True)
    call([builder, "-m", "build", "--sdist", "--outdir", DIST, ROOT])
    (source,) = DIST.glob("*.tar.gz")
    pure = _wheel(builder, source, {"FLUXUM_PURE": "1"})
    compiled = {python: _wheel(python, source, {}) for python in pythons}
    files: list[str | Path] = sorted(DIST.iterdir())
    call([builder, "-m", "twine", "check", "--strict", *files])
    return source, pure, compiled


def _wheel(python: str, source: Path, more: dict[str, str]) -> Path:
    before = set(DIST.glob("*.whl"))
    with tempfile.TemporaryDirectory() as env:  # a Python of a system may have no pip of its own
        call([python, "-m", "venv", env])
        pip: list[str | Path] = [f"{env}/bin/python", "-m", "pip", "-q"]
        options = ["--no-deps", "--no-cache-dir", "--wheel-dir", str(DIST)]
        call([*pip, "wheel", *options, source], env={**os.environ, **more})
    (made,) = set(DIST.glob("*.whl")) - before
    return made


def attempt(way: Way, folder: Path, urls: tuple[str, str]) -> Tried:
    """Install in a new environment, check, and run what the README shows."""
    place = Path(tempfile.mkdtemp(dir=folder))
    call([way.python, "-m", "venv", place / "env"])
    python = place / "env" / "bin" / "python"
    world = _world(python, way.compiles)
    bare = _size_mb(place)
    wanted = f"{way.file}[{way.extras}]" if way.extras else str(way.file)
    begun = time.monotonic()
    pip: list[str | Path] = [python, "-m", "pip", "-q", "--disable-pip-version-check"]
    call([*pip, "install", "--no-cache-dir", wanted], env=world)
    install_s = time.monotonic() - begun
    call([*pip, "check"], env=world)
    fluxum = python.with_name("fluxum")
    version = call([fluxum, "--version"], env=world, cwd=place)
    for name in BRINGS.get(way.extras, ()):
        call([python, "-c", f"import {name}"], env=world, cwd=place)
    import_s = min(_cpu_s([python, "-c", "import fluxum"], world) for _ in range(3))
    done = sum(1 for _ in _programs(python, world, folder, urls))
    if way.extras in WITH_COMMANDS:
        done += sum(1 for _ in _commands(fluxum, world, folder, urls))
    return Tried(version.strip(), install_s, _size_mb(place) - bare, import_s, done)


def _world(python: Path, compiles: bool) -> dict[str, str]:
    """An environment that knows little more than its Python."""
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    path = f"{python.parent}:/usr/bin:/bin" if compiles else str(python.parent)
    return {**kept, "PATH": path, "HOME": str(python.parents[2]), "XDG_STATE_HOME": "."}


def _cpu_s(words: Sequence[str | Path], world: dict[str, str]) -> float:
    before = os.times()
    call(words, env=world)
    after = os.times()
    used = after.children_user - before.children_user
    return used + after.children_system - before.children_system


def _size_mb(place: Path) -> float:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) / 1e6


def _programs(
    python: Path, world: dict[str, str], folder: Path, urls: tuple[str, str]
) -> Iterator[str]:
    """The output of each program of the README."""
    for number, text in enumerate(blocks("python", README)):
        program = folder / f"program{number}.py"
        program.write_text(text.replace(EXAMPLE, urls[0]).replace(OTHER, urls[1]))
        yield call([python, program], env=world, cwd=folder, timeout=TIMEOUT_S)


def _commands(
    fluxum: Path, world: dict[str, str], folder: Path, urls: tuple[str, str]
) -> Iterator[str]:
    """The output of each command of the README that ends by itself."""
    for block in blocks("console", README):
        for line in commands(block.replace(EXAMPLE, urls[0])):
            if " sim serve " not in line:
                words = shlex.split(line)[1:]
                yield call([fluxum, *words], env=world, cwd=folder, timeout=TIMEOUT_S)


def ways(
    pythons: Sequence[str], extras: Sequence[str], source: Path, pure: Path, made: dict[str, Path]
) -> Iterator[Way]:
    """Every way that is tried."""
    for python in pythons:
        yield Way(python, made[python], "")
        yield from (Way(python, made[python], extra) for extra in extras)
        yield Way(python, pure, "")
        yield Way(python, source, "", compiles=False)


def contents(source: Path) -> None:
    """Say what the source distribution has; fails if tests, documents or typing are not in it."""
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("tests/conftest.py", "docs/conf.py", "requirements/dev.txt", "Makefile", "LICENSE")
    for name in (*wanted, "src/fluxum/py.typed", "src/fluxum/book/_fast.pyx", "bench/table.py"):
        if name not in names:
            sys.exit(f"{source.name} has no {name}")
    rubbish = [one for one in names if re.search(r"__pycache__|\.so$|\.pyc$|_fast\.c$", one)]
    if rubbish:
        sys.exit(f"{source.name} has {', '.join(rubbish)}")


def name_of(python: str) -> str:
    """The Python's version."""
    return call([python, "-c", "import platform; print(platform.python_version())"]).strip()


def main() -> None:
    """Build, try, and print the table."""
    parser = argparse.ArgumentParser(description="Build the package and try it.")
    parser.add_argument("builder")
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    parser.add_argument("--extras", default="cli", help="comma list; each is tried alone")
    given = parser.parse_args()
    source, pure, made = build(given.builder, given.pythons)
    contents(source)
    for path in sorted(DIST.iterdir()):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}", flush=True)
    print("\n| Python | installed | extras | version | pip, s | MB | import, CPU s | ran |")
    print("|---|---|---|---|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        kraken = stack.enter_context(served(SERVE, folder))
        other = stack.enter_context(served("fluxum sim serve -x coinbase --port 0", folder))
        record = "fluxum record btc.jsonl.gz -s BTC/USD --channel book,trade --seconds 2"
        call([sys.executable, "-m", *record.split(), "--endpoint", kraken], cwd=folder)
        for way in ways(given.pythons, given.extras.split(","), source, pure, made):
            tried = attempt(way, folder, (kraken, other))
            kind = "wheel" if way.file.suffix == ".whl" else "source, no compiler"
            kind = "pure wheel" if way.file == pure else kind
            print(
                f"| {name_of(way.python)} | {kind} | {way.extras} | {tried.version} "
                f"| {tried.install_s:.1f} | {tried.size_mb:.1f} | {tried.import_s:.2f} "
                f"| {tried.programs} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
