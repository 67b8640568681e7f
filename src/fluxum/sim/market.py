"""A simulated market: a matching engine, a seeded flow of orders, and their history.

A fair value wanders with a volatility that changes over time. Limit orders arrive at geometric
distances from it, some of them marketable, others are cancelled, and market orders of varied
sizes take resting orders. Each side keeps at least `depth` levels. Floats decide what happens;
quantities and prices are whole lots and ticks, so every one is an exact Decimal.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import exp
from random import Random

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, RestingOrder, Side, Ticker, Trade
from fluxum.sim.history import History
from fluxum.sim.instruments import Listing
from fluxum.sim.matching import Execution, MatchingEngine, Outcome

__all__ = ["SimulatedMarket"]

_VOLATILITY = 1e-5  # of the price, at each step
_NEARNESS = 2e-5  # of the price: the mean distance of a new order from the fair value
_ORDER_NOTIONAL = 4000.0  # of the quote asset, typically
_REACH = 6.0  # in mean distances: how far the fair value can be from the book's middle
_VOLATILITY_STEPS = 4
_SWEEP_LEVELS = 3  # a market order takes at most so many levels
_ORDERS_PER_LEVEL = 1.6
_MICROSECOND = 1000


class SimulatedMarket:
    """One market of a simulated exchange. Instants are handed in and must not go back."""

    def __init__(self, listing: Listing, random: Random, now_ns: int, depth: int = 30) -> None:
        self.instrument: Instrument = listing.instrument
        self.symbol: Symbol = listing.instrument.symbol
        self.depth = depth
        self.moved_ns = now_ns
        self.engine = MatchingEngine(listing.instrument)
        self.history = History(listing.instrument)
        self._random = random
        self._tick = listing.instrument.tick
        self._lot = listing.instrument.lot
        self._two_ticks = 2 * float(self._tick)
        self._last_order = 0
        self._last_trade = 0
        self.foreign: list[tuple[Execution, Trade]] = []
        """Trades with an order of an account; the reader removes them."""
        self._bids: list[str] = []  # ids of resting orders, in no order
        self._asks: list[str] = []
        self._places: dict[str, int] = {}
        start = int(listing.start_price / self._tick)
        self._reserve = max(5, depth // 5)
        self._levels_least = depth + self._reserve // 2
        self._orders_max = int((depth + 2 * self._reserve) * _ORDERS_PER_LEVEL)
        self._nearness = max(2.0, start * _NEARNESS, depth * 0.5)
        self._bounds = (max(start * 0.25, 4.0 * (depth + self._reserve)), start * 4.0)
        self._fair = max(float(start), self._bounds[0])
        self._start = self._middle = self._fair
        self._heat = 0.0  # logarithm of the volatility, relative to its mean
        self._volatility = self._start * _VOLATILITY
        self._steps = 0
        self._id_end = f"-SIMUL-{self.symbol.base}"
        self._lots_least = max(1, int(listing.instrument.quantity_min / self._lot))
        self._lots_usual = _ORDER_NOTIONAL / float(listing.start_price) / float(self._lot)
        self._open(now_ns)

    # What a venue's server may see

    def levels(self, side: Side, count: int) -> list[Level]:
        """The best levels of one side, best first."""
        return self.engine.levels(side, count)

    def trades(self, count: int) -> Sequence[Trade]:
        """The last trades, oldest first; at most a thousand are remembered."""
        return self.history.trades(count)

    def candles(self, interval_s: int, count: int) -> Sequence[Candle]:
        """The last candles, oldest first; intervals without a trade have none."""
        return self.history.candles(interval_s, count, self.moved_ns)

    def ticker(self) -> Ticker:
        """The ticker, consistent with the book and the trades of this moment."""
        bids, asks = self.levels(Side.BUY, 1), self.levels(Side.SELL, 1)
        return self.history.ticker(
            bids[0] if bids else None, asks[0] if asks else None, self.moved_ns
        )

    # What moves it

    def step(self, now_ns: int) -> Sequence[Trade]:
        """Make one move: an order, a cancel or a market order; returns the trades."""
        self.moved_ns = now_ns
        self._wander()
        side = Side.BUY if self._random.random() < self._demand() else Side.SELL
        thin = self._thin_side()
        if thin is not None:
            return self._add(thin, now_ns)
        chance = self._random.random()
        if chance < 0.14:
            return self._take(side, now_ns)
        crowded = len(self._ids(side)) >= self._orders_max
        if chance < (0.3 if crowded else 0.62):
            return self._add(side, now_ns)
        self._withdraw(side)
        return ()

    def warm_up(self, now_ns: int, steps: int, span_s: float) -> None:
        """Make `steps` moves that happened during the `span_s` before now."""
        span_ns = int(span_s * 1e9)
        for index in range(steps):
            past_ns = now_ns - span_ns + span_ns * index // steps
            self.step(past_ns // _MICROSECOND * _MICROSECOND)
        self.moved_ns = now_ns

    def limit(self, side: Side, price: Decimal, quantity: Decimal, now_ns: int) -> Outcome:
        """Enter a limit order; raises BadInput for a price or quantity off the grid."""
        order_id = self._next_id()
        outcome = self.engine.limit(order_id, side, price, quantity, now_ns)
        if outcome.resting is not None:
            ids = self._ids(side)
            self._places[order_id] = len(ids)
            ids.append(order_id)
        self._publish_trades(outcome, "limit", now_ns)
        return outcome

    def market(self, side: Side, quantity: Decimal, now_ns: int) -> Outcome:
        """Enter a market order; raises BadInput for a quantity off the grid."""
        outcome = self.engine.market(self._next_id(), side, quantity)
        self._publish_trades(outcome, "market", now_ns)
        return outcome

    def cancel(self, order_id: str, now_ns: int) -> RestingOrder | None:
        """Cancel an order and return it; `None` if there is no such order."""
        side = self.engine.side(order_id)
        order = self.engine.cancel(order_id)
        if side is not None:
            self._forget(side, order_id)
            self.moved_ns = now_ns
        return order

    # Orders of accounts, which the flow trades with and never cancels

    def take(
        self,
        order_id: str,
        side: Side,
        quantity: Decimal,
        limit: Decimal | None,
        order_type: str,
        now_ns: int,
    ) -> None:
        """Trade with resting orders, as far as the price allows; see `foreign` for the trades."""
        self.moved_ns = now_ns
        for execution in self.engine.take(order_id, side, quantity, limit):
            self.foreign.append((execution, self._publish_trade(execution, order_type, now_ns)))

    def rest(
        self,
        order_id: str,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        now_ns: int,
        shown: Decimal | None = None,
    ) -> None:
        """Add an order that trades with nothing to the book; see MatchingEngine.rest."""
        self.moved_ns = now_ns
        self.engine.rest(order_id, side, price, quantity, now_ns, shown)

    def withdraw(self, order_id: str, now_ns: int) -> None:
        """Remove an account's order from the book, if it is there."""
        if self.engine.cancel(order_id) is not None:
            self.moved_ns = now_ns

    def reduce(self, order_id: str, quantity: Decimal, now_ns: int) -> None:
        """Reduce an account's order; it keeps its place."""
        self.engine.reduce(order_id, quantity)
        self.moved_ns = now_ns

    @property
    def last_price(self) -> Decimal | None:
        """The price of the last trade."""
        last = self.trades(1)
        return last[0].price if last else None

    @property
    def last_trade(self) -> int:
        """The number of the last trade; the next one has the next."""
        return self._last_trade

    def _publish_trades(self, outcome: Outcome, order_type: str, now_ns: int) -> None:
        self.moved_ns = now_ns
        for execution in outcome.executions:
            is_foreign = execution.maker_id not in self._places
            trade = self._publish_trade(execution, order_type, now_ns)
            if is_foreign:
                self.foreign.append((execution, trade))

    def _publish_trade(self, execution: Execution, order_type: str, now_ns: int) -> Trade:
        """Publish a trade, and forget a maker of the flow that is filled."""
        self._last_trade += 1
        trade = Trade(
            venue=self.instrument.venue,
            symbol=self.symbol,
            side=execution.side,
            price=execution.price,
            quantity=execution.quantity,
            trade_id=str(self._last_trade),
            sequence=self._last_trade,
            order_type=order_type,
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        self.history.add(trade)
        maker_id = execution.maker_id
        if maker_id in self._places and self.engine.order(maker_id) is None:
            self._forget(execution.side.opposite, maker_id)
        return trade

    # The flow

    def _open(self, now_ns: int) -> None:
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            ticks = int(self._fair)
            for _ in range(self.depth + self._reserve):
                ticks += sign * (1 + int(self._random.expovariate(self.depth / self._nearness)))
                ticks = max(1, ticks)
                self.limit(side, self._tick * ticks, self._quantity(1.0), now_ns)

    def _wander(self) -> None:
        """Move the fair value; the book follows it, and it stays near the book."""
        self._steps += 1
        if self._steps % _VOLATILITY_STEPS == 0:
            self._update_volatility()
        fair = self._fair + self._random.gauss(0.0, self._volatility)
        reach = _REACH * self._nearness
        fair = min(max(fair, self._middle - reach), self._middle + reach)
        self._fair = min(max(fair, self._bounds[0]), self._bounds[1])

    def _update_volatility(self) -> None:
        """Update the book's middle, in ticks, and the volatility."""
        bid, ask = self.engine.book.bids.best, self.engine.book.asks.best
        if bid is not None and ask is not None:
            self._middle = (float(bid) + float(ask)) / self._two_ticks
        self._heat += self._random.gauss(0.0, 0.2) - 0.08 * self._heat
        self._volatility = self._start * _VOLATILITY * exp(self._heat)

    def _demand(self) -> float:
        """How likely the next order buys: the further the book is below fair value, the more."""
        pull = (self._fair - self._middle) / (_REACH * self._nearness)
        return 0.5 + 0.4 * max(-1.0, min(1.0, pull))

    def _thin_side(self) -> Side | None:
        """A side that has nearly too few levels, the thinner one first."""
        bids, asks = self.engine.bid_count, self.engine.ask_count
        if bids >= self._levels_least <= asks:
            return None
        return Side.BUY if bids < asks else Side.SELL

    def _add(self, side: Side, now_ns: int) -> Sequence[Trade]:
        distance = 1 + int(self._random.expovariate(1 / self._nearness))
        if side is Side.BUY:
            price = self._tick * max(1, int(self._fair) - distance)
            best, step = self.engine.book.asks.best, -self._tick
            crosses = best is not None and price >= best
        else:
            price = self._tick * (int(self._fair) + distance)
            best, step = self.engine.book.bids.best, self._tick
            crosses = best is not None and price <= best
        if crosses and best is not None:
            price = best if self._may_take(side) else best + step
        before = self._last_trade
        self.limit(side, self._free(side, price), self._quantity(1.0), now_ns)
        return self.trades(self._last_trade - before)

    def _free(self, side: Side, price: Decimal) -> Decimal:
        """The price itself, or while levels are few the next deeper one without a level."""
        deeper = -self._tick if side is Side.BUY else self._tick
        if self.engine.level_count(side) < self._levels_least:
            while self.engine.level(side, price) is not None:
                price += deeper
        return max(self._tick, price)

    def _may_take(self, side: Side) -> bool:
        return self.engine.level_count(side.opposite) > self.depth and self._random.random() < 0.5

    def _take(self, side: Side, now_ns: int) -> Sequence[Trade]:
        against = side.opposite
        spare = self.engine.level_count(against) - self.depth
        if spare <= 0:
            return self._add(against, now_ns)
        offered = self.engine.levels(against, min(spare, _SWEEP_LEVELS))
        most = sum((level.quantity for level in offered), Decimal(0))
        wanted = self._quantity(3.0 if self._random.random() < 0.1 else 0.4)
        before = self._last_trade
        self.market(side, min(wanted, most), now_ns)
        return self.trades(self._last_trade - before)

    def _withdraw(self, side: Side) -> None:
        """Cancel one order, unless too few levels would be left."""
        ids = self._ids(side)
        if not ids:  # all orders left on this side are of accounts
            return
        order_id = ids[int(self._random.random() * len(ids))]
        if self.engine.level_count(side) > self.depth:
            self.engine.cancel(order_id)
            self._forget(side, order_id)

    def _quantity(self, size: float) -> Decimal:
        lots = self._lots_least + int(self._random.expovariate(1.0) * self._lots_usual * size)
        return self._lot * lots

    def _next_id(self) -> str:
        self._last_order += 1
        return f"O{self._last_order:05X}{self._id_end}"

    def _ids(self, side: Side) -> list[str]:
        return self._bids if side is Side.BUY else self._asks

    def _forget(self, side: Side, order_id: str) -> None:
        """Take an id out of its list by moving the last one to its place."""
        ids = self._ids(side)
        place = self._places.pop(order_id)
        moved = ids.pop()
        if moved != order_id:
            ids[place] = moved
            self._places[moved] = place
