"""All that reaches a live engine, in one order: data, fills, orders, answers and wake-ups."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self

from fluxum.bot.strategy import BotEvent, Steering
from fluxum.errors import TransportError
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import Event
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
)
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.orders.order import Order
from fluxum.trader import Trader

__all__ = ["Arrival", "Intake", "in_order"]

_CAPACITY = 1_000_000
_OF_ACCOUNT = frozenset(
    {
        Accepted,
        Balance,
        Balances,
        Declined,
        Fill,
        LedgerEntry,
        OpenOrders,
        OpenPositions,
        OrderFragment,
        OrderUpdate,
        PositionUpdate,
        TradingCount,
    }
)
Arrival = tuple[str, Event | BotEvent | Steering | Order]
"""What arrived, and at which venue; empty for what the run itself put in."""


class Intake:
    """The pipes of several traders, and what the run itself puts in; cancel it with its block.

    A reader that is too slow would work with wrong books, so then it fails instead.
    """

    def __init__(self, traders: Mapping[str, Trader]) -> None:
        self._own: Pipe[BotEvent | Steering] = Pipe(capacity=_CAPACITY, overflow=Overflow.RAISE)
        self._pipes: list[tuple[str, Pipe[Any]]] = [("", self._own)]
        self._accounts: set[int] = set()  # pipes of which fills alone are taken
        for venue, trader in traders.items():
            data = trader.session.events(_is_data, capacity=_CAPACITY, overflow=Overflow.RAISE)
            self._accounts.add(len(self._pipes))
            self._pipes += [
                (venue, trader.orders.account_events()),
                (venue, data),
                (venue, trader.orders.updates()),
            ]
        self._armed: set[int] = set()
        self._arrival: asyncio.Future[None] | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._is_woken = False

    def put(self, event: BotEvent | Steering) -> None:
        """Let an event of the run itself reach the engine."""
        self._own.put(event)

    def wake_in(self, delay_s: float) -> None:
        """Let the wait end after so many seconds at the latest; replaces what was set before."""
        if self._wake is not None:
            self._wake.cancel()
        loop = asyncio.get_running_loop()
        self._wake = loop.call_later(max(delay_s, 0.0), self._woken)

    async def wait(self) -> Iterable[Arrival]:
        """All that has arrived, in the order of its receipt; nothing if it was woken.

        Raises the error of a pipe that failed, and TransportError if a session has ended.
        """
        while True:
            found = self._drain()  # may be nothing, if all was of no interest
            if found:
                return found
            if self._is_woken:
                self._is_woken = False
                return ()
            self._arrival = asyncio.get_running_loop().create_future()
            self._arm()
            try:
                await self._arrival
            finally:
                self._arrival = None

    def fills(self) -> list[tuple[str, Fill]]:
        """The fills that have arrived and were not waited for; nothing else is left of them."""
        return [
            (venue, item)
            for at, (venue, pipe) in enumerate(self._pipes)
            if at in self._accounts
            for item in pipe.drain()
            if isinstance(item, Fill)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._wake is not None:
            self._wake.cancel()
        for _, pipe in self._pipes:
            pipe.cancel()

    # Pieces

    def _drain(self) -> list[Arrival]:
        found: list[Arrival] = []
        instants: list[int] = []
        for at, (venue, pipe) in enumerate(self._pipes):
            if pipe.waiting:
                items = pipe.drain()
                if at in self._accounts:
                    items = [one for one in items if isinstance(one, Fill)]
                found += [(venue, item) for item in items]
                instants += in_order(items)
            elif pipe.is_closed:
                raise pipe.error or TransportError(f"the session of {venue} has ended")
        if instants != sorted(instants):
            order = sorted(range(len(found)), key=instants.__getitem__)
            return [found[at] for at in order]
        return found

    def _arm(self) -> None:
        for at, (_, pipe) in enumerate(self._pipes):
            if at not in self._armed:
                self._armed.add(at)
                pipe.call_when_ready(partial(self._ring, at))

    def _ring(self, at: int) -> None:
        self._armed.discard(at)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _woken(self) -> None:
        self._is_woken = True
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


def _is_data(event: Event) -> bool:
    return type(event) not in _OF_ACCOUNT


def in_order(items: Iterable[Event | BotEvent | Steering | Order]) -> Iterator[int]:
    """When each item of a pipe was received, but none before the one in front of it.

    An update that was kept until its book's snapshot came was received before that, and follows it.
    What the desk has learned of orders comes after what it was learned from.
    """
    last_ns = 0
    for item in items:
        last_ns = max(last_ns, getattr(item, "received_ns", None) or 1 << 63)
        yield last_ns
