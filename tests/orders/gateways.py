"""A venue with one account behind a gateway that can break in every way, in virtual time.

It keeps orders as a venue does: a command takes effect when it arrives, or never after its
deadline; answers and updates travel back by themselves and can be lost apart from each other.
"""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from msgspec import structs

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper
from fluxum.errors import NotSubscribed, TransportError
from fluxum.flow.bus import Bus
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Fill
from fluxum.model.event import Event, LinkLost, State, StateChange
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, Level, Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OpenOrders,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
    ended,
    is_cancel,
)
from fluxum.sim.loop import SimulatedClock
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page
from fluxum.venues.rows import LeftOutRows

BTC = Symbol("BTC/USD")
ETH = Symbol("ETH/USD")
VENUE = "venue"
START_NS = 1_767_225_600_000_000_000
SECOND_NS = 1_000_000_000
Said = TypeVar("Said")


def instrument(symbol: Symbol = BTC, **changes: Any) -> Instrument:
    known = Instrument(
        venue=VENUE,
        symbol=symbol,
        venue_symbol=str(symbol),
        base=Asset(symbol.base),
        quote=Asset(symbol.quote),
        status=InstrumentStatus.ONLINE,
        tick=Decimal("0.1"),
        lot=Decimal("0.001"),
        price_precision=1,
        quantity_precision=3,
        quantity_min=Decimal("0.01"),
        notional_min=Decimal(5),
        received_ns=0,
    )
    return structs.replace(known, **changes)


def request(**changes: Any) -> OrderRequest:
    """A buy of 1 at 100."""
    plain = OrderRequest(symbol=BTC, side=Side.BUY, quantity=Decimal(1), limit_price=Decimal(100))
    return structs.replace(plain, **changes)


def book(
    symbol: Symbol = BTC,
    bids: Sequence[tuple[int, int]] = ((99, 1), (98, 1)),
    asks: Sequence[tuple[int, int]] = ((101, 1), (102, 1)),
    *,
    is_valid: bool = True,
) -> Book:
    """Bids of 1 at 99 and 98, asks of 1 at 101 and 102."""
    keeper = BookKeeper(VENUE, Book, None, None)
    keeper.snapshot(
        BookSnapshot(
            venue=VENUE,
            symbol=symbol,
            bids=tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in bids),
            asks=tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in asks),
            received_ns=START_NS,
            sequence=1 if is_valid else None,
        )
    )
    found = keeper.get(symbol)
    assert found.proof().is_valid is is_valid
    return found


def update(order_id: str = "O-1", at_s: float = 0, **changes: Any) -> OrderUpdate:
    """An open buy of 1 at 100, as of some seconds after the start."""
    at_ns = START_NS + round(at_s * SECOND_NS)
    plain = OrderUpdate(
        venue=VENUE,
        order_id=order_id,
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=Decimal(1),
        limit_price=Decimal(100),
        opened_ns=START_NS,
        venue_ns=at_ns,
        received_ns=at_ns,
    )
    return structs.replace(plain, **changes)


def fill(fill_id: str, quantity: str = "0.5", order_id: str = "O-1", **changes: Any) -> Fill:
    """A part of that order, at its price."""
    plain = Fill(
        venue=VENUE,
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        fill_id=fill_id,
        order_id=order_id,
        venue_ns=START_NS,
        received_ns=START_NS,
    )
    return structs.replace(plain, **changes)


class Fate(Enum):
    """What becomes of a command on its way."""

    ARRIVES = "arrives"
    LOST = "lost"
    UNANSWERED = "unanswered"
    """Obeyed, but the answer is lost; the updates are told."""
    MUTE = "mute"
    """Obeyed, but neither answer nor updates are told."""
    CUT = "cut"
    """Lost, and so is the link."""
    CUT_AFTER = "cut after"
    """Obeyed, and the link is lost before anything is told."""


