"""Members are found in dictionaries and sets without a call of Python."""

import copy
import pickle

import pytest

from fluxum.model.enumeration import Enumeration
from fluxum.model.market import Side


class Signal(Enumeration):
    GREEN = "green"
    RED = "red"


@pytest.mark.parametrize("member", [Signal.GREEN, Side.BUY])
def test_members_hash_by_identity(member: Enumeration) -> None:
    assert hash(member) == object.__hash__(member)


def test_members_are_found_after_a_copy_and_a_pickle() -> None:
    words = {Signal.GREEN: 1, Signal.RED: 2}

    assert words[copy.deepcopy(Signal.RED)] == 2
    assert words[pickle.loads(pickle.dumps(Signal.GREEN))] == 1
    assert words[Signal("red")] == 2


def test_members_remain_those_of_an_enumeration() -> None:
    assert list(Signal) == [Signal.GREEN, Signal.RED]
