"""An account of a simulated exchange: exact balances, and the history of all changes.

A trade is two entries with one reference, the base asset's first. The fee is in the entry of the
asset that it is charged in. A balance is the one before, plus amount, less fee, and never below
zero: what open orders could cost is held. The last entries, trades and orders are kept as history.

A trade of a contract is one entry of the quote asset: what closing a part of the position earned,
and the fee. A funding payment is another. Losses are not stopped by a liquidation, so a balance may
fall below zero there.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from fluxum.errors import BadInput
from fluxum.fill.order import LiveOrder
from fluxum.model.account import (
    Balance,
    Credentials,
    EntryKind,
    Fee,
    Fill,
    LedgerEntry,
    Liquidity,
    Wallet,
)
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, Edit, OrderRequest, OrderUpdate
from fluxum.model.position import Forced
from fluxum.sim.contracts import HeldContracts
from fluxum.sim.orders import quantum, state_of
from fluxum.venues.rates import RateCounter
from fluxum.venues.server.accounts import (
    AccountChange,
    Count,
    Follower,
    Funding,
    OrderEventKind,
    OrderHappening,
    OrderState,
    PositionState,
)

__all__ = ["Counter", "SimulatedAccount"]

_ZERO = Decimal(0)
_ENTRIES_MAX = 200_000
_TRADES_MAX = 100_000
_ENDED_MAX = 20_000
_FUNDINGS_MAX = 20_000


class Counter(Protocol):
    """Handles an account's orders; see `sim.order_gateway`."""

    def check(self, account: "SimulatedAccount", request: OrderRequest, now_ns: int) -> None:
        """Refuse a request that makes no sense."""
        ...

    def check_funds(self, account: "SimulatedAccount", request: OrderRequest) -> None:
        """Refuse a request without enough funds, or a post-only order that would trade."""
        ...

    def place(self, account: "SimulatedAccount", request: OrderRequest) -> LiveOrder:
        """Enter an order."""
        ...

    def amend(self, account: "SimulatedAccount", command: Amend) -> LiveOrder:
        """Change an order."""
        ...

    def edit(self, account: "SimulatedAccount", command: Edit) -> LiveOrder:
        """Replace an order."""
        ...

    def cancel(self, account: "SimulatedAccount", order_id: str, reason: str) -> LiveOrder:
        """Cancel an order."""
        ...

    def cancel_all(self, account: "SimulatedAccount", reason: str) -> int:
        """Cancel every order."""
        ...

    def force(self, account: "SimulatedAccount", symbol: Symbol, forced: Forced) -> LiveOrder:
        """Close the position in a contract by an order of the exchange itself."""
        ...

    def shown(self, order: LiveOrder) -> Decimal | None:
        """The quantity that an iceberg order shows now."""
        ...

    def mark_price(self, symbol: Symbol, /) -> Decimal:
        """The price that a position is marked at."""
        ...

    def booked(self, account: "SimulatedAccount", entries: Iterable[AccountChange]) -> None:
        """Publish entries that no order caused."""
        ...

    def next_instant(self) -> int:
        """The next instant."""
        ...

    def name(self, prefix: str, /) -> str:
        """A name that was never used before."""
        ...


