"""Every command that a page shows is one that the command line takes, with its options."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from typer.core import TyperGroup
from typer.exceptions import TyperException

from fluxum.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [
    *(path for path in sorted(ROOT.glob("*.md")) if path.stem != "CHANGELOG"),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "decisions" not in path.parts),
    ROOT / "examples" / "README.md",
]
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(fluxum [^`]* -[^`]*)`")  # one without options may be a name alone
PLACEHOLDER = re.compile(r"\.\.\.|\||NAME|TAPE|RUN\b|FILE|URL|PORT|TEXT|STRATEGY|SECONDS|X,Y")


def lines(text: str) -> list[list[str]]:
    """The words of every whole command of a page; those with a placeholder are none."""
    found = [
        line.removeprefix("$ ") for block in BLOCK.findall(text) for line in block.splitlines()
    ]
    found += INLINE.findall(BLOCK.sub("", text))
    whole = [re.split(r" [>&]", line)[0] for line in found if not PLACEHOLDER.search(line)]
    return [shlex.split(line, comments=True) for line in whole if line.startswith("fluxum ")]


def parse(words: list[str]) -> None:
    """Let the command line read words as it would before it runs them."""
    command: Any = typer.main.get_command(app)
    context = None
    while True:
        context = command.make_context(words[0], words[1:], parent=context)
        if not isinstance(command, TyperGroup):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, command, more = command.resolve_command(context, rest)
        words = [name or "", *more]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_page_is_read(page: Path) -> None:
    for words in lines(page.read_text()):
        try:
            parse(words)
        except typer.Exit:  # of --version
            continue
        except TyperException as error:
            pytest.fail(f"{shlex.join(words)}: {error}")


def test_an_option_that_is_none_is_found() -> None:
    with pytest.raises(TyperException, match="--channels"):
        parse(["fluxum", "record", "btc.jsonl.gz", "--channels", "book"])
