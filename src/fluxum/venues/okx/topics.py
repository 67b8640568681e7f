"""Names: of markets, of channels, and of the streams they make together.

OKX writes a market as `BTC-USDT`, `BTC-USDT-SWAP` (perpetual), `BTC-USD-261225` (future) or
`BTC-USD-261225-100000-C` (option); the currencies of a derivative are in the list of
instruments (https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments). A name does not
show whether a contract is linear or inverse, nor its size. The symbol does:
`BTC/USD:PERP-INVERSE`, and `BTC/USDT:PERP-CONTRACTS` where the size is not known. Contracts of a
family of its own name it: `BTC-USD_UM-SWAP` is `BTC/USD:UM-PERP`.

Candles of six hours and more begin at 16:00 UTC, midnight in Hong Kong, unless their bar ends in
`utc`; those are requested, so that a day here is the day of every other exchange.
"""

import re

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.okx import native

__all__ = [
    "BARS",
    "CHAINED",
    "CONTRACTS",
    "DEPTHS",
    "INSTRUMENTS",
    "INTERVALS_S",
    "INVERSE",
    "arg",
    "contract_of",
    "format_symbol",
    "instrument_type",
    "is_chained",
    "is_known",
    "parse_channel",
    "parse_symbol",
    "prefix",
    "topic",
    "topic_of",
]

INSTRUMENTS = "instruments"
"""The channel of changes of instruments."""
INVERSE = "-INVERSE"
"""Ends the contract of a symbol whose quantities are in the quote asset."""
CONTRACTS = "-CONTRACTS"
"""Ends the contract of a symbol whose quantities are contracts."""
CHAINED = frozenset({"books", "books-l2-tbt", "books50-l2-tbt"})
"""Channels of books that begin with a snapshot; each message of the others is a whole book."""
DEPTHS = {"books": 400, "books5": 5, "bbo-tbt": 1, "books-l2-tbt": 400, "books50-l2-tbt": 50}
"""Levels a side of each channel of books."""
INTERVALS_S = {
    "1m": 60,
    "1s": 1,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1H": 3600,
    "2H": 7200,
    "4H": 14_400,
    "6H": 21_600,
    "12H": 43_200,
    "1D": 86_400,
    "2D": 172_800,
    "3D": 259_200,
    "5D": 432_000,
    "1W": 604_800,
    "1M": MONTH_S,
    "3M": 3 * MONTH_S,
    "6Hutc": 21_600,
    "12Hutc": 43_200,
    "1Dutc": 86_400,
    "2Dutc": 172_800,
    "3Dutc": 259_200,
    "5Dutc": 432_000,
    "1Wutc": 604_800,
    "1Mutc": MONTH_S,
    "3Mutc": 3 * MONTH_S,
}
"""Seconds of each bar, case and all: `1m` is a minute and `1M` a month."""
BARS = {interval_s: bar for bar, interval_s in INTERVALS_S.items()}
"""The bar that is requested: the later one of two equally long ones, which is that of UTC."""

_PERPETUAL = "SWAP"
_PERP = "PERP"
_PAIR_END = re.compile(r"[-_]")
_DATED = 6
_FAMILY = re.compile(r"[A-Z]")  # how the contract of a family begins, unlike a date or PERP
_BOOK_CHANNEL = {400: "books", 5: "books5", 1: "bbo-tbt"}
_CHANNELS = {Channel.TICKER: "tickers", Channel.TRADE: "trades"}
# The channel, depth and interval of each of the venue's channels.
_KNOWN: dict[str, tuple[Channel, int | None, int | None]] = {
    **{name: (Channel.BOOK, depth, None) for name, depth in DEPTHS.items()},
    **{
        f"candle{bar}": (Channel.CANDLE, None, interval_s)
        for bar, interval_s in INTERVALS_S.items()
    },
    "tickers": (Channel.TICKER, None, None),
    "trades": (Channel.TRADE, None, None),
    "trades-all": (Channel.TRADE, None, None),
}


def format_symbol(symbol: Symbol) -> str:
    """OKX's name of a market: `UNI/USD:PERP-INVERSE` is `UNI-USD-SWAP`."""
    label = _without_unit(symbol)
    pair = f"{symbol.base}-{symbol.quote}"
    if not label:
        return pair
    family, dash, last = label.rpartition("-")
    if last == _PERP:
        label = f"{family}{dash}{_PERPETUAL}"
    return f"{pair}_{label}" if dash and _FAMILY.match(label) else f"{pair}-{label}"


def contract_of(rest: str) -> str | None:
    """The contract of a name behind its pair, `None` for what is none: `-SWAP` is `PERP`."""
    family, dash, last = rest.rpartition("-")
    if not (dash and last) or (family and family[0] not in "-_"):
        return None
    return f"{family}-{_PERP if last == _PERPETUAL else last}"[1:]


def instrument_type(symbol: Symbol) -> str:
    """What OKX counts a market among."""
    last = _without_unit(symbol).rpartition("-")[2]
    if not last:
        return "SPOT"
    if last == _PERP:
        return "SWAP"
    return "FUTURES" if len(last) == _DATED and last.isdecimal() else "OPTION"


def _without_unit(symbol: Symbol) -> str:
    return symbol.contract.removesuffix(INVERSE).removesuffix(CONTRACTS)


def parse_symbol(name: str) -> Symbol:
    """The market of a name, counted in contracts if it is one; raises RemoteProtocolError.

    Only for tapes without a list of instruments.
    """
    base, _, rest = name.partition("-")
    quote = _PAIR_END.split(rest, maxsplit=1)[0]
    contract = contract_of(rest.removeprefix(quote)) if rest != quote else ""
    unit = CONTRACTS if contract else ""
    try:
        return Symbol(
            f"{base}/{quote}:{contract or ''}{unit}" if rest != quote else f"{base}/{quote}"
        )
    except BadInput as error:
        raise RemoteProtocolError(f"a market like BTC-USDT was expected, was {name!r}") from error


def topic_of(subscription: Subscription) -> str:
    """The topic of a subscription to one market: `books BTC-USDT`."""
    channel, symbol = subscription.channel, subscription.symbol
    assert symbol is not None, subscription
    if channel is Channel.BOOK:
        name = _BOOK_CHANNEL[subscription.depth or 400]
    elif channel is Channel.CANDLE:
        name = f"candle{BARS[subscription.interval_s or 60]}"
    else:
        name = _CHANNELS[channel]
    return f"{name} {format_symbol(symbol)}"


def topic(arg: native.Arg) -> str:
    """The topic of an `arg`."""
    return INSTRUMENTS if arg.channel == INSTRUMENTS else f"{arg.channel} {arg.instId}"


def arg(topic: str) -> native.Arg:
    """The `arg` of a topic."""
    channel, _, name = topic.partition(" ")
    return native.Arg(channel, name)


def prefix(topic: str) -> bytes:
    """How all data of a topic begin, up to the brace that closes their `arg`."""
    return b'{"arg":%s' % native.encode(arg(topic))[:-1]


def is_chained(topic: str) -> bool:
    """Whether the book of a topic begins with a snapshot; else each message is a whole book."""
    return arg(topic).channel in CHAINED


def is_known(channel: str) -> bool:
    """Whether data of a channel are of one market and can be read."""
    return channel in _KNOWN


def parse_channel(name: str, symbol: Symbol) -> Subscription:
    """The subscription to a market that a known channel stands for."""
    channel, depth, interval_s = _KNOWN[name]
    return Subscription(channel, symbol, depth, interval_s)
