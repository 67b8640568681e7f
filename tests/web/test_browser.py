"""The page in a browser, over a simulated exchange with faults: what a user sees of each.

Needs `pip install -r requirements/browser.txt`, and Chromium: `apt-get install chromium`. The
screenshots are kept in the folder that `FLUXUM_SHOTS` names.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import fluxum
from fluxum import Channel
from fluxum.cli.simulator import simulated
from fluxum.model.event import Rejected
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import Fault, FaultKind
from fluxum.view import Playback
from fluxum.web import PageServer, PlayedStage, serve
from kraken_tape import write

pytestmark = [pytest.mark.network, pytest.mark.slow]
playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVIL = "<img src=x onerror=alert(1)>"
WAIT = 40_000  # a wait ends when what is waited for is there: a busy machine needs longer
SYMBOLS = [Symbol("BTC/USD"), Symbol("ETH/USD")]

# Ready again after the link was lost, both books proved, and none covered.
ALL_WELL = """() => {
  const rows = [...document.querySelectorAll("#log li")].map((row) => row.textContent);
  const ready = rows.findIndex((text) => text.endsWith("kraken ready"));
  return ready >= 0 && ready < rows.findIndex((text) => text.includes("link lost"))
    && document.querySelectorAll(".proof.valid").length === 2
    && document.querySelectorAll(".withdrawn:not([hidden])").length === 0;
}"""


class Seen:
    """What went wrong in the pages, and where they sent requests."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.hosts: set[str] = set()

    def watch(self, page: Any) -> None:
        page.on("pageerror", self._fail)
        page.on("console", self._note)
        page.on("dialog", self._fail)
        page.on("request", self._request)

    def _fail(self, what: Any) -> None:
        self.errors.append(f"error: {what}")

    def _request(self, request: Any) -> None:
        self.hosts.add(urlsplit(str(request.url)).hostname or "")

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.type}: {message.text}")


@asynccontextmanager
async def browsers(seen: Seen, width: int = 1360, height: int = 760) -> AsyncGenerator[Any]:
    """A window of a new browser."""
    async with playwright.async_playwright() as made:
        browser = await made.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            seen.watch(page)
            yield page
        finally:
            await browser.close()


