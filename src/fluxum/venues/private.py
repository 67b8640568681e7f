"""The contract of a venue's private half: signing, account queries, and orders.

As pure as the public half. The `Signer` alone holds keys; time and nonces are handed in. A token
never comes in here: frames carry a placeholder, which the session replaces as it writes. So neither
can be in an effect, an event, a recording or an error.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from fluxum.model.account import Balance, Credentials, EntryKind, Fill, LedgerEntry
from fluxum.model.event import Channel
from fluxum.model.input import Take, asset, choice, optional, take_all, whole
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import Command, OrderUpdate
from fluxum.model.position import PositionUpdate
from fluxum.venues.conversation import Fetch, VenueProtocol
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rates import Decaying
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.trading import OrderRules

__all__ = [
    "TOKEN",
    "AccountProtocol",
    "AccountQueries",
    "AccountTier",
    "EntryQuery",
    "FillQuery",
    "OrderLink",
    "OrderQuery",
    "Private",
    "Signed",
    "Signer",
    "Token",
]

TOKEN = "<token>"  # noqa: S105 - this is what stands in for one
"""What stands in a frame where the token belongs; see `Auth`."""


class Token(Struct, frozen=True):
    """What opens a private link, and for how long it can be used. Printed it is masked."""

    text: str
    valid_s: float

    def __repr__(self) -> str:
        """Stars for the text."""
        return f"Token(text=***, valid_s={self.valid_s})"


class Signed(Struct, frozen=True):
    """A signed call: its path with the query, its headers and its body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Stars: a signature is as good as the key for as long as it lasts."""
        return "Signed(***)"


class Signer(Protocol):
    """Signs with the keys of one account.

    `now_ns` is the venue's clock as far as it is known, `nonce` a number that only grows. Each
    raises BadInput for keys of another form; the message does not show them.
    """

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
        """A REST call whose `auth` is SIGNED."""
        ...

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:
        """A frame whose `auth` is SIGNED: a login, or a request with a signature in it."""
        ...

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:
        """The headers of the upgrade of a private link, none where the venue wants none."""
        ...


class EntryQuery(Struct, frozen=True, kw_only=True):
    """Which account entries are wanted: after `since_ns`, up to and with `until_ns`.

    `resume` is that of an earlier list's last page: entries of that list may be left out. `moved`
    are assets that have moved since then, whatever their balances say.
    """

    asset: Asset | None = None
    kind: EntryKind | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    resume: object = None
    moved: frozenset[Asset] = frozenset()

    if TYPE_CHECKING:  # what is taken, which is more than what it becomes

        def __init__(
            self,
            *,
            asset: str | None = None,
            kind: EntryKind | str | None = None,
            since_ns: int | None = None,
            until_ns: int | None = None,
            resume: object = None,
            moved: frozenset[Asset] = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Take text as well, and refuse what makes no sense."""
        take_all(self, _ENTRY_QUERY)


def _kind(value: object, what: str) -> EntryKind:
    return choice(EntryKind, value, what)


_ENTRY_QUERY: Mapping[str, Take] = {
    "asset": optional(asset),
    "kind": optional(_kind),
    "since_ns": optional(whole),
    "until_ns": optional(whole),
}


class FillQuery(Struct, frozen=True, kw_only=True):
    """Which fills are wanted: after `since_ns`, up to and with `until_ns`.

    `symbol` is None for those of every market; see `AccountQueries.needs_symbol`.
    """

    symbol: Symbol | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def is_within(self, instant_ns: int) -> bool:
        """Whether an instant is in the time that is wanted."""
        is_after = self.since_ns is None or instant_ns > self.since_ns
        return is_after and (self.until_ns is None or instant_ns <= self.until_ns)


class OrderQuery(Struct, frozen=True, kw_only=True):
    """Which order is wanted: by the venue's id, by the client order id, or by both.

    It was not placed before `since_ns`, by the venue's clock; `None` if that is not known.
    """

    symbol: Symbol
    order_id: str = ""
    client_order_id: str = ""
    since_ns: int | None = None


