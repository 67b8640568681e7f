"""Numbers, times and rows as OKX writes them.

Numbers are text without trailing zeros and never have an exponent; times are milliseconds. Key
orders are those of the frames quoted in `native`.
"""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Ticker, Trade
from fluxum.venues.okx import native
from fluxum.venues.plaintext import millis, number

__all__ = [
    "candle_row",
    "instrument_type",
    "level_rows",
    "levels_text",
    "ticker_line",
    "trade_line",
]

_DATED = 6


def instrument_type(symbol: Symbol) -> str:
    """What OKX counts a market among."""
    contract = symbol.contract
    if not contract:
        return "SPOT"
    if contract == "PERP":
        return "SWAP"
    return "FUTURES" if len(contract) == _DATED and contract.isdecimal() else "OPTION"


def level_rows(levels: Sequence[Level]) -> list[list[str]]:
    """Rows of price, size, the dead member and the number of orders."""
    return [[number(one.price), number(one.quantity), "0", str(one.orders or 0)] for one in levels]


def levels_text(levels: Sequence[Level]) -> bytes:
    """The same rows as JSON, without the brackets around them."""
    return ",".join(
        [
            f'["{number(one.price)}","{number(one.quantity)}","0","{one.orders or 0}"]'
            for one in levels
        ]
    ).encode()


def ticker_line(ticker: Ticker, instrument: Instrument, now_ns: int) -> native.Ticker:
    """A market in one line; the day's opening prices are those of 24 hours ago here."""
    volume = ticker.volume or Decimal(0)
    opened = number(ticker.open)
    return native.Ticker(
        instType=instrument_type(instrument.symbol),
        instId=instrument.venue_symbol,
        last=number(ticker.last),
        lastSz=number(ticker.last_quantity),
        askPx=number(ticker.ask),
        askSz=number(ticker.ask_quantity),
        bidPx=number(ticker.bid),
        bidSz=number(ticker.bid_quantity),
        open24h=opened,
        high24h=number(ticker.high),
        low24h=number(ticker.low),
        volCcy24h=number(volume * (ticker.vwap or 0)),
        vol24h=number(volume),
        sodUtc0=opened,
        sodUtc8=opened,
        ts=str(millis(now_ns)),
    )


def trade_line(trade: Trade, instrument: Instrument) -> native.Trade:
    """A trade, as `trades-all` and the list of trades tell it."""
    return native.Trade(
        instId=instrument.venue_symbol,
        tradeId=trade.trade_id,
        px=number(trade.price),
        sz=number(trade.quantity),
        side=trade.side.value,
        ts=str(millis(trade.venue_ns or trade.received_ns)),
        source="0",
    )


def candle_row(candle: Candle, *, is_closed: bool) -> native.Candle:
    """A candle as a row."""
    value = number(candle.volume * (candle.vwap or candle.close))
    return native.Candle(
        ts=str(millis(candle.start_ns)),
        open=number(candle.open),
        high=number(candle.high),
        low=number(candle.low),
        close=number(candle.close),
        vol=number(candle.volume),
        volCcy=value,
        volCcyQuote=value,
        confirm="1" if is_closed else "0",
    )
