"""The states of links and sessions, and what is still missing before they are ready."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from fluxum.model.event import State, Subscription

__all__ = ["LAWFUL", "Missing", "Readiness", "is_lawful", "least_ready"]

_D, _N, _C, _A, _S, _R = (
    State.DISCONNECTED,
    State.CONNECTING,
    State.CONNECTED,
    State.AUTHENTICATED,
    State.SUBSCRIBING,
    State.READY,
)
_AGAIN, _FAILED, _CLOSED = State.RECONNECTING, State.FAILED, State.CLOSED
_DOWN = frozenset({_AGAIN, _FAILED, _CLOSED, _D})

# A session is as ready as its least ready link. If it opens a further link, it goes back to
# CONNECTING. It goes back to SUBSCRIBING while one of its streams is not proved.
LAWFUL: Mapping[State, frozenset[State]] = {
    _D: frozenset({_N, _AGAIN, _CLOSED, _FAILED}),
    _N: _DOWN | {_C, _S, _R},
    _C: _DOWN | {_N, _A, _S, _R},
    _A: _DOWN | {_N, _S, _R},
    _S: _DOWN | {_N, _C, _R},
    _R: _DOWN | {_N, _C, _S},
    _AGAIN: frozenset({_N, _FAILED, _CLOSED, _D}),
    _FAILED: frozenset({_CLOSED, _D}),
    _CLOSED: frozenset(),
}

_LEAST_READY_FIRST = (_CLOSED, _FAILED, _D, _AGAIN, _N, _C, _A, _S, _R)


def is_lawful(old: State, new: State) -> bool:
    """Whether a session may move from one state to another."""
    return new in LAWFUL[old]


def least_ready(states: Iterable[State]) -> State:
    """The state of a whole whose parts have these states; DISCONNECTED if there are none."""
    return min(states, key=_LEAST_READY_FIRST.index, default=State.DISCONNECTED)


class Missing(Struct, frozen=True):
    """One reason why a session is not ready: of a subscription, or of a link if that is `None`."""

    link: str
    subscription: Subscription | None
    reason: str

    def __str__(self) -> str:
        """Short text for the user."""
        subject = self.link if self.subscription is None else str(self.subscription)
        return f"{subject}: {self.reason}"


class Readiness:
    """The reasons of one link, as they appear and disappear."""

    def __init__(self, link: str) -> None:
        self._link = link
        self.missing: dict[Subscription | None, str] = {None: "not connected"}
        """The reasons, oldest first; read only."""
        self._incomplete: dict[Subscription, str] = {}

    def __iter__(self) -> Iterator[Missing]:
        """What is missing, oldest first."""
        for subscription, reason in self.missing.items():
            yield Missing(self._link, subscription, reason)

    def incomplete(self) -> list[Missing]:
        """Lists that are complete except for rows that could not be read."""
        return [Missing(self._link, one, reason) for one, reason in self._incomplete.items()]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def note_incomplete(self, subscription: Subscription, reason: str) -> None:
        """Rows of a list could not be read; the list is ready without them."""
        self._incomplete[subscription] = reason

    def lack(self, subscription: Subscription | None, reason: str) -> None:
        """Something is missing; this is the reason now."""
        self.missing[subscription] = reason

    def have(self, subscription: Subscription | None) -> None:
        """It is not missing any more."""
        self.missing.pop(subscription, None)

    def forget(self, subscription: Subscription) -> None:
        """It is not subscribed any more."""
        self.missing.pop(subscription, None)
        self._incomplete.pop(subscription, None)

    def lacks(self, subscription: Subscription) -> bool:
        """Whether this subscription is missing now."""
        return subscription in self.missing
