"""Three traders are killed, side by side; `simulation/order_kills.py` kills many more."""

import asyncio

import pytest
from order_kills import live_and_die


@pytest.mark.slow
@pytest.mark.network
def test_a_trader_that_is_killed_forgets_no_order_and_enters_none_twice() -> None:
    found = asyncio.run(live_and_die("bybit", 3, between_s=(0.2, 1.0), at_once=3))

    assert found.wrong == []
    assert (found.lives, found.compared) == (6, 6)
    assert found.orders > 0
