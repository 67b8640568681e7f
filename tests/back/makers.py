"""Strategies for back-tests."""

from collections.abc import Iterable
from decimal import Decimal

from fluxum.bot import (
    BotEvent,
    Intent,
    Level,
    Market,
    Place,
    Quote,
    Remembered,
    Strategy,
    View,
    Want,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate

BTC = Symbol("BTC/USD")
MARKET = Market("kraken", BTC)


class Maker(Strategy, kw_only=True):
    """Quotes at the touch every so many updates, one book level back on every third."""

    every: int = 73
    size: Decimal = Decimal("0.5")
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if not isinstance(event, BookUpdate):
            return ()
        self.seen += 1
        if self.seen % self.every:
            return ()
        book = view.book(MARKET)
        bids, asks = book.levels("buy", 2), book.levels("sell", 2)
        if not book.is_valid or len(bids) < 2 or len(asks) < 2:
            return ()
        at = int(self.seen // self.every % 3 == 0)
        bid, ask = Level(bids[at].price, self.size), Level(asks[at].price, self.size)
        return [Quote(MARKET, bid, ask)]


class Buyer(Strategy, kw_only=True):
    """Buys at the market at one update, and at some after it."""

    quantity: Decimal
    at: int
    times: int = 1
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if not isinstance(event, BookUpdate):
            return ()
        self.seen += 1
        if self.seen != self.at:
            return ()
        return [Place(MARKET, "buy", self.quantity) for _ in range(self.times)]


class Waiter(Strategy, kw_only=True):
    """Places one order far from the market, and notes which events it receives."""

    channel: str = "book"
    kinds: Remembered[list[str]] = []  # noqa: RUF012 - a Struct copies it

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, self.channel)]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if isinstance(event, BookSnapshot) and not self.kinds:
            bid = event.bids[-1]
            self.kinds.append(type(event).__name__)
            return [Place(MARKET, "buy", Decimal(1), bid.price)]
        if hasattr(event, "venue") and type(event).__name__ not in {"Outcome", "Fill"}:
            self.kinds.append(type(event).__name__)
        return ()


class Ladder(Strategy, kw_only=True):
    """Bids once at so many prices below the best one."""

    count: int
    is_done: Remembered[bool] = False

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        bid = view.book(MARKET).bid
        if self.is_done or bid is None:
            return ()
        self.is_done = True
        steps = (bid.price - Decimal(number) / 10 for number in range(self.count))
        return [Place(MARKET, "buy", Decimal("0.01"), price) for price in steps]


class Crosser(Strategy, kw_only=True):
    """Buys ten more than the best ask has, at its price, and a little at the market."""

    is_done: Remembered[bool] = False

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        book = view.book(MARKET)
        if self.is_done or book.bid is None or book.ask is None:
            return ()
        self.is_done = True
        return [
            Place(MARKET, "buy", book.ask.quantity + 10, book.ask.price),
            Place(MARKET, "buy", Decimal("0.01")),
        ]


class Breaks(Maker, kw_only=True):
    """A maker whose code fails at an event; `late` fails while its intents are read."""

    at: int
    late: bool = False

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        found = super().on_event(event, view)
        if self.seen < self.at:
            return found
        if self.late:
            return (one for one in [self.fail()])  # type: ignore[misc]  # what is tried
        raise self.fail()

    def fail(self) -> Exception:
        return ZeroDivisionError("planted")
