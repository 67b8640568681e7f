"""What bad callbacks cost good ones: the time from an item's arrival to a good callback's call.

Six bad ones raise, block for a second, never end, unregister themselves and register another; the
same number of the same kinds that do nothing is the measure. Rounds of both alternate, as the
machine is never equally fast.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fluxum.client.callbacks import Callbacks
from fluxum.client.events import ClientEvent

ROUNDS = 6
ROUND_S = 4.0
PAUSE_S = 0.002
TRADE = ClientEvent.TRADE


def raising(_items: list[float]) -> None:
    raise ValueError


async def raising_too(_items: list[float]) -> None:
    raise ValueError


def blocking(_items: list[float]) -> None:
    time.sleep(1.0)


def endless(_items: list[float]) -> None:
    threading.Event().wait(ROUND_S + 5)


async def endless_too(_items: list[float]) -> None:
    await asyncio.get_running_loop().create_future()


BAD: list[Callable[..., Any]] = [raising, raising_too, blocking, endless, endless_too]


def idle(_items: list[float], _number: int = 0) -> None:
    pass


def harmless() -> list[Callable[..., Any]]:
    """As many callbacks of the same kinds, which do nothing."""

    async def nothing(_items: list[float], _number: int = 0) -> None:
        pass

    return [
        *(partial(idle, _number=number) for number in range(3)),
        *(partial(nothing, _number=number) for number in range(3)),
    ]


async def round_of(*, is_bad: bool) -> list[float]:
    """The delays of a good callback beside six bad ones, or six that do nothing; in seconds."""
    delays: list[float] = []

    async def good(items: list[float]) -> None:
        now_s = time.perf_counter()
        delays.extend(now_s - one for one in items)

    callbacks = Callbacks(lambda _event, items: items, 1.0)
    callbacks.register(TRADE, good)
    callbacks.register(ClientEvent.ERROR, repr)

    async def itself(_items: list[float]) -> None:
        callbacks.unregister(TRADE, itself)
        callbacks.register(TRADE, another)

    async def another(_items: list[float]) -> None:
        pass

    for function in (*BAD, itself) if is_bad else harmless():
        callbacks.register(TRADE, function)
    callbacks.open()
    end_s = time.perf_counter() + ROUND_S
    while time.perf_counter() < end_s:
        callbacks.put(TRADE, time.perf_counter())
        await asyncio.sleep(PAUSE_S)
    await callbacks.close()
    return delays


def share(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)] * 1e6


def main() -> None:
    """Print the delays with and without bad callbacks, in microseconds."""
    delays: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS):
        is_bad = number % 2 == 1
        delays[is_bad] += asyncio.run(round_of(is_bad=is_bad))
    for is_bad, values in delays.items():
        words = "beside six bad callbacks" if is_bad else "beside six that do nothing"
        print(
            f"{words}: {len(values):,} items, p50 {share(values, 0.5):.0f} us, "
            f"p99 {share(values, 0.99):.0f} us, p99.9 {share(values, 0.999):.0f} us"
        )


if __name__ == "__main__":
    main()
