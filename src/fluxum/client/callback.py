"""One registered callback: its own pipe, its own task, and for a plain function its own thread.

An item is put into the pipe of each callback of its event and never waits there for another
callback. One task for each callback takes what waits and makes the call:

- an async function runs in the client's loop; a step of it that blocks blocks the loop;
- a plain function runs in a thread of its own, so that it may block. Its calls never overlap.

A callback that raises is counted and reported, and called again with the next items. One that runs
for longer than `slow_s` seconds is reported at that moment, and again each time that has doubled.
Meanwhile its items wait, conflated or dropped by the rule of its event, and counted.
"""

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from fluxum.client.events import ClientEvent, Delivery, delivery_of
from fluxum.client.worker import Worker
from fluxum.errors import CallbackFailed, CallbackTooSlow, FluxumError
from fluxum.flow.pipe import Pipe, PipeStatistics

__all__ = ["Callback", "CallbackStatistics", "Function"]

Function = Callable[..., object]
"""A callback: plain or async; what it returns is ignored, unless it is awaitable."""
_ASYNC_METHOD = "__call__"


class CallbackStatistics(Struct, frozen=True, kw_only=True):
    """What became of one callback's items and calls.

    `calls` = returned + `failed` + `cancelled` + 1 if it runs now. `slow` counts reports of a call
    that took too long; `running_s` is for how long the present call runs, `None` if none does.
    """

    event: str
    callback: str
    calls: int
    failed: int
    cancelled: int
    slow: int
    running_s: float | None
    items: PipeStatistics

    @property
    def returned(self) -> int:
        """Calls that ended without an error."""
        is_running = self.running_s is not None
        return self.calls - self.failed - self.cancelled - is_running


class _Missed(Struct, frozen=True):
    """So many items were dropped at this place."""

    count: int


class Callback:
    """One function that is registered for one event.

    `prepare` makes what the function is given of the items, at the last moment. `report` is given
    each error. Everything but the plain function runs in the client's loop.
    """

    def __init__(
        self,
        event: ClientEvent,
        function: Function,
        *,
        prepare: Callable[[list[Any]], list[Any]],
        report: Callable[["Callback", FluxumError], None],
        slow_s: float,
    ) -> None:
        self.event = event
        self.function = function
        self.name = str(getattr(function, "__qualname__", repr(function)))
        self.is_idle = False
        self._delivery: Delivery = delivery_of(event)
        self._prepare = prepare
        self._report = report
        self._slow_s = slow_s
        self._pipe: Pipe[Any] = Pipe(
            capacity=self._delivery.capacity,
            overflow=self._delivery.overflow,
            key=self._delivery.key,
            notice=_Missed,
        )
        self._worker = None if _is_async(function) else Worker(f"fluxum {event.value} callback")
        self._is_ending = False
        self._calls = self._failed = self._cancelled = self._slow = 0
        self._begun_s: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def put(self, item: object) -> None:
        """Offer an item; never waits."""
        self._pipe.put(item)

    async def run(self) -> None:
        """Make the calls, until `end` and no item waits."""
        self._is_ending = False
        while self._pipe.waiting or not (self._is_ending or self._pipe.is_closed):
            self.is_idle = True
            has_items = await self._pipe.wait()
            self.is_idle = False
            if has_items:
                for arguments in self._delivery.arguments(self._take()):
                    await self._call(arguments)

    def end(self) -> bool:
        """Let `run` return once no item waits; returns whether it can be cancelled at once."""
        self._is_ending = True
        return self.is_idle and not self._pipe.waiting

    def rest(self) -> None:
        """No call is made for now: end the thread, unless it is abandoned in a call."""
        if self._worker is not None:
            self._worker.rest()

    def retire(self) -> None:
        """The function was unregistered: items that wait are dropped, a running call goes on."""
        self._pipe.cancel()
        if self._worker is not None:
            self._worker.shutdown()

    def statistics(self) -> CallbackStatistics:
        """The counts so far."""
        begun_s = self._begun_s
        return CallbackStatistics(
            event=self.event.value,
            callback=self.name,
            calls=self._calls,
            failed=self._failed,
            cancelled=self._cancelled,
            slow=self._slow,
            running_s=None if begun_s is None else _now_s() - begun_s,
            items=self._pipe.statistics(),
        )

    # Pieces

    def _take(self) -> list[Any]:
        items: list[Any] = []
        for item in self._pipe.drain():
            if isinstance(item, _Missed):
                self._tell_slow(f"{item.count} items were dropped, as it was too slow")
            else:
                items.append(item)
        return self._prepare(items) if items else items

    async def _call(self, arguments: tuple[Any, ...]) -> None:
        """One call; raises only a cancellation of the task itself."""
        self._calls += 1
        self._begun_s = _now_s()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._slow_s, self._overdue, self._slow_s)
        try:
            await self._run_function(arguments)
        except asyncio.CancelledError:
            self._cancelled += 1
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - reported; it ends no program
            self._failed += 1
            failure = CallbackFailed(
                f"{self._subject} raised {error!r}", self.event.value, self.name
            )
            failure.__cause__ = error
            self._report(self, failure)
        finally:
            self._end_call()

    async def _run_function(self, arguments: tuple[Any, ...]) -> None:
        if self._worker is None:
            result = self.function(*arguments)
        else:
            call = partial(self.function, *arguments)
            result = await asyncio.get_running_loop().run_in_executor(self._worker, call)
        if inspect.isawaitable(result):
            await result

    def _overdue(self, after_s: float) -> None:
        """The present call has been running for so long."""
        items = self._pipe.statistics()
        self._tell_slow(
            f"it has been running for {after_s:g} s; {items.waiting} items wait for it, "
            f"{items.conflated} were replaced by newer ones, {items.dropped} dropped"
        )
        self._watch = asyncio.get_running_loop().call_later(after_s, self._overdue, 2 * after_s)

    def _end_call(self) -> None:
        """The present call has ended; it is reported if it blocked the loop for too long."""
        assert self._watch is not None
        assert self._begun_s is not None
        took_s = _now_s() - self._begun_s
        if self._watch.when() <= _now_s():  # the loop was blocked, so the timer has not fired
            self._tell_slow(f"it blocked the event loop for {took_s:.1f} s; a plain function may")
        self._watch.cancel()
        self._begun_s = None

    def _tell_slow(self, what: str) -> None:
        self._slow += 1
        self._report(self, CallbackTooSlow(f"{self._subject}: {what}", self.event.value, self.name))

    @property
    def _subject(self) -> str:
        return f"the callback {self.name} of {self.event.value!r}"


def _is_async(function: Function) -> bool:
    method = getattr(function, _ASYNC_METHOD, None)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(method)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
