"""A venue for tests of engines: answers commands a millisecond later, fills by simple rules.

Market orders and orders at the other side's best price are filled at once; others rest, and are
filled whole when the market comes to their price. Everything follows from the market's events.
"""

import heapq
from collections.abc import Iterable, Iterator
from decimal import Decimal
from random import Random

from msgspec import structs

from bot.bots import ONE, START_NS, fill, level, order_update, snapshot
from fluxum.bot import BotEvent, Market, Outcome
from fluxum.bot.books import Books
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.model.market import BookSnapshot, Candle, Side
from fluxum.model.order import Amend, Cancel, OrderRequest, OrderStatus, Place, TimeInForce

_MS_NS = 1_000_000


class Box:
    """One venue's orders; `events` are what the account receives, with their instants."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderRequest] = {}
        self.entered: list[str] = []
        self.waiting: list[tuple[int, int, BotEvent]] = []
        self._bid = self._ask = Decimal(0)
        self._count = 0

    def market(self, event: BookSnapshot) -> None:
        """The market has moved: fill what it came to."""
        self._bid, self._ask = event.bids[0].price, event.asks[0].price
        for name, order in list(self.orders.items()):
            assert order.limit_price is not None
            is_reached = (
                order.limit_price >= self._ask
                if order.side is Side.BUY
                else order.limit_price <= self._bid
            )
            if is_reached:
                self._fill(name, order, order.limit_price, event.received_ns)

    def send(self, commands: Iterable[BotCommand], now_ns: int) -> None:
        """Commands arrive at once; their answers come a millisecond later."""
        for one in commands:
            match one.command:
                case Place(request=order):
                    self._place(one.market, order, now_ns)
                case Cancel(client_order_ids=names):
                    for name in names:
                        known = self.orders.pop(name, None)
                        status = OrderStatus.CANCELED if known else OrderStatus.REFUSED
                        self._answer(one.market, name, status, now_ns, is_change=known is None)
                case Amend(client_order_id=name) as change:
                    known = self.orders.get(name)
                    if known is None:
                        refused = OrderStatus.REFUSED
                        self._answer(one.market, name, refused, now_ns, is_change=True)
                        continue
                    self.orders[name] = structs.replace(
                        known,
                        quantity=change.quantity or known.quantity,
                        limit_price=change.limit_price or known.limit_price,
                    )
                    self._answer(one.market, name, OrderStatus.OPEN, now_ns)

    def due(self, before_ns: int) -> Iterator[BotEvent]:
        """What the account receives up to an instant."""
        while self.waiting and self.waiting[0][0] <= before_ns:
            yield heapq.heappop(self.waiting)[2]

    def _place(self, market: Market, order: OrderRequest, now_ns: int) -> None:
        name = order.client_order_id
        assert name not in self.entered, "no order is entered twice"
        self.entered.append(name)
        best = self._ask if order.side is Side.BUY else self._bid
        price = order.limit_price
        is_at_once = price is None or (price >= best if order.side is Side.BUY else price <= best)
        self._answer(market, name, OrderStatus.OPEN, now_ns)
        if is_at_once and not order.post_only:
            self._fill(name, order, best, now_ns)
        elif price is None or order.time_in_force is TimeInForce.IOC or is_at_once:
            self._answer(market, name, OrderStatus.EXPIRED, now_ns)
        else:
            self.orders[name] = order

    def _fill(self, name: str, order: OrderRequest, price: Decimal, now_ns: int) -> None:
        self.orders.pop(name, None)
        seconds = (now_ns + _MS_NS - START_NS) / 1e9
        self._put(
            now_ns,
            structs.replace(
                fill(seconds, name, order.quantity, price, order.side, fees={"USD": "0.01"}),
                fill_id=f"F{self._count}",
                received_ns=now_ns + _MS_NS,
            ),
        )
        done = order_update(seconds, name, status=OrderStatus.FILLED, side=order.side)
        filled = order.quantity or Decimal(0)
        self._put(
            now_ns,
            structs.replace(done, filled=filled, quantity=filled, received_ns=now_ns + _MS_NS),
        )

    def _answer(
        self,
        market: Market,
        name: str,
        status: OrderStatus,
        now_ns: int,
        *,
        is_change: bool = False,
    ) -> None:
        answer = Outcome(
            venue=market.venue,
            symbol=market.symbol,
            client_order_id=name,
            status=status,
            is_change=is_change,
            received_ns=now_ns + _MS_NS,
        )
        self._put(now_ns, answer)

    def _put(self, now_ns: int, event: BotEvent) -> None:
        self._count += 1
        heapq.heappush(self.waiting, (now_ns + _MS_NS, self._count, event))


def moves(count: int, seed: int = 1, market: Market = ONE) -> list[BookSnapshot]:
    """A market that walks: one book every 0.4 seconds."""
    random, price = Random(seed), Decimal(100)
    found: list[BookSnapshot] = []
    for step in range(count):
        price += Decimal(random.randint(-12, 12)) / 10
        price = max(price, Decimal(50))
        spread = Decimal(random.randint(3, 8)) / 10
        made = snapshot(step * 0.4, market=market)
        found.append(
            structs.replace(
                made, bids=(level(price, 5),), asks=(level(price + spread, 5),), sequence=step + 1
            )
        )
    return found


def run(engine: Engine, box: Box, events: Iterable[BookSnapshot | Candle]) -> Iterator[BotEvent]:
    """Steps an engine through a market with this venue; yields each event after its step."""
    for event in events:
        for before in _ahead(engine, box, event.received_ns):
            box.send(engine.step(before), engine.now_ns)
            yield before
        if isinstance(event, BookSnapshot):
            box.market(event)
        box.send(engine.step(event), engine.now_ns)
        yield event


def _ahead(engine: Engine, box: Box, until_ns: int) -> Iterator[BotEvent]:
    """What comes before an instant: answers first, then timers, by their times."""
    while True:
        timer = engine.due()
        timer_ns = until_ns if timer is None else timer.received_ns
        answers = list(box.due(min(timer_ns, until_ns)))
        yield from answers
        if answers:
            continue
        if timer is None or timer.received_ns >= until_ns:
            return
        yield timer


def books(*markets: Market) -> Books:
    return Books(markets or (ONE,))
