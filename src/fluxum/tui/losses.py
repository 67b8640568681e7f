"""What was lost and what came back: the newest lines, and the gaps of all markets."""

from collections.abc import Sequence

from fluxum.tui.numbers import age_text, clock_text, count_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, flow, heading, stack, wrapped
from fluxum.view.facts import GapView, LossView, MarketView, Severity, VenueView, View

__all__ = ["draw_gaps", "draw_losses"]

_SIGNS = {
    Severity.LOSS: ("!", Tone.BAD),
    Severity.RECOVERY: ("✓", Tone.GOOD),
    Severity.NOTICE: ("·", Tone.DIM),
}
_INDENT = 12


def draw_losses(view: View, width: int, height: int) -> list[Row]:
    """The newest lines of the log, newest first, each in as many rows as its text needs."""
    rows: list[Row] = []
    for one in reversed(view.losses):
        more = _rows(one, width)
        if rows and len(rows) + len(more) > height - 1:
            break
        rows += more
    if not rows:
        rows = [fit([(" ✓", Tone.GOOD), (" nothing was lost", Tone.DIM)], width)]
    return [
        heading([("Losses", Tone.TITLE)], _sums(view.venues), width),
        *stack(rows, width, height - 1),
    ]


def draw_gaps(view: View, width: int, height: int) -> list[Row]:
    """The gaps of every market, newest first, then the log."""
    gaps = [(one.since_ns, market, one) for market in view.markets for one in market.gaps]
    gaps.sort(key=lambda one: one[0], reverse=True)
    rows: list[Row] = []
    shown = 0
    for _, market, gap in gaps:
        more = _gap_rows(market, gap, view.at_ns, width)
        if len(rows) + len(more) > max(2, (height - 1) // 2):
            break
        rows += more
        shown += 1
    if not rows:
        rows = [fit([(" ✓", Tone.GOOD), (" no gap in any market", Tone.DIM)], width)]
    known = count_text(len(gaps), "gap", "gaps")
    said = known if shown == len(gaps) else f"the last {shown} of {known}"
    title = heading([("Gaps", Tone.TITLE)], [(said, Tone.DIM)], width)
    above = [title, *rows]
    return [*above, *draw_losses(view, width, height - len(above))]


def _rows(loss: LossView, width: int) -> Sequence[Row]:
    sign, tone = _SIGNS[loss.severity]
    begin: list[Piece] = [(f" {clock_text(loss.at_ns)} ", Tone.DIM), (f"{sign} ", tone)]
    first, *more = wrapped(f"{loss.venue} {loss.text}", width - _INDENT)
    return [
        fit([*begin, (first, Tone.PLAIN)], width),
        *[fit([(" " * _INDENT, Tone.PLAIN), (line, Tone.PLAIN)], width) for line in more],
    ]


def _sums(venues: Sequence[VenueView]) -> list[Piece]:
    """How often what happened, without what never did."""
    counts = [
        (sum(one.desyncs for one in venues), "desync", "desyncs"),
        (sum(one.gaps for one in venues), "gap", "gaps"),
        (sum(one.reconnects for one in venues), "reconnect", "reconnects"),
        (sum(one.rejected for one in venues), "rejected", "rejected"),
    ]
    said = [count_text(*one) for one in counts if one[0]]
    return [(", ".join(said), Tone.WARN)] if said else []


def _gap_rows(market: MarketView, gap: GapView, now_ns: int, width: int) -> list[Row]:
    until_ns = now_ns if gap.until_ns is None else gap.until_ns
    length = age_text((until_ns - gap.since_ns) / 1e9)
    end = "open" if gap.repair is None else gap.repair.value
    missing = f", {gap.missing} missing" if gap.missing else ""
    sign, tone = ("!", Tone.BAD) if gap.until_ns is None else ("✓", Tone.GOOD)
    what = f"{market.venue} {market.symbol} {gap.channel.value}"
    groups: list[list[Piece]] = [
        [(f" {clock_text(gap.since_ns)} ", Tone.DIM), (f"{sign} ", tone)],
        [(f"{length:>6}  ", Tone.PLAIN), (what, Tone.PLAIN)],
        [(f"  {gap.cause.value}, {end}{missing}", Tone.DIM)],
    ]
    if gap.detail:
        groups.append([(f"  {gap.detail}", Tone.DIM)])
    return flow(groups, width, _INDENT)
