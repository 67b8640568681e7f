"""The contract of a venue's private half: signing, account questions, and trading.

As pure as the public half. A key never gets in here but through `sign`, and a token never does:
frames carry a placeholder, which the connection replaces as it writes. So neither can be in an
effect, an event, a recording or an error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from fluxum.model.account import Balance, Credentials, EntryKind, Fill, LedgerEntry
from fluxum.model.input import Take, asset, choice, optional, take_all, whole
from fluxum.model.instrument import Asset
from fluxum.model.order import Command, OrderUpdate
from fluxum.venues.conversation import Fetch, VenueProtocol
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.trading import OrderRules

__all__ = [
    "TOKEN",
    "AccountQuestions",
    "EntryQuery",
    "Private",
    "RestAllowance",
    "Signed",
    "Token",
    "TradingProtocol",
]

TOKEN = "<token>"  # noqa: S105 - this is what stands in for one
"""What stands in a frame where the token belongs; see Send.has_token."""


class Token(Struct, frozen=True):
    """What opens a private link, and how long it may wait to be used. Printed it is masked."""

    text: str
    valid_s: float

    def __repr__(self) -> str:
        """Stars for the text."""
        return f"Token(text=***, valid_s={self.valid_s})"


class Signed(Struct, frozen=True):
    """What signing adds to a call: headers with the key, and the body that was signed."""

    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Stars: a signature is as good as the key for as long as it lasts."""
        return "Signed(headers=***, body=***)"


class EntryQuery(Struct, frozen=True, kw_only=True):
    """Which account entries are wanted: after `since_ns`, up to and with `until_ns`."""

    asset: Asset | None = None
    kind: EntryKind | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    if TYPE_CHECKING:  # what is taken, which is more than what it becomes

        def __init__(
            self,
            *,
            asset: str | None = None,
            kind: EntryKind | str | None = None,
            since_ns: int | None = None,
            until_ns: int | None = None,
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


class AccountQuestions(Protocol):
    """What can be asked about an account. One object for each session: it learns names.

    Lists are read row by row: a row that cannot be read is counted and left out. They are paged:
    `offset` counts rows from the newest, those left out as well. Times are those of `EntryQuery`.
    """

    def preparations(self) -> Sequence[RestQuery[LeftOutRows | None]]:
        """What has to be asked once, in this order, before the others can be read."""
        ...

    def renewals(self, now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
        """What to ask again before the last answer is read once more, mostly nothing.

        An answer may name what none of the preparations did. The venue bounds how often.
        """
        ...

    def token(self) -> RestQuery[Token]:
        """A token for private links."""
        ...

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances, with what open orders hold."""
        ...

    def open_orders(self, client_order_id: str = "") -> RestQuery[Page[OrderUpdate]]:
        """All open orders, or the one of this name."""
        ...

    def closed_orders(
        self, client_order_id: str = "", since_ns: int | None = None, offset: int = 0
    ) -> RestQuery[Page[OrderUpdate]]:
        """Orders that ended, or the one of this name; the status of some may be OTHER."""
        ...

    def fills(
        self, since_ns: int | None = None, until_ns: int | None = None, offset: int = 0
    ) -> RestQuery[Page[Fill]]:
        """Executions of one's own orders, `backfilled`.

        Their fees are `None` where this list does not say in which asset they were charged.
        """
        ...

    def entries(self, query: EntryQuery, offset: int = 0) -> RestQuery[Page[LedgerEntry]]:
        """Account entries, `backfilled`."""
        ...

    def charged(self, fill: Fill, lines: Sequence[LedgerEntry]) -> Fill | None:
        """The fill with the fees that lines of the account name; `None` if these are not all."""
        ...


class TradingProtocol(VenueProtocol, Protocol):
    """A private link's conversation: it follows the account, and can ask for things.

    Its events, besides those of any protocol: `OpenOrders` and `Balances` as snapshots, then
    `OrderUpdate` (always the whole order), `Fill`, `LedgerEntry`, `TradingCount`; and for each
    command `Accepted` or `Declined`, as many as the venue gives, the last one marked.
    """

    def command(self, command_id: int, command: Command, now_ns: int) -> None:
        """Queue a command; raises BadInput, before anything is sent, for an impossible one.

        `command_id` is handed in, never twice on one link. A command refused because its token
        was too old has surely not been obeyed: it is sent once more, after a `Renew`.
        """
        ...


class RestAllowance(Struct, frozen=True):
    """A counter that rises with each call by its cost and falls with time; `most` is refused."""

    most: float
    decay_per_s: float


class Private(Struct, frozen=True, kw_only=True):
    """What a venue offers to those who have an account there.

    `endpoint` names that of the private link; links to any endpoint of `token_endpoints` need a
    token. `sign` signs a call, given a number that only ever grows (a nonce). `allowances` are
    the REST counters and `terms` the ways with orders, both by the name of the account's tier, the
    first being assumed.
    """

    endpoint: str
    token_endpoints: frozenset[str]
    protocol: Callable[[], TradingProtocol]
    queries: Callable[[], AccountQuestions]
    sign: Callable[[Fetch, Credentials, int], Signed]
    allowances: Mapping[str, RestAllowance]
    terms: Mapping[str, OrderRules]
