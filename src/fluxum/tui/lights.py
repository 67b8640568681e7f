"""The first row: whether every venue is ready, and whether the counts add up."""

from collections.abc import Sequence

from fluxum.model.event import State
from fluxum.tui.numbers import clock_text, lag_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, length, spread
from fluxum.view.facts import VenueView, View

__all__ = ["draw_lights", "light"]

_BETWEEN: Piece = ("  ", Tone.PLAIN)


def draw_lights(view: View, width: int) -> Row:
    """The light of each venue, then the gaps, the sums and the lag; the time at the right edge.

    What does not fit is shown in a shorter way: first without the lag, then without sums that
    close, then without the states of venues that are ready, at last with the venues as a count.
    What is wrong never gives way.
    """
    clock: Piece = (clock_text(view.at_ns), Tone.DIM)
    wrong, right = _facts(view)
    every = _lights(view.venues)
    for left in (
        [*every, *wrong, *right, *_lags(view.venues)],
        [*every, *wrong, *right],
        [*every, *wrong],
        [*_lights(view.venues, is_short=True), *wrong],
        [*_count(view.venues), *wrong, *right],
    ):
        if length(left) + 1 + len(clock[0]) <= width:
            return spread(left, [clock], width)
    return fit([*_count(view.venues), *wrong], width)


def _lights(venues: Sequence[VenueView], *, is_short: bool = False) -> list[Piece]:
    pieces: list[Piece] = []
    for one in venues:
        sign, tone = light(one)
        word = one.state.value
        if one.state is State.READY and one.missing:
            word = f"{len(one.missing)} missing"
        pieces += [(f"{sign} ", tone), (one.venue, Tone.TITLE)]
        pieces.append(("" if is_short and one.is_ready else f" {word}", tone))
        pieces.append(_BETWEEN)
    return pieces


def light(venue: VenueView) -> Piece:
    """The sign of a venue's state."""
    if venue.state in {State.FAILED, State.CLOSED}:
        return "✗", Tone.BAD
    return ("●", Tone.GOOD) if venue.is_ready else ("○", Tone.WARN)


def _count(venues: Sequence[VenueView]) -> list[Piece]:
    ready = sum(one.is_ready for one in venues)
    sign, tone = ("●", Tone.GOOD) if ready == len(venues) else ("○", Tone.WARN)
    return [(f"{sign} {ready} of {len(venues)} venues ready", tone), _BETWEEN]


def _facts(view: View) -> tuple[list[Piece], list[Piece]]:
    """Gaps and what is wrong, and what is right."""
    gaps = sum(one.gaps for one in view.venues)
    open_gaps = sum(one.gaps_open for one in view.venues)
    dropped = sum(one.dropped for one in view.venues)
    pieces: list[Piece] = [(f"gaps {gaps}", Tone.WARN if gaps else Tone.DIM)]
    if open_gaps:
        pieces.append((f" ! {open_gaps} open", Tone.BAD))
    if dropped:
        pieces.append((f"  ! dropped {dropped:,}", Tone.BAD))
    if not view.sums_close:
        pieces.append(("  ! SUMS DO NOT CLOSE", Tone.BAD))
        return pieces, []
    return pieces, [("  sums close", Tone.DIM)]


def _lags(venues: Sequence[VenueView]) -> list[Piece]:
    known = [one.lag.p50_ns for one in venues if one.lag.p50_ns is not None]
    return [_BETWEEN, (f"lag {lag_text(max(known))}", Tone.DIM)] if known else []
