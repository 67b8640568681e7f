"""Random strategies before a venue that fills at will: what they can come to, judged apart.

The venue here keeps its own count of what is held and open, from the commands alone, and judges the
limits by it; the engine's account has no part in that.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from msgspec import structs

from bot.bots import ONE, TWO, fill, instrument, order_update, outcome, snapshot
from fluxum.bot import (
    Amend,
    BotEvent,
    Cancel,
    CancelAll,
    Every,
    Intent,
    Leg,
    Level,
    Market,
    Place,
    Quote,
    Strategy,
    Target,
    Together,
    View,
    Want,
)
from fluxum.bot.books import Books
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.bot.limits import BotLimits, Verdict
from fluxum.model import order as commands
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus
from fluxum.orders.limits import RiskLimits

MARKETS = (ONE, TWO)
POSITION_MAX, ORDERS_MAX, EXPOSURE_MAX, PER_SECOND_MAX = Decimal(2), 6, Decimal(3), 8
LIMITS = BotLimits(
    account=RiskLimits(
        position_max=POSITION_MAX,
        orders_max=ORDERS_MAX,
        quantity_max=Decimal(1),
        per_second_max=PER_SECOND_MAX,
        collar_percent=Decimal(5),
    ),
    exposure_max={Asset("BTC"): EXPOSURE_MAX},
    commands_per_second_max=None,
)
_ZERO = Decimal(0)


class Wild(Strategy, kw_only=True):
    """Intends anything at every event; its chance is its memory, so that it is still pure."""

    state: int

    def wants(self) -> Sequence[Want | Every]:
        return [*(Want(market, "book") for market in MARKETS), Every(1)]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        random = Random(self.state)
        self.state = random.getrandbits(64)
        return [_intent(random) for _ in range(random.choice((0, 0, 1, 1, 2, 4)))]


def _intent(random: Random) -> Intent:
    market = random.choice(MARKETS)
    quantity = Decimal(random.randint(5, 180)) / 100
    price = Decimal(random.randint(93, 107))
    side = random.choice(tuple(Side))
    label = random.choice(("a", "b", ""))
    match random.randint(0, 7):
        case 0:
            half = Decimal(random.randint(1, 4))
            bid, ask = Level(price - half, quantity), Level(price + half, quantity)
            return Quote(market, bid, ask, post_only=random.random() < 0.5)
        case 1:
            return Target(market, Decimal(random.randint(-300, 300)) / 100)
        case 2:
            return Amend(market, label, quantity, random.choice((None, price)))
        case 3:
            return Cancel(market, label)
        case 4:
            return CancelAll(market)
        case 5:
            legs = (Leg(ONE, "buy", quantity, price), Leg(TWO, "sell", quantity, price))
            return Together(legs, Decimal("0.5"), unwinds=random.random() < 0.5)
        case 6:
            return Place(market, side, quantity)
        case _:
            return Place(market, side, quantity, price, label=label)


class Venue:
    """What was sent, what rests, what is held: counted from commands and its own fills."""

    def __init__(self, random: Random) -> None:
        self.held = dict.fromkeys(MARKETS, _ZERO)
        self.open: dict[str, tuple[Market, OrderRequest, Decimal]] = {}  # and what is filled
        self.names: list[str] = []
        self.sent_ns: dict[Market, list[int]] = {market: [] for market in MARKETS}
        self.waiting: list[BotEvent] = []
        self._random = random
        self._fills = 0

    def send(self, sent: Sequence[BotCommand], now_ns: int, seconds: float) -> None:
        for one in sent:
            market = one.market
            match one.command:
                case commands.Place(request=request):
                    self.names.append(request.client_order_id)
                    self.open[request.client_order_id] = market, request, _ZERO
                    self.sent_ns[market].append(now_ns)
                    self._answer(market, request.client_order_id, seconds)
                case commands.Amend(client_order_id=name) as change:
                    self.sent_ns[market].append(now_ns)
                    self._amend(market, name, change, seconds)
                case commands.Cancel(client_order_ids=(name,)):
                    known = self.open.pop(name, None)
                    status = OrderStatus.CANCELED if known else OrderStatus.REFUSED
                    self.waiting.append(
                        outcome(seconds, name, status, market, is_change=known is None)
                    )
                case _:
                    raise AssertionError(one.command)

    def _amend(self, market: Market, name: str, change: commands.Amend, seconds: float) -> None:
        known = self.open.get(name)
        refused = known is None or self._random.random() < 0.2
        if known is not None and not refused:
            changed = structs.replace(
                known[1],
                quantity=change.quantity or known[1].quantity,
                limit_price=change.limit_price or known[1].limit_price,
            )
            self.open[name] = market, changed, known[2]
        status = OrderStatus.REFUSED if refused else OrderStatus.OPEN
        self.waiting.append(outcome(seconds, name, status, market, is_change=True))

    def _answer(self, market: Market, name: str, seconds: float) -> None:
        chance = self._random.random()
        if chance < 0.1:
            del self.open[name]
            self.waiting.append(outcome(seconds, name, OrderStatus.REFUSED, market))
        elif chance < 0.2:
            self.waiting.append(outcome(seconds, name, OrderStatus.UNKNOWN, market))
        elif chance < 0.9:
            self.waiting.append(outcome(seconds, name, OrderStatus.OPEN, market))

    def fill_some(self, seconds: float) -> None:
        """Fill any part of any order: the worst that a market can do."""
        for name, (market, request, filled) in list(self.open.items()):
            assert request.quantity is not None
            left = request.quantity - filled
            if self._random.random() < 0.6 or left <= 0:
                continue
            part = left if self._random.random() < 0.5 else (left / 2).quantize(Decimal("0.01"))
            if part <= 0:
                continue
            self._fills += 1
            is_buy = request.side is Side.BUY
            self.held[market] += part if is_buy else -part
            event = fill(seconds, name, part, 100, request.side, market)
            self.waiting.append(structs.replace(event, fill_id=f"F{self._fills}"))
            if filled + part >= request.quantity:
                del self.open[name]
                status = OrderStatus.FILLED
            else:
                self.open[name] = market, request, filled + part
                status = OrderStatus.PARTIALLY_FILLED
            self.waiting.append(
                order_update(
                    seconds,
                    name,
                    market,
                    side=request.side,
                    status=status,
                    quantity=request.quantity,
                    limit_price=request.limit_price,
                    filled=filled + part,
                )
            )


def broken(venue: Venue) -> list[str]:
    """The limits of state that what is held and open could break, in whichever way is worse."""
    found: list[str] = []
    highest = lowest = _ZERO
    for market in MARKETS:
        buys = sum((left for left in _left(venue, market, Side.BUY)), _ZERO)
        sells = sum((left for left in _left(venue, market, Side.SELL)), _ZERO)
        high, low = venue.held[market] + buys, venue.held[market] - sells
        if max(high, -low, abs(venue.held[market])) > POSITION_MAX:
            found.append(f"position of {market}: {low} to {high}")
        highest, lowest = highest + high, lowest + low
        count = sum(at.venue == market.venue for at, _, _ in venue.open.values())
        if count > ORDERS_MAX:
            found.append(f"orders open at {market.venue}: {count}")
        if _is_too_fast(venue.sent_ns[market]):
            found.append(f"rate at {market.venue}")
    if max(highest, -lowest) > EXPOSURE_MAX:
        found.append(f"exposure over all venues: {lowest} to {highest}")
    if len(venue.names) != len(set(venue.names)):
        found.append("names are used twice")
    return found


def _left(venue: Venue, market: Market, side: Side) -> Iterator[Decimal]:
    """What could still be filled of each open order."""
    for at, request, filled in venue.open.values():
        if at == market and request.side is side:
            yield (request.quantity or _ZERO) - filled


def _is_too_fast(sent_ns: Sequence[int]) -> bool:
    pairs = zip(sent_ns, sent_ns[PER_SECOND_MAX:], strict=False)
    return any(late - early < 1_000_000_000 for early, late in pairs)


class Tried:
    """What came of one random strategy."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.broken: list[str] = []
        self.sent = 0
        self.refused = 0


