"""REST calls of a link: each repeated on its own until the venue says yes or no."""

import asyncio
import math
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from msgspec import structs
from worlds import play

from fluxum.errors import (
    FluxumError,
    LocalProtocolError,
    RateLimited,
    Redirected,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.flow.background import background
from fluxum.model.event import CallFailed, Channel, Event, Rejected, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy, CallCounter
from fluxum.session.fetch_queue import FetchCounts, FetchQueue, Rest
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.venue import Fetch

ABC, XYZ = (Subscription(Channel.BOOK, Symbol(f"{one}/USD")) for one in ("ABC", "XYZ"))
BOOK = Fetch("GET", "/depth?symbol=ABC", "book ABC", subscription=ABC)
OTHER = Fetch("GET", "/depth?symbol=XYZ", "book XYZ", subscription=XYZ)
THIRD = Fetch("GET", "/list", "list")


class RestClient(KrakenProtocol):
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
    """Answers from a list, or by the path where there are several; an error in it is raised."""

    def __init__(self, *answers: bytes | FluxumError, takes_s: float = 0.1, **by: Any) -> None:
        self.answers = deque(answers)
        self.by: dict[str, Any] = by
        self.takes_s = takes_s
        self.made: list[tuple[float, str]] = []

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        assert (method, headers, body) == ("GET", {}, b"")
        self.made.append((asyncio.get_running_loop().time(), url))
        await asyncio.sleep(self.takes_s)
        own = self.by.get(url[-3:])
        answer = own() if own is not None else self.answers.popleft()
        if isinstance(answer, FluxumError):
            raise answer
        return answer

    def times(self, name: str) -> list[float]:
        """When a path was called, by its last three letters."""
        return [at for at, url in self.made if url.endswith(name)]


class Desk:
    """Fetching with nobody around."""

    def __init__(self, calls: Calls | None, rate_per_s: float = 100.0) -> None:
        self.told: list[str] = []
        self.events: list[Event] = []
        self.failed: list[tuple[Subscription | None, str, float]] = []
        self.counts = FetchCounts()
        self._start_ns = SimulatedClock().now_ns()
        self._rest = Rest(
            calls,
            {"rest": "https://host"},
            CallCounter(1.0, rate_per_s),
            BackoffPolicy(quick_tries=0, floor_s=1.0, first_s=1.0, ceiling_s=8.0),
            Random(1),
        )
        self.fetching = self.another()

    def another(self) -> FetchQueue:
        """The calls of one more link."""
        return FetchQueue(
            "kraken",
            RestClient(),
            self._rest,
            SimulatedClock(),
            self.counts,
            self._deliver,
            self._failed,
            lambda: None,
        )

    def _deliver(self, events: Sequence[Event]) -> None:
        self.told += [event.message for event in events if isinstance(event, VenueNotice)]

    def _failed(self, fetch: Fetch, reason: str, again_ns: int, told: Event | None) -> None:
        again_s = round((again_ns - self._start_ns) / 1e9, 3)
        self.failed.append((fetch.subscription, reason, again_s))
        if told is not None:
            self.events.append(told)

    @property
    def sums_close(self) -> bool:
        counts = self.counts
        known = counts.answered + counts.refused + counts.abandoned + self.fetching.waiting
        return counts.requested == known


def test_calls_are_made_in_order_and_a_few_at_once() -> None:
    async def story() -> None:
        calls = Calls(b"1", b"2", b"3", b"4", b"5", takes_s=1.0)
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            for number in range(5):
                desk.fetching.add(Fetch("GET", f"/{number}", str(number)))
            await asyncio.sleep(5)
        assert desk.told == ["0: 1", "1: 2", "2: 3", "3: 4", "4: 5"]
        assert [url for _, url in calls.made] == [f"https://host/{number}" for number in range(5)]
        assert [round(at) for at, _ in calls.made] == [0, 0, 0, 0, 1]  # four at once
        assert desk.counts == FetchCounts(requested=5, answered=5)

    play(story)


def test_a_call_that_fails_for_ever_holds_up_no_other() -> None:
    async def story() -> None:
        def never() -> FluxumError:
            return TransportError("timed out")

        calls = Calls(ABC=never, XYZ=lambda: b"fine", ist=lambda: b"whole")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            for fetch in (BOOK, OTHER, THIRD):
                desk.fetching.add(fetch)
            await asyncio.sleep(600)
            assert desk.told == ["book XYZ: fine", "list: whole"]
            assert desk.sums_close
            assert desk.fetching.serves(ABC)
            assert not desk.fetching.serves(XYZ)
        assert desk.counts.requested == 3
        assert desk.counts.abandoned == 1
        assert desk.sums_close
        assert calls.times("XYZ")[0] < 0.2
        # Its own back-off grows to eight seconds.
        assert 600 / 8 < len(calls.times("ABC")) < 600 / 2

    play(story)


def test_a_call_that_hangs_leaves_room_for_the_others() -> None:
    async def story() -> None:
        calls = Calls(takes_s=10.0, ABC=lambda: TransportError("timed out"), XYZ=lambda: b"fine")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(0.5)
            calls.takes_s = 0.1
            desk.fetching.add(OTHER)
            await asyncio.sleep(0.5)
            assert desk.told == ["book XYZ: fine"]

    play(story)


def test_a_failing_call_is_named_with_its_reason_and_its_next_attempt() -> None:
    async def story() -> None:
        calls = Calls(ABC=lambda: TransportError("timed out"))
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(100)
        made = calls.times("ABC")
        assert {(one, reason) for one, reason, _ in desk.failed} == {(ABC, "timed out")}
        again_s = [again for _, _, again in desk.failed]
        assert again_s[:-1] == pytest.approx(made[1:], abs=0.01)
        events = [event for event in desk.events if isinstance(event, CallFailed)]
        assert [event.failures for event in events] == [1, 2, 4, 8, 16]
        assert {event.subscription for event in events} == {ABC}
        assert {event.call for event in events} == {"GET /depth?symbol=ABC"}
        assert all(event.again_ns > event.received_ns for event in events)

    play(story)


def test_an_answer_that_cannot_be_read_is_rejected_for_its_stream_alone() -> None:
    async def story() -> None:
        calls = Calls(ABC=lambda: b"nonsense", XYZ=lambda: b"fine", ist=lambda: b"nonsense")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            for fetch in (BOOK, OTHER, THIRD):
                desk.fetching.add(fetch)
            await asyncio.sleep(100)
        assert desk.told == ["book XYZ: fine"]
        rejected = [event for event in desk.events if isinstance(event, Rejected)]
        assert {event.subscriptions for event in rejected} == {(ABC,), ()}
        assert {event.sample for event in rejected} == {"nonsense"}
        assert {event.reason for event in rejected} == {
            "/depth?symbol=ABC: this makes no sense",
            "/list: this makes no sense",
        }
        assert len(rejected) <= 12  # the first, second, fourth, eighth, ... of each

    play(story)


@pytest.mark.parametrize("error", [RecursionError("too deep"), OverflowError("1e400"), ValueError])
def test_whatever_reading_an_answer_raises_costs_that_answer(error: Exception) -> None:
    async def story() -> None:
        class Deep(RestClient):
            def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> list[Event]:
                raise error

        calls = Calls(ABC=lambda: b"[[[[")
        desk = Desk(calls)
        desk.fetching._protocol = Deep()
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(1)
        assert desk.counts.failures >= 1
        assert isinstance(desk.events[0], Rejected)

    play(story)


def test_a_call_that_waits_is_made_once_however_often_it_is_asked_for() -> None:
    async def story() -> None:
        calls = Calls(TransportError("no route"), b"at last")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(0.5)  # it failed, and waits
            for number in range(3):
                later = structs.replace(BOOK, purpose=f"later {number}")
                desk.fetching.add(later)
            await asyncio.sleep(60)
        assert desk.told == ["later 2: at last"]
        assert desk.counts == FetchCounts(requested=1, answered=1, failures=1)
        assert desk.sums_close

    play(story)


def test_a_call_that_fails_while_it_is_asked_for_again_is_one_call() -> None:
    async def story() -> None:
        calls = Calls(TransportError("no route"), b"at last")
        desk = Desk(calls)
        desk._rest.counter.exhausted(0.0, 0.0)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(0.05)  # it is on its way
            desk._rest.counter.exhausted(30.0, 0.05)
            desk.fetching.add(structs.replace(BOOK, purpose="later"))
            await asyncio.sleep(100)
            assert desk.sums_close
        assert desk.told == ["later: at last"]
        assert desk.counts == FetchCounts(requested=2, answered=1, abandoned=1, failures=1)

    play(story)


def test_too_many_calls_are_refused_and_counted() -> None:
    async def story() -> None:
        desk = Desk(Calls())
        for number in range(10_001):
            desk.fetching.add(Fetch("GET", f"/{number}", f"{number}"))
        assert desk.told == ["10000 refused: 10000 calls wait already"]
        assert (desk.counts.requested, desk.counts.refused) == (10_001, 1)
        assert desk.sums_close

    play(story)


def test_answers_that_do_not_help_are_asked_for_ever_more_slowly() -> None:
    async def story() -> None:
        calls = Calls(ABC=lambda: b"too old", XYZ=lambda: b"too old")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            for _ in range(600):
                desk.fetching.add(BOOK)
                await asyncio.sleep(0.5)
            made = calls.times("ABC")
            assert [round(at, 1) for at in made[:3]] == [0.0, 0.5, 1.0]  # as often as was asked
            assert len(made) < 60  # and not six hundred times
            assert made[-1] - made[-2] > 1.0
            assert any(
                "was answered 3 times, which did not help" in one for _, one, _ in desk.failed
            )
            # What was not asked for in a minute begins anew; another call never waited.
            await asyncio.sleep(120)
            again_s = asyncio.get_running_loop().time()
            desk.fetching.add(BOOK)
            desk.fetching.add(OTHER)
            await asyncio.sleep(1)
            assert calls.times("ABC")[-1] == pytest.approx(again_s)
            assert calls.times("XYZ") == pytest.approx([again_s], abs=0.05)

    play(story)


def test_a_call_that_is_polled_on_purpose_is_not_slowed_down() -> None:
    async def story() -> None:
        calls = Calls(ABC=lambda: b"as before")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            for _ in range(60):
                desk.fetching.add(structs.replace(BOOK, is_polled=True))
                await asyncio.sleep(1.0)
            assert len(calls.times("ABC")) == 60

    play(story)


def test_a_no_to_what_was_answered_before_is_asked_again_slowly() -> None:
    async def story() -> None:
        calls = Calls(b"one", VenueRefused("an edge says no", "403"), b"two")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(1)
            desk.fetching.add(BOOK)
            await asyncio.sleep(60)
        assert desk.told == ["book ABC: one", "book ABC: two"]
        assert desk.counts == FetchCounts(requested=2, answered=2, failures=1)
        assert calls.made[2][0] - calls.made[1][0] >= 10

    play(story)


def test_a_redirect_is_asked_again_slowly() -> None:
    async def story() -> None:
        calls = Calls(Redirected("elsewhere"), b"one")
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(60)
        assert desk.told == ["book ABC: one"]
        assert calls.made[1][0] - calls.made[0][0] >= 10

    play(story)


def test_a_hold_names_all_that_wait_with_its_end_and_lasts_an_hour_at_most() -> None:
    async def story() -> None:
        calls = Calls(RateLimited("slow down", "429", math.inf), b"one", b"two", takes_s=0.0)
        desk = Desk(calls, rate_per_s=1.0)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            desk.fetching.add(OTHER)  # waits for the allowance, and was to be made at one second
            await asyncio.sleep(5)
            assert desk.failed == [(ABC, "slow down", 3600.0), (XYZ, "slow down", 3600.0)]
            assert len(calls.made) == 1
            await asyncio.sleep(3610)
        assert [at >= 3600 for at, _ in calls.made] == [False, True, True]
        assert sorted(desk.told) == ["book ABC: one", "book XYZ: two"] or desk.counts.answered == 2

    play(story)


def test_calls_are_paced() -> None:
    async def story() -> None:
        calls = Calls(b"1", b"2", b"3")
        desk = Desk(calls, rate_per_s=0.5)
        async with background(desk.fetching.run()):
            for fetch in (BOOK, OTHER, THIRD):
                desk.fetching.add(fetch)
            await asyncio.sleep(10)
        first = calls.made[0][0]
        assert [round(at - first, 3) for at, _ in calls.made] == [0.0, 2.0, 4.0]

    play(story)


def test_a_call_counts_what_it_costs() -> None:
    async def story() -> None:
        calls = Calls(b"one", b"two", b"three")
        desk = Desk(calls, rate_per_s=0.5)
        async with background(desk.fetching.run()):
            desk.fetching.add(structs.replace(BOOK, cost=0.5))
            desk.fetching.add(structs.replace(OTHER, cost=0.5))
            desk.fetching.add(THIRD)
            await asyncio.sleep(10)
        assert [round(at, 1) for at, _ in calls.made] == [0.0, 0.0, 2.0]

    play(story)


def test_a_refusal_for_too_many_calls_holds_the_calls_of_every_link() -> None:
    async def story() -> None:
        calls = Calls(RateLimited("slow down", "429", 20.0), b"one", b"two")
        desk = Desk(calls)
        other = desk.another()
        async with background(desk.fetching.run(), other.run()):
            desk.fetching.add(BOOK)
            await asyncio.sleep(1)
            other.add(OTHER)
            await asyncio.sleep(60)
        refused, *later = [at for at, _ in calls.made]
        assert refused == 0.0
        assert all(at >= 20.0 for at in later)

    play(story)


def test_what_fails_on_the_way_is_asked_again_and_a_no_is_an_answer() -> None:
    async def story() -> None:
        answers = deque(
            [
                TransportError("no route"),
                RateLimited("slow down", "429", 20.0),
                b"nonsense",
                b"at last",
            ]
        )
        calls = Calls(
            ABC=answers.popleft, XYZ=lambda: VenueRefused("no such symbol", "400"), takes_s=0.0
        )
        desk = Desk(calls)
        async with background(desk.fetching.run()):
            desk.fetching.add(BOOK)
            desk.fetching.add(OTHER)
            await asyncio.sleep(60)
        assert desk.told == ["book XYZ refused: no such symbol", "book ABC: at last"]
        assert desk.counts == FetchCounts(requested=2, answered=1, refused=1, failures=3)
        made = calls.times("ABC")
        assert 1.0 <= made[1] - made[0] <= 1.2
        assert made[2] - made[1] >= 20.0  # as the venue asked for

    play(story)


def test_nothing_can_be_asked_where_no_http_was_handed_in() -> None:
    async def story() -> None:
        with pytest.raises(LocalProtocolError, match=r"/depth.* no HTTP"):
            Desk(None).fetching.add(BOOK)

    play(story)


def test_a_command_that_waited_too_long_is_not_sent_and_refused() -> None:
    """It might be executed after its desk has found that it never arrived."""

    async def story() -> None:
        command = structs.replace(THIRD, purpose="command", is_once=True)
        calls = Calls(RateLimited("slow down", "429", 30.0), b"a", b"b")
        desk = Desk(calls)
        async with background() as work:
            work.start(desk.fetching.run(), name="calls")
            desk.fetching.add(BOOK)
            await asyncio.sleep(1)
            desk.fetching.add(command)
            await asyncio.sleep(60)

        assert desk.told[0] == "command refused: not sent: it waited for 29 s"
        assert calls.times("ist") == []
        assert desk.counts.refused == 1

    play(story)
