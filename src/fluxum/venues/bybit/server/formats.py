"""Numbers, times and rows as Bybit writes them: plain digits, milliseconds."""

from collections.abc import Sequence

from fluxum.model.market import Level, Side
from fluxum.venues.server.formats import number

__all__ = ["rows", "side_word"]


def rows(levels: Sequence[Level]) -> list[tuple[str, str]]:
    """Rows of price and size, "0" for a level that is gone."""
    return [(number(level.price), number(level.quantity)) for level in levels]


def side_word(side: Side) -> str:
    """The venue's word for the side of a taker."""
    return "Buy" if side is Side.BUY else "Sell"
