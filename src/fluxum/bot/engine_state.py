"""All that an engine remembers, as a value: a checkpoint, and where a restart begins. Pure."""

from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Struct

from fluxum.bot.account import AccountState
from fluxum.bot.intent import Quote, Target
from fluxum.bot.market import Market
from fluxum.bot.profit import Earned, Trip
from fluxum.bot.protections import Pause
from fluxum.bot.together import Group
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol

__all__ = ["Ahead", "EngineState", "LastCandle", "Paused", "Step", "custom", "decode", "encode"]

_T = TypeVar("_T")


class Ahead(Struct, frozen=True):
    """A timer of the strategy, and when it is due next."""

    name: str
    interval_ns: int
    due_ns: int


class Paused(Struct, frozen=True):
    """A market where a command was refused: quotes and targets wait until an instant."""

    market: Market
    until_ns: int
    delay_ns: int


class LastCandle(Struct, frozen=True):
    """The start of the last closed candle that the strategy received."""

    venue: str
    symbol: Symbol
    interval_s: int
    start_ns: int


class EngineState(Struct, frozen=True, kw_only=True):
    """An engine after a step, its strategy left out.

    `received` counts the market events that the strategy received, `named` the orders that were
    named, `decisions` the decisions, whose chain ends with `chain`.
    """

    now_ns: int = 0
    received: int = 0
    named: int = 0
    decisions: int = 0
    chain: str = ""
    halted: str = ""
    failed: str = ""
    account: AccountState = AccountState()
    quotes: tuple[Quote, ...] = ()
    targets: tuple[Target, ...] = ()
    groups: tuple[Group, ...] = ()
    paused: tuple[Paused, ...] = ()
    timers: tuple[Ahead, ...] = ()
    candles: tuple[LastCandle, ...] = ()
    earned: tuple[Earned, ...] = ()
    trips: tuple[Trip, ...] = ()
    pauses: tuple[Pause, ...] = ()
    high: Decimal | None = None
    placed_since_fill: int = 0
    reducing: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """What a journal keeps of one step; each part is empty if the step has none.

    `input` is the event if it is not market data, which the tape has. `decision` is the canonical
    text of the decision, and `chain` the hash of the chain after it. `memory` are the strategy and
    the state of the engine as JSON, if either has changed. `traceback` is that of a strategy that
    failed; it is no part of the hash.
    """

    received: int
    input: bytes = b""
    decision: str = ""
    chain: str = ""
    strategy: bytes = b""
    state: bytes = b""
    traceback: str = ""


def encode(value: Struct) -> bytes:
    """A value as JSON; raises BadInput for a memory that cannot be encoded."""
    try:
        return _encoder.encode(value)
    except (msgspec.MsgspecError, TypeError, NotImplementedError) as error:
        raise BadInput(f"fields of {type(value).__name__} cannot be encoded: {error}") from error


def decode(line: bytes, kind: type[_T]) -> _T:
    """A value from its JSON; raises BadInput that names the field that is wrong."""
    try:
        return msgspec.json.decode(line, type=kind, dec_hook=custom)
    except msgspec.MsgspecError as error:
        raise BadInput(f"{kind.__name__}: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} {value!r:.60}")


def custom(kind: type, value: object) -> object:
    """Makes what JSON has no type for; for decoders."""
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(f"no type of a field: {kind}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
