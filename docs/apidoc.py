"""Pages of the reference: one for each public name, grouped, written when the site is built."""

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType, UnionType

import fluxum

__all__ = ["GROUPS", "as_restructured", "group_of", "write_pages"]

GROUPS = {
    "Sessions, traders, hubs, clients": (
        "fluxum.connect",
        "fluxum.trader",
        "fluxum.hub",
        "fluxum.client",
        "fluxum.session",
        "fluxum.portfolio",
        "fluxum.balances",
        "fluxum.board",
        "fluxum.fetch",
        "fluxum.flow",
    ),
    "Settings, keys, runtimes": (
        "fluxum.config",
        "fluxum.credentials",
        "fluxum.runtime",
        "fluxum.transport",
        "fluxum.venues",
    ),
    "Paper and fills": ("fluxum.paper", "fluxum.paper_trader", "fluxum.fill"),
    "Bots, back-tests, reports": ("fluxum.bot", "fluxum.back", "fluxum.report"),
    "Order books": ("fluxum.book",),
    "Events, and what they are about": ("fluxum.model",),
    "Orders and limits": ("fluxum.orders",),
    "Ledger, positions, profit": ("fluxum.ledger",),
    "Recordings": ("fluxum.moments", "fluxum.replay", "fluxum.tape", "fluxum.verify"),
    "Streams out": ("fluxum.sink",),
    "Errors": ("fluxum.errors",),
    "Unions and constants": ("",),
}
"""The reference's chapters, each with the packages of its names; the last has the rest."""


def group_of(name: str) -> str:
    """The chapter of a public name."""
    found = getattr(fluxum, name)
    module = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", "")
    for group, packages in GROUPS.items():
        for package in packages:
            if not package or module == package or module.startswith(f"{package}."):
                return group
    raise AssertionError(name)


def write_pages(folder: Path) -> None:
    """Write a page a name and one that lists them; pages of names that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict(_pages())
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _pages() -> Iterator[tuple[str, str]]:
    names = sorted(fluxum.__all__, key=str.lower)
    chapters: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in names:
        chapters[group_of(name)].append(name)
        yield f"{name}.rst", _page(name)
    lines = [*_title("Python"), "Every public name; all are imported from ``fluxum``.", ""]
    for group, members in chapters.items():
        if not members:
            continue
        lines += [*_title(group, "-"), ".. list-table::", "   :widths: 30 70", ""]
        for name in members:
            lines += [f"   * - :doc:`{name}`", f"     - {_summary(name)}"]
        lines += [""]
    yield "index.rst", "\n".join(lines)


def _title(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def _page(name: str) -> str:
    found = getattr(fluxum, name)
    options: list[str] = []
    if isinstance(found, type):
        directive = "autoclass"
        options = ["members:", "undoc-members:", "inherited-members: Struct, Protocol, Enum"]
    elif isinstance(found, ModuleType):
        known = ", ".join(one for one in found.__all__ if one in fluxum.__all__)
        options = ["members:", "imported-members:", "undoc-members:", f"exclude-members: {known}"]
        directive = "automodule"
    elif isinstance(found, FunctionType):
        directive = "autofunction"
    else:
        directive = "autodata"
    # In no table of contents: three hundred names beside every page would hide the rest.
    lines = [":orphan:", "", *_title(name), f".. {directive}:: fluxum.{name}"]
    if isinstance(found, UnionType):
        lines += ["   :no-value:", "", f"One of {_members(found)}.", ""]
    lines += [f"   :{option}" for option in options]
    return "\n".join([*lines, ""])


def _members(union: UnionType) -> str:
    names = sorted(one.__name__ for one in union.__args__ if isinstance(one, type))
    return ", ".join(f":doc:`{one}`" if one in fluxum.__all__ else f"``{one}``" for one in names)


def _summary(name: str) -> str:
    """The first paragraph of a docstring, in one line."""
    found = getattr(fluxum, name)
    if not (inspect.isclass(found) or inspect.isfunction(found) or inspect.ismodule(found)):
        return _members(found) if isinstance(found, UnionType) else ""
    first = (inspect.getdoc(found) or "").split("\n\n")[0]
    return _marked(" ".join(first.split()))


def as_restructured(lines: Sequence[str]) -> list[str]:
    """A docstring of ours as reStructuredText.

    Ours mark code with single backticks, begin items with `- `, and indent programs by four
    spaces; a program has to be announced by `::` for Sphinx.
    """
    made: list[str] = []
    is_program = False
    for line in lines:
        is_indented = line.startswith("    ")
        if is_indented and not is_program and (not made or not made[-1].strip()):
            made += ["::", ""]
            is_program = True
        elif line.strip() and not is_indented:
            is_program = False
        made.append(line if is_program else _marked(line))
    return made


def _marked(line: str) -> str:
    escaped = re.sub(r"(?<![`\w*])\*(?=\S)", r"\\*", line)
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", escaped)
