"""What a session offers to whoever trades through it."""

from typing import Protocol, TypeVar

from fluxum.book.book import Book
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command
from fluxum.venues.private import AccountQuestions
from fluxum.venues.queries import RestQuery

__all__ = ["AccountGateway"]

Said = TypeVar("Said")


class AccountGateway(Protocol):
    """One's own account at a venue, as a session keeps it."""

    @property
    def is_following(self) -> bool:
        """Whether orders and fills are known without a hole now, so that orders are taken."""
        ...

    @property
    def queries(self) -> AccountQuestions:
        """What can be asked, for `ask`."""
        ...

    def command(self, command: Command) -> int:
        """Send a command now and return its number, which its answers carry.

        Raises TransportError while the account is not followed and BadInput for what the venue
        cannot be asked: then surely nothing was sent. Cancels are sent whenever there is a link.
        """
        ...

    async def ask(self, question: RestQuery[Said]) -> Said:
        """The venue's answer to a question; paced, and repeated where that helps."""
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
