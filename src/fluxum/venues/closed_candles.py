"""Which candles of a stream are closed, at venues that say so themselves.

A candle closes once. One that is sent again as it closed is no news; one that has changed since is
a correction; one that is sent as running after it closed, or after a later one began, is late.
"""

from decimal import Decimal

from msgspec import structs

from fluxum.model.market import Candle

__all__ = ["ClosedCandles"]

_KEPT = 100
_Values = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]


class ClosedCandles:
    """The candles of one stream that closed lately, and the start of its newest one.

    One older than those a hundred candles ago is no news either.
    """

    def __init__(self) -> None:
        self._closed: dict[int, _Values] = {}
        self._newest_ns = 0

    def admit(self, candle: Candle) -> Candle | None:
        """The candle to be published, `None` where it is no news."""
        start_ns = candle.start_ns
        if not candle.closed:
            if start_ns < self._newest_ns or start_ns in self._closed:
                return None
            self._newest_ns = start_ns
            return candle
        values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        before = self._closed.get(start_ns)
        is_forgotten = len(self._closed) == _KEPT and start_ns < min(self._closed)
        if before == values or is_forgotten:
            return None
        self._newest_ns = max(self._newest_ns, start_ns)
        self._closed[start_ns] = values
        if len(self._closed) > _KEPT:
            del self._closed[min(self._closed)]
        return candle if before is None else structs.replace(candle, is_correction=True)
