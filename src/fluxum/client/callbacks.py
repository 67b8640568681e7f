"""All callbacks of a client: registered and unregistered at any time, each run by itself."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from fluxum.client.callback import Callback, CallbackStatistics, Function
from fluxum.client.events import ClientEvent
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import detached

__all__ = ["Callbacks"]

_log = logging.getLogger(__name__)
_COUNT_MAX = 200
_GOODBYE_S = 1.0


class Callbacks:
    """The callbacks of one client; used from its loop only, or before it has one.

    `prepare` makes what the callbacks of an event are given of its items. `slow_s` is for how long
    a call may run before it is reported. At most 200 callbacks are kept, those that were
    unregistered and still run among them, as each may have a thread.
    """

    def __init__(
        self, prepare: Callable[[ClientEvent, list[Any]], list[Any]], slow_s: float
    ) -> None:
        if slow_s <= 0:
            raise BadInput(f"slow_s: a number of seconds above zero was expected, was {slow_s}")
        self.errors = 0
        """Errors reported so far, to callbacks or to the log."""
        self._prepare = prepare
        self._slow_s = slow_s
        self._registered: dict[ClientEvent, tuple[Callback, ...]] = {}
        self._tasks: dict[Callback, asyncio.Task[None]] = {}
        self._is_open = False

    # Registration

    def register(self, event: ClientEvent, function: Function) -> None:
        """Call a function for an event from now on; it is registered once. Raises BadInput."""
        if not callable(function):
            raise BadInput(f"a function was expected, was {function!r}")
        if self._find(event, function) is not None:
            return
        held = sum(map(len, self._registered.values()))
        if max(held, len(self._tasks)) >= _COUNT_MAX:
            raise BadInput(f"at most {_COUNT_MAX} callbacks were expected, was one more")
        callback = Callback(
            event,
            function,
            prepare=lambda items: self._prepare(event, items),
            report=self._report,
            slow_s=self._slow_s,
        )
        self._registered[event] = (*self._registered.get(event, ()), callback)
        if self._is_open:
            self._start(callback)

    def unregister(self, event: ClientEvent, function: Function) -> bool:
        """Call a function no more; returns whether it was registered. A running call goes on."""
        callback = self._find(event, function)
        if callback is None:
            return False
        self._registered[event] = tuple(
            one for one in self._registered[event] if one is not callback
        )
        callback.retire()
        return True

    def _find(self, event: ClientEvent, function: Function) -> Callback | None:
        held = self._registered.get(event, ())
        return next((one for one in held if one.function == function), None)

    # Items

    def are_for(self, event: ClientEvent) -> bool:
        """Whether a callback is registered for an event; if not, items need not be made."""
        return bool(self._registered.get(event))

    def put(self, event: ClientEvent, item: object = None) -> None:
        """Offer an item to every callback of an event; never waits."""
        for callback in self._registered.get(event, ()):
            callback.put(item)

    def report(self, error: Exception) -> None:
        """Report an error to the callbacks of `error`; it is logged if there is none."""
        self.errors += 1
        if not self.are_for(ClientEvent.ERROR):
            _log.error("%s", error)
        self.put(ClientEvent.ERROR, error)

    # Running

    def open(self) -> None:
        """Run every callback from now on, in the running loop."""
        self._is_open = True
        for callbacks in self._registered.values():
            for callback in callbacks:
                self._start(callback)

    async def close(self) -> None:
        """Let every callback receive what waits, for at most a second; then cancel the rest.

        The callback that called this is not waited for.
        """
        self._is_open = False
        for callback, task in self._tasks.items():
            if callback.end():
                task.cancel()
        own = asyncio.current_task()
        tasks = {task for task in self._tasks.values() if task is not own}
        late = await _finish(tasks)
        for task in late:
            task.cancel()
        for task in await _finish(late):
            _log.error("a callback does not end and is abandoned: %s", task.get_name())
        for callbacks in self._registered.values():
            for callback in callbacks:
                callback.rest()

    def statistics(self) -> tuple[CallbackStatistics, ...]:
        """The counts of each callback that is registered."""
        return tuple(
            one.statistics() for callbacks in self._registered.values() for one in callbacks
        )

    # Pieces

    def _start(self, callback: Callback) -> None:
        name = f"callback {callback.name} of {callback.event.value}"
        if callback not in self._tasks:  # else a call of before the last `close` is still running
            self._tasks[callback] = task = detached(callback.run(), name=name)
            task.add_done_callback(lambda _: self._ended(callback))

    def _ended(self, callback: Callback) -> None:
        del self._tasks[callback]
        if self._is_open and self._find(callback.event, callback.function) is callback:
            self._start(callback)

    def _report(self, callback: Callback, error: FluxumError) -> None:
        """Report an error of a callback; one of `error` itself is only counted and logged."""
        if callback.event is ClientEvent.ERROR:
            self.errors += 1
            _log.error("%s", error)
        else:
            self.report(error)


async def _finish(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait for tasks, at most `_GOODBYE_S` seconds; returns those that are left."""
    if not tasks:
        return tasks
    _, late = await asyncio.wait(tasks, timeout=_GOODBYE_S)
    return late
