"""Fills with the order against what the market data without it allow: are the bounds true?

The same seeded flow of other people's orders goes through two matching engines of the simulated
exchanges: one that has our order (the truth), one that has not (the tape). The bounds know the tape
alone.
"""

from collections import deque
from decimal import Decimal
from random import Random

from msgspec import Struct, structs

from fluxum.fill.queue import NO_KEY, QueuePlace, QueueSide
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.sim.instruments import listing
from fluxum.sim.matching import Execution, MatchingEngine
from fluxum.venues.kraken.venue import KRAKEN

MIDDLE = 1000
DEPTH = 60


class Flow(Struct, frozen=True):
    """What the other traders do, and how the tape shows it."""

    steps: int = 60
    sweeps: float = 0.06
    immediate: float = 0.0
    """Limit orders whose rest is gone: they leave no trace where only our order was."""
    late: int = 0
    """Frames of the book after which a trade is published."""
    delay: int = 3
    """Steps a command of ours takes to arrive."""
    changes: bool = True
    """Whether we amend and cancel too."""


class Verdict(Struct):
    """How one order ended, and how often its truth was outside."""

    quantity: int
    below: int = 0
    """Checks at which less was filled than the pessimistic history says."""
    above: int = 0
    was_alone: bool = False
    filled: int = 0
    bounds: tuple[int, int, int] = (0, 0, 0)

    @property
    def is_outside(self) -> bool:
        return bool(self.below or self.above)

    @property
    def width(self) -> float:
        """The difference of the bounds, as a part of the order."""
        return (self.bounds[2] - self.bounds[0]) / self.quantity


class Op(Struct, frozen=True):
    """One thing that another trader does."""

    kind: str
    order_id: str
    side: Side = Side.BUY
    price: int = 0
    quantity: int = 0


class Traders:
    """Makes the flow from the tape's state alone: it does not react to us."""

    def __init__(self, random: Random, flow: Flow) -> None:
        self.random = random
        self.flow = flow
        self.number = 0
        self.resting = list[str]()

    def next(self, tape: MatchingEngine) -> Op:
        random, self.number = self.random, self.number + 1
        name, luck = f"o{self.number}", random.random()
        side = random.choice((Side.BUY, Side.SELL))
        if luck < self.flow.sweeps:
            return Op("market", name, side, 0, random.randint(1, 60))
        if luck < 0.42 and self.resting:
            index = random.randrange(len(self.resting))
            self.resting[index], self.resting[-1] = self.resting[-1], self.resting[index]
            return Op("cancel", self.resting.pop())
        bid, ask = tape.bids.best, tape.asks.best
        middle = MIDDLE if bid is None or ask is None else int(bid.price + ask.price) // 2
        away = random.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2, 3, 4, 6))
        price = middle - away if side is Side.BUY else middle + away + 1
        if luck > 1 - self.flow.immediate:
            return Op("immediate", name, side, price, random.randint(1, 30))
        self.resting.append(name)
        return Op("limit", name, side, price, random.randint(1, 20))


def apply(engine: MatchingEngine, op: Op) -> tuple[Execution, ...]:
    """Do it, if it can be done here: an order that is filled cannot be canceled."""
    quantity = Decimal(op.quantity)
    match op.kind:
        case "market":
            return engine.market(op.order_id, op.side, quantity).executions
        case "cancel":
            engine.cancel(op.order_id)
            return ()
        case "immediate":
            return engine.take(op.order_id, op.side, quantity, Decimal(op.price))
        case _:
            return engine.limit(op.order_id, op.side, Decimal(op.price), quantity, 0).executions


