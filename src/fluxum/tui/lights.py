"""The first row: whether every venue is ready, and whether the counts add up."""

from collections.abc import Sequence

from fluxum.model.event import State
from fluxum.tui.numbers import clock_text, lag_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, length, spread
from fluxum.view.facts import VenueView, View

__all__ = ["draw_lights"]

_BETWEEN: Piece = ("  ", Tone.PLAIN)


def draw_lights(view: View, width: int) -> Row:
    """The light of each venue, then the sums, the gaps and the lag; the time at the right edge.

    What does not fit is said in a shorter way: the lag first, then the states of venues that are
    ready, then the venues as a count. What is wrong never gives way.
    """
    clock: Piece = (clock_text(view.at_ns), Tone.DIM)
    facts = _facts(view)
    lags = _lags(view.venues)
    for lights in (_lights(view.venues), _lights(view.venues, is_short=True), _count(view.venues)):
        for more in ([*facts, *lags], facts):
            left = [*lights, *more]
            if length(left) + 1 + len(clock[0]) <= width:
                return spread(left, [clock], width)
    return spread(_count(view.venues), [clock], width)


def _lights(venues: Sequence[VenueView], *, is_short: bool = False) -> list[Piece]:
    pieces: list[Piece] = []
    for one in venues:
        sign, tone = _light(one)
        word = "" if is_short and one.is_ready else f" {one.state.value}"
        pieces += [(f"{sign} ", tone), (one.venue, Tone.TITLE), (word, tone), _BETWEEN]
    return pieces


def _light(venue: VenueView) -> tuple[str, Tone]:
    if venue.state in {State.FAILED, State.CLOSED}:
        return "✗", Tone.BAD
    return ("●", Tone.GOOD) if venue.is_ready else ("○", Tone.WARN)


def _count(venues: Sequence[VenueView]) -> list[Piece]:
    ready = sum(one.is_ready for one in venues)
    sign, tone = ("●", Tone.GOOD) if ready == len(venues) else ("○", Tone.WARN)
    return [(f"{sign} {ready} of {len(venues)} venues ready", tone), _BETWEEN]


def _facts(view: View) -> list[Piece]:
    gaps = sum(one.gaps for one in view.venues)
    open_gaps = sum(one.gaps_open for one in view.venues)
    lost = sum(one.dropped for one in view.venues)
    pieces: list[Piece] = [(f"gaps {gaps}", Tone.WARN if gaps else Tone.DIM)]
    if open_gaps:
        pieces.append((f" ! {open_gaps} open", Tone.BAD))
    if lost:
        pieces.append((f"  ! dropped {lost:,}", Tone.BAD))
    pieces.append(_BETWEEN)
    pieces.append(
        ("sums close", Tone.DIM) if view.sums_close else ("! SUMS DO NOT CLOSE", Tone.BAD)
    )
    return pieces


def _lags(venues: Sequence[VenueView]) -> list[Piece]:
    known = [one.lag.p50_ns for one in venues if one.lag.p50_ns is not None]
    return [_BETWEEN, (f"lag {lag_text(max(known))}", Tone.DIM)] if known else []
