"""The candles of one stream: one runs, those before it are closed, and some come again.

Kraken has no closed flag: a candle is closed when one of a later interval has come, or when its
time is over (https://docs.kraken.com/api/docs/websocket-v2/ohlc). A late trade corrects a candle
that was closed already; the snapshot of every subscribe repeats the last candles, oldest first.
"""

from collections import OrderedDict
from collections.abc import Sequence

from msgspec.structs import replace

from fluxum.model.market import Candle

__all__ = ["CandleRun"]

_CLOSED_KEPT = 1000


class CandleRun:
    """Says of each candle whether it is closed, a correction, or history that was not told yet.

    Of closed candles the last thousand are remembered.
    """

    def __init__(self) -> None:
        self._running: Candle | None = None
        self._closed: OrderedDict[int, Candle] = OrderedDict()

    def update(self, candle: Candle) -> list[Candle]:
        """What a candle of an update means: itself, after the end of the one before it."""
        running = self._running
        if candle.start_ns in self._closed or (
            running is not None and candle.start_ns < running.start_ns
        ):
            return self._close(candle)
        self._running = candle
        if running is None or running.start_ns == candle.start_ns:
            return [candle]
        if running.start_ns in self._closed:
            return [candle]
        return [*self._close(replace(running, received_ns=candle.received_ns)), candle]

    def snapshot(self, candles: Sequence[Candle]) -> list[Candle]:
        """What is new in the last candles, oldest first: history, then the one that runs.

        The last one is history as well if the venue sent it after its end.
        """
        *ended, last = sorted(candles, key=lambda candle: candle.start_ns)
        told: list[Candle] = []
        for candle in ended:
            told += self._close(candle, is_history=True)
        if last.venue_ns is not None and last.venue_ns >= last.end_ns:
            return [*told, *self._close(last, is_history=True)]
        return [*told, *self.update(last)]

    def _close(self, candle: Candle, *, is_history: bool = False) -> list[Candle]:
        """A candle as closed; nothing if it was closed as it is."""
        known = self._closed.get(candle.start_ns)
        if known is not None and _substance(known) == _substance(candle):
            return []
        self._closed[candle.start_ns] = candle
        if len(self._closed) > _CLOSED_KEPT:
            self._closed.popitem(last=False)
        is_correction = known is not None
        return [replace(candle, closed=True, backfilled=is_history, is_correction=is_correction)]


def _substance(candle: Candle) -> tuple[object, ...]:
    return (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.vwap,
        candle.trades,
    )
