"""What the parts of an account share."""

from collections.abc import Callable

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.pacing import Backoff
from fluxum.session.account_history import AccountHistory
from fluxum.session.account_session import AccountSession
from fluxum.session.account_state import AccountState
from fluxum.venues.private import AccountQueries

__all__ = ["AccountContext"]


class AccountContext(Struct, frozen=True):
    """An account's history, queries and state, and the session that it belongs to."""

    venue: str
    history: AccountHistory
    queries: AccountQueries
    state: AccountState
    clock: Clock
    backoff: Callable[[], Backoff]
    session: Callable[[], AccountSession]

    @property
    def venue_now_ns(self) -> int:
        """The venue's clock: this machine's, corrected by the known offset."""
        return self.clock.now_ns() + self.state.clock_offset_ns
