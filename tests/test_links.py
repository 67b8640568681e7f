"""Every link between the documents leads to a file that there is, and to a heading in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST = "https://github.com/fluxum/fluxum/blob/main/"
RAW = "https://raw.githubusercontent.com/fluxum/fluxum/main/"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MADE = "reference/api/"  # written when the site is built


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def links(page: Path) -> list[str]:
    return LINK.findall(FENCED.sub("", page.read_text()))


def target(page: Path, link: str) -> tuple[Path, str] | None:
    """The file and the anchor of a link, unless it leads to another place of the web."""
    for host in (HOST, RAW):
        if link.startswith(host):
            page, link = ROOT / "README.md", link.removeprefix(host)
    if re.match(r"[a-z]+:", link) or MADE in link:
        return None
    name, _, anchor = link.partition("#")
    return ((page.parent / name).resolve() if name else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    found = [(link, target(page, link)) for link in links(page)]

    for link, (path, anchor) in ((one, where) for one, where in found if where is not None):
        assert path.exists(), link
        if anchor and path.suffix == ".md":
            assert anchor in map(slug, HEADING.findall(FENCED.sub("", path.read_text()))), link


def test_a_dead_link_and_a_dead_anchor_are_known_as_such(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `page`, short\n\n[a](none.md) [b](#a-page-short) [c](#gone) [d](https://x.y)\n"
    )

    assert [target(page, link) for link in links(page)] == [
        (tmp_path / "none.md", ""),
        (page, "a-page-short"),
        (page, "gone"),
        None,
    ]
    assert [slug(one) for one in HEADING.findall(page.read_text())] == ["a-page-short"]
