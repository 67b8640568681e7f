"""One thread of a plain callback: its calls run there in order, and it can be abandoned.

The threads of `concurrent.futures` are joined when the interpreter exits, so a call that never
ends would keep the process alive. This thread is a daemon.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

__all__ = ["Worker"]

P = ParamSpec("P")
T = TypeVar("T")


class Worker(Executor):
    """Runs calls one after the other in one daemon thread.

    The thread starts with the first call, and again with the first after `rest`. The caller awaits
    each call before the next, so at most one waits.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: Future[Any] | None = None

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run a call; its result or error is in the future."""
        future: Future[T] = Future()
        self._last = future
        self._calls.put(partial(_run, future, partial(function, *args, **kwargs)))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """End the thread after the calls that were submitted; never waits for it."""
        self._calls.put(None)

    def rest(self) -> None:
        """End the thread, unless a call is still running in it: then the thread is kept."""
        if self._thread is not None and (self._last is None or self._last.done()):
            self.shutdown()
            self._thread = None

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _run(future: "Future[T]", call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        future.set_exception(error)
    else:
        future.set_result(result)
