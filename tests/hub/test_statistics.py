"""The sums of a hub close, and one that does not is found."""

import pytest
from msgspec import structs

from fluxum.flow.bus import BusStatistics
from fluxum.flow.pipe import PipeStatistics
from fluxum.hub.statistics import HubCounts, HubStatistics, total
from fluxum.model.event import State
from fluxum.session.statistics import SessionStatistics

NOBODY = PipeStatistics(capacity=0, offered=0, delivered=0, conflated=0, dropped=0, waiting=0)


def reader(offered: int, lost: int) -> PipeStatistics:
    return PipeStatistics(
        capacity=9,
        offered=offered,
        delivered=offered - 3 * lost,
        conflated=lost,
        dropped=lost,
        waiting=lost,
    )


def session(frames: int, offered: int) -> SessionStatistics:
    """Counts that close: of every ten frames one is control, and every event is data."""
    control = frames // 10
    return SessionStatistics(
        venue="k",
        state=State.READY,
        links=1,
        reconnects=2,
        replaced=0,
        frames=frames,
        data=frames - control,
        control=control,
        rejected=0,
        sent=1,
        calls=3,
        fetched=2,
        fetch_failures=0,
        calls_refused=1,
        calls_abandoned=0,
        calls_waiting=0,
        received=frames,
        own=5,
        published=frames + 3,
        withheld=2,
        left_out=0,
        desyncs=0,
        gaps=0,
        checks_passed=frames,
        checks_failed=0,
        clock_offset_s=None,
        clock_uncertainty_s=None,
        readers=(reader(offered - 10, lost=1),),
        departed=reader(10, lost=0),
    )


def statistics() -> HubStatistics:
    own = BusStatistics(published=0, pipes=(), departed=NOBODY)
    removed = HubCounts(frames=7, data=7)
    return total({"k": session(100, 50), "j": session(30, 20)}, removed, own)


def test_the_counts_are_the_sums_of_the_sessions_and_of_those_removed() -> None:
    counts = statistics().counts

    assert (counts.frames, counts.data, counts.control) == (137, 124, 13)
    assert (counts.received, counts.own, counts.published, counts.withheld) == (130, 10, 136, 4)
    assert (counts.calls, counts.fetched, counts.calls_refused) == (6, 4, 2)
    assert (counts.offered, counts.delivered, counts.conflated) == (70, 64, 2)
    assert (counts.dropped, counts.waiting, counts.reconnects) == (2, 2, 4)
    assert statistics().sums_close


@pytest.mark.parametrize("name", ["frames", "published", "calls", "offered", "desyncs"])
def test_a_count_that_no_session_has_is_found(name: str) -> None:
    right = statistics()
    wrong = structs.replace(right.counts, **{name: getattr(right.counts, name) + 1})

    assert not structs.replace(right, counts=wrong).sums_close


def test_a_session_or_a_reader_that_does_not_close_is_found() -> None:
    own = BusStatistics(published=0, pipes=(), departed=NOBODY)
    broken = structs.replace(session(100, 50), data=89)
    assert not total({"k": broken}, HubCounts(), own).sums_close

    lost = PipeStatistics(capacity=1, offered=2, delivered=1, conflated=0, dropped=0, waiting=0)
    leaky = BusStatistics(published=2, pipes=(lost,), departed=NOBODY)
    assert not total({"k": session(100, 50)}, HubCounts(), leaky).sums_close
    left = BusStatistics(published=2, pipes=(), departed=lost)
    assert not total({"k": session(100, 50)}, HubCounts(), left).sums_close
