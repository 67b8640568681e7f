"""Behaviours that strategies are made of: TWAP, grid, DCA, barriers, hedge. Pure.

Each is a small value, a field of a strategy, with a function from what is seen to intents:

    class Slowly(Strategy, kw_only=True):
        twap: Twap

        def wants(self):
            return [Want(self.twap.market, "book"), Every(1)]

        def on_event(self, event, view):
            return self.twap.intents(view)

They keep no memory but the instants and quantities they are given: what they have done is in the
position, so a restart needs nothing else.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.bot.intent import Cancel, CancelAll, Intent, Place, Target
from fluxum.bot.market import Market
from fluxum.bot.view import View
from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.input import Number, counted, number, one_of, optional, positive, take_all, whole
from fluxum.model.market import Side

__all__ = ["Barrier", "Dca", "Grid", "Hedge", "Twap"]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000
_market = one_of(Market)


class Twap(Struct, frozen=True, kw_only=True):
    """Moves a position from one quantity to another in equal slices of time.

    The first slice is due at `begins_ns`, the last one slice before `lasts_s` seconds are over.
    """

    market: Market
    begins_with: Decimal
    ends_with: Decimal
    begins_ns: int
    lasts_s: int
    slices: int

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            market: Market,
            begins_with: Number,
            ends_with: Number,
            begins_ns: int,
            lasts_s: int,
            slices: int,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(
            self,
            {
                "market": _market,
                "begins_with": number,
                "ends_with": number,
                "begins_ns": whole,
                "lasts_s": counted,
                "slices": counted,
            },
        )

    def due(self, now_ns: int) -> int:
        """How many slices are due."""
        gone_ns = now_ns - self.begins_ns
        if gone_ns < 0:
            return 0
        return min(gone_ns * self.slices // (self.lasts_s * _SECOND_NS) + 1, self.slices)

    def intents(self, view: View) -> Sequence[Intent]:
        """The target of now; none before the first slice."""
        due = self.due(view.now_ns)
        if not due:
            return ()
        way = EXACT.subtract(self.ends_with, self.begins_with)
        done = way if due == self.slices else way * due / self.slices
        return (Target(self.market, self.begins_with + done),)


class Dca(Struct, frozen=True, kw_only=True):
    """Buys the same amount of the quote asset at equal distances of time (dollar-cost averaging).

    `times` is how often at most, `None` without end. What is bought is rounded down to the lot.
    """

    market: Market
    amount: Decimal
    begins_ns: int
    every_s: int
    times: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            market: Market,
            amount: Number,
            begins_ns: int,
            every_s: int,
            times: int | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(
            self,
            {
                "market": _market,
                "amount": positive,
                "begins_ns": whole,
                "every_s": counted,
                "times": optional(counted),
            },
        )

    def due(self, now_ns: int) -> int:
        """How many purchases are due so far."""
        gone_ns = now_ns - self.begins_ns
        if gone_ns < 0:
            return 0
        due = gone_ns // (self.every_s * _SECOND_NS) + 1
        return due if self.times is None else min(due, self.times)

    def intents(self, view: View, done: int) -> Sequence[Intent]:
        """The next purchase, if more are due than the strategy remembers as `done`."""
        book = view.book(self.market)
        if done >= self.due(view.now_ns) or not book.is_valid or book.ask is None:
            return ()
        quantity = self.amount / book.ask.price
        rules = view.instrument(self.market)
        quantity = quantity if rules is None else rules.round_quantity(quantity)
        return (Place(self.market, Side.BUY, quantity),) if quantity > 0 else ()


class Grid(Struct, frozen=True, kw_only=True):
    """Buys at prices below and sells what was bought one price higher, over and over.

    `prices` fall; `size` is bought at each but the first, and sold at the one above. How many are
    held is the position above `begins_with`, so each fill moves the grid by one order.
    """

    market: Market
    prices: tuple[Decimal, ...]
    size: Decimal
    begins_with: Decimal = _ZERO

    def __post_init__(self) -> None:
        """Raise BadInput for prices that do not fall, and a size that is not above zero."""
        take_all(self, {"market": _market, "size": positive, "begins_with": number})
        if len(self.prices) < 2 or list(self.prices) != sorted(set(self.prices), reverse=True):
            raise BadInput(f"two falling prices or more were expected, was {self.prices}")

    def intents(self, view: View) -> Sequence[Intent]:
        """Orders that are missing from the grid, and cancels of those that are too many."""
        held = EXACT.subtract(view.position(self.market), self.begins_with)
        count = max(0, min(int(held // self.size), len(self.prices) - 1))
        wanted = {
            f"buy {at}": (Side.BUY, price) for at, price in enumerate(self.prices) if at > count
        }
        sold = self.prices[:count]
        wanted |= {f"sell {at}": (Side.SELL, price) for at, price in enumerate(sold)}
        open_orders = {one.label: one for one in view.open_orders(self.market) if one.label}
        ends = [Cancel(self.market, label) for label in open_orders if label not in wanted]
        places = [
            Place(self.market, side, self.size, price, label=label)
            for label, (side, price) in wanted.items()
            if label not in open_orders
        ]
        return (*ends, *places)


class Barrier(Struct, frozen=True, kw_only=True):
    """Closes a position at a profit, at a loss, or after a time: whichever comes first.

    Prices are of the middle of the market. `entry` is what the position was opened at; for a short
    the two sides change places. `None` leaves a barrier out.
    """

    market: Market
    take_profit_percent: Decimal | None = None
    stop_loss_percent: Decimal | None = None
    lasts_s: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            market: Market,
            take_profit_percent: Number | None = None,
            stop_loss_percent: Number | None = None,
            lasts_s: int | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(
            self,
            {
                "market": _market,
                "take_profit_percent": optional(positive),
                "stop_loss_percent": optional(positive),
                "lasts_s": optional(counted),
            },
        )

    def reached(self, view: View, entry: Decimal, opened_ns: int) -> str:
        """Which barrier is reached: `take_profit`, `stop_loss`, `time`, or none (empty)."""
        held = view.position(self.market)
        if not held:
            return ""
        book = view.book(self.market)
        if book.is_valid and book.mid is not None:
            percent = (book.mid - entry) / entry * 100
            gain = percent if held > 0 else -percent
            if self.stop_loss_percent is not None and gain <= -self.stop_loss_percent:
                return "stop_loss"
            if self.take_profit_percent is not None and gain >= self.take_profit_percent:
                return "take_profit"
        late_ns = None if self.lasts_s is None else opened_ns + self.lasts_s * _SECOND_NS
        return "time" if late_ns is not None and view.now_ns >= late_ns else ""

    def intents(self, view: View, entry: Decimal, opened_ns: int) -> Sequence[Intent]:
        """Nothing, or the end of every order in the market and of the position."""
        if not self.reached(view, entry, opened_ns):
            return ()
        return (CancelAll(self.market), Target(self.market, _ZERO))


class Hedge(Struct, frozen=True, kw_only=True):
    """Holds the opposite of a position in another market, times `ratio`.

    It trades once the difference is `band` or more, so that small fills cost no fees.
    """

    market: Market
    of: Market
    ratio: Decimal = Decimal(1)
    band: Decimal = _ZERO

    if TYPE_CHECKING:

        def __init__(
            self, *, market: Market, of: Market, ratio: Number = 1, band: Number = 0
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, {"market": _market, "of": _market, "ratio": positive, "band": number})

    def intents(self, view: View) -> Sequence[Intent]:
        """The target of the hedging market, if it is far enough from what is held there."""
        wanted = EXACT.minus(EXACT.multiply(view.position(self.of), self.ratio))
        apart = abs(EXACT.subtract(wanted, view.position(self.market)))
        return (Target(self.market, wanted),) if apart and apart >= self.band else ()
