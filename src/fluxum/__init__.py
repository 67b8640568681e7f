"""Fluxum: crypto exchanges in real time, over links that heal and never hide what they lost.

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

from fluxum.book.book import Book, MarketPrice
from fluxum.book.proof import BookProof, BookStatus
from fluxum.connect import connect
from fluxum.credentials import find_credentials
from fluxum.errors import FluxumError
from fluxum.model.account import Balance, Credentials, Fill, LedgerEntry
from fluxum.model.event import (
    Channel,
    Desync,
    Dropped,
    Event,
    Gap,
    LinkLost,
    State,
    Subscription,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Level, Side, Ticker, Trade
from fluxum.model.order import Amend, OrderRequest, OrderStatus, OrderType, TimeInForce
from fluxum.orders.desk import OrderDesk
from fluxum.orders.intents import FileIntents, MemoryIntents
from fluxum.orders.risk import RiskLimits
from fluxum.portfolio import Portfolio
from fluxum.replay import Replay, verify
from fluxum.session.login import Login
from fluxum.session.session import Session

__all__ = [
    "Amend",
    "Balance",
    "Book",
    "BookProof",
    "BookSnapshot",
    "BookStatus",
    "BookUpdate",
    "Candle",
    "Channel",
    "Credentials",
    "Desync",
    "Dropped",
    "Event",
    "FileIntents",
    "Fill",
    "FluxumError",
    "Gap",
    "Instrument",
    "LedgerEntry",
    "Level",
    "LinkLost",
    "Login",
    "MarketPrice",
    "MemoryIntents",
    "OrderDesk",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "Portfolio",
    "Replay",
    "RiskLimits",
    "Session",
    "Side",
    "State",
    "Subscription",
    "Symbol",
    "Ticker",
    "TimeInForce",
    "Trade",
    "connect",
    "find_credentials",
    "verify",
]

__version__ = "0.1.0"

# A library says nothing unless it is asked to.
logging.getLogger(__name__).addHandler(logging.NullHandler())
