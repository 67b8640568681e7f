"""Two minutes with one market harmed, at every feed; `harm.py` is the long way."""

import pytest
from harm import HARMS, lived

from fluxum.venues.register import VENUES

# What a venue's own protocol has to tell apart: the market of a frame, the row of a list.
BY_PROTOCOL = {"frames"}
BY_ROW = {"gemini", "gemini-v2"}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("venue", list(VENUES))
def test_a_harmed_market_is_missing_by_name_and_alone(
    venue: str, harm: str, request: pytest.FixtureRequest
) -> None:
    if harm in BY_PROTOCOL or (venue in BY_ROW and harm != "list"):
        reason = "the venue's protocol does not name the stream of what it cannot read yet"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=False))

    one = lived(venue, harm, minutes=2)

    assert one.good >= 0.99
    if one.harmed:
        assert one.named >= 0.9
        assert one.reconnects == 0
