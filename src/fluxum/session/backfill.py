"""Candles that a stream missed, looked up in the venue's history."""

import asyncio
import logging
from collections.abc import Callable

from fluxum.clock import Clock
from fluxum.errors import FluxumError
from fluxum.flow.background import Background
from fluxum.session.candles import Candles, Missed
from fluxum.session.history import History

__all__ = ["Backfill"]

_log = logging.getLogger(__name__)
_TIME_S = 60.0


class Backfill:
    """Looks up candles that `Candles` is missing, with a timeout; it is their `look_up`."""

    def __init__(
        self,
        venue: str,
        history: History,
        candles: Candles,
        clock: Clock,
        work: Callable[[], Background | None],
    ) -> None:
        self._venue = venue
        self._history = history
        self._candles = candles
        self._clock = clock
        self._work = work

    def look_up(self, missed: Missed) -> bool:
        """Start to look up candles; false if the venue offers no history."""
        work = self._work()
        if work is None or not self._history.is_offered:
            return False
        work.start(self._find(missed), name=f"{self._venue} {missed.subscription} history")
        return True

    async def _find(self, missed: Missed) -> None:
        subscription, clock = missed.subscription, self._clock
        assert subscription.symbol is not None
        assert subscription.interval_s is not None
        await asyncio.sleep(max(0, missed.ready_ns - clock.now_ns()) / 1e9)
        try:
            async with asyncio.timeout(_TIME_S):
                candles = await self._history.candles(
                    subscription.symbol, subscription.interval_s, missed.since_ns, None
                )
        except (FluxumError, TimeoutError) as error:
            reason = str(error) or f"no answer in {_TIME_S:.0f} s"
            _log.warning("%s %s has no history: %s", self._venue, subscription, reason)
            self._candles.not_found(missed, reason, clock.now_ns())
        else:
            self._candles.found(missed, candles, clock.now_ns())
