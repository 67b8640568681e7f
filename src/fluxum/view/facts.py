"""What a screen or a page shows of some venues at one moment, as facts.

Money, prices and quantities are exact; `encode_view` writes them as text. Instants are Unix ns by
this machine's clock unless a field says otherwise, ages are seconds. `None` is what is not known.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, GapCause, Repair, State
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side

__all__ = [
    "AccountView",
    "BalanceView",
    "BookView",
    "CandleView",
    "ConsolidatedLevelView",
    "ConsolidatedView",
    "GapView",
    "LagView",
    "LevelView",
    "LinkView",
    "LossView",
    "MarketView",
    "PositionView",
    "ProofView",
    "Severity",
    "TickerView",
    "TradeView",
    "VenueView",
    "View",
]


class Severity(Enum):
    """What a line of the log is about.

    LOSS: something may have been missed, or was withdrawn. RECOVERY: it continues, or is proved
    again. NOTICE: neither.
    """

    LOSS = "loss"
    RECOVERY = "recovery"
    NOTICE = "notice"


class LossView(Struct, frozen=True, kw_only=True):
    """One line of the log of losses; `number` counts all lines from 1, without holes.

    `kind` is the tag of the event (`gap`, `desync`), `text` the event in words, without control
    characters.
    """

    number: int
    at_ns: int
    venue: str
    symbol: Symbol | None
    kind: str
    severity: Severity
    text: str


class LevelView(Struct, frozen=True, array_like=True, gc=False):
    """A level of a book; in JSON it is `[price, quantity]`."""

    price: Decimal
    quantity: Decimal


class ProofView(Struct, frozen=True, kw_only=True):
    """Whether a book can be trusted; the fields are those of `BookProof`.

    `age_s` is the time since the last passed check, `updated_age_s` since the last message.
    """

    status: BookStatus
    reason: str
    checks: int
    generation: int
    age_s: float | None
    updated_age_s: float | None
    checksum: int | None
    sequence: int | None
    depth_proved: int | None


class BookView(Struct, frozen=True, kw_only=True):
    """The best levels, best first, and their proof; a withdrawn book has no levels.

    `spread_bps` is the spread in hundredths of a per cent of the mid, with two decimals.
    """

    bids: tuple[LevelView, ...]
    asks: tuple[LevelView, ...]
    spread: Decimal | None
    mid: Decimal | None
    spread_bps: Decimal | None
    proof: ProofView


class TradeView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A trade; `side` is the taker's. `at_ns` is the venue's time, or that of receipt if none."""

    at_ns: int
    side: Side
    price: Decimal
    quantity: Decimal
    trade_id: str
    backfilled: bool = False


class TickerView(Struct, frozen=True, kw_only=True):
    """The last ticker. `reason` is why it is not valid any more; it is empty while it is."""

    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: Decimal | None
    change_percent: Decimal | None
    age_s: float
    reason: str


class CandleView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A candle; `closed` is false while it is running."""

    start_ns: int
    end_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool = False
    backfilled: bool = False


class GapView(Struct, frozen=True, kw_only=True):
    """A gap of a stream; `until_ns` and `repair` are `None` while it is open."""

    channel: Channel
    cause: GapCause
    repair: Repair | None
    since_ns: int
    until_ns: int | None
    missing: int | None
    detail: str


class MarketView(Struct, frozen=True, kw_only=True):
    """One market at one venue.

    `trades` are the last ones, newest first; `trades_seen` counts all since the view's keeper
    began. `candles` and `gaps` are oldest first; `interval_s` is that of the candles. `gaps` are
    those of all streams of the market. `failure` is why the market has no data (refused by the
    venue), or empty.
    """

    venue: str
    symbol: Symbol
    book: BookView | None
    ticker: TickerView | None
    trades: tuple[TradeView, ...]
    trades_seen: int
    interval_s: int | None
    candles: tuple[CandleView, ...]
    gaps: tuple[GapView, ...]
    failure: str


class LinkView(Struct, frozen=True, kw_only=True):
    """One link. `age_s` is the time since its last frame, correct within a second."""

    name: str
    state: State
    is_connected: bool
    age_s: float | None
    subscriptions: int


class LagView(Struct, frozen=True, kw_only=True):
    """Durations since the session began, in ns, at most 1/64 above the true quantiles."""

    count: int
    p50_ns: int | None
    p99_ns: int | None


class VenueView(Struct, frozen=True, kw_only=True):
    """One venue: its state, what is missing before it is ready, its counts and its lag.

    `reason` is why the state changed last. `frames = data + control + rejected`. `dropped` is what
    present readers lost. `lag` is from the venue's time to the receipt (two clocks, so it is wrong
    by their difference), `own_lag` from the receipt until every reader's pipe has the events.
    """

    venue: str
    state: State
    is_ready: bool
    reason: str
    missing: tuple[str, ...]
    links: tuple[LinkView, ...]
    frames: int
    data: int
    control: int
    rejected: int
    published: int
    left_out: int
    dropped: int
    gaps: int
    gaps_open: int
    desyncs: int
    reconnects: int
    replaced: int
    checks_passed: int
    checks_failed: int
    lag: LagView
    own_lag: LagView
    clock_offset_s: float | None
    sums_close: bool


class ConsolidatedLevelView(Struct, frozen=True, array_like=True):
    """A price and what all venues have there; in JSON it is `[price, quantity, venues]`."""

    price: Decimal
    quantity: Decimal
    venues: tuple[str, ...]


class ConsolidatedView(Struct, frozen=True, kw_only=True):
    """The proved books of several venues in one market, as one.

    `spread` is below zero while the books of two venues cross. `removed` are the venues that do
    not take part now, with their reasons.
    """

    symbol: Symbol
    bids: tuple[ConsolidatedLevelView, ...]
    asks: tuple[ConsolidatedLevelView, ...]
    spread: Decimal | None
    generation: int
    venues: tuple[str, ...]
    removed: Mapping[str, str]


class PositionView(Struct, frozen=True, kw_only=True):
    """A position and its profit by the first method of the ledger's policy, in the quote asset.

    `note` says which part of the profit is not known.
    """

    symbol: Symbol
    quantity: Decimal
    average_price: Decimal | None
    mark: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    total: Decimal | None
    fees: Decimal
    note: str


class BalanceView(Struct, frozen=True, kw_only=True):
    """The balance of one asset. `reason` is why it is not valid any more, or empty."""

    asset: Asset
    total: Decimal
    held: Decimal | None
    reason: str


class AccountView(Struct, frozen=True, kw_only=True):
    """The account at one venue: its positions, and its balances that are not zero."""

    venue: str
    positions: tuple[PositionView, ...]
    balances: tuple[BalanceView, ...]


class View(Struct, frozen=True, kw_only=True):
    """All venues at one moment; made by `view`.

    `losses` are the last lines of the log, oldest first; `losses_seen` is the number of the last
    line there was, so a reader knows how many it was not shown. `is_ready` is true if nothing is
    missing anywhere, `sums_close` if the counts of every venue add up.
    """

    at_ns: int
    is_ready: bool
    sums_close: bool
    venues: tuple[VenueView, ...]
    markets: tuple[MarketView, ...]
    consolidated: tuple[ConsolidatedView, ...]
    accounts: tuple[AccountView, ...]
    losses: tuple[LossView, ...]
    losses_seen: int
