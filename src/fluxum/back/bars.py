"""Back-tests on candles alone: fills at the next open, bounds where a candle shows no more.

A candle has no order of its prices. An order at the market is filled at the next open. A limit is
filled at the open if that is better, else at its own price if the candle went through it; a candle
that only touched it fills it in the optimistic world. A stop is filled at its price, or at the open
if that is worse. If a candle reaches a stop and a limit of one position, the stop comes first in
the pessimistic and the expected world, the limit in the optimistic one. An order that only reduces
is filled as far as there is something to reduce in that world.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.back.money import charge
from fluxum.bot.books import Books
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import decode, encode
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market
from fluxum.bot.strategy import Outcome, Strategy, Want
from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Fill, Liquidity
from fluxum.model.market import Candle, Side
from fluxum.model.order import Amend, Cancel, OrderRequest, OrderStatus, Place
from fluxum.orders.limits import RiskLimits
from fluxum.report.run import World

__all__ = ["BarFill", "BarResult", "backtest_candles"]

_ZERO = Decimal(0)
_WORLDS = tuple(World)
_NO_LIMITS = BotLimits(account=RiskLimits(collar_percent=None), commands_per_second_max=None)


class BarFill(Struct, frozen=True, kw_only=True):
    """A fill in one world, in the candle of this number, counted from 0."""

    world: World
    bar: int
    at_ns: int
    name: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal


class BarResult(Struct, frozen=True, kw_only=True):
    """What a back-test on candles found: fills in all worlds, and the hash of the decisions.

    `strategy` has its memory at the end. `positions` are those at the end, by world.
    """

    strategy: Strategy
    fills: tuple[BarFill, ...]
    positions: tuple[Decimal, Decimal, Decimal]
    decisions: int
    hash: str
    failed: str

    def of(self, world: World) -> tuple[BarFill, ...]:
        """The fills of one world."""
        return tuple(fill for fill in self.fills if fill.world is world)


class _Order:
    """An order that waits; what is left of it in each world."""

    def __init__(self, request: OrderRequest) -> None:
        assert request.quantity is not None, "every order of a bot has a quantity"
        self.request = request
        self.name = request.client_order_id
        self.limit = request.limit_price
        self.stop = None if request.trigger is None else request.trigger.price
        self.quantity = request.quantity
        self.left = [request.quantity] * 3
        self.side = request.side
        self.sign = 1 if request.side is Side.BUY else -1

    def price(self, candle: Candle, world: int) -> Decimal | None:
        """At which price a candle fills it in a world; `None` if it does not."""
        sign, open_ = self.sign, candle.open
        if self.stop is not None:
            is_through = (open_ - self.stop) * sign >= 0
            reaches = ((candle.high if sign > 0 else candle.low) - self.stop) * sign >= 0
            return open_ if is_through else self.stop if reaches else None
        if self.limit is None or (self.limit - open_) * sign >= 0:
            return open_
        beyond = (self.limit - (candle.low if sign > 0 else candle.high)) * sign
        is_filled = beyond > 0 or (beyond == 0 and world == 2)
        return self.limit if is_filled else None


def backtest_candles(
    strategy: Strategy,
    candles: Iterable[Candle],
    *,
    fees: Fees | None = None,
    fills: World | str = World.EXPECTED,
    limits: BotLimits | None = None,
    seed: int = 0,
) -> BarResult:
    """Run a copy of a strategy over closed candles of one market, in their order.

    `fills` is the world that the account follows. A bot's order lives from the next candle on.
    Without `limits` there are none, as the collar of prices needs a book.
    Raises BadInput for candles that are not closed or not in order, or of several markets.
    """
    run = _BarRun(strategy, fees or Fees.flat(), World(fills), limits, seed)
    for candle in candles:
        run.take(candle)
    return run.result()


class _BarRun:
    def __init__(
        self, strategy: Strategy, fees: Fees, world: World, limits: BotLimits | None, seed: int
    ) -> None:
        markets = [one.market for one in strategy.wants() if isinstance(one, Want)]
        if len(set(markets)) != 1:
            raise BadInput(f"a strategy of one market was expected, was {len(set(markets))}")
        self._market: Market = markets[0]
        copy = decode(encode(strategy), type(strategy))
        self._engine = Engine(copy, Books([]), limits or _NO_LIMITS, seed=seed)
        self._fees = fees
        self._world = _WORLDS.index(world)
        self._orders: list[_Order] = []
        self._positions = [_ZERO] * 3
        self._fills: list[BarFill] = []
        self._bar = -1
        self._last: Candle | None = None

    def take(self, candle: Candle) -> None:
        """Fill what waits within a candle, then let the strategy see it closed."""
        self._check(candle)
        self._bar += 1
        if self._orders:
            self._fill(candle)
        self._send(self._engine.step(candle), candle)

    def result(self) -> BarResult:
        """What was found so far."""
        low, mid, high = self._positions
        engine = self._engine
        return BarResult(
            strategy=engine.strategy,
            fills=tuple(self._fills),
            positions=(low, mid, high),
            decisions=engine.decisions,
            hash=engine.hash,
            failed=engine.failed,
        )

    def _check(self, candle: Candle) -> None:
        last, self._last = self._last, candle
        market = Market(candle.venue, candle.symbol)
        if market != self._market:
            raise BadInput(f"candles of {self._market} were expected, was one of {market}")
        if not candle.closed:
            raise BadInput(f"closed candles were expected, was the running one of {market}")
        if last is not None and candle.start_ns < last.end_ns:
            raise BadInput(f"a candle from {last.end_ns} ns on was expected, was {candle.start_ns}")

    def _fill(self, candle: Candle) -> None:
        """Fill what a candle reaches, in each world by its own order of events."""
        news: list[tuple[_Order, Decimal, Decimal]] = []
        for world in range(3):
            reached = [(order, order.price(candle, world)) for order in self._orders]
            ranked = sorted(reached, key=lambda one: _rank(one[0], one[1], candle, world))
            for order, price in ranked:
                if price is None or not order.left[world]:
                    continue
                quantity = self._quantity(order, world)
                if not quantity:
                    continue
                order.left[world] -= quantity
                self._book(order, world, price, quantity, candle)
                if world == self._world:
                    news.append((order, price, quantity))
        for order, price, quantity in news:
            self._tell(order, price, quantity, candle)

    def _quantity(self, order: _Order, world: int) -> Decimal:
        """How much of an order is filled: all, or what there is to reduce."""
        if not order.request.reduce_only:
            return order.left[world]
        there = max(_ZERO, self._positions[world] * -order.sign)
        return min(order.left[world], there)

    def _book(
        self, order: _Order, world: int, price: Decimal, quantity: Decimal, candle: Candle
    ) -> None:
        signed = quantity * order.sign
        self._positions[world] = EXACT.add(self._positions[world], signed)
        is_maker = order.limit is not None and order.stop is None
        tier = self._fees.tier(_ZERO)
        rate = tier.maker if is_maker else tier.taker
        self._fills.append(
            BarFill(
                world=_WORLDS[world],
                bar=self._bar,
                at_ns=candle.start_ns,
                name=order.name,
                side=order.side,
                price=price,
                quantity=quantity,
                fee=charge(self._fees, self._market, rate, price, signed).amount,
            )
        )

    def _tell(self, order: _Order, price: Decimal, quantity: Decimal, candle: Candle) -> None:
        """The bot learns of a fill before it sees the candle closed."""
        if not order.left[self._world]:
            self._orders.remove(order)
        tier = self._fees.tier(_ZERO)
        fee = charge(self._fees, self._market, tier.taker, price, quantity * order.sign)
        fill = Fill(
            venue=self._market.venue,
            symbol=self._market.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            fees=(fee,),
            liquidity=Liquidity.TAKER,
            fill_id=str(len(self._fills)),
            order_id=order.name,
            client_order_id=order.name,
            venue_ns=candle.start_ns,
            received_ns=candle.start_ns,
        )
        self._send(self._engine.step(fill), candle)

    def _send(self, commands: Sequence[BotCommand], candle: Candle) -> None:
        """Orders live from the next candle on; amends and cancels are certain."""
        for one in commands:
            match one.command:
                case Place(request=request):
                    self._orders.append(_Order(request))
                    name = request.client_order_id
                    self._answer(name, OrderStatus.OPEN, candle)
                case Cancel(client_order_ids=names):
                    for name in names:
                        self._end(name, candle)
                case Amend():
                    self._amend(one.command, candle)

    def _amend(self, command: Amend, candle: Candle) -> None:
        for order in self._orders:
            if order.name == command.client_order_id:
                if command.quantity is not None:
                    change = command.quantity - order.quantity
                    order.quantity = command.quantity
                    order.left = [max(_ZERO, one + change) for one in order.left]
                order.limit = command.limit_price or order.limit
                self._answer(order.name, OrderStatus.OPEN, candle)

    def _end(self, name: str, candle: Candle) -> None:
        self._orders = [one for one in self._orders if one.name != name]
        self._answer(name, OrderStatus.CANCELED, candle)

    def _answer(self, name: str, status: OrderStatus, candle: Candle) -> None:
        outcome = Outcome(
            venue=self._market.venue,
            symbol=self._market.symbol,
            client_order_id=name,
            status=status,
            received_ns=self._engine.now_ns,
        )
        self._send(self._engine.step(outcome), candle)


def _rank(order: _Order, price: Decimal | None, candle: Candle, world: int) -> int:
    """What comes first within a candle: its open, then stops or limits, by the world."""
    if price == candle.open:
        return 0
    is_stop = order.stop is not None
    return 1 if is_stop is (world < 2) else 2
