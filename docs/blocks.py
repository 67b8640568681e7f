"""Print how many commands and programs the documentation has: `python docs/blocks.py`.

Those are blocks of `console` and `python` of every page, decisions aside. Tests run all of them:
tests/test_docs.py has the list of which test runs which page.
"""

import re
import sys
from pathlib import Path

__all__ = ["blocks", "pages"]

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """The blocks of one language of a page, which is named from the root of the repository."""
    return [text for found, text in _BLOCK.findall((ROOT / page).read_text()) if found == language]


def pages() -> dict[str, tuple[int, int]]:
    """Every page that has such blocks, with how many commands and programs it has."""
    found: dict[str, tuple[int, int]] = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        page = str(path.relative_to(ROOT))
        lines = [line for block in blocks(page, "console") for line in block.splitlines()]
        counts = len(lines), len(blocks(page, "python"))
        if any(counts) and not page.startswith("docs/decisions/"):
            found[page] = counts
    return found


def main() -> None:
    """Print the table, page by page, and the sums."""
    found = pages()
    rows = [
        *found.items(),
        ("all", (sum(c for c, _ in found.values()), sum(p for _, p in found.values()))),
    ]
    for page, (commands, programs) in rows:
        sys.stdout.write(f"{page:<50}{commands:>4} commands {programs:>4} programs\n")


if __name__ == "__main__":
    main()