def tried(seed: int, steps: int) -> Tried:
    """Run one random strategy before a venue that answers and fills at will."""
    random = Random(seed)
    venue = Venue(random)
    rules: dict[Market, Any] = {market: instrument(market) for market in MARKETS}
    engine = Engine(Wild(state=seed), Books(MARKETS, rules), LIMITS, seed=seed)
    run = Tried(venue)
    seconds = 0.0

    def step(event: BotEvent) -> None:
        sent = engine.step(event)
        run.sent += len(sent)
        run.refused += sum(isinstance(fact, Verdict) for fact in engine.facts)
        venue.send(sent, engine.now_ns, seconds)
        run.broken += broken(venue)

    for at in range(steps):
        seconds = round(seconds + random.random() * 0.3, 6)
        market = MARKETS[at % 2]
        event = snapshot(seconds, market, bid=99 + random.randint(-2, 2), ask=102)
        while (due := engine.due()) is not None and due.received_ns < event.received_ns:
            step(due)
        step(event)
        venue.fill_some(seconds)
        waiting, venue.waiting = venue.waiting, []
        random.shuffle(waiting)
        for answer in waiting:
            if random.random() < 0.9:
                step(answer)
            else:
                venue.waiting.append(answer)  # it comes later
        if run.broken or engine.failed:
            break
    assert not engine.failed, engine.failed
    return run