class Ours:
    """Our order in the truth: filled by the executions that name it."""

    def __init__(self, engine: MatchingEngine, side: Side, price: int, quantity: int) -> None:
        self.engine, self.side = engine, side
        self.quantity, self.filled, self.entries, self.is_over = quantity, 0, 0, False
        self.enter(price)

    def enter(self, price: int) -> None:
        self.entries += 1
        self.price = price
        left = Decimal(self.quantity - self.filled)
        self.engine.rest(f"ours{self.entries}", self.side, Decimal(price), left, 0)

    def see(self, executions: tuple[Execution, ...]) -> None:
        name = f"ours{self.entries}"
        self.filled += sum(int(one.quantity) for one in executions if one.maker_id == name)
        self.is_over = self.is_over or self.filled >= self.quantity

    def cancel(self) -> None:
        self.engine.cancel(f"ours{self.entries}")
        self.is_over = True

    def reduce(self, quantity: int) -> None:
        self.quantity = quantity
        if quantity <= self.filled:
            self.cancel()
            return
        name = f"ours{self.entries}"
        resting = self.engine.order(name)
        assert resting is not None, "an order that is not over rests"
        self.engine.reduce(name, resting.quantity - (quantity - self.filled))

    def move(self, price: int, quantity: int) -> None:
        self.engine.cancel(f"ours{self.entries}")
        self.quantity = quantity
        self.enter(price)


class Tape:
    """The market data of one side, as rows, and our order's place by them."""

    def __init__(self, engine: MatchingEngine, side: Side, flow: Flow) -> None:
        self.engine, self.side, self.flow = engine, side, flow
        self.sign = 1 if side is Side.BUY else -1
        self.queue = QueueSide(flow.late)
        self.waiting = deque[list[tuple[int, int]]]()

    def shown(self, side: Side, price: int) -> int:
        level = self.engine.level(side, Decimal(price))
        return 0 if level is None else int(level.quantity)

    def best(self) -> int:
        ladder = self.engine.bids if self.side is Side.BUY else self.engine.asks
        return NO_KEY if ladder.best is None else self.sign * int(ladder.best.price)

    def enter(self, price: int, quantity: int) -> QueuePlace:
        shown = self.shown(self.side, price)
        return self.queue.enter(1, self.sign * price, quantity, shown, self.best())

    def move(self, place: QueuePlace, price: int, quantity: int) -> QueuePlace:
        shown = self.shown(self.side, price)
        return self.queue.move(place, self.sign * price, quantity, shown, self.best())

    def publish(self, touched: set[int], executions: tuple[Execution, ...]) -> None:
        """Publish a change: its trades, then the levels it touched, then the end of the frame."""
        taken = self.side.opposite
        trades = [
            (self.sign * int(one.price), int(one.quantity))
            for one in executions
            if one.side is taken
        ]
        self.waiting.append(trades)
        if len(self.waiting) > self.flow.late:
            for key, quantity in self.waiting.popleft():
                self.queue.trade(key, quantity)
        for price in touched:
            self.queue.level(self.sign * price, self.shown(self.side, price))
            self.queue.opposite(self.sign * price, self.shown(taken, price))
        self.queue.settle(self.best())


def market() -> MatchingEngine:
    """An empty market with ticks and lots of one."""
    listed = listing(KRAKEN, Symbol("FOO/USD"), 0).instrument
    return MatchingEngine(structs.replace(listed, tick=Decimal(1), lot=Decimal(1)))


def opened(random: Random, flow: Flow) -> tuple[MatchingEngine, MatchingEngine, Traders]:
    """The tape's market and the truth's, alike so far: deep on both sides, and some flow."""
    tape, truth, traders = market(), market(), Traders(random, flow)
    for away in range(1, DEPTH):
        for side, price in ((Side.BUY, MIDDLE - away), (Side.SELL, MIDDLE + away)):
            quantity = random.randint(1, 40) if away < DEPTH - 1 else 100_000
            name = f"b{side.value}{away}"
            for engine in (tape, truth):
                engine.rest(name, side, Decimal(price), Decimal(quantity), 0)
            traders.resting.append(name)
    for _ in range(40):
        op = traders.next(tape)
        apply(tape, op)
        apply(truth, op)
    return tape, truth, traders


