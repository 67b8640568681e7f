"""The contract between a simulated exchange's accounts and a venue's private servers.

The exchange keeps balances, holds and orders, and matches them; it knows no venue's words. A
server translates: it decodes and checks what a client asks, in its venue's order and with its
texts, calls an account, and passes what happened on to the followers. All of it is done at once:
when a call returns, the followers have received everything that it caused.
"""

from collections.abc import MutableMapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Protocol

from msgspec import Struct

from fluxum.fill.refusal import CommandRefused, Refusal
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import Amend, Edit, FeeAsset, OrderRequest, OrderUpdate
from fluxum.venues.rates import RateCounter

__all__ = [
    "Account",
    "AccountChange",
    "Accounts",
    "CommandRefused",
    "Count",
    "Follower",
    "Funding",
    "OrderEventKind",
    "OrderFault",
    "OrderHappening",
    "OrderState",
    "PositionState",
    "Refusal",
]


class OrderEventKind(Enum):
    """What happened to an order."""

    PENDING = "pending"
    """It was accepted and is not live yet, as triggered orders that wait."""
    OPENED = "opened"
    TRADED = "traded"
    FILLED = "filled"
    REFILLED = "refilled"
    """An iceberg shows its next part."""
    AMENDED = "amended"
    TRIGGER_MOVED = "trigger moved"
    TRIGGERED = "triggered"
    CANCELED = "canceled"
    EXPIRED = "expired"


class OrderState(Struct, frozen=True, kw_only=True):
    """An order as the exchange holds it at a moment.

    `request` is what was asked, as amended; prices given as distances are worked out in `update`.
    `is_triggered` is none of orders without a trigger, `triggered_ns` is when it became true.
    `fee` is what was charged so far, in the asset `fee_asset` names. `changed_ns` is when it was
    placed or last amended.
    """

    request: OrderRequest
    update: OrderUpdate
    fee_asset: FeeAsset
    fee: Decimal
    is_triggered: bool | None
    triggered_ns: int | None = None
    is_amended: bool
    peak_price: Decimal | None
    display_left: Decimal | None
    origin_id: str
    fill_ids: tuple[str, ...]
    changed_ns: int
    closed_ns: int | None


class OrderHappening(Struct, frozen=True, kw_only=True):
    """Something happened to an order, which is `order` since.

    Of a trade there is the fill, the number the public knows the trade by, and the cost as it was
    booked, rounded to the quote asset.
    """

    what: OrderEventKind
    order: OrderState
    fill: Fill | None = None
    trade_id: str = ""
    cost: Decimal = Decimal(0)
    venue_ns: int


class PositionState(Struct, frozen=True, kw_only=True):
    """A position in a contract at a moment; `quantity` is in base units, below zero for a short.

    `entry_price` is none of one that is closed. `unrealised` is the profit at `mark_price`, in the
    quote asset. No price liquidates a position without `liquidation_price`. `opened_ns` is when it
    was first opened, `changed_ns` when its quantity last changed.
    """

    symbol: Symbol
    quantity: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    liquidation_price: Decimal | None
    unrealised: Decimal
    opened_ns: int
    changed_ns: int


class Funding(Struct, frozen=True, kw_only=True):
    """A funding payment of a position: at `mark_price`, for `quantity`, below zero for a short.

    The account pays `quantity` times `mark_price` times `rate`, or receives it if that is below
    zero; `entry` is the line of the account.
    """

    symbol: Symbol
    quantity: Decimal
    mark_price: Decimal
    rate: Decimal
    entry: LedgerEntry


AccountChange = OrderHappening | LedgerEntry | Funding


class Follower(Protocol):
    """Receives what happens to an account, in order; usually a server."""

    def account_changed(self, happening: AccountChange) -> None:
        """Keep it, for the client, until the exchange next calls the server."""
        ...


class Count(Struct):
    """How much of an allowance was used in the window that began at an instant."""

    used: Decimal = Decimal(0)
    at_ns: int = 0


class OrderFault(Enum):
    """What can go wrong between an account and its owner, on purpose."""

    LOST_ANSWER = "lost answer"
    """A command was obeyed, and its answer never arrives."""
    CUT_OFF = "cut off"
    """The link is cut when a command arrives, before it is obeyed."""
    LIMITED = "limited"
    """REST calls are refused for being too many."""


