"""Calls into an event loop from other threads, and a loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from fluxum.errors import BadInput

__all__ = ["LoopThread", "answer_in", "running_loop"]

R = TypeVar("R")
_ANSWER_S = 10.0
_JOIN_S = 10.0
_CANCEL_S = 5.0


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread; `None` if none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def answer_in(loop: asyncio.AbstractEventLoop | None, function: Callable[[], R]) -> R:
    """A function's result, computed in a loop, whatever the caller's thread is.

    Without a loop it is computed at once. Raises what the function raises, and TimeoutError if the
    loop is blocked for ten seconds.
    """
    if loop is None or loop.is_closed() or running_loop() is loop:
        return function()
    future: Future[R] = Future()
    loop.call_soon_threadsafe(_fulfil, future, function)
    return future.result(_ANSWER_S)


def _fulfil(future: "Future[R]", function: Callable[[], R]) -> None:
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - raised in the thread that called
        future.set_exception(error)
    else:
        future.set_result(result)


class LoopThread:
    """An event loop in a daemon thread, which starts with the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the thread has been started and not ended."""
        return self._thread is not None

    def call(self, coroutine: Coroutine[Any, Any, R], timeout_s: float | None = None) -> R:
        """Run a coroutine in the loop and wait for its end; raises what it raises.

        If the wait is interrupted, as by Ctrl-C, the coroutine is cancelled.
        """
        loop = self._started()
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise BadInput(
                "an async callback may not wait for its own loop: register a plain function"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    def end(self) -> None:
        """End the loop and the thread; both start again with the next call.

        What still runs in the loop is cancelled.
        """
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_JOIN_S)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="fluxum client", daemon=True
                )
                self._thread.start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_rest())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _cancel_rest() -> None:
    """Cancel what still runs, such as a call whose caller was interrupted, and wait for its end."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_CANCEL_S)
