"""Reads an account's stream: what is about orders in the step that publishes it, the rest after it.

The caller of an order waits for its answer. If a task had to be woken first, the answer would wait
for all frames that were received with it, and for a pass of the event loop. What an answer leads to
beside that waits for the task, so that the caller goes on before it.
"""

import asyncio
from collections.abc import Callable, Sequence

from fluxum.flow.pipe import Pipe
from fluxum.model.account import Fill
from fluxum.model.event import Event
from fluxum.model.order import Accepted, Declined, OrderUpdate, TradingCount

__all__ = ["Arrivals"]

_AT_ONCE = frozenset({Accepted, Declined, Fill, OrderUpdate, TradingCount})
"""Events that can be taken within a step of the session: nothing else of it matters for them."""


class Arrivals:
    """Hands every event of a pipe to `take`, in order. `run` is to be called once.

    `take` returns whether something is left to be done; `settle` does that, in the task.
    """

    def __init__(
        self,
        events: Pipe[Event],
        take: Callable[[Event], bool],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._events = events
        self._take = take
        self._settle = settle
        self._left: Sequence[Event] = ()  # taken from the pipe, and not to be taken at once
        self._arrival: asyncio.Future[None] | None = None
        self._is_armed = False
        self._error: Exception | None = None

    async def run(self) -> None:
        """Until the stream ends; raises the error that it ends with, and what `take` raises."""
        loop, events = asyncio.get_running_loop(), self._events
        with events:
            while events.waiting or not events.is_closed:
                self._arrival = loop.create_future()
                self._arm()
                await self._arrival
                if self._error is not None:
                    raise self._error
                left, self._left = self._left, ()
                for event in left:
                    self._take(event)
                self._settle()
            if events.error is not None:
                raise events.error

    def _arrived(self) -> None:
        """Take what can be taken at once; wake `run` for the rest, for an error and for the end."""
        arrival, events = self._arrival, self._events
        self._is_armed = False
        if arrival is None or arrival.cancelled():
            return
        batch, is_left = events.drain(), False
        for number, event in enumerate(batch):
            if type(event) not in _AT_ONCE:
                self._left = batch[number:]
                break
            try:
                is_left = self._take(event)
            except Exception as error:  # noqa: BLE001 - it is of the desk, not of the session
                self._error = error
                break
        else:
            if not events.is_closed:
                self._arm()
                if not is_left:
                    return
        if not arrival.done():
            arrival.set_result(None)

    def _arm(self) -> None:
        if not self._is_armed:
            self._is_armed = True
            self._events.call_when_ready(self._arrived)
