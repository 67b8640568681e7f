"""Documents that cannot lie: generated ones are current, and the README's blocks run."""

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blocks import pages
from generate import DOCUMENTS

import fluxum
from commands import commands as run_commands

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = "ws://127.0.0.1:8765"
OTHER = "ws://127.0.0.1:8766"
TIMEOUT_S = 40
RATE = " --rate 100"  # market moves per second: programs that wait for many events take less time
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
    "bots.md",
    "serve.md",
    "service/README.md",
)
DOCUMENTED = [README, *((ROOT / "docs" / page).read_text() for page in PAGES)]
GUIDES = ("backtests.md", "reports.md")
ELSEWHERE = {  # who runs the blocks of other pages
    "from-other-clients.md": "tests/network/test_client.py",
    "streams-out.md": "tests/network/test_sinks.py",
    "tutorials/": "tests/test_tutorials.py",
    "how-to/": "tests/test_jobs.py",
    "watch.md": "tests/test_shown_commands.py",  # read, not run: a terminal is needed
}
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
    with served(serve.replace("--port 8765", "--port 0") + RATE, folder) as url:
        yield url


@pytest.fixture(scope="module")
def other(folder: Path) -> Iterator[str]:
    """A second exchange, for the hub."""
    with served(f"fluxum sim serve --exchange coinbase --port 0{RATE}", folder) as url:
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
@pytest.mark.timeout(2 * TIMEOUT_S)
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_readmes_programs_run(
    endpoint: str,
    other: str,
    number: int,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = PROGRAMS[number]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    with run_commands(capfd, monkeypatch) as run:
        for tape in RECORDINGS:  # of the commands before it, which another process may have run
            if tape in text and not (folder / tape).exists():
                record = f"record {tape} -s BTC/USD --channel book,trade --seconds 2 --endpoint"
                run(*record.split(), endpoint)
    program = folder / ("maker.py" if "class Maker" in text else f"program{number}.py")
    program.write_text(text.replace(EXAMPLE, endpoint).replace(OTHER, other))
    if "from maker import" in text:
        (strategy,) = (one for one in PROGRAMS if "class Maker" in one)
        (folder / "maker.py").write_text(strategy)
    capfd.readouterr()

    # In this process, and in a namespace of its own: a new interpreter takes half a second.
    runpy.run_path(str(program), run_name="__main__")
    sys.modules.pop("maker", None)

    assert capfd.readouterr().out or "asyncio.run" not in text


@pytest.mark.network
@pytest.mark.timeout(5 * TIMEOUT_S)
def test_the_guides_run_from_the_first_step_to_the_last(
    endpoint: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [(ROOT / "docs" / page).read_text() for page in GUIDES]
    lines = [line for one in texts for block in blocks("console", one) for line in commands(block)]
    with run_commands(capfd, monkeypatch) as run:
        for line in lines:
            _, *words = shlex.split(line, comments=True)
            ending = ["--seconds", "2", "--endpoint", endpoint] if words[0] == "record" else []
            done = run(*words, *ending)
            assert done.status == 0, f"{line}\n{done.out}\n{done.err}"
    for text in (program for one in texts for program in blocks("python", one)):
        exec(compile(text, "<guide>", "exec"), {"__name__": "__main__"})


def test_the_blocks_of_every_page_are_run() -> None:
    run = {"README.md", *(f"docs/{page}" for page in (*PAGES, *GUIDES, *ELSEWHERE))}

    for page in pages():
        assert page.startswith(tuple(run)), page
    for test in ELSEWHERE.values():
        assert (ROOT / test).exists(), test
