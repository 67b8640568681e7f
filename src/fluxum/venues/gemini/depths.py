"""Frames of the sequenced feed that cannot be read as a whole: whose they are, and their rest."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import MsgspecError, Raw, Struct

from fluxum.venues.gemini import native, normalize
from fluxum.venues.rows import LeftOutRows, joined, read_rows

__all__ = ["DEPTH", "TICKER", "TRADE", "Salvaged", "checked", "salvaged", "suffixes"]

DEPTH, TICKER, TRADE = "@depth@100ms", "@bookTicker", "@trade"
"""The ends of our streams' names, behind that of the market."""
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
Wire = TypeVar("Wire")


class Salvaged(Struct, frozen=True):
    """The levels of a book's frame that can be read, and those that cannot."""

    wire: native.DepthUpdate
    left_out: LeftOutRows | None


def suffixes(loose: native.LooseFrame) -> tuple[str, ...]:
    """The streams of its market that a frame may be of, by the members it has."""
    if loose.e:
        return (DEPTH,)
    if any(map(native.is_there, (loose.t, loose.p, loose.q, loose.m))):
        return (TRADE,)
    if any(map(native.is_there, (loose.u, loose.a, loose.b))):
        return (TICKER,)
    return DEPTH, TICKER, TRADE


def salvaged(loose: native.LooseFrame) -> Salvaged | None:
    """A book's frame, level by level; `None` where its numbers or lists cannot be read."""
    try:
        first, final = native.decode_count(loose.U), native.decode_count(loose.u)
        bids = native.decode_rows(loose.b) if loose.b else []
        asks = native.decode_rows(loose.a) if loose.a else []
    except _UNREADABLE:
        return None
    return _salvaged(loose.s, first, final, _time(loose.E), bids, asks, native.decode_row)


def checked(wire: native.DepthUpdate) -> Salvaged:
    """A book's frame without the levels that hold no numbers."""
    return _salvaged(wire.s, wire.U, wire.u, wire.E, wire.b, wire.a, normalize.checked)


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


def _time(raw: Raw) -> int | None:
    try:
        return native.decode_count(raw)
    except _UNREADABLE:
        return None
