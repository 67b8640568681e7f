"""A recording that plays: newer wishes replace older ones, and other work goes on. Virtual time."""

import asyncio
from pathlib import Path

import pytest

from fluxum.flow.background import background
from fluxum.sim.loop import run
from fluxum.view import Playback
from fluxum.web.player import Player
from kraken_tape import START_NS, STEP_NS, write

UPDATES = 3_000
LENGTH_NS = UPDATES * STEP_NS


@pytest.fixture
def player(tmp_path: Path) -> Player:
    return Player(Playback(write(tmp_path / "tape.jsonl", UPDATES), "kraken"))


def test_a_newer_wish_replaces_one_that_it_is_on_the_way_to(player: Player) -> None:
    async def story() -> None:
        async with background(player.run()):
            player.is_paused = True
            player.seek(START_NS + LENGTH_NS)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert START_NS < player.playback.at_ns < START_NS + LENGTH_NS
            player.seek(START_NS + LENGTH_NS // 3)
            await asyncio.sleep(0.2)

    run(story())

    assert player.playback.at_ns == START_NS + LENGTH_NS // 3
    assert player.wanted_ns is None
    assert not player.playback.is_over


def test_only_a_way_back_begins_anew(player: Player) -> None:
    async def story() -> list[int]:
        found: list[int] = []
        async with background(player.run()):
            for part in (2, 3, 3):
                player.seek(START_NS + LENGTH_NS // part)
                await asyncio.sleep(0.2)
                found.append(player.epoch)
        return found

    assert run(story()) == [0, 1, 2]  # while it played, the third was behind it


def test_more_speed_than_the_machine_has_leaves_out_nothing(player: Player) -> None:
    moves: list[int] = []

    async def story() -> None:
        player.speed = 1e6
        async with background(player.run(lambda: moves.append(player.playback.at_ns))):
            await asyncio.sleep(1)

    run(story())

    assert player.playback.is_over
    assert player.playback.readings().statistics is not None
    assert moves == sorted(moves)
    assert len(moves) >= UPDATES // 300
