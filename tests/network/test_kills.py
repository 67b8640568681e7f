"""A few recorders ended at random instants; `python tests/simulation/kills.py` ends many more."""

from pathlib import Path

import pytest
from kills import SIGNALS, live_and_die


@pytest.mark.network
@pytest.mark.slow
def test_a_recorder_that_is_ended_leaves_a_tape_to_its_last_second(tmp_path: Path) -> None:
    lives = live_and_die(tmp_path, 2, between_s=(1.1, 2.0), early=0, at_once=1)

    assert {one.signal for one in lives} == set(SIGNALS)
    assert [one for one in lives if one.wrong] == []
    assert all(one.behind_s is not None for one in lives)
