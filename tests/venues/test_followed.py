"""A replay follows what its session requested, whichever answer is damaged: at every exchange."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from worlds import Wire, play

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Instrument
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.replay import Replay
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.tape import TapeWriter, recording, recording_calls
from fluxum.venues.followed import FollowedRequests, NumberedRequests
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from venues.test_subscriptions import Link

DATA_MIN = 80  # bytes: heartbeats and answers are shorter, but for a pong


@pytest.mark.parametrize("behind", range(6))
@pytest.mark.parametrize("venue", VENUES.values(), ids=list(VENUES))
def test_a_replay_has_the_data_of_its_session_whichever_answer_is_damaged(
    venue: Venue, behind: int, tmp_path: Path
) -> None:
    """A frame is cut, so the book is requested anew, and one of those that answer is cut too."""
    tape = tmp_path / "tape.jsonl"

    lived = data(live(venue, behind, tape))

    replayed = data(event for moment in Replay(tape) for event in moment.events)
    assert sum(" BookSnapshot" in one for one in lived) > 1
    assert replayed == lived


class Cuts:
    """Cuts a frame of data in half, and one of those behind the request that follows."""

    def __init__(self, behind: int) -> None:
        self.wire = Wire(self._alter)
        self.is_armed = False
        self._behind = behind
        self._left: int | None = None

    def _alter(self, frame: bytes) -> bytes:
        if self.is_armed and len(frame) >= DATA_MIN and b"pong" not in frame:
            self.is_armed = False
            self._left = self._behind
            self.wire.sent.clear()
            return frame[: len(frame) // 2]
        if self._left is not None and self.wire.times(b"ubscribe"):
            self._left -= 1
            if self._left < 0:
                self._left = None
                return frame[: len(frame) // 2]
        return frame


def live(venue: Venue, behind: int, path: Path) -> list[Event]:
    market = venue.sample_symbols[0]
    book = venue.with_defaults(Subscription(Channel.BOOK, market))
    cuts = Cuts(behind)
    events: list[Event] = []

    async def story() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(venue, [market], seed=7, clock=clock, rate_per_s=5.0)
        async with exchange:
            with TapeWriter(path, venue.name, clock) as tape:
                session = Session(
                    venue,
                    dial=recording(cuts.wire.wrap(exchange.dial), tape),
                    clock=clock,
                    random=Random(7),
                    http=recording_calls(exchange, tape),
                )
                pipe = session.events(capacity=100_000)
                async with session:
                    session.subscribe(book, Subscription(Channel.INSTRUMENT))
                    await session.wait_ready(60)
                    for _ in range(3):
                        await asyncio.sleep(20)
                        cuts.is_armed = True
                    await asyncio.sleep(60)
                    events.extend(pipe.drain())

    play(story)
    return events


@pytest.mark.parametrize("venue", VENUES.values(), ids=list(VENUES))
def test_a_replay_has_the_instruments_of_its_session(venue: Venue, tmp_path: Path) -> None:
    """Most exchanges list them over REST; USD-M has two links, and each fetches the list."""
    tape = tmp_path / "tape.jsonl"

    lived = rules(live(venue, 5, tape))

    assert len(lived) == 1
    assert rules(event for moment in Replay(tape) for event in moment.events) == lived


def rules(events: Iterable[Event]) -> list[Instrument]:
    """The rules of markets, without the times of the answers that they were read from."""
    return [
        structs.replace(one, received_ns=0, venue_ns=None)
        for one in events
        if isinstance(one, Instrument)
    ]


def data(events: Iterable[Event]) -> list[str]:
    """What is published of the book, in full."""
    return [
        f"{one.received_ns} {one!r}" for one in events if isinstance(one, BookSnapshot | BookUpdate)
    ]


def requested(*ops: str) -> FollowedRequests:
    """Requests for one topic, which was active before; see `Link`."""
    link = Link()
    link.subscribe("a")
    followed = FollowedRequests(link.subscriptions)
    for op in ops:
        followed.request(op, ["a"])
    return followed


@pytest.mark.parametrize(
    "ops", [[], ["subscribe"], ["unsubscribe"], ["unsubscribe", "subscribe", "unsubscribe"]]
)
def test_the_answer_to_an_end_that_was_requested_last_is_an_end(ops: list[str]) -> None:
    followed = requested(*ops)

    assert not followed.is_renewed("a")
    assert followed.end("a") is not None
    assert followed.end("a") is None


def test_an_end_behind_which_a_stream_was_requested_anew_closes_nothing() -> None:
    followed = requested("unsubscribe", "subscribe")

    assert followed.is_renewed("a")
    assert followed.end("a") is None


def test_a_stream_that_is_requested_behind_its_end_begins_as_any_other() -> None:
    followed = requested("unsubscribe")
    followed.end("a")

    followed.request("subscribe", ["a"])

    assert not followed.is_renewed("a")


def test_without_answers_what_was_requested_to_end_ends_before_the_next_frame() -> None:
    ended, renewed = requested("unsubscribe"), requested("unsubscribe", "subscribe")

    for followed in (ended, renewed):
        assert followed.has_ends
        followed.end_unanswered()
        assert not followed.has_ends

    assert ended.end("a") is None  # it is closed
    renewed.request("unsubscribe", ["a"])
    assert renewed.end("a") is not None


def test_no_frame_is_scanned_until_what_was_requested_to_end_has_ended() -> None:
    def scan_all(frame: bytes) -> bytes | None:
        return frame

    followed = requested()
    scan = followed.settling(scan_all)
    assert scan is not None

    followed.request("unsubscribe", ["a"])

    assert scan(b"late") is None
    followed.end_unanswered()
    assert scan(b"new") == b"new"


def test_a_topic_is_ending_from_its_request_until_it_is_closed_or_requested_anew() -> None:
    followed = requested("unsubscribe")
    assert followed.ending() == ["a"]

    followed.request("list", ["a"])
    assert followed.ending() == ["a"]

    followed.request("subscribe", ["a"])
    assert followed.ending() == []

    followed.request("unsubscribe", ["a"])
    followed.end("a")
    assert followed.ending() == []


def test_requests_without_an_answer_are_kept_up_to_a_limit() -> None:
    requests = NumberedRequests[str]()
    for number in range(1_002):
        requests.keep(number, f"request {number}")
    requests.keep(2, "the same number again")
    requests.keep("x", "one more")

    found = [requests.find(number) for number in (0, 1, 2, 3, None)]
    assert found == [None, None, "the same number again", None, None]
    assert requests.answer(4) == "request 4"
    assert requests.answer(4) is None
    assert requests.find("x") == "one more"