class Trial:
    """One order of ours: entered, perhaps changed, and compared after every step."""

    def __init__(self, seed: int, side: Side, flow: Flow) -> None:
        self.random = Random(seed)
        self.side, self.flow = side, flow
        engine, self.truth, self.traders = opened(self.random, flow)
        self.tape = Tape(engine, side, flow)
        self.verdict = Verdict(self.random.choice((1, 5, 20, 50)))
        self.ours: Ours | None = None
        self.place: QueuePlace | None = None
        away = self.random.choice((-1, 0, 0, 0, 1, 1, 2, 4))
        self.price = self.tape.sign * self.tape.best() - self.tape.sign * away
        self.sent = deque([(flow.delay, "place")])
        self.history = deque[int]()

    def run(self) -> Verdict:
        for step in range(self.flow.steps):
            while self.sent and self.sent[0][0] <= step:
                self.arrive(self.sent.popleft()[1])
            self.others()
            if self.ours is None or self.place is None:
                continue
            self.check()
            if self.ours.is_over:
                break
            if self.flow.changes and self.random.random() < 0.03:
                what = self.random.choice(("reduce", "move", "cancel"))
                self.sent.append((step + self.flow.delay, what))
        if self.place is not None and self.ours is not None:
            self.verdict.bounds, self.verdict.filled = self.place.fills, self.ours.filled
            self.verdict.was_alone |= self.place.was_alone
            self.verdict.quantity = self.place.quantity
        return self.verdict

    def others(self) -> None:
        """Something happens in both markets, and is published."""
        engine = self.tape.engine
        op = self.traders.next(engine)
        resting = engine.order(op.order_id) if op.kind == "cancel" else None
        touched = {int(resting.price)} if resting else {op.price} - {0}
        executions = apply(engine, op)
        told = apply(self.truth, op)
        self.tape.publish(touched | {int(one.price) for one in executions}, executions)
        if self.ours is not None:
            self.ours.see(told)

    def arrive(self, what: str) -> None:
        """A command of ours arrives in the truth, and in the paper venue."""
        if what == "place":
            if not self.crosses(self.price):  # else a post-only order is refused
                quantity = self.verdict.quantity
                self.ours = Ours(self.truth, self.side, self.price, quantity)
                self.place = self.tape.enter(self.price, quantity)
            return
        ours, place = self.ours, self.place
        if ours is None or place is None or ours.is_over:
            return
        if what == "cancel":
            ours.cancel()
            self.tape.queue.leave(place)
        elif what == "reduce":
            quantity = ours.quantity // 2
            if quantity:
                ours.reduce(quantity)
                place.resize(quantity)
                if ours.is_over:
                    self.tape.queue.leave(place)
        else:
            price = ours.price + self.random.choice((-1, 1))
            if not self.crosses(price):
                more = ours.quantity + self.random.choice((0, 10))
                ours.move(price, more)
                self.verdict.was_alone |= place.was_alone
                self.place = self.tape.move(place, price, more)

    def crosses(self, price: int) -> bool:
        """Whether a price of ours would trade, in one of the markets."""
        for engine in (self.truth, self.tape.engine):
            other = engine.asks.best if self.side is Side.BUY else engine.bids.best
            assert other is not None, "the book is deep"
            if self.tape.sign * (price - int(other.price)) >= 0:
                return True
        return False

    def check(self) -> None:
        """Compare; what is published late is compared with the truth of then."""
        assert self.ours is not None
        assert self.place is not None
        low, mid, high = self.place.fills
        assert low <= mid <= high
        self.history.append(self.ours.filled)
        if len(self.history) > self.flow.late:
            self.verdict.above += self.history.popleft() > high
        self.verdict.below += self.ours.filled < low


def judge(seed: int, side: Side, flow: Flow) -> Verdict:
    """How one order ended."""
    return Trial(seed, side, flow).run()