def _no_renewals(_now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
    return ()


class AccountQueries(Struct, frozen=True, kw_only=True):
    """What can be asked about one account. A capability that a venue lacks is None.

    Lists are read row by row: a row that cannot be read is counted and left out. They are newest
    first, and continue with `Page.next`. Times are those of `EntryQuery`.

    `order` gives the queries that find one order, to be asked in turn, page by page, until one
    finds it; its status may be OTHER. `closed_orders` are those that ended since an instant.
    `are_entries_by_asset` is whether those of one asset come after those of another. Without a
    list of `entries`, they are made from fills and from `transfers`, the lists of
    deposits and withdrawals, each newest first; their source is TRANSFER.
    `positions` are the open positions in contracts, in units of the base asset. Fees
    of `fills` are None where their list does not name the asset of the fee; `charged` then
    completes a fill from the entries of its trade, and returns None if these are not all.
    `needs_symbol` is whether fills and closed orders are listed market by market.

    `preparations` are asked once, in this order, before the others can be read. `renewals` are
    asked before the last answer is read once more: an answer may name what no preparation did.
    """

    balances: Callable[[], RestQuery[Page[Balance]]]
    open_orders: Callable[[], RestQuery[Page[OrderUpdate]]]
    order: Callable[[OrderQuery], Sequence[RestQuery[Page[OrderUpdate]]]]
    closed_orders: Callable[[FillQuery], RestQuery[Page[OrderUpdate]]]
    fills: Callable[[FillQuery], RestQuery[Page[Fill]]]
    entries: Callable[[EntryQuery], RestQuery[Page[LedgerEntry]]] | None = None
    are_entries_by_asset: bool = False
    transfers: Callable[[EntryQuery], Sequence[RestQuery[Page[LedgerEntry]]]] | None = None
    positions: Callable[[], RestQuery[Page[PositionUpdate]]] | None = None
    charged: Callable[[Fill, Sequence[LedgerEntry]], Fill | None] | None = None
    token: Callable[[], RestQuery[Token]] | None = None
    needs_symbol: bool = False
    preparations: Callable[[], Sequence[RestQuery[LeftOutRows | None]]] = tuple
    renewals: Callable[[int], Sequence[RestQuery[LeftOutRows | None]]] = _no_renewals


class AccountProtocol(VenueProtocol, Protocol):
    """The conversation of a link that carries account streams, orders, or both.

    Its events, besides those of any protocol: `OpenOrders` and `Balances` as snapshots where the
    venue sends them (see `Private.snapshots`), then `OrderUpdate` (always the whole order), `Fill`,
    `Balance`, `PositionUpdate` (always whole), `LedgerEntry`, `TradingCount`;
    and for each command `Accepted` or `Declined`, as many as the venue gives, the last one marked.
    """

    def command(self, command_id: int, command: Command, now_ns: int) -> None:
        """Queue a command, as a frame or as a REST call that `is_once`.

        `command_id` is handed in, never twice on one link. A command refused because its token
        was too old was surely not obeyed: it is sent once more, after a `Reauthenticate`. Raises
        BadInput for an impossible command, before anything is sent.
        """
        ...


class OrderLink(Struct, frozen=True):
    """A further link of an account: the endpoint, and the conversation over it."""

    endpoint: str
    protocol: Callable[[], AccountProtocol]


class AccountTier(Struct, frozen=True):
    """What the venue allows a class of customers: REST calls, and orders."""

    calls: Decaying
    orders: OrderRules


class Private(Struct, frozen=True, kw_only=True):
    """What a venue offers to those who have an account there.

    `endpoint` names that of the account's link and `protocol` makes its conversation. Commands go
    over the same conversation, unless there is an `order_link`. A `stream_link` carries streams of
    orders that the account's link lacks, and no commands. Links to `authenticated` endpoints
    need a token, or the signer's headers; those of `handshakes` are the headers of a signed call of
    this path. `dial_queries` are the queries of URLs that a token is in, written as `TOKEN`. Tokens
    are renewed every `renew_s` seconds unless the user wants another time, `None` for not at all.
    `tiers` are by name, the first being assumed.

    `snapshots` are the account channels that begin with a snapshot; the session queries the others.
    `numbered` are those of which a lost message shows by itself, by its number; for the others the
    session's audit lists fills, balances and entries. At most `sends_per_s` frames go over a link
    of the account, `send_burst` of them at once; `None` for those of `Venue.limits`.

    `untimely` are the words in the body of an HTTP refusal by which a call came too late, or with
    a nonce that was used: signed again it may be answered. A venue whose queries read the codes of
    refusals themselves has none here.
    """

    endpoint: str
    protocol: Callable[[], AccountProtocol]
    signer: Callable[[Credentials], Signer]
    queries: Callable[[], AccountQueries]
    tiers: Mapping[str, AccountTier]
    authenticated: Collection[str] = ()
    handshakes: Mapping[str, str] = {}
    dial_queries: Mapping[str, str] = {}
    renew_s: float | None = None
    snapshots: frozenset[Channel] = frozenset()
    numbered: frozenset[Channel] = frozenset()
    order_link: OrderLink | None = None
    stream_link: OrderLink | None = None
    sends_per_s: float | None = None
    send_burst: int | None = None
    untimely: tuple[str, ...] = ()
