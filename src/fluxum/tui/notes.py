"""Why the session is not ready, and what the keys and signs are."""

from collections.abc import Iterable

from fluxum.tui.lights import light
from fluxum.tui.numbers import age_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, flow, heading, stack, wrapped
from fluxum.view.facts import VenueView, View

__all__ = ["draw_help", "draw_missing"]

_KEYS = (
    ("q", "quit"),
    ("space", "pause the screen; on a recording, pause the recording"),
    ("tab, 1-9", "the next market; the market of this number"),
    ("t c p", "trades, candles or positions beside the ladder"),
    ("g", "gaps and losses"),
    ("m", "what is missing before all is ready"),
    ("d", "quantities summed up from the best price on"),
    ("?", "this page"),
)
_TAPE_KEYS = (
    (", .", "half, double the speed of the recording"),
    ("[ ]", "go 10 s back, forward in the recording"),
)
_LEGEND: tuple[tuple[str, Tone, str], ...] = (
    ("●", Tone.GOOD, "ready"),
    ("○", Tone.WARN, "not ready, not yet"),
    ("✗", Tone.BAD, "failed, withdrawn"),
    ("✓", Tone.GOOD, "proved, repaired"),
    ("!", Tone.WARN, "lost, not proved, open"),
    ("▲", Tone.BID, "bought, up, long"),
    ("▼", Tone.ASK, "sold, down, short"),
    ("░", Tone.GAP, "a gap in the candles"),
)


def draw_missing(view: View, width: int, height: int) -> list[Row]:
    """Each venue: its links, and every reason why it is not ready."""
    rows = [row for one in view.venues for row in _venue(one, width)]
    ready: Piece = ("✓ ready", Tone.GOOD) if view.is_ready else ("○ not ready", Tone.WARN)
    return [
        heading([("What is missing", Tone.TITLE)], [ready], width),
        *stack(rows, width, height - 1),
    ]


def draw_help(width: int, height: int, *, is_tape: bool) -> list[Row]:
    """The keys, and beside or below them the signs."""
    keys = [*_KEYS, *(_TAPE_KEYS if is_tape else ())]
    rows: list[Row] = [
        fit([(f" {key:>10}  ", Tone.KEY), (text, Tone.PLAIN)], width) for key, text in keys
    ]
    rows.append(fit((), width))
    signs: list[Row] = [
        ((f"{sign:>11}  ", tone), (text, Tone.PLAIN)) for sign, tone, text in _LEGEND
    ]
    half = (len(signs) + 1) // 2
    for number in range(half):
        right = signs[number + half : number + half + 1]
        rows.append(fit([*fit(signs[number], width // 2), *(right[0] if right else ())], width))
    return [heading([("Keys and signs", Tone.TITLE)], [], width), *stack(rows, width, height - 1)]


def _venue(venue: VenueView, width: int) -> Iterable[Row]:
    sign, tone = light(venue)
    yield from flow(
        [
            [(f" {sign} ", tone), (venue.venue, Tone.TITLE), (f" {venue.state.value}", tone)],
            *([[(f"  {venue.reason}", tone)]] if venue.reason else ()),
        ],
        width,
        3,
    )
    for reason in venue.missing:
        for number, line in enumerate(wrapped(reason, width - 5)):
            yield fit([("   ! " if number == 0 else "     ", Tone.BAD), (line, Tone.PLAIN)], width)
    for link in venue.links:
        streams = "1 stream" if link.subscriptions == 1 else f"{link.subscriptions} streams"
        age = "no frame yet" if link.age_s is None else f"last frame {age_text(link.age_s)} ago"
        yield from flow(
            [
                [(f"     {link.name} {link.state.value},", Tone.DIM)],
                [(f" {streams},", Tone.DIM)],
                [(f" {age}", Tone.DIM)],
            ],
            width,
            7,
        )
