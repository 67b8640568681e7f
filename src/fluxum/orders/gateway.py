"""The account that a desk trades through: its events, and the commands that were sent there."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from fluxum.book.book import Book
from fluxum.errors import OutcomeUnknown, VenueRefused
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Balance, Fill
from fluxum.model.event import Event
from fluxum.model.instrument import Instrument, Symbol
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
    OrderUpdate,
    Place,
    PlaceBatch,
    TradingCount,
)
from fluxum.model.position import PositionUpdate
from fluxum.orders.order import TrackedOrder
from fluxum.orders.statistics import CommandCounts
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page
from fluxum.venues.trading import OrderRules

__all__ = [
    "AccountGateway",
    "Arrivals",
    "CommandsInFlight",
    "InFlight",
    "TradingAccount",
    "cancel_of",
    "is_by_reference",
]

_KEPT_MAX = 10_000
_AT_ONCE = frozenset({Accepted, Declined, Fill, OrderUpdate, TradingCount})
"""Events that can be taken within a step of the session: nothing else of it matters for them."""


class AccountGateway(Protocol):
    """One's own account at a venue, as a session or a simulation keeps it."""

    @property
    def is_following(self) -> bool:
        """Whether orders and fills are known without a hole now, so that orders are taken."""
        ...

    def command(self, command: Command) -> int:
        """Send a command now and return its number, which its answers carry.

        No event that it leads to is published before this has returned.
        Raises TransportError while the account is not followed, and BadInput for a command that
        the venue does not offer: then nothing was sent. Cancels are sent whenever there is a link.
        """
        ...

    async def open_orders(self) -> Page[OrderUpdate]:
        """Every open order of the account as it is now; raises what a query raises."""
        ...

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        """The order that a query is about, open or ended; empty if the venue has none.

        Raises RemoteProtocolError if a row could not be read that may be this order.
        """
        ...

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = ...,
    ) -> Page[OrderUpdate]:
        """Orders that ended since an instant, newest first, until `is_enough` of them."""
        ...

    def account_events(self) -> Pipe[Event]:
        """All about the account and its link, in order; the pipe fails rather than drop one."""
        ...

    def instrument(self, symbol: Symbol, /) -> Instrument | None:
        """A market's rules, once the venue published them."""
        ...

    def book(self, symbol: Symbol, /) -> Book:
        """A market's live book; raises NotSubscribed."""
        ...

    def now_ns(self) -> int:
        """The session's clock."""
        ...

    def venue_now_ns(self) -> int:
        """The venue's clock: the session's, moved by how far they are known to be apart.

        Deadlines, and what is compared with the venue's times, are by this clock.
        """
        ...


class TradingAccount(AccountGateway, Protocol):
    """An account with its rules and balances: what a trader has, at a venue or on paper."""

    @property
    def rules(self) -> OrderRules:
        """The rules of order entry."""
        ...

    async def balances(self) -> Page[Balance]:
        """All balances of the account as they are now."""
        ...

    async def positions(self) -> Page[PositionUpdate]:
        """The open positions in contracts; raises BadInput if there are none of its kind."""
        ...


