"""Kraken's messages as facts: one small function a message, and a memory for number texts."""

import re
from decimal import Decimal

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model import market
from fluxum.model.event import VenueNotice, VenueStatus
from fluxum.model.instant import parse_rfc3339, plausible_ns
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Level, OrderAction, OrderChange, RestingOrder, Side
from fluxum.venues.kraken import native
from fluxum.venues.kraken.checksum import digits

__all__ = [
    "VENUE",
    "Numbers",
    "Price",
    "candle",
    "instant",
    "instrument",
    "parse_instant",
    "status_notice",
    "symbol",
    "ticker",
    "trade",
]

VENUE = "kraken"

_EXPONENT = re.compile(rb"\d{1,24}(\.\d{1,24})?[eE][+-]?\d{1,2}")
_LENGTH_MAX = 40
_STATUSES = {one.value: one for one in VenueStatus}
_REMEMBERED_MAX = 1 << 13

# A price: its exact value, and what a checksum reads of it.
Price = tuple[Decimal, bytes]


class Numbers:
    """Reads levels and orders, remembering prices by their text: they recur all the time.

    At most 8,192 prices are remembered; a full memory is emptied and counted in `emptied`.
    """

    def __init__(self) -> None:
        self._prices: dict[bytes, Price] = {}
        self.emptied = 0

    def levels(self, wire: tuple[native.Level, ...]) -> tuple[Level, ...]:
        """Levels with their checksum text, in the order given; raises RemoteProtocolError."""
        prices = self._prices
        levels: list[Level] = []
        for level in wire:
            text = bytes(level.price)
            price = prices.get(text) or self._learn(text)
            quantity = level.qty
            if quantity:
                text = str(quantity).encode().replace(b".", b"").lstrip(b"0")
                if not text.isdigit():
                    text = _unusual_digits(quantity)
                levels.append(Level(price[0], quantity, None, price[1] + text))
            else:  # a level that is removed is never read by a checksum
                levels.append(Level(price[0], quantity))
        return tuple(levels)

    def orders(self, wire: tuple[native.Order, ...]) -> tuple[RestingOrder, ...]:
        """Orders of a level 3 snapshot, in the order given."""
        return tuple(self._order(order) for order in wire)

    def changes(self, wire: tuple[native.Order, ...]) -> tuple[OrderChange, ...]:
        """Order changes of a level 3 update, in the order given."""
        return tuple(OrderChange(_action(order), self._order(order)) for order in wire)

    def _order(self, order: native.Order) -> RestingOrder:
        text = bytes(order.limit_price)
        price = self._prices.get(text) or self._learn(text)
        quantity = order.order_qty
        return RestingOrder(
            order.order_id,
            price[0],
            quantity,
            instant(order.timestamp),
            price[1] + _quantity_digits(quantity),
        )

    def _learn(self, text: bytes) -> Price:
        if len(self._prices) >= _REMEMBERED_MAX:
            self._prices.clear()
            self.emptied += 1
        price = self._prices[text] = _read(text)
        return price


