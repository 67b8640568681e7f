"""`fluxum demo --web` and `fluxum serve --replay`, as they are run, on loopback."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.cli.serve import PageOptions, show_page
from fluxum.cli.web_demo import show_on_page
from fluxum.flow.background import background
from fluxum.venues.register import find_venue
from fluxum.view import Playback
from fluxum.web import PlayedStage
from kraken_tape import write

pytestmark = pytest.mark.network
Check = Callable[[dict[str, Any]], bool]


class Said(Output):
    """An output whose messages are kept."""

    def __init__(self) -> None:
        super().__init__(Format.TABLE, is_live=True)
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


async def _view_when(said: Said, is_there: Check) -> dict[str, Any]:
    """The view of the page once it has something."""
    while not said.messages:  # noqa: ASYNC110 - the page starts by itself
        await asyncio.sleep(0.02)
    address, _, token = said.messages[0].split()[1].partition("/#")
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        while True:
            async with client.get(f"{address}/api/view") as answer:
                view: dict[str, Any] = await answer.json()
            if is_there(view):
                return view
            await asyncio.sleep(0.1)


def _shown(work: Callable[[Said], Coroutine[Any, Any, None]], is_there: Check) -> dict[str, Any]:
    async def story() -> dict[str, Any]:
        said = Said()
        async with asyncio.timeout(60), background(work(said)):
            return await _view_when(said, is_there)

    return asyncio.run(story())


def test_the_demo_has_two_exchanges_their_book_as_one_and_an_account() -> None:
    def work(said: Said) -> Coroutine[Any, Any, None]:
        return show_on_page(find_venue("kraken"), PageOptions(port=0), 1, said)

    view = _shown(work, lambda one: one["is_ready"] and bool(one["accounts"][0]["positions"]))

    assert [one["venue"] for one in view["venues"]] == ["kraken", "coinbase"]
    assert [(one["venue"], one["symbol"]) for one in view["markets"]] == [
        ("kraken", "BTC/USD"),
        ("kraken", "ETH/USD"),
        ("coinbase", "BTC/USD"),
    ]
    assert view["consolidated"][0]["symbol"] == "BTC/USD"
    assert view["accounts"][0]["positions"][0]["quantity"].rstrip("0") == "0.02"
    assert view["sums_close"]


def test_a_recording_is_served(tmp_path: Path) -> None:
    tape = write(tmp_path / "tape.jsonl", 200)

    def work(said: Said) -> Coroutine[Any, Any, None]:
        stage = PlayedStage(Playback(tape, "kraken"), 100)
        return show_page(stage, PageOptions(port=0), said)

    view = _shown(work, lambda one: one["venues"][0]["missing"] == ["the recording has ended"])

    assert view["markets"][0]["trades_seen"] == 20
