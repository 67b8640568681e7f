"""The tutorials: files are written, commands and programs run, in the order of each page."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from test_docs import EXAMPLE, served

TUTORIALS = Path(__file__).parents[1] / "docs" / "tutorials"
NAMES = sorted(path.stem for path in TUTORIALS.glob("*.md") if path.stem != "index")
TIMEOUT_S = 60
BLOCK = re.compile(r"```(console|python|toml)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"# (\w+\.\w+)\n")


def steps(name: str) -> Iterator[tuple[str, str]]:
    """The commands and the files of a page: `("", "fluxum ...")` or `(file, text)`."""
    for language, text in BLOCK.findall((TUTORIALS / f"{name}.md").read_text()):
        if language == "console":
            yield from (("", line.removeprefix("$ ")) for line in text.splitlines())
        else:
            file = FILE.match(text)
            assert file is not None, text
            yield file[1], text


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_a_tutorial_is_used(name: str) -> None:
    files = {file for file, _ in steps(name) if file}
    commands = [text for file, text in steps(name) if not file]

    assert commands[0].startswith("fluxum sim serve")
    assert all(any(file in command.split() for command in commands) for file in files)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(3 * TIMEOUT_S)
@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs_from_the_first_step_to_the_last(name: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = EXAMPLE
        for file, text in steps(name):
            text = text.replace(EXAMPLE, url)
            if file:
                (tmp_path / file).write_text(text)
            elif text.startswith("fluxum sim serve"):
                command = text.replace("--port 8765", "--port 0")
                url = stack.enter_context(served(command, tmp_path))
            else:
                program, *words = shlex.split(text)
                command_words = words if program == "python" else ["-m", program, *words]
                done = subprocess.run(
                    [sys.executable, *command_words],
                    cwd=tmp_path,
                    env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT_S,
                    check=False,
                )
                assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr[-1000:]}"
                assert done.stdout or done.stderr, text
                assert "\n  1 variants" not in f"\n  {done.stdout.strip()}", text
