"""A session over a tape: the events, losses and gaps of the session that was recorded."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

import fluxum
from fluxum.errors import BadInput, LinkClosed, TapeEnded, TapeError, TransportError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    LinkLost,
    StateChange,
)
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape import (
    ReplayCounts,
    ReplayedRuntime,
    TapeReader,
    TapeRecorder,
    TapeWriter,
)
from fluxum.tape.lines import TapeFrame, TapeHeader, encode_lines
from fluxum.transport.link import Batched, Link, MemoryLink, loopback
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.register import find_venue


def channels(name: str) -> list[Channel]:
    venue = find_venue(name)
    return [one for one in venue.routes if one not in venue.needs_token]


async def take(session: fluxum.Session, events: list[Event]) -> None:
    async for event in session.events(capacity=1_000_000):
        events.append(event)


def record(path: Path, name: str, seconds: float, faults: str = "") -> list[Event]:
    """Record a session with a simulated exchange; return its events."""
    venue, events = find_venue(name), list[Event]()

    async def main() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(
            venue,
            venue.sample_symbols[:2],
            seed=5,
            clock=clock,
            rate_per_s=10,
            faults=FaultPlan(parse_faults(faults), Random(5)),
        )
        with TapeWriter(path, name, clock) as tape:
            async with exchange:
                async with fluxum.connect(
                    name,
                    venue.sample_symbols[:2],
                    channels(name),
                    recorder=TapeRecorder(tape),
                    runtime=SimulatedRuntime(exchange, clock=clock, seed=9),
                ) as session:
                    pipe = session.events(capacity=1_000_000)
                    await asyncio.sleep(seconds)
                events.extend(pipe.drain())

    run(main())
    return events


def replay(path: Path, name: str, error: type[TapeError] = TapeEnded) -> list[Event]:
    """The events of a session over a tape, to its end."""
    events: list[Event] = []

    async def main() -> None:
        symbols = find_venue(name).sample_symbols[:2]
        runtime = ReplayedRuntime(path)
        async with fluxum.connect(name, symbols, channels(name), runtime=runtime) as session:
            with pytest.raises(error, match=path.name):
                await take(session, events)
        assert session.statistics().sums_close
        assert runtime.counts == ReplayCounts(session.statistics().frames, 0)

    run(main())
    return events


def facts(events: list[Event]) -> list[Event]:
    """Without changes of state, which are of this session's own dials, and the tape's words."""
    plain: list[Event] = []
    for event in events:
        if isinstance(event, StateChange):
            continue
        if isinstance(event, LinkLost):
            event = structs.replace(event, reason="")
        if isinstance(event, Gap):
            event = structs.replace(event, detail="")
        plain.append(event)
    return plain


@pytest.mark.parametrize("name", ["kraken", "binance", "bybit", "okx", "coinbase", "gemini"])
def test_events_of_a_replayed_session_are_those_of_the_recorded_one(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "day.jsonl.gz"
    live = record(path, name, 60.0, "hangup@15s,corrupt@30s,drop@40s")

    again = replay(path, name)

    assert len(live) > 300
    assert any(isinstance(one, Desync) for one in live)
    assert [type(one) for one in live].count(LinkLost) >= 2
    assert facts(again) == facts(live)


def lines_of(path: Path) -> tuple[TapeHeader, list[TapeFrame]]:
    reader = TapeReader(path)
    assert reader.header is not None
    return reader.header, list(reader)


def test_frames_that_the_recorder_lost_cut_the_link_and_are_a_gap(tmp_path: Path) -> None:
    path, holed = tmp_path / "whole.jsonl", tmp_path / "holed.jsonl"
    record(path, "kraken", 30.0, "hangup@20s")
    header, lines = lines_of(path)
    cut = next(n for n, line in enumerate(lines) if (line.ns or 0) > header.started_ns + 10**10)
    since_ns, until_ns = lines[cut].ns or 0, lines[cut + 9].ns
    hole = TapeFrame(ns=until_ns, link=0, lost=10, since_ns=since_ns)
    holed.write_bytes(encode_lines([header, *lines[:cut], hole, *lines[cut + 10 :]]))

    events = replay(holed, "kraken")

    lost = next(event for event in events if isinstance(event, LinkLost))
    assert lost.reason == "10 frames are not on the tape"
    assert lost.received_ns == until_ns
    gaps = [one for one in events if isinstance(one, Gap) and one.subscription.channel.is_book]
    assert {gap.subscription.symbol for gap in gaps} == set(KRAKEN.sample_symbols[:2])
    for gap in gaps:  # no snapshot is on the tape before the next link
        assert gap.since_ns <= since_ns < header.started_ns + 20 * 10**9 < gap.until_ns


def test_a_damaged_tape_ends_the_session_with_the_damage_after_what_came_before(
    tmp_path: Path,
) -> None:
    path, damaged = tmp_path / "whole.jsonl", tmp_path / "damaged.jsonl"
    live = record(path, "kraken", 10.0)
    header, lines = lines_of(path)
    damaged.write_bytes(encode_lines([header, *lines[:-2]]) + b"{nonsense}\n{}\n")

    events = replay(damaged, "kraken", TapeError)

    trades = [event for event in live if isinstance(event, fluxum.Trade)]
    assert trades
    assert [event for event in events if isinstance(event, fluxum.Trade)] == trades


def test_a_tape_is_replayed_by_one_session_of_its_exchange(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    record(path, "kraken", 2.0)

    async def main() -> None:
        runtime = ReplayedRuntime(path)
        with pytest.raises(BadInput, match="is of kraken, was replayed as okx"):
            await fluxum.connect("okx", ["BTC/USDT"], runtime=runtime)
        async with fluxum.connect("kraken", ["BTC/USD"], runtime=runtime):
            with pytest.raises(BadInput, match="one runtime, one session"):
                await fluxum.connect("kraken", ["BTC/USD"], runtime=runtime)

    run(main())


def test_a_call_is_answered_when_it_was_or_fails_if_it_was_not(tmp_path: Path) -> None:
    path, url = tmp_path / "calls.jsonl", "https://api.example.com/0/public/Time"
    lines: list[TapeHeader | TapeFrame] = [
        TapeHeader(fluxum_tape=1, venue="kraken", started_ns=10**18),
        TapeFrame(ns=10**18 + 3 * 10**9, link=0, url=f"{url}?a=1", raw="three"),
        TapeFrame(ns=10**18 + 60 * 10**9, link=1, sent=True, raw="{}"),
    ]
    path.write_bytes(encode_lines(lines))

    async def main() -> None:
        runtime = ReplayedRuntime(path)
        async with runtime.reach(KRAKEN) as reach:
            assert await reach.http.call("GET", "https://host/0/public/Time?a=1", {}, b"") == (
                b"three"
            )
            assert runtime.clock.now_ns() == 10**18 + 3 * 10**9
            with pytest.raises(TransportError, match="a=2 has no answer on the tape"):
                await reach.http.call("GET", f"{url}?a=2", {}, b"")
            assert runtime.clock.now_ns() == 10**18 + 13 * 10**9

    run(main())


def test_a_dial_gets_the_link_of_its_url_and_frames_of_no_dialled_link_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "links.jsonl"
    lines: list[TapeHeader | TapeFrame] = [
        TapeHeader(fluxum_tape=1, venue="kraken", started_ns=10**18),
        TapeFrame(ns=10**18, link=1, raw="one", dialled="wss://one"),
        TapeFrame(ns=10**18 + 5, link=2, raw="two", dialled="wss://two"),
        *[TapeFrame(ns=10**18 + n, link=1, raw="more") for n in range(10, 20_010)],
        TapeFrame(ns=10**18 + 10**9, link=2, raw="end"),
    ]
    path.write_bytes(encode_lines(lines))

    async def main() -> None:
        runtime = ReplayedRuntime(path)
        async with runtime.reach(KRAKEN) as reach:
            async with reach.dial("wss://two") as link:
                assert (await link.receive(), runtime.clock.now_ns()) == (b"two", 10**18 + 5)
                assert (await link.receive(), runtime.clock.now_ns()) == (b"end", 10**18 + 10**9)
            with pytest.raises(TapeEnded, match=r"links.jsonl has ended"):
                async with reach.dial("wss://one"):
                    pass
        assert runtime.counts == ReplayCounts(20_003, 20_001)

    run(main())


def test_frames_that_were_received_together_are_one_batch_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    url = find_venue("kraken").endpoints["public"]

    async def recorded() -> list[list[bytes]]:
        ours, theirs = loopback()

        @asynccontextmanager
        async def dial(_url: str, _headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            yield ours

        with TapeWriter(path, "kraken", SimulatedClock()) as tape:
            async with TapeRecorder(tape).dial(dial)(url) as link:
                return await batches(link, theirs)

    async def batches(link: Link, theirs: MemoryLink) -> list[list[bytes]]:
        assert isinstance(link, Batched)
        found: list[list[bytes]] = []
        for count in (1, 3, 2):
            for number in range(count):
                theirs.deliver(b"%d" % number)
            found.append([await link.receive(), *link.waiting(100)])
            await asyncio.sleep(0.5)
        return found

    async def replayed() -> list[list[bytes]]:
        found: list[list[bytes]] = []
        runtime = ReplayedRuntime(path)
        async with runtime.reach(find_venue("kraken")) as reach, reach.dial(url) as link:
            assert isinstance(link, Batched)
            with suppress(LinkClosed):
                while True:
                    found.append([await link.receive(), *link.waiting(100)])
        return found

    live = run(recorded())
    _, lines = lines_of(path)
    assert live == [[b"0"], [b"0", b"1", b"2"], [b"0", b"1"]]
    assert len({line.ns for line in lines if not line.closed}) == 3
    assert run(replayed()) == live