class Account(Protocol):
    """One account of a simulated exchange. Whatever cannot be done raises CommandRefused.

    `tier` is the name of the venue's class of customers; `counts` holds whatever allowances the
    venue's servers count, by names of theirs. Lists are oldest first and bounded.
    """

    @property
    def key(self) -> str:
        """The public part of the credentials."""
        ...

    @property
    def secret(self) -> str:
        """The secret part, for checking signatures."""
        ...

    @property
    def passphrase(self) -> str:
        """The passphrase of the key, empty where it has none."""
        ...

    @property
    def tier(self) -> str:
        """The class of customers."""
        ...

    @property
    def rates(self) -> tuple[Decimal, Decimal]:
        """The part of a trade that is charged, of makers and of takers."""
        ...

    @property
    def counts(self) -> MutableMapping[str, RateCounter]:
        """Allowances used."""
        ...

    @property
    def windows(self) -> MutableMapping[str, Count]:
        """Allowances used of windows that begin at an instant."""
        ...

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """The lines of the account."""
        ...

    @property
    def trades(self) -> Sequence[OrderHappening]:
        """What the account traded, each with its order as it was then."""
        ...

    @property
    def ended(self) -> Sequence[OrderState]:
        """Orders that ended, by when they did."""
        ...

    def balances(self) -> Sequence[Balance]:
        """What is held of each asset, and how much of it by open orders."""
        ...

    def positions(self) -> Sequence[PositionState]:
        """The position in each contract that was ever traded, closed ones as well."""
        ...

    def funding(self, entry: LedgerEntry) -> Funding | None:
        """The funding payment of an entry, if it is of one that is remembered."""
        ...

    def open_orders(self) -> Sequence[OrderState]:
        """Orders that have not ended, by when they were placed."""
        ...

    def order(self, order_id: str) -> OrderState | None:
        """An order by its id, open or ended and remembered."""
        ...

    def check(self, request: OrderRequest, now_ns: int) -> None:
        """Raise what `place` would for the request itself: funds and the book aside."""
        ...

    def check_funds(self, request: OrderRequest) -> None:
        """Raise what `place` would for want of funds, or because it must not take; no more."""
        ...

    def place(self, request: OrderRequest) -> OrderState:
        """Enter an order, and let it trade."""
        ...

    def amend(self, command: Amend) -> OrderState:
        """Change an order in place; less than what is filled cancels the rest."""
        ...

    def edit(self, command: Edit) -> OrderState:
        """Cancel an order and enter another for it; returns the new one."""
        ...

    def cancel(self, order_id: str, reason: str = "") -> OrderState:
        """Take an order out."""
        ...

    def cancel_all(self, reason: str = "") -> int:
        """Take all orders out; returns how many."""
        ...

    def cancel_all_after(self, timeout_s: int, now_ns: int) -> int | None:
        """Take all orders out at that instant unless asked again; zero disarms, giving none."""
        ...

    def cancel_market_after(self, symbol: Symbol, timeout_ns: int, now_ns: int) -> None:
        """The same for the orders of one market."""
        ...


class Accounts(Protocol):
    """The accounts of a simulated exchange, and who follows them."""

    def by_key(self, key: str) -> Account | None:
        """The account of a key."""
        ...

    def issue_token(self, account: Account, now_ns: int, valid_s: int) -> str:
        """A new token that opens an account to a link, and has to be used within its time."""
        ...

    def by_token(self, token: str, now_ns: int) -> Account | None:
        """The account a token opens; one that is followed with does not age."""
        ...

    def follow(self, follower: Follower, token: str) -> None:
        """Send a follower what happens to the account of a good token, from now on."""
        ...

    def leave(self, follower: Follower) -> None:
        """Send a follower nothing more; the token it came with ages again."""
        ...

    def decimals(self, asset: Asset) -> int:
        """To how many digits amounts of an asset are kept."""
        ...

    def last_price(self, symbol: Symbol) -> Decimal | None:
        """The price of a market's last trade."""
        ...

    def roll_fault(self, mishap: OrderFault) -> bool:
        """Whether this is to go wrong now; it is counted."""
        ...

    def chance(self) -> bool:
        """Whether, half of the time: for what no venue promises either way."""
        ...
