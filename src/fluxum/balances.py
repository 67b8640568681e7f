"""The balances of one account, what of them may be spent, and what is set aside for orders.

    async with BalanceManager(session) as manager:
        print(manager.funds("USD").free)
        with manager.reserve(request) as reservation:       # two bots cannot spend one balance
            order = await desk.place(reservation.order)

It follows the account's private stream. A circuit breaker is closed while the balances and the open
orders are known; without that nothing can be reserved.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from random import Random, SystemRandom
from types import TracebackType
from typing import Self
from uuid import UUID

from msgspec import Struct, structs

from fluxum.errors import BadInput, CircuitOpen, FluxumError
from fluxum.flow.background import background
from fluxum.flow.bus import Bus
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.ledger.balance_breaker import BalanceBreaker, BreakerReading
from fluxum.ledger.funds import Funds, FundsBook
from fluxum.ledger.reservation import Reservation, ReservationState
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LinkLost,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.input import Number, counted, number
from fluxum.model.input import asset as asset_of
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderRequest, OrderUpdate
from fluxum.orders.desk import OrderDesk
from fluxum.orders.order import Order
from fluxum.session.session import Session

__all__ = ["BalanceManager", "ReservationNotice"]

_log = logging.getLogger(__name__)
_NEEDED = (Channel.BALANCE, Channel.EXECUTION)
_CAPACITY = 1_000_000
_WAITING = 1_000
_CHECK_S = 1.0


class ReservationNotice(Struct, frozen=True, kw_only=True, tag="reservation_notice"):
    """A reservation ended, or is overdue: made a while ago, and its order was never seen.

    An overdue one still sets its amount aside: `is_overdue` is true, and nothing has ended.
    """

    venue: str
    client_order_id: str
    asset: Asset
    amount: Decimal
    is_overdue: bool
    reason: str
    received_ns: int


class BalanceManager:
    """The funds of one session's account; used as an async context manager inside its block.

    It subscribes to balances and executions. `fee_rate` is added to the cost of purchases when it
    is reserved: "0.004" is 0.4 %. A reservation whose order was not seen after `patience_s` seconds
    is reported. At most `reservations_max` are kept. Raises BadInput without an account.
    """

    def __init__(
        self,
        session: Session,
        *,
        fee_rate: Number = 0,
        patience_s: float = 60.0,
        reservations_max: int = 1_000,
        random: Random | None = None,
    ) -> None:
        rate = number(fee_rate, "fee_rate")
        if not 0 <= rate < 1:
            raise BadInput(f"fee_rate: 0 or more and below 1 was expected, was {rate}")
        self._session = session
        self._account = session.account
        self._venue = session.venue.name
        count = counted(reservations_max, "reservations_max")
        self._book = FundsBook(self._venue, rate, count, self._ended)
        self._breaker = BalanceBreaker(_NEEDED, self._account.now_ns())
        self._patience_ns = int(patience_s * 1e9)
        self._random = SystemRandom() if random is None else random
        self._changes: Bus[Funds] = Bus()
        self._notices: Bus[ReservationNotice] = Bus()
        self._last: dict[Asset, Funds] = {}
        self._is_taking = False
        self._events: Pipe[Event] | None = None
        self._scope = background()
        self._close: Callable[[], Awaitable[None]] | None = None

    async def __aenter__(self) -> Self:
        self._session.subscribe(*map(Subscription, _NEEDED))
        self._events = self._session.events(capacity=_CAPACITY, overflow=Overflow.RAISE)
        self._begin()
        work = await self._scope.__aenter__()
        work.start(self._follow(self._events), name=f"{self._venue} balances")
        work.start(self._watch(), name=f"{self._venue} reservations")
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
            self._events = None
            self._changes.close()
            self._notices.close()

    async def close(self) -> None:
        """End a manager that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this manager was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The manager was awaited; `close` ends it."""
        self._close = close

    # Questions

    def funds(self, asset: str) -> Funds:
        """An asset now: total, free, held and reserved. All are zero if the account has none.

        While the breaker is not closed, these are the last known ones.
        """
        self._catch_up()
        return self._book.funds(Asset(asset))

    def all_funds(self) -> dict[Asset, Funds]:
        """Every asset of the account now."""
        self._catch_up()
        return {asset: self._book.funds(asset) for asset in self._book.assets()}

    @property
    def breaker(self) -> BreakerReading:
        """Whether balances are known well enough to reserve, and the reason if they are not."""
        self._catch_up()
        return self._breaker.reading()

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """The reservations that have not ended, oldest first."""
        self._catch_up()
        return self._book.reservations

    # Reservations

    def reserve(self, order: OrderRequest, *, price: Number | None = None) -> Reservation:
        """Set aside what an order needs, until it ends or the reservation is released.

        Place `reservation.order`: it is the request, with a client order id if it had none.
        `price` is the worst one to expect of a purchase without a limit price. Raises
        InsufficientFunds if less is free, CircuitOpen while the balances are not known, BadInput.
        """
        self._catch_up()
        if not self._breaker.is_closed:
            reason = self._breaker.reading().reason
            raise CircuitOpen(f"balances at {self._venue} are not known: {reason}", _CHECK_S)
        name = order.client_order_id or UUID(int=self._random.getrandbits(128), version=4).hex
        named = structs.replace(order, client_order_id=name)
        worst = None if price is None else number(price, "price")
        reservation = self._book.reserve(named, worst, self._account.now_ns())
        self._publish([reservation.asset])
        return reservation

    async def place(
        self, desk: OrderDesk, order: OrderRequest, *, price: Number | None = None
    ) -> Order:
        """Reserve what an order needs, and place it. Raises as `reserve` and `OrderDesk.place`."""
        with self.reserve(order, price=price) as reservation:
            return await desk.place(reservation.order)

    # Streams

    def changes(self, asset: str | None = None) -> Pipe[Funds]:
        """The funds of an asset, or of each, whenever they change; a slow reader skips to the last.

        The present ones come first.
        """
        wanted = None if asset is None else asset_of(asset, "asset")
        pipe = self._changes.subscribe(
            None if wanted is None else (lambda funds: funds.asset == wanted),
            capacity=_WAITING,
            overflow=Overflow.CONFLATE,
            key=lambda funds: funds.asset,
        )
        for one in self.all_funds().values():
            if wanted in (None, one.asset):
                pipe.put(one)
        return pipe

    def notices(self) -> Pipe[ReservationNotice]:
        """Every end of a reservation, and every one that is overdue."""
        return self._notices.subscribe(capacity=_WAITING, overflow=Overflow.DROP_OLDEST)

    # Pieces

    def _begin(self) -> None:
        """Take what the session knows already."""
        following, now_ns = self._account.following, self._account.now_ns()
        if following.is_balances_valid:
            balances = tuple(following.balances.values())
            self._take([Balances(venue=self._venue, balances=balances, received_ns=now_ns)])
        if following.is_orders_valid:
            orders = tuple(following.orders.values())
            self._take([OpenOrders(venue=self._venue, orders=orders, received_ns=now_ns)])

    async def _follow(self, events: Pipe[Event]) -> None:
        try:
            async for batch in events.batches():
                self._take(batch)
        except FluxumError as error:
            self._changes.close(error)
            self._notices.close(error)
            raise

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_S)
            now_ns = self._account.now_ns()
            for one in self._book.overdue(now_ns - self._patience_ns):
                _log.warning(
                    "%s: no order was seen for reservation %s",
                    self._venue,
                    one.order.client_order_id,
                )
                self._tell(one, "no order of it was seen; it still sets its amount aside")

    def _catch_up(self) -> None:
        if self._events is not None:
            self._take(self._events.drain())

    def _take(self, batch: Iterable[Event]) -> None:
        touched: dict[Asset, None] = {}
        self._is_taking = True
        for event in batch:
            touched.update(dict.fromkeys(self._take_one(event)))
        self._is_taking = False
        if touched:
            self._publish(touched)

    def _take_one(self, event: Event) -> Iterable[Asset]:
        """Take an event; returns the assets whose funds it may change."""
        book, now_ns = self._book, self._account.now_ns()
        match event:
            case Balances():
                book.hold(event)
                self._breaker.prove(Channel.BALANCE, now_ns)
                return {*book.assets(), *self._last}
            case OpenOrders():
                book.open(event)
                self._breaker.prove(Channel.EXECUTION, now_ns)
                return {*book.assets(), *self._last}
            case Balance():
                book.change(event)
                return (event.asset,)
            case LedgerEntry():
                book.enter(event, self._account.following.balances.get(event.asset))
                return (event.asset,)
            case Fill():
                book.spend(event)
                return (event.symbol.base, event.symbol.quote, *(f.asset for f in event.fees or ()))
            case OrderUpdate():
                book.update(event)
                return (event.symbol.base, event.symbol.quote)
            case _:
                self._take_link(event, now_ns)
                return ()

    def _take_link(self, event: Event, now_ns: int) -> None:
        match event:
            case LinkLost():
                endpoint = event.link.rpartition("-")[0]
                for channel in _NEEDED:
                    if self._session.venue.endpoint_of(Subscription(channel)) == endpoint:
                        self._breaker.lose(channel, f"link lost: {event.reason}", now_ns)
            case Desync():
                self._breaker.lose(event.subscription.channel, event.reason, now_ns)
            case Refused() if event.subscription is not None:
                self._breaker.lose(event.subscription.channel, event.message, now_ns)
            case Unsubscribed():
                self._breaker.lose(event.subscription.channel, "unsubscribed", now_ns)
            case Subscribed():
                self._breaker.answer(event.subscription.channel, now_ns)
            case _:
                pass

    def _publish(self, assets: Iterable[Asset]) -> None:
        """Publish funds that differ from before."""
        for asset in assets:
            funds = self._book.funds(asset)
            if funds != self._last.get(asset):
                self._last[asset] = funds
                self._changes.put(funds)

    def _ended(self, reservation: Reservation) -> None:
        self._tell(reservation, reservation.reason)
        if not self._is_taking:
            self._publish([reservation.asset])

    def _tell(self, one: Reservation, reason: str) -> None:
        self._notices.put(
            ReservationNotice(
                venue=self._venue,
                client_order_id=one.order.client_order_id,
                asset=one.asset,
                amount=one.amount,
                is_overdue=one.state is not ReservationState.RELEASED,
                reason=reason,
                received_ns=self._account.now_ns(),
            )
        )
