"""What an account needs of the session it belongs to."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command

__all__ = ["AccountSession"]


class AccountSession(Struct, frozen=True):
    """What an account needs of the session it belongs to."""

    deliver: Callable[[Sequence[Event]], object]
    have: Callable[[Subscription], None]
    lack: Callable[[Subscription, str], None]
    command: Callable[[int, Command], None]
    is_ready: Callable[[], bool]
    events: Callable[[], Pipe[Event]]
    book: Callable[[Symbol], Book]
    instrument: Callable[[Symbol], Instrument | None]
