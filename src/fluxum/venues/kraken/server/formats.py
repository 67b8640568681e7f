"""Numbers and times as Kraken writes them, and the frames made of them.

Numbers have exactly the pair's decimals, trailing zeros included and never an exponent
(https://docs.kraken.com/api/docs/guides/spot-ws-book-v2); times are RFC 3339 with six or nine
digits. Key orders are those of the frames quoted in `native`.
"""

from decimal import Decimal
from functools import lru_cache

from fluxum.model.instant import format_rfc3339
from fluxum.model.instrument import Instrument
from fluxum.model.market import Candle, RestingOrder, Ticker, Trade

__all__ = [
    "candle_text",
    "instrument_text",
    "micros",
    "nanos",
    "order_text",
    "plain",
    "ticker_text",
    "trade_text",
]


def plain(number: Decimal, precision: int) -> bytes:
    """The number with this many decimals."""
    text = str(number)
    if text[-precision - 1 : -precision] == "." and "E" not in text:
        return text.encode()  # as it is: formatting costs three times as much
    return format(number, f".{precision}f").encode()


def micros(instant_ns: int) -> bytes:
    """UTC text with six fraction digits."""
    seconds, fraction = divmod(instant_ns, 1_000_000_000)
    return b"%s.%06dZ" % (_second(seconds), fraction // 1000)


def nanos(instant_ns: int) -> bytes:
    """UTC text with nine fraction digits."""
    seconds, fraction = divmod(instant_ns, 1_000_000_000)
    return b"%s.%09dZ" % (_second(seconds), fraction)


def trade_text(trade: Trade, instrument: Instrument) -> bytes:
    """One element of a trade frame."""
    return (
        b'{"symbol":"%s","side":"%s","price":%s,"qty":%s,"ord_type":"%s","trade_id":%s,'
        b'"timestamp":"%s"}'
    ) % (
        instrument.venue_symbol.encode(),
        trade.side.value.encode(),
        plain(trade.price, instrument.price_precision),
        plain(trade.quantity, instrument.quantity_precision),
        trade.order_type.encode(),
        trade.trade_id.encode(),
        micros(trade.venue_ns or trade.received_ns),
    )


def ticker_text(ticker: Ticker, instrument: Instrument, now_ns: int) -> bytes:
    """One element of a ticker frame; a value that is not known yet is zero."""

    def price(number: Decimal | None) -> bytes:
        return plain(number or _ZERO, instrument.price_precision)

    def quantity(number: Decimal | None) -> bytes:
        return plain(number or _ZERO, instrument.quantity_precision)

    return (
        b'{"symbol":"%s","bid":%s,"bid_qty":%s,"ask":%s,"ask_qty":%s,"last":%s,"volume":%s,'
        b'"vwap":%s,"low":%s,"high":%s,"change":%s,"change_pct":%s,"trades":%d,"timestamp":"%s"}'
    ) % (
        instrument.venue_symbol.encode(),
        price(ticker.bid),
        quantity(ticker.bid_quantity),
        price(ticker.ask),
        quantity(ticker.ask_quantity),
        price(ticker.last),
        quantity(ticker.volume),
        price(ticker.vwap),
        price(ticker.low),
        price(ticker.high),
        price(ticker.change),
        plain(ticker.change_percent or _ZERO, 2),
        ticker.trades or 0,
        micros(now_ns),
    )


def candle_text(candle: Candle, instrument: Instrument) -> bytes:
    """One element of an ohlc frame; `timestamp` is the end of the interval, deprecated."""
    price_precision = instrument.price_precision
    return (
        b'{"symbol":"%s","open":%s,"high":%s,"low":%s,"close":%s,"trades":%d,"volume":%s,'
        b'"vwap":%s,"interval_begin":"%s","interval":%d,"timestamp":"%s"}'
    ) % (
        instrument.venue_symbol.encode(),
        plain(candle.open, price_precision),
        plain(candle.high, price_precision),
        plain(candle.low, price_precision),
        plain(candle.close, price_precision),
        candle.trades or 0,
        plain(candle.volume, instrument.quantity_precision),
        plain(candle.vwap or candle.close, price_precision),
        nanos(candle.start_ns),
        candle.interval_s // 60,
        micros(candle.end_ns),
    )


def instrument_text(instrument: Instrument) -> bytes:
    """One pair of an instrument frame."""
    tick = plain(instrument.tick, instrument.price_precision)
    return (
        b'{"symbol":"%s","base":"%s","quote":"%s","status":"%s","qty_precision":%d,'
        b'"qty_increment":%s,"price_precision":%d,"cost_precision":5,"marginable":false,'
        b'"has_index":false,"cost_min":%s,"tick_size":%s,"price_increment":%s,"qty_min":%s}'
    ) % (
        instrument.venue_symbol.encode(),
        instrument.base.encode(),
        instrument.quote.encode(),
        instrument.status.value.encode(),
        instrument.quantity_precision,
        plain(instrument.lot, instrument.quantity_precision),
        instrument.price_precision,
        plain(instrument.notional_min or _ZERO, 5),
        tick,
        tick,
        plain(instrument.quantity_min, instrument.quantity_precision),
    )


def order_text(order: RestingOrder, instrument: Instrument) -> bytes:
    """One order of a level 3 frame, without its braces."""
    return b'"order_id":"%s","limit_price":%s,"order_qty":%s,"timestamp":"%s"' % (
        order.order_id.encode(),
        plain(order.price, instrument.price_precision),
        plain(order.quantity, instrument.quantity_precision),
        nanos(order.venue_ns or 0),
    )


_ZERO = Decimal(0)


@lru_cache(maxsize=1024)
def _second(seconds: int) -> bytes:
    return format_rfc3339(seconds * 1_000_000_000)[:19].encode()
