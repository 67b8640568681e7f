"""The documentation builds as a site without a warning, and every public name has a page there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from apidoc import GROUPS, as_restructured, group_of

import fluxum

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = ["sphinx", "-q", "-W", "--keep-going", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [sys.executable, "-m", *command, DOCS, tmp_path / "site"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    for name in fluxum.__all__:
        page = (tmp_path / "site" / "reference" / "api" / f"{name}.html").read_text()
        assert re.search(rf'id="(module-)?fluxum\.{name}"', page), name

    command += ["-b", "man"]
    done = subprocess.run(
        [sys.executable, "-m", *command, DOCS, tmp_path / "man"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ".SH" in (tmp_path / "man" / "fluxum.1").read_text()


def test_every_public_name_has_a_chapter() -> None:
    rest = [name for name in fluxum.__all__ if group_of(name) == list(GROUPS)[-1]]

    for name in rest:
        assert not isinstance(getattr(fluxum, name), type), name


def test_a_docstrings_code_and_programs_are_marked_for_sphinx() -> None:
    ours = ["Reads `book`, not ``raw``, of *args.", "", "    async with f() as `x`:", "", "After."]

    assert as_restructured(ours) == [
        "Reads ``book``, not ``raw``, of \\*args.",
        "",
        "::",
        "",
        "    async with f() as `x`:",
        "",
        "After.",
    ]
