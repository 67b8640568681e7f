"""Books of which some level cannot be read: the levels one by one, without the odd ones."""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.venues.binance import native
from fluxum.venues.rows import LeftOutRows, exact, joined, read_rows

__all__ = ["read_changes", "read_snapshot"]


def read_changes(data: bytes) -> tuple[native.DepthUpdate, LeftOutRows | None]:
    """A depth event and the levels left out of it; raises MsgspecError if it is none."""
    wire = native.decode_depth_rows(data)
    bids, asks, left_out = _sides(wire.b, wire.a)
    update = native.DepthUpdate(
        u=wire.u, b=bids, a=asks, E=wire.E, s=wire.s, U=wire.U, T=wire.T, pu=wire.pu
    )
    return update, left_out


def read_snapshot(body: bytes) -> tuple[native.Depth, LeftOutRows | None]:
    """A snapshot and the levels left out of it; raises MsgspecError if it is none."""
    wire = native.decode_snapshot_rows(body)
    bids, asks, left_out = _sides(wire.bids, wire.asks)
    return native.Depth(wire.lastUpdateId, bids, asks, T=wire.T), left_out


def _sides(
    bids: Sequence[Raw], asks: Sequence[Raw]
) -> tuple[list[native.Row], list[native.Row], LeftOutRows | None]:
    read_bids, read_asks = read_rows(bids, _row), read_rows(asks, _row)
    left_out = joined(read_bids.left_out, read_asks.left_out)
    return list(read_bids.items), list(read_asks.items), left_out


def _row(raw: Raw) -> native.Row:
    """Price and quantity of a level, proved to be numbers."""
    row: native.Row = native.decode_row(raw)
    for number in row:
        exact(number)
    return row
