"""A sample of simulated hours of an account; `make accounts SEEDS=200` lives through more."""

import pytest
from account_days import PHASES, day


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_trading_with_every_kind_of_fault_ends_well(seed: int) -> None:
    lived = day(seed)

    assert lived.compared == PHASES
    assert lived.fills > 100
    assert lived.entries > 2 * lived.fills
    assert {"cutoff", "drop", "duplicate", "hangup", "lostack", "maintenance", "stale"} <= set(
        lived.faults
    )


def test_the_same_seed_tells_the_same_story() -> None:
    assert day(3) == day(3)
