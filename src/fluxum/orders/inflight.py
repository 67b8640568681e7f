"""Commands on their way: which orders they are about, and what their answers come to."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OrderRequest,
    OrderStatus,
    Place,
    PlaceBatch,
)
from fluxum.orders.order import TrackedOrder

__all__ = ["CommandCounts", "CommandsInFlight", "InFlight"]

_REMEMBERED_MAX = 10_000


class CommandCounts(Struct):
    """What became of commands: sent = accepted + declined + lost + still waiting.

    One counts as declined when any of its orders was; `lost` ones were never answered to the end.
    """

    sent: int = 0
    accepted: int = 0
    declined: int = 0
    lost: int = 0


class InFlight:
    """A command that was sent, and what was answered so far.

    `settle_ns` is from when on it can no longer arrive. `done` is resolved when there is nothing
    more to wait for.
    """

    __slots__ = (
        "accepted",
        "becomes",
        "command",
        "command_id",
        "declined",
        "done",
        "is_answered",
        "orders",
        "rows",
        "settle_ns",
    )

    def __init__(
        self, command_id: int, command: Command, orders: Sequence[TrackedOrder], settle_ns: int
    ) -> None:
        self.command_id = command_id
        self.command = command
        self.orders = tuple(orders)
        self.settle_ns = settle_ns
        self.becomes: OrderRequest | None = None
        """What an edited order is asked to be."""
        self.rows = 0
        """How many answers have come; batches are answered in their order."""
        self.accepted: Accepted | None = None
        self.declined: Declined | None = None
        self.is_answered = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_placing(self) -> bool:
        """Whether it enters orders, rather than changing some."""
        return isinstance(self.command, Place | PlaceBatch)

    @property
    def is_changing(self) -> bool:
        """Whether it changes an order that stays."""
        return isinstance(self.command, Amend | Edit)

    @property
    def is_known(self) -> bool:
        """Whether it is known what became of it.

        Of orders that were placed any word of theirs tells, and a cancel is over when they ended.
        """
        if self.is_placing:
            is_confirmed = all(order.status is not OrderStatus.UNKNOWN for order in self.orders)
            return self.is_answered or is_confirmed
        if isinstance(self.command, Cancel | CancelBatch | CancelAll):
            is_over = all(order.is_final for order in self.orders)
            return self.is_answered and (is_over or self.accepted is None)
        return self.is_answered

    def look(self) -> None:
        """Let whoever waits go on, if there is nothing more to wait for."""
        if self.is_known:
            self.leave()

    def leave(self) -> None:
        """Let whoever waits go on."""
        if not self.done.done():
            self.done.set_result(None)


class CommandsInFlight:
    """The commands that were not answered to the end yet; at most ten thousand are remembered."""

    def __init__(self) -> None:
        self.counts = CommandCounts()
        self._by_id: OrderedDict[int, InFlight] = OrderedDict()
        self._by_order: dict[int, list[InFlight]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def add(self, asked: InFlight) -> None:
        """A command was sent."""
        self.counts.sent += 1
        self._by_id[asked.command_id] = asked
        for order in asked.orders:
            self._by_order.setdefault(order.number, []).append(asked)
        if len(self._by_id) > _REMEMBERED_MAX:
            self.drop(next(iter(self._by_id.values())))

    def answer(self, said: Accepted | Declined) -> InFlight | None:
        """Take note of an answer; returns what it answers, or none if nobody waits for it."""
        asked = self._by_id.get(said.command_id)
        if asked is None:
            return None
        asked.rows += 1
        if isinstance(said, Accepted):
            asked.accepted = said
        else:
            asked.declined = said
        if said.is_last:
            asked.is_answered = True
            self.counts.accepted += asked.declined is None
            self.counts.declined += asked.declined is not None
            self._remove(asked)
        return asked

    def of(self, order: TrackedOrder) -> Sequence[InFlight]:
        """The commands about an order that are not answered yet."""
        return self._by_order.get(order.number, ())

    def all(self) -> list[InFlight]:
        """Every command that is not answered yet."""
        return list(self._by_id.values())

    def drop(self, asked: InFlight) -> None:
        """No answer to a command is awaited any more."""
        if self._by_id.get(asked.command_id) is asked:
            self.counts.lost += 1
            self._remove(asked)
        asked.leave()

    def _remove(self, asked: InFlight) -> None:
        del self._by_id[asked.command_id]
        for order in asked.orders:
            others = [one for one in self._by_order.get(order.number, ()) if one is not asked]
            if others:
                self._by_order[order.number] = others
            else:
                self._by_order.pop(order.number, None)
