"""Two minutes with one market harmed, at every feed; `harm.py` is the long way."""

import pytest
from harm import HARMS, lived

from fluxum.venues.register import VENUES

# A checksum, numbers of the link, and no proof at all; the others are slow.
SAMPLE = {"kraken", "coinbase", "gemini-v2"}
FEEDS = [pytest.param(one, marks=[pytest.mark.slow] * (one not in SAMPLE)) for one in VENUES]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("venue", FEEDS)
def test_a_harmed_market_is_missing_by_name_and_alone(venue: str, harm: str) -> None:
    one = lived(venue, harm, minutes=2)

    assert one.good >= 0.99
    if one.harmed:
        assert one.named >= 0.9
        assert one.reconnects == 0
