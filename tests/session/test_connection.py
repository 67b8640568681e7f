"""One link: its reader leaves room for the others, and what waits here owes no answer."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from msgspec import structs
from worlds import BOOK, play

from fluxum.errors import LinkClosed, StaleLink, TransportError
from fluxum.flow.background import background
from fluxum.flow.bus import Bus
from fluxum.model.event import Event, Rejected
from fluxum.pacing import CallCounter
from fluxum.session.connection import Connection, LinkCounts, RawFrame
from fluxum.session.fetch_queue import Rest
from fluxum.session.latencies import Latencies
from fluxum.sim.loop import SimulatedClock
from fluxum.transport.link import Link
from fluxum.venues.conversation import Fetch, Send
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.venue import KRAKEN


class Flood:
    """A link that is never empty, and hangs up after so many frames."""

    def __init__(self, frames: int) -> None:
        self.left = frames
        self.sent: list[int] = []

    async def send(self, frame: bytes) -> None:
        self.sent.append(self.left)

    async def receive(self) -> bytes:
        self.left -= 1
        if not self.left:
            raise StaleLink("it is over")
        return b'{"channel":"heartbeat"}'


class Quiet:
    """A link that says nothing but heartbeats, once a second."""

    async def send(self, frame: bytes) -> None: ...

    async def receive(self) -> bytes:
        await asyncio.sleep(1.0)
        return b'{"channel":"heartbeat"}'


def _pass_over(fetch: Fetch, reason: str, again_ns: int, told: Event | None) -> None:
    """Nothing is called here."""


class Narrow(Quiet):
    """A link that takes frames one after the other, each after a wait, and may refuse one."""

    def __init__(self, wait_s: float = 0.0, error: TransportError | None = None) -> None:
        self.wait_s = wait_s
        self.error = error
        self.begun: list[bytes] = []
        self.sent: list[bytes] = []

    async def send(self, frame: bytes) -> None:
        self.begun.append(frame)
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        if self.error is not None:
            raise self.error
        self.sent.append(frame)


def connected(link: Link, protocol: KrakenProtocol, **limits: float) -> Connection:
    told: list[Event] = []

    def deliver(events: Sequence[Event]) -> None:
        told.extend(events)

    return Connection(
        "kraken",
        link,
        protocol,
        limits=structs.replace(KRAKEN.limits, **limits),
        clock=SimulatedClock(),
        rest=Rest(None, {}, CallCounter(1.0, 1.0), KRAKEN.limits.backoff, Random(1)),
        counts=LinkCounts(),
        raw=Bus[RawFrame](),
        latencies=Latencies(SimulatedClock().now_ns),
        deliver=deliver,
        reject=lambda rejected: None,
        call_failed=_pass_over,
        hand_over=lambda _: None,
    )


def test_a_link_that_is_never_empty_lets_the_others_run() -> None:
    async def story() -> None:
        link, protocol = Flood(10_000), KrakenProtocol()
        protocol.subscribe([BOOK])

        with pytest.raises(StaleLink, match="it is over"):
            await connected(link, protocol).run()

        assert link.sent[0] > 9_000

    play(story)


def queued(protocol: KrakenProtocol, connection: Connection, *frames: bytes) -> None:
    for frame in frames:
        protocol.outbox.append(Send(frame))
        connection.perform_soon()


def test_a_frame_is_sent_before_the_caller_goes_on_if_the_link_is_free() -> None:
    async def story() -> None:
        link, protocol = Narrow(), KrakenProtocol()
        connection = connected(link, protocol)

        queued(protocol, connection, b"1", b"2")

        assert link.sent == [b"1", b"2"]
        assert not protocol.outbox

    play(story)


def test_frames_behind_one_that_waits_keep_their_order() -> None:
    async def story() -> None:
        link, protocol = Narrow(wait_s=0.5), KrakenProtocol()
        connection = connected(link, protocol)
        async with background(connection.run()):
            queued(protocol, connection, b"1", b"2", b"3")
            assert link.begun == [b"1"]
            await asyncio.sleep(1.2)
            assert (link.begun, link.sent) == ([b"1", b"2", b"3"], [b"1", b"2"])
            await asyncio.sleep(0.5)

            assert link.sent == [b"1", b"2", b"3"]

    play(story)


@pytest.mark.parametrize("wait_s", [0.0, 0.5])
def test_a_frame_that_cannot_be_sent_ends_the_link_and_not_its_caller(wait_s: float) -> None:
    async def story() -> None:
        link, protocol = Narrow(wait_s, LinkClosed("cannot write")), KrakenProtocol()
        connection = connected(link, protocol)

        queued(protocol, connection, b"1", b"2")

        with pytest.raises(LinkClosed, match="cannot write"):
            await connection.run()
        assert link.begun == [b"1"]

    play(story)


def test_a_link_that_takes_no_more_frames_is_stale() -> None:
    async def story() -> None:
        link, protocol = Narrow(wait_s=1e6), KrakenProtocol()
        connection = connected(link, protocol)
        queued(protocol, connection, b"1")

        with pytest.raises(StaleLink, match="takes no more frames"):
            await connection.run()

    play(story)


def test_frames_beyond_the_venues_rate_wait_for_their_turn() -> None:
    async def story() -> None:
        link, protocol = Narrow(), KrakenProtocol()
        connection = connected(link, protocol, sends_per_s=1.0, send_burst=2)
        async with background(connection.run()):
            queued(protocol, connection, b"1", b"2", b"3", b"4")
            assert link.sent == [b"1", b"2"]
            await asyncio.sleep(1.1)
            assert link.sent == [b"1", b"2", b"3"]
            await asyncio.sleep(1.0)

            assert link.sent == [b"1", b"2", b"3", b"4"]

    play(story)


def test_what_waits_here_for_its_turn_owes_no_answer() -> None:
    async def story() -> None:
        protocol = KrakenProtocol()
        for _ in range(3):  # a request every twenty seconds: the last is sent after sixty
            protocol.outbox.append(Send(b"{}"))
        protocol.subscribe([BOOK])
        connection = connected(
            Quiet(), protocol, sends_per_s=0.05, send_burst=1, ping_interval_s=1e6
        )
        started_s = asyncio.get_running_loop().time()

        with pytest.raises(StaleLink, match="no answer for 10 s to 'book BTC/USD 10'"):
            await connection.run()

        assert asyncio.get_running_loop().time() - started_s >= 70

    play(story)


class Burst:
    """A link that has several frames at once, and then hangs up."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)

    async def send(self, frame: bytes) -> None: ...

    async def receive(self) -> bytes:
        if not self.frames:
            raise LinkClosed("it is over")
        return self.frames.pop(0)

    def waiting(self, most: int) -> list[bytes]:
        taken, self.frames = self.frames[:most], self.frames[most:]
        return taken


