"""Where the panes of the screen are, for a terminal of a given size.

    lights
    first | second | beside | right
    below
    losses
    footer

80x24 has a ladder and one pane beside it. From 120 columns on there is a second ladder, and with
enough rows candles below; from 160 columns on a pane at the right for positions and links.
"""

from enum import Enum

from msgspec import Struct

__all__ = ["LEAST_HEIGHT", "LEAST_WIDTH", "Pane", "Place", "lay_out"]

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
_WIDE, _WIDEST = 120, 160
_LADDER, _RIGHT = 38, 40
_BESIDE_LEAST = 24
_TALL = 30  # rows between lights and losses from which on some are left for candles
_LADDER_ROWS = 22
_BELOW_MOST = 16
_LOSSES = ((16, 2), (34, 4), (44, 6))  # rows of the losses by rows of the terminal


class Pane(Enum):
    """A part of the screen; PAGE is in place of all between lights and footer."""

    LIGHTS = "lights"
    FIRST = "first"
    SECOND = "second"
    BESIDE = "beside"
    RIGHT = "right"
    BELOW = "below"
    LOSSES = "losses"
    FOOTER = "footer"
    PAGE = "page"


class Place(Struct, frozen=True):
    """A part of a terminal, in cells; `x` and `y` are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def lay_out(width: int, height: int, ladder: int, *, is_page: bool = False) -> dict[Pane, Place]:
    """The places of all panes that there is room for.

    `ladder` is how many columns the numbers of a ladder need. A terminal that is smaller than
    `LEAST_WIDTH` or `LEAST_HEIGHT` has one page.
    """
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return {Pane.PAGE: Place(0, 0, width, height)}
    places = {
        Pane.LIGHTS: Place(0, 0, width, 1),
        Pane.FOOTER: Place(0, height - 1, width, 1),
    }
    if is_page:
        return {**places, Pane.PAGE: Place(0, 1, width, height - 2)}
    losses = next((rows for limit, rows in _LOSSES if height < limit), 8)
    places[Pane.LOSSES] = Place(0, height - 1 - losses, width, losses)
    middle = height - 2 - losses
    below = min(_BELOW_MOST, middle - _LADDER_ROWS) if width >= _WIDE and middle >= _TALL else 0
    if below:
        places[Pane.BELOW] = Place(0, 1 + middle - below, width, below)
    return {**places, **_columns(width, middle - below, max(ladder, min(_LADDER, width)))}


def _columns(width: int, height: int, ladder: int) -> dict[Pane, Place]:
    """The panes side by side, a blank column between them."""
    shares = [(Pane.FIRST, ladder)]
    left = width - ladder - 1
    if width >= _WIDEST and left - _RIGHT - 1 >= ladder + 1 + _BESIDE_LEAST:
        left -= _RIGHT + 1
    if width >= _WIDE and left >= ladder + 1 + _BESIDE_LEAST:
        shares.append((Pane.SECOND, ladder))
        left -= ladder + 1
    if left >= _BESIDE_LEAST:
        shares.append((Pane.BESIDE, left))
    else:
        shares = [(Pane.FIRST, width)]
    used = sum(share + 1 for _, share in shares)
    if width - used >= _RIGHT:
        shares.append((Pane.RIGHT, width - used))
    places: dict[Pane, Place] = {}
    x = 0
    for pane, share in shares:
        places[pane] = Place(x, 1, share, height)
        x += share + 1
    return places
