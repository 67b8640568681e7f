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
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fluxum import model
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
from fluxum.ledger.ledger import Ledger, Totals
from fluxum.ledger.lots import Method
from fluxum.ledger.order_totals import OrderTotals
from fluxum.ledger.policy import MarkBy, Policy
from fluxum.ledger.position_audit import PositionLine
from fluxum.ledger.view import Position, Profit
from fluxum.orders.dead_man import SwitchState
from fluxum.orders.desk import OrderDesk
from fluxum.orders.gateway import TradingAccount
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
from fluxum.orders.statistics import CommandCounts, DeskStatistics, OrderCounts
from fluxum.paper.gateway import PaperGateway
from fluxum.paper.records import FillBounds, OrderRecord, WorldFill
from fluxum.paper.venue import PaperVenue
from fluxum.paper_trader import PaperTrader, paper
from fluxum.portfolio import Portfolio
from fluxum.replay import Moment, PassedUpdates, Replay
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
from fluxum.store.frame import frame
from fluxum.tape.runtime import ReplayedRuntime
from fluxum.trader import Trader, trade
from fluxum.transport.network import NameCounts, Network
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import MarketQueries, Page, RestQuery
from fluxum.venues.register import find_venue
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.trading import SwitchKeeper
from fluxum.venues.venue import Venue
from fluxum.verify import Failure, Report, verify
from fluxum.version import __version__ as __version__

from .model import *  # noqa: F403 - all that it exports is public

if TYPE_CHECKING:  # imported when one of their names is first used, see `__getattr__`
    from fluxum import back, bot
    from fluxum.balances import BalanceManager, ReservationNotice
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
    from fluxum.fetch import (
        fetch_book,
        fetch_candles,
        fetch_instruments,
        fetch_status,
        fetch_ticker,
        fetch_time,
        fetch_trades,
    )
    from fluxum.ledger.audit import Audit, AuditLine, audit
    from fluxum.ledger.balance_breaker import BreakerReading
    from fluxum.ledger.funds import Funds
    from fluxum.ledger.opening import held_at, ledger_between
    from fluxum.ledger.reservation import Reservation, ReservationState
    from fluxum.ledger.statement import Journal
    from fluxum.paper.gateway import PaperGateway
    from fluxum.paper.records import FillBounds, OrderRecord, WorldFill
    from fluxum.paper.transit import PaperFaults
    from fluxum.paper.venue import PaperVenue
    from fluxum.paper_trader import PaperTrader, paper
    from fluxum.sink.engine import BatchReader, BatchWriter
    from fluxum.sink.intake import SubscriberStatistics
    from fluxum.sink.outbox import OutboxPolicy, OutboxSums
    from fluxum.sink.publisher import Publisher, PublisherStatistics, PublishPolicy, publish
    from fluxum.sink.sources import PublishSource
    from fluxum.sink.subscriber import Subscriber, subscribe
    from fluxum.sink.sums import StreamSums
    from fluxum.sink.wire import Batch

