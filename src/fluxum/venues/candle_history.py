"""Candles as a venue lists them over REST: in order, each once, closed where they surely are."""

from msgspec import structs

from fluxum.model.market import Candle
from fluxum.venues.rows import Rows

__all__ = ["candle_history"]

# How far this machine's clock may be ahead of the venue's: until then a last candle may run.
_MARGIN_NS = 120 * 1_000_000_000


def candle_history(listed: Rows[Candle], received_ns: int) -> tuple[Candle, ...]:
    """Candles of a list with the newest first, oldest first: of two of one start the newer one.

    A candle is closed if a later one is listed, or its end is so long ago that no clock can be
    wrong by as much.
    """
    by_start = {one.start_ns: one for one in reversed(listed.items)}
    ordered = [by_start[start_ns] for start_ns in sorted(by_start)]
    return tuple(
        structs.replace(
            one,
            closed=one is not ordered[-1] or one.end_ns + _MARGIN_NS <= received_ns,
            backfilled=True,
        )
        for one in ordered
    )
