"""What a session offers to whoever trades through it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from fluxum.book.book import Book
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command, OrderUpdate
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page

__all__ = ["AccountGateway"]


class AccountGateway(Protocol):
    """One's own account at a venue, as a session keeps it."""

    @property
    def is_following(self) -> bool:
        """Whether orders and fills are known without a hole now, so that orders are taken."""
        ...

    def command(self, command: Command) -> int:
        """Send a command now and return its number, which its answers carry.

        Raises TransportError while the account is not followed and BadInput for what the venue
        cannot be asked: then surely nothing was sent. Cancels are sent whenever there is a link.
        """
        ...

    async def open_orders(self) -> Page[OrderUpdate]:
        """Every open order of the account as it is now; raises what asking raises."""
        ...

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        """The order that a query wants, open or ended; nothing if the venue knows of none.

        Raises RemoteProtocolError if a row could not be read that may be this order.
        """
        ...

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = ...,
    ) -> Page[OrderUpdate]:
        """Orders that ended since an instant, newest first, until these are enough."""
        ...

    def account_events(self) -> Pipe[Event]:
        """All about the account and its link, in order; the pipe fails rather than drop one."""
        ...

    def instrument(self, symbol: Symbol) -> Instrument | None:
        """A market's rules, once the venue told them."""
        ...

    def book(self, symbol: str) -> Book:
        """A market's live book; raises NotSubscribed."""
        ...

    def now_ns(self) -> int:
        """The session's clock."""
        ...

    def venue_now_ns(self) -> int:
        """The venue's clock: the session's, moved by how far they are known to be apart.

        Deadlines and whatever is compared with the venue's times are by this clock.
        """
        ...