class SimulatedAccount:
    """See Account for what servers use. Tests read `orders`, `fills`, `entries`, `balances()`."""

    def __init__(
        self,
        venue: str,
        credentials: Credentials,
        counter: Counter,
        tier: str,
        rates: tuple[Decimal, Decimal],
    ) -> None:
        self.credentials = credentials
        self.tier = tier
        self.rates = rates
        self.counts: dict[str, RateCounter] = {}
        self.windows: dict[str, Count] = {}
        self.entries: deque[LedgerEntry] = deque(maxlen=_ENTRIES_MAX)
        self.trades: deque[OrderHappening] = deque(maxlen=_TRADES_MAX)
        self.live: dict[str, LiveOrder] = {}
        """Orders that have not ended, by their id, in the order they were placed."""
        self._contracts = HeldContracts()
        self._fundings: dict[str, Funding] = {}
        self.funded_period: int | None = None
        """The funding period up to which was paid, counted from 1970; none before the first."""
        self.cancels_ns: int | None = None
        """When all orders are canceled, unless the client sends CancelAllAfter again."""
        self.market_cancels_ns: dict[Symbol, int] = {}
        """The same for the orders of a market."""
        self.followers: list[Follower] = []
        self._venue = venue
        self._counter = counter
        self._ended: dict[str, OrderState] = {}
        self._totals: dict[Asset, Decimal] = {}
        self._held: dict[Asset, Decimal] = {}

    def __repr__(self) -> str:
        """Without keys."""
        return f"SimulatedAccount({self._venue}, {self.tier})"

    @property
    def key(self) -> str:
        """The public part of the credentials."""
        return self.credentials.key

    @property
    def secret(self) -> str:
        """The secret part, for checking signatures."""
        return self.credentials.secret

    @property
    def passphrase(self) -> str:
        """The passphrase of the key, empty where it has none."""
        return self.credentials.passphrase

    # State

    def balances(self) -> Sequence[Balance]:
        """The total of each asset, and how much of it open orders hold."""
        last_ns = self.entries[-1].venue_ns if self.entries else 0
        return [
            Balance(
                venue=self._venue,
                asset=asset,
                total=total,
                held=self._held.get(asset, _ZERO),
                wallets=(Wallet("spot", "main", total),),
                venue_ns=last_ns,
                received_ns=last_ns,
            )
            for asset, total in self._totals.items()
        ]

    def free(self, asset: Asset) -> Decimal:
        """How much of an asset is not held by orders."""
        return self._totals.get(asset, _ZERO) - self._held.get(asset, _ZERO)

    @property
    def ended(self) -> Sequence[OrderState]:
        """Orders that ended, in the order they ended."""
        return list(self._ended.values())

    @property
    def orders(self) -> Sequence[OrderUpdate]:
        """Every order in memory, the ended ones first."""
        ended = [order.update for order in self._ended.values()]
        return ended + [order.update() for order in self.live.values()]

    @property
    def fills(self) -> Sequence[Fill]:
        """Every execution in memory, oldest first."""
        return [one.fill for one in self.trades if one.fill is not None]

    def open_orders(self) -> Sequence[OrderState]:
        """Orders that have not ended, in the order they were placed."""
        return [self.state(order) for order in self.live.values()]

    def order(self, order_id: str) -> OrderState | None:
        """An order by its id, open, or ended and still in memory."""
        live = self.live.get(order_id)
        return self._ended.get(order_id) if live is None else self.state(live)

    def state(self, order: LiveOrder) -> OrderState:
        """The state of an order now."""
        return state_of(order, self._counter.shown(order))

    def held_of(self, symbol: Symbol) -> Decimal:
        """What is held of a contract, a short position below zero."""
        return self._contracts.quantity(symbol)

    def positions(self) -> Sequence[PositionState]:
        """The position in each contract that was ever traded, closed ones as well."""
        return self._contracts.states(
            self._counter.mark_price, lambda symbol: self._totals.get(symbol.quote, _ZERO)
        )

    def funding(self, entry: LedgerEntry) -> Funding | None:
        """The funding payment of an entry, if it is of one that is remembered."""
        return self._fundings.get(entry.entry_id)

    # Commands of its owner

    def check(self, request: OrderRequest, now_ns: int) -> None:
        """Raise CommandRefused for a request that makes no sense."""
        self._counter.check(self, request, now_ns)

    def check_funds(self, request: OrderRequest) -> None:
        """Raise CommandRefused if funds are missing, or for a post-only order that would trade."""
        self._counter.check_funds(self, request)

    def place(self, request: OrderRequest) -> OrderState:
        """Enter an order, and let it trade."""
        return self.state(self._counter.place(self, request))

    def amend(self, command: Amend) -> OrderState:
        """Change an order in place."""
        return self.state(self._counter.amend(self, command))

    def edit(self, command: Edit) -> OrderState:
        """Cancel an order and enter another for it; returns the new one."""
        return self.state(self._counter.edit(self, command))

    def cancel(self, order_id: str, reason: str = "User requested") -> OrderState:
        """Cancel an order."""
        return self.state(self._counter.cancel(self, order_id, reason))

    def cancel_all(self, reason: str = "User requested") -> int:
        """Cancel all orders; returns how many."""
        return self._counter.cancel_all(self, reason)

    def cancel_all_after(self, timeout_s: int, now_ns: int) -> int | None:
        """Cancel all orders after this time unless called again; zero disarms: returns `None`."""
        self.cancels_ns = now_ns + timeout_s * 1_000_000_000 if timeout_s else None
        return self.cancels_ns

    def cancel_market_after(self, symbol: Symbol, timeout_ns: int, now_ns: int) -> None:
        """The same for the orders of one market."""
        self.market_cancels_ns.pop(symbol, None)
        if timeout_ns:
            self.market_cancels_ns[symbol] = now_ns + timeout_ns

    def deposit(self, balances: Mapping[str, Decimal]) -> Sequence[LedgerEntry]:
        """Deposit amounts, each in its own entry."""
        return self._move(EntryKind.DEPOSIT, balances, 1)

    def force(self, symbol: Symbol, forced: Forced) -> OrderState:
        """The exchange closes the position in a contract; raises CommandRefused if there is none.

        Funds do not matter: the balance may fall below zero.
        """
        return self.state(self._counter.force(self, symbol, forced))

    def withdraw(self, balances: Mapping[str, Decimal]) -> Sequence[LedgerEntry]:
        """Withdraw amounts; raises BadInput for more than is free."""
        for asset, amount in balances.items():
            if amount > self.free(Asset(asset)):
                raise BadInput(f"at most {self.free(Asset(asset))} {asset} are free, was {amount}")
        return self._move(EntryKind.WITHDRAWAL, balances, -1)

    # Called by the order gateway

    def rehold(self, order: LiveOrder) -> None:
        """Hold what an order needs now, and no more; nothing once it has ended."""
        needed = _ZERO if order.status.is_final else order.hold()
        asset = order.held_asset
        self._held[asset] = self._held.get(asset, _ZERO) + needed - order.held
        order.held = needed
        assert order.is_contract or self.free(asset) >= 0, (
            f"{order.update()} binds more {asset} than there is"
        )

    def book(self, fill: Fill, cost: Decimal) -> Sequence[LedgerEntry]:
        """Write the two entries of a trade, or the one of a contract's."""
        sign = 1 if fill.side is Side.BUY else -1
        if fill.symbol.contract:
            moved = fill.signed_quantity, sign * cost, fill.venue_ns
            earned = self._contracts.move(fill.symbol, *moved)
            fee = sum((one.amount for one in fill.fees or ()), _ZERO)
            kind, asset = EntryKind.TRADE, fill.symbol.quote
            return [self._write(kind, fill.fill_id, asset, earned, fee, fill.venue_ns)]
        fees = {fee.asset: fee.amount for fee in fill.fees or ()}
        base, quote = fill.symbol.base, fill.symbol.quote
        return [
            self._write(EntryKind.TRADE, fill.fill_id, asset, amount, fee, fill.venue_ns)
            for asset, amount, fee in (
                (base, sign * fill.quantity, fees.get(base, _ZERO)),
                (quote, -sign * cost, fees.get(quote, _ZERO)),
            )
        ]

    def fund(self, rate: Decimal, now_ns: int) -> Sequence[Funding]:
        """Pay or receive the funding of each open position, in an entry of its own."""
        paid: list[Funding] = []
        for one in self.positions():
            if not one.quantity:
                continue
            asset, worth = one.symbol.quote, one.quantity * one.mark_price * rate
            amount = (_ZERO - worth).quantize(quantum(asset))
            reference = self._counter.name("F")
            entry = self._write(EntryKind.FUNDING, reference, asset, amount, _ZERO, now_ns)
            funding = Funding(
                symbol=one.symbol,
                quantity=one.quantity,
                mark_price=one.mark_price,
                rate=rate,
                entry=entry,
            )
            self._fundings[entry.entry_id] = funding
            if len(self._fundings) > _FUNDINGS_MAX:
                del self._fundings[next(iter(self._fundings))]
            paid.append(funding)
        return paid

    def execute(
        self,
        order: LiveOrder,
        fill_id: str,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        now_ns: int,
    ) -> tuple[Fill, Decimal]:
        """Fill a part of an order; returns the fill and its cost, as booked."""
        cost, fee = order.fill(price, quantity, is_maker=liquidity is Liquidity.MAKER)
        order.fill_ids.append(fill_id)
        fill = Fill(
            venue=self._venue,
            symbol=order.request.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            fees=(Fee(order.charged_asset, fee),),
            liquidity=liquidity,
            fill_id=fill_id,
            order_id=order.order_id,
            client_order_id=order.request.client_order_id,
            forced=order.forced,
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        return fill, cost

    def record(
        self,
        order: LiveOrder,
        what: OrderEventKind,
        now_ns: int,
        fill: Fill | None = None,
        cost: Decimal = _ZERO,
        trade_id: str = "",
    ) -> None:
        """Publish an event of an order to the followers."""
        event = OrderHappening(
            what=what,
            order=self.state(order),
            fill=fill,
            trade_id=trade_id,
            cost=cost,
            venue_ns=now_ns,
        )
        if fill is not None:
            self.trades.append(event)
        self.publish(event)

    def publish(self, event: AccountChange) -> None:
        """Publish an event to every follower."""
        for follower in self.followers:
            follower.account_changed(event)

    def close(self, order: LiveOrder) -> None:
        """An order has ended: move it to the ended ones."""
        del self.live[order.order_id]
        self._ended[order.order_id] = state_of(order)
        if len(self._ended) > _ENDED_MAX:
            del self._ended[next(iter(self._ended))]

    def _move(
        self, kind: EntryKind, balances: Mapping[str, Decimal], sign: int
    ) -> Sequence[LedgerEntry]:
        now_ns = self._counter.next_instant()
        entries: list[LedgerEntry] = []
        for asset, amount in balances.items():
            step = quantum(Asset(asset))
            if not amount.is_finite() or amount < 0 or amount % step:
                raise BadInput(f"whole parts of {step} {asset} were expected, was {amount}")
            reference = self._counter.name("A")
            entries.append(self._write(kind, reference, Asset(asset), sign * amount, _ZERO, now_ns))
        self._counter.booked(self, entries)
        return entries

    def _write(
        self,
        kind: EntryKind,
        reference_id: str,
        asset: Asset,
        amount: Decimal,
        fee: Decimal,
        now_ns: int,
    ) -> LedgerEntry:
        step = quantum(asset)
        balance = (self._totals.get(asset, _ZERO) + amount - fee).quantize(step)
        assert self._contracts or balance >= 0, f"{balance} {asset} are less than nothing"
        self._totals[asset] = balance
        entry = LedgerEntry(
            venue=self._venue,
            entry_id=self._counter.name("L"),
            reference_id=reference_id,
            kind=kind,
            venue_kind=kind.value,
            asset=asset,
            amount=amount.quantize(step),
            fee=fee.quantize(step),
            balance=balance,
            wallet="spot/main",
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        self.entries.append(entry)
        return entry
