"""Facts of an account: balances, account entries, fills, and the credentials."""

from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.position import Forced

__all__ = [
    "Balance",
    "Balances",
    "Credentials",
    "EntryKind",
    "EntrySource",
    "Fee",
    "Fill",
    "FillIdentity",
    "LedgerEntry",
    "Liquidity",
    "Wallet",
]

_ZERO = Decimal(0)
_BUY = Side.BUY  # to look up a member costs a call
FillIdentity = tuple[str, Symbol, str]
"""Venue, symbol and the venue's id of a fill; see `Fill.identity`."""


class Credentials:
    """The keys to an account. They are masked when printed.

    Plain text; the venue's own package knows the meaning of each part. They can be neither encoded
    as JSON nor pickled. Raises BadInput for an empty key or secret.
    """

    __slots__ = ("key", "passphrase", "secret")

    def __init__(self, key: str, secret: str, passphrase: str = "") -> None:
        if not key or not secret:
            raise BadInput("credentials need a key and a secret, one was empty")
        self.key = key
        self.secret = secret
        self.passphrase = passphrase

    def __repr__(self) -> str:
        """Stars instead of the parts, whatever their length."""
        return "Credentials(key=***, secret=***)"

    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise BadInput("credentials are never written down, so they cannot be pickled")


class Wallet(Struct, frozen=True):
    """A part of a balance, as the venue divides it: `spot`/`main`, `earn`/`bonded`."""

    kind: str
    name: str
    total: Decimal


class Balance(Struct, frozen=True, kw_only=True, tag="balance"):
    """The balance of one asset. `held` is held by open orders, if the venue sends that."""

    venue: str
    asset: Asset
    total: Decimal
    held: Decimal | None = None
    wallets: tuple[Wallet, ...] = ()
    venue_ns: int | None = None
    received_ns: int

    @property
    def free(self) -> Decimal | None:
        """How much can be traded, if the venue sends what is held."""
        return None if self.held is None else self.total - self.held


class Balances(Struct, frozen=True, kw_only=True, tag="balances"):
    """All balances of an account at one moment; an asset that is missing has none."""

    venue: str
    balances: tuple[Balance, ...]
    received_ns: int


class EntryKind(Enumeration):
    """Why an account changed; the venue's own word is kept beside it.

    FUNDING: a payment between longs and shorts of a perpetual contract.
    UNEXPLAINED: what the entries that are known do not explain of a balance; see EntrySource.
    OTHER: the venue's word is unknown to Fluxum.
    """

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    FEE = "fee"
    MARGIN = "margin"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    REWARD = "reward"
    CONVERSION = "conversion"
    FUNDING = "funding"
    UNEXPLAINED = "unexplained"
    OTHER = "other"


class EntrySource(Enumeration):
    """Where an entry of an account comes from.

    VENUE: the venue's own list of entries. Where it has none, Fluxum makes them: from a FILL, from
    what the venue lists or publishes as a TRANSFER, and from a BALANCE that these do not explain.
    """

    VENUE = "venue"
    FILL = "fill"
    TRANSFER = "transfer"
    BALANCE = "balance"


class LedgerEntry(Struct, frozen=True, kw_only=True, tag="ledger_entry"):
    """One entry of an account: the balance after it is the one before, plus amount, less fee.

    `entry_id` is the venue's and never repeats; the entries of one transaction (the two legs of a
    trade) share a `reference_id`. `amount` has its sign and excludes the fee, which is charged in
    the same asset. `balance` is `None` if the venue did not send it. `venue_kind` is the venue's
    word for the kind. `raw` is the row as it was on the wire; it is no part of the fact's JSON.
    Unless its `source` is the venue, Fluxum made the entry, its id and its balance.
    """

    venue: str
    entry_id: str
    reference_id: str
    kind: EntryKind
    venue_kind: str
    asset: Asset
    amount: Decimal
    fee: Decimal
    balance: Decimal | None
    wallet: str = ""
    backfilled: bool = False
    venue_ns: int
    received_ns: int
    raw: bytes = b""
    source: EntrySource = EntrySource.VENUE

    @property
    def change(self) -> Decimal:
        """The entry's change of the balance: amount less fee."""
        return self.amount - self.fee


class Liquidity(Enumeration):
    """Whether a fill took liquidity from the book or provided it."""

    MAKER = "maker"
    TAKER = "taker"


class Fee(Struct, frozen=True, gc=False):
    """The fee of a fill, in the asset it was charged in; a rebate is negative."""

    asset: Asset
    amount: Decimal


class Fill(Struct, frozen=True, kw_only=True, gc=False, tag="fill"):
    """An execution of an order of the account; `side` is that of the order.

    Some venues number the fills of each market separately, so fills are distinguished by
    `identity`, not by `fill_id` alone. `fees` is `None` while the venue has not named the asset
    they were charged in: a later fill of the same identity with its fees completes it, and is no
    other fill. `backfilled` marks one that was read from the account's history after a gap.
    `forced` is set if the exchange itself closed a position with the fill.
    """

    venue: str
    symbol: Symbol
    side: Side
    price: Decimal
    quantity: Decimal
    fees: tuple[Fee, ...] | None = ()
    liquidity: Liquidity | None = None
    fill_id: str
    order_id: str
    client_order_id: str = ""
    forced: Forced | None = None
    backfilled: bool = False
    venue_ns: int
    received_ns: int

    @property
    def identity(self) -> FillIdentity:
        """Equal for two fills only if they are the same fill."""
        return self.venue, self.symbol, self.fill_id

    @property
    def notional(self) -> Decimal:
        """Price times quantity, in the quote asset."""
        return self.price * self.quantity

    @property
    def signed_quantity(self) -> Decimal:
        """The quantity, negative for a sale."""
        return self.quantity if self.side is _BUY else _ZERO - self.quantity