def ticker(wire: native.Ticker, received_ns: int) -> market.Ticker:
    """One market's ticker; `open` is the last price less the 24 hour change."""
    return market.Ticker(
        venue=VENUE,
        symbol=symbol(wire.symbol),
        bid=_finite(wire.bid),
        bid_quantity=_finite(wire.bid_qty),
        ask=_finite(wire.ask),
        ask_quantity=_finite(wire.ask_qty),
        last=_finite(wire.last),
        volume=_finite(wire.volume),
        vwap=_finite(wire.vwap),
        low=_finite(wire.low),
        high=_finite(wire.high),
        open=_finite(wire.last) - _finite(wire.change),
        change=wire.change,
        change_percent=_finite(wire.change_pct),
        trades=wire.trades,
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def trade(wire: native.Trade, kind: native.Kind, received_ns: int) -> market.Trade:
    """One trade; Kraken's side is the taker's already.

    Ids count up by one in each market: seen in every recording, not promised by the venue.
    """
    return market.Trade(
        venue=VENUE,
        symbol=symbol(wire.symbol),
        side=Side(wire.side),
        price=_finite(wire.price),
        quantity=_finite(wire.qty),
        trade_id=str(wire.trade_id),
        sequence=wire.trade_id,
        order_type=wire.ord_type,
        backfilled=kind == "snapshot",
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def candle(wire: native.Candle, venue_ns: int | None, received_ns: int) -> market.Candle:
    """One candle, taken for running; only what follows can tell that it is closed."""
    start_ns = parse_instant(wire.interval_begin)
    interval_s = wire.interval * 60
    return market.Candle(
        venue=VENUE,
        symbol=symbol(wire.symbol),
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=start_ns + interval_s * 1_000_000_000,
        open=_finite(wire.open),
        high=_finite(wire.high),
        low=_finite(wire.low),
        close=_finite(wire.close),
        volume=_finite(wire.volume),
        vwap=_finite(wire.vwap),
        trades=wire.trades,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def instrument(wire: native.Pair, received_ns: int) -> Instrument:
    """One market's rules; a status this code does not know is OTHER."""
    try:
        status = InstrumentStatus(wire.status)
    except ValueError:
        status = InstrumentStatus.OTHER
    return Instrument(
        venue=VENUE,
        symbol=symbol(wire.symbol),
        venue_symbol=wire.symbol,
        base=Asset(wire.base),
        quote=Asset(wire.quote),
        status=status,
        tick=_finite(wire.price_increment),
        lot=_finite(wire.qty_increment),
        price_precision=wire.price_precision,
        quantity_precision=wire.qty_precision,
        quantity_min=_finite(wire.qty_min),
        notional_min=wire.cost_min,
        received_ns=received_ns,
    )


def status_notice(system: str, planned: str, received_ns: int) -> VenueNotice:
    """What the engine does now, and announced maintenance; an unknown word is quoted."""
    status = _STATUSES.get(system)
    parts = [] if status is not None else [f"status {system[:_LENGTH_MAX]}"]
    if planned:
        parts.append(f"maintenance announced: {planned}")
    return VenueNotice(
        venue=VENUE, status=status, message=", ".join(parts), received_ns=received_ns
    )


def symbol(text: str) -> Symbol:
    """Kraken's v2 spelling is ours; raises RemoteProtocolError for text of another form."""
    try:
        return Symbol(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def instant(text: str | None) -> int | None:
    """Nanoseconds since the epoch, or `None` where the message has no time that can be meant."""
    return None if text is None else plausible_ns(parse_instant(text))


def parse_instant(text: str) -> int:
    """Nanoseconds since the epoch; raises RemoteProtocolError for what is no time."""
    try:
        return parse_rfc3339(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def _read(text: bytes) -> Price:
    # The text is a whole JSON value already: one that begins with a digit is a number.
    if len(text) <= _LENGTH_MAX and text[:1].isdigit():
        if b"e" not in text and b"E" not in text:
            return Decimal(text.decode()), digits(text)
        if _EXPONENT.fullmatch(text):
            value = Decimal(text.decode())
            return value, digits(f"{value:f}".encode())
    raise RemoteProtocolError(f"a price was expected, was {text[:40]!r}")


def _quantity_digits(quantity: Decimal) -> bytes:
    # A Decimal keeps the wire's digits, so its text is the wire's but for an exponent.
    text = digits(str(quantity).encode())
    return text if text.isdigit() else _unusual_digits(quantity)


def _unusual_digits(quantity: Decimal) -> bytes:
    if not quantity.is_finite() or quantity < 0 or not -30 < quantity.adjusted() < 30:
        raise RemoteProtocolError(f"a quantity was expected, was {quantity}")
    return digits(f"{quantity:f}".encode())


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise RemoteProtocolError(f"a number was expected, was {value}")
    return value


def _action(order: native.Order) -> OrderAction:
    if order.event is None:
        raise RemoteProtocolError(f"order {order.order_id!r} of an update says no event")
    return OrderAction(order.event)
