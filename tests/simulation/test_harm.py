"""Two minutes with one market harmed, at every feed; `harm.py` is the long way."""

import pytest
from harm import HARMS, lived

from fluxum.venues.register import VENUES


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("venue", list(VENUES))
def test_a_harmed_market_is_missing_by_name_and_alone(venue: str, harm: str) -> None:
    one = lived(venue, harm, minutes=2)

    assert one.good >= 0.99
    if one.harmed:
        assert one.named >= 0.9
        assert one.reconnects == 0
