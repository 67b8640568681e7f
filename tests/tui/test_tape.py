"""A recording on the screen: played in time, faster, paused, and at another place. Virtual time."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from fluxum.flow.background import background
from fluxum.sim.loop import run
from fluxum.tui.tape import TapePlayer
from fluxum.view import Playback
from kraken_tape import START_NS, STEP_NS, write

UPDATES = 3_000
LENGTH_S = UPDATES * STEP_NS / 1e9  # 4.1 s
TICK_S = 0.05


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tape") / "tape.jsonl.gz", UPDATES)


def playing(tape: Path, work: "Any", speed: float = 1.0) -> TapePlayer:
    """A player after some work beside it."""

    async def main() -> TapePlayer:
        player = TapePlayer(Playback(tape, "kraken"), speed)
        async with background(player.play()):
            await work(player)
        return player

    made: Coroutine[Any, Any, TapePlayer] = main()
    return run(made)


def place_s(player: TapePlayer) -> float:
    return (player.playback.at_ns - START_NS) / 1e9


@pytest.mark.parametrize(("speed", "waited_s"), [(1.0, 2.0), (0.5, 2.0), (4.0, 0.5)])
def test_time_on_the_tape_passes_at_the_speed(tape: Path, speed: float, waited_s: float) -> None:
    async def work(_player: TapePlayer) -> None:
        await asyncio.sleep(waited_s)

    player = playing(tape, work, speed)

    assert place_s(player) == pytest.approx(speed * waited_s, abs=speed * 2 * TICK_S)


def test_a_paused_recording_stands_still_and_goes_on_where_it_was(tape: Path) -> None:
    places: list[float] = []

    async def work(player: TapePlayer) -> None:
        await asyncio.sleep(1.0)
        player.toggle()
        await asyncio.sleep(TICK_S)
        places.append(place_s(player))
        assert player.status == "0:00 of 0:04 x1 paused"
        await asyncio.sleep(60.0)
        places.append(place_s(player))
        player.toggle()
        await asyncio.sleep(1.0)
        places.append(place_s(player))

    playing(tape, work)

    paused_s, later_s, end_s = places
    assert later_s == paused_s
    assert end_s == pytest.approx(paused_s + 1.0, abs=2 * TICK_S)


def test_it_goes_back_and_forward_by_seconds(tape: Path) -> None:
    places: list[float] = []

    async def work(player: TapePlayer) -> None:
        player.toggle()
        for seconds in (3.0, -2.0, -10.0, 100.0):
            player.seek(seconds)
            assert player.status.endswith(" seeking")
            await asyncio.sleep(2 * TICK_S)
            places.append(place_s(player))

    player = playing(tape, work)

    assert places == pytest.approx([3.0, 1.0, 0.0, LENGTH_S])
    assert player.playback.at_ns == player.playback.end_ns


def test_two_seeks_at_once_add_up(tape: Path) -> None:
    async def work(player: TapePlayer) -> None:
        player.toggle()
        player.seek(1.0)
        player.seek(1.5)
        await asyncio.sleep(2 * TICK_S)

    assert place_s(playing(tape, work)) == pytest.approx(2.5)


def test_the_end_of_a_recording_waits_for_another_place(tape: Path) -> None:
    async def work(player: TapePlayer) -> None:
        await asyncio.sleep(LENGTH_S + 1.0)
        assert player.status == "0:04 of 0:04 x1 ended"
        player.seek(-2.0)
        await asyncio.sleep(1.0)

    player = playing(tape, work)

    assert place_s(player) == pytest.approx(LENGTH_S - 1.0, abs=3 * TICK_S)
    assert not player.playback.is_over


def test_the_speed_has_bounds(tape: Path) -> None:
    player = TapePlayer(Playback(tape, "kraken"))

    for _ in range(20):
        player.faster(2.0)
    assert player.speed == 1024
    for _ in range(40):
        player.faster(0.5)
    assert player.speed == 0.125


def test_the_loop_does_other_work_between_two_pieces_of_a_long_way(tape: Path) -> None:
    turns = 0

    async def work(player: TapePlayer) -> None:
        nonlocal turns
        player.toggle()
        player.seek(LENGTH_S)
        while player.status.endswith("seeking"):
            turns += 1
            await asyncio.sleep(0)

    playing(tape, work)

    assert turns > 3
