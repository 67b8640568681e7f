"""Running coroutines in tests, without a clock."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

R = TypeVar("R")


def run(coroutine: Coroutine[object, object, R]) -> R:
    """Run a coroutine to its end; whatever it left behind is a failure."""

    async def main() -> R:
        try:
            return await coroutine
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"left behind: {left}"

    return asyncio.run(main())


async def settle() -> None:
    """Give every other task as many turns as it needs."""
    for _ in range(20):
        await asyncio.sleep(0)
