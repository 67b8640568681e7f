"""How books fit on a terminal of a given size: side by side, stacked, as lines, or in pages.

Nothing is left out silently: what does not fit is laid out in a smaller way, and a plan lists what
it leaves out.
"""

from collections.abc import Sequence
from textwrap import wrap

from msgspec import Struct, structs

__all__ = ["BookSize", "Plan", "plan_screen", "wrapped"]

_BORDERS = 2
_PADDING = 2
_SPREAD = 1
_BELOW_MAX = 12
_BESIDE = 100  # from this many columns on, trades are beside the events
_STACKED = 10  # from this many lines on, trades are above the events
_BELOW = (7, 5, 0)  # preferred lines for events, below the books; each with its borders
_LEVELS_BEFORE_BELOW = (6, 3, 1)  # levels a side that have priority over that


class BookSize(Struct, frozen=True, kw_only=True):
    """The size of one book: `levels_width` for its numbers, `line` if it is one line, its proof."""

    title: str
    levels_width: int
    line: str
    proof: str


class Plan(Struct, frozen=True, kw_only=True):
    """The layout of the screen.

    `rows` are levels a side, and 0 if each book is one line. `columns` books of `width` are side
    by side, with bars or without. `first` and `shown` select the books that are shown,
    `proof_lines` is how many lines each proof gets. `below` is how many lines are left for events,
    `above` how many of them the trades get if they are above; all of them if they are beside.
    """

    columns: int = 1
    width: int = 0
    rows: int = 0
    has_bars: bool = False
    proof_lines: int = 0
    first: int = 0
    shown: int = 0
    below: int = 0
    above: int = 0
    is_beside: bool = False
    notes: tuple[str, ...] = ()


def plan_screen(
    width: int, height: int, books: Sequence[BookSize], rows: int, bars: int, page: int
) -> Plan:
    """Fit books with `rows` levels a side into lines; `bars` is the width of one's bars.

    `page` counts up; it selects the books that are shown if not all fit.
    """
    for below, least in zip(_BELOW, _LEVELS_BEFORE_BELOW, strict=True):
        grids = [
            _grid(width, height - below, books, rows, bars if has_bars else 0)
            for has_bars in (True, False)
        ]
        best = max(grids, key=lambda one: one.rows)
        if best.rows >= min(rows, least):
            taken = -(-len(books) // best.columns) * _height(best.rows, best.proof_lines)
            return _with_rest(best, width, height - taken, rows)
    return _list(width, height, books, page, rows)


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of this width; a word that is longer is broken, and nothing is lost."""
    return wrap(text, max(1, width)) or [""]


def _grid(width: int, height: int, books: Sequence[BookSize], rows: int, bars: int) -> Plan:
    """Books with their levels, as many side by side as fit."""
    inner = max(
        max(one.levels_width + (bars + 1 if bars else 0), len(one.title) + 2) for one in books
    )
    outer = inner + _BORDERS + _PADDING
    columns = min(len(books), (width + 1) // (outer + 1))
    if columns == 0:
        return Plan()
    lines = max(len(wrapped(one.proof, inner)) for one in books)
    stacked = -(-len(books) // columns)
    levels = (height // stacked - _height(0, lines)) // 2
    return Plan(
        columns=columns,
        width=outer,
        rows=max(0, min(rows, levels)),
        has_bars=bars > 0,
        proof_lines=lines,
        shown=len(books),
    )


def _height(rows: int, proof_lines: int) -> int:
    return 2 * rows + _SPREAD + proof_lines + _BORDERS


def _with_rest(plan: Plan, width: int, rest: int, rows: int) -> Plan:
    """A grid with the lines that are left below it, and a note of what it leaves out."""
    notes: list[str] = []
    if plan.rows < rows:
        notes.append(
            f"{plan.rows} of {rows} levels a side fit" if plan.rows else "levels do not fit"
        )
    below = min(rest, _BELOW_MAX) if rest >= _BELOW[1] else 0
    is_beside = below > 0 and width >= _BESIDE
    above = below // 2 if below >= _STACKED and not is_beside else 0
    if not below:
        notes.append("trades and what happens to links do not fit")
    elif not (above or is_beside):
        notes.append("trades do not fit")
    return structs.replace(
        plan, below=below, above=above, is_beside=is_beside, notes=(*plan.notes, *notes)
    )


def _list(width: int, height: int, books: Sequence[BookSize], page: int, rows: int) -> Plan:
    """Each book in one line, or in as many as its text needs; in pages if they are too many."""
    lines = [len(wrapped(one.line, width)) for one in books]
    if sum(lines) <= height:
        plan = Plan(width=width, shown=len(books))
        return _with_rest(plan, width, height - sum(lines), rows)
    shown = max(1, min(len(books), height // max(lines)))
    pages = -(-len(books) // shown)
    first = page % pages * shown
    last = min(first + shown, len(books))
    notes = f"books {first + 1} to {last} of {len(books)}, the others follow in turn"
    return _with_rest(Plan(width=width, first=first, shown=shown, notes=(notes,)), width, 0, rows)
