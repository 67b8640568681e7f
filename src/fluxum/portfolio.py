"""The account's positions at a venue, live: fills and orders as they come, marks from books.

    async with connect(EXCHANGE, ["BTC/USD"], account_config=config) as session:
        session.subscribe(Subscription(Channel.EXECUTION))
        async with Portfolio(session) as portfolio:
            async for position in portfolio.positions("BTC/USD"):
                print(position.quantity, position.profit.total)

A long is marked at the best bid, a short at the best ask (or both at the mid, by the ledger's
policy), and only from a book that is valid: while it is withdrawn there is no mark and no
unrealised profit.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from types import TracebackType
from typing import Self

from fluxum.errors import FluxumError, NotSubscribed
from fluxum.flow.background import background
from fluxum.flow.bus import Bus
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.position_audit import PositionLine, position_audit
from fluxum.ledger.view import Position
from fluxum.model.account import Fill
from fluxum.model.event import DataStale, Desync, Event, LinkLost, Rejected, Resynced
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.orders.gateway import TradingAccount
from fluxum.session.session import Session

__all__ = ["Portfolio"]

_log = logging.getLogger(__name__)

_CAPACITY = 1_000_000
_POSITIONS_WAITING = 1000
_SECOND_CHECK_S = 5.0


class Portfolio:
    """Positions of one session's account; `ledger` may hold some already.

    `account` is another than the session's own, such as one on paper.

    Used as an async context manager inside the session's block. A reader that is too slow for the
    session's stream would miss fills, so then the portfolio fails with ConsumerTooSlow instead.
    """

    def __init__(
        self,
        session: Session,
        ledger: Ledger | None = None,
        account: TradingAccount | None = None,
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self._session = session
        self._account = account
        self._venue = session.venue.name
        self._bus: Bus[Position] = Bus()
        self._last: dict[Symbol, Position] = {}
        self._scope = background()
        self._events: Pipe[Event] | None = None
        self._uncounted: set[Symbol] = set()

    async def __aenter__(self) -> Self:
        self._events = self._session.events(capacity=_CAPACITY, overflow=Overflow.RAISE)
        work = await self._scope.__aenter__()
        work.start(self._follow(self._events), name=f"{self._venue} portfolio")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._scope.__aexit__(kind, error, traceback)
        finally:
            self._bus.close()

    def position(self, symbol: str) -> Position | None:
        """The position in a market now; `None` if there never was one."""
        held = self.ledger.position(self._venue, Symbol(symbol))
        return None if held is None or not held.is_used else held.view()

    def held(self) -> dict[Symbol, Decimal]:
        """The positions now, with every event published so far included; for an OrderDesk."""
        if self._events is not None:
            self._take(self._events.drain())
        return {one.symbol: one.quantity for one in self.ledger.positions(self._venue)}

    async def audit_positions(self) -> tuple[PositionLine, ...]:
        """Compare the ledger's positions in contracts with those that the exchange reports.

        One line for each contract. Where they differ, both are read once more after five seconds,
        as a fill may be on its way; a lasting difference is also logged. Raises BadInput if the
        exchange lists no positions, and what a query raises.
        """
        lines = await self._compared()
        if not all(line.is_clean for line in lines):
            await asyncio.sleep(_SECOND_CHECK_S)
            lines = await self._compared()
        for line in lines:
            if not line.is_clean:
                _log.warning(
                    "%s: the ledger computed a position of %s in %s, the exchange reports %s",
                    *(self._venue, line.computed, line.symbol, line.reported),
                )
        return lines

    async def _compared(self) -> tuple[PositionLine, ...]:
        account = self._session.account if self._account is None else self._account
        reported = await account.positions()
        return position_audit(self._venue, self.held(), reported)

    def profit(self) -> Decimal | None:
        """The total of all positions after fees, for limits of a loss.

        `None` while it is not known, and if they do not share one quote asset.
        """
        if self._events is not None:
            self._take(self._events.drain())
        totals = self.ledger.totals(venue=self._venue)
        if not totals:
            return Decimal(0)
        return totals[0].total if len(totals) == 1 else None

    def positions(self, symbol: str | None = None) -> Pipe[Position]:
        """The position in a market (or in every one) each time it changed, marks included.

        The current ones come first. A slow reader skips to the latest of each market.
        """
        pipe = self._bus.subscribe(
            None if symbol is None else (lambda view: view.symbol == symbol),
            capacity=_POSITIONS_WAITING,
            overflow=Overflow.CONFLATE,
            key=lambda view: view.symbol,
        )
        for held in self.ledger.positions(self._venue):
            if symbol in (None, held.symbol):
                self._last[held.symbol] = view = held.view()
                pipe.put(view)
        return pipe

    async def _follow(self, events: Pipe[Event]) -> None:
        try:
            async for batch in events.batches():
                self._take(batch)
        except FluxumError as error:
            self._bus.close(error)
            raise

    def _take(self, batch: Iterable[Event]) -> None:
        """Process events that arrived together, then check each of their markets once."""
        touched: dict[Symbol, None] = {}
        for event in batch:
            match event:
                case BookUpdate() | BookSnapshot():
                    touched[event.symbol] = None
                case Fill() | OrderUpdate() | OpenOrders():
                    for changed in self.ledger.apply(event):
                        touched[changed.symbol] = None
                case LinkLost() | Desync() | Resynced() | DataStale() | Rejected():
                    held = self.ledger.positions(self._venue)
                    touched.update(dict.fromkeys(one.symbol for one in held))
                case _:
                    pass
        for symbol in self.ledger.uncounted.keys() - self._uncounted:
            self._uncounted.add(symbol)
            _log.warning("%s: positions of %s are not counted", self._venue, symbol)
        for symbol in touched:
            self._check(symbol)

    def _check(self, symbol: Symbol) -> None:
        """Mark a position and publish it, if it is read and differs from before."""
        position = self.ledger.position(self._venue, symbol)
        if position is None or not position.is_used:
            return
        with suppress(NotSubscribed):  # marks need a subscription to the book
            self.ledger.mark_from(self._session.book(symbol))
        if not self._bus.is_read:
            return
        view = position.view()
        if view != self._last.get(symbol):
            self._last[symbol] = view
            self._bus.put(view)
