"""Fluxum: crypto exchanges in real time, over links that reconnect and report every loss.

import asyncio
import fluxum

async def main() -> None:
async with fluxum.connect(EXCHANGE, ["BTC/USD"]) as session:
await session.wait_ready()
async for reading in session.books("BTC/USD"):
print(reading.proof.status, reading.snapshot.bids[0], reading.snapshot.asks[0])

asyncio.run(main())
"""

import logging

from fluxum import back, bot
from fluxum.balances import BalanceManager, ReservationNotice
from fluxum.board import Board, Noted
from fluxum.book.book import Book, MarketPrice
from fluxum.book.consolidated import (
    ConsolidatedBook,
    ConsolidatedLevel,
    ConsolidatedPart,
    ConsolidatedReading,
    Cross,
)
from fluxum.book.failover import Failover, VenueQuote
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookProof, BookStatus
from fluxum.book.split import ConsolidatedPrice, Share
from fluxum.client.answers import (
    BalanceStreamingStatus,
    ClientStatistics,
    ConnectionStatus,
    Latest,
    Recent,
    TokenInfo,
)
from fluxum.client.callback import CallbackStatistics
from fluxum.client.client import Client
from fluxum.client.events import ClientEvent, RegisterCallback
from fluxum.client.thread import ThreadedClient, ThreadedTokens
from fluxum.client.tokens import ClientTokens
from fluxum.config.config import Config, load_config
from fluxum.connect import Recorder, connect
from fluxum.credentials import find_credentials
from fluxum.errors import (
    BadInput,
    CallbackFailed,
    CallbackTooSlow,
    CircuitOpen,
    ConfigError,
    ConsumerTooSlow,
    FluxumError,
    InsufficientFunds,
    LinkClosed,
    LocalProtocolError,
    NonceRefused,
    NotSubscribed,
    OrderJournalError,
    OutcomeUnknown,
    ProtocolError,
    RateLimited,
    Redirected,
    RemoteProtocolError,
    RiskRefused,
    RunFilesError,
    StaleLink,
    TapeEnded,
    TapeError,
    TransportError,
    VenueRefused,
)
from fluxum.fetch import (
    fetch_book,
    fetch_candles,
    fetch_instruments,
    fetch_status,
    fetch_ticker,
    fetch_time,
    fetch_trades,
)
from fluxum.fill.fees import Fees, FeesIn, FeeTier
from fluxum.fill.latency import ConstantLatency, MeasuredLatency
from fluxum.fill.queue import World
from fluxum.flow.bus import BusStatistics
from fluxum.flow.histogram import Histogram, Latency
from fluxum.flow.merge import Merged, merge, merge_by_time
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Batches, Overflow, Pipe, PipeStatistics, ReaderPolicy
from fluxum.hub.health import HubHealth, VenueHealth
from fluxum.hub.hub import Hub
from fluxum.hub.member import HubMissing
from fluxum.hub.opening import hub
from fluxum.hub.statistics import HubCounts, HubStatistics
from fluxum.hub.streams import ConsolidatedStream, HubBookStream
from fluxum.hub.wanted import HubAccount, HubVenue
from fluxum.ledger.audit import Audit, AuditLine, audit
from fluxum.ledger.balance_breaker import BreakerReading
from fluxum.ledger.funds import Funds
from fluxum.ledger.ledger import Ledger, Totals
from fluxum.ledger.lots import Method
from fluxum.ledger.opening import held_at, ledger_between
from fluxum.ledger.order_totals import OrderTotals
from fluxum.ledger.policy import MarkBy, Policy
from fluxum.ledger.position_audit import PositionLine
from fluxum.ledger.reservation import Reservation, ReservationState
from fluxum.ledger.statement import Journal
from fluxum.ledger.view import Position, Profit
from fluxum.model.account import (
    Balance,
    Balances,
    Credentials,
    EntryKind,
    Fee,
    Fill,
    LedgerEntry,
    Liquidity,
    Wallet,
)
from fluxum.model.breaker import BreakerState
from fluxum.model.codec import plain
from fluxum.model.event import (
    AccountEvent,
    CallFailed,
    Channel,
    ClockOffset,
    DataStale,
    Desync,
    Dropped,
    Event,
    FailedOver,
    Gap,
    GapCause,
    HubEvent,
    LeftOut,
    LinkEvent,
    LinkLost,
    LinkReplaced,
    Loss,
    MarketEvent,
    Refused,
    Rejected,
    Repair,
    Resynced,
    State,
    StateChange,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueFailed,
    VenueNotice,
    VenueRemoved,
    VenueReturned,
    VenueStatus,
)
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Change,
    Level,
    Level3Snapshot,
    Level3Update,
    LevelChange,
    OrderAction,
    OrderChange,
    RestingOrder,
    Side,
    Ticker,
    Trade,
)
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Declined,
    Edit,
    FeeAsset,
    OpenOrders,
    OrderFragment,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    PlaceBatch,
    PriceKind,
    SelfTrade,
    TimeInForce,
    TradingCount,
    Trigger,
    TriggerReference,
)
from fluxum.model.position import Forced, MarginMode, OpenPositions, PositionSide, PositionUpdate
from fluxum.orders.cache import OrderCounts
from fluxum.orders.dead_man import SwitchState
from fluxum.orders.desk import OrderDesk
from fluxum.orders.execution import DeskStatistics
from fluxum.orders.gateway import CommandCounts, TradingAccount
from fluxum.orders.journal import FileOrderJournal, MemoryOrderJournal, OrderJournal
from fluxum.orders.journal_lines import (
    Changed,
    Changing,
    Ended,
    Intent,
    Named,
    OrderJournalDamaged,
    Unfinished,
)
from fluxum.orders.order import Order, Uncertainty
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import RiskLimits
from fluxum.paper.gateway import PaperGateway
from fluxum.paper.records import FillBounds, OrderRecord, WorldFill
from fluxum.paper.transit import PaperFaults
from fluxum.paper.venue import PaperVenue
from fluxum.paper_trader import PaperTrader, paper
from fluxum.portfolio import Portfolio
from fluxum.replay import Moment, Replay
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account import Account
from fluxum.session.account_config import AccountConfig
from fluxum.session.books import BookReading, BookStream, ChangeStream
from fluxum.session.connection import RawFrame
from fluxum.session.gaps import GapLedger, OpenGap
from fluxum.session.offset import Measured
from fluxum.session.readiness import Missing
from fluxum.session.rest_client import QueryStatistics, RestUsage
from fluxum.session.session import Session
from fluxum.session.statistics import LinkStatistics, SessionStatistics
from fluxum.session.streams import LossyStream, Stream
from fluxum.tape.runtime import ReplayedRuntime
from fluxum.trader import Trader, trade
from fluxum.transport.network import NameCounts, Network
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import MarketQueries, Page, RestQuery
from fluxum.venues.register import find_venue
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.venue import Venue
from fluxum.verify import Failure, Report, verify
from fluxum.version import __version__ as __version__

