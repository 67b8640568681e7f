"""Events and readings as lines of text, for the user.

A line begins with the time in UTC, with its date if that is not today. `v` after it is the venue's
clock, `r` this machine's, when the message was received.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fluxum.clock import SystemClock
from fluxum.model.account import Balance, Balances, EntrySource, Fee, Fill, LedgerEntry
from fluxum.model.event import (
    AccountEvent,
    Event,
    HubEvent,
    MarketEvent,
)
from fluxum.model.instrument import Instrument
from fluxum.model.interval import interval_text
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.numbers import digits
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
    word_of,
)
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.session.books import BookReading
from fluxum.view.words import hub_text, link_text, printable

__all__ = [
    "event_text",
    "fees_text",
    "level_text",
    "money_text",
    "number_text",
    "position_text",
    "printable",
    "reading_text",
    "time_text",
    "when_text",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_NS = 86_400_000_000_000


def reading_text(reading: BookReading) -> str:
    """Time, symbol, best bid and ask, spread and proof, in one line."""
    snapshot, proof = reading.snapshot, reading.proof
    bid = level_text(snapshot.bids[0]) if snapshot.bids else "no bid"
    ask = level_text(snapshot.asks[0]) if snapshot.asks else "no ask"
    when = when_text(snapshot.venue_ns, snapshot.received_ns)
    why = f" ({proof.reason})" if proof.reason else ""
    return printable(
        f"{when} {snapshot.venue} {snapshot.symbol:<9} {bid:>20} | {ask:<20} "
        f"{proof.status.value}{why}"
    )


def event_text(event: Event) -> str:
    """An event in one line."""
    if isinstance(event, MarketEvent):
        what = _market_text(event)
    elif isinstance(event, AccountEvent):
        what = _account_text(event)
    elif isinstance(event, HubEvent):
        what = hub_text(event)
    else:
        what = link_text(event)
    when = when_text(getattr(event, "venue_ns", None), event.received_ns)
    return printable(f"{when} {event.venue} {what}")


def when_text(venue_ns: int | None, received_ns: int, now_ns: int | None = None) -> str:
    """The venue's time if there is one, else the time of receipt, marked `v` or `r`."""
    if venue_ns is not None:
        return f"{time_text(venue_ns, now_ns)}v"
    return f"{time_text(received_ns, now_ns)}r" if received_ns else "never"


