"""Market data: levels, trades, tickers, candles, books, and the orders behind a book."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level

__all__ = [
    "BookSnapshot",
    "BookUpdate",
    "Candle",
    "Change",
    "Level",
    "Level3Snapshot",
    "Level3Update",
    "LevelChange",
    "OrderAction",
    "OrderChange",
    "RestingOrder",
    "Side",
    "Ticker",
    "Trade",
]


class Side(Enumeration):
    """The side of an order, a trade's taker or a book: bids buy, asks sell."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The opposite side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class BookSnapshot(Struct, frozen=True, kw_only=True, tag="book_snapshot", gc=False):
    """A whole book, replacing the one before. Bids best first, asks best first.

    `depth` is the number of levels a side that the venue keeps up to date, `None` if unbounded.
    `cut_at` is set if the venue listed no more than so many levels a side although its updates
    have no bound: a deeper level is unknown until it changes.
    """

    venue: str
    symbol: Symbol
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    depth: int | None = None
    venue_ns: int | None = None
    received_ns: int
    sequence: int | None = None
    checksum: int | None = None
    cut_at: int | None = None


class BookUpdate(Struct, frozen=True, gc=False, tag="book_update"):
    """Absolute quantities to apply to a book, in the order given; zero removes the level.

    `bids` and `asks` are tuples, or `Levels`, which are made when they are read.
    """

    venue: str
    symbol: Symbol
    bids: Sequence[Level]
    asks: Sequence[Level]
    venue_ns: int | None
    received_ns: int
    checksum: int | None = None
    sequence: int | None = None


class Change(Enumeration):
    """How a level changed."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


class LevelChange(Struct, frozen=True, gc=False, tag="level_change"):
    """The change of one level of one side by an update; a removed level keeps its last quantity."""

    side: Side
    change: Change
    level: Level


class RestingOrder(Struct, frozen=True, gc=False):
    """One order in a book. `text` is the input of the venue's checksum for it (see Level)."""

    order_id: str
    price: Decimal
    quantity: Decimal
    venue_ns: int | None = None
    text: bytes = b""


class OrderAction(Enumeration):
    """What happened to a resting order."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"


class OrderChange(Struct, frozen=True, gc=False):
    """One order added at the back of its level, changed in place, or removed."""

    action: OrderAction
    order: RestingOrder


class Level3Snapshot(Struct, frozen=True, kw_only=True, tag="level3_snapshot", gc=False):
    """Every visible order of the best `depth` levels: best level first, then in queue order."""

    venue: str
    symbol: Symbol
    bids: tuple[RestingOrder, ...]
    asks: tuple[RestingOrder, ...]
    depth: int | None = None
    venue_ns: int | None = None
    received_ns: int
    checksum: int | None = None


class Level3Update(Struct, frozen=True, kw_only=True, tag="level3_update", gc=False):
    """Changes to single orders, to be applied in the order given."""

    venue: str
    symbol: Symbol
    bids: tuple[OrderChange, ...]
    asks: tuple[OrderChange, ...]
    venue_ns: int | None = None
    received_ns: int
    checksum: int | None = None


class Trade(Struct, frozen=True, kw_only=True, tag="trade", gc=False):
    """An execution; `side` is the taker's.

    `sequence` is the venue's running number within the market, if it leaves none out.
    `backfilled` marks a trade from the venue's history rather than a live one.
    """

    venue: str
    symbol: Symbol
    side: Side
    price: Decimal
    quantity: Decimal
    trade_id: str
    sequence: int | None = None
    order_type: str = ""
    backfilled: bool = False
    venue_ns: int | None = None
    received_ns: int


class Ticker(Struct, frozen=True, kw_only=True, tag="ticker", gc=False):
    """The ticker of a market. `volume` to `trades` cover the last 24 hours."""

    venue: str
    symbol: Symbol
    bid: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask: Decimal | None = None
    ask_quantity: Decimal | None = None
    last: Decimal | None = None
    last_quantity: Decimal | None = None
    volume: Decimal | None = None
    vwap: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    open: Decimal | None = None
    change: Decimal | None = None
    change_percent: Decimal | None = None
    trades: int | None = None
    venue_ns: int | None = None
    received_ns: int

    @property
    def is_quote(self) -> bool:
        """Whether this has only bid and ask, of an instant rather than of 24 hours."""
        return self.last is None and self.volume is None and self.open is None

    @property
    def spread(self) -> Decimal | None:
        """Ask less bid; `None` while a side is empty."""
        return None if self.bid is None or self.ask is None else self.ask - self.bid

    @property
    def mid(self) -> Decimal | None:
        """Half way between bid and ask; `None` while a side is empty."""
        return None if self.bid is None or self.ask is None else (self.ask + self.bid) / 2

    @property
    def spread_percent(self) -> Decimal | None:
        """The spread in per cent of the mid; `None` while a side is empty."""
        spread, mid = self.spread, self.mid
        return None if spread is None or not mid else spread / mid * 100


class Candle(Struct, frozen=True, kw_only=True, tag="candle", gc=False):
    """Open, high, low, close and volume of one interval.

    `closed` is true if the venue closed it or the interval has ended by the venue's clock; a
    running candle is repeated with each trade. `end_ns` is exclusive, and that of a month is the
    calendar's. `backfilled` marks a candle from the venue's history rather than a live one;
    `is_correction` one that was published as closed before and has changed since. An interval
    without trades is a candle of volume 0 and trades 0, whose four prices are the close before it.
    """

    venue: str
    symbol: Symbol
    interval_s: int
    start_ns: int
    end_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    vwap: Decimal | None = None
    trades: int | None = None
    closed: bool = False
    backfilled: bool = False
    is_correction: bool = False
    venue_ns: int | None = None
    received_ns: int
