"""The books of several venues as one ladder, with the venues at each price."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.tui.ladder import bar, ladder_width
from fluxum.tui.numbers import Widths, count_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, blank, fit, heading, spread, stack, wrapped
from fluxum.view.facts import ConsolidatedLevelView, ConsolidatedView

__all__ = ["draw_consolidated"]

_BAR = 8


def draw_consolidated(book: ConsolidatedView, widths: Widths, width: int, height: int) -> list[Row]:
    """Asks above, the spread, bids below; then the venues that do not take part, and why."""
    title: list[Piece] = [(book.symbol, Tone.TITLE), (" all venues", Tone.DIM)]
    tone = Tone.WARN if book.removed else Tone.GOOD
    sign = "!" if book.removed else "✓"
    every = len(book.venues) + len(book.removed)
    state: list[Piece] = [(f"{sign} {len(book.venues)} of {every}", tone)]
    left_out = [
        line
        for venue, reason in book.removed.items()
        for line in wrapped(f"✗ {venue}: {reason}", width - 2)
    ][: max(0, height - 4)]
    rows = max(0, (height - 2 - len(left_out)) // 2)
    asks, bids = book.asks[:rows], book.bids[:rows]
    shape = _Shape(widths, width, [*asks, *bids])
    above = _side(asks, shape, Tone.ASK, Tone.ASK_BAR)
    below = _side(bids, shape, Tone.BID, Tone.BID_BAR)
    body = [
        *[blank(width)] * (rows - len(asks)),
        *reversed(above),
        _middle(book, width),
        *stack(below, width, rows),
        *[fit([(f" {line}", Tone.BAD)], width) for line in left_out],
    ]
    return [heading(title, state, width), *stack(body, width, height - 1)]


def _side(
    levels: Sequence[ConsolidatedLevelView],
    shape: "_Shape",
    tone: Tone,
    bar_tone: Tone,
) -> list[Row]:
    return [
        fit(
            [
                (f" {shape.widths.price.text(one.price)}  ", tone),
                (f"{shape.widths.quantity.text(one.quantity)} ", Tone.PLAIN),
                (f"{bar(one.quantity, shape.most, shape.bar):<{shape.bar}} ", bar_tone),
                (shape.names(one), Tone.DIM),
            ],
            shape.width,
        )
        for one in levels
    ]


class _Shape:
    """How the levels are laid out: the bar gives way to the names, these to their number."""

    def __init__(self, widths: Widths, width: int, levels: Sequence[ConsolidatedLevelView]) -> None:
        self.widths = widths
        self.width = width
        self.most = max((one.quantity for one in levels), default=Decimal(0))
        room = width - ladder_width(widths) - 1
        self._has_names = max((len(" ".join(one.venues)) for one in levels), default=0) <= room
        names = max((len(self.names(one)) for one in levels), default=0)
        self.bar = max(0, min(_BAR, room - names))

    def names(self, level: ConsolidatedLevelView) -> str:
        """The venues at a price."""
        if self._has_names:
            return " ".join(level.venues)
        return count_text(len(level.venues), "venue", "venues")


def _middle(book: ConsolidatedView, width: int) -> Row:
    if book.spread is None:
        return fit([(" no price at both sides", Tone.DIM)], width)
    left: list[Piece] = [(f" spread {book.spread:f}", Tone.PLAIN)]
    right: list[Piece] = [("! the books cross ", Tone.WARN)] if book.spread < 0 else []
    return spread(left, right, width)
