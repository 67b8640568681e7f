"""Names: of markets, of channels, and of the streams they make together.

OKX writes a market as `BTC-USDT`, `BTC-USDT-SWAP` (perpetual), `BTC-USD-261225` (future) or
`BTC-USD-261225-100000-C` (option); which currencies are behind a derivative stands in its name
(https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments). Candles of six hours and
more begin at 16:00 UTC, midnight in Hong Kong, unless their bar ends in `utc`; those are asked
for, so that a day here is the day of every other exchange.
"""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.okx import native

__all__ = [
    "BARS",
    "CHAINED",
    "DEPTHS",
    "INSTRUMENTS",
    "INTERVALS_S",
    "arg_of",
    "bar_of",
    "heard",
    "prefix",
    "read",
    "spell",
    "topic",
]

INSTRUMENTS = "instruments"
"""The topic of all instruments, whatever their type."""
CHAINED = frozenset({"books", "books-l2-tbt", "books50-l2-tbt"})
"""Channels of books that begin with a snapshot; of the others every message is whole."""
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
"""The bar asked for: of two that are as long the later one, which is that of UTC."""

_PERPETUAL = "SWAP"
_BOOK_CHANNEL = {400: "books", 5: "books5", 1: "bbo-tbt"}
_CHANNELS = {Channel.TICKER: "tickers", Channel.TRADE: "trades"}
_KINDS = {"tickers": Channel.TICKER, "trades": Channel.TRADE, "trades-all": Channel.TRADE}


def spell(symbol: Symbol) -> str:
    """OKX's name of a market: `UNI/USD:PERP` is `UNI-USD-SWAP`."""
    contract = symbol.contract
    name = f"{symbol.base}-{symbol.quote}"
    if not contract:
        return name
    return f"{name}-{_PERPETUAL if contract == 'PERP' else contract}"


def read(name: str) -> Symbol:
    """The market of a name; raises RemoteProtocolError for what is none."""
    base, _, rest = name.partition("-")
    quote, dash, contract = rest.partition("-")
    if contract == _PERPETUAL:
        contract = "PERP"
    try:
        return Symbol(f"{base}/{quote}:{contract}" if dash else f"{base}/{quote}")
    except BadInput as error:
        raise RemoteProtocolError(f"a market like BTC-USDT was expected, was {name!r}") from error


def arg_of(subscription: Subscription) -> native.Arg:
    """How a stream of one market is asked for."""
    channel, symbol = subscription.channel, subscription.symbol
    assert symbol is not None, subscription
    if channel is Channel.BOOK:
        name = _BOOK_CHANNEL[subscription.depth or 400]
    elif channel is Channel.CANDLE:
        name = f"candle{BARS[subscription.interval_s or 60]}"
    else:
        name = _CHANNELS[channel]
    return native.Arg(name, spell(symbol))


def topic(arg: native.Arg) -> str:
    """What tells one stream from another."""
    return INSTRUMENTS if arg.channel == INSTRUMENTS else f"{arg.channel} {arg.instId}"


def prefix(arg: native.Arg) -> bytes:
    """How all data of a stream begin, up to the brace that closes their `arg`."""
    return b'{"arg":%s' % native.encode(arg)[:-1]


def bar_of(channel: str) -> str | None:
    """The bar of a channel of candles: `1Dutc` of `candle1Dutc`; none of any other."""
    bar = channel.removeprefix("candle")
    return bar if bar != channel and bar in INTERVALS_S else None


def heard(arg: native.Arg) -> Subscription | None:
    """What another client must have asked for, none if it is nothing we know of."""
    channel = arg.channel
    if channel == INSTRUMENTS:
        return Subscription(Channel.INSTRUMENT)
    if channel in DEPTHS:
        return Subscription(Channel.BOOK, read(arg.instId), DEPTHS[channel])
    if channel in _KINDS:
        return Subscription(_KINDS[channel], read(arg.instId))
    bar = bar_of(channel)
    if bar is None:
        return None
    return Subscription(Channel.CANDLE, read(arg.instId), None, INTERVALS_S[bar])