__all__ = [
    "MONTH_S",
    "Accepted",
    "Account",
    "AccountConfig",
    "AccountEvent",
    "AccountQueries",
    "Amend",
    "Asset",
    "Audit",
    "AuditLine",
    "Auth",
    "BadInput",
    "Balance",
    "BalanceManager",
    "BalanceStreamingStatus",
    "Balances",
    "Batches",
    "Board",
    "Book",
    "BookProof",
    "BookReading",
    "BookSnapshot",
    "BookStatus",
    "BookStream",
    "BookUpdate",
    "BreakerReading",
    "BreakerState",
    "BusStatistics",
    "CallFailed",
    "CallbackFailed",
    "CallbackStatistics",
    "CallbackTooSlow",
    "Cancel",
    "CancelAll",
    "CancelAllAfter",
    "CancelBatch",
    "Candle",
    "Change",
    "ChangeStream",
    "Changed",
    "Changing",
    "Channel",
    "CircuitOpen",
    "Client",
    "ClientEvent",
    "ClientStatistics",
    "ClientTokens",
    "ClockOffset",
    "CloseOrder",
    "CommandCounts",
    "Config",
    "ConfigError",
    "ConnectionStatus",
    "ConsolidatedBook",
    "ConsolidatedLevel",
    "ConsolidatedPart",
    "ConsolidatedPrice",
    "ConsolidatedReading",
    "ConsolidatedStream",
    "ConstantLatency",
    "ConsumerTooSlow",
    "Credentials",
    "Cross",
    "DataStale",
    "Declined",
    "DeskStatistics",
    "Desync",
    "Dropped",
    "Edit",
    "Ended",
    "EntryKind",
    "EntryQuery",
    "Event",
    "FailedOver",
    "Failover",
    "Failure",
    "Fee",
    "FeeAsset",
    "FeeTier",
    "Fees",
    "FeesIn",
    "Fetch",
    "FileOrderJournal",
    "Fill",
    "FillBounds",
    "FillQuery",
    "FluxumError",
    "Forced",
    "Funds",
    "Gap",
    "GapCause",
    "GapLedger",
    "Histogram",
    "Hub",
    "HubAccount",
    "HubBookStream",
    "HubCounts",
    "HubEvent",
    "HubHealth",
    "HubMissing",
    "HubStatistics",
    "HubVenue",
    "Instrument",
    "InstrumentStatus",
    "InsufficientFunds",
    "Intent",
    "Journal",
    "Latency",
    "Latest",
    "Ledger",
    "LedgerEntry",
    "LeftOut",
    "LeftOutRows",
    "Level",
    "Level3Book",
    "Level3Snapshot",
    "Level3Update",
    "LevelChange",
    "LinkClosed",
    "LinkEvent",
    "LinkLost",
    "LinkReplaced",
    "LinkStatistics",
    "Liquidity",
    "LiveRuntime",
    "LocalProtocolError",
    "Loss",
    "LossyStream",
    "MarginMode",
    "MarkBy",
    "MarketEvent",
    "MarketPrice",
    "MarketQueries",
    "Measured",
    "MeasuredLatency",
    "MemoryOrderJournal",
    "Merged",
    "Method",
    "Missing",
    "Moment",
    "NameCounts",
    "Named",
    "Network",
    "NonceRefused",
    "NotSubscribed",
    "Noted",
    "OpenGap",
    "OpenOrders",
    "OpenPositions",
    "Opening",
    "Order",
    "OrderAction",
    "OrderChange",
    "OrderCounts",
    "OrderDesk",
    "OrderFragment",
    "OrderJournal",
    "OrderJournalDamaged",
    "OrderJournalError",
    "OrderQuery",
    "OrderRecord",
    "OrderRequest",
    "OrderStatus",
    "OrderTotals",
    "OrderType",
    "OrderUpdate",
    "OutcomeUnknown",
    "Overflow",
    "Page",
    "PaperFaults",
    "PaperGateway",
    "PaperTrader",
    "PaperVenue",
    "Pipe",
    "PipeStatistics",
    "Place",
    "PlaceBatch",
    "Policy",
    "Portfolio",
    "Position",
    "PositionLine",
    "PositionSide",
    "PositionUpdate",
    "PriceKind",
    "Profit",
    "ProtocolError",
    "QueryStatistics",
    "RateLimited",
    "RawFrame",
    "ReaderPolicy",
    "Recent",
    "ReconcilePolicy",
    "Recorder",
    "Redirected",
    "Refused",
    "RegisterCallback",
    "Rejected",
    "RemoteProtocolError",
    "Repair",
    "Replay",
    "ReplayedRuntime",
    "Report",
    "Reservation",
    "ReservationNotice",
    "ReservationState",
    "RestQuery",
    "RestUsage",
    "RestingOrder",
    "Resynced",
    "RiskLimits",
    "RiskRefused",
    "RunFilesError",
    "Runtime",
    "SelfTrade",
    "Session",
    "SessionStatistics",
    "Share",
    "Side",
    "StaleLink",
    "State",
    "StateChange",
    "Stream",
    "Subscribed",
    "Subscription",
    "SwitchState",
    "Symbol",
    "TapeEnded",
    "TapeError",
    "ThreadedClient",
    "ThreadedTokens",
    "Ticker",
    "TimeInForce",
    "TokenInfo",
    "Totals",
    "Trade",
    "Trader",
    "TradingAccount",
    "TradingCount",
    "TransportError",
    "Trigger",
    "TriggerReference",
    "Uncertainty",
    "Unfinished",
    "Unsubscribed",
    "Venue",
    "VenueFailed",
    "VenueHealth",
    "VenueNotice",
    "VenueQuote",
    "VenueRefused",
    "VenueRemoved",
    "VenueReturned",
    "VenueStatus",
    "Wallet",
    "World",
    "WorldFill",
    "audit",
    "back",
    "bot",
    "connect",
    "fetch_book",
    "fetch_candles",
    "fetch_instruments",
    "fetch_status",
    "fetch_ticker",
    "fetch_time",
    "fetch_trades",
    "find_credentials",
    "find_venue",
    "held_at",
    "hub",
    "ledger_between",
    "load_config",
    "merge",
    "merge_by_time",
    "paper",
    "plain",
    "trade",
    "verify",
]


# A library logs nothing unless the program wants it.
logging.getLogger(__name__).addHandler(logging.NullHandler())
