"""Trades that were received together, judged once if nothing about them is unusual."""

from collections.abc import Callable

from fluxum.session.active_subscriptions import Stream
from fluxum.session.gaps import GapLedger
from fluxum.venues.trade_scan import ScannedTrades

__all__ = ["follow"]

_AHEAD_MAX_NS = 60_000_000_000  # with clocks further apart, each trade is evidence by itself


def follow(
    trades: ScannedTrades,
    stream: Stream | None,
    gaps: GapLedger,
    offset_received: Callable[[int, int], None],
) -> bool:
    """Note trades that only have to be published; false if each has to be judged by itself.

    They are of a stream that is ready and has no gap, and have the numbers that are due, or ids
    that were not seen lately.
    """
    latest_ns, received_ns = trades.latest_ns, trades.received_ns
    if (
        stream is None
        or not trades.is_unbroken
        or stream.feed.readiness.missing
        or latest_ns - received_ns > _AHEAD_MAX_NS
        or not _admit(trades, gaps)
    ):
        return False
    if latest_ns >= 0:
        offset_received(latest_ns, received_ns)
    stream.receive(received_ns)
    return True


def _admit(trades: ScannedTrades, gaps: GapLedger) -> bool:
    if trades.first < 0:
        return gaps.follow_ids(trades)
    return gaps.follow(trades.symbol, trades.first, trades.last)
