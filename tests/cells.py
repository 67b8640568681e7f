"""A terminal for tests: what its cells show after it was written to."""

import re

from rich.cells import cell_len

__all__ = ["Cells"]

_PIECE = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\n)|([^\x1b\n]+)")
_DEFAULT = ("39",)  # the colour that text has without any


class Cells:
    """Cells of a terminal, each a character and its look; `cells` are its rows."""

    def __init__(self, width: int, height: int) -> None:
        self.cells: list[list[tuple[str, tuple[str, ...]]]]
        self.cells = [[(" ", ())] * width for _ in range(height)]
        self._x = self._y = 0
        self._look: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text on it, without blanks at the ends of rows."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.cells)

    def write(self, written: str) -> None:
        """Take text, line feeds, and codes that move the cursor or name a look."""
        at = 0
        while at < len(written):
            piece = _PIECE.match(written, at)
            assert piece is not None, written[at : at + 20]
            at = piece.end()
            values, code, feed, text = piece.groups()
            if feed:
                self._x, self._y = 0, self._y + 1
            elif text:
                self._put(text)
            elif code == "H":
                self._y, self._x = (int(one) - 1 for one in (values or "1;1").split(";"))
            elif code == "m":
                self._dress(values.split(";"))

    def _dress(self, values: list[str]) -> None:
        if values[0] in {"0", ""}:
            self._look, values = (), values[1:]
        look = (*self._look, *values)
        self._look = () if look == _DEFAULT else look

    def _put(self, text: str) -> None:
        for character in text:
            width = cell_len(character)
            if width:
                self.cells[self._y][self._x] = (character, self._look)
            for extra in range(1, width):
                self.cells[self._y][self._x + extra] = ("", self._look)
            self._x += width
