"""What a strategy intends: what should rest, what should be held, and single orders. Pure.

Intents are what should be, not commands: the engine works out the smallest set of commands.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.bot.market import Market
from fluxum.errors import BadInput
from fluxum.model.input import (
    Number,
    Take,
    choice_of,
    flag,
    number,
    one_of,
    optional,
    positive,
    several,
    take_all,
    text,
)
from fluxum.model.levels import Level
from fluxum.model.market import Side
from fluxum.model.order import TimeInForce

__all__ = [
    "Amend",
    "Cancel",
    "CancelAll",
    "Halt",
    "Intent",
    "Leg",
    "Note",
    "Place",
    "Quote",
    "Target",
    "Together",
]


class Quote(Struct, frozen=True, gc=False, tag="quote"):
    """What should rest in a market: so much at this price, and nothing else; `None` is nothing.

    Orders that rest at the price already keep their places in the queue. Raises BadInput for a
    bid that is not below the ask.
    """

    market: Market
    bid: Level | None = None
    ask: Level | None = None
    post_only: bool = True

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, _QUOTE)
        for level in (self.bid, self.ask):
            if level is not None:
                positive(level.quantity, "quantity")
        if self.bid is not None and self.ask is not None and self.bid.price >= self.ask.price:
            raise BadInput(
                f"a bid below the ask was expected, was {self.bid.price} and {self.ask.price}"
            )


class Target(Struct, frozen=True, gc=False, tag="target"):
    """What should be held in a market, below zero for a short; it stands until it is replaced.

    The engine buys or sells the difference at the market, or at `limit` and better, at once or not
    at all, until the position is reached or an order is refused.
    """

    market: Market
    quantity: Decimal
    limit: Decimal | None = None

    if TYPE_CHECKING:

        def __init__(
            self, market: Market, quantity: Number, limit: Number | None = None
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, {"market": _market, "quantity": number, "limit": optional(positive)})


class Place(Struct, frozen=True, gc=False, tag="place"):
    """One order: at the market, at `limit` or better, or once the price is at `trigger`.

    `label` is the strategy's own name for it, which no other open order of the market may have;
    `Amend` and `Cancel` name it by that.
    """

    market: Market
    side: Side
    quantity: Decimal
    limit: Decimal | None = None
    trigger: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    label: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            market: Market,
            side: Side | str,
            quantity: Number,
            limit: Number | None = None,
            trigger: Number | None = None,
            time_in_force: TimeInForce | str = TimeInForce.GTC,
            post_only: bool = False,
            reduce_only: bool = False,
            label: str = "",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, _PLACE)


class Amend(Struct, frozen=True, gc=False, tag="amend"):
    """Change the order of a label; `None` keeps a value. `quantity` is with what is filled."""

    market: Market
    label: str
    quantity: Decimal | None = None
    limit: Decimal | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            market: Market,
            label: str,
            quantity: Number | None = None,
            limit: Number | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, _AMEND)


class Cancel(Struct, frozen=True, gc=False, tag="cancel"):
    """End the order of a label."""

    market: Market
    label: str

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, {"market": _market, "label": text})


class CancelAll(Struct, frozen=True, gc=False, tag="cancel_all"):
    """End every order of this bot in a market, its quotes and its target."""

    market: Market

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, {"market": _market})


class Leg(Struct, frozen=True, gc=False):
    """One order of several that belong together: at `limit` or better, at once or not at all."""

    market: Market
    side: Side
    quantity: Decimal
    limit: Decimal

    if TYPE_CHECKING:

        def __init__(
            self, market: Market, side: Side | str, quantity: Number, limit: Number
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, _LEG)


class Together(Struct, frozen=True, tag="together"):
    """Orders of which each hedges the others, so that all are filled in the same proportion.

    What is not hedged after `unhedged_s` seconds is bought or sold at the market, so that every leg
    is filled as far as the farthest; with `unwinds` the legs that are ahead are undone instead. If
    that fails as well, the bot is halted. Raises BadInput for fewer than two legs.
    """

    legs: tuple[Leg, ...]
    unhedged_s: Decimal
    unwinds: bool = False

    if TYPE_CHECKING:

        def __init__(
            self, legs: tuple[Leg, ...], unhedged_s: Number, unwinds: bool = False
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, _TOGETHER)
        if len(self.legs) < 2:
            raise BadInput(f"two legs or more were expected, was {len(self.legs)}")


class Halt(Struct, frozen=True, gc=False, tag="halt"):
    """End every order of this bot and place none, until a person resumes it."""

    reason: str

    def __post_init__(self) -> None:
        """Raise BadInput for what makes no sense."""
        take_all(self, {"reason": text})


class Note(Struct, frozen=True, tag="note"):
    """A number or text for the decision journal and the report, with no other effect."""

    name: str
    value: Decimal | int | str | bool | None


Intent = Quote | Target | Place | Amend | Cancel | CancelAll | Together | Halt | Note


# How each field is converted

_market = one_of(Market)
_QUOTE: dict[str, Take] = {
    "market": _market,
    "bid": optional(one_of(Level)),
    "ask": optional(one_of(Level)),
    "post_only": flag,
}
_PLACE: dict[str, Take] = {
    "market": _market,
    "side": choice_of(Side),
    "quantity": positive,
    "limit": optional(positive),
    "trigger": optional(positive),
    "time_in_force": choice_of(TimeInForce),
    "post_only": flag,
    "reduce_only": flag,
    "label": text,
}
_AMEND: dict[str, Take] = {
    "market": _market,
    "label": text,
    "quantity": optional(positive),
    "limit": optional(positive),
}
_LEG: dict[str, Take] = {
    "market": _market,
    "side": choice_of(Side),
    "quantity": positive,
    "limit": positive,
}
_TOGETHER: dict[str, Take] = {
    "legs": several(one_of(Leg)),
    "unhedged_s": positive,
    "unwinds": flag,
}
