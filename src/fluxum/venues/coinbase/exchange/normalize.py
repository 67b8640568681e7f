"""The Exchange feed's messages as facts: one small function a message."""

from collections.abc import Iterable
from decimal import Decimal

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model import market
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.rows import WholeSides, decimals, exact, exact_or_none, levels

__all__ = ["instrument", "instruments", "snapshot_sides", "ticker", "trade"]

_TAKERS = {"buy": Side.SELL, "sell": Side.BUY}  # the wire tells the maker's side


def snapshot_sides(wire: native.Snapshot) -> WholeSides:
    """Bids and asks of a book, best first: so it is in live frames, but nowhere promised."""
    return (
        tuple(sorted(levels(wire.bids), key=_price, reverse=True)),
        tuple(sorted(levels(wire.asks), key=_price)),
    )


def trade(
    wire: native.Match | native.LastMatch, symbol: Symbol, venue_ns: int, received_ns: int
) -> market.Trade:
    """One trade; the side on the wire is the maker's, and ids leave none out."""
    return market.Trade(
        venue=EXCHANGE,
        symbol=symbol,
        side=_TAKERS[wire.side],
        price=exact(wire.price),
        quantity=exact(wire.size),
        trade_id=str(wire.trade_id),
        sequence=wire.trade_id,
        backfilled=isinstance(wire, native.LastMatch),
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def ticker(
    wire: native.Ticker, symbol: Symbol, venue_ns: int | None, received_ns: int
) -> market.Ticker:
    """One market's ticker; any field may be missing or empty where nothing was traded yet."""
    last, opened = exact_or_none(wire.price), exact_or_none(wire.open_24h)
    return market.Ticker(
        venue=EXCHANGE,
        symbol=symbol,
        bid=exact_or_none(wire.best_bid),
        bid_quantity=exact_or_none(wire.best_bid_size),
        ask=exact_or_none(wire.best_ask),
        ask_quantity=exact_or_none(wire.best_ask_size),
        last=last,
        last_quantity=exact_or_none(wire.last_size),
        volume=exact_or_none(wire.volume_24h),
        low=exact_or_none(wire.low_24h),
        high=exact_or_none(wire.high_24h),
        open=opened,
        change=None if last is None or opened is None else last - opened,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def instruments(products: Iterable[native.Product], received_ns: int) -> list[Instrument]:
    """Every market of a list."""
    return [instrument(product, received_ns) for product in products]


def instrument(wire: native.Product, received_ns: int) -> Instrument:
    """One market's rules; the least quantity is one lot, as only a least value is published."""
    try:
        symbol = Symbol(f"{wire.base_currency}/{wire.quote_currency}")
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
    tick, lot = exact(wire.quote_increment), exact(wire.base_increment)
    return Instrument(
        venue=EXCHANGE,
        symbol=symbol,
        venue_symbol=wire.id,
        base=Asset(wire.base_currency),
        quote=Asset(wire.quote_currency),
        status=_status(wire),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=lot,
        notional_min=exact_or_none(wire.min_market_funds),
        received_ns=received_ns,
    )


def _status(wire: native.Product) -> InstrumentStatus:
    if wire.status == "delisted":
        return InstrumentStatus.DELISTED
    if wire.status != "online" or wire.trading_disabled:
        return InstrumentStatus.OTHER
    if wire.cancel_only:
        return InstrumentStatus.CANCEL_ONLY
    if wire.post_only:
        return InstrumentStatus.POST_ONLY
    return InstrumentStatus.LIMIT_ONLY if wire.limit_only else InstrumentStatus.ONLINE


def _price(level: Level) -> Decimal:
    return level.price
