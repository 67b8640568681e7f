"""How the numbered cards of the conformance suite are dealt to exchanges."""

from collections.abc import Callable, Sequence

import pytest
from newvenue.venue import NEWVENUE

from findings import Findings, findings
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

__all__ = ["card"]


def card(
    number: int, venues: Sequence[Venue] = (*VENUES.values(), NEWVENUE)
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Deal a test to each of these exchanges, and note that it was passed."""

    def dealt(test: Callable[[Venue, Findings], None]) -> Callable[..., None]:
        @pytest.mark.parametrize("venue", venues, ids=[one.name for one in venues])
        def run(venue: Venue) -> None:
            notes = findings(venue.name)
            try:
                test(venue, notes)
            except pytest.skip.Exception as reason:
                notes.passed_over(number, str(reason))
                raise
            notes.passed(number)

        run.__name__ = test.__name__
        run.__doc__ = test.__doc__
        return run

    return dealt
