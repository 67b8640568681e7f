"""Tapes as files: what is written is read again, and what is no tape is refused by line."""

import asyncio
import gzip
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs
from worlds import BOOK, BTC, TRADES, play, world

from asyncs import run
from fluxum.errors import TapeError
from fluxum.model.event import Channel, Subscription
from fluxum.replay import verify
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.tape import (
    RecordedAnswers,
    TapeFrame,
    TapeReader,
    TapeWriter,
    recording,
    recording_calls,
)
from fluxum.venues.register import VENUES


class StoppedClock:
    """Nine o'clock."""

    def now_ns(self) -> int:
        return 9


@pytest.mark.parametrize("name", ["tape.jsonl", "tape.jsonl.gz"])
def test_frames_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with TapeWriter(path, "kraken", StoppedClock()) as tape:
        tape.add(b'{"price":1.10}', 1, sent=False)
        tape.add(b'{"method":"ping"}', 2, sent=True)
        tape.add(b"\xff\x00", 1, sent=False)
        tape.end(2)

    reader = TapeReader(path)

    assert reader.header is not None
    assert (reader.header.venue, reader.header.started_ns) == ("kraken", 9)
    assert list(reader) == list(reader)
    assert [(one.frame, one.link, one.sent, one.closed) for one in reader] == [
        (b'{"price":1.10}', 1, False, False),
        (b'{"method":"ping"}', 2, True, False),
        (b"\xff\x00", 1, False, False),
        (b"", 2, False, True),
    ]
    assert {one.ns for one in reader} == {9}
    is_gzip = path.read_bytes().startswith(b"\x1f\x8b")
    assert is_gzip == name.endswith(".gz")


def test_a_bare_recording_keeps_exact_times_and_the_answers_to_calls(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text(
        '{"ts": 1785552832.693693001, "raw": "{}"}\n'
        '{"ts": null, "raw": "x"}\n'
        '{"ts": 1, "url": "https://host/", "raw": "{}"}\n'
        "\n"
        '{"channel":"heartbeat"}\n'
    )

    reader = TapeReader(path)

    assert reader.header is None
    assert list(reader) == [
        TapeFrame(ns=1785552832693693001, raw="{}"),
        TapeFrame(raw="x"),
        TapeFrame(ns=10**9, link=0, url="https://host/", raw="{}"),
        TapeFrame(raw='{"channel":"heartbeat"}'),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"ts": null, "raw": "x"}\nnonsense\n', ":2 is no recorded frame"),
        (b'{"fluxum_tape": 2, "venue": "kraken", "started_ns": 0}\n', "format 2; 1 was expected"),
        (b'{"fluxum_tape": 1}\n', ":1 is no tape header"),
        (b'{"fluxum_tape": 1, "venue": "kraken", "started_ns": 0}\n[]\n', ":2 is no recorded"),
        (gzip.compress(b'{"ts": null, "raw": "x"}\n' * 1000)[:-20], "cut off or damaged"),
        (b"\xff\xfe\x00\n", "is no recorded frame"),
    ],
)
def test_what_is_no_tape_is_refused_by_name_and_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)

    with pytest.raises(TapeError, match=message) as caught:
        list(TapeReader(path))
    assert "bad.jsonl" in str(caught.value)


def test_what_comes_before_a_cut_is_read_and_the_cut_is_told(tmp_path: Path) -> None:
    lines = [f'{{"ts": null, "raw": "{number}"}}\n'.encode() for number in range(3000)]
    whole = gzip.compress(b"".join(lines[:2000])) + gzip.compress(b"".join(lines[2000:]))
    (tmp_path / "whole.jsonl.gz").write_bytes(whole)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])

    assert [one.raw for one in TapeReader(tmp_path / "whole.jsonl.gz")] == [*map(str, range(3000))]
    read: list[str | None] = []
    with pytest.raises(TapeError, match="it ends in the middle"):
        read.extend(one.raw for one in TapeReader(tmp_path / "cut.jsonl.gz"))
    report = verify(tmp_path / "cut.jsonl.gz", "kraken")
    assert report.frames > 2000
    assert "it ends in the middle" in report.damage
    assert not report.is_proved


def test_a_file_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        TapeReader(tmp_path / "absent.jsonl")
    with pytest.raises(TapeError, match="cannot write"):
        TapeWriter(tmp_path / "absent" / "tape.jsonl", "kraken", StoppedClock())


def test_an_empty_file_has_no_frames(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")

    assert list(TapeReader(tmp_path / "empty.jsonl")) == []


def test_a_recorded_session_proves_itself_again_with_its_holes(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl.gz"
    live: dict[str, int] = {}

    async def story() -> None:
        with TapeWriter(path, "kraken", SimulatedClock()) as tape:
            async with world(
                BOOK,
                TRADES,
                faults="corrupt@5s,hangup@10s",
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


def test_recorded_answers_are_given_out_once_and_not_before_their_time(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text('{"ts": 1, "raw": "{}"}\n')
    (tmp_path / "book.rest.jsonl").write_text(
        '{"ts": 5, "url": "https://old.host/api/v1/depth?symbol=ABC&limit=1000", "raw": "first"}\n'
        '{"ts": 7, "url": "https://old.host/api/v1/depth?symbol=ABC&limit=1000", "raw": "second"}\n'
        '{"ts": 6, "url": "https://old.host/api/v1/depth?symbol=XYZ&limit=1000", "raw": "other"}\n'
    )
    answers = RecordedAnswers(path)
    call = "/api/v3/depth?symbol=ABC&limit=500"

    assert answers.take(call, 4 * 10**9) is None
    assert answers.take(call, 5 * 10**9) == b"first"
    assert answers.take(call, 6 * 10**9) is None
    assert answers.take(call, 7 * 10**9) == b"second"
    assert answers.take(call, 9 * 10**9) is None
    assert answers.take("/api/v3/depth?symbol=XYZ&limit=5", None) == b"other"
    answers.add(TapeFrame(url="https://host/fapi/v1/depth?symbol=ABC", raw="met on the way"))
    assert answers.take(call, 9 * 10**9) == b"met on the way"


def test_a_list_of_another_kind_is_no_answer(tmp_path: Path) -> None:
    answers = RecordedAnswers(tmp_path / "tape.jsonl")
    listed = "https://www.okx.com/api/v5/public/instruments?instType="
    for kind in ("SPOT", "SWAP"):
        answers.add(TapeFrame(ns=1, raw=kind, url=listed + kind))

    assert answers.take("/api/v5/public/instruments?instType=SWAP", None) == b"SWAP"
    assert answers.take("/api/v5/public/instruments?instType=FUTURES", None) is None


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
    assert list(TapeReader(path)) == [
        TapeFrame(ns=StoppedClock().now_ns(), link=0, url="https://host/x", raw=said.decode())
    ]


def test_a_tape_of_books_from_rest_snapshots_proves_itself(tmp_path: Path) -> None:
    venue = VENUES["binance"]
    path = tmp_path / "spliced.jsonl.gz"

    async def story() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(venue, venue.popular, seed=3, clock=clock, rate_per_s=20.0)
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
                session.subscribe(*[Subscription(Channel.BOOK, one) for one in venue.popular])
                await session.wait_ready(30)
                await asyncio.sleep(60)
                assert session.statistics().replaced >= 2

    play(story)
    report = verify(path)

    assert report.is_proved, report
    assert report.applied > 300
    assert all(count >= 3 for count in report.generations.values())
