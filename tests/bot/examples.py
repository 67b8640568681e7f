"""Strategies for tests of the engine."""

from collections.abc import Sequence
from decimal import Decimal

from bot.bots import ONE, TWO
from fluxum.bot import (
    BotEvent,
    Cancel,
    Every,
    Halt,
    Intent,
    Leg,
    Level,
    Market,
    Note,
    Place,
    Quote,
    Remembered,
    Strategy,
    Target,
    Timer,
    Together,
    View,
    Want,
)
from fluxum.model.account import Fill
from fluxum.model.market import Candle


class Quotes(Strategy, kw_only=True):
    """Quotes one tick inside the best bid and ask, and remembers how often."""

    market: Market = ONE
    size: Decimal = Decimal(1)
    quoted: Remembered[int] = 0

    def wants(self) -> Sequence[Want | Every]:
        return [Want(self.market, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        book = view.book(self.market)
        if not book.is_valid or book.bid is None or book.ask is None:
            return []
        self.quoted += 1
        step = Decimal("0.1")
        bid, ask = book.bid.price + step, book.ask.price - step
        return [Quote(self.market, Level(bid, self.size), Level(ask, self.size))]


class Scripted(Strategy, kw_only=True):
    """Returns what it is given for the first events, then nothing; for tests in one process."""

    script: list[list[Intent]] = []  # noqa: RUF012 - a Struct copies it
    market: Market = ONE
    received: Remembered[list[str]] = []  # noqa: RUF012

    def wants(self) -> Sequence[Want | Every]:
        return [Want(ONE, "book"), Want(TWO, "book"), Every(60, "minute")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.received.append(type(event).__name__)
        return self.script.pop(0) if self.script else []


class Averages(Strategy, kw_only=True):
    """Long above a running average of closes; for warm-up."""

    market: Market = ONE
    average: Remembered[Decimal | None] = None
    seen: Remembered[int] = 0
    timers: Remembered[int] = 0

    def wants(self) -> Sequence[Want | Every]:
        return [Want(self.market, "candle", 60), Every(300)]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        if isinstance(event, Timer):
            self.timers += 1
        if not isinstance(event, Candle) or not event.closed:
            return []
        self.seen += 1
        last = event.close if self.average is None else self.average
        self.average = last + (event.close - last) / 4
        held = Decimal(1) if event.close > self.average else Decimal(0)
        return [Target(self.market, held), Note("average", self.average)]


class Breaks(Strategy, kw_only=True):
    """Places an order, then fails at the third event."""

    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want | Every]:
        return [Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.seen += 1
        if self.seen == 3:
            raise KeyError("no such thing")
        return [Place(ONE, "buy", 1, 90, label="a")] if self.seen == 1 else []


__all__ = ["Averages", "Breaks", "Cancel", "Fill", "Halt", "Leg", "Quotes", "Scripted", "Together"]
