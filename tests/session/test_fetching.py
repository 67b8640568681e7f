"""REST calls of a link: one at a time, repeated until the venue says yes or no."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from msgspec import structs
from worlds import play

from fluxum.errors import (
    FluxumError,
    LocalProtocolError,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.flow.background import background
from fluxum.model.event import Event, Rejected, VenueNotice
from fluxum.pacing import BackoffPolicy, CallCounter
from fluxum.session.fetching import FetchCounts, Fetching, Rest
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.venue import Fetch

BOOK = Fetch("GET", "/depth?symbol=ABC", "book ABC")
OTHER = Fetch("GET", "/depth?symbol=XYZ", "book XYZ")


class Asking(KrakenProtocol):
    """A protocol that understands everything but nonsense."""

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        if body == b"nonsense":
            raise RemoteProtocolError("this makes no sense")
        return [said(f"{fetch.purpose}: {body.decode()}")]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        return [said(f"{fetch.purpose} refused: {reason}")]


def said(message: str) -> VenueNotice:
    return VenueNotice(venue="kraken", message=message, received_ns=0)


class Calls:
    """Answers from a list; an error in it is raised."""

    def __init__(self, *answers: bytes | FluxumError) -> None:
        self.answers = deque(answers)
        self.made: list[tuple[float, str]] = []

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        assert (method, headers, body) == ("GET", {}, b"")
        self.made.append((asyncio.get_running_loop().time(), url))
        await asyncio.sleep(0.1)
        answer = self.answers.popleft()
        if isinstance(answer, FluxumError):
            raise answer
        return answer


class Desk:
    """Fetching with nobody around."""

    def __init__(self, calls: Calls | None, rate_per_s: float = 100.0) -> None:
        self.told: list[str] = []
        self.rejected: list[Rejected] = []
        self.counts = FetchCounts()
        self._rest = Rest(
            calls,
            {"rest": "https://host"},
            CallCounter(1.0, rate_per_s),
            BackoffPolicy(quick_tries=0, floor_s=1.0, first_s=1.0, ceiling_s=8.0),
            Random(1),
        )
        self.fetching = self.another()

    def another(self) -> Fetching:
        """The calls of one more link."""
        return Fetching(
            "kraken",
            Asking(),
            self._rest,
            SimulatedClock(),
            self.counts,
            self._deliver,
            self.rejected.append,
            lambda: None,
        )

    def _deliver(self, events: Sequence[Event]) -> None:
        self.told += [event.message for event in events if isinstance(event, VenueNotice)]


def test_calls_are_made_in_order_and_one_at_a_time() -> None:
    async def story() -> None:
        calls = Calls(b"one", b"two")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.ask(BOOK)
            desk.fetching.ask(OTHER)
            await asyncio.sleep(5)
        assert desk.told == ["book ABC: one", "book XYZ: two"]
        assert [url for _, url in calls.made] == [
            "https://host/depth?symbol=ABC",
            "https://host/depth?symbol=XYZ",
        ]
        assert calls.made[1][0] - calls.made[0][0] >= 0.1
        assert desk.counts == FetchCounts(asked=2, answered=2)

    play(story)


def test_calls_are_paced() -> None:
    async def story() -> None:
        calls = Calls(b"1", b"2", b"3")
        desk = Desk(calls, rate_per_s=0.5)
        async with background(desk.fetching.run()):
            for _ in range(3):
                desk.fetching.ask(BOOK)
            await asyncio.sleep(10)
        first = calls.made[0][0]
        assert [round(at - first, 3) for at, _ in calls.made] == [0.0, 2.0, 4.0]

    play(story)


def test_a_call_counts_what_it_costs() -> None:
    async def story() -> None:
        calls = Calls(b"one", b"two", b"three")
        desk = Desk(calls, rate_per_s=0.5)
        async with background(desk.fetching.run()):
            desk.fetching.ask(structs.replace(BOOK, cost=0.5))
            desk.fetching.ask(structs.replace(BOOK, cost=0.5))
            desk.fetching.ask(BOOK)
            await asyncio.sleep(10)
        assert [round(at, 1) for at, _ in calls.made] == [0.0, 0.1, 2.0]

    play(story)


def test_calls_move_while_they_wait_and_one_was_answered_not_long_ago() -> None:
    async def story() -> None:
        calls = Calls(b"one", RateLimited("slow down", "429", 60.0), b"two")
        desk = Desk(calls, rate_per_s=0.25)
        moving: list[bool] = [desk.fetching.is_moving(10)]
        async with background(desk.fetching.run()):
            desk.fetching.ask(BOOK)
            desk.fetching.ask(OTHER)
            for wait_s in (1, 8, 10, 100):
                await asyncio.sleep(wait_s)
                moving.append(desk.fetching.is_moving(10))
        # Nothing waits; the second waits its turn, and is refused; it is held; nothing waits.
        assert moving == [False, True, True, False, False]

    play(story)


def test_a_refusal_for_too_many_calls_holds_the_calls_of_every_link() -> None:
    async def story() -> None:
        calls = Calls(RateLimited("slow down", "429", 20.0), b"one", b"two")
        desk = Desk(calls)
        other = desk.another()
        async with background(desk.fetching.run(), other.run()):
            desk.fetching.ask(BOOK)
            await asyncio.sleep(1)
            other.ask(OTHER)
            await asyncio.sleep(60)
        refused, *later = [at for at, _ in calls.made]
        assert refused == 0.0
        assert all(at >= 20.0 for at in later)

    play(story)


def test_what_fails_on_the_way_is_asked_again_and_a_no_is_an_answer() -> None:
    async def story() -> None:
        calls = Calls(
            TransportError("no route"),
            RateLimited("slow down", "429", 20.0),
            b"nonsense",
            b"at last",
            VenueRefused("no such symbol", "400"),
        )
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.ask(BOOK)
            desk.fetching.ask(OTHER)
            await asyncio.sleep(60)
        assert desk.told == ["book ABC: at last", "book XYZ refused: no such symbol"]
        assert desk.counts == FetchCounts(asked=2, answered=1, refused=1, failures=3)
        assert [one.sample for one in desk.rejected] == ["nonsense"]
        waits_s = [
            later[0] - earlier[0]
            for earlier, later in zip(calls.made, calls.made[1:], strict=False)
        ]
        assert 1.0 <= waits_s[0] <= 1.2
        assert waits_s[1] >= 20.0  # as the venue asked for

    play(story)


def test_nothing_can_be_asked_where_no_http_was_handed_in() -> None:
    async def story() -> None:
        with pytest.raises(LocalProtocolError, match=r"/depth.* no HTTP"):
            Desk(None).fetching.ask(BOOK)

    play(story)
