"""How a command becomes a process: one loop, a clean end, exit codes with a meaning.

0: done. 1: it failed, data was lost, or something could not be proved. 2: the arguments make no
sense. 130: ended by Ctrl-C. 143: ended by SIGTERM, as services are. 129: its terminal was closed.

The first such signal ends a command cleanly, the same way for each: its work is cancelled, tapes
are flushed, sessions and desks are closed. A second signal ends the process at once. `timeout` and
a terminal's Ctrl-C reach a process group and its leader, so one act can arrive twice: a signal
within a quarter of a second of the first does not count as the second.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any, NoReturn, TypeVar

from fluxum.clock import monotonic_s
from fluxum.errors import BadInput, FluxumError, RunFilesError, TapeError

__all__ = ["Ended", "Signals", "exit_code", "run_async"]

_ONE_ACT_S = 0.25

R = TypeVar("R")


class Ended(KeyboardInterrupt):
    """A signal ended the command."""


class Signals:
    """The signals that end a process: which has arrived, and what it ends.

    Work outside a loop is ended by `Ended`, raised where it is. Work on a loop is cancelled.
    After that nothing is interrupted: the command is ending, and has to close its files.
    """

    def __init__(self) -> None:
        self.number = 0
        """The signal that ends the command; 0 if there is none."""
        self._since_s = 0.0
        self._end: Callable[[], object] = self._raise

    @property
    def status(self) -> int:
        """The exit status of a process that this signal has ended."""
        return 128 + self.number

    @contextmanager
    def taken(self) -> Generator[None]:
        """Handle the signals for the length of a block, in the main thread.

        A shell that runs a script makes its background commands ignore SIGINT. A process that sends
        one does want the command to end, so it is handled. Only what `nohup` ignores stays ignored.
        """
        self.number = 0
        self._end = self._raise
        before: dict[int, Any] = {}
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # not every system has all
            if number is None:
                continue
            if name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, self.take)
        try:
            yield
        finally:
            self.wait()
            for number, handler in before.items():
                signal.signal(number, handler)
            self.number = 0

    def take(self, number: int, _frame: FrameType | None) -> None:
        """End what is running; a second signal ends the process."""
        now_s = monotonic_s()
        if not self.number:
            self.number, self._since_s = number, now_s
            self._end()
        elif now_s - self._since_s > _ONE_ACT_S:
            os._exit(128 + number)

    def wait(self) -> None:
        """From now on only record signals."""
        self._end = lambda: None

    async def ending(self, main: Coroutine[Any, Any, R]) -> R:
        """Do the work of a command; a signal cancels it."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        # Only through the loop: a signal must wake it where it waits for its sockets.
        self._end = lambda: loop.call_soon_threadsafe(task.cancel)
        if self.number:  # it came while the loop was made
            main.close()
            raise asyncio.CancelledError
        try:
            return await main
        finally:
            self.wait()

    def _raise(self) -> NoReturn:
        raise Ended(signal.Signals(self.number).name)


_signals = Signals()


def run_async(
    main: Coroutine[Any, Any, R],
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> R:
    """Run a command's work on its own loop: that of `factory`, else uvloop's if it is installed.

    Raises Ended if a signal ended it, whatever else was raised.
    """
    if factory is None and find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    _signals.wait()  # a loop that is half made must not be interrupted
    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            result = runner.run(_signals.ending(main))
        except asyncio.CancelledError:
            if not _signals.number:
                raise
        except FluxumError as error:
            if not _signals.number:
                raise
            _report(error)
        else:
            if not _signals.number:
                return result
    raise Ended(signal.Signals(_signals.number).name)


def exit_code(command: Callable[[], object]) -> int:
    """Run the command line, turn our errors into an exit code, and report them on stderr.

    Usage errors and a lost reader of stdout end the process inside.
    """
    logging.basicConfig(level=logging.CRITICAL, format="%(levelname)s %(name)s %(message)s")
    with _signals.taken():
        try:
            command()
        except (BadInput, RunFilesError, TapeError) as error:
            _report(error)
            return 2
        except (FluxumError, OSError) as error:
            _report(error)
            return 1
        except (SystemExit, KeyboardInterrupt):
            if not _signals.number:
                raise
            return _signals.status
        return 0


def _report(error: Exception) -> None:
    sys.stderr.write(f"fluxum: {error}\n")
