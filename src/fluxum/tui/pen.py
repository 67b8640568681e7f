"""What a paint writes to the terminal: of every row that changed, the pieces that did.

Textual makes strips of changed rows and of all panes beside them, divides these where panes meet,
and writes the beginning and the end of a style around every piece. That was most of a paint. It
still does so when all of a pane is painted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, length

__all__ = ["Change", "Pen", "change"]

_HOME = "\x1b[H"
_RESET = "\x1b[0m"
_CODE = "\x1b["


class Change(Struct, frozen=True):
    """Pieces to write from a cell on; `x` and `y` count from 0."""

    x: int
    y: int
    pieces: Sequence[Piece]


def change(x: int, y: int, before: Row, row: Row) -> Change:
    """What is different in a row that begins at a cell: from its first such piece to its last."""
    begin = end = 0
    for old, new in zip(before, row, strict=False):
        if old != new:
            break
        begin += 1
    for old, new in zip(reversed(before[begin:]), reversed(row[begin:]), strict=False):
        if old != new:
            break
        end += 1
    return Change(x + length(row[:begin]), y, row[begin : len(row) - end])


class Pen:
    """Writes pieces in the looks of their tones."""

    def __init__(self, looks: Mapping[Tone, Style], to_text: Callable[[str], str]) -> None:
        self._looks = looks
        self._to_text = to_text
        self._codes: dict[Tone, str] = {}

    def strip(self, row: Row, width: int) -> Strip:
        """A row as textual paints it."""
        to_text, looks = self._to_text, self._looks
        return Strip([Segment(to_text(text), looks[tone]) for text, tone in row], width)

    def update(self, changes: Sequence[Change]) -> "_Update":
        """All changes of a paint, as textual writes them to its terminal."""
        return _Update(self, changes)

    def text(self, changes: Iterable[Change], console: Console) -> str:
        """What makes the changes on a terminal; a look is named where it begins."""
        to_text, codes = self._to_text, self._codes or self._learn(console)
        parts: list[str] = []
        last: Tone | None = None
        for one in changes:
            parts.append(f"{_CODE}{one.y + 1};{one.x + 1}H")
            for text, tone in one.pieces:
                if tone is not last:
                    parts.append(codes[tone])
                    last = tone
                parts.append(to_text(text))
        return "".join((*parts, _RESET, _HOME))

    def _learn(self, console: Console) -> Mapping[Tone, str]:
        """The code of each look, after the end of any other, in the colours the terminal has."""
        for tone, look in self._looks.items():
            code = Strip([Segment("x", look)]).render(console).partition("x")[0]
            self._codes[tone] = code.replace(_CODE, f"{_CODE}0;", 1) or _RESET
        return self._codes


class _Update:
    """A renderable of rich."""

    def __init__(self, pen: Pen, changes: Sequence[Change]) -> None:
        self._pen = pen
        self._changes = changes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del options
        yield Segment(self._pen.text(self._changes, console))
