"""Measures how far the venue's clock is from this machine's, at the start and repeatedly."""

import asyncio
import logging
from collections.abc import Callable

from fluxum.clock import Clock
from fluxum.errors import FluxumError, RemoteProtocolError
from fluxum.flow.background import Background
from fluxum.model.event import ClockOffset
from fluxum.session.fetch_queue import Rest
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.venue import Venue

__all__ = ["ClockWatch"]

_log = logging.getLogger(__name__)
_EVERY_S = 300.0
# If a venue's time is in seconds, take several samples at first, at other parts of a second.
_SAMPLES_MAX = 4
_SAMPLE_EVERY_S = 2.3
_SURE_NS = 250_000_000
_ALARM_NS = 1_000_000_000


class ClockWatch:
    """Requests the venue's time.

    `note` is given each offset in ns. `publish` takes an event when the offset rises above a
    second, and when it falls below again.
    """

    def __init__(
        self,
        venue: Venue,
        rest: Rest,
        clock: Clock,
        keeper: ClockOffsetKeeper,
        note: Callable[[int], None],
        publish: Callable[[ClockOffset], None],
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._clock = clock
        self._keeper = keeper
        self._note = note
        self._publish = publish
        self._is_off = False
        self._is_started = False

    def start(self, work: Background) -> None:
        """Measure in the background from now on; a second call changes nothing."""
        if not self._is_started:
            self._is_started = True
            work.start(self.run(), name=f"{self._venue.name} clock")

    async def run(self) -> None:
        """Measure until cancelled; return at once if the venue's time cannot be requested."""
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
        query = queries().time()
        fetch = query.fetch
        await asyncio.sleep(rest.counter.take(fetch.cost, asyncio.get_running_loop().time()))
        url = rest.endpoints[fetch.endpoint] + fetch.path
        requested_ns = self._clock.now_ns()
        body = await rest.http.call(fetch.method, url, fetch.headers, fetch.body)
        received_ns = self._clock.now_ns()
        try:
            venue_ns = query.read(body, received_ns)
        except UNREADABLE as error:
            raise RemoteProtocolError(f"no time could be read: {error}") from error
        self._keeper.answered(venue_ns, requested_ns, received_ns)

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
        self._publish(
            ClockOffset(
                venue=venue,
                offset_s=offset_s,
                uncertainty_s=uncertainty_s,
                received_ns=self._clock.now_ns(),
            )
        )
