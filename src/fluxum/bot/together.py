"""Orders that hedge each other: how far each leg is filled, and what makes them even. Pure.

A group is even if all legs are filled in the same proportion of what they should be, as far as
lots allow. When its time has passed, or all of its orders have ended, what is missing is ordered at
the market. A fill that comes after that, of an order whose cancel was too late, makes the group
uneven again, and it is made even again.
"""

from collections.abc import Callable, Iterable
from decimal import Context, Decimal

from msgspec import Struct

from fluxum.bot.intent import Together
from fluxum.bot.market import Market
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.market import Side

__all__ = ["Group", "GroupLeg", "Hedge", "hedges", "opened"]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000
_RATIO = Context(prec=40)
TRIES_MAX = 3
"""How often what is missing is ordered before the bot is halted."""


class GroupLeg(Struct, kw_only=True):
    """One leg; `filled` is in the direction of its side, less what was undone."""

    market: Market
    side: Side
    quantity: Decimal
    filled: Decimal = _ZERO


class Group(Struct, kw_only=True):
    """One `Together` on its way; after `due_ns` what is not hedged is ordered at the market."""

    number: int
    legs: list[GroupLeg]
    due_ns: int
    unwinds: bool
    tries: int = 0
    is_settled: bool = False

    def fill(self, market: Market, side: Side, quantity: Decimal) -> None:
        """An order of this group was filled; its leg is the one of the market and side."""
        same = [leg for leg in self.legs if leg.market == market]
        leg = next((one for one in same if one.side is side), same[0])
        signed = quantity if leg.side is side else EXACT.minus(quantity)
        leg.filled = EXACT.add(leg.filled, signed)
        self.is_settled = False


class Hedge(Struct, frozen=True, kw_only=True):
    """An order at the market that makes a leg even."""

    market: Market
    side: Side
    quantity: Decimal


def opened(number: int, together: Together, now_ns: int) -> Group:
    """A group that begins now."""
    legs = [
        GroupLeg(market=leg.market, side=leg.side, quantity=leg.quantity) for leg in together.legs
    ]
    due_ns = now_ns + int(together.unhedged_s * _SECOND_NS)
    return Group(number=number, legs=legs, due_ns=due_ns, unwinds=together.unwinds)


def hedges(group: Group, lots: Callable[[Market, Decimal], Decimal]) -> list[Hedge]:
    """What has to be bought and sold to make a group even; `lots` cuts to what a market takes."""
    goal = _goal(group.legs, unwinds=group.unwinds)
    done = min(max(goal.filled, _ZERO), goal.quantity)
    found: list[Hedge] = []
    for leg in group.legs:
        wanted = _RATIO.divide(EXACT.multiply(done, leg.quantity), goal.quantity)
        need = EXACT.subtract(wanted, leg.filled)
        quantity = lots(leg.market, abs(need))
        if quantity > 0:
            side = leg.side if need > 0 else leg.side.opposite
            found.append(Hedge(market=leg.market, side=side, quantity=quantity))
    return found


def _goal(legs: Iterable[GroupLeg], *, unwinds: bool) -> GroupLeg:
    """The leg that all should be as far as: the farthest one, or the nearest."""

    def ratio(leg: GroupLeg) -> Decimal:
        return _RATIO.divide(leg.filled, leg.quantity)

    return min(legs, key=ratio) if unwinds else max(legs, key=ratio)
