"""Frames of the sequenced feed that cannot be read as a whole: their streams, and their rest."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from fluxum.venues.gemini import native
from fluxum.venues.members import Members
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.rows import LeftOutRows, joined, read_rows
from fluxum.venues.rows import checked as check_row

__all__ = ["DEPTH", "TICKER", "TRADE", "Salvaged", "checked", "salvaged", "suffixes"]

DEPTH, TICKER, TRADE = "@depth@100ms", "@bookTicker", "@trade"
"""The ends of our streams' names, behind that of the market."""
Wire = TypeVar("Wire")


class Salvaged(Struct, frozen=True):
    """The levels of a book's frame that can be read, and those that cannot."""

    wire: native.DepthUpdate
    left_out: LeftOutRows | None


def suffixes(loose: Members) -> tuple[str, ...]:
    """The streams of its market that a frame may be of, by the members it has."""
    if loose.text_or_empty("e"):
        return (DEPTH,)
    if any(map(loose.has, "tpqm")):
        return (TRADE,)
    if any(map(loose.has, "uab")):
        return (TICKER,)
    return DEPTH, TICKER, TRADE


def salvaged(loose: Members) -> Salvaged | None:
    """A book's frame, level by level; `None` where its numbers or lists cannot be read."""
    try:
        first, final = loose.count("U"), loose.count("u")
        bids, asks = (loose.rows(one) if one in loose.names else [] for one in "ba")
    except UNDECODABLE:
        return None
    time_ns = next(iter(read_rows(("E",), loose.count).items), None)
    return _salvaged(loose.text("s"), first, final, time_ns, bids, asks, native.decode_row)


def checked(wire: native.DepthUpdate) -> Salvaged:
    """A book's frame without the levels that hold no numbers."""
    return _salvaged(wire.s, wire.U, wire.u, wire.E, wire.b, wire.a, check_row)


def _salvaged(
    name: str,
    first: int,
    final: int,
    time_ns: int | None,
    bids: Iterable[Wire],
    asks: Iterable[Wire],
    read: Callable[[Wire], native.Row],
) -> Salvaged:
    ours, theirs = read_rows(bids, read), read_rows(asks, read)
    update = native.DepthUpdate(name, first, final, time_ns, ours.items, theirs.items)
    return Salvaged(update, joined(ours.left_out, theirs.left_out))
