"""A sample of simulated hours; `make all` has more, and `make sim SEEDS=200` many more."""

from pathlib import Path

import pytest
from days import CHECKSUMMED, UNPROVED, day

from fluxum.sim.faults import FaultKind
from fluxum.venues.register import VENUES

FAILED_ONCE = [
    int(line.split()[0])
    for line in (Path(__file__).parent / "seeds.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

OF_ACCOUNTS = {FaultKind.STALE, FaultKind.LIMITED, FaultKind.LOST_ACK, FaultKind.CUT_OFF}
OF_MARKETS = {kind.value for kind in set(FaultKind) - OF_ACCOUNTS}


SEEDS = [pytest.param(one, marks=pytest.mark.slow) for one in {3, 4} - {*FAILED_ONCE}]


@pytest.mark.parametrize("seed", [1, *FAILED_ONCE, *SEEDS])
def test_an_hour_with_every_kind_of_fault_ends_well(seed: int) -> None:
    lived = day(seed, rate=1.0)

    assert lived.checks > 500
    assert lived.desyncs > 0
    assert lived.reconnects > 0
    assert lived.replaced > 0
    assert set(lived.faults) == OF_MARKETS


# Numbers of the link, a predecessor named in each update, and no proof; the others are slow.
SAMPLE = {"coinbase", "okx", "gemini-v2"}
OTHERS = sorted({*VENUES} - CHECKSUMMED)


@pytest.mark.parametrize(
    "venue", [pytest.param(one, marks=[pytest.mark.slow] * (one not in SAMPLE)) for one in OTHERS]
)
def test_an_hour_at_every_other_exchange_ends_as_well(venue: str) -> None:
    lived = day(1, venue, rate=1.0)

    assert lived.reconnects > 0
    assert lived.replaced > 0
    if venue not in UNPROVED:
        assert lived.checks > 500
        assert lived.desyncs > 0
    assert set(lived.faults) == OF_MARKETS - {FaultKind.CORRUPT.value}


def test_the_same_seed_tells_the_same_story_to_the_nanosecond() -> None:
    once, again = (day(11, length_s=600.0, rate=2.0) for _ in range(2))

    assert once == again
    assert once.digest != day(12, length_s=600.0, rate=2.0).digest
