"""A bot beside a live session with faults decides the same from its tape; whole hours by name."""

import pytest
from tape_days import compare

from fluxum.venues.register import VENUES


@pytest.mark.slow
@pytest.mark.parametrize("venue", VENUES)
def test_a_bot_decides_from_the_tape_as_it_did_live(venue: str) -> None:
    found = compare(0, venue, length_s=240, rate=1.0)

    assert found.difference == ""
    assert found.decisions > 100
    assert found.gaps > 0
