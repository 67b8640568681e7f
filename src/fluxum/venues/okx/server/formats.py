"""Numbers, times and rows as OKX writes them.

Numbers are text without trailing zeros and never have an exponent; times are milliseconds. Key
orders are those of the frames quoted in `native`. Quantities of derivatives are counted in
contracts, whose sizes here are the same for all: 0.01 of the base asset, or 100 of the quote asset
if inverse.
"""

from collections.abc import Sequence
from decimal import Decimal
from zlib import crc32

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Ticker, Trade
from fluxum.venues.okx import native, topics
from fluxum.venues.server.formats import millis, number

__all__ = [
    "candle_row",
    "contract_size",
    "instrument_code",
    "level_rows",
    "levels_text",
    "ticker_line",
    "trade_line",
]

_ONE = Decimal(1)
_LINEAR = Decimal("0.01")
_INVERSE = Decimal(100)


def contract_size(symbol: Symbol) -> Decimal:
    """What one unit of OKX's quantities comes to in this market."""
    if not symbol.contract or symbol.counts_contracts:
        return _ONE
    return _INVERSE if symbol.is_inverse else _LINEAR


def instrument_code(instrument: Instrument) -> str:
    """The number of a market in orders over a link, as text; by its name here."""
    return str(crc32(instrument.venue_symbol.encode()))


def level_rows(levels: Sequence[Level], size: Decimal = _ONE) -> list[list[str]]:
    """Rows of price, contracts of a `size`, the dead member and the number of orders."""
    return [
        [number(one.price), number(one.quantity / size), "0", str(one.orders or 0)]
        for one in levels
    ]


def levels_text(levels: Sequence[Level], size: Decimal = _ONE) -> bytes:
    """The same rows as JSON, without the brackets around them."""
    return ",".join(
        [
            f'["{number(one.price)}","{number(one.quantity / size)}","0","{one.orders or 0}"]'
            for one in levels
        ]
    ).encode()


def ticker_line(ticker: Ticker, instrument: Instrument, now_ns: int) -> native.Ticker:
    """A market in one line; the day's opening prices are those of 24 hours ago here."""
    symbol, opened = instrument.symbol, number(ticker.open)
    volume = ticker.volume or Decimal(0)
    base, quote = _values(symbol, volume, ticker.vwap or ticker.last)
    return native.Ticker(
        instType=topics.instrument_type(symbol),
        instId=instrument.venue_symbol,
        last=number(ticker.last),
        lastSz=_contracts(ticker.last_quantity, symbol),
        askPx=number(ticker.ask),
        askSz=_contracts(ticker.ask_quantity, symbol),
        bidPx=number(ticker.bid),
        bidSz=_contracts(ticker.bid_quantity, symbol),
        open24h=opened,
        high24h=number(ticker.high),
        low24h=number(ticker.low),
        volCcy24h=number(base if symbol.contract else quote),
        vol24h=_contracts(volume, symbol),
        sodUtc0=opened,
        sodUtc8=opened,
        ts=str(millis(now_ns)),
    )


def trade_line(trade: Trade, instrument: Instrument) -> native.Trade:
    """A trade, as `trades-all` and the list of trades have it."""
    return native.Trade(
        instId=instrument.venue_symbol,
        tradeId=trade.trade_id,
        px=number(trade.price),
        sz=_contracts(trade.quantity, instrument.symbol),
        side=trade.side.value,
        ts=str(millis(trade.venue_ns or trade.received_ns)),
        source="0",
    )


def candle_row(candle: Candle, *, is_closed: bool) -> native.Candle:
    """A candle as a row: its volume in contracts, in the base asset and in the quote asset."""
    symbol = candle.symbol
    base, quote = _values(symbol, candle.volume, candle.vwap or candle.close)
    return native.Candle(
        ts=str(millis(candle.start_ns)),
        open=number(candle.open),
        high=number(candle.high),
        low=number(candle.low),
        close=number(candle.close),
        vol=_contracts(candle.volume, symbol),
        volCcy=number(base if symbol.contract else quote),
        volCcyQuote=number(quote),
        confirm="1" if is_closed else "0",
    )


def _contracts(quantity: Decimal | None, symbol: Symbol) -> str:
    return number(None if quantity is None else quantity / contract_size(symbol))


def _values(symbol: Symbol, volume: Decimal, price: Decimal | None) -> tuple[Decimal, Decimal]:
    """A volume in the base asset and in the quote asset, at an average price."""
    if not price:
        return volume, volume
    return (volume / price, volume) if symbol.is_inverse else (volume, volume * price)
