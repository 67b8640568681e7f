"""The options commands share, and what their text means."""

import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Annotated

import typer

from fluxum.connect import connect
from fluxum.credentials import DEFAULT_FILE, SOURCES, find_credentials
from fluxum.errors import BadInput
from fluxum.model.event import Channel, parse_channel
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.session.login import Login
from fluxum.session.session import Session
from fluxum.transport.http import Http
from fluxum.transport.link import Dial
from fluxum.venues.register import VENUES, find_venue

__all__ = [
    "FIRST_EXCHANGE",
    "Count",
    "Depth",
    "Endpoint",
    "Exchange",
    "Format",
    "FormatOption",
    "Interval",
    "Keys",
    "Seconds",
    "Since",
    "Symbols",
    "Tier",
    "login",
    "opened",
    "parse_channels",
    "parse_exchanges",
    "parse_instant",
    "parse_interval",
    "parse_symbols",
]

FIRST_EXCHANGE = next(iter(VENUES))
"""What commands take unless they are told otherwise."""

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LENGTHS_S = {**_UNITS_S, "M": MONTH_S}


class Format(Enum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


Exchange = Annotated[
    str,
    typer.Option("--exchange", "-x", help=f"Comma list of exchanges: {', '.join(VENUES)}."),
]
Symbols = Annotated[
    str,
    typer.Option("--symbol", "--symbols", "-s", help="Comma list of symbols, such as BTC/USD."),
]
Depth = Annotated[int | None, typer.Option("--depth", min=1, help="Levels of each side of a book.")]
Interval = Annotated[
    str | None,
    typer.Option(
        "--interval",
        help="Length of a candle: 1m, 5m, 1h, 1d, 1M (a month); a bare number is minutes.",
    ),
]
Seconds = Annotated[
    float | None, typer.Option("--seconds", min=0.001, help="Stop after this long.")
]
Count = Annotated[
    int | None, typer.Option("--count", min=1, help="Stop after this many lines of data.")
]
Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", help="Use this ws:// or wss:// host instead of the exchange's."),
]
Keys = Annotated[
    str,
    typer.Option(
        "--keys",
        help=f"Where the keys are: {SOURCES}. Without: the environment, then {DEFAULT_FILE}.",
    ),
]
Tier = Annotated[
    str, typer.Option("--tier", help="The account's tier at the exchange; without: the lowest.")
]
Since = Annotated[
    str, typer.Option("--since", help="Begin there: 24h, 7d, 2026-01-31, 2026-01-31T12:00:00Z.")
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="How data is written to stdout.")
]


def parse_exchanges(text: str) -> list[str]:
    """Names of exchanges from a comma list; raises BadInput for one that is unknown."""
    return [find_venue(name).name for name in _items("an exchange", text)]


def parse_symbols(text: str) -> list[Symbol]:
    """Symbols from a comma list; raises BadInput for what is none."""
    return [Symbol(item) for item in _items("a symbol like BTC/USD", text)]


def parse_channels(text: str) -> list[Channel]:
    """Channels from a comma list of names or aliases; raises BadInput for what is none."""
    return [parse_channel(item) for item in _items("a channel", text)]


def parse_interval(text: str | None) -> int | None:
    """Seconds from text like `5m`, `1h`, `1M` (a month) or `15` (minutes); raises BadInput."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:] in _LENGTHS_S else (text, "m")
    if not number.isdecimal() or int(number) == 0:
        raise BadInput(f"an interval like 1m, 5m, 1h, 1d or 1M was expected, was {text!r}")
    return int(number) * _LENGTHS_S[unit]


def parse_instant(text: str, now_ns: int) -> int | None:
    """An instant from `2026-01-31`, `2026-01-31T12:00:00Z` or a span back (`24h`); empty is none.

    Raises BadInput.
    """
    if not text:
        return None
    if text[-1:] in _UNITS_S and text[:-1].isdecimal():
        return now_ns - int(text[:-1]) * _UNITS_S[text[-1]] * 1_000_000_000
    try:
        return parse_rfc3339(text if "T" in text else f"{text}T00:00:00Z")
    except BadInput as error:
        raise BadInput(f"a time like 24h, 2026-01-31 or 2026-01-31T12:00:00Z: {error}") from error


def login(exchange: str, keys: str, tier: str = "", since_ns: int | None = None) -> Login:
    """The way into an account; raises BadInput where there are no keys, or no such account."""
    if find_venue(exchange).private is None:
        able = ", ".join(venue.name for venue in VENUES.values() if venue.private is not None)
        raise BadInput(f"accounts are supported at {able}; was {exchange!r}")
    return Login(find_credentials(exchange, keys, stdin=sys.stdin), tier=tier, since_ns=since_ns)


@asynccontextmanager
async def opened(
    exchanges: Sequence[str],
    symbols: Sequence[str],
    channels: Sequence[Channel],
    *,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoint: str | None = None,
    through: Callable[[Dial], Dial] | None = None,
    calls_through: Callable[[Http], Http] | None = None,
    keys: str = "",
) -> AsyncGenerator[list[Session]]:
    """A session with each exchange, all with the same subscriptions, for the length of a block.

    Where a channel needs a login, `keys` says where the keys are; see `login`.
    """
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                connect(
                    exchange,
                    symbols,
                    channels,
                    depth=_depth_offered(exchange, depth),
                    interval_s=interval_s,
                    endpoint=endpoint,
                    through=through,
                    calls_through=calls_through,
                    login=login(exchange, keys)
                    if any(one in find_venue(exchange).needs_token for one in channels)
                    else None,
                )
            )
            for exchange in exchanges
        ]


def _depth_offered(exchange: str, wish: int | None) -> int | None:
    """The least depth the exchange offers that shows as much as was asked for."""
    offer = find_venue(exchange).depths.get(Channel.BOOK, ())
    if wish is None or not offer:
        return None  # where none is offered, the whole book is
    enough = [depth for depth in offer if depth >= wish]
    if not enough:
        raise BadInput(f"{exchange} shows at most {max(offer)} levels a side, was {wish}")
    return min(enough)


def _items(what: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise BadInput(f"{what} was expected, or a comma list of them, was {text!r}")
    return list(dict.fromkeys(items))