def time_text(instant_ns: int, now_ns: int | None = None) -> str:
    """UTC with milliseconds, and with the date if it is not that of `now_ns` (today)."""
    seconds, fraction_ns = divmod(instant_ns, 1_000_000_000)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:  # a time outside the calendar
        return f"{instant_ns}ns"
    now_ns = SystemClock().now_ns() if now_ns is None else now_ns
    is_today = instant_ns // _DAY_NS == now_ns // _DAY_NS
    day = "" if is_today else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S}.{fraction_ns // 1_000_000:03d}"


def _market_text(event: MarketEvent) -> str:
    match event:
        case Trade():
            late = " (backfilled)" if event.backfilled else ""
            price, quantity = number_text(event.price), number_text(event.quantity)
            return f"{event.symbol} trade {event.side.value:<4} {quantity} @ {price}{late}"
        case Ticker():
            bid, ask, last = number_text(event.bid), number_text(event.ask), number_text(event.last)
            volume = number_text(event.volume)
            return f"{event.symbol} ticker bid {bid} ask {ask} last {last} volume {volume}"
        case Candle():
            prices = " ".join(
                number_text(price) for price in (event.open, event.high, event.low, event.close)
            )
            state = "closed" if event.closed else "running"
            update = getattr(event, "update", 1)  # commands count the repetitions of a candle
            state += f", update {update} of this candle" if update > 1 else ""
            begin = time_text(event.start_ns).removesuffix(".000")
            volume = number_text(event.volume)
            length = interval_text(event.interval_s)
            return f"{event.symbol} candle {length} {begin} {prices} volume {volume} {state}"
        case BookSnapshot():
            return f"{event.symbol} book snapshot {_sides(event)} checksum {event.checksum}"
        case BookUpdate():
            changes = ", ".join(
                [f"bid {level_text(level)}" for level in event.bids]
                + [f"ask {level_text(level)}" for level in event.asks]
            )
            return f"{event.symbol} book {changes}"
        case Level3Snapshot() | Level3Update():
            return f"{event.symbol} level3 {_sides(event)}"
        case Instrument():
            tick, lot = number_text(event.tick), number_text(event.lot)
            return f"{event.symbol} instrument {event.status.value} tick {tick} lot {lot}"


def fees_text(fees: tuple[Fee, ...] | None) -> str:
    """The fees of a fill, each in its asset."""
    if fees is None:
        return "not known yet"
    return ", ".join(f"{number_text(fee.amount)} {fee.asset}" for fee in fees)


def _account_text(event: AccountEvent) -> str:
    """An account's event, for the user, without time and exchange."""
    match event:
        case Fill():
            fees = fees_text(event.fees)
            late = " (backfilled)" if event.backfilled else ""
            price, quantity = number_text(event.price), number_text(event.quantity)
            return f"{event.symbol} fill {event.side.value} {quantity} @ {price} fee {fees}{late}"
        case OrderUpdate():
            price = "" if event.limit_price is None else f" @ {number_text(event.limit_price)}"
            why = f" ({event.reason})" if event.reason else ""
            filled, quantity = number_text(event.filled), number_text(event.quantity)
            return (
                f"{event.symbol} order {event.order_id} {event.side.value} "
                f"{word_of(event.order_type, event.venue_type)} {filled} of {quantity}{price} "
                f"{word_of(event.status, event.venue_status)}{why}"
            )
        case OrderFragment():
            status = "" if event.status is None else word_of(event.status, event.venue_status)
            return f"order {event.order_id} {status} {event.reason}".rstrip()
        case PositionUpdate():
            return f"{event.symbol} {position_text(event)}"
        case OpenOrders() | Balances() | OpenPositions():
            return _snapshot_text(event)
        case Balance():
            held = "" if event.held is None else f", {number_text(event.held)} held"
            return f"{event.asset} balance {number_text(event.total)}{held}"
        case LedgerEntry():
            late = " (backfilled)" if event.backfilled else ""
            made = "" if event.source is EntrySource.VENUE else f" made from {event.source.value}"
            amount, fee = number_text(event.amount), number_text(event.fee)
            return (
                f"{event.asset} {event.kind.value} {amount} fee {fee} "
                f"balance {number_text(event.balance)} {event.entry_id}{made}{late}"
            )
        case Accepted():
            which = event.client_order_id or event.order_id or f"command {event.command_id}"
            return f"accepted {which}"
        case Declined():
            which = event.client_order_id or event.order_id or f"command {event.command_id}"
            return f"declined {which}: {event.message}"
        case TradingCount():
            used, allowed = number_text(event.used), number_text(event.allowed)
            return f"{event.symbol or 'account'} trading count {used} of {allowed}"


def _snapshot_text(event: OpenOrders | Balances | OpenPositions) -> str:
    match event:
        case OpenOrders():
            return f"{len(event.orders)} orders are open"
        case Balances():
            return f"{len(event.balances)} balances"
        case OpenPositions():
            return f"{len(event.positions)} positions are open"


def _sides(event: BookSnapshot | Level3Snapshot | Level3Update) -> str:
    return f"{len(event.bids)} bids {len(event.asks)} asks"


def level_text(level: Level) -> str:
    """Quantity and price of a level."""
    return f"{number_text(level.quantity)} @ {number_text(level.price)}"


def number_text(value: Decimal | None) -> str:
    """Plain digits, without an exponent; a dash for `None`."""
    return "-" if value is None else digits(value)


def position_text(one: PositionUpdate) -> str:
    """`long 0.5 @ 84010 mark 84100 profit 45`, `no position`; a leg comes first."""
    leg = "" if one.leg is None else f"{one.leg.value} leg "
    if one.side is None:
        return f"{leg}no position"
    numbers = (one.quantity, one.entry_price, one.mark_price, one.unrealised)
    quantity, entry, mark, profit = map(number_text, numbers)
    why = "" if one.forced is None else f" ({one.forced.value})"
    return f"{leg}{one.side.value} {quantity} @ {entry} mark {mark} profit {profit}{why}"


def money_text(value: Decimal | None) -> str:
    """An amount of money with at most eight decimals; the other formats have the exact number."""
    if value is None:
        return "unknown"
    text = f"{value:.8f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"
