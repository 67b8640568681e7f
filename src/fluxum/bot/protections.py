"""Pauses after bad trades, as data: cooldown, losses in a row, drawdown, low profit. Pure.

While a protection is active, only orders pass that make a position smaller. Trades are round trips
(`profit.Trip`), and their profits are compared within one quote asset.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.bot.market import Market
from fluxum.bot.profit import Trip
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.input import counted, number, positive, take_all

__all__ = [
    "Cooldown",
    "DrawdownPause",
    "LossStreak",
    "LowProfit",
    "Pause",
    "Protection",
    "Protections",
]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000
_TRIPS_MAX = 1_000


class Cooldown(Struct, frozen=True, kw_only=True, tag="cooldown"):
    """After each round trip its market is paused."""

    pause_s: int

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, {"pause_s": counted})


class LossStreak(Struct, frozen=True, kw_only=True, tag="loss_streak"):
    """After so many losing round trips in a row within a time, all markets are paused."""

    losses: int
    within_s: int
    pause_s: int

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, {"losses": counted, "within_s": counted, "pause_s": counted})


class DrawdownPause(Struct, frozen=True, kw_only=True, tag="drawdown"):
    """If the sum of round trips within a time falls so far below its high, all are paused."""

    drawdown: Decimal
    within_s: int
    pause_s: int

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, {"drawdown": positive, "within_s": counted, "pause_s": counted})


class LowProfit(Struct, frozen=True, kw_only=True, tag="low_profit"):
    """If so many round trips of a market or more earned less than this, it is paused."""

    profit_min: Decimal
    trades_min: int
    within_s: int
    pause_s: int

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        fields = {"trades_min": counted, "within_s": counted, "pause_s": counted}
        take_all(self, {"profit_min": number, **fields})


Protection = Cooldown | LossStreak | DrawdownPause | LowProfit


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """A protection became active until an instant; `market` is `None` if it is for all."""

    protection: str
    market: Market | None
    until_ns: int
    reason: str
    at_ns: int


class Protections:
    """The protections of one bot, and what is paused now."""

    def __init__(
        self,
        every: Sequence[Protection],
        trips: Sequence[Trip] = (),
        pauses: Sequence[Pause] = (),
    ) -> None:
        self._every = tuple(every)
        self.trips = list(trips)
        """The last round trips, at most a thousand."""
        self.pauses = list(pauses)
        """What is paused, ended pauses left out at the next round trip."""

    def take(self, trip: Trip) -> list[Pause]:
        """Count a round trip; returns the pauses that begin with it."""
        if not self._every:
            return []
        self.trips = [*self.trips, trip][-_TRIPS_MAX:]
        now_ns = trip.closed_ns
        self.pauses = [one for one in self.pauses if one.until_ns > now_ns]
        begun = [pause for one in self._every if (pause := self._judge(one, trip)) is not None]
        self.pauses += begun
        return begun

    def paused(self, market: Market, now_ns: int) -> Pause | None:
        """The pause that holds for a market now."""
        for one in self.pauses:
            if one.until_ns > now_ns and one.market in (None, market):
                return one
        return None

    def _judge(self, protection: Protection, trip: Trip) -> Pause | None:
        quote = trip.market.symbol.quote
        market: Market | None = trip.market
        reason = ""
        lately: list[Trip] = []
        if not isinstance(protection, Cooldown):
            since_ns = trip.closed_ns - protection.within_s * _SECOND_NS
            lately = [
                one
                for one in self.trips
                if one.closed_ns > since_ns and one.market.symbol.quote == quote
            ]
        match protection:
            case Cooldown():
                reason = f"a round trip ended, a pause of {protection.pause_s} s"
            case LossStreak(losses=losses):
                last = lately[-losses:]
                if len(last) < losses or any(one.profit >= 0 for one in last):
                    return None
                market, reason = None, f"the last {losses} round trips lost"
            case DrawdownPause(drawdown=most):
                drawdown = _drawdown(lately)
                if drawdown < most:
                    return None
                market, reason = None, f"a drawdown below {most} was expected, was {drawdown}"
            case LowProfit(profit_min=least):
                mine = [one for one in lately if one.market == trip.market]
                profit = _sum(mine)
                if len(mine) < protection.trades_min or profit >= least:
                    return None
                reason = f"a profit of {least} of {len(mine)} round trips was expected: {profit}"
        return Pause(
            protection=type(protection).__name__,
            market=market,
            until_ns=trip.closed_ns + protection.pause_s * _SECOND_NS,
            reason=reason,
            at_ns=trip.closed_ns,
        )


def _sum(trips: Sequence[Trip]) -> Decimal:
    total = _ZERO
    for one in trips:
        total = EXACT.add(total, one.profit)
    return total


def _drawdown(trips: Sequence[Trip]) -> Decimal:
    """How far the running sum is below its high at its end."""
    total = high = _ZERO
    for one in trips:
        total = EXACT.add(total, one.profit)
        high = max(high, total)
    return EXACT.subtract(high, total)
