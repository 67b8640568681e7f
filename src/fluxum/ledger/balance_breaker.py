"""Whether an account's balances are known well enough to spend: a circuit breaker. Pure.

The breaker is closed only by evidence of its own: a whole snapshot of each channel that it needs,
received after the last loss. A heartbeat, an acknowledgement or a single balance does not close it.
"""

from collections.abc import Collection
from enum import Enum

from msgspec import Struct

from fluxum.model.event import Channel

__all__ = ["BalanceBreaker", "BreakerReading", "BreakerState"]


class BreakerState(Enum):
    """The state of a breaker.

    CLOSED: balances are known, so they may be spent. OPEN: they are not known. HALF_OPEN: the venue
    sends again, but a snapshot is still missing; nothing may be spent yet.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerReading(Struct, frozen=True, kw_only=True):
    """A breaker at one moment: its state since `since_ns`, and the reason unless it is closed.

    `openings` counts how often it opened after it was closed.
    """

    state: BreakerState
    reason: str
    since_ns: int
    openings: int


class BalanceBreaker:
    """The breaker of one account; `needed` are the channels whose snapshots close it."""

    def __init__(self, needed: Collection[Channel], now_ns: int) -> None:
        self._needed = frozenset(needed)
        self._proved: set[Channel] = set()
        self._state = BreakerState.OPEN
        self._reason = "no snapshot of the account has come yet"
        self._since_ns = now_ns
        self._openings = 0

    @property
    def is_closed(self) -> bool:
        """Whether balances may be spent."""
        return self._state is BreakerState.CLOSED

    def reading(self) -> BreakerReading:
        """The breaker now."""
        return BreakerReading(
            state=self._state,
            reason=self._reason,
            since_ns=self._since_ns,
            openings=self._openings,
        )

    def lose(self, channel: Channel, reason: str, now_ns: int) -> None:
        """Messages of a channel may be missing: open."""
        if channel not in self._needed:
            return
        self._proved.discard(channel)
        self._openings += self.is_closed
        self._move(BreakerState.OPEN, reason, now_ns)

    def answer(self, channel: Channel, now_ns: int) -> None:
        """The venue sends on a channel again, but no snapshot yet: half open."""
        if channel in self._needed and channel not in self._proved and not self.is_closed:
            self._move(BreakerState.HALF_OPEN, self._missing(), now_ns)

    def prove(self, channel: Channel, now_ns: int) -> None:
        """A whole snapshot of a channel has come: closed, once there is one of each."""
        if channel not in self._needed:
            return
        self._proved.add(channel)
        if self._proved >= self._needed:
            self._move(BreakerState.CLOSED, "", now_ns)
        elif not self.is_closed:
            self._move(BreakerState.HALF_OPEN, self._missing(), now_ns)

    def _missing(self) -> str:
        names = sorted(one.value for one in self._needed - self._proved)
        return f"waiting for the snapshot of {' and '.join(names)}"

    def _move(self, state: BreakerState, reason: str, now_ns: int) -> None:
        if state is not self._state:
            self._since_ns = now_ns
        self._state, self._reason = state, reason
