"""A trend follower on candles."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.bot import BotEvent, Intent, Market, Note, Remembered, Strategy, Target, View, Want
from fluxum.model.market import Candle

__all__ = ["Trend"]


class Trend(Strategy, kw_only=True):
    """Long while the fast average is above the slow one, out otherwise; closed candles only."""

    market: Market
    size: Decimal
    fast_span: int = 20
    slow_span: int = 50
    interval_s: int = 60
    fast: Remembered[Decimal | None] = None
    slow: Remembered[Decimal | None] = None
    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want]:
        """Candles of its market, and the book for the collar of its orders."""
        return [Want(self.market, "candle", self.interval_s), Want(self.market, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        """The position that the averages ask for, once they have seen enough."""
        if not isinstance(event, Candle) or not event.closed:
            return ()
        self.seen += 1
        self.fast = _average(self.fast, event.close, self.fast_span)
        self.slow = _average(self.slow, event.close, self.slow_span)
        if self.seen < self.slow_span:
            return ()
        held = self.size if self.fast > self.slow else Decimal(0)
        return [Target(self.market, held), Note("fast", self.fast), Note("slow", self.slow)]


def _average(last: Decimal | None, price: Decimal, span: int) -> Decimal:
    """An exponential moving average."""
    return price if last is None else last + (price - last) * 2 / (span + 1)
