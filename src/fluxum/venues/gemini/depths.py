"""Frames of the sequenced feed that cannot be read as a whole: their streams, and their rest."""

from msgspec import Raw

from fluxum.venues.gemini import native
from fluxum.venues.members import Members
from fluxum.venues.rows import LeftOutRows, checked, decode_readable

__all__ = ["DEPTH", "TICKER", "TRADE", "read_loosely", "suffixes"]

DEPTH, TICKER, TRADE = "@depth@100ms", "@bookTicker", "@trade"
"""The ends of our streams' names, behind that of the market."""


def suffixes(loose: Members) -> tuple[str, ...]:
    """The streams of its market that a frame may be of, by the members it has."""
    if loose.text_or_empty("e"):
        return (DEPTH,)
    if any(map(loose.has, "tpqm")):
        return (TRADE,)
    if any(map(loose.has, "uab")):
        return (TICKER,)
    return DEPTH, TICKER, TRADE


def read_loosely(frame: bytes) -> tuple[native.DepthUpdate, LeftOutRows | None]:
    """A book's frame without the levels that cannot be read; raises MsgspecError."""
    optional = {"E": native.decode_count}
    return decode_readable(frame, native.decode_depth, _level, "ba", optional)


def _level(row: Raw) -> native.Row:
    return checked(native.decode_row(row))
