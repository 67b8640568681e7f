"""When a candle is closed, at a venue that never says so: once a later interval has begun."""

from collections.abc import Sequence

from msgspec import structs

from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle

__all__ = ["CandleRuns"]


class CandleRuns:
    """The running candle of each market."""

    def __init__(self) -> None:
        self._running: dict[Symbol, Candle] = {}

    def take(self, candles: Sequence[Candle]) -> list[Candle]:
        """What one message's candles of one market tell, oldest first, closed where they are.

        The candle that ran before comes first when a later interval begins without it.
        """
        ordered = sorted(candles, key=_start_ns)
        first, last = ordered[0], ordered[-1]
        before = self._running.get(first.symbol)
        told: list[Candle] = []
        last_ns = last.start_ns
        if before is not None:
            last_ns = max(last_ns, before.start_ns)
            if before.start_ns < first.start_ns:
                told.append(structs.replace(before, closed=True, received_ns=first.received_ns))
        told += [
            structs.replace(one, closed=True) if one.start_ns < last_ns else one for one in ordered
        ]
        if last.start_ns == last_ns:
            self._running[last.symbol] = last
        return told

    def forget(self, symbol: Symbol) -> None:
        """The stream ended: what comes later is another story."""
        self._running.pop(symbol, None)


def _start_ns(candle: Candle) -> int:
    return candle.start_ns
