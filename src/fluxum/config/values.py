"""What a setting may be: functions that take a value as it was written and return it typed.

Each takes the value and the setting's name, and raises BadInput that shows what was expected.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from fluxum.errors import BadInput
from fluxum.model.event import parse_channel
from fluxum.model.input import flag, mapping, optional, positive, several, symbol, text
from fluxum.model.interval import interval_of
from fluxum.sink.engine import EngineUrl, SinkUrl, has_secret
from fluxum.transport.network import ProxyUrl
from fluxum.venues.register import VENUES, find_venue

__all__ = [
    "AtLeast",
    "OneOf",
    "bytes_of",
    "channel",
    "collar",
    "engine_url",
    "factor",
    "flag",
    "has_password",
    "interval",
    "keys",
    "link_url",
    "mapping",
    "near",
    "nothing",
    "one_or_some",
    "optional",
    "path",
    "pattern",
    "port",
    "positive",
    "proxy_url",
    "seconds",
    "several",
    "share",
    "span",
    "symbol",
    "text",
    "url",
    "venue",
]

_SHOWN = 60
_PORT_MAX = 65_535
_PARTS_MAX = 3
_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "kiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SPANS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(value: object, what: str) -> float:
    """A time above zero."""
    return _real(value, what, "seconds above 0", lambda number: number > 0)


def nothing(value: object, what: str) -> float:
    """A time of zero or more."""
    return _real(value, what, "seconds, 0 or more", lambda number: number >= 0)


def factor(value: object, what: str) -> float:
    """A number of at least one."""
    return _real(value, what, "a number of at least 1", lambda number: number >= 1)


def share(value: object, what: str) -> float:
    """A number from zero to one."""
    return _real(value, what, "a number from 0 to 1", lambda number: 0 <= number <= 1)


class AtLeast:
    """Whole numbers from some number on."""

    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, value: object, what: str) -> int:
        """Take a whole number; one written as 5.0 is one."""
        number = int(value) if isinstance(value, Decimal) and _is_whole(value) else value
        if isinstance(number, int) and not isinstance(number, bool) and number >= self.least:
            return number
        raise _expected(what, f"a whole number of at least {self.least}", value)


def port(value: object, what: str) -> int:
    """The number of a port; 0 is a free one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _PORT_MAX:
        return value
    raise _expected(what, f"a port from 0 to {_PORT_MAX}", value)


class OneOf:
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, value: object, what: str) -> str:
        """Take a word in any case."""
        if isinstance(value, str) and value.lower() in self.words:
            return value.lower()
        raise _expected(what, f"one of {', '.join(self.words)}", value)


def path(value: object, what: str) -> str:
    """A path, which is not empty."""
    if isinstance(value, str) and value.strip():
        return str(Path(value).expanduser())
    raise _expected(what, "a path", value)


def link_url(value: object, what: str) -> str:
    """The URL of links."""
    return _url(value, what, ("ws", "wss"), "a ws:// or wss:// URL")


def url(value: object, what: str) -> str:
    """The URL of links or calls."""
    return _url(value, what, ("ws", "wss", "http", "https"), "a wss:// or https:// URL")


def proxy_url(value: object, what: str) -> str:
    """The URL of an HTTP proxy."""
    return ProxyUrl(_url(value, what, ("http", "https"), "a proxy like http://host:3128"))


def engine_url(value: object, what: str) -> str:
    """The URL of an engine that events are published to."""
    try:
        EngineUrl.parse(found := text(value, what))
    except BadInput as error:
        raise BadInput(f"{what}: {error}") from None
    return SinkUrl(found)


def pattern(value: object, what: str) -> str:
    """A pattern of streams: up to three parts, each a name or `*`."""
    if isinstance(value, str) and all(parts := value.split("/")) and len(parts) <= _PARTS_MAX:
        return value
    raise _expected(what, "a pattern of streams like EXCHANGE/*/trade", value)


def has_password(value: object) -> bool:
    """Whether a URL contains a password."""
    return isinstance(value, str) and has_secret(value)


def interval(value: object, what: str) -> int:
    """The length of a candle: `1m`, `4h`, or seconds."""
    try:
        return interval_of(cast("Any", value))
    except BadInput as error:
        raise BadInput(f"{what}: {error}") from None


def span(value: object, what: str) -> int:
    """Whole seconds, or text like `15m`, `1h`, `1d`."""
    return _measure(value, what, _SPANS_S, "a time like 30s, 15m, 1h or 1d, or seconds")


def bytes_of(value: object, what: str) -> int:
    """Bytes, or text like `100MB`, `2GiB`."""
    return _measure(value, what, _SIZES, "a size like 500kB, 100MB or 2GiB, or bytes")


def channel(value: object, what: str) -> str:
    """The name of a channel, by itself or an alias."""
    name = text(value, what)
    try:
        return parse_channel(name).value
    except BadInput as error:
        raise BadInput(f"{what}: {error}") from None


def venue(value: object, what: str) -> str:
    """The name of an exchange."""
    name = text(value, what)
    try:
        return find_venue(name).name
    except BadInput as error:
        raise BadInput(f"{what}: {error}{near(name, VENUES)}") from None


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean this?`, or "" if nothing known is similar."""
    found = get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def keys(value: object, what: str) -> str:
    """Where keys are, never the keys: what was written is not shown, as it may be one."""
    wanted = "env, env:PREFIX, file:PATH, file:PATH#TABLE, keyring or keyring:NAME"
    if isinstance(value, str):
        kind, colon, rest = value.partition(":")
        if not value:
            return value
        is_prefix = kind != "env" or not colon or rest.isidentifier()
        is_whole = bool(rest) or (not colon and kind != "file")
        if kind in {"env", "file", "keyring"} and is_whole and is_prefix:
            return value
    raise BadInput(
        f"{what}: {wanted} was expected, was something else, which is not shown as it may be a "
        "secret: keys are never in a configuration, `fluxum setup` stores them"
    )


def one_or_some(value: object, what: str) -> object:
    """A number above zero for all markets, or one for each of some."""
    if isinstance(value, Mapping):
        return mapping(symbol, positive)(cast("object", value), what)
    return positive(value, what)


def collar(value: object, what: str) -> Decimal | None:
    """Per cent above zero, or `none` without a collar."""
    return None if value == "none" else positive(value, what)


def _is_whole(value: Decimal) -> bool:
    return value.is_finite() and value == value.to_integral_value()


def _real(value: object, what: str, wanted: str, is_good: Callable[[float], bool]) -> float:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and is_good(number):
            return number
    raise _expected(what, wanted, value)


def _url(value: object, what: str, schemes: Iterable[str], wanted: str) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            parts = urlsplit(value)
            if parts.scheme in schemes and parts.hostname and parts.port != 0:
                return value
    raise _expected(what, wanted, "***" if has_password(value) else value)


def _measure(value: object, what: str, units: dict[str, int], wanted: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str):
        for unit, size in units.items():
            number = value.removesuffix(unit)
            if number != value and number.isdecimal() and len(number) < 10 and int(number):
                return int(number) * size
    raise _expected(what, wanted, value)


def _expected(what: str, wanted: str, value: object) -> BadInput:
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return BadInput(f"{what}: {wanted} was expected, was {shown[:_SHOWN]}")
