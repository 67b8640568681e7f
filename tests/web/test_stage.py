"""A recording as a stage: pages pause it, wind it and set its speed. Virtual time."""

import asyncio
from pathlib import Path

import pytest

import fluxum
from fluxum import Channel, State
from fluxum.flow.background import background
from fluxum.sim.loop import run
from fluxum.view import Extent, Playback
from fluxum.web.stage import LiveStage, PlayedStage, Steer
from kraken_tape import START_NS, STEP_NS, write

UPDATES = 2000  # 2.7 seconds
LENGTH_NS = UPDATES * STEP_NS


@pytest.fixture
def playback(tmp_path: Path) -> Playback:
    return Playback(write(tmp_path / "tape.jsonl", UPDATES), "kraken")


def test_it_plays_at_the_speed_of_the_recording(playback: Playback) -> None:
    stage = PlayedStage(playback)
    moves: list[int] = []

    async def story() -> None:
        async with background(stage.run(lambda: moves.append(playback.at_ns))):
            await asyncio.sleep(1.01)

    run(story())

    assert playback.at_ns == pytest.approx(START_NS + 10**9, abs=6 * 10**7)
    assert moves == sorted(moves)
    assert len(moves) >= 19


def test_speed_pause_and_play(playback: Playback) -> None:
    stage = PlayedStage(playback, speed=0.1)

    async def story() -> tuple[int, int, int]:
        async with background(stage.run(lambda: None)):
            await asyncio.sleep(1.01)
            slow = playback.at_ns
            stage.steer(Steer(play=False))
            await asyncio.sleep(5)
            paused = playback.at_ns
            stage.steer(Steer(play=True, speed=2.0))
            await asyncio.sleep(1.01)
            return slow, paused, playback.at_ns

    slow, paused, fast = run(story())

    assert slow == paused == pytest.approx(START_NS + 10**8, abs=10**7)
    assert fast == pytest.approx(paused + 2 * 10**9, abs=2 * 10**8)
    assert stage.replay.speed == 2.0


def test_winding_is_exact_and_a_way_back_begins_anew(playback: Playback) -> None:
    stage = PlayedStage(playback)

    async def story() -> None:
        async with background(stage.run(lambda: None)):
            stage.steer(Steer(play=False, seek=0.75))
            assert stage.replay.is_winding
            await asyncio.sleep(1)
            assert (playback.at_ns, stage.epoch) == (START_NS + LENGTH_NS * 3 // 4, 0)
            assert not stage.replay.is_winding
            stage.steer(Steer(seek=0.25))
            assert stage.epoch == 1
            await asyncio.sleep(1)
            assert playback.at_ns == START_NS + LENGTH_NS // 4

    run(story())

    assert stage.view(Extent()).markets[0].trades_seen == UPDATES // 4 // 10


def test_values_outside_their_range_are_cut(playback: Playback) -> None:
    stage = PlayedStage(playback)

    async def story() -> None:
        async with background(stage.run(lambda: None)):
            stage.steer(Steer(speed=-1.0, seek=7.0))
            assert stage.replay.speed == 1.0
            stage.steer(Steer(speed=1e9))
            await asyncio.sleep(1)

    run(story())

    assert stage.replay.speed == 1000.0
    assert stage.replay.is_over
    assert playback.at_ns == playback.end_ns
    assert not stage.replay.is_playing


def test_a_session_that_has_failed_is_still_shown(tmp_path: Path) -> None:
    """It is one over a tape, which ends: then there is nothing to connect to any more."""
    tape = write(tmp_path / "tape.jsonl", UPDATES)

    async def story() -> None:
        async with fluxum.connect(
            "kraken",
            ["BTC/USD"],
            [Channel.BOOK, Channel.TRADE],
            depth=10,
            runtime=fluxum.ReplayedRuntime(tape),
        ) as session:
            stage = LiveStage(session)
            moves: list[int] = []
            async with background(stage.run(lambda: moves.append(1))):
                await session.wait_ready(10)
                await asyncio.sleep(1)
                assert stage.view(Extent()).is_ready
                assert moves
                await asyncio.sleep(300)
                (venue,) = stage.view(Extent()).venues
            assert venue.state is State.FAILED
            assert venue.missing
            assert stage.keeper.counts["link_lost"] == 1
            assert stage.statistics()["kraken"].sums_close

    run(story())
