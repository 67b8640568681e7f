"""An event loop whose time jumps: waiting costs nothing, and waiting for nothing is an error.

`SimulatedLoop` is an ordinary selector loop over a selector that never sleeps. When nothing is
ready, it moves the loop's time to the next timer. If there is no timer either, no task can ever
wake up again, and the loop raises `Deadlock`. Code under test uses `asyncio.sleep` and
`asyncio.timeout` as usual. Work in threads (`asyncio.to_thread`) takes no virtual time: while any
is running, the loop waits for it in real time.
"""

import asyncio
import gc
import threading
from asyncio import AbstractEventLoop, SelectorEventLoop
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from selectors import BaseSelector, SelectorKey
from typing import Any, TypeVar, TypeVarTuple

from fluxum.errors import FluxumError

__all__ = ["Deadlock", "LeftBehind", "SimulatedClock", "SimulatedLoop", "run"]

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_THREADS_TIMEOUT_S = 30.0


class Deadlock(FluxumError, AssertionError):
    """Nothing is ready and no timer is set: every task waits for another."""


class LeftBehind(FluxumError, AssertionError):
    """Tasks were left after the main coroutine, or failed unnoticed; the message names them."""


class SimulatedLoop(SelectorEventLoop):
    """An event loop in virtual time that starts at zero. It has no sockets and never sleeps."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._woken = threading.Event()
        self._threads = 0
        super().__init__(_Jump(self._wait))
        # Timers due within this are run together: a nanosecond keeps them apart.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.now_ns / 1e9

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*_Ts], _T],
        *args: *_Ts,
    ) -> asyncio.Future[_T]:
        """Run a function in a thread; time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._threads -= 1

    def _wait(self, timeout_s: float | None) -> None:
        if timeout_s == 0:
            return
        if self._threads:
            # Another thread will call back: this is the only real wait.
            if not self._woken.wait(_THREADS_TIMEOUT_S):
                raise Deadlock(f"a thread has not ended within {_THREADS_TIMEOUT_S} s")
            self._woken.clear()
        elif timeout_s is None:
            raise Deadlock(f"everybody waits and no timer is set: {_names(_waiting(self))}")
        else:
            # At least one: for a timer a part of a nanosecond ahead, time must still move.
            self.now_ns += max(1, round(timeout_s * 1e9))

    # A loop wakes itself through a pair of sockets; here an event does, so that none are opened.

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        self._woken.set()


class SimulatedClock:
    """Wall time that follows a loop's virtual time, nanosecond by nanosecond."""

    def __init__(self, loop: SimulatedLoop | None = None, start_ns: int = START_NS) -> None:
        running = loop if loop is not None else asyncio.get_running_loop()
        assert isinstance(running, SimulatedLoop), "a simulated clock needs a simulated loop"
        self._loop = running
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, UTC: the start plus the loop's virtual time."""
        return self._start_ns + self._loop.now_ns


def run(main: Coroutine[Any, Any, _T], loop: SimulatedLoop | None = None) -> _T:
    """Run a coroutine to its end in virtual time, on a new loop unless one is given.

    Raises what the coroutine raises, and LeftBehind if it leaves tasks behind or a task failed
    unnoticed. The loop is closed afterwards.
    """
    loop = SimulatedLoop() if loop is None else loop
    unheard: list[str] = []
    loop.set_exception_handler(lambda _loop, context: unheard.append(_story(context)))
    try:
        result = loop.run_until_complete(main)
        left = _waiting(loop)
        gc.collect()  # a failed task that was not awaited is reported when it is collected
    finally:
        _clear(loop)
        loop.close()
    if left or unheard:
        raise LeftBehind("; ".join([*unheard, f"tasks left behind: {_names(left)}"]))
    return result


def _clear(loop: SimulatedLoop) -> None:
    """Cancel the tasks that are left; a task that does not end is abandoned with the loop."""
    left = _waiting(loop)
    for task in left:
        task.cancel()
    try:
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    except Deadlock:
        pass


def _waiting(loop: AbstractEventLoop) -> list["asyncio.Task[Any]"]:
    """Tasks that are not done, by name, so that their order does not depend on memory."""
    return sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())


def _names(tasks: list["asyncio.Task[Any]"]) -> str:
    return ", ".join(f"{task.get_name()} ({_place(task)})" for task in tasks) or "none"


def _place(task: "asyncio.Task[Any]") -> str:
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", repr(coroutine))


def _story(context: Mapping[str, Any]) -> str:
    error = context.get("exception")
    return str(context.get("message")) + (f": {error!r}" if error is not None else "")


class _Jump(BaseSelector):
    """Watches nothing; `select` moves time instead of waiting."""

    def __init__(self, wait: Callable[[float | None], None]) -> None:
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self._wait(timeout)
        return []

    def register(self, fileobj: object, events: int, data: object = None) -> SelectorKey:  # noqa: ARG002
        raise AssertionError(f"a simulated loop has no sockets, was asked to watch {fileobj!r}")

    def unregister(self, fileobj: object) -> SelectorKey:
        raise KeyError(fileobj)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        return {}
