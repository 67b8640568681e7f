"""What a client answers: last values with their age and validity, its status, its counts."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from fluxum.client.callback import CallbackStatistics
from fluxum.session.statistics import SessionStatistics

__all__ = [
    "BalanceStreamingStatus",
    "ClientStatistics",
    "ConnectionStatus",
    "Latest",
    "Recent",
    "TokenInfo",
]

T = TypeVar("T")


class Latest(Struct, Generic[T], frozen=True, kw_only=True):
    """The last value of a stream. `value` is `None` unless it can be trusted now.

    It cannot before the first value, from the loss of its link until the venue has sent newer data,
    and while a book is not proved: `reason` is which. `last` is the last value whether it can be
    trusted or not, `None` before the first. `age_s` is for how long it has been known.
    """

    value: T | None
    last: T | None
    age_s: float | None
    reason: str

    @property
    def is_valid(self) -> bool:
        """Whether the value can be trusted now."""
        return self.value is not None


class Recent(Struct, Generic[T], frozen=True, kw_only=True):
    """The last items of a stream, oldest first. Iterate over it, or read `items`.

    `is_valid` is true if the stream is followed now, so that the newest item is the venue's newest;
    otherwise `reason` is why not. `gaps` is how many gaps lie within the items: at each of them
    some may be missing. `age_s` is for how long the newest item has been known; `None` if there is
    no item.
    """

    items: tuple[T, ...]
    age_s: float | None
    is_valid: bool
    reason: str
    gaps: int

    def __iter__(self) -> Iterator[T]:
        """The items, oldest first."""
        return iter(self.items)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.items)


class ConnectionStatus(Struct, frozen=True, kw_only=True):
    """The state of a client's connection at one moment.

    `is_running` is true from `connect` to `disconnect`. `state` is the session's, `reason` what is
    missing. `message_rate` is messages per second since `connect`, which was `uptime_s` ago.
    """

    exchange: str
    is_running: bool
    is_connected: bool
    is_private_connected: bool
    is_authenticated: bool
    state: str
    reason: str
    uptime_s: float
    links: int
    reconnects: int
    messages: int
    message_rate: float
    active_subscriptions: tuple[str, ...]


class BalanceStreamingStatus(Struct, frozen=True, kw_only=True):
    """Whether balances are streamed now.

    `is_streaming` is true if the account's balances are known without a gap; otherwise `reason`
    is why not. `age_s` is the age of the newest balance. `is_token_available` is `None` at a
    venue that uses no tokens.
    """

    is_subscribed: bool
    is_streaming: bool
    is_token_available: bool | None
    reason: str
    assets: int
    age_s: float | None


class TokenInfo(Struct, frozen=True, kw_only=True):
    """The token of the account's link, without the token: its age, and the calls for it.

    `is_valid` is true while it may still open a link. requested = fetched + failures; `renewed`
    counts renewals, asked for, ahead of time, or after a refusal.
    """

    is_available: bool
    is_valid: bool
    age_s: float | None
    valid_s: float | None
    requested: int
    fetched: int
    failures: int
    renewed: int


class ClientStatistics(Struct, frozen=True, kw_only=True):
    """A client's counts since `connect`, and those of its callbacks since they were registered.

    `events` are the session's events by kind, `rates` the same per second. `errors` counts what
    was reported to `error`. `dropped` counts events of the session that the client itself missed,
    because its event loop was blocked.
    """

    session: SessionStatistics | None
    uptime_s: float
    events: Mapping[str, int]
    rates: Mapping[str, float]
    errors: int
    dropped: int
    callbacks: tuple[CallbackStatistics, ...]
