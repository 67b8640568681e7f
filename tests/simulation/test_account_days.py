"""A sample of simulated hours of an account; `make accounts SEEDS=200` lives through more."""

import pytest
from account_days import PHASES, day


# 68 failed once: a token ended between the end and the new beginning of a stream.
@pytest.mark.parametrize("seed", [1, 2, 68])
def test_an_hour_of_trading_with_every_kind_of_fault_ends_well(seed: int) -> None:
    lived = day(seed)

    assert 0 < lived.compared <= PHASES
    assert not lived.twice
    assert lived.fills > 100
    assert lived.entries > 2 * lived.fills
    assert {"cutoff", "drop", "duplicate", "hangup", "lostack", "stale"} <= set(lived.faults)


def test_the_same_seed_tells_the_same_story() -> None:
    assert day(3) == day(3)
