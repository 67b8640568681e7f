"""A bot beside a live session with faults decides the same from its tape; whole hours by name."""

import pytest
from tape_days import compare

from fluxum.venues.register import VENUES


@pytest.mark.slow
@pytest.mark.parametrize("venue", VENUES)
def test_a_bot_decides_from_the_tape_as_it_did_live(venue: str) -> None:
    faults = "hangup@60s,drop@90s,freeze@120s+8s,duplicate@150s,hangup:1012@190s,drop=0.002"
    found = compare(0, venue, length_s=240, rate=1.0, faults=faults)

    assert found.difference == ""
    assert found.decisions > 100
    assert found.gaps >= 4