async def shoot(page: Any, name: str) -> None:
    folder = os.environ.get("FLUXUM_SHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page="390" in name)


async def painted(page: Any) -> int:
    return int(await page.evaluate("document.documentElement.dataset.painted"))


def test_faults_are_seen_and_so_is_their_end() -> None:
    seen = Seen()

    async def story() -> None:
        async with (
            simulated("kraken", SYMBOLS, seed=3, rate=30, faults="") as (box, url),
            fluxum.connect(
                "kraken",
                SYMBOLS,
                [Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE],
                endpoint=url,
            ) as session,
            browsers(seen) as page,
        ):
            async with serve(session, port=0) as server:
                await page.goto(server.url)
                await page.wait_for_selector("body:not(.waiting) .proof.valid", timeout=WAIT)
                assert server.token not in page.url
                assert await page.text_content("#ready") == "\u2713 ready"
                await _see_faults(page, box)
                before = await painted(page)
                session._processor.publish(
                    Rejected(venue="kraken", reason=EVIL, sample=EVIL, received_ns=session.now_ns())
                )
                await page.wait_for_selector(f"#log li:has-text('{EVIL}')", timeout=WAIT)
                assert await page.locator("#log img, .market img").count() == 0
                await asyncio.sleep(0.5)
                assert await painted(page) >= before + 3
                assert "= " in await page.text_content(".venue .sum")
                assert await page.text_content("#sums") == "\u2713 sums close"
                await shoot(page, "1360")
                await page.set_viewport_size({"width": 390, "height": 844})
                await shoot(page, "390")
                assert await page.evaluate("document.documentElement.scrollWidth") == 390
            await _see_that_the_server_is_lost(page)
            await shoot(page, "lost-390")

    asyncio.run(story())

    assert seen.hosts == {"127.0.0.1"}
    assert [one for one in seen.errors if "ERR_CONNECTION_REFUSED" not in one] == []


async def _see_faults(page: Any, box: SimulatedExchange) -> None:
    """A book is withdrawn, with its reason, and proved again; the link is lost and found."""
    box._plan._rates.append(Fault(FaultKind.CORRUPT, rate=1.0))  # every frame, snapshots included
    await page.wait_for_selector(".ladder.bad .withdrawn", timeout=WAIT)
    await shoot(page, "withdrawn")
    reason = await page.text_content(".ladder.bad .withdrawn p")
    assert "checksum" in reason
    await page.wait_for_selector("#log li.loss:has-text('desynced')", timeout=WAIT)
    box._plan._rates.clear()
    await page.wait_for_selector("#log li.recovery:has-text('resynced')", timeout=WAIT)
    box.hangup_all()
    await page.wait_for_selector("#log li.loss:has-text('link lost')", timeout=WAIT)
    await page.wait_for_function(ALL_WELL, timeout=WAIT)


async def _see_that_the_server_is_lost(page: Any) -> None:
    await page.wait_for_selector("body.lost", timeout=WAIT)
    alarm = await page.text_content("#alarm")
    assert "lost the server (the server has ended)" in alarm
    assert "figures below are old" in alarm


def test_a_recording_is_paused_and_wound(tmp_path: Path) -> None:
    seen = Seen()
    tape = write(tmp_path / "tape.jsonl", 30_000)  # 41 seconds

    async def story() -> None:
        stage = PlayedStage(Playback(tape, "kraken"))
        async with serve(stage, port=0) as server, browsers(seen) as page:
            await page.goto(server.url)
            await page.wait_for_selector(".proof.valid", timeout=WAIT)
            await page.keyboard.press(" ")
            await page.wait_for_selector("#play[aria-label=Play]", timeout=WAIT)
            assert not stage.replay.is_playing
            paused_ns = stage.replay.at_ns
            await page.keyboard.press("ArrowRight")
            await _until(lambda: stage.replay.at_ns >= paused_ns + 5 * 10**8)
            length_ns = stage.replay.end_ns - stage.replay.start_ns
            for thousandths in (600, 100):  # forwards, then back
                wanted_ns = stage.replay.start_ns + length_ns * thousandths // 1000
                await page.locator("#seek").fill(str(thousandths))  # which is a change as well
                await _until(partial(_is_at, stage, wanted_ns))
            assert stage.epoch >= 1
            await page.select_option("#speed", "20")
            await _until(lambda: stage.replay.speed == 20)
            await page.click("#play")
            await page.wait_for_selector("#place:has-text('the end')", timeout=WAIT)
            await shoot(page, "replay")

    asyncio.run(story())

    assert seen.errors == []


def _is_at(stage: PlayedStage, wanted_ns: int) -> bool:
    return abs(stage.replay.at_ns - wanted_ns) < 10**6


async def _until(is_true: Any) -> None:
    async with asyncio.timeout(40):
        while not is_true():  # noqa: ASYNC110 - the browser is the other side
            await asyncio.sleep(0.02)


def test_a_wrong_token_and_a_page_without_one_show_nothing(tmp_path: Path) -> None:
    seen = Seen()

    async def story(server: PageServer) -> None:
        async with browsers(seen) as page:
            await page.goto(f"{server.address}/#{'x' * 43}")
            await page.wait_for_selector("#alarm:has-text('token is wrong')", timeout=WAIT)
            await page.goto("about:blank")
            await page.goto(server.address)
            await page.wait_for_selector("#alarm:has-text('does not know this page')", timeout=WAIT)
            assert await page.locator(".market").count() == 0

    async def main() -> None:
        stage = PlayedStage(Playback(write(tmp_path / "tape.jsonl", 10), "kraken"))
        async with serve(stage, port=0) as server:
            await story(server)

    asyncio.run(main())
