"""What a strategy is: parameters and memory in one Struct, events in, intents out. Pure.

    class Follow(Strategy, kw_only=True):
        market: Market
        size: Decimal
        seen: Remembered[int] = 0

        def wants(self):
            return [Want(self.market, "candle", 60)]

        def on_event(self, event, view):
            self.seen += 1
            return [Target(self.market, self.size)]

A strategy reads no clock, file or network: all that it knows is the event, the view and its own
fields. So the same object decides the same live, on paper and in a back-test. Its fields are
encoded, so they are numbers, text, and containers and Structs of these.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Struct

from fluxum.bot.intent import (
    Amend,
    Cancel,
    CancelAll,
    Halt,
    Intent,
    Leg,
    Note,
    Place,
    Quote,
    Target,
    Together,
)
from fluxum.bot.market import Market
from fluxum.bot.view import View
from fluxum.model.event import Channel, Event, parse_channel
from fluxum.model.input import Take, counted, one_of, optional, take_all, text, whole
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot
from fluxum.model.order import OrderStatus

__all__ = [
    "REMEMBERED",
    "AccountKnown",
    "Amend",
    "BookKnown",
    "BotEvent",
    "Cancel",
    "CancelAll",
    "Every",
    "Halt",
    "Intent",
    "Leg",
    "Market",
    "Note",
    "Outcome",
    "Place",
    "Quote",
    "Remembered",
    "Steering",
    "Strategy",
    "Switch",
    "Target",
    "Timer",
    "Together",
    "Want",
]

_T = TypeVar("_T")
REMEMBERED = "remembered"
"""Marks a field as memory; the other fields of a strategy are its parameters."""
Remembered = Annotated[_T, REMEMBERED]
"""A field that a strategy writes itself, with a default; `Remembered[int] = 0`."""


class Want(Struct, frozen=True):
    """Data that a strategy needs: a channel of a market; `interval_s` is for candles."""

    market: Market
    channel: Channel
    interval_s: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self, market: Market, channel: Channel | str, interval_s: int | None = None
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for what makes no sense."""
        take_all(self, _WANT)


class Every(Struct, frozen=True):
    """A `Timer` at each whole multiple of so many seconds since 1970, UTC."""

    interval_s: int
    name: str = ""

    def __post_init__(self) -> None:
        """Raise BadInput for an interval below 1."""
        take_all(self, {"interval_s": counted, "name": text})


# Events that only bots have


class Timer(Struct, frozen=True, gc=False, kw_only=True, tag="timer"):
    """An instant that a strategy or the engine waited for; see `Every`."""

    name: str
    received_ns: int


class Outcome(Struct, frozen=True, gc=False, kw_only=True, tag="outcome"):
    """What became of a command about an order, where no other event shows it.

    OPEN: accepted, the order rests; with `is_change`, as it was to become. REFUSED: there is no
    such order; or, with `is_change`, it stays as it was. UNKNOWN: no answer came in time. Ends are
    those of the order. `reason` is in the words of the venue or the desk. `order_id` is the
    venue's, as far as it is known.
    """

    venue: str
    symbol: Symbol
    client_order_id: str
    status: OrderStatus
    order_id: str = ""
    reason: str = ""
    is_change: bool = False
    received_ns: int


class AccountKnown(Struct, frozen=True, kw_only=True, tag="account_known"):
    """What a venue's account holds as a run begins or resumes; no strategy receives this.

    `positions` are by market, those that are left out are zero. `balances` are the totals by asset,
    `None` if they are not known. Fills of before that come later from history are part of it.
    """

    venue: str
    positions: tuple[tuple[Symbol, Decimal], ...]
    balances: tuple[tuple[str, Decimal], ...] | None = None
    received_ns: int


class BookKnown(Struct, frozen=True, kw_only=True, tag="book_known"):
    """A book as it was when a run began or resumed; the strategy receives its snapshot."""

    snapshot: BookSnapshot
    received_ns: int


class Switch(Struct, frozen=True, kw_only=True, tag="switch"):
    """A person halts the bot, or lets it continue; no strategy receives this."""

    is_halted: bool
    reason: str
    received_ns: int


Steering = AccountKnown | BookKnown | Switch
"""Events for the engine alone."""
BotEvent = Event | Timer | Outcome
"""What a strategy may receive: market data it wants, losses of it, its fills and orders, timers."""


class Strategy(Struct, kw_only=True, forbid_unknown_fields=True):
    """A strategy: its fields are parameters, and memory where they are `Remembered`."""

    def wants(self) -> Iterable[Want | Every]:
        """The data and timers it needs; read once, before its first event."""
        raise NotImplementedError

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        """What it intends after an event; an error halts the bot and ends its orders."""
        raise NotImplementedError


# How each field is converted


def _channel(value: object, what: str) -> Channel:
    return value if isinstance(value, Channel) else parse_channel(text(value, what))


_WANT: dict[str, Take] = {
    "market": one_of(Market),
    "channel": _channel,
    "interval_s": optional(whole),
}
