"""The bounds are true: the simulated exchanges' matching engine with our order is the judge.

The whole of it, ten thousand orders of each side, is `tests/simulation/fill_truth.py`.
"""

import pytest

from fluxum.model.market import Side
from queue_truth import Flow, judge

ORDERS = 120


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
@pytest.mark.parametrize(
    "flow",
    [Flow(changes=False), Flow(), Flow(changes=False, late=2)],
    ids=["resting", "with amends and cancels", "trades published late"],
)
def test_the_truth_is_never_outside_the_bounds(flow: Flow, side: Side) -> None:
    verdicts = [judge(seed, side, flow) for seed in range(ORDERS)]

    assert [seed for seed, one in enumerate(verdicts) if one.is_outside] == []
    assert sum(one.filled > 0 for one in verdicts) > ORDERS / 4, "orders are filled here"
    if not flow.late:
        assert sum(one.width for one in verdicts) / ORDERS < 0.2, "the bounds say something"


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_only_an_order_alone_with_the_best_price_can_fill_more_than_the_optimistic(
    side: Side,
) -> None:
    """Immediate orders that find nothing leave no trace in market data."""
    verdicts = [judge(seed, side, Flow(immediate=0.1)) for seed in range(ORDERS * 2)]

    assert not sum(one.below for one in verdicts)
    assert all(one.was_alone for one in verdicts if one.above)
