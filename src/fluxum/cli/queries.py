"""One question, answered: ticker, book, trades, candles, instruments, time, status."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from fluxum.cli.answers import (
    Period,
    ask_book,
    ask_candles,
    ask_instruments,
    ask_status,
    ask_ticker,
    ask_time,
    ask_trades,
)
from fluxum.cli.asking import Where
from fluxum.cli.options import (
    Depth,
    Endpoint,
    Exchanges,
    Format,
    FormatOption,
    Interval,
    Proxy,
    Since,
    Symbols,
    Timeout,
    Until,
    markets_of,
    parse_endpoints,
    parse_interval,
    parse_markets,
    parse_period,
    parse_proxy,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.records import StatusRecord, TimeRecord
from fluxum.errors import BadInput
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade

__all__ = ["book", "candles", "instruments", "status", "ticker", "time", "trades"]

_TIMEOUT_S = 10.0
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="The newest so many. Without it and --since: 20."),
]


def ticker(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the last 24 hours of markets: best bid and ask, last trade, volume and change.

    With -x EXCHANGE,EXCHANGE,... they are side by side, one market of one exchange a row.

    Example: fluxum ticker -s BTC/USD,ETH/USD --format json
    """
    where = _where(markets_of(symbol, exchange), endpoint, proxy, timeout)
    with Output(form, [Ticker]) as output:
        run_async(ask_ticker(where, output))


def book(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    depth: Depth = None,
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the best levels of order books at this moment; `orderbook` follows and proves them.

    Without --depth they are as many as configured, else 10.

    Example: fluxum book -s BTC/USD --depth 5
    """
    where = _where(markets_of(symbol, exchange), endpoint, proxy, timeout)
    with Output(form, [BookSnapshot]) as output:
        run_async(ask_book(where, depth, output))


def trades(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = None,
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show past trades, oldest first, as far back as the exchange lists them.

    Example: fluxum trades -s BTC/USD --since 1h --format csv
    """
    where = _where(markets_of(symbol, exchange), endpoint, proxy, timeout)
    period = Period(*parse_period(since, until), limit)
    with Output(form, [Trade]) as output:
        run_async(ask_trades(where, period, output))


def candles(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    interval: Interval = None,
    since: Since = "",
    until: Until = "",
    limit: Limit = None,
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show past candles, oldest first; long periods are read page by page, within the limits.

    Without --interval it is as configured, else 1h. Intervals without a candle are reported on
    stderr: the exchange has none that old, or leaves out intervals without trades.

    Example: fluxum candles -s BTC/USD --interval 1h --since 2024-01-01 --until 2025-01-01
    """
    where = _where(markets_of(symbol, exchange), endpoint, proxy, timeout)
    period = Period(*parse_period(since, until), limit)
    if period.until_ns is not None and period.since_ns is None:
        raise BadInput(f"--since was expected with --until, was --until {until!r} alone")
    interval_s = parse_interval(interval)
    with Output(form, [Candle]) as output:
        run_async(ask_candles(where, interval_s, period, output))


def instruments(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the markets of exchanges with their rules: tick, lot and least quantity.

    Example: fluxum instruments --format csv
    """
    where = _where(parse_markets(symbol, exchange), endpoint, proxy, timeout)
    with Output(form, [Instrument]) as output:
        run_async(ask_instruments(where, output))


def time(
    exchange: Exchanges = "",
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the clocks of exchanges, and how far they are ahead of this machine's.

    Example: fluxum time --format ndjson
    """
    where = _where(parse_markets("", exchange), endpoint, proxy, timeout)
    with Output(form, [TimeRecord]) as output:
        run_async(ask_time(where, output))


def status(
    exchange: Exchanges = "",
    timeout: Timeout = _TIMEOUT_S,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the status of the engines of exchanges, if they have a call for it.

    Example: fluxum status --format ndjson
    """
    where = _where(parse_markets("", exchange), endpoint, proxy, timeout)
    with Output(form, [StatusRecord]) as output:
        run_async(ask_status(where, output))


def _where(
    markets: Mapping[str, Sequence[Symbol]],
    endpoint: list[str] | None,
    proxy: str | None,
    timeout_s: float,
) -> Where:
    """Where a question about markets, or exchanges, goes; raises BadInput."""
    return Where(
        markets=markets,
        endpoints=parse_endpoints(endpoint, markets),
        proxy=parse_proxy(proxy),
        timeout_s=timeout_s,
    )
