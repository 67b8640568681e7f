"""The files of the page: nothing from elsewhere; vendored files are those that are listed."""

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

import fluxum.web
from fluxum.web.assets import assets, vendored

PAGE = Path(fluxum.web.__file__).parent / "page"
VENDOR = PAGE / "vendor"
OWN = sorted(path for path in PAGE.iterdir() if path.is_file())
SCRIPTS = [path for path in OWN if path.suffix == ".js"]


def test_the_list_has_every_vendored_file_with_its_digest() -> None:
    listed = {one.file: one.sha256 for one in vendored()}

    there = {
        path.relative_to(VENDOR).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendored.json"
    }

    assert there == listed


def test_every_vendored_library_has_its_licence_its_notice_and_its_version() -> None:
    names = {one.name for one in vendored()}

    assert names == {"lightweight-charts"}
    for name in names:
        assert "Apache License" in (VENDOR / name / "LICENSE").read_text()
        assert "TradingView" in (VENDOR / name / "NOTICE").read_text()
        (script,) = (VENDOR / name).glob("*.js")
        (listed,) = [one for one in vendored() if one.file.endswith(script.name)]
        assert f"v{listed.version}\n" in script.read_text()[:200]
    assert "TradingView" in (PAGE / "index.html").read_text()


def test_only_files_for_a_browser_are_served() -> None:
    names = set(assets())

    assert {"index.html", "page.css", "main.js", "icon.svg"} <= names
    assert not [name for name in names if name.endswith((".json", "LICENSE", ".py"))]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_the_page_takes_nothing_from_elsewhere_and_makes_no_html_of_text(path: Path) -> None:
    text = path.read_text()

    links = {one for one in re.findall(r"https?://[^\s\"'<>)]+", text) if "w3.org" not in one}
    assert links <= {"https://www.tradingview.com/"}
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        'onclick="',
    ):
        assert word not in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_read(path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")

    subprocess.run([node, "--check", "--input-type=module"], input=path.read_bytes(), check=True)
