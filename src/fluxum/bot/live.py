"""A bot over traders: their events to the engine, its commands to their desks.

    async with fluxum.bot.run(Maker(...), {trader.session.venue.name: trader}) as run:
        print(await run.wait_halted())

A trader may be of a live account or of a paper one: the bot sees no difference. Each event is
stepped in the order of its arrival, those that arrived together by the time they were received;
timers are stepped before any later event. The journal has a step before its commands are sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal

from msgspec import structs

from fluxum.book.book import Book
from fluxum.bot.decision import BotCommand
from fluxum.bot.dispatch import Dispatch
from fluxum.bot.engine import Engine
from fluxum.bot.intake import Arrival, Intake
from fluxum.bot.limits import BotFact
from fluxum.bot.run_log import RunLog
from fluxum.bot.strategy import (
    AccountKnown,
    BookKnown,
    BotEvent,
    Outcome,
    Steering,
    Switch,
)
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import Background, background
from fluxum.flow.bus import Bus
from fluxum.flow.histogram import Histogram
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Fill
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot
from fluxum.model.order import OrderStatus
from fluxum.orders.desk import OrderDesk
from fluxum.orders.order import Order
from fluxum.runtime import Runtime
from fluxum.trader import Trader

__all__ = ["Balances", "BotRun"]

Balances = tuple[tuple[str, Decimal], ...] | None
"""The totals of an account by asset; `None` if they are not known."""
_log = logging.getLogger(__name__)
_FACTS_WAITING = 1_000
_LEAVE_S = 10.0


class BotRun:
    """A bot that runs; made by `run`.

    `engine` is read only: its strategy, account, hash and counts. `to_intent` is the time from the
    receipt of an event to the end of its step, and `to_wire` to the sending of its commands, in ns.
    """

    def __init__(
        self,
        engine: Engine,
        traders: Mapping[str, Trader],
        runtime: Runtime,
        work: Background,
        log: RunLog | None = None,
    ) -> None:
        self.engine = engine
        self.to_intent = Histogram()
        self.to_wire = Histogram()
        self._clock = runtime.clock
        self._facts: Bus[BotFact] = Bus()
        self._traders = traders
        self._log = log
        self._intake = Intake(traders)
        self._arrived: deque[Arrival] = deque()
        desks = {venue: trader.orders for venue, trader in traders.items()}
        self.dispatch = Dispatch(desks, runtime.clock.now_ns, self._intake.put, work)
        self._desks = desks
        self._halted = asyncio.Event()
        self._resumed = asyncio.Event()
        self._close: Callable[[], Awaitable[None]] | None = None

    # For the program

    def facts(self) -> Pipe[BotFact]:
        """Each refusal, pause, halt and failure as it happens; a slow reader loses the oldest."""
        return self._facts.subscribe(capacity=_FACTS_WAITING, overflow=Overflow.DROP_OLDEST)

    def halt(self, reason: str) -> None:
        """Cancel the bot's orders and place none, until `resume`."""
        self._intake.put(Switch(is_halted=True, reason=reason, received_ns=self._clock.now_ns()))

    def resume(self, reason: str = "") -> None:
        """Continue after a halt; a strategy that failed stays halted."""
        self._intake.put(Switch(is_halted=False, reason=reason, received_ns=self._clock.now_ns()))

    async def wait_resumed(self) -> None:
        """Wait until the bot is not halted; raises BadInput if its strategy failed."""
        if self.engine.failed:
            raise BadInput(f"a strategy that failed is not resumed: {self.engine.failed}")
        await self._resumed.wait()

    async def wait_halted(self) -> str:
        """Wait until the bot is halted, by itself or a person; returns the reason."""
        await self._halted.wait()
        return self.engine.halted

    async def close(self) -> None:
        """End a run that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this run was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The run was awaited; `close` ends it."""
        self._close = close

    # Its life; called by `run`

    def begin(self, balances: Mapping[str, Balances]) -> None:
        """Learn what the accounts hold, the books as they are, what became of orders of before.

        Nothing waits here: what the traders publish from now on is not part of it.
        """
        for venue, trader in self._traders.items():
            self._step(
                AccountKnown(
                    venue=venue,
                    positions=tuple(sorted(trader.portfolio.held().items())),
                    balances=balances[venue],
                    received_ns=self._clock.now_ns(),
                )
            )
        self._recall()
        if self._log is not None:
            self._log.settle(self._views(), self._clock.now_ns())
        for market in self.engine.wanted.books:
            shown = _shown(self._traders[market.venue].session.book(market.symbol))
            if shown is not None:
                self._step(BookKnown(snapshot=shown, received_ns=self._clock.now_ns()))
        if self._log is not None:
            self._log.begin(self._clock.now_ns())

    async def follow(self) -> None:
        """Step every event, until the run is left."""
        with self._intake:
            while True:
                self._wake()
                self._arrived.extend(await self._intake.wait())
                while self._arrived:
                    event = self._event_of(*self._arrived.popleft())
                    if event is not None:
                        await self._step_with_timers(event)
                now_ns = self._clock.now_ns()
                while (due := self.engine.due()) is not None and due.received_ns <= now_ns:
                    await self._pass(self._step(due))
                if self._log is not None:
                    self._log.pass_time(now_ns)

    async def leave(self, *, leaves_orders: bool) -> None:
        """Cancel what is open, after the last step; what became of it is known on resuming."""
        fills = [(venue, item) for venue, item in self._arrived if isinstance(item, Fill)]
        fills += self._intake.fills()
        later = [(venue, desk.account_events()) for venue, desk in self._desks.items()]
        try:
            if not leaves_orders:
                await self._cancel_all()
        finally:
            for venue, pipe in later:
                with pipe:
                    fills += [(venue, one) for one in pipe.drain() if isinstance(one, Fill)]
            if self._log is not None:
                for venue, fill in fills:
                    self._log.fill(self.dispatch.of_fill(venue, fill))
                self._log.end(self._clock.now_ns(), self._views(), self.engine.halted)

    async def _cancel_all(self) -> None:
        async with background() as work:
            ends = [
                work.start(_end(desk, one.name))
                for one in self.engine.account.orders()
                if (desk := self._desks[one.market.venue]).order(one.name) is not None
            ]
            if ends:
                await asyncio.wait(ends, timeout=_LEAVE_S)

    # Pieces

    def _event_of(
        self, venue: str, item: Event | BotEvent | Steering | Order
    ) -> BotEvent | Steering | None:
        if isinstance(item, Order):
            return self.dispatch.of_order(venue, item)
        if venue and isinstance(item, Fill):
            return self.dispatch.of_fill(venue, item)
        return item

    async def _step_with_timers(self, event: BotEvent | Steering) -> None:
        while (due := self.engine.due()) is not None and due.received_ns < event.received_ns:
            await self._pass(self._step(due))
        commands = self._step(event)
        self.to_intent.record(self._clock.now_ns() - event.received_ns)
        if commands:
            await self._pass(commands)
            self.to_wire.record(self._clock.now_ns() - event.received_ns)

    def _step(self, event: BotEvent | Steering) -> list[BotCommand]:
        if self._log is not None:
            self._log.pass_time(event.received_ns)
        commands = list(self.engine.step(event))
        if self._log is not None:
            self._log.take(event, commands, self.engine.account)
        for fact in self.engine.facts:
            self._facts.put(fact)
        if self.engine.halted:
            self._halted.set()
            self._resumed.clear()
        else:
            self._halted.clear()
            self._resumed.set()
        for command in commands:
            self.dispatch.send(command)
        return commands

    async def _pass(self, commands: Iterable[BotCommand]) -> None:
        """Let the tasks of commands run once: then they are on the wire."""
        if commands:
            await asyncio.sleep(0)

    def _wake(self) -> None:
        """Let the wait end when a timer, or something to note, is due."""
        due = self.engine.due()
        instants = [] if due is None else [due.received_ns]
        if self._log is not None and self._log.next_ns is not None:
            instants.append(self._log.next_ns + 1)
        if instants:
            self._intake.wake_in((min(instants) - self._clock.now_ns()) / 1e9)

    def _views(self) -> dict[str, Order]:
        """What the desks know of this bot's orders that are not known to have ended."""
        names = () if self._log is None else self._log.open_orders()
        return {
            name: order
            for name, venue in names
            if (order := self._desks[venue].order(name)) is not None
        }

    def _recall(self) -> None:
        """Orders of before: the desk knows what became of them, and others were never sent."""
        for one in self.engine.account.orders():
            desk = self._desks.get(one.market.venue)
            order = None if desk is None else desk.order(one.name)
            if order is not None and not order.status.is_final:
                self._step(self.dispatch.answer(one.market, order))
            event = None if order is None else self.dispatch.of_order(one.market.venue, order)
            if event is None and order is None:
                event = Outcome(
                    venue=one.market.venue,
                    symbol=one.market.symbol,
                    client_order_id=one.name,
                    status=OrderStatus.EXPIRED if one.is_shown else OrderStatus.REFUSED,
                    reason="it ended, or was not sent, before the run was resumed",
                    received_ns=self._clock.now_ns(),
                )
            if event is not None:
                self._step(event)


async def _end(desk: OrderDesk, name: str) -> None:
    """Cancel one order; what fails is known to the desk, which looks it up."""
    with suppress(FluxumError):
        await desk.cancel(name)


def _shown(book: Book) -> BookSnapshot | None:
    """A live book as its snapshot, which proves what the book's own checks have proved."""
    if not book.evidence.live:
        return None
    shown = book.snapshot()
    return shown if book.is_valid else structs.replace(shown, sequence=None, checksum=None)
