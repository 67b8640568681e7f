"""A coroutine that runs at once up to its first wait, and the rest of it for another task.

Most sends end without a wait: then there is no task to wake and no pass of the event loop. Python
3.12 has eager tasks for this. The first part runs in the caller's task, so it must not ask which
task that is: no `asyncio.timeout` before the first wait.
"""

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine

__all__ = ["begun"]


def begun(work: Coroutine[object, None, None]) -> Awaitable[None] | None:
    """Run a coroutine up to its first wait; returns the rest to be awaited, `None` if it has ended.

    Raises what the coroutine raises.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    return _rest(work, awaited)


@coroutine
def _rest(work: Coroutine[object, None, None], awaited: object) -> Generator[object, None, None]:
    """Pass on what the coroutine waits for, and to it what comes of that (PEP 380)."""
    while True:
        failure: BaseException | None = None
        try:
            yield awaited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation is for the coroutine as well
            failure = error
        try:
            awaited = work.send(None) if failure is None else work.throw(failure)
        except StopIteration:
            return
