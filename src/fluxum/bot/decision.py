"""One decision: what was received, what was intended, what the limits decided, what is sent. Pure.

The decisions of a run form a chain: each has the hash of the one before it, so one hash stands for
all of them. The text that is hashed is canonical (see `canonical`), so a run that decides the same
has the same hash: live, on paper and in a back-test, in every process and Python version.
"""

from hashlib import sha256

from msgspec import Struct

from fluxum.bot.canonical import canonical
from fluxum.bot.intent import Intent
from fluxum.bot.limits import BotFact
from fluxum.bot.market import Market
from fluxum.bot.strategy import BookKnown, BotEvent, Steering
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Cancel, Place

__all__ = ["BotCommand", "Decision", "InputReference", "chained", "decision_text", "reference"]


class BotCommand(Struct, frozen=True, gc=False):
    """A command to the account at a market's venue; orders are named by their client order id."""

    market: Market
    command: Place | Amend | Cancel


class InputReference(Struct, frozen=True, gc=False):
    """Which event led to a decision: its kind, where it is from, and when it was received."""

    kind: str
    venue: str
    symbol: str
    received_ns: int


class Decision(Struct, frozen=True, gc=False, kw_only=True):
    """One step of an engine that intended, sent or reported anything; `number` counts from 1."""

    number: int
    input: InputReference
    intents: tuple[Intent, ...]
    facts: tuple[BotFact, ...]
    commands: tuple[BotCommand, ...]


def reference(event: BotEvent | Steering) -> InputReference:
    """The reference to an event; to a book that was known, as to its snapshot."""
    if isinstance(event, BookKnown):
        return reference(event.snapshot)
    symbol: Symbol | str = getattr(event, "symbol", None) or ""
    tag = str(event.__struct_config__.tag)
    return InputReference(tag, getattr(event, "venue", ""), str(symbol), event.received_ns)


def decision_text(decision: Decision) -> str:
    """The canonical text of a decision, which is JSON."""
    return canonical(decision)


def chained(before: str, text: str) -> str:
    """The hash of a chain that ended with the hash `before` and goes on with a text."""
    return sha256(f"{before}\n{text}".encode()).hexdigest()
