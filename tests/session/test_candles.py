"""Candle streams after an outage: completed from history, or lost by name."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs
from test_candle_run import MINUTE, S, candle
from worlds import BTC, Wire, play, world

from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import (
    Channel,
    DataStale,
    Event,
    Gap,
    GapCause,
    LeftOut,
    Rejected,
    Repair,
    StateChange,
    Subscription,
)
from fluxum.model.market import Candle
from fluxum.session.active_subscriptions import Stream
from fluxum.session.candles import Candles, Missed
from fluxum.session.gaps import GapLedger
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.session.publisher import Publisher
from fluxum.sim.loop import START_NS
from fluxum.venues.kraken.venue import KRAKEN

CANDLES = Subscription(Channel.CANDLE, BTC, interval_s=60)


class Readiness:
    def __init__(self) -> None:
        self.reasons: dict[Subscription | None, str] = {}

    def lack(self, subscription: Subscription | None, reason: str) -> None:
        self.reasons[subscription] = reason

    def have(self, subscription: Subscription | None) -> None:
        self.reasons.pop(subscription, None)

    def lacks(self, subscription: Subscription) -> bool:
        return subscription in self.reasons


class Link:
    """As much of a feed as a stream of candles needs."""

    def __init__(self) -> None:
        self.readiness = Readiness()
        self.is_connected = True

    def update_state(self) -> None: ...


class Desk:
    """The candles of one stream; what is looked up is kept, and answered by the test."""

    def __init__(self, *, has_history: bool = True) -> None:
        self.publisher = Publisher()
        self.gaps = GapLedger("toy")
        self.candles = Candles(self.publisher, self.gaps, ClockOffsetKeeper())
        self.link = Link()
        self.stream = Stream(CANDLES, self.link)  # type: ignore[arg-type]
        self.candles.open(self.stream)
        self.asked: list[Missed] = []
        self._has_history = has_history
        self.candles.look_up = self._look_up
        self._told: Pipe[Event] = self.publisher.bus.subscribe(
            capacity=10_000, overflow=Overflow.RAISE
        )

    def _look_up(self, missed: Missed) -> bool:
        self.asked.append(missed)
        return self._has_history

    def take(self, *candles: Candle) -> list[str]:
        for one in candles:
            self.publisher.counts.received += 1
            self.stream.data_ns = one.received_ns
            self.candles.take(self.stream, one)
        return self.told()

    def cut(self) -> None:
        """The link is lost, and there is another at once."""
        self.gaps.begin(CANDLES, GapCause.LINK_LOST, self.stream.data_ns or 0, "cut")
        self.link.is_connected = False
        self.candles.interrupt(self.stream)
        self.link.is_connected = True

    def told(self) -> list[str]:
        counts = self.publisher.counts
        assert counts.received + counts.own == self.publisher.bus.published + counts.withheld
        return [shown(event) for event in self._told.drain()]


def shown(event: Event) -> str:
    """`1 closed late 102`, or `gap lost`."""
    if isinstance(event, Gap):
        return f"gap {event.repair.value}"
    assert isinstance(event, Candle)
    words = ["closed"] * event.closed + ["late"] * event.backfilled
    words += ["corrected"] * event.is_correction
    return " ".join([str(event.start_ns // MINUTE), *words, str(event.close)])


def at(minute: int, close: int = 100, second: int = 30) -> Candle:
    now_ns = minute * MINUTE + second * S
    return candle(minute, close, received_ns=now_ns)


def test_a_stream_that_goes_on_in_the_same_interval_has_missed_nothing() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()

    assert desk.take(at(1, 102, 50)) == ["gap snapshot", "1 102"]
    assert desk.asked == []


def test_what_an_outage_cut_is_completed_before_newer_candles() -> None:
    desk = Desk()
    assert desk.take(at(1, 101)) == ["1 101"]
    desk.cut()

    assert desk.take(at(3, 103, 10), at(3, 104, 20)) == []  # they wait
    (missed,) = desk.asked
    assert missed.since_ns == MINUTE
    assert missed.ready_ns == 3 * MINUTE + 10 * S
    assert desk.link.readiness.reasons == {CANDLES: "its history is being looked up"}
    desk.candles.found(missed, [at(1, 111), at(2, 102)], 3 * MINUTE + 30 * S)

    assert desk.told() == ["1 closed late 111", "2 closed late 102", "gap backfilled", "3 104"]
    (gap,) = desk.gaps.closed
    assert gap.detail == "cut; 2 candles came from the venue's history"
    assert desk.link.readiness.reasons == {}
    assert desk.take(at(3, 105, 40)) == ["3 105"]


def test_history_is_asked_once_it_is_sure_to_have_the_last_interval() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()

    desk.take(at(2, 103, 0))

    assert desk.asked[0].ready_ns == 2 * MINUTE + 3 * S


def test_a_quiet_stream_is_completed_when_its_interval_is_over_by_the_clock() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()

    desk.candles.pass_time(CANDLES, 2 * MINUTE + 2 * S)
    assert desk.asked == []
    desk.candles.pass_time(CANDLES, 2 * MINUTE + 3 * S)

    (missed,) = desk.asked
    assert missed.since_ns == MINUTE
    assert desk.candles.due_ns(CANDLES) is None  # nothing closes meanwhile
    desk.candles.found(missed, [at(1, 101)], 2 * MINUTE + 4 * S)
    assert desk.told() == ["1 closed late 101", "gap backfilled"]
    desk.candles.pass_time(CANDLES, 3 * MINUTE + 3 * S)
    assert desk.told() == ["2 closed 101"]


def test_what_the_venue_tells_itself_needs_no_history() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()
    snapshot = [structs.replace(at(minute, 110 + minute), backfilled=True) for minute in range(4)]
    rows = [structs.replace(one, received_ns=3 * MINUTE + 30 * S) for one in snapshot]

    assert desk.take(*rows) == [
        "0 closed late 110",
        "gap snapshot",
        "1 closed late 111",
        "2 closed late 112",
        "3 late 113",
    ]
    assert desk.asked == []


@pytest.mark.parametrize("has_history", [True, False])
def test_without_history_the_hole_is_lost_with_its_bounds_and_nothing_cut_is_closed(
    *, has_history: bool
) -> None:
    desk = Desk(has_history=has_history)
    desk.take(at(1, 101))
    desk.cut()

    told = desk.take(at(3, 103, 10))
    if has_history:
        assert told == []
        desk.candles.not_found(desk.asked[0], "HTTP 500", 3 * MINUTE + 30 * S)
        told = desk.told()

    assert told == ["gap lost", "3 103"]
    (gap,) = desk.gaps.closed
    assert (gap.since_ns, gap.until_ns) == (
        MINUTE + 30 * S,
        3 * MINUTE + (30 if has_history else 10) * S,
    )
    why = "HTTP 500" if has_history else "no history can be asked for"
    bounds = "from 1970-01-01T00:01:00Z to 1970-01-01T00:03:00Z"
    assert gap.detail == f"cut; the candles {bounds} are lost: {why}"
    assert desk.link.readiness.reasons == {}
    assert desk.take(at(4, 104)) == ["3 closed 103", "4 104"]


def test_a_history_that_lacks_the_interval_that_was_cut_is_none() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()
    desk.take(at(3, 103, 10))

    desk.candles.found(desk.asked[0], [at(2, 102)], 3 * MINUTE + 30 * S)

    assert desk.told() == ["gap lost", "3 103"]


def test_intervals_that_history_leaves_out_had_no_trades() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()
    desk.take(at(5, 103, 10))

    desk.candles.found(desk.asked[0], [at(1, 101), at(3, 102)], 5 * MINUTE + 30 * S)

    assert desk.told() == [
        "1 closed late 101",
        "2 closed late 101",
        "3 closed late 102",
        "gap backfilled",
        "4 closed 102",
        "5 103",
    ]


def test_a_link_lost_again_looks_anew_and_an_old_answer_is_not_taken() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()
    desk.take(at(2, 102, 10))
    desk.cut()
    desk.take(at(4, 104, 10))

    first, second = desk.asked
    assert first.since_ns == second.since_ns == MINUTE
    desk.candles.found(first, [at(1, 99)], 4 * MINUTE + 20 * S)
    assert desk.told() == []
    # What waited over the first link is of no use: it was cut as well.
    desk.candles.found(second, [at(1, 101), at(2, 112), at(3, 103)], 4 * MINUTE + 30 * S)
    assert desk.told() == [
        "1 closed late 101",
        "2 closed late 112",
        "3 closed late 103",
        "gap backfilled",
        "4 104",
    ]


def test_a_silent_stream_is_checked_and_only_what_differs_is_published() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.candles.pass_time(CANDLES, 4 * MINUTE)
    assert desk.told() == ["1 closed 101", "2 closed 101"]

    desk.candles.check(desk.stream, 4 * MINUTE)
    (missed,) = desk.asked
    assert missed.since_ns == MINUTE
    assert desk.take(at(3, 104, 59)) == ["3 104"]  # nothing waits for a check
    desk.candles.found(missed, [at(1, 101), at(2, 102), at(3, 104)], 4 * MINUTE + 4 * S)

    assert desk.told() == ["2 closed late corrected 102", "gap backfilled"]
    desk.candles.check(desk.stream, 5 * MINUTE)
    desk.candles.found(desk.asked[1], [at(1, 101), at(2, 102)], 5 * MINUTE)
    desk.candles.check(desk.stream, 6 * MINUTE)
    desk.candles.not_found(desk.asked[2], "HTTP 500", 6 * MINUTE)
    assert desk.told() == []


def test_the_soonest_end_moves_with_every_candle() -> None:
    desk = Desk()
    candles = desk.candles
    assert candles.soonest_ns is None

    desk.take(at(1, 101))
    assert candles.soonest_ns == 2 * MINUTE + 3 * S
    candles.pass_time(CANDLES, 2 * MINUTE + 4 * S)  # closes it
    assert candles.soonest_ns == 3 * MINUTE + 3 * S
    desk.cut()
    desk.take(at(4, 104))  # those of two minutes are looked up
    assert candles.soonest_ns is None
    candles.not_found(desk.asked[0], "gone", 5 * MINUTE - S)
    assert candles.soonest_ns == 5 * MINUTE + 3 * S


def test_what_is_ended_is_not_followed_any_more() -> None:
    desk = Desk()
    desk.take(at(1, 101))
    desk.cut()
    desk.take(at(3, 103))
    desk.candles.close(CANDLES)

    desk.candles.found(desk.asked[0], [at(1, 101)], 4 * MINUTE)
    desk.candles.not_found(desk.asked[0], "late", 4 * MINUTE)

    assert desk.told() == []
    assert desk.candles.soonest_ns is None


# In a session: Kraken, whose snapshots of candles never arrive, so that history has to do


def no_snapshots(frame: bytes) -> bytes | None:
    return None if b'"channel":"ohlc","type":"snapshot"' in frame else frame


def closed_minutes(events: list[Event]) -> list[tuple[int, bool]]:
    return [
        ((event.start_ns - START_NS) // MINUTE, event.backfilled)
        for event in events
        if isinstance(event, Candle) and event.closed
    ]


def test_a_candle_cut_by_an_outage_comes_from_history_in_a_session() -> None:
    wire = Wire(no_snapshots)

    async def story() -> None:
        faults = "hangup@119.4s,refuse@119.4s+3s"
        async with world(CANDLES, wrap=wire.wrap, faults=faults) as now:
            events = await now.live(298)

            assert closed_minutes(events) == [(0, False), (1, True), (2, False), (3, False)]
            [gap] = [event for event in events if isinstance(event, Gap)]
            assert gap.repair is Repair.BACKFILLED
            minute = now.exchange.candles(BTC, 60, 10)[-4]
            [late] = [e for e in events if isinstance(e, Candle) and e.closed and e.backfilled]
            assert late.start_ns == minute.start_ns
            assert (late.open, late.high, late.low, late.close) == (
                minute.open,
                minute.high,
                minute.low,
                minute.close,
            )
            assert (late.volume, late.trades) == (minute.volume, minute.trades)
            order = [events.index(late), events.index(gap)]
            newer = [
                index
                for index, event in enumerate(events)
                if isinstance(event, Candle) and event.start_ns > late.start_ns
            ]
            assert order[0] < order[1] < newer[0]
            assert now.session.missing() == []

    play(story)


def test_a_history_that_fails_for_ever_loses_the_candle_and_says_so() -> None:
    wire = Wire(no_snapshots)

    async def story() -> None:
        faults = "hangup@119.4s,refuse:500@119.4s+3s"
        venue = structs.replace(KRAKEN, queries=None)
        async with world(CANDLES, wrap=wire.wrap, faults=faults, venue=venue) as now:
            events = await now.live(298)

            assert closed_minutes(events) == [(0, False), (2, False), (3, False)]
            [gap] = [event for event in events if isinstance(event, Gap)]
            assert gap.repair is Repair.LOST
            assert "from 2026-01-01T00:01:00Z to 2026-01-01T00:02:00Z are lost" in gap.detail
            assert now.session.missing() == []

    play(story)


def test_a_quiet_market_closes_its_candles_by_the_clock() -> None:
    async def story() -> None:
        async with world(CANDLES, rate_per_s=0.0) as now:
            events = await now.live(200)

            own = [e for e in events if isinstance(e, Candle) and e.start_ns >= START_NS]
            assert closed_minutes(list[Event](own)) == [(0, False), (1, False), (2, False)]
            for event in own[-2:]:
                assert (event.volume, event.trades) == (Decimal(0), 0)
                assert event.open == event.high == event.low == event.close
                assert event.received_ns - event.end_ns <= 5 * S

    play(story)


def test_a_link_that_has_gone_dumb_closes_no_candle() -> None:
    is_dumb = False

    def alter(frame: bytes) -> bytes | None:
        return None if is_dumb else frame

    async def story() -> None:
        nonlocal is_dumb
        async with world(CANDLES, wrap=Wire(alter).wrap, link_silence_s=100.0) as now:
            await now.live(58)
            is_dumb = True
            events = await now.live(60)
            assert closed_minutes(events) == []

    play(story)


def test_candles_that_could_not_be_read_are_completed_as_well() -> None:
    is_odd = False

    def alter(frame: bytes) -> bytes:
        return b"{" if is_odd and b'"channel":"ohlc"' in frame else frame

    async def story() -> None:
        nonlocal is_odd
        async with world(CANDLES, wrap=Wire(alter).wrap) as now:
            await now.live(50)
            is_odd = True
            await now.live(100)
            is_odd = False
            events = await now.live(50)

            assert {minute for minute, _ in closed_minutes(now.events)} >= {0, 1, 2}
            assert not [event for event in events if isinstance(event, LeftOut | StateChange)]
            assert any(isinstance(event, Rejected) for event in now.events)

    play(story)


def test_a_silence_has_its_empty_candles_checked() -> None:
    is_mute = False

    def alter(frame: bytes) -> bytes | None:
        return None if is_mute and b'"channel":"ohlc"' in frame else frame

    async def story() -> None:
        nonlocal is_mute
        silence = {Channel.CANDLE: 150.0}
        async with world(CANDLES, wrap=Wire(alter).wrap, data_silence_s=silence) as now:
            await now.live(50)
            is_mute = True
            events = await now.live(250)

            assert any(isinstance(event, DataStale) for event in events)
            corrected = [e for e in events if isinstance(e, Candle) and e.is_correction]
            assert {(e.start_ns - START_NS) // MINUTE for e in corrected} >= {0, 1, 2}
            truth = {one.start_ns: one for one in now.exchange.candles(BTC, 60, 10)}
            for event in corrected:
                assert event.close == truth[event.start_ns].close

    play(story)


def test_a_link_without_heartbeats_is_asked_for_a_sign_of_life() -> None:
    wire = Wire(lambda frame: None if b"heartbeat" in frame else frame)

    async def story() -> None:
        rare: dict[str, Any] = {"ping_interval_s": 1000.0, "link_silence_s": 400.0}
        async with world(CANDLES, wrap=wire.wrap, rate_per_s=0.0, **rare) as now:
            events = await now.live(190)

            own = [e for e in events if isinstance(e, Candle) and e.start_ns >= START_NS]
            assert closed_minutes(list[Event](own)) == [(0, False), (1, False), (2, False)]
            assert all(e.received_ns - e.end_ns <= 10 * S for e in own if e.closed)

    play(story)
