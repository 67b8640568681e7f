"""The options that commands share, and how their text is read."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Annotated
from urllib.parse import urlsplit

import typer

from fluxum.cli.columns import KINDS
from fluxum.cli.configured import configured_markets
from fluxum.cli.hints import near, near_symbol
from fluxum.clock import SystemClock
from fluxum.credentials import DEFAULT_FILE, SOURCES
from fluxum.errors import BadInput
from fluxum.model.event import Channel, parse_channel
from fluxum.model.instant import parse_rfc3339, plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.register import VENUES, find_venue

__all__ = [
    "FIRST_EXCHANGE",
    "ChannelList",
    "Channels",
    "Count",
    "Depth",
    "Endpoint",
    "Exchange",
    "Exchanges",
    "Format",
    "FormatOption",
    "Interval",
    "Keys",
    "Kinds",
    "MetricsPort",
    "Proxy",
    "Seconds",
    "Since",
    "Symbols",
    "Tier",
    "Timeout",
    "Until",
    "markets_of",
    "parse_channels",
    "parse_endpoint",
    "parse_endpoints",
    "parse_exchange",
    "parse_exchanges",
    "parse_instant",
    "parse_interval",
    "parse_market",
    "parse_markets",
    "parse_period",
    "parse_proxy",
    "parse_symbols",
]

FIRST_EXCHANGE = next(iter(VENUES))
"""The exchange of commands without --exchange."""

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LENGTHS_S = {**_UNITS_S, "M": MONTH_S}


class Format(Enum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def _completing(words: Iterable[str]) -> Callable[[str], list[str]]:
    """The shell's completions for a comma list of these words: completes the last one."""

    def complete(incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",")
        return [f"{before}{comma}{one}" for one in words if one.startswith(begun)]

    return complete


Exchange = Annotated[
    str,
    typer.Option(
        "--exchange",
        "-x",
        help=f"The exchange: {', '.join(VENUES)}. Without: {FIRST_EXCHANGE}.",
        show_default=False,
        autocompletion=_completing(VENUES),
    ),
]
Exchanges = Annotated[
    str,
    typer.Option(
        "--exchange",
        "-x",
        help=f"Comma list of exchanges: {', '.join(VENUES)}. Without: those that symbols name, "
        f"else {FIRST_EXCHANGE}.",
        show_default=False,
        autocompletion=_completing(VENUES),
    ),
]
Symbols = Annotated[
    str,
    typer.Option(
        "--symbol",
        "--symbols",
        "-s",
        help="Comma list of symbols such as BTC/USD, for every exchange, or of EXCHANGE:SYMBOL, "
        "for that one.",
    ),
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
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="[EXCHANGE=]URL",
        help="Use this ws:// or wss:// host instead of the exchange's. With several exchanges: "
        "EXCHANGE=URL, once for each.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", min=0.001, help="Give up on an exchange that has not answered for so long."
    ),
]
Proxy = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        metavar="URL",
        help="Reach the exchange through this http:// proxy, WebSockets and REST calls.",
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics",
        metavar="PORT",
        min=0,
        max=65_535,
        help="Serve /metrics, /health and /ready on this port of 127.0.0.1; 0 takes a free one. "
        "Needs the extra metrics.",
    ),
]
Kinds = Annotated[
    str,
    typer.Option(
        "--kind",
        help="Write records of these kinds only, such as trade or fill: for CSV, which is one "
        "table. The others are counted on stderr.",
        autocompletion=_completing(KINDS),
    ),
]
Channels = Annotated[
    str,
    typer.Argument(
        help="Comma list of channels.",
        metavar="CHANNEL[,CHANNEL...]",
        autocompletion=_completing([one.value for one in Channel]),
    ),
]
ChannelList = Annotated[
    str,
    typer.Option(
        "--channel",
        help="Comma list of channels, as for `fluxum stream`.",
        autocompletion=_completing([one.value for one in Channel]),
    ),
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
Until = Annotated[str, typer.Option("--until", help="End there, an instant as of --since.")]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="How data is written to stdout.")
]


def parse_exchanges(text: str) -> list[str]:
    """Names of exchanges from a comma list; raises BadInput for one that is unknown."""
    return [_exchange(name) for name in _items("an exchange", text)]


def parse_exchange(text: str) -> str:
    """The name of one exchange; the first of all if none is given. Raises BadInput."""
    names = parse_exchanges(text or FIRST_EXCHANGE)
    if len(names) != 1:
        raise BadInput(f"one exchange was expected, was {text!r}")
    return names[0]


def parse_symbols(text: str) -> list[Symbol]:
    """Symbols from a comma list; raises BadInput for an invalid one."""
    return [_symbol(item) for item in _items("a symbol like BTC/USD", text)]


def parse_markets(symbols: str, exchanges: str) -> dict[str, list[Symbol]]:
    """The symbols for each exchange.

    A bare symbol is for each of `exchanges`, `EXCHANGE:SYMBOL` for that one. Raises BadInput,
    also if one exchange has no symbol while others have.
    """
    named = parse_exchanges(exchanges) if exchanges else []
    markets: dict[str, list[Symbol]] = {name: [] for name in named}
    for item in _items("a symbol like BTC/USD", symbols) if symbols else ():
        exchange, text = _split(item)
        venues = [_exchange(exchange)] if exchange else named or [FIRST_EXCHANGE]
        for venue in venues:
            chosen = markets.setdefault(venue, [])
            chosen += [one for one in [_symbol(text)] if one not in chosen]
    for venue in named:
        if symbols and not markets[venue]:
            raise BadInput(f"a symbol was expected for {venue}, was {symbols!r}")
    return markets or {FIRST_EXCHANGE: []}


