"""A venue on paper: commands and market data go in with their instants, account events come out.

It is pure: it has no clock, no loop and no link.

*Time.* A command sent at `now_ns` arrives after the latency of orders, and is processed on the book
of that instant; the events that follow from it reach the client after the latency of answers. What
happens at one instant happens in this order: what arrives at the venue, then market data. So
everything that was due before a piece of market data is processed first.

*Gaps.* While market data is lost, resting orders may trade unseen. When the book is known again,
an order is filled in every history if the market went beyond its price, as then a fill is the
worse outcome; otherwise at best it is filled, and at worst it is not. Orders that arrive in a gap
are refused.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.fill.latency import ConstantLatency, Latency
from fluxum.fill.queue import World
from fluxum.model.account import Balances
from fluxum.model.event import AccountEvent
from fluxum.model.instrument import Asset, Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.model.order import (
    Command,
    OpenOrders,
    OrderUpdate,
)
from fluxum.paper.account import PaperAccount
from fluxum.paper.commands import PaperCommands
from fluxum.paper.market import PaperMarket
from fluxum.paper.records import OrderRecord, PaperOrder
from fluxum.paper.trading import PaperTrading
from fluxum.paper.transit import PaperFaults, Transit

__all__ = ["PaperVenue"]

_KEPT_MAX = 20_000
_DIGITS_LEAST = 8


class PaperVenue:
    """One account at one venue, on paper. `instruments` are the markets that it knows.

    `fills` is the history that the account follows. `name` begins every id that the venue gives,
    and must differ between two venues whose ids a journal may meet. `apart` is that of QueueSide.
    """

    def __init__(
        self,
        venue: str,
        instruments: Iterable[Instrument],
        *,
        deposit: Mapping[str, Decimal] | None = None,
        fees: Fees | None = None,
        latency: Latency | None = None,
        fills: World | str = World.EXPECTED,
        faults: PaperFaults | None = None,
        name: str = "P",
        apart: int = 0,
        now_ns: int = 0,
    ) -> None:
        self.venue = venue
        self.world = _world(fills)
        self.fees = fees or Fees.flat()
        self.latency = latency or ConstantLatency()
        self.markets = {one.symbol: PaperMarket(one, apart) for one in instruments}
        self.account = PaperAccount(venue, self.quantum, self._next_name)
        self.transit = Transit(self.latency, faults or PaperFaults())
        self._trading = PaperTrading(
            self.markets,
            self.account,
            self.fees,
            self.world,
            self.quantum,
            self._next_name,
            self.transit.answer,
            self._keep,
        )
        self._name, self._names = name, 0
        self._ended: OrderedDict[str, OrderUpdate] = OrderedDict()
        self._records: OrderedDict[str, OrderRecord] = OrderedDict()
        self._commands = PaperCommands(venue, self._trading, self.transit)
        self.account.deposit({Asset(a): one for a, one in (deposit or {}).items()}, now_ns)

    def quantum(self, asset: Asset) -> Decimal:
        """The smallest amount of an asset: costs in the markets of the venue are exact."""
        digits = _DIGITS_LEAST
        for market in self.markets.values():
            one = market.instrument
            if one.quote == asset:
                digits = max(digits, one.price_precision + one.quantity_precision)
            elif one.base == asset:
                digits = max(digits, one.quantity_precision)
        return Decimal((0, (1,), -digits))

    # The client's side

    def command(self, command: Command, now_ns: int) -> int:
        """Send a command; returns its number, which its answers carry."""
        self._advance(now_ns)
        return self.transit.send(command, now_ns)

    def due(self, now_ns: int) -> list[AccountEvent]:
        """What reaches the client until now, in order."""
        self._advance(now_ns)
        return self.transit.due(now_ns)

    @property
    def next_ns(self) -> int | None:
        """The next instant at which something happens without market data; `None` if nothing."""
        instants = (
            self.transit.next_command_ns,
            self.transit.next_event_ns,
            self._commands.next_timer_ns,
        )
        return min((one for one in instants if one is not None), default=None)

    def snapshot(self, now_ns: int) -> Sequence[OpenOrders | Balances]:
        """The open orders and the balances, as a venue sends them first."""
        orders = tuple(self.open_orders())
        return (
            Balances(venue=self.venue, balances=self.account.balances(now_ns), received_ns=now_ns),
            OpenOrders(venue=self.venue, orders=orders, received_ns=now_ns),
        )

    def open_orders(self) -> list[OrderUpdate]:
        """Orders that have not ended."""
        return [order.live.update() for order in self._trading.orders.values()]

    def closed_orders(self) -> list[OrderUpdate]:
        """Orders that ended, newest first; at most 20,000 are kept."""
        return list(reversed(self._ended.values()))

    def record(self, order_id: str) -> OrderRecord | None:
        """The fills of an order in all histories; `None` if it is not known or forgotten."""
        order = self._trading.orders.get(order_id)
        return self._records.get(order_id) if order is None else order.record()

    def records(self) -> list[OrderRecord]:
        """The fills of every order that is kept, those that ended first."""
        open_ones = [order.record() for order in self._trading.orders.values()]
        return list(self._records.values()) + open_ones

    # Market data, at the instants it was received

    def book(self, book: BookSnapshot | BookUpdate) -> None:
        """Process a whole book, or changes of one; of markets that are not known, nothing."""
        market, now_ns = self.markets.get(book.symbol), book.received_ns
        if market is None:
            return
        self._advance(now_ns)
        if isinstance(book, BookUpdate):
            if market.is_known:
                market.update(book)
                self._trading.news(market, now_ns)
            return
        was_lost = market.lost_ns is not None
        market.snapshot(book)
        if was_lost:
            self._resolve(market)
        market.show_all()
        self._trading.news(market, now_ns)

    def trade(self, trade: Trade) -> None:
        """Process a trade; one from the venue's history is not new, and is left out."""
        market = self.markets.get(trade.symbol)
        if market is None or trade.backfilled:
            return
        self._advance(trade.received_ns)
        market.trade(trade)
        self._trading.news(market, trade.received_ns)
        self._trading.see(market, trade.price, trade.received_ns)

    def lost(self, now_ns: int, symbols: Iterable[Symbol] | None = None) -> None:
        """Process that market data is lost, of some markets or all, until their next snapshot."""
        self._advance(now_ns)
        for symbol in self.markets if symbols is None else symbols:
            market = self.markets.get(symbol)
            if market is None or market.lost_ns is not None:
                continue
            market.lost_ns = now_ns
            for order in self._resting(market):
                order.was_in_gap = True

    # Pieces

    def _resting(self, market: PaperMarket) -> list[PaperOrder]:
        symbol = market.instrument.symbol
        orders = self._trading.orders.values()
        return [one for one in orders if one.place and one.live.request.symbol == symbol]

    def _resolve(self, market: PaperMarket) -> None:
        """Decide what happened in a gap, once the book is known again."""
        mid = market.mid
        for queue in market.queues.values():
            queue.lose()
        for order in self._resting(market):
            limit, place = order.live.limit_price, order.place
            if mid is None or limit is None or place is None:
                continue
            if mid < limit if order.side is Side.BUY else mid > limit:
                market.queues[order.side].complete(place)

    def _advance(self, now_ns: int) -> None:
        """Process commands and timers that are due until now, in order of their instants."""
        while True:
            timer_ns, arrival_ns = self._commands.next_timer_ns, self.transit.next_command_ns
            first_ns = now_ns if arrival_ns is None else min(now_ns, arrival_ns)
            if timer_ns is not None and timer_ns <= first_ns:
                self._commands.end_due(timer_ns)
                continue
            arrived = self.transit.arrive(now_ns)
            if arrived is None:
                return
            self._commands.process(*arrived)

    def _keep(self, order: PaperOrder) -> None:
        """Keep an order that ended, with its fills in all histories."""
        name = order.live.order_id
        self._ended[name], self._records[name] = order.live.update(), order.record()
        for kept in (self._ended, self._records):
            if len(kept) > _KEPT_MAX:
                kept.popitem(last=False)

    def _next_name(self, prefix: str) -> str:
        self._names += 1
        return f"{self._name}{prefix}{self._names}"


def _world(fills: World | str) -> World:
    try:
        return World(fills)
    except ValueError:
        names = ", ".join(world.value for world in World)
        raise BadInput(f"fills: one of {names} was expected, was {fills!r}") from None
