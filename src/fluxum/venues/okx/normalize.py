"""OKX's messages as facts: one small function for each message.

Quantities of derivatives are counted in contracts and become those of an asset here: contracts
times `size`, which is `ctVal` x `ctMult` of the list of instruments. The size of a spot market
is 1.
"""

from decimal import Decimal

from msgspec import Struct

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model import market
from fluxum.model.fast import recurring
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Side
from fluxum.model.numbers import product
from fluxum.venues.candle_history import CandleSeries
from fluxum.venues.okx import native, topics
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import decimals, digits, exact, positive, price_or_none, symbol_of

__all__ = [
    "VENUE",
    "Contract",
    "candle",
    "contract",
    "instant",
    "instrument",
    "ticker",
    "trade",
]

VENUE = "okx"

_MILLI = 1_000_000
_ONE = Decimal(1)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_STATUS = {
    "live": InstrumentStatus.ONLINE,
    "post_only": InstrumentStatus.POST_ONLY,
    "suspend": InstrumentStatus.MAINTENANCE,
    "rebase": InstrumentStatus.MAINTENANCE,
}


class Contract(Struct, frozen=True):
    """One contract as it is listed: `size` of `asset`, which is the quote if inverse."""

    symbol: Symbol
    size: Decimal
    asset: Asset
    is_inverse: bool


def ticker(wire: native.Ticker, symbol: Symbol, size: Decimal, received_ns: int) -> market.Ticker:
    """One market's ticker; the change is that since 24 hours ago."""
    last, opened = price_or_none(wire.last), price_or_none(wire.open24h)
    bid, ask = price_or_none(wire.bidPx), price_or_none(wire.askPx)
    return market.Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else _quantity_or_none(wire.bidSz, size),
        ask=ask,
        ask_quantity=None if ask is None else _quantity_or_none(wire.askSz, size),
        last=last,
        last_quantity=None if last is None else _quantity_or_none(wire.lastSz, size),
        volume=_quantity_or_none(wire.vol24h, size),
        low=price_or_none(wire.low24h),
        high=price_or_none(wire.high24h),
        open=opened,
        change=None if last is None or opened is None else last - opened,
        venue_ns=instant(wire.ts),
        received_ns=received_ns,
    )


def trade(
    wire: native.Trade,
    symbol: Symbol,
    size: Decimal,
    received_ns: int,
    *,
    backfilled: bool = False,
) -> market.Trade:
    """What one taker's order traded at one price, at once; the side is the taker's.

    It has no number to follow: ids count up by one in every recording, but a message stands for
    `count` of them, named by the last, and the venue promises no more than that.
    """
    side = _SIDES.get(wire.side)
    if side is None:
        raise RemoteProtocolError(f"buy or sell was expected, was {wire.side[:40]!r}")
    return market.Trade(
        venue=VENUE,
        symbol=symbol,
        side=side,
        price=recurring(wire.px),
        quantity=_quantity(wire.sz, size),
        trade_id=wire.tradeId,
        backfilled=backfilled,
        venue_ns=instant(wire.ts),
        received_ns=received_ns,
    )


def candle(
    wire: native.Candle,
    symbol: Symbol,
    interval_s: int,
    size: Decimal,
    received_ns: int,
    *,
    backfilled: bool = False,
) -> market.Candle:
    """One candle; the venue confirms it when it is closed. Its start has to be an instant."""
    prices = map(exact, (wire.open, wire.high, wire.low, wire.close))
    return CandleSeries(VENUE, symbol, interval_s).candle(
        require_instant(instant(wire.ts), wire.ts),
        (*prices, _quantity(wire.vol, size)),
        received_ns,
        closed=wire.confirm == "1",
        backfilled=backfilled,
    )


def contract(wire: native.Instrument) -> Contract | None:
    """A derivative and its size, `None` for a market that is none.

    Raises VenueRefused for a kind that is not offered, and RemoteProtocolError.
    """
    if wire.instType in {"SPOT", "MARGIN"}:
        return None
    if wire.instType not in {"SWAP", "FUTURES"} or wire.ctType not in {"linear", "inverse"}:
        kind = f"{wire.instType} {wire.ctType or ''}".strip()
        raise VenueRefused(f"a linear or inverse contract was expected, was {kind[:40]!r}")
    size = product(positive(wire.ctVal), positive(wire.ctMult))
    asset, settled_in = _asset(wire.ctValCcy), _asset(wire.settleCcy)
    is_inverse = wire.ctType == "inverse"
    base, quote = (settled_in, asset) if is_inverse else (asset, settled_in)
    pair = f"{base}-{quote}"
    name = topics.contract_of(wire.instId.removeprefix(pair))
    if name is None or not wire.instId.startswith(pair):
        raise RemoteProtocolError(
            f"a contract of {pair} was expected, by its currencies, was {wire.instId[:40]!r}"
        )
    symbol = symbol_of(f"{base}/{quote}:{name}{topics.INVERSE if is_inverse else ''}")
    return Contract(symbol, size, asset, is_inverse)


def instrument(wire: native.Instrument, received_ns: int) -> Instrument | None:
    """One market's rules, `None` for an option, which is not offered.

    A state that is not one of trading (`preopen`, `test`) or is new is OTHER. Raises
    VenueRefused for a new kind, and RemoteProtocolError.
    """
    if wire.instType == "OPTION":
        return None
    about = contract(wire)
    size = _ONE if about is None else about.size
    if about is None:
        symbol = symbol_of(f"{_asset(wire.baseCcy)}/{_asset(wire.quoteCcy)}")
    else:
        symbol = about.symbol
    tick, lot = positive(wire.tickSz), product(positive(wire.lotSz), size)
    return Instrument(
        venue=VENUE,
        symbol=symbol,
        venue_symbol=wire.instId,
        base=symbol.base,
        quote=symbol.quote,
        status=_STATUS.get(wire.state or "", InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=product(exact(wire.minSz or ""), size),
        contract_size=size,
        contract_asset=None if about is None else about.asset,
        is_inverse=about is not None and about.is_inverse,
        received_ns=received_ns,
    )


def instant(text: str | None) -> int | None:
    """Nanoseconds since the epoch of milliseconds in text, `None` for what is no such instant."""
    number = digits(text)
    return None if number is None else plausible_ns(number * _MILLI)


def _quantity(text: str, size: Decimal) -> Decimal:
    quantity = exact(text)
    return quantity if size == _ONE else product(quantity, size)


def _quantity_or_none(text: str | None, size: Decimal) -> Decimal | None:
    return _quantity(text, size) if text else None


def _asset(text: str | None) -> Asset:
    if not text:
        raise RemoteProtocolError(f"an asset was expected, was {text!r}")
    return Asset(text)
