"""Kraken's messages as facts: one small function a message, and a memory of price texts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NoReturn

from msgspec import MsgspecError, Raw

from fluxum.book.fast import digited
from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model import market
from fluxum.model.event import VenueNotice, VenueStatus
from fluxum.model.fast import exact, exact_raw, recurring
from fluxum.model.fast import instant as fast_instant
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Level, OrderAction, OrderChange, RestingOrder
from fluxum.venues.conversation import VenueTime
from fluxum.venues.kraken import native
from fluxum.venues.kraken.checksum import digits
from fluxum.venues.rows import finite, symbol_of

__all__ = [
    "VENUE",
    "Numbers",
    "Price",
    "candle",
    "instant",
    "instrument",
    "parse_instant",
    "positive",
    "price_or_none",
    "status_notice",
    "ticker",
    "trade",
    "venue_time",
]

VENUE = "kraken"

_LENGTH_MAX = 40
_DECIMALS_MAX = 40
_INTERVAL_MAX_S = 400 * 86_400
_STATUSES = {one.value: one for one in VenueStatus}
_INSTRUMENT_STATUSES = {one.value: one for one in InstrumentStatus}
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

    def levels(self, wire: tuple[native.Level, ...]) -> Sequence[Level]:
        """Levels with their checksum text, in the order given; raises RemoteProtocolError."""
        found = digited(wire)
        return self.plain_levels(wire) if found is None else found

    def plain_levels(self, wire: tuple[native.Level, ...]) -> tuple[Level, ...]:
        """The same in Python, and for any number."""
        prices = self._prices
        levels: list[Level] = []
        for level in wire:
            text = bytes(level.price)
            price = prices.get(text) or self._learn(text)
            quantity, text = _quantity(level.qty)
            if quantity:
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


def ticker(wire: native.Ticker, symbol: Symbol, received_ns: int) -> market.Ticker:
    """One market's ticker; `open` is the last price less the 24 hour change.

    An empty side is written as 0, and so is every price of a market that did not trade.
    """
    bid, ask, last = price_or_none(wire.bid), price_or_none(wire.ask), price_or_none(wire.last)
    change = _change_or_none(wire.change)
    return market.Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else _amount_or_none(wire.bid_qty),
        ask=ask,
        ask_quantity=None if ask is None else _amount_or_none(wire.ask_qty),
        last=last,
        volume=_amount_or_none(wire.volume),
        vwap=price_or_none(wire.vwap),
        low=price_or_none(wire.low),
        high=price_or_none(wire.high),
        open=None if last is None or change is None else last - change,
        change=change,
        change_percent=_change_or_none(wire.change_pct),
        trades=wire.trades,
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def trade(wire: native.Trade, symbol: Symbol, kind: native.Kind, received_ns: int) -> market.Trade:
    """One trade; Kraken's side is the taker's already.

    Ids count up by one in each market: seen in every recording, not promised by the venue.
    """
    return market.Trade(
        venue=VENUE,
        symbol=symbol,
        side=wire.side,
        price=recurring(str(wire.price, "latin-1")) or _refuse_zero(),
        quantity=exact_raw(wire.qty) or _refuse_zero(),
        trade_id=str(wire.trade_id),
        sequence=wire.trade_id,
        order_type=wire.ord_type or "",
        backfilled=kind == "snapshot",
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def candle(
    wire: native.Candle,
    symbol: Symbol,
    kind: native.Kind,
    venue_ns: int | None,
    received_ns: int,
) -> market.Candle:
    """One candle; it is closed only if a snapshot was sent after its end."""
    start_ns = instant(wire.interval_begin)
    interval_s = wire.interval * 60
    if start_ns is None or not 0 < interval_s < _INTERVAL_MAX_S:
        raise RemoteProtocolError(f"a candle at {wire.interval_begin!r} of {wire.interval} minutes")
    end_ns = start_ns + interval_s * 1_000_000_000
    return market.Candle(
        venue=VENUE,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=end_ns,
        open=positive(wire.open),
        high=positive(wire.high),
        low=positive(wire.low),
        close=positive(wire.close),
        volume=finite(wire.volume),
        vwap=price_or_none(wire.vwap),
        trades=wire.trades,
        closed=kind == "snapshot" and venue_ns is not None and venue_ns >= end_ns,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def instrument(wire: native.Pair, received_ns: int) -> Instrument:
    """One market's rules; a status this code does not know is OTHER.

    Raises RemoteProtocolError for rules that no order can keep, and for a symbol that is not made
    of the base and the quote beside it.
    """
    if wire.symbol != f"{wire.base}/{wire.quote}":
        raise RemoteProtocolError(
            f"a symbol of {wire.base!r} and {wire.quote!r} was expected, was {wire.symbol!r}"
        )
    for decimals in (wire.price_precision, wire.qty_precision):
        if not 0 <= decimals <= _DECIMALS_MAX:
            raise RemoteProtocolError(f"a number of decimals was expected, was {decimals}")
    return Instrument(
        venue=VENUE,
        symbol=symbol_of(wire.symbol),
        venue_symbol=wire.symbol,
        base=Asset(wire.base),
        quote=Asset(wire.quote),
        status=_INSTRUMENT_STATUSES.get(wire.status, InstrumentStatus.OTHER),
        tick=positive(wire.price_increment),
        lot=positive(wire.qty_increment),
        price_precision=wire.price_precision,
        quantity_precision=wire.qty_precision,
        quantity_min=finite(wire.qty_min),
        notional_min=_amount_or_none(wire.cost_min),
        received_ns=received_ns,
    )


def venue_time(time_out: str | None, received_ns: int) -> VenueTime | None:
    """The venue's clock as an answer was sent; `None` where it cannot be read."""
    try:
        venue_ns = instant(time_out)
    except RemoteProtocolError:
        return None
    return None if venue_ns is None else VenueTime(venue_ns, received_ns)


