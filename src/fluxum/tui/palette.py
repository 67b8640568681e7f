"""The tones of the screen's text, and the look of each on a terminal.

The colours are of the 256 that nearly every terminal has, on the terminal's own background: short
on the wire, and readable on dark and on light.
"""

from collections.abc import Mapping
from enum import Enum, auto

from rich.style import Style

__all__ = ["LOOKS", "PLAIN_LOOKS", "Tone", "ascii_text"]


class Tone(Enum):
    """What a piece of text is; its look follows from that."""

    PLAIN = auto()
    DIM = auto()
    TITLE = auto()
    GOOD = auto()
    WARN = auto()
    BAD = auto()
    BID = auto()
    BID_BEST = auto()
    BID_BAR = auto()
    ASK = auto()
    ASK_BEST = auto()
    ASK_BAR = auto()
    GAP = auto()
    KEY = auto()
    NOTE = auto()


_GREEN, _RED = "color(35)", "color(167)"
LOOKS: Mapping[Tone, Style] = {
    tone: Style.parse(look)
    for tone, look in {
        Tone.PLAIN: "default",
        Tone.DIM: "color(244)",
        Tone.TITLE: "bold",
        Tone.GOOD: _GREEN,
        Tone.WARN: "color(172)",
        Tone.BAD: f"bold {_RED}",
        Tone.BID: _GREEN,
        Tone.BID_BEST: f"bold {_GREEN}",
        Tone.BID_BAR: "color(29)",
        Tone.ASK: _RED,
        Tone.ASK_BEST: f"bold {_RED}",
        Tone.ASK_BAR: "color(131)",
        Tone.GAP: "color(240)",
        Tone.KEY: "color(74)",
        Tone.NOTE: "reverse",
    }.items()
}
"""The look of each tone."""
PLAIN_LOOKS: Mapping[Tone, Style] = {
    tone: Style(bold=look.bold, reverse=look.reverse) for tone, look in LOOKS.items()
}
"""The same without colours."""

_ASCII = str.maketrans(
    {
        **dict(zip("●○✓✗▲▼─│·", "*o+x^v-|.", strict=True)),
        **dict.fromkeys("█▉▊▋▌▀▄▇▆▅▓", "#"),
        **dict.fromkeys("▍▎▏▁▂▃░▒", "."),
    }
)


def ascii_text(text: str) -> str:
    """A text with the nearest characters of ASCII in place of the screen's signs."""
    return text if text.isascii() else text.translate(_ASCII)
