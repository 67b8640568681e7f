"""Which way the price has to move for a triggered order."""

import pytest

from fluxum.model.market import Side
from fluxum.model.order import OrderType
from fluxum.venues.triggers import rises, triggered_type


@pytest.mark.parametrize(
    ("side", "is_rising", "stop", "limit"),
    [
        (Side.BUY, True, OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
        (Side.BUY, False, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
        (Side.SELL, True, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
        (Side.SELL, False, OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
    ],
)
def test_stops_wait_for_a_price_that_is_worse(
    side: Side, stop: OrderType, limit: OrderType, *, is_rising: bool
) -> None:
    assert triggered_type(side, is_rising=is_rising, has_limit=False) is stop
    assert triggered_type(side, is_rising=is_rising, has_limit=True) is limit
    assert rises(side, stop) is rises(side, limit) is is_rising