class Arrivals:
    """Hands every event of a pipe to `take`, in order. `run` is to be called once.

    What is about orders is taken in the step that publishes it: the caller of an order waits for
    its answer, which would wait for all frames that were received with it, and for a pass of the
    loop, if a task had to be woken first. All else waits for the task, and so does what an answer
    leads to beside that, so that the caller goes on before it.

    `take` returns whether something is left to be done; `settle` does that, in the task.
    """

    def __init__(
        self,
        events: Pipe[Event],
        take: Callable[[Event], bool | None],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._events = events
        self._take = take
        self._settle = settle
        self._left: Sequence[Event] = ()  # taken from the pipe, and not to be taken at once
        self._arrival: asyncio.Future[None] | None = None
        self._is_armed = False
        self._error: Exception | None = None

    async def run(self) -> None:
        """Until the stream ends; raises the error that it ends with, and what `take` raises."""
        loop, events = asyncio.get_running_loop(), self._events
        with events:
            while events.waiting or not events.is_closed:
                self._arrival = loop.create_future()
                self._arm()
                await self._arrival
                if self._error is not None:
                    raise self._error
                left, self._left = self._left, ()
                for event in left:
                    self._take(event)
                self._settle()
            if events.error is not None:
                raise events.error

    def _arrived(self) -> None:
        """Take what can be taken at once; wake `run` for the rest, for an error and for the end."""
        arrival, events = self._arrival, self._events
        self._is_armed = False
        if arrival is None or arrival.cancelled():
            return
        batch = events.drain()
        is_left: bool | None = False
        for number, event in enumerate(batch):
            if type(event) not in _AT_ONCE:
                self._left = batch[number:]
                break
            try:
                is_left = self._take(event)
            except Exception as error:  # noqa: BLE001 - it is of the desk, not of the session
                self._error = error
                break
        else:
            if not events.is_closed:
                self._arm()
                if not is_left:
                    return
        if not arrival.done():
            arrival.set_result(None)

    def _arm(self) -> None:
        if not self._is_armed:
            self._is_armed = True
            self._events.call_when_ready(self._arrived)


class InFlight(Struct, eq=False):
    """A command that was sent, and its answers so far.

    After `settle_ns` it can no longer arrive. `done` is resolved when there is nothing more to
    wait for.
    """

    command_id: int
    command: Command
    orders: tuple[TrackedOrder, ...]
    settle_ns: int
    becomes: OrderRequest | None = None
    """What an edited order is asked to be."""
    rows: int = 0
    """How many answers have come; batches are answered in their order."""
    accepted: Accepted | None = None
    declined: Declined | None = None
    is_answered: bool = False
    is_overdue: bool = False
    """Whether the wait for it ended because its time was over."""
    expires_s: float = 0.0
    """When that is, by the loop's clock."""
    done: asyncio.Future[None] = field(default_factory=asyncio.Future[None])

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
        """Whether its outcome is known.

        Any evidence of placed orders shows it, and a cancel is over when its orders ended.
        """
        if self.is_placing:
            is_met = all(order.status is not OrderStatus.UNKNOWN for order in self.orders)
            return self.is_answered or is_met
        if isinstance(self.command, Cancel | CancelBatch | CancelAll):
            is_over = all(order.is_final for order in self.orders)
            return self.is_answered and (is_over or self.accepted is None)
        return self.is_answered

    def confirmed(self, timeout_s: float) -> Accepted:
        """The venue's acceptance; raises VenueRefused, and OutcomeUnknown without an answer."""
        if self.declined is not None:
            raise VenueRefused(f"the venue refused: {self.declined.message}")
        if self.accepted is None:
            raise OutcomeUnknown(f"there was no answer within {timeout_s} s")
        return self.accepted

    def why_unknown(self, timeout_s: float) -> str:
        """Why its outcome is unknown after a wait."""
        if not self.is_overdue:
            return "the caller that waited for the answer has left"
        if self.accepted is not None and not self.is_placing:
            return f"the venue took it, and nothing more was known within {timeout_s} s"
        return f"there was no answer within {timeout_s} s"

    def look(self) -> None:
        """End the wait for it, if there is nothing more to wait for."""
        if self.is_known:
            self.leave()

    def leave(self) -> None:
        """End the wait for it."""
        if not self.done.done():
            self.done.set_result(None)

    def expire(self) -> None:
        """End the wait for it, as its time is over."""
        if not self.done.done():
            self.is_overdue = True
            self.leave()

    def orders_of(self, answer: Accepted | Declined) -> Sequence[TrackedOrder]:
        """The orders an answer is about: one row of a batch, or all there are."""
        orders = self.orders
        if len(orders) <= 1 or not isinstance(self.command, PlaceBatch):
            return orders
        name = answer.client_order_id
        for order in orders:
            if name and order.name == name:
                return (order,)
        if isinstance(answer, Declined) and answer.is_last and self.rows == 1:
            return orders  # the batch as a whole
        return orders[self.rows - 1 : self.rows]


class CommandsInFlight:
    """The commands that were not answered completely; at most ten thousand are kept."""

    def __init__(self) -> None:
        self.counts = CommandCounts()
        self._by_id: OrderedDict[int, InFlight] = OrderedDict()
        self._by_order: dict[int, list[InFlight]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def add(self, command: InFlight) -> InFlight | None:
        """A command was sent; returns the oldest one if there is no room for it any more."""
        self.counts.sent += 1
        self._by_id[command.command_id] = command
        for order in command.orders:
            self._by_order.setdefault(order.number, []).append(command)
        if len(self._by_id) <= _KEPT_MAX:
            return None
        oldest = next(iter(self._by_id.values()))
        self.drop(oldest)
        return oldest

    def answer(self, answer: Accepted | Declined) -> InFlight | None:
        """Note an answer; returns its command, or `None` if that is not in flight."""
        command = self._by_id.get(answer.command_id)
        if command is None:
            return None
        command.rows += 1
        if isinstance(answer, Accepted):
            command.accepted = answer
        else:
            command.declined = answer
        if answer.is_last:
            command.is_answered = True
            self.counts.accepted += command.declined is None
            self.counts.declined += command.declined is not None
            self._remove(command)
        return command

    def of(self, order: TrackedOrder) -> Sequence[InFlight]:
        """The commands about an order that are not answered yet."""
        return self._by_order.get(order.number, ())

    def all(self) -> list[InFlight]:
        """Every command that is not answered yet."""
        return list(self._by_id.values())

    def drop(self, command: InFlight) -> None:
        """The answer of a command is not awaited any more."""
        if self._by_id.get(command.command_id) is command:
            self.counts.lost += 1
            self._remove(command)
        command.leave()

    def _remove(self, command: InFlight) -> None:
        del self._by_id[command.command_id]
        for order in command.orders:
            others = self._by_order.get(order.number, [])
            if command in others:
                others.remove(command)
            if not others:
                self._by_order.pop(order.number, None)


def is_by_reference(order: TrackedOrder | None) -> bool:
    """Whether the venue knows an order by neither id, but by a reference."""
    return order is not None and not order.order_id and order.reference is not None


def cancel_of(order: TrackedOrder) -> Cancel:
    """A cancel by the surest name the venue has of an order."""
    if is_by_reference(order):
        return Cancel(user_references=(order.reference or 0,))
    if order.order_id:
        return Cancel(order_ids=(order.order_id,), symbols={order.order_id: order.symbol})
    return Cancel(client_order_ids=(order.name,), symbols={order.name: order.symbol})
