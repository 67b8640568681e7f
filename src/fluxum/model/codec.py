"""Events as JSON lines: a type tag, exact decimals as plain text, and back without loss."""

from decimal import Decimal
from typing import Any, cast

import msgspec

from fluxum.errors import BadInput
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Levels
from fluxum.model.market import BookUpdate

__all__ = ["decode_event", "encode_event", "plain"]


def plain(value: object) -> Any:
    """JSON-ready builtins: decimals as text without exponents, `text` of levels left out."""
    return _plain(msgspec.to_builtins(value, builtin_types=(Decimal, bytes), enc_hook=_builtin))


def encode_event(event: Event) -> bytes:
    """One line of JSON, without its line end."""
    return msgspec.json.encode(plain(event))


def decode_event(line: bytes) -> Event:
    """The event a line was made from; raises BadInput when it is none."""
    try:
        event = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise BadInput(f"an event in JSON was expected ({error}), was {line[:80]!r}") from error
    if isinstance(event, BookUpdate):  # a sequence of levels is read as a list
        return msgspec.structs.replace(event, bids=tuple(event.bids), asks=tuple(event.asks))
    return event


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # Plain digits, but not a gigabyte of zeros for a nonsense exponent.
        return format(value, "f") if -64 < value.adjusted() < 64 else str(value)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _plain(item) for key, item in items if not isinstance(item, bytes)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value


def _builtin(value: object) -> object:
    return tuple(value) if isinstance(value, Levels) else str(value)


def _custom(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(kind)


_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event, dec_hook=_custom)
