"""A sample of simulated hours of an account; `make all` has more, `make accounts` many more."""

import pytest
from account_days import PHASES, day


# Seeds that failed once. 68: a token ended between the end and the new beginning of a stream.
# 4: the update of an order was lost, and its fills and answer said that it is. 6: an update before
# the snapshot counted as known history.
@pytest.mark.parametrize(
    ("venue", "seed"),
    [
        pytest.param("kraken", 1, marks=pytest.mark.slow),
        ("kraken", 68),
        pytest.param("bybit", 4, marks=pytest.mark.slow),
        ("bybit-linear", 6),
        pytest.param("gemini", 2, marks=pytest.mark.slow),
    ],
)
def test_an_hour_of_trading_with_every_kind_of_fault_ends_well(venue: str, seed: int) -> None:
    lived = day(seed, venue)

    assert 0 < lived.compared <= PHASES
    assert not lived.twice
    assert lived.fills > 100
    entries_per_fill = {"bybit-linear": 1}.get(venue, 2)
    assert lived.entries > entries_per_fill * lived.fills
    assert {"cutoff", "drop", "duplicate", "hangup", "lostack", "stale"} <= set(lived.faults)


@pytest.mark.slow
def test_the_same_seed_tells_the_same_story() -> None:
    assert day(3) == day(3)
