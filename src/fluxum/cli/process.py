"""How a command becomes a process: one loop, a clean end, an exit code that means something.

0: done. 1: it failed, or something could not be proved. 2: what was asked makes no sense.
130: ended by Ctrl-C.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from fluxum.errors import BadInput, FluxumError

__all__ = ["exit_code", "run_async"]

R = TypeVar("R")


def run_async(main: Coroutine[Any, Any, R]) -> R:
    """Run a command's work on a loop of its own, the fast one where uvloop is installed."""
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def exit_code(command: Callable[[], Any]) -> int:
    """Run a command and turn how it ended into an exit code, telling errors on stderr."""
    logging.basicConfig(level=logging.CRITICAL, format="%(levelname)s %(name)s %(message)s")
    try:
        result = command()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        # The reader of our output left, as `head` does; say nothing more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BadInput as error:
        return _failed(2, error)
    except FluxumError as error:
        return _failed(1, error)
    return result if isinstance(result, int) else 0


def _failed(code: int, error: FluxumError) -> int:
    print(f"fluxum: {error}", file=sys.stderr)
    return code
