"""The table of lawful moves."""

import pytest

from fluxum.model.event import State
from fluxum.session.readiness import LAWFUL, is_lawful, least_ready


def test_the_table_covers_every_state_and_closed_is_the_end() -> None:
    assert set(LAWFUL) == set(State)
    assert LAWFUL[State.CLOSED] == frozenset()


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
def test_everything_can_be_closed(state: State) -> None:
    assert is_lawful(state, State.CLOSED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.DISCONNECTED, State.READY),
        (State.RECONNECTING, State.READY),
        (State.RECONNECTING, State.CONNECTED),
        (State.FAILED, State.CONNECTING),
        (State.CLOSED, State.CONNECTING),
    ],
)
def test_nothing_is_ready_without_a_link(old: State, new: State) -> None:
    assert not is_lawful(old, new)


def test_a_whole_is_as_ready_as_its_least_ready_part() -> None:
    assert least_ready([State.READY, State.SUBSCRIBING]) is State.SUBSCRIBING
    assert least_ready([State.READY, State.RECONNECTING]) is State.RECONNECTING
    assert least_ready([State.RECONNECTING, State.FAILED]) is State.FAILED
    assert least_ready([State.READY, State.READY]) is State.READY
    assert least_ready([]) is State.DISCONNECTED
