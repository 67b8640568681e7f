"""Writes the picture of the page, `docs/page.jpg`: `python docs/picture.py`.

Needs Chromium and `pip install -r requirements/browser.txt`. The page is that of
`fluxum demo --web`, after its first faults.
"""

import importlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["main"]

PICTURE = Path(__file__).with_name("page.jpg")
_WIDTH, _HEIGHT = 1360, 780
_QUALITY = 66
_WAIT_MS = 120_000
_AFTER_S = 6.0


def main() -> int:
    """Serve the demo, wait for a desync and its end, and take the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium was expected: apt-get install chromium", file=sys.stderr)
        return 1
    words = [sys.executable, "-m", "fluxum", "demo", "--web", "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as demo:  # noqa: S603
        try:
            assert demo.stderr is not None, "it is a pipe"
            url = next(word for word in demo.stderr.readline().split() if word.startswith("http"))
            _shoot(chromium, url)
        finally:
            demo.terminate()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")
    return 0


def _shoot(chromium: str, url: str) -> None:
    playwright_api = importlib.import_module("playwright.sync_api")  # installed where it is needed
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(url)
        page.wait_for_selector("#log li.recovery:has-text('resynced')", timeout=_WAIT_MS)
        page.wait_for_selector(".position", timeout=_WAIT_MS)
        time.sleep(_AFTER_S)
        page.wait_for_selector("body:not(.lost) .market:not(.bad)", timeout=_WAIT_MS)
        page.screenshot(path=PICTURE, type="jpeg", quality=_QUALITY)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