__all__: list[str] = [
    "Account",
    "AccountConfig",
    "AccountQueries",
    "Audit",
    "AuditLine",
    "Auth",
    "BadInput",
    "BalanceManager",
    "BalanceStreamingStatus",
    "Batch",
    "BatchReader",
    "BatchWriter",
    "Batches",
    "Board",
    "Book",
    "BookProof",
    "BookReading",
    "BookStatus",
    "BookStream",
    "BreakerReading",
    "BusStatistics",
    "CallbackFailed",
    "CallbackStatistics",
    "CallbackTooSlow",
    "ChangeStream",
    "Changed",
    "Changing",
    "CircuitOpen",
    "Client",
    "ClientEvent",
    "ClientStatistics",
    "ClientTokens",
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
    "Cross",
    "DeskStatistics",
    "Ended",
    "EntryQuery",
    "Failover",
    "Failure",
    "FeeTier",
    "Fees",
    "FeesIn",
    "Fetch",
    "FileOrderJournal",
    "FillBounds",
    "FillQuery",
    "FluxumError",
    "Funds",
    "GapLedger",
    "Histogram",
    "Hub",
    "HubAccount",
    "HubBookStream",
    "HubCounts",
    "HubHealth",
    "HubMissing",
    "HubStatistics",
    "HubVenue",
    "InsufficientFunds",
    "Intent",
    "Journal",
    "Latency",
    "Latest",
    "Ledger",
    "LeftOutRows",
    "Level3Book",
    "LinkClosed",
    "LinkStatistics",
    "LiveRuntime",
    "LocalProtocolError",
    "LossyStream",
    "MarkBy",
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
    "Opening",
    "Order",
    "OrderCounts",
    "OrderDesk",
    "OrderJournal",
    "OrderJournalDamaged",
    "OrderJournalError",
    "OrderQuery",
    "OrderRecord",
    "OrderTotals",
    "OutboxPolicy",
    "OutboxSums",
    "OutcomeUnknown",
    "Overflow",
    "Page",
    "PaperFaults",
    "PaperGateway",
    "PaperTrader",
    "PaperVenue",
    "PassedUpdates",
    "Pipe",
    "PipeStatistics",
    "Policy",
    "Portfolio",
    "Position",
    "PositionLine",
    "Profit",
    "ProtocolError",
    "PublishPolicy",
    "PublishSource",
    "Publisher",
    "PublisherStatistics",
    "QueryStatistics",
    "RateLimited",
    "RawFrame",
    "ReaderPolicy",
    "Recent",
    "ReconcilePolicy",
    "Recorder",
    "Redirected",
    "RegisterCallback",
    "RemoteProtocolError",
    "Replay",
    "ReplayedRuntime",
    "Report",
    "Reservation",
    "ReservationNotice",
    "ReservationState",
    "RestQuery",
    "RestUsage",
    "RiskLimits",
    "RiskRefused",
    "RunFilesError",
    "Runtime",
    "Session",
    "SessionStatistics",
    "Share",
    "StaleLink",
    "Stream",
    "StreamSums",
    "Subscriber",
    "SubscriberStatistics",
    "SwitchKeeper",
    "SwitchState",
    "TapeEnded",
    "TapeError",
    "ThreadedClient",
    "ThreadedTokens",
    "TokenInfo",
    "Totals",
    "Trader",
    "TradingAccount",
    "TransportError",
    "Uncertainty",
    "Unfinished",
    "Venue",
    "VenueHealth",
    "VenueQuote",
    "VenueRefused",
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
    "frame",
    "held_at",
    "hub",
    "ledger_between",
    "load_config",
    "merge",
    "merge_by_time",
    "paper",
    "publish",
    "subscribe",
    "trade",
    "verify",
]

__all__ += model.__all__


# A library logs nothing unless the program wants it.
logging.getLogger(__name__).addHandler(logging.NullHandler())

# Where names are found that not every program uses.
_LATER = (
    "fluxum.balances",
    "fluxum.client.answers",
    "fluxum.client.callback",
    "fluxum.client.client",
    "fluxum.client.events",
    "fluxum.client.thread",
    "fluxum.client.tokens",
    "fluxum.config.config",
    "fluxum.fetch",
    "fluxum.ledger.audit",
    "fluxum.ledger.balance_breaker",
    "fluxum.ledger.funds",
    "fluxum.ledger.opening",
    "fluxum.ledger.reservation",
    "fluxum.ledger.statement",
    "fluxum.paper.gateway",
    "fluxum.paper.transit",
    "fluxum.paper.records",
    "fluxum.paper.venue",
    "fluxum.paper_trader",
    "fluxum.sink.engine",
    "fluxum.sink.intake",
    "fluxum.sink.outbox",
    "fluxum.sink.publisher",
    "fluxum.sink.sources",
    "fluxum.sink.subscriber",
    "fluxum.sink.sums",
    "fluxum.sink.wire",
)


if not TYPE_CHECKING:  # else a type checker would take any name for one of Fluxum

    def __getattr__(name: str) -> Any:
        """A public name of a module that is not imported yet."""
        if name in {"back", "bot"}:
            return import_module(f"fluxum.{name}")
        if name in __all__:
            for later in _LATER:
                module = import_module(later)
                if name in module.__all__:
                    found = globals()[name] = getattr(module, name)
                    return found
        from fluxum.deprecated import RENAMED

        if name in RENAMED:
            RENAMED[name].warn()
            return getattr(import_module(__name__), RENAMED[name].instead)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names, whether they are imported yet or not."""
    return sorted({*globals(), *__all__})
