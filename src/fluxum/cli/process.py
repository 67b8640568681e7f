"""How a command becomes a process: one loop, a clean end, an exit code that means something.

0: done. 1: it failed, or something could not be proved. 2: what was asked makes no sense.
130: ended by Ctrl-C.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from fluxum.errors import BadInput, FluxumError, TapeError

__all__ = ["exit_code", "run_async"]

R = TypeVar("R")


def run_async(main: Coroutine[Any, Any, R]) -> R:
    """Run a command's work on a loop of its own, the fast one where uvloop is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def exit_code(command: Callable[[], object]) -> int:
    """Run the command line and turn our errors into an exit code, telling them on stderr.

    Usage errors, Ctrl-C and a reader of our output that left end the process inside already.
    """
    # A shell that runs a script has its background commands ignore SIGINT; whoever sends one to us
    # means it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(level=logging.CRITICAL, format="%(levelname)s %(name)s %(message)s")
    try:
        command()
    except (BadInput, TapeError) as error:
        return _failed(2, error)
    except (FluxumError, OSError) as error:
        return _failed(1, error)
    return 0


def _failed(code: int, error: Exception) -> int:
    sys.stderr.write(f"fluxum: {error}\n")
    return code
