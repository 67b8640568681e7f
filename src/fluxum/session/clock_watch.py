"""How far the venue's clock is from this machine's, measured at the start and now and then."""

import asyncio
import logging
from collections.abc import Callable

from fluxum.clock import Clock
from fluxum.errors import FluxumError, RemoteProtocolError
from fluxum.model.event import ClockOffset
from fluxum.session.fetch_queue import Rest
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.venue import Venue

__all__ = ["ClockWatch"]

_log = logging.getLogger(__name__)
_EVERY_S = 300.0
# A venue that counts in seconds is asked a few times at first, each at another part of a second.
_SAMPLES_MAX = 4
_SAMPLE_EVERY_S = 2.3
_SURE_NS = 250_000_000
_ALARM_NS = 1_000_000_000


class ClockWatch:
    """Asks a venue what time it is.

    `note` is given each offset in ns; `tell` publishes when it is above a second, and no longer.
    """

    def __init__(
        self,
        venue: Venue,
        rest: Rest,
        clock: Clock,
        keeper: ClockOffsetKeeper,
        note: Callable[[int], None],
        tell: Callable[[ClockOffset], None],
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._clock = clock
        self._keeper = keeper
        self._note = note
        self._tell = tell
        self._is_off = False

    async def run(self) -> None:
        """Measure for as long as the session lives; nothing, where nobody can be asked."""
        if self._venue.queries is None or self._rest.http is None:
            return
        samples = 0
        while True:
            try:
                await self._measure()
            except FluxumError as error:
                _log.info("%s clock is not measured: %s", self._venue.name, error)
            else:
                self._judge()
            samples += 1
            measured = self._keeper.measured
            is_vague = measured is None or measured.uncertainty_ns > _SURE_NS
            is_early = samples < _SAMPLES_MAX
            await asyncio.sleep(_SAMPLE_EVERY_S if is_vague and is_early else _EVERY_S)

    async def _measure(self) -> None:
        rest, queries = self._rest, self._venue.queries
        assert rest.http is not None
        assert queries is not None
        question = queries().time()
        fetch = question.fetch
        await asyncio.sleep(rest.counter.take(fetch.cost, asyncio.get_running_loop().time()))
        url = rest.endpoints[fetch.endpoint] + fetch.path
        asked_ns = self._clock.now_ns()
        body = await rest.http.call(fetch.method, url, fetch.headers, fetch.body)
        received_ns = self._clock.now_ns()
        try:
            venue_ns = question.read(body, received_ns)
        except UNREADABLE as error:
            raise RemoteProtocolError(f"no time could be read: {error}") from error
        self._keeper.answered(venue_ns, asked_ns, received_ns)

    def _judge(self) -> None:
        measured = self._keeper.measured
        assert measured is not None, "a clock that was measured has an offset"
        self._note(measured.offset_ns)
        off_ns = abs(measured.offset_ns)
        is_off = off_ns > _ALARM_NS and off_ns > measured.uncertainty_ns
        if is_off is self._is_off:
            return
        self._is_off = is_off
        offset_s, uncertainty_s = measured.offset_ns / 1e9, measured.uncertainty_ns / 1e9
        level = logging.WARNING if is_off else logging.INFO
        venue = self._venue.name
        _log.log(level, "%s clock is %.3f s ahead, +-%.3f s", venue, offset_s, uncertainty_s)
        self._tell(
            ClockOffset(
                venue=venue,
                offset_s=offset_s,
                uncertainty_s=uncertainty_s,
                received_ns=self._clock.now_ns(),
            )
        )
