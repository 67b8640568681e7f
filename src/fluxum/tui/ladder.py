"""The book of a market as a ladder: asks above, the spread, bids below, and the proof."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from fluxum.book.proof import BookStatus
from fluxum.tui.numbers import Widths, age_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, blank, fit, heading, length, spread, stack, wrapped
from fluxum.view.facts import BookView, LevelView, MarketView, ProofView

__all__ = ["STATUSES", "bar", "draw_ladder", "ladder_width"]

STATUSES = {
    BookStatus.VALID: ("✓", Tone.GOOD),
    BookStatus.UNVERIFIED: ("!", Tone.WARN),
    BookStatus.STALE: ("!", Tone.WARN),
    BookStatus.SYNCING: ("○", Tone.WARN),
    BookStatus.DESYNCED: ("✗", Tone.BAD),
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MARGINS = 5  # one cell at each edge, one between the columns, one before the bar


def ladder_width(widths: Widths) -> int:
    """How many columns the numbers need, without any bar."""
    return widths.price.width + widths.quantity.width + _MARGINS


def draw_ladder(
    market: MarketView, widths: Widths, width: int, height: int, *, is_summed: bool = False
) -> list[Row]:
    """The ladder of one market; `is_summed` shows quantities summed up from the best price on."""
    title: list[Piece] = [(market.symbol, Tone.TITLE), (f" {market.venue}", Tone.DIM)]
    if is_summed:
        title.append((" depth", Tone.KEY))
    state: list[Piece]
    book = market.book
    if market.failure:
        state = [("✗ failed", Tone.BAD)]
        return _with_reason(title, state, market.failure, Tone.BAD, width, height)
    if book is None:
        return _with_reason(title, [], "its book is not subscribed", Tone.DIM, width, height)
    sign, tone = STATUSES[book.proof.status]
    state = [(f"{sign} {book.proof.status.value}", tone)]
    if not (book.bids or book.asks):
        why = book.proof.reason or book.proof.status.value
        return _with_reason(title, state, why, tone, width, height)
    rows = max(0, (height - 2) // 2)
    more = height - 2 - 2 * rows
    asks, bids = book.asks[:rows], book.bids[:rows]
    most = _most(asks, bids, is_summed=is_summed)
    shape = _Shape(widths, width, most, is_summed=is_summed)
    above = shape.rows(asks, Tone.ASK, Tone.ASK_BEST, Tone.ASK_BAR)
    below = shape.rows(bids, Tone.BID, Tone.BID_BEST, Tone.BID_BAR)
    return [
        heading(title, state, width),
        *[blank(width)] * (rows - len(asks)),
        *reversed(above),
        _middle(book, width),
        *stack(below, width, rows),
        *[blank(width)] * more,
    ]


class _Shape:
    """How the levels of one ladder are laid out."""

    def __init__(self, widths: Widths, width: int, most: Decimal, *, is_summed: bool) -> None:
        self.widths = widths
        self.width = width
        self.most = most
        self.is_summed = is_summed
        self.bar_width = max(0, width - ladder_width(widths))

    def rows(
        self, levels: Sequence[LevelView], tone: Tone, best: Tone, bar_tone: Tone
    ) -> list[Row]:
        """Rows of one side, best first."""
        quantities = _quantities(levels, is_summed=self.is_summed)
        return [
            self._row(level, quantity, tone if number else best, bar_tone)
            for number, (level, quantity) in enumerate(zip(levels, quantities, strict=True))
        ]

    def _row(self, level: LevelView, quantity: Decimal, tone: Tone, bar_tone: Tone) -> Row:
        pieces: list[Piece] = [
            (f" {self.widths.price.text(level.price)}  ", tone),
            (f"{self.widths.quantity.text(quantity)} ", Tone.PLAIN),
            (bar(quantity, self.most, self.bar_width), bar_tone),
        ]
        return fit(pieces, self.width)


def bar(quantity: Decimal, most: Decimal, width: int) -> str:
    """A bar in eighths of a cell; at least one eighth for what is there at all."""
    if not most or width < 1 or quantity <= 0:
        return ""
    eighths = max(1, int(quantity / most * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _quantities(levels: Sequence[LevelView], *, is_summed: bool) -> Sequence[Decimal]:
    quantities = [one.quantity for one in levels]
    return list(accumulate(quantities)) if is_summed else quantities


def _most(asks: Sequence[LevelView], bids: Sequence[LevelView], *, is_summed: bool) -> Decimal:
    sides = [_quantities(side, is_summed=is_summed) for side in (asks, bids)]
    return max((one for side in sides for one in side), default=Decimal(0))


def _middle(book: BookView, width: int) -> Row:
    """The row between the sides: the spread, and what proves the book."""
    spread_text = "-" if book.spread is None else f"{book.spread:f}"
    left: list[Piece] = [(f" spread {spread_text}", Tone.PLAIN)]
    for proof in _proofs(book.proof):
        if len(proof) + length(left) + 2 <= width:
            return spread(left, [(f"{proof} ", Tone.DIM)], width)
    return fit(left, width)


def _proofs(proof: ProofView) -> list[str]:
    """What proves a book in words, the longest first."""
    if proof.status is not BookStatus.VALID:
        return [proof.reason]
    age, checks = age_text(proof.age_s), f"{proof.checks:,} checks"
    reach = "all levels" if proof.depth_proved is None else f"{proof.depth_proved} levels"
    return [
        f"{reach} proved, {checks}, {age} ago, generation {proof.generation}",
        f"{reach} proved, {checks}, {age} ago",
        f"{checks}, {age} ago",
        f"{age} ago",
    ]


def _with_reason(
    title: Sequence[Piece], state: Sequence[Piece], why: str, tone: Tone, width: int, height: int
) -> list[Row]:
    """A ladder without levels, and why there are none."""
    lines = [[(f" {line}", tone)] for line in wrapped(why, width - 2)]
    above = max(0, (height - 1 - len(lines)) // 2)
    rows = [blank(width)] * above + [fit(line, width) for line in lines]
    return [heading(title, state, width), *stack(rows, width, height - 1)]
