"""The state of a link or session, and the allowed changes between states."""

from collections.abc import Iterable, Mapping

from fluxum.model.event import State

__all__ = ["LAWFUL", "is_lawful", "least_ready"]

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