def status_notice(system: str, planned: str, received_ns: int) -> VenueNotice:
    """The status of the engine, and announced maintenance; an unknown status is quoted."""
    status = _STATUSES.get(system)
    parts = [] if status is not None else [f"status {system[:_LENGTH_MAX]}"]
    if planned:
        parts.append(f"maintenance announced: {planned}")
    return VenueNotice(
        venue=VENUE, status=status, message=", ".join(parts), received_ns=received_ns
    )


def instant(text: str | None) -> int | None:
    """Nanoseconds since the epoch, or `None` where the message has no time that can be meant."""
    if text is None:
        return None
    try:
        return fast_instant(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def parse_instant(text: str) -> int:
    """Nanoseconds since the epoch; raises RemoteProtocolError for another text."""
    try:
        return parse_rfc3339(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def positive(value: Decimal) -> Decimal:
    """A price, or what was traded; raises RemoteProtocolError."""
    if not finite(value):
        raise RemoteProtocolError(f"a number above zero was expected, was {value}")
    return value


def _refuse_zero() -> NoReturn:
    raise RemoteProtocolError("a number above zero was expected, was 0")


def price_or_none(value: Decimal | None) -> Decimal | None:
    """A price; zero is how an empty side is written. Raises RemoteProtocolError."""
    return finite(value) if value else None


def _amount_or_none(value: Decimal | None) -> Decimal | None:
    return None if value is None else finite(value)


def _change_or_none(value: Decimal | None) -> Decimal | None:
    if value is not None:
        finite(value.copy_abs())
    return value


def _read(text: bytes) -> Price:
    # The text is a whole JSON value already: one that begins with a digit is a number.
    if not text[:1].isdigit():
        raise RemoteProtocolError(f"a price was expected, was {text[:_LENGTH_MAX]!r}")
    value = exact(text.decode())
    return value, digits(f"{value:f}".encode())


def _quantity(raw: Raw) -> tuple[Decimal, bytes]:
    """A quantity and what a checksum reads of it."""
    wire = bytes(raw)
    text = digits(wire)
    if text.isdigit() and len(text) < _LENGTH_MAX and wire[:1].isdigit():
        return Decimal(wire.decode()), text
    try:
        quantity = native.decode_number(raw)
    except MsgspecError as error:
        raise RemoteProtocolError(f"a quantity was expected, was {wire[:_LENGTH_MAX]!r}") from error
    return quantity, _unusual_digits(quantity)


def _quantity_digits(quantity: Decimal) -> bytes:
    # A Decimal keeps the wire's digits, so its text is the wire's but for an exponent.
    text = digits(str(quantity).encode())
    return text if text.isdigit() and len(text) < _LENGTH_MAX else _unusual_digits(quantity)


def _unusual_digits(quantity: Decimal) -> bytes:
    return digits(f"{finite(quantity):f}".encode())


def _action(order: native.Order) -> OrderAction:
    if order.event is None:
        raise RemoteProtocolError(f"order {order.order_id!r} of an update names no event")
    return OrderAction(order.event)