class Ticking(SimulatedClock):
    """A clock that goes on by a second at each look."""

    looks = 0

    def now_ns(self) -> int:
        self.looks += 1
        return NOON_NS + self.looks * 1_000_000_000


NOON_NS = 1_767_268_800_000_000_000


def trade(number: int, symbol: str = "BTC/USD", price: str = "1.5") -> bytes:
    return (
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"buy",'
        f'"price":{price},"qty":1,"ord_type":"market","trade_id":{number},'
        f'"timestamp":"2026-01-01T12:00:00.000000Z"}}]}}'
    ).encode()


def taken(link: Link, *, is_scanning: bool) -> tuple[list[list[str]], list[Event], LinkCounts]:
    """What a connection delivers and rejects, in order, all events in full, and its counts."""
    story: list[list[str]] = []
    events: list[Event] = []

    counts: list[LinkCounts] = []

    async def run() -> None:
        protocol = KrakenProtocol()
        protocol.follow_passively()
        if not is_scanning:
            protocol.scan_trades = None
        connection = connected(link, protocol)
        connection._clock = Ticking()

        def reject(_rejected: Rejected) -> None:
            story.append(["rejected"])

        def deliver(found: Sequence[Event]) -> None:
            events.extend(found)
            story.append([getattr(one, "trade_id", type(one).__name__) for one in found])

        connection.deliver, connection._reject = deliver, reject
        with pytest.raises(LinkClosed, match="it is over"):
            await connection.run()
        counts.append(connection._counts)

    play(run)
    return story, events, counts[0]


FRAMES = (
    trade(1),
    trade(2),
    b'{"channel":"trade","type":"update","data":[7]}',
    trade(3),
    trade(4, price="1e0"),
    trade(5, "ETH/USD"),
    b'{"channel":"heartbeat"}',
    trade(6),
)


@pytest.mark.parametrize("is_scanning", [True, False])
def test_frames_of_one_burst_keep_their_order_and_have_one_time(is_scanning: bool) -> None:
    story, events, counts = taken(Burst(*FRAMES), is_scanning=is_scanning)

    assert [one for part in story for one in part] == ["1", "2", "rejected", "3", "4", "5", "6"]
    assert {one.received_ns for one in events} == {NOON_NS + 1_000_000_000}
    assert (counts.frames, counts.data, counts.control, counts.rejected) == (8, 6, 1, 1)


def test_a_burst_is_read_as_its_frames_one_by_one() -> None:
    together, apart = Burst(*FRAMES), Burst(*FRAMES)
    apart.waiting = lambda most: []  # type: ignore[method-assign]

    _, events, counts = taken(together, is_scanning=True)
    _, expected, counts_apart = taken(apart, is_scanning=False)

    assert [structs.replace(one, received_ns=0) for one in events] == [
        structs.replace(one, received_ns=0) for one in expected
    ]
    assert counts == counts_apart


@pytest.mark.parametrize("is_scanning", [True, False])
def test_frames_behind_an_error_in_their_burst_are_not_counted(is_scanning: bool) -> None:
    async def story() -> None:
        protocol = KrakenProtocol()
        protocol.follow_passively()
        if not is_scanning:
            protocol.scan_trades = None
        connection = connected(Burst(*FRAMES), protocol)

        def deliver(found: Sequence[Event]) -> None:
            raise StaleLink(f"{len(found)} events are too many")

        connection.deliver = deliver
        with pytest.raises(StaleLink):
            await connection.run()
        counts = connection._counts
        assert counts.frames == counts.data + counts.control + counts.rejected == counts.data > 0

    play(story)
