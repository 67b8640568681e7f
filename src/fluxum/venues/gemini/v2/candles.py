"""The candle streams of one link: recent candles first, afterwards the running one."""

from collections.abc import Iterable

from msgspec import Raw

from fluxum.model.event import Subscribed, Subscription
from fluxum.model.market import Candle
from fluxum.venues.candle_runs import CandleRuns
from fluxum.venues.gemini.v2 import native, normalize
from fluxum.venues.gemini.v2.normalize import VENUE
from fluxum.venues.reading import Reading
from fluxum.venues.rows import read_rows

__all__ = ["CandleReader"]


class CandleReader:
    """Reads candles, and remembers which streams wait for their first ones."""

    def __init__(self) -> None:
        self._runs = CandleRuns()
        self._awaited: set[Subscription] = set()

    def wait(self, subscription: Subscription) -> None:
        """Remember to publish that a stream was accepted."""
        self._awaited.add(subscription)

    def forget(self, subscription: Subscription) -> None:
        """A stream ended."""
        self._runs.forget(subscription)
        self._awaited.discard(subscription)

    def read(
        self,
        subscription: Subscription,
        rows: Iterable[native.CandleRow | Raw],
        received_ns: int,
        *,
        is_answer: bool,
    ) -> Reading:
        """The candles of a message; the first one of a stream, as any answer, is history."""
        reading = Reading(VENUE, received_ns)
        symbol, interval_s = subscription.symbol, subscription.interval_s
        assert symbol is not None
        assert interval_s is not None

        def candle(row: native.CandleRow | Raw) -> Candle:
            wire = native.decode_candle(row) if isinstance(row, Raw) else row
            return normalize.candle(wire, symbol, interval_s, received_ns)

        read = read_rows(rows, candle)
        if read.left_out is not None:
            self._runs.doubt(subscription)
            reading.leave_out(read.left_out, (subscription,))
            if not read.items:
                return reading
        if subscription in self._awaited:
            self._awaited.discard(subscription)
            reading.events.append(
                Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
            )
        is_history = is_answer or subscription not in self._runs
        newest_last = read.items[::-1]  # of two of one start the first is the newer
        reading.events += self._runs.take(subscription, newest_last, is_history=is_history)
        return reading
