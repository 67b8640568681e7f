"""Rows of the screen: pieces of text with the name of a style, of an exact width in cells.

A row knows no colour, so it can be compared as text; `palette` has the colour of each style. Every
style that carries a meaning is used with a sign or a word too: a screen without colour has all.
"""

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.cells import cell_len, set_cell_size

from fluxum.tui.palette import Tone

__all__ = [
    "Piece",
    "Row",
    "blank",
    "fit",
    "flow",
    "heading",
    "length",
    "spread",
    "stack",
    "text_of",
    "wrapped",
]

Piece = tuple[str, Tone]
Row = tuple[Piece, ...]
_RULE = "─"


def fit(pieces: Iterable[Piece], width: int) -> Row:
    """A row of exactly this width: filled with blanks, and cut at the right edge if it must be."""
    row: list[Piece] = []
    left = width
    for text, tone in pieces:
        size = _cells(text)
        if size > left:
            text, size = set_cell_size(text, left), left
        if size:
            row.append((text, tone))
        left -= size
    if left:
        row.append((" " * left, Tone.PLAIN))
    return tuple(row)


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int, fill: str = " ") -> Row:
    """Two groups at the two edges of a row; without room for both, the right one is left out."""
    room = width - length(left) - length(right)
    if right and room < 1:
        return spread(left, (), width, fill)
    between: list[Piece] = [(fill * room, Tone.DIM)] if room > 0 else []
    return fit([*left, *between, *right], width)


def flow(groups: Iterable[Sequence[Piece]], width: int, indent: int) -> list[Row]:
    """Groups side by side; one that does not fit begins a row of its own, further in.

    The text of a group that is longer than a row is wrapped, so nothing is cut.
    """
    rows: list[list[Piece]] = [[]]
    for group in groups:
        if length(rows[-1]) + length(group) <= width:
            rows[-1] += group
            continue
        rows.append([(" " * indent, Tone.PLAIN)])
        if indent + length(group) <= width:
            rows[-1] += [(group[0][0].lstrip(), group[0][1]), *group[1:]]
            continue
        first, *more = wrapped("".join(text for text, _ in group).strip(), width - indent)
        rows[-1].append((first, group[0][1]))
        rows += [[(" " * indent, Tone.PLAIN), (line, group[0][1])] for line in more]
    return [fit(row, width) for row in rows if row]


def heading(left: Sequence[Piece], right: Sequence[Piece], width: int) -> Row:
    """The first row of a pane: its title, a rule, and what is worth knowing at a glance."""
    end: list[Piece] = [(" ", Tone.DIM), *right, (f" {_RULE}", Tone.DIM)] if right else []
    return spread([(f"{_RULE} ", Tone.DIM), *left, (" ", Tone.DIM)], end, width, _RULE)


def stack(rows: Iterable[Row], width: int, height: int) -> list[Row]:
    """So many rows exactly; of more of them, the last one says how many are not there."""
    some = [fit(row, width) for row in rows]
    if len(some) > height > 0:
        left_out = len(some) - height + 1
        some[height - 1 :] = [fit([(f" and {left_out} rows more", Tone.DIM)], width)]
    return some[:height] + [blank(width)] * (height - len(some))


def blank(width: int) -> Row:
    """An empty row."""
    return ((" " * width, Tone.PLAIN),) if width > 0 else ()


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of this width; a word that is longer is broken, and nothing is lost."""
    return wrap(text, max(1, width)) or [""]


def text_of(row: Row) -> str:
    """A row without its styles."""
    return "".join(text for text, _ in row)


def length(pieces: Iterable[Piece]) -> int:
    """How many cells some pieces take."""
    return sum(_cells(text) for text, _ in pieces)


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
