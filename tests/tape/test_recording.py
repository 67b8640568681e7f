"""Links and calls through a recorder, and the tapes of whole sessions."""

import asyncio
import errno
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs
from worlds import BOOK, BTC, TRADES, play, world

from asyncs import run
from fluxum.model.event import Channel, Gap, GapCause, Repair, Subscription
from fluxum.replay import Replay
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.tape import Hole, TapeFrame, TapeReader, TapeWriter, gaps, recording, recording_calls
from fluxum.venues.register import VENUES
from fluxum.verify import verify
from tape.clocks import StoppedClock


def test_calls_are_written_to_the_tape_without_what_was_sent(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"

    class Calls:
        async def call(self, method: str, url: str, headers: Any, body: bytes) -> bytes:
            assert (method, headers, body) == ("GET", {"key": "secret"}, b"secret too")
            return b'{"said":"' + url.encode() + b'"}'

    with TapeWriter(path, "kraken", StoppedClock()) as tape:
        calls = recording_calls(Calls(), tape)
        said = run(calls.call("GET", "https://host/x", {"key": "secret"}, b"secret too"))

    assert said == b'{"said":"https://host/x"}'
    assert "secret" not in path.read_text()
    asked = TapeFrame(ns=StoppedClock().now_ns(), link=0, sent=True, url="https://host/x", call=1)
    answered = structs.replace(asked, sent=False, raw=said.decode())
    assert list(TapeReader(path)) == [asked, answered]


def test_a_recorded_session_proves_itself_again_with_its_holes(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl.gz"
    live: dict[str, int] = {}

    async def story() -> None:
        with TapeWriter(path, "kraken", SimulatedClock()) as tape:
            async with world(
                BOOK,
                TRADES,
                faults="corrupt@5s,hangup@10s",
                rate_per_s=20,
                wrap=lambda dial: recording(dial, tape),
            ) as now:
                await now.live(60)
                statistics = now.session.statistics()
                live.update(
                    passed=statistics.checks_passed,
                    failed=statistics.checks_failed,
                    generation=now.session.book(BTC).epoch,
                    frames=statistics.frames,
                )

    play(story)
    report = verify(path)

    assert report.venue == "kraken"
    assert report.frames == live["frames"]
    assert report.checks_passed == live["passed"] > 100
    assert report.checks_failed == live["failed"] == 1
    assert report.generations == {"BTC/USD": live["generation"]} == {"BTC/USD": 3}
    assert report.gaps == 2  # the book's and the trades' while the link was down


def test_a_tape_of_books_from_rest_snapshots_proves_itself(tmp_path: Path) -> None:
    venue = VENUES["binance"]
    path = tmp_path / "spliced.jsonl.gz"

    async def story() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(
            venue, venue.sample_symbols, seed=3, clock=clock, rate_per_s=20.0
        )
        with TapeWriter(path, venue.name, clock) as tape:
            async with (
                exchange,
                Session(
                    venue,
                    dial=recording(exchange.dial, tape),
                    clock=clock,
                    random=Random(3),
                    http=recording_calls(exchange, tape),
                    limits=structs.replace(venue.limits, link_age_s=20.0),
                ) as session,
            ):
                session.subscribe(
                    *[Subscription(Channel.BOOK, one) for one in venue.sample_symbols]
                )
                await session.wait_ready(30)
                await asyncio.sleep(60)
                assert session.statistics().replaced >= 2

    play(story)
    report = verify(path)

    assert report.is_proved, report
    assert report.applied > 300
    assert all(count >= 3 for count in report.generations.values())


def full(_descriptor: int, _data: bytes) -> int:
    """`os.write` to a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_harms_no_session_and_its_hole_is_told_live_and_in_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "session.jsonl.gz"
    holes: list[Hole] = []

    async def story() -> None:
        tape = TapeWriter(path, "kraken", SimulatedClock())
        async with world(
            BOOK,
            TRADES,
            faults="hangup@50s",
            rate_per_s=20,
            wrap=lambda dial: recording(dial, tape),
        ) as now:
            await now.live(20)
            tape.flush()
            with monkeypatch.context() as patch:
                patch.setattr(os, "write", full)
                await now.live(10)
                tape.flush()
                assert "No space left" in tape.trouble
                await now.live(10)
            tape.flush()
            await now.live(40)
            statistics = now.session.statistics()
            assert statistics.sums_close
            assert (statistics.reconnects, statistics.checks_failed) == (1, 0)
            assert now.session.book(BTC).proof().is_valid
        tape.close()
        holes.extend(tape.take_holes())
        counts = tape.counts()
        assert counts.waiting == 0
        assert counts.lost == holes[0].lost > 100

    play(story)

    (hole,) = holes
    assert 19 * 10**9 < hole.until_ns - hole.since_ns < 21 * 10**9
    told = [
        event
        for moment in Replay(path)
        for event in moment.events
        if isinstance(event, Gap) and event.cause is GapCause.RECORDER
    ]
    assert {one.subscription.channel for one in told} == {Channel.TRADE, Channel.BOOK}
    for one in told:
        assert one.until_ns - one.since_ns > 19 * 10**9
        assert f"{hole.lost} frames are not on the tape" in one.detail
    report = verify(path)
    assert (report.lost, report.checks_failed, report.rejected) == (hole.lost, 0, 0)
    assert not report.is_proved


def test_a_hole_is_an_event_of_each_stream_that_was_recorded() -> None:
    hole = Hole(since_ns=3, until_ns=8, lost=5, reason="the disk is full")

    first, second = gaps(hole, "kraken", [BOOK, TRADES])

    assert (first.subscription, second.subscription) == (BOOK, TRADES)
    assert (first.cause, first.repair) == (GapCause.RECORDER, Repair.LOST)
    assert (first.since_ns, first.until_ns, first.received_ns) == (3, 8, 8)
    assert first.detail == "5 frames are not on the tape: the disk is full"
