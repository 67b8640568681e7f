"""Facts for tests of bots: markets, instruments, orders, events at round instants."""

from decimal import Decimal
from typing import Any

from msgspec import structs

from fluxum.bot import Market, OpenOrder, OrderRole
from fluxum.bot.strategy import Outcome
from fluxum.model.account import Fee, Fill
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level, Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate

SECOND_NS = 1_000_000_000
START_NS = 1_767_225_600 * SECOND_NS
ONE = Market("one", "BTC/USD")
TWO = Market("two", "BTC/USD")
ETH = Market("one", "ETH/USD")


def instrument(market: Market = ONE, **changes: Any) -> Instrument:
    """Ticks of 0.1, lots of 0.01, at least 0.05, at least 5 in the quote asset."""
    known = Instrument(
        venue=market.venue,
        symbol=market.symbol,
        venue_symbol=str(market.symbol),
        base=market.symbol.base,
        quote=market.symbol.quote,
        status=InstrumentStatus.ONLINE,
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        price_precision=1,
        quantity_precision=2,
        quantity_min=Decimal("0.05"),
        notional_min=Decimal(5),
        received_ns=0,
    )
    return structs.replace(known, **changes)


def level(price: object, quantity: object = 1) -> Level:
    return Level(Decimal(str(price)), Decimal(str(quantity)))


def resting(
    name: str,
    side: Side | str = Side.BUY,
    price: object = 100,
    quantity: object = 1,
    filled: object = 0,
    **changes: Any,
) -> OpenOrder:
    """An open quote of 1 at 100."""
    known = OpenOrder(
        client_order_id=name,
        role=OrderRole.QUOTE,
        side=Side(side),
        price=Decimal(str(price)),
        quantity=Decimal(str(quantity)),
        filled=Decimal(str(filled)),
        status=OrderStatus.OPEN,
        is_certain=True,
        placed_ns=START_NS,
    )
    return structs.replace(known, **changes)


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def snapshot(
    seconds: float = 0,
    market: Market = ONE,
    bid: object = 99,
    ask: object = 101,
    quantity: object = 10,
    **changes: Any,
) -> BookSnapshot:
    """One level a side, proved by a sequence number."""
    known = BookSnapshot(
        venue=market.venue,
        symbol=market.symbol,
        bids=(level(bid, quantity),),
        asks=(level(ask, quantity),),
        received_ns=at(seconds),
        sequence=1,
    )
    return structs.replace(known, **changes)


def update(
    seconds: float,
    market: Market = ONE,
    bids: tuple[Level, ...] = (),
    asks: tuple[Level, ...] = (),
) -> BookUpdate:
    return BookUpdate(
        venue=market.venue,
        symbol=market.symbol,
        bids=bids,
        asks=asks,
        venue_ns=None,
        received_ns=at(seconds),
        sequence=2,
    )


def outcome(
    seconds: float, name: str, status: OrderStatus, market: Market = ONE, **changes: Any
) -> Outcome:
    known = Outcome(
        venue=market.venue,
        symbol=market.symbol,
        client_order_id=name,
        status=status,
        received_ns=at(seconds),
    )
    return structs.replace(known, **changes)


def order_update(seconds: float, name: str, market: Market = ONE, **changes: Any) -> OrderUpdate:
    known = OrderUpdate(
        venue=market.venue,
        order_id=f"V-{name}",
        client_order_id=name,
        symbol=market.symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=Decimal(1),
        limit_price=Decimal(100),
        venue_ns=at(seconds),
        received_ns=at(seconds),
    )
    return structs.replace(known, **changes)


def fill(
    seconds: float,
    name: str,
    quantity: object = 1,
    price: object = 100,
    side: Side | str = Side.BUY,
    market: Market = ONE,
    fees: dict[str, str] | None = None,
    **changes: Any,
) -> Fill:
    known = Fill(
        venue=market.venue,
        symbol=market.symbol,
        side=Side(side),
        price=Decimal(str(price)),
        quantity=Decimal(str(quantity)),
        fees=tuple(Fee(Asset(one), Decimal(fee)) for one, fee in (fees or {}).items()),
        fill_id=f"F-{name}-{seconds}",
        order_id=f"V-{name}",
        client_order_id=name,
        venue_ns=at(seconds),
        received_ns=at(seconds),
    )
    return structs.replace(known, **changes)


BTC = Symbol("BTC/USD")
