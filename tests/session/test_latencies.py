"""How long frames take: every hop from the receipt on, the exchange's by a foreign clock."""

import asyncio
from collections.abc import Iterator

import pytest
from worlds import BOOK, TRADES, play, world

from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.session.latencies import Latencies, in_short

UPDATE = BookUpdate("k", Symbol("BTC/USD"), (), (), 1_000, 1_070)


def clock(*instants: int) -> Iterator[int]:
    return iter(instants)


def test_every_hop_is_measured_from_the_receipt() -> None:
    latencies = Latencies(clock(1_075, 1_090, 1_100).__next__)

    latencies.decoded([UPDATE], 1_070)
    assert latencies.is_measuring
    latencies.applied()
    latencies.published()

    assert not latencies.is_measuring
    short = in_short(latencies.histograms())
    assert {hop: one.max_ns for hop, one in short.items()} == {
        "exchange": 70,
        "decoded": 5,
        "applied": 20,
        "published": 30,
    }
    assert [hop for hop, one in short.items() if one.is_foreign] == ["exchange"]


@pytest.mark.parametrize("rate", [50.0, 500.0])
def test_a_session_measures_one_frame_of_a_burst(rate: float) -> None:
    async def story() -> None:
        async with world(BOOK, TRADES, rate_per_s=rate) as now:
            await now.session.wait_ready(10)
            await asyncio.sleep(20)

            statistics = now.session.statistics()
            latencies = now.session.latencies()
            measured = latencies["published"].count
            assert statistics.frames / 140 <= measured <= statistics.frames / 120 + 1
            assert latencies["decoded"].count == measured
            assert 0 < latencies["applied"].count <= measured
            # In virtual time nothing takes time, and the exchange's clock is this one: its
            # instants are whole microseconds, each used once.
            assert latencies["published"].max_ns == 0
            most_ns = latencies["exchange"].max_ns
            assert most_ns is not None
            assert most_ns < 10_000
            assert now.session.statistics().sums_close

    play(story)
