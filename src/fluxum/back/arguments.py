"""What the arguments of a back-test mean, and whether a tape has what a strategy wants."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

from fluxum.back.candles import CandleBuilder
from fluxum.back.columns import (
    KIND_BUY,
    KIND_OTHER,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_UPDATE,
    Columns,
    ColumnStream,
)
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market
from fluxum.bot.strategy import Want
from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.fill.latency import ConstantLatency, Latency
from fluxum.model.event import Channel
from fluxum.model.input import Number, not_negative
from fluxum.model.instrument import Asset, Instrument
from fluxum.report.run import World

__all__ = [
    "END_NS",
    "Amounts",
    "BacktestTerms",
    "balances_of",
    "builders_of",
    "check_terms",
    "currency_of",
    "delivered",
    "fees_of",
    "latency_of",
    "numbered",
    "world_of",
]

_WORLDS = tuple(World)
END_NS = (1 << 63) - 1
"""Later than every tape."""
Amounts = Mapping[str, Mapping[str, Number]]
"""Balances by venue and asset."""


class BacktestTerms(TypedDict, total=False):
    """What a back-test assumes; each may be left out.

    A venue that is in `accounts` has these balances and refuses orders beyond them; without any,
    every venue has an account without limit. `fills` is the world that the account follows,
    expected by default. `latency` is of orders and of answers, or a number of seconds; 0 by
    default. Without `fees` there are none. `instruments` are rules of markets that the tape lacks.
    Orders are named from `seed`. `currency` is that of equity and profit: the first market's quote
    asset by default. The run is from `begins_ns` to `ends_ns`, exclusive; books are built from the
    beginning of the tape. Equity is noted every `equity_s` seconds, 60 by default. `faithful` are
    the recordings that the tape was prepared from: their frames are then played through the live
    rooms, to prove that the columns decide the same; that takes many times as long.
    """

    accounts: Amounts | None
    fills: World | str
    latency: Latency | float
    fees: Fees | Mapping[str, Fees] | None
    limits: BotLimits | None
    instruments: Mapping[Market, Instrument] | None
    seed: int
    currency: str | None
    begins_ns: int
    ends_ns: int
    equity_s: int
    faithful: Sequence[Path | Sequence[Path]]


def check_terms(terms: BacktestTerms) -> None:
    """Raise BadInput for a term that there is not."""
    known = BacktestTerms.__annotations__
    unknown = [name for name in terms if name not in known]
    if unknown:
        raise BadInput(f"one of {', '.join(known)} was expected, was {', '.join(unknown)}")


def numbered(columns: Columns) -> dict[Market, int]:
    """The markets of a tape by their numbers."""
    return {Market(one.venue, one.name): number for number, one in enumerate(columns.markets)}


def builders_of(wants: Sequence[Want], streams: Sequence[ColumnStream]) -> list[CandleBuilder]:
    """The builders of candles that the tape lacks; raises BadInput for other data it lacks."""
    builders: list[CandleBuilder] = []
    there = set(streams)
    for want in wants:
        venue, symbol = want.market.venue, want.market.symbol
        interval_s = want.interval_s or 0
        if want.channel is Channel.CANDLE and not interval_s:
            raise BadInput(f"an interval of the candles of {want.market} was expected, was None")
        if ColumnStream(venue, want.channel.value, str(symbol), interval_s) in there:
            continue
        if want.channel is Channel.INSTRUMENT:
            continue
        trades = ColumnStream(venue, Channel.TRADE.value, str(symbol))
        if want.channel is not Channel.CANDLE or trades not in there:
            has = ", ".join(map(str, streams)) or "nothing"
            raise BadInput(f"the tape has no {want.channel.value} of {want.market}; it has {has}")
        builders.append(CandleBuilder(venue, symbol, interval_s))
    return builders


def delivered(
    wants: Sequence[Want], builders: Sequence[CandleBuilder], markets: Mapping[Market, int]
) -> set[tuple[int, int]]:
    """Which kinds of events of which markets the engine receives."""
    found = {(KIND_OTHER, 0)}
    for want in wants:
        number = markets.get(want.market)
        if number is None:
            continue
        if want.channel is Channel.BOOK:
            found |= {(kind, number) for kind in (KIND_SNAPSHOT, KIND_UPDATE)}
        elif want.channel is Channel.TRADE:
            found |= {(KIND_BUY, number), (KIND_SELL, number)}
    for builder in builders:
        number = markets[builder.market]
        found |= {(KIND_BUY, number), (KIND_SELL, number)}
    return found


def world_of(fills: World | str) -> int:
    """The number of the world that the account follows; raises BadInput."""
    try:
        return _WORLDS.index(World(fills))
    except ValueError as error:
        names = ", ".join(one.value for one in World)
        raise BadInput(f"fills were expected to be one of {names}, was {fills!r}") from error


def latency_of(latency: Latency | float) -> Latency:
    """A latency, from seconds as well."""
    if isinstance(latency, int | float):
        return ConstantLatency(round(latency * 1e9))
    return latency


def fees_of(
    fees: Fees | Mapping[str, Fees] | None, markets: Mapping[Market, int]
) -> dict[str, Fees]:
    """The fees of every venue of the tape; raises BadInput for a venue that is not there."""
    venues = dict.fromkeys(market.venue for market in markets)
    if isinstance(fees, Fees):
        return dict.fromkeys(venues, fees)
    given = dict(fees or {})
    unknown = given.keys() - venues.keys()
    if unknown:
        raise BadInput(f"fees of {', '.join(venues)} were expected, was {', '.join(unknown)}")
    return {venue: given.get(venue, Fees.flat()) for venue in venues}


def currency_of(currency: str | None, wants: Sequence[Want]) -> Asset:
    """What profit is counted in: the quote asset of the first market, unless one is given.

    Raises BadInput for one in which no market of the strategy is quoted: nothing has a value in it.
    """
    quotes = list(dict.fromkeys(str(want.market.symbol.quote) for want in wants))
    if currency is None or currency in quotes:
        return Asset(currency or quotes[0])
    names = ", ".join(quotes)
    raise BadInput(f"the quote asset of a market ({names}) was expected, was {currency!r}")


def balances_of(
    accounts: Amounts | None, markets: Mapping[Market, int]
) -> dict[str, dict[str, Decimal]]:
    """The balances at the beginning; raises BadInput for a venue that is not there."""
    venues = {market.venue for market in markets}
    found: dict[str, dict[str, Decimal]] = {}
    for venue, assets in (accounts or {}).items():
        if venue not in venues:
            there = ", ".join(sorted(venues))
            raise BadInput(
                f"an account at a venue of the tape was expected ({there}), was {venue!r}"
            )
        found[venue] = {asset: not_negative(total, asset) for asset, total in assets.items()}
    return found