def markets_of(symbols: str, exchanges: str) -> dict[str, list[Symbol]]:
    """The symbols for each exchange; without any, the configured ones. Raises BadInput."""
    if symbols:
        return parse_markets(symbols, exchanges)
    return configured_markets(parse_exchanges(exchanges) if exchanges else ())


def parse_market(symbols: str, exchange: str) -> tuple[str, list[Symbol]]:
    """The one exchange, and the symbols; raises BadInput."""
    markets = parse_markets(symbols, exchange)
    if len(markets) != 1:
        raise BadInput(f"one exchange was expected, was {', '.join(markets)}")
    return next(iter(markets.items()))


def parse_endpoints(endpoints: Sequence[str] | None, venues: Iterable[str]) -> dict[str, str]:
    """The URL for each venue with another endpoint than its own; raises BadInput."""
    chosen = list(venues)
    found: dict[str, str] = {}
    for item in endpoints or ():
        name, equals, url = item.partition("=")
        if not equals or "://" in name:  # a query may hold an equals sign
            name, url = chosen[0], item
            if len(chosen) > 1:
                raise BadInput(
                    f"{len(chosen)} exchanges are asked, so EXCHANGE=URL was expected "
                    f"(such as {chosen[0]}={item}), was {item!r}"
                )
        if name not in chosen:
            raise BadInput(
                f"an endpoint of {', '.join(chosen)} was expected, was {item!r}{near(name, chosen)}"
            )
        if name in found:
            raise BadInput(f"one endpoint for {name} was expected, was also {item!r}")
        found[name] = url
    return found


def parse_endpoint(endpoints: Sequence[str] | None, venue: str) -> str | None:
    """The URL for the one venue; raises BadInput."""
    return parse_endpoints(endpoints, [venue]).get(venue)


def parse_channels(text: str) -> list[Channel]:
    """Channels from a comma list of names or aliases; raises BadInput for an unknown one."""
    return [_channel(item) for item in _items("a channel", text)]


def parse_interval(text: str | None) -> int | None:
    """Seconds from text like `5m`, `1h`, `1M` (a month) or `15` (minutes); raises BadInput."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:] in _LENGTHS_S else (text, "m")
    if not number.isdecimal() or int(number) == 0:
        raise BadInput(f"an interval like 1m, 5m, 1h, 1d or 1M was expected, was {text!r}")
    return int(number) * _LENGTHS_S[unit]


def parse_instant(text: str, now_ns: int, *, is_ahead: bool = False) -> int | None:
    """An instant from `2026-01-31`, `2026-01-31T12:00:00Z` or a span back, or ahead (`24h`).

    `None` for empty text. Raises BadInput.
    """
    if not text:
        return None
    instant_ns: int | None = None
    if text[-1:] in _UNITS_S and text[:-1].isdecimal():
        span_ns = int(text[:-1]) * _UNITS_S[text[-1]] * 1_000_000_000
        instant_ns = now_ns + span_ns if is_ahead else now_ns - span_ns
    else:
        with suppress(BadInput):
            instant_ns = parse_rfc3339(text if "T" in text else f"{text}T00:00:00Z")
    if instant_ns is None or plausible_ns(instant_ns) is None:
        raise BadInput(
            f"a time like 24h, 2026-01-31 or 2026-01-31T12:00:00Z was expected, was {text!r}"
        )
    return instant_ns


def parse_period(since: str, until: str) -> tuple[int | None, int | None]:
    """The begin and end of a period; raises BadInput if it ends before it begins."""
    now_ns = SystemClock().now_ns()
    since_ns, until_ns = parse_instant(since, now_ns), parse_instant(until, now_ns)
    if since_ns is not None and until_ns is not None and until_ns <= since_ns:
        raise BadInput(f"a time after --since {since} was expected for --until, was {until!r}")
    return since_ns, until_ns


def parse_proxy(text: str | None) -> str | None:
    """The URL of a proxy; raises BadInput for an invalid one."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise BadInput(f"a proxy like http://host:3128 was expected, was {text!r}")
    return text


def _exchange(name: str) -> str:
    try:
        return find_venue(name).name
    except BadInput as error:
        raise BadInput(f"{error}{near(name, VENUES)}") from None


def _symbol(text: str) -> Symbol:
    try:
        return Symbol(text)
    except BadInput as error:
        raise BadInput(f"{error}{near_symbol(text)}") from None


def _channel(text: str) -> Channel:
    try:
        return parse_channel(text)
    except BadInput as error:
        raise BadInput(f"{error}{near(text, [one.value for one in Channel])}") from None


def _split(item: str) -> tuple[str, str]:
    """The exchange before the first colon, if there is one, and the symbol after it."""
    before, _, after = item.partition(":")
    return (before, after) if before and after and "/" not in before else ("", item)


def _items(what: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise BadInput(f"{what} was expected, or a comma list of them, was {text!r}")
    return list(dict.fromkeys(items))
