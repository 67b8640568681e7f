"""When a candle is closed, at a venue that never publishes it: once a later interval has begun.

A candle closes once. One that was closed and is listed again is no news; if it differs, as after a
late trade, it is a correction. Closed candles of a history are marked as backfilled.
"""

from collections.abc import Hashable, Sequence

from msgspec import Struct, structs

from fluxum.model.market import Candle
from fluxum.venues.closed_candles import ClosedCandles

__all__ = ["CandleRuns"]


class _Run(Struct):
    """The running candle of one stream, and those that closed."""

    closed: ClosedCandles
    running: Candle | None = None

    def close(self, candle: Candle, *, is_history: bool) -> Sequence[Candle]:
        """A candle as closed; nothing where it was published as that before."""
        closed = self.closed.close(structs.replace(candle, backfilled=is_history))
        return () if closed is None else (closed,)


class CandleRuns:
    """The candles of every stream of one link, each stream by a key of the caller's.

    Of each stream as many closed candles are remembered as `kept` allows.
    """

    def __init__(self, kept: int = 2000) -> None:
        self._kept = kept
        self._runs: dict[Hashable, _Run] = {}

    def __contains__(self, key: Hashable) -> bool:
        """Whether a message of a stream was taken."""
        return key in self._runs

    def take(
        self, key: Hashable, candles: Sequence[Candle], *, is_history: bool = False
    ) -> list[Candle]:
        """The candles of one message to be published, oldest first, closed where they are.

        The candle that ran before comes first when a later interval begins without it. The last
        candle runs, unless the caller knows that it is closed.
        """
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = _Run(ClosedCandles(self._kept))
        if not candles:
            return []
        ordered = sorted(candles, key=_start_ns)
        before, last = run.running, ordered[-1]
        news: list[Candle] = []
        if before is not None and before.start_ns < ordered[0].start_ns:
            ended = structs.replace(before, received_ns=last.received_ns)
            news += run.close(ended, is_history=False)
        newest_ns = max(last.start_ns, 0 if before is None else before.start_ns)
        for candle in ordered:
            if candle.closed or candle.start_ns < newest_ns or candle.start_ns in run.closed:
                news += run.close(candle, is_history=is_history)
            else:
                news.append(candle)
        if last.start_ns == newest_ns:
            run.running = None if newest_ns in run.closed else last
        return news

    def doubt(self, key: Hashable) -> None:
        """Candles of a stream may have been missed: what is known of the running one is old."""
        run = self._runs.get(key)
        if run is not None:
            run.running = None

    def doubt_all(self) -> None:
        """Candles of every stream may have been missed."""
        for run in self._runs.values():
            run.running = None

    def forget(self, key: Hashable) -> None:
        """Forget the candles of a stream that ended."""
        self._runs.pop(key, None)


def _start_ns(candle: Candle) -> int:
    return candle.start_ns
