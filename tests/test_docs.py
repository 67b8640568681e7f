"""Documents that cannot lie: generated ones are current, and the README's blocks run."""

import re
import shlex
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from generate import DOCUMENTS

import fluxum
from commands import commands as run_commands

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = "ws://127.0.0.1:8765"
OTHER = "ws://127.0.0.1:8766"
TIMEOUT_S = 40
RECORDINGS = ("btc.jsonl.gz", "tape.jsonl.gz")


def blocks(language: str, document: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines()]


PAGES = (
    "using-cli.md",
    "using-python.md",
    "monitoring/README.md",
    "columns.md",
    "service/README.md",
)
DOCUMENTED = [README, *((ROOT / "docs" / page).read_text() for page in PAGES)]
SERVE, *CONSOLE = dict.fromkeys(
    block for document in DOCUMENTED for block in blocks("console", document)
)
PROGRAMS = [block for document in DOCUMENTED for block in blocks("python", document)]
HOST = "https://github.com/fluxum/fluxum/blob/main/"
RAW = "https://raw.githubusercontent.com/fluxum/fluxum/main/"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_generated_documents_are_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == DOCUMENTS[name](), "run `make docs`"


def test_every_link_of_the_readme_is_absolute_and_leads_to_a_file() -> None:
    links = re.findall(r"\]\((.*?)\)", README)

    assert len(links) > 20
    for link in links:
        assert link.startswith((HOST, RAW)), link
        assert (ROOT / link.removeprefix(HOST).removeprefix(RAW)).is_file(), link


def test_the_readmes_one_liners_are_those_of_their_pages() -> None:
    rows = re.findall(r"how-to/([a-z-]+)\.md\) \| `(fluxum .*?)`", README)

    assert len(rows) >= 12
    for job, command in rows:
        page = (ROOT / "docs" / "how-to" / f"{job}.md").read_text()
        assert f"$ {command}\n" in page or command.startswith("fluxum bot "), job


def test_the_changelog_begins_with_the_version_and_its_date() -> None:
    heading = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert heading is not None
    assert re.match(rf"{re.escape(fluxum.__version__)}, \d{{4}}-\d\d-\d\d: ", heading[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything of the README runs."""
    return tmp_path_factory.mktemp("readme")


@contextmanager
def served(command: str, folder: Path) -> Generator[str]:
    """A simulated exchange in another process; yields its URL."""
    words = shlex.split(command)
    with subprocess.Popen(
        [sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            while "Ctrl-C" not in said:
                said = process.stderr.readline()
            yield said.split(" at ")[1].split(",")[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    """A simulated Kraken, as the README starts it."""
    (serve,) = commands(SERVE)
    with served(serve.replace("--port 8765", "--port 0"), folder) as url:
        yield url


@pytest.fixture(scope="module")
def other(folder: Path) -> Iterator[str]:
    """A second exchange, for the hub."""
    with served("fluxum sim serve --exchange coinbase --port 0", folder) as url:
        yield url


@pytest.mark.network
@pytest.mark.timeout(5 * TIMEOUT_S)
@pytest.mark.parametrize(
    "block",
    CONSOLE,
    ids=["readme", "market", "account", "metrics", "doctor", "columns", "beside", "service"],
)
def test_the_readmes_commands_run(
    endpoint: str,
    folder: Path,
    block: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    with run_commands(capfd, monkeypatch) as run:
        for command in commands(block):
            fluxum, *words = shlex.split(command.replace(EXAMPLE, endpoint))
            done = run(*words)
            assert (fluxum, done.status) == ("fluxum", 0), f"{command}\n{done.out}\n{done.err}"
            assert done.out or {"record", "compact"} & set(words)


@pytest.mark.network
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_readmes_programs_run(endpoint: str, other: str, number: int, folder: Path) -> None:
    text = PROGRAMS[number]
    for tape in RECORDINGS:  # of the commands before it, which another process may have run
        if tape in text and not (folder / tape).exists():
            record = f"fluxum record {tape} -s BTC/USD --channel book,trade --seconds 2 --endpoint"
            subprocess.run(
                [sys.executable, "-m", *record.split(), endpoint], cwd=folder, check=True
            )
    program = folder / f"program{number}.py"
    program.write_text(text.replace(EXAMPLE, endpoint).replace(OTHER, other))

    done = subprocess.run(
        [sys.executable, program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout
