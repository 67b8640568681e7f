"""Writes the facts of a live run as it goes, into the files that a back-test writes at its end.

    log = RunLog(folder, header, books, papers)
    log.pass_time(event.received_ns)             # before each step of the engine
    log.take(event, commands, engine.account)    # after it

The journal has every step before this has it. So a process that is killed between the two leaves a
step that is in the journal alone: `recover` adds it. The time in which the bot did not run is a
gap of every venue.
"""

import heapq
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct, structs

from fluxum.bot.account import BotAccount
from fluxum.bot.books import BookSource
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine_state import decode
from fluxum.bot.journal import JournalLine, input_of
from fluxum.bot.logged import AFTER_NS, WORLDS, LoggedOrder, fill_fact
from fluxum.bot.market import Market
from fluxum.bot.run_gaps import RunGaps
from fluxum.bot.run_worth import RunWorth
from fluxum.bot.strategy import AccountKnown, BotEvent, Outcome, Steering
from fluxum.errors import BadInput
from fluxum.model.account import Fee, Fill
from fluxum.model.order import OrderRequest, OrderStatus, OrderUpdate, Place
from fluxum.orders.order import Order
from fluxum.paper_trader import PaperTrader
from fluxum.report.files import RunWriter, has_run, read_run
from fluxum.report.run import FillFact, OrderFact, RunHeader

__all__ = ["RunLog"]

_EVERY_NS = 60_000_000_000
_LOOK_NS = 1_000_000_000
_LATE_NS = 1_000_000_000
_DONE_MAX = 1_000
_NEVER = (1 << 63) - 1
_UNSHOWN = (OrderStatus.PENDING, OrderStatus.REFUSED, OrderStatus.UNKNOWN)


class RunLog:
    """The facts of one run in its folder; use it in a `with` block around the run.

    `header` is that of a run that begins now. A run that the folder has is continued. `books` are
    those of the engine, `booked` the markets whose books the strategy wants, and `papers` the
    traders on paper, by venue. Raises RunFilesError, BadInput if the account follows another world
    than before.
    """

    def __init__(
        self,
        folder: Path,
        header: RunHeader,
        books: BookSource,
        booked: Collection[Market],
        papers: Mapping[str, PaperTrader],
    ) -> None:
        self._folder = folder
        self._header = header
        self._papers = papers
        self._followed = None if header.world is None else WORLDS.index(header.world)
        markets = [Market(venue, symbol) for venue, symbol in header.markets]
        self._worth = RunWorth(markets, header.currency, books, self._followed or 0)
        self._gaps = RunGaps(markets, books, booked)
        self._writer: RunWriter | None = None
        self._orders: OrderedDict[str, LoggedOrder] = OrderedDict()
        self._open: dict[str, LoggedOrder] = {}
        self._touched: dict[str, LoggedOrder] = {}
        self._mids: list[tuple[int, int, LoggedOrder, tuple[int, int, int]]] = []
        self._number = 0
        self._sample_ns = self._look_ns = _NEVER
        self._was_stopped_ns = 0

    def __enter__(self) -> Self:
        if has_run(self._folder):
            self._continue()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    # How it begins and ends

    def recover(self, lines: Iterable[JournalLine]) -> None:
        """Add what the journal of a run that is continued has, and its files have not."""
        for line in lines if self._was_stopped_ns else ():
            event = input_of(line)
            if isinstance(event, Fill):
                self.fill(event)
            if line.decision:
                made = decode(bytes(line.decision), _Decided)
                for one in made.commands:
                    if isinstance(one.command, Place):
                        self._place(one.market, one.command.request, made.input.received_ns)

    def begin(self, now_ns: int) -> None:
        """What the accounts hold and the books are known: facts are written from now on."""
        if self._writer is None:
            self._header = self._worth.begin(self._header)
            self._writer = RunWriter(self._folder, self._header)
        else:
            for fact in self._gaps.of_stop(self._was_stopped_ns, now_ns):
                self._writer.write(fact)
        self._gaps.begin(now_ns)
        self._look_ns = now_ns
        self._sample(now_ns)
        self._write()

    def end(self, now_ns: int, views: Mapping[str, Order], halted: str) -> None:
        """The run has ended, and no order is placed any more; `views` are those still known."""
        writer = self._writer
        if writer is None:
            return
        self.settle(views, now_ns)
        self._look(now_ns)
        self._sample(now_ns)
        self._write()
        for fact in self._gaps.end():
            writer.write(fact)
        writer.end(now_ns, structs.replace(writer.header, halted=halted))
        self._writer = None

    # As it goes

    @property
    def next_ns(self) -> int | None:
        """When there is something to note, even if nothing is received; `None`: nothing is."""
        if self._writer is None:
            return None
        mid_ns = self._mids[0][0] if self._mids else _NEVER
        look_ns = self._look_ns if self._papers and self._open else _NEVER
        return min(self._sample_ns, mid_ns, look_ns)

    def open_orders(self) -> list[tuple[str, str]]:
        """The names and the venues of the orders that are not known to have ended."""
        return [(name, one.market.venue) for name, one in self._open.items()]

    def pass_time(self, now_ns: int) -> None:
        """Note what is due before an instant: middles after fills, and the equity."""
        if self._writer is None:
            return
        while self._mids and self._mids[0][0] < now_ns:
            due_ns, _, order, place = heapq.heappop(self._mids)
            is_late = now_ns - due_ns > _LATE_NS
            order.note_mid(*place, None if is_late else self._worth.middle(order.market))
            self._touched[order.fact.name] = order
        if self._look_ns < now_ns:
            self._look(now_ns)
        if self._sample_ns < now_ns:
            self._sample(now_ns - (now_ns - 1) % _EVERY_NS - 1)
        self._write()

    def take(
        self,
        event: BotEvent | Steering,
        commands: Sequence[BotCommand],
        account: BotAccount,
    ) -> None:
        """Take in a step of the engine: what it received, and what it sends."""
        match event:
            case AccountKnown():
                self._worth.know(event)
            case Fill():
                if not account.is_of_before(event):
                    self.fill(event)
                self._show(event, account)
            case OrderUpdate() | Outcome():
                self._show(event, account)
            case _:
                self._worth.price(event)
                self._look_for_gaps(event)
        for one in commands:
            if isinstance(one.command, Place):
                self._place(one.market, one.command.request, event.received_ns)
        if commands or isinstance(event, Fill | OrderUpdate | Outcome):
            self._write()

    def fill(self, fill: Fill) -> None:
        """Add a fill of an order of this run, once; also after the engine's last step."""
        order = self._touch(fill.client_order_id)
        if order is None:
            return
        at_ns = fill.venue_ns if order.market.venue in self._papers else fill.received_ns
        fact = fill_fact(fill, at_ns, self._header.currency)
        if order.has(fill.fill_id):
            self._charge(order, fact)
        elif fill.quantity <= order.left:
            if order.fact.arrived_ns is None:
                order.change(arrived_ns=at_ns, arrival_mid=self._worth.middle(order.market))
            self._add(order, order.take(fact))

    def settle(self, views: Mapping[str, Order], now_ns: int) -> None:
        """Orders as the desks know them, where the engine received no events of them."""
        for name, order in list(self._open.items()):
            view = views.get(name)
            if view is not None:
                self._settle(order, view, now_ns)

    # Pieces

    def _continue(self) -> None:
        """Read what there is, and append to it."""
        facts = read_run(self._folder)
        if facts.header.world is not self._header.world:
            was = "the venue's" if facts.header.world is None else facts.header.world.value
            raise BadInput(f"{self._folder}: the fills of the run so far are {was}: choose these")
        self._writer = RunWriter(self._folder, self._header, is_resumed=True)
        self._header = self._writer.header
        self._was_stopped_ns = facts.ends_ns
        self._worth.resume(facts)
        for fact in facts.orders:
            one = LoggedOrder(fact, self._followed if fact.venue in self._papers else None)
            one.is_changed = False
            self._orders[fact.name] = one
            if not fact.status.is_final:
                self._open[fact.name] = one

    def _touch(self, name: str) -> LoggedOrder | None:
        """An order that is about to be changed, by its name; `None` if it is not of this run."""
        order = self._orders.get(name)
        if order is not None:
            self._touched[name] = order
        return order

    def _place(self, market: Market, request: OrderRequest, at_ns: int) -> None:
        name = request.client_order_id
        if name in self._orders or request.quantity is None:
            return
        one = LoggedOrder(
            OrderFact(
                name=name,
                venue=market.venue,
                symbol=market.symbol,
                side=request.side,
                quantity=request.quantity,
                limit=request.limit_price,
                decided_ns=at_ns,
                decision_mid=self._worth.middle(market),
                status=OrderStatus.PENDING,
            ),
            self._followed if market.venue in self._papers else None,
        )
        one.change(was_in_gap=self._gaps.is_open(market))
        self._orders[name] = self._open[name] = self._touched[name] = one

    def _show(self, event: Fill | OrderUpdate | Outcome, account: BotAccount) -> None:
        """An order as the engine's account knows it."""
        order = self._touch(event.client_order_id)
        if order is None:
            return
        known = account.find(event.client_order_id)
        if known is not None:
            order.change(status=known.status, quantity=known.quantity, limit=known.price)
        status = order.fact.status
        if order.fact.arrived_ns is None and status not in _UNSHOWN:
            order.change(arrived_ns=event.received_ns, arrival_mid=self._worth.middle(order.market))
        if order.market.venue in self._papers:
            self._look_at(order)

    def _look_for_gaps(self, event: BotEvent | Steering) -> None:
        ended = self._gaps.take(event)
        if self._writer is not None:
            for fact in ended:
                self._writer.write(fact)
        for name, order in self._open.items() if self._gaps.begun else ():
            if order.market in self._gaps.begun:
                order.change(was_in_gap=True)
                self._touched[name] = order

    def _charge(self, order: LoggedOrder, fact: FillFact) -> None:
        """A fill is repeated, now with its fee."""
        for world in order.charge(fact):
            fee = Fee(fact.fee_asset, fact.fee)
            self._worth.charge(world, order.market, fee)

    def _add(self, order: LoggedOrder, places: Iterable[tuple[int, int]]) -> None:
        """Count fills that were added to an order, and await the middles after them."""
        for world, place in places:
            fill = order.fills(world)[place]
            self._worth.take(world, order.fact, fill)
            for number, after_ns in enumerate(AFTER_NS):
                self._number += 1
                entry = (fill.at_ns + after_ns, self._number, order, (world, place, number))
                heapq.heappush(self._mids, entry)

    def _look_at(self, order: LoggedOrder) -> None:
        """Add the fills of an order on paper in the other worlds."""
        trader = self._papers[order.market.venue]
        record = trader.record(order.fact.name)
        if record is not None:
            found = order.take_record(record, trader.paper, self._header.currency)
            self._add(order, found)

    def _look(self, now_ns: int) -> None:
        self._look_ns = now_ns + _LOOK_NS
        for name, order in self._open.items():
            if order.market.venue in self._papers:
                self._touched[name] = order
                self._look_at(order)

    def _settle(self, order: LoggedOrder, view: Order, now_ns: int) -> None:
        self._touched[order.fact.name] = order
        order.change(status=view.status)
        missing = view.filled - order.filled
        if missing > 0:
            self._add(order, order.catch_up(view, now_ns))

    def _sample(self, at_ns: int) -> None:
        """Write the equity, and once more the header when its marks have become known."""
        assert self._writer is not None, "equity is written once the run has begun"
        self._sample_ns = at_ns - at_ns % _EVERY_NS + _EVERY_NS
        header = self._worth.begin(self._writer.header)
        if header != self._writer.header:
            self._writer.state(header)
        self._writer.write(self._worth.point(at_ns))

    def _write(self) -> None:
        """Write the orders that have changed, and forget the oldest that are done."""
        if self._writer is None:
            return
        for name, order in self._touched.items():
            if order.fact.status.is_final:
                self._open.pop(name, None)
            if order.is_changed:
                self._writer.write(order.fact)
                order.is_changed = False
        self._touched.clear()
        while len(self._orders) > _DONE_MAX and next(iter(self._orders.values())).is_done:
            self._orders.popitem(last=False)


class _Input(Struct):
    received_ns: int


class _Decided(Struct):
    """The part of a decision that has its commands."""

    input: _Input
    commands: tuple[BotCommand, ...] = ()
