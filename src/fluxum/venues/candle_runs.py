"""When a candle is closed, at a venue that never says so: once a later interval has begun.

A candle closes once. One that was closed and is listed again is no news; if it differs it is a
correction. Closed candles of a history are marked as backfilled.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from decimal import Decimal

from msgspec import Struct, field, structs

from fluxum.model.market import Candle

__all__ = ["CandleRuns"]

_CLOSED_KEPT = 2000
_Values = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]


class _Run(Struct):
    """The running candle of one stream, and the values of those that closed, by their start."""

    running: Candle | None = None
    closed: OrderedDict[int, _Values] = field(default_factory=OrderedDict[int, _Values])


class CandleRuns:
    """The candles of every stream of one link, each stream by a key of the caller's."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, _Run] = {}

    def take(
        self, key: Hashable, candles: Sequence[Candle], *, is_history: bool = False
    ) -> list[Candle]:
        """The candles of one message to be published, oldest first, closed where they are.

        The candle that ran before comes first when a later interval begins without it.
        """
        if not candles:
            return []
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = _Run()
        ordered = sorted(candles, key=_start_ns)
        before, last = run.running, ordered[-1]
        last_ns = max(last.start_ns, 0 if before is None else before.start_ns)
        told: list[Candle] = []
        if before is not None and before.start_ns < ordered[0].start_ns:
            ended = structs.replace(before, received_ns=last.received_ns)
            told += _close(run, ended, is_history=False)
        for candle in ordered:
            if candle.start_ns >= last_ns:
                told.append(candle)
            else:
                told += _close(run, candle, is_history=is_history)
        if last.start_ns == last_ns:
            run.running = last
        return told

    def doubt(self, key: Hashable) -> None:
        """Candles of a stream may have been missed: the running one is closed by no memory."""
        run = self._runs.get(key)
        if run is not None:
            run.running = None

    def doubt_all(self) -> None:
        """Candles of every stream may have been missed."""
        for run in self._runs.values():
            run.running = None

    def forget(self, key: Hashable) -> None:
        """A stream ended; nothing of it is remembered."""
        self._runs.pop(key, None)


def _close(run: _Run, candle: Candle, *, is_history: bool) -> Sequence[Candle]:
    """A candle as closed; nothing where it was published as that before, with these values."""
    values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    known = run.closed.get(candle.start_ns)
    if known == values:
        return ()
    run.closed[candle.start_ns] = values
    if len(run.closed) > _CLOSED_KEPT:
        run.closed.popitem(last=False)
    is_correction = known is not None
    return (
        structs.replace(candle, closed=True, backfilled=is_history, is_correction=is_correction),
    )


def _start_ns(candle: Candle) -> int:
    return candle.start_ns
