"""Background work that cannot outlive its block, and one error out of it, never a group.

The only place that starts tasks. `asyncio.TaskGroup` does the work. What it adds to errors is
removed again: a group, groups in groups, a cancellation that it caused itself. Work that mostly
ends without a wait is `begun` without a task.
"""

import asyncio
import types
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from fluxum.errors import BadInput

__all__ = ["Background", "background", "begun", "detached"]

R = TypeVar("R")


class Background:
    """The background work of one block; made by `background`."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._is_open = True

    def start(
        self, coroutine: Coroutine[object, object, R], *, name: str | None = None
    ) -> asyncio.Task[R]:
        """Run a coroutine until it ends or the block does; raises BadInput after the block.

        If it fails, so does the block.
        """
        if not self._is_open:
            coroutine.close()
            raise BadInput(f"nothing can be started after its block has ended, was {name!r}")
        return self._group.create_task(coroutine, name=name)

    def end(self) -> None:
        """Accept no more work; called when the block ends."""
        self._is_open = False


@asynccontextmanager
async def background(*coroutines: Coroutine[object, object, object]) -> AsyncGenerator[Background]:
    """Run coroutines for the length of the block; at its end they are cancelled and awaited.

    If one of them fails, the block is cancelled and the error is raised from the block. Only one
    error is raised: the block's own before the others', a cancellation from outside before errors
    that it caused. The others are in the notes of that error.
    """
    task = asyncio.current_task()
    assert task is not None, "background is used inside a task"
    cancels = task.cancelling()
    cancels_in_block = cancels
    own: BaseException | None = None
    others: list[BaseException] = []
    try:
        async with asyncio.TaskGroup() as group:
            work = Background(group)
            for coroutine in coroutines:
                work.start(coroutine)
            try:
                yield work
            except BaseException as error:  # noqa: BLE001 - raised below, whatever it is
                own = error
            work.end()
            cancels_in_block = task.cancelling()
            # Raised even after success: this makes the group cancel its tasks and wait.
            raise own or _BlockEnded
    except BaseExceptionGroup as errors:
        others = [error for error in _leaves(errors) if not isinstance(error, _BlockEnded)]
    is_cancelled = task.cancelling() > cancels
    if own is not None and not isinstance(own, asyncio.CancelledError):
        # If a cancellation comes while the block's tasks are awaited, the group forgets it.
        is_late = is_cancelled and cancels_in_block == cancels
        _raise(_cancelled_by(own) if is_late else _leaves(own)[0], others)
    elif is_cancelled:
        _raise(own or asyncio.CancelledError(), others)
    elif others:
        _raise(others[0], others)


class _BlockEnded(Exception):
    """The block has reached its end."""


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    inner = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return [leaf for one in inner for leaf in _leaves(one)]


def _cancelled_by(own: BaseException) -> asyncio.CancelledError:
    cancelled = asyncio.CancelledError()
    cancelled.__cause__ = own
    return cancelled


def _raise(one: BaseException, others: list[BaseException]) -> None:
    for other in others:
        if other is not one and other is not one.__cause__:
            one.add_note(f"meanwhile, in the background: {other!r}")
    context = one.__context__
    try:
        raise one
    finally:
        # Otherwise it would look as if it came from handling the cancellation of the block.
        one.__context__ = context


def detached(work: Coroutine[object, object, R], *, name: str) -> asyncio.Task[R]:
    """A task outside any group, for a resource opened in one task and closed in another.

    The caller keeps the task and finally awaits it.
    """
    return asyncio.create_task(work, name=name)


def begun(work: Coroutine[object, None, None]) -> Awaitable[None] | None:
    """Run a coroutine up to its first wait; returns the rest to be awaited, `None` if it has ended.

    Most sends end without a wait: then there is no task to wake and no pass of the event loop.
    Python 3.12 has eager tasks for this. The first part runs in the caller's task, so it must not
    ask which task that is: no `asyncio.timeout` before the first wait. Raises what the coroutine
    raises.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    return _rest(work, awaited)


@types.coroutine
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
