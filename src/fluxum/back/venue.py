"""The venues of a back-test, in integers: commands arrive, orders rest and trade, answers leave.

A command arrives after the latency of orders, and its answer and the fills reach the bot after that
of answers; neither overtakes the one before. Each order keeps its fills in three worlds, of which
the account follows one: its fills are those that the bot receives. An order leaves the queue once
it is filled in that world.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from math import floor

from fluxum.back.contact import BUY, SELL
from fluxum.back.lane import Lane
from fluxum.back.money import Accounts, Charge
from fluxum.back.records import RunOrder
from fluxum.bot.decision import BotCommand
from fluxum.bot.market import Market
from fluxum.bot.strategy import Outcome
from fluxum.fill.latency import Latency
from fluxum.fill.queue import QueuePlace
from fluxum.ledger.arithmetic import EXACT, add, multiply
from fluxum.model.account import Fill, Liquidity
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.model.order import Amend, Cancel, OrderStatus, OrderType, Place, TimeInForce

__all__ = ["Answer", "TapeVenues"]

Answer = Fill | Outcome
"""What a venue sends to the bot."""
NEVER_NS = (1 << 63) - 1
_WORLDS = (0, 1, 2)
# To look up a member of an enumeration costs a call.
_SIMULATED = (OrderType.LIMIT, OrderType.MARKET)
_BUY, _GTC, _FOK = Side.BUY, TimeInForce.GTC, TimeInForce.FOK
_MAKER, _TAKER = Liquidity.MAKER, Liquidity.TAKER
_OPEN, _FILLED = OrderStatus.OPEN, OrderStatus.FILLED
_CANCELED, _REFUSED = OrderStatus.CANCELED, OrderStatus.REFUSED


class TapeVenues:
    """The accounts of one bot at all venues of a tape."""

    def __init__(
        self,
        lanes: Mapping[Market, Lane],
        accounts: Accounts,
        latency: Latency,
        world: int,
        rules: Callable[[Market], Instrument | None],
    ) -> None:
        self.next_ns = NEVER_NS
        """When the next command arrives or the next answer is received."""
        self.orders: list[RunOrder] = []
        """Every order, in the order of decision."""
        self.accounts = accounts
        self._lanes = lanes
        self._sums = {
            lane.number: accounts.open(lane.market, lane.places) for lane in lanes.values()
        }
        self._begun = dict(self._begun_alone())
        self._latency = latency
        self._world = world
        self._rules = rules
        self._open: dict[str, RunOrder] = {}
        self._commands: deque[tuple[int, BotCommand, RunOrder | None]] = deque()
        self._answers: deque[tuple[int, Answer]] = deque()
        self._arrives_ns = self._answers_ns = 0
        self._fills = 0
        for lane in lanes.values():
            lane.contact.on_fill = partial(self._fill_resting, lane)
            lane.contact.on_loss = partial(self._doubt, lane)

    def _begun_alone(self) -> Iterator[tuple[tuple[int, int], int]]:
        """By lane and side, for assets that one market alone moves: the balance at the beginning.

        It is in whole units, those of the quote asset for buys, and not more than there was.
        """
        lanes = self._lanes.values()
        assets = Counter(
            (lane.venue, asset) for lane in lanes for asset in (lane.symbol.base, lane.symbol.quote)
        )
        for lane in lanes:
            base_places, quote_places = self._sums[lane.number].places
            sides = (BUY, lane.symbol.quote, quote_places), (SELL, lane.symbol.base, base_places)
            for side, asset, places in sides:
                if assets[lane.venue, asset] == 1:
                    begun = self.accounts.begun(lane.venue, asset)
                    yield (lane.number, side), floor(EXACT.scaleb(begun, places))

    def send(self, commands: Iterable[BotCommand], now_ns: int) -> None:
        """The bot sends commands."""
        for one in commands:
            self._arrives_ns = max(self._arrives_ns, now_ns + self._latency.order_ns())
            order: RunOrder | None = None  # which only a new one has
            if isinstance(one.command, Place):
                request = one.command.request
                side = BUY if request.side is _BUY else SELL
                order = RunOrder(len(self.orders), self._lane(one.market), request, side, now_ns)
                self.orders.append(order)
            self._commands.append((self._arrives_ns, one, order))
        self._set_next()

    def receive(self) -> Answer | None:
        """Let the next command arrive, or return the next answer: whichever is due at `next_ns`."""
        if self._answers and (not self._commands or self._answers[0][0] < self._commands[0][0]):
            answer = self._answers.popleft()[1]
            self._set_next()
            return answer
        at_ns, sent, order = self._commands.popleft()
        command = sent.command
        if order is not None:
            self._place(order, at_ns)
        elif isinstance(command, Amend):
            self._amend(sent.market, command, at_ns)
        elif isinstance(command, Cancel):
            self._cancel(sent.market, command, at_ns)
        self._set_next()
        return None

    def _set_next(self) -> None:
        first = self._commands[0][0] if self._commands else NEVER_NS
        self.next_ns = min(first, self._answers[0][0]) if self._answers else first

    # Commands

    def _place(self, order: RunOrder, now_ns: int) -> None:
        request, lane, side = order.request, order.lane, order.side
        order.arrived_ns = now_ns
        order.arrival_mid = lane.twice_mid
        problem = self._problem(order)
        if problem:
            self._end(order, _REFUSED, now_ns, problem)
            return
        key = order.key
        if request.post_only and key is not None and next(lane.offered(side, key), None):
            self._end(order, _REFUSED, now_ns, "it would take, and is post-only")
            return
        if request.time_in_force is _FOK:
            there = sum(free for _, free in lane.offered(side, key))
            if there < order.quantity:
                self._end(order, _CANCELED, now_ns, "it could not be filled whole")
                return
        meets_own = self._take(order, now_ns)
        if order.filled[self._world] >= order.quantity:
            order.status = _FILLED
        elif meets_own:
            self._end(order, _CANCELED, now_ns, "it would trade with one's own order")
        elif key is None or request.time_in_force is not _GTC:
            self._end(order, _CANCELED, now_ns, "nothing more was there to take")
        else:
            self._rest(order, key)
            self._tell(order, _OPEN, now_ns)

    def _problem(self, order: RunOrder) -> str:
        """Why an order is refused, else empty."""
        request, lane = order.request, order.lane
        if request.order_type not in _SIMULATED or request.trigger is not None:
            return f"{request.order_type.value} orders are not simulated on a tape"
        if request.quantity is None:
            return "an order with a quantity was expected"
        units = lane.units(request.quantity)
        rules = self._rules(lane.market)
        is_small = rules is not None and request.quantity < rules.quantity_min
        if not units or is_small:
            return f"quantity {request.quantity} is too small or between two lots"
        order.quantity = units
        if request.limit_price is not None:
            order.key = lane.key(order.side, request.limit_price)
            if order.key is None or (rules is not None and request.limit_price % rules.tick):
                return f"price {request.limit_price} is between two ticks"
        return self._short(order)

    def _short(self, order: RunOrder) -> str:
        """Which asset the account lacks for an order, else empty."""
        market = order.lane.market
        venue, symbol = market.venue, market.symbol
        if venue not in self.accounts.limited or symbol.contract or self._clearly_has(order):
            return ""
        asset = symbol.quote if order.side == BUY else symbol.base
        needed = self._hold(order)
        for other in self._open.values():
            same = other.lane.market.symbol.quote if other.side == BUY else other.lane.symbol.base
            if other.lane.venue == venue and same == asset:
                needed = add(needed, self._hold(other))
        there = self.accounts.total(venue, asset)
        return "" if needed <= there else f"insufficient funds: {needed} {asset} of {there}"

    def _clearly_has(self, order: RunOrder) -> bool:
        """Whether the account has what an order needs, as far as that is seen by integers alone."""
        begun = self._begun.get((order.lane.number, order.side))
        if begun is None or order.key is None:
            return False
        needed, side, world = 0, order.side, self._world
        for other in (order, *self._open.values()):
            if other.side == side and other.lane is order.lane:
                assert other.key is not None, "an order that rests has a key"
                units = other.quantity - other.filled[world]
                needed += units * other.key if side == BUY else units
        return needed <= begun + self._sums[order.lane.number].least(world, is_base=side == SELL)

    def _hold(self, order: RunOrder) -> Decimal:
        """What an order may need of its asset, without fees."""
        lane = order.lane
        quantity = lane.quantity(order.quantity - order.filled[self._world])
        if order.side == SELL:
            return quantity
        if order.key is not None:
            return multiply(quantity, lane.price(order.key))
        cost, left = Decimal(0), order.quantity
        for key, free in lane.offered(order.side, None):
            taken = min(free, left)
            cost = add(cost, multiply(lane.price(key), lane.quantity(taken)))
            left -= taken
            if not left:
                break
        return cost

    def _take(self, order: RunOrder, now_ns: int) -> bool:
        """Trade with what others show, the same in every world; whether it meets one's own order.

        It ends before it would trade with another order of the account.
        """
        lane = order.lane
        left = order.quantity - order.filled[self._world]
        own = lane.queues[1 - order.side].top
        meets_own = False
        for key, free in list(lane.offered(order.side, order.key)):
            meets_own = key <= own
            if meets_own:
                break
            units = min(free, left)
            lane.take(order.side, key, units)
            for world in _WORLDS:
                whole = order.quantity - order.filled[world]
                if whole > 0:
                    self._fill_taker(order, world, -key, min(units, whole), now_ns)
            left -= units
            if not left:
                break
        reaches_own = order.key is not None and -order.key <= own
        return left > 0 and (meets_own or reaches_own)

    def _rest(self, order: RunOrder, key: int) -> None:
        lane, side = order.lane, order.side
        order.key = key
        queue, place = lane.queues[side], order.place
        quantity, shown, best = order.quantity, lane.shown(side, key), lane.best(side)
        low, mid, high = order.filled
        if place is None:
            order.place = queue.enter(order.number, key, quantity, shown, best, (low, mid, high))
        else:
            order.was_alone = order.was_alone or place.was_alone
            taken = order.filled[self._world] - place.fills[self._world]
            order.place = queue.move(place, key, quantity, shown, best, taken)
        order.was_in_gap = order.was_in_gap or lane.contact.is_lost
        order.status = _OPEN
        self._open[order.name] = order

    def _amend(self, market: Market, command: Amend, now_ns: int) -> None:
        order = self._open.get(command.client_order_id)
        if order is None or order.place is None:
            self._refuse_change(market, command.client_order_id, now_ns, "no such order rests")
            return
        lane, side, place = order.lane, order.side, order.place
        quantity = order.quantity
        if command.quantity is not None:
            quantity = lane.units(command.quantity) or 0
        key: int | None = place.key
        if command.limit_price is not None:
            key = lane.key(side, command.limit_price)
        filled = order.filled[self._world]
        if key is None or quantity <= 0:
            self._refuse_change(market, order.name, now_ns, f"no such quantity or price: {command}")
            return
        if order.request.post_only and next(lane.offered(side, key), None) and key != place.key:
            self._refuse_change(market, order.name, now_ns, "it would take, and is post-only")
            return
        if key == place.key and filled < quantity <= order.quantity:
            order.quantity = quantity
            place.resize(quantity)
            self._tell(order, _OPEN, now_ns)
            return
        order.quantity, order.key = quantity, key
        self._tell(order, _OPEN, now_ns)
        if quantity <= filled:
            self._leave(order)
            self._end(order, _CANCELED, now_ns, "it is filled as far as it is left")
            return
        meets_own = self._take(order, now_ns)
        if order.filled[self._world] >= order.quantity:
            self._leave(order)
            order.status = _FILLED
        elif meets_own:
            self._leave(order)
            self._end(order, _CANCELED, now_ns, "it would trade with one's own order")
        else:
            self._rest(order, key)

    def _cancel(self, market: Market, command: Cancel, now_ns: int) -> None:
        for name in command.client_order_ids:
            order = self._open.get(name)
            if order is None:
                self._refuse_change(market, name, now_ns, "no such order rests")
            else:
                self._leave(order)
                self._end(order, _CANCELED, now_ns, "")

    # Fills

    def _fill_resting(self, lane: Lane) -> None:
        orders, now_ns, followed = self.orders, lane.now_ns, self._world
        fill, sums, marks = self.accounts.fill, self._sums[lane.number], lane.marks(now_ns)
        for queue in lane.queues:
            news = queue.news
            if not news:
                continue
            done: dict[int, QueuePlace] = {}
            for place, world, units in news:
                order, key = orders[place.order_id], place.key
                signed = units if order.side == BUY else -units
                charge = fill(sums, world, now_ns, abs(key), signed, is_maker=True)
                order.fill(world, now_ns, key, units, charge.number, marks, is_maker=True)
                if world == followed:
                    done[order.number] = place
                    self._tell_fill(order, key, units, charge, now_ns, is_maker=True)
            news.clear()
            for number, place in done.items():
                order = orders[number]
                if order.place is place and order.filled[followed] >= order.quantity:
                    self._leave(order)
                    order.status = _FILLED
        self._set_next()
        lane.wake_at(self.next_ns)

    def _fill_taker(self, order: RunOrder, world: int, key: int, units: int, now_ns: int) -> None:
        lane, signed = order.lane, units if order.side == BUY else -units
        sums, marks = self._sums[lane.number], lane.marks(now_ns)
        charge = self.accounts.fill(sums, world, now_ns, abs(key), signed, is_maker=False)
        order.fill(world, now_ns, key, units, charge.number, marks, is_maker=False)
        if world == self._world:
            self._tell_fill(order, key, units, charge, now_ns, is_maker=False)

    def _tell_fill(
        self, order: RunOrder, key: int, units: int, charge: Charge, now_ns: int, *, is_maker: bool
    ) -> None:
        lane = order.lane
        price, quantity = lane.price(key), lane.quantity(units)
        self._fills += 1
        self._answers.append(
            (
                at_ns := self._answer_ns(now_ns),
                Fill(
                    venue=lane.venue,
                    symbol=lane.symbol,
                    side=order.request.side,
                    price=price,
                    quantity=quantity,
                    fees=(charge.fee(price, quantity),),
                    liquidity=_MAKER if is_maker else _TAKER,
                    fill_id=str(self._fills),
                    order_id=str(order.number + 1),
                    client_order_id=order.name,
                    venue_ns=now_ns,
                    received_ns=at_ns,
                ),
            )
        )

    def _doubt(self, lane: Lane) -> None:
        for order in self._open.values():
            if order.lane is lane:
                order.was_in_gap = True

    # Answers

    def _leave(self, order: RunOrder) -> None:
        """Take an order out of its queue."""
        assert order.place is not None, "an order that rests has a place"
        order.was_alone = order.was_alone or order.place.was_alone
        order.lane.queues[order.side].leave(order.place)
        order.place = None
        del self._open[order.name]

    def _end(self, order: RunOrder, status: OrderStatus, now_ns: int, reason: str) -> None:
        order.status = status
        self._tell(order, status, now_ns, reason)

    def _tell(self, order: RunOrder, status: OrderStatus, now_ns: int, reason: str = "") -> None:
        outcome = Outcome(
            venue=order.lane.venue,
            symbol=order.lane.symbol,
            client_order_id=order.name,
            status=status,
            order_id=str(order.number + 1),
            reason=reason,
            received_ns=self._answer_ns(now_ns),
        )
        self._answers.append((outcome.received_ns, outcome))

    def _refuse_change(self, market: Market, name: str, now_ns: int, reason: str) -> None:
        outcome = Outcome(
            venue=market.venue,
            symbol=market.symbol,
            client_order_id=name,
            status=_REFUSED,
            reason=reason,
            is_change=True,
            received_ns=self._answer_ns(now_ns),
        )
        self._answers.append((outcome.received_ns, outcome))

    def _answer_ns(self, now_ns: int) -> int:
        """When the next answer is received."""
        at_ns = now_ns + self._latency.answer_ns()
        if at_ns > self._answers_ns:
            self._answers_ns = at_ns
        return self._answers_ns

    def _lane(self, market: Market) -> Lane:
        return self._lanes[market]