class FakeGateway:
    """See `fluxum.orders.gateway.Door`; made inside a simulated loop.

    `fates` are taken by commands in turn. `latency_s` is the way to the venue and the way back.
    `names_edits` is whether an edited order keeps its name. `clock` is the venue's, which is
    `ahead_ns` ahead of ours; `clock_offset_ns` is what is known of that.
    """

    def __init__(self, latency_s: float = 0.05) -> None:
        self.clock = SimulatedClock()
        self.is_following = True
        self.is_linked = True
        """Whether there is a link at all; cancels need no more."""
        self.is_silent = False
        """Whether commands are obeyed and answered, and the updates are lost."""
        self.latency_s = latency_s
        self.ask_s = 0.1
        self.fates: list[Fate] = []
        self.refuses: Callable[[Command], str | None] = lambda _command: None
        self.unreachable = False
        self.left_out: LeftOutRows | None = None
        """The rows of its lists that cannot be read."""
        self.send: Callable[[Command], int] = self._send
        """What sending is; a test may put something else in its place."""
        self.names_edits = False
        self.ahead_ns = self.clock_offset_ns = 0
        self.list_lag_s = 0.0
        self.back_after_s: float | None = 3.0
        self.looked_for: list[OrderQuery] = []
        self.sent: list[Command] = []
        self.asked: list[str] = []
        self.open: dict[str, OrderUpdate] = {}
        self.closed: list[OrderUpdate] = []
        self.arrived: dict[str, int] = {}
        """How many times an order of each client id (or reference) was entered."""
        self.cancels_ns: int | None = None
        self.instruments = {BTC: instrument(), ETH: instrument(ETH)}
        self.books: dict[str, Book] = {
            one: book(one, ((99, 1000),), ((101, 1000),)) for one in (BTC, ETH)
        }
        self._bus: Bus[Event] = Bus()
        self._numbers = 0
        self._orders = 0
        self._missed: list[Event] = []
        self._link = 0

    # The gateway

    def command(self, command: Command) -> int:
        return self.send(command)

    def _send(self, command: Command) -> int:
        if not (self.is_following or (self.is_linked and is_cancel(command))):
            raise TransportError("not followed: nothing was sent")
        self._numbers += 1
        self.sent.append(command)
        fate = self.fates.pop(0) if self.fates else Fate.ARRIVES
        number, link = self._numbers, self._link
        if fate is Fate.CUT:
            self._later(0.01, self.cut)
        elif fate is Fate.CUT_AFTER:
            self._later(self.latency_s, lambda: self._obey(number, command, Fate.MUTE, link))
            self._later(self.latency_s * 1.5, self.cut)
        elif fate is not Fate.LOST:
            self._later(self.latency_s, lambda: self._obey(number, command, fate, link))
        return number

    async def open_orders(self) -> Page[OrderUpdate]:
        return await self._listed("open", "", self._open)

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        self.looked_for.append(query)
        name = query.client_order_id
        return (
            await self._listed("open", name, lambda: self._open(name))
            or await self._listed("closed", name, lambda: self._ended(name)[:2])
        ).items

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = lambda _orders: False,
    ) -> Page[OrderUpdate]:
        found: list[OrderUpdate] = []
        while True:
            start = len(found)
            page = await self._listed("closed", "", partial(self._ended_page, since_ns, start))
            found += page.items
            if len(page) < 2 or is_enough(found):
                return Page(tuple(found))

    async def _listed(
        self, kind: str, name: str, listed: Callable[[], Sequence[OrderUpdate]]
    ) -> Page[OrderUpdate]:
        self.asked.append(f"{kind} {name}".strip())
        await asyncio.sleep(self.ask_s / 2)
        if self.unreachable:
            raise TransportError("the call failed")
        page = Page(tuple(listed()), left_out=self.left_out)
        await asyncio.sleep(self.ask_s / 2)
        return page

    def _open(self, name: str = "") -> Sequence[OrderUpdate]:
        until_ns = self.clock.now_ns() - round(self.list_lag_s * SECOND_NS)
        return [
            order
            for order in self.open.values()
            if name in ("", order.client_order_id) and (order.opened_ns or 0) <= until_ns
        ]

    def _ended_page(self, since_ns: int, start: int) -> Sequence[OrderUpdate]:
        return self._ended("", since_ns)[start : start + 2]

    def _ended(self, name: str, since_ns: int = 0) -> Sequence[OrderUpdate]:
        """Newest first."""
        until_ns = self.clock.now_ns() - round(self.list_lag_s * SECOND_NS)
        return [
            ended(one)
            for one in reversed(self.closed)
            if name in ("", one.client_order_id) and since_ns <= one.venue_ns <= until_ns
        ]

    def account_events(self) -> Pipe[Event]:
        return self._bus.subscribe(capacity=100_000, overflow=Overflow.RAISE)

    def instrument(self, symbol: Symbol) -> Instrument | None:
        return self.instruments.get(symbol)

    def book(self, symbol: str) -> Book:
        if symbol not in self.books:
            raise NotSubscribed(f"no book of {symbol}")
        return self.books[symbol]

    def now_ns(self) -> int:
        return self.clock.now_ns() - self.ahead_ns

    def venue_now_ns(self) -> int:
        return self.now_ns() + self.clock_offset_ns

    # The link

    def cut(self, reason: str = "cut") -> None:
        """Lose the link; it comes back by itself where `back_after_s` is set."""
        if not self.is_linked:
            return
        self.is_following = self.is_linked = False
        self._link += 1
        now_ns = self.now_ns()
        self.tell(LinkLost(venue=VENUE, link="private-1", reason=reason, received_ns=now_ns))
        if self.back_after_s is not None:
            self._later(self.back_after_s, self.restore)

    def restore(self) -> None:
        """The link is back: what is open, what was missed, ready."""
        now_ns = self.now_ns()
        orders = tuple(structs.replace(one, received_ns=now_ns) for one in self.open.values())
        self.tell(OpenOrders(venue=VENUE, orders=orders, received_ns=now_ns))
        missed, self._missed = self._missed, []
        for event in missed:
            if isinstance(event, Fill) or (
                isinstance(event, OrderUpdate) and event.status.is_final
            ):
                self.tell(structs.replace(event, received_ns=now_ns))
        self.is_following = self.is_linked = True
        self.tell(
            StateChange(venue=VENUE, old=State.SUBSCRIBING, new=State.READY, received_ns=now_ns)
        )

    def tell(self, event: Event) -> None:
        self._bus.put(event)

    def end(self) -> None:
        self._bus.close()

    # The venue

    def trade(self, order_id: str, quantity: str, *, is_told: bool = True) -> None:
        """Fill a part of an order."""
        order = self.open[order_id]
        self._numbers += 1
        filled = order.filled + Decimal(quantity)
        is_done = filled == order.quantity
        price = order.limit_price or Decimal(100)
        traded = Fill(
            venue=VENUE,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=Decimal(quantity),
            fill_id=f"T-{self._numbers}",
            order_id=order_id,
            venue_ns=self.clock.now_ns(),
            received_ns=self.now_ns(),
        )
        self._say(traded, is_told=is_told)
        self._change(
            order,
            is_told=is_told,
            filled=filled,
            cost=order.cost + price * Decimal(quantity),
            status=OrderStatus.FILLED if is_done else OrderStatus.PARTIALLY_FILLED,
        )

    def end_order(self, order_id: str, *, is_told: bool = True, reason: str = "User") -> None:
        order = self.open[order_id]
        self._change(order, is_told=is_told, status=OrderStatus.CANCELED, reason=reason)

    def _later(self, delay_s: float, call: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(delay_s, call)

    def _say(self, event: Event, *, is_told: bool = True) -> None:
        if is_told and self.is_linked:
            self._later(self.latency_s, lambda: self._arrive(event))
        else:
            self._missed.append(event)

    def _arrive(self, event: Event) -> None:
        if not self.is_linked:
            self._missed.append(event)
            return
        self.tell(structs.replace(event, received_ns=self.now_ns()))

    def _change(self, order: OrderUpdate, *, is_told: bool, **changes: Any) -> None:
        changed = structs.replace(order, venue_ns=self.clock.now_ns(), **changes)
        if changed.status.is_final:
            self.open.pop(order.order_id, None)
            self.closed.append(changed)
        else:
            self.open[order.order_id] = changed
        self._say(changed, is_told=is_told)

    def _obey(self, number: int, command: Command, fate: Fate, link: int) -> None:
        deadline_ns = getattr(command, "deadline_ns", None)
        now_ns = self.now_ns()
        is_told = fate is not Fate.MUTE and not self.is_silent
        is_late = deadline_ns is not None and self.clock.now_ns() > deadline_ns
        refusal = "deadline elapsed" if is_late else self.refuses(command)
        answers: list[Accepted | Declined] = []
        if refusal is not None:
            answers = [
                Declined(venue=VENUE, command_id=number, message=refusal, received_ns=now_ns)
            ]
        else:
            answers = [
                structs.replace(one, command_id=number) for one in self._do(command, is_told)
            ]
        if fate is Fate.ARRIVES and link == self._link:
            for answer in answers:
                self._later(self.latency_s, lambda answer=answer: self._answer(answer, link))  # type: ignore[misc]

    def _answer(self, answer: Accepted | Declined, link: int) -> None:
        if link == self._link and self.is_linked:
            self.tell(structs.replace(answer, received_ns=self.now_ns()))

    def _do(self, command: Command, is_told: bool) -> list[Accepted | Declined]:
        yes = Accepted(venue=VENUE, command_id=0, received_ns=0)
        match command:
            case Place(validate=True):
                return [structs.replace(yes, warnings=("a warning",))]
            case Place():
                return [self._enter(command.request, yes, is_told)]
            case PlaceBatch():
                said = [self._enter(one, yes, is_told) for one in command.requests]
                count = len(said)
                return [
                    structs.replace(one, is_last=index == count - 1)
                    for index, one in enumerate(said)
                ]
            case Amend():
                return [self._amend(command, yes, is_told)]
            case Edit():
                return [self._edit(command, yes, is_told)]
            case Cancel():
                names = [*command.order_ids, *command.client_order_ids]
                names += [str(one) for one in command.user_references]
                orders = [self._named(name) for name in names]
                return [self._cancel(order, yes, is_told) for order in orders]
            case CancelBatch():
                names = [*command.order_ids, *command.client_order_ids]
                found = [one for one in map(self._named, names) if one is not None]
                for order in found:
                    self.end_order(order.order_id, is_told=is_told)
                return [structs.replace(yes, count=len(found))]
            case CancelAll():
                count = len(self.open)
                for order_id in list(self.open):
                    self.end_order(order_id, is_told=is_told)
                return [structs.replace(yes, count=count)]
            case CancelAllAfter():
                after = command.timeout_s
                self.cancels_ns = self.clock.now_ns() + after * SECOND_NS if after else None
                return [structs.replace(yes, triggers_ns=self.cancels_ns)]

    def _enter(self, wanted: OrderRequest, yes: Accepted, is_told: bool) -> Accepted:
        name = wanted.client_order_id or str(wanted.user_reference)
        self.arrived[name] = self.arrived.get(name, 0) + 1
        self._orders += 1
        order = OrderUpdate(
            venue=VENUE,
            order_id=f"O-{self._orders}",
            client_order_id=wanted.client_order_id,
            user_reference=wanted.user_reference,
            symbol=wanted.symbol,
            side=wanted.side,
            order_type=wanted.order_type,
            status=OrderStatus.OPEN,
            quantity=wanted.quantity or Decimal(0),
            limit_price=wanted.limit_price,
            opened_ns=self.clock.now_ns(),
            venue_ns=self.clock.now_ns(),
            received_ns=self.now_ns(),
        )
        self.open[order.order_id] = order
        self._say(order, is_told=is_told)
        return structs.replace(yes, order_id=order.order_id, client_order_id=wanted.client_order_id)

    def _amend(self, command: Amend, yes: Accepted, is_told: bool) -> Accepted | Declined:
        order = self._named(command.order_id or command.client_order_id)
        if order is None:
            return _no("unknown order")
        changes = {"quantity": command.quantity, "limit_price": command.limit_price}
        known: dict[str, Any] = {one: new for one, new in changes.items() if new is not None}
        if command.quantity is not None and command.quantity <= order.filled:
            known = {"status": OrderStatus.CANCELED}  # which is a way to end it
        self._change(order, is_told=is_told, **known)
        return structs.replace(yes, order_id=order.order_id)

    def _edit(self, command: Edit, yes: Accepted, is_told: bool) -> Accepted | Declined:
        old = self._named(command.order_id)
        if old is None:
            return _no("unknown order")
        self.end_order(old.order_id, is_told=is_told, reason="edited")
        self._orders += 1
        order = structs.replace(
            old,
            order_id=f"O-{self._orders}",
            client_order_id=old.client_order_id if self.names_edits else "",
            user_reference=command.user_reference,
            limit_price=command.limit_price or old.limit_price,
            quantity=command.quantity or old.quantity,
            filled=Decimal(0),
            status=OrderStatus.OPEN,
            opened_ns=self.clock.now_ns(),
            venue_ns=self.clock.now_ns(),
        )
        self.open[order.order_id] = order
        self._say(order, is_told=is_told)
        return structs.replace(yes, order_id=order.order_id, original_order_id=old.order_id)

    def _cancel(
        self, order: OrderUpdate | None, yes: Accepted, is_told: bool
    ) -> Accepted | Declined:
        if order is None:
            return _no("unknown order")
        self.end_order(order.order_id, is_told=is_told)
        return structs.replace(yes, order_id=order.order_id)

    def _named(self, name: str) -> OrderUpdate | None:
        for order in self.open.values():
            if name in (order.order_id, order.client_order_id, str(order.user_reference)):
                return order
        return None


def _no(message: str) -> Declined:
    return Declined(venue=VENUE, command_id=0, message=message, received_ns=0)
