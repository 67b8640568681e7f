"""Which candles of a stream are closed, at venues that publish that themselves.

A candle closes once. One that is sent again as it closed is no news; one that has changed since is
a correction; one that is sent as running after it closed, or after a later one began, is late.
"""

from decimal import Decimal

from msgspec import structs

from fluxum.model.market import Candle

__all__ = ["ClosedCandles"]

_Values = tuple[Decimal, Decimal, Decimal, Decimal, Decimal, Decimal | None, int | None]


class ClosedCandles:
    """The candles of one stream that closed lately, `kept` at most, and the start of the newest."""

    def __init__(self, kept: int = 100) -> None:
        self._kept = kept
        self._closed: dict[int, _Values] = {}
        self._newest_ns = 0

    def __contains__(self, start_ns: int) -> bool:
        """Whether a candle that starts then has closed, as far as that is remembered."""
        return start_ns in self._closed

    def admit(self, candle: Candle) -> Candle | None:
        """The candle to be published, `None` where it is no news.

        A closed one that is older than all that are remembered is no news either.
        """
        start_ns = candle.start_ns
        if candle.closed:
            is_forgotten = len(self._closed) == self._kept and start_ns < min(self._closed)
            return None if is_forgotten else self.close(candle)
        if start_ns < self._newest_ns or start_ns in self._closed:
            return None
        self._newest_ns = start_ns
        return candle

    def close(self, candle: Candle) -> Candle | None:
        """The candle as closed, `None` where it was published as that before, with these values."""
        start_ns, values = candle.start_ns, _values(candle)
        before = self._closed.get(start_ns)
        if before == values:
            return None
        self._newest_ns = max(self._newest_ns, start_ns)
        self._closed[start_ns] = values
        if len(self._closed) > self._kept:
            del self._closed[min(self._closed)]
        return structs.replace(candle, closed=True, is_correction=before is not None)


def _values(one: Candle) -> _Values:
    return one.open, one.high, one.low, one.close, one.volume, one.vwap, one.trades
