"""Orders as venues speak of them: words that are not known."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    OrderStatus,
    OrderType,
    OrderUpdate,
    TimeInForce,
    ended,
    word_of,
)

UPDATE = OrderUpdate(
    venue="venue",
    order_id="O-1",
    symbol=Symbol("BTC/USD"),
    side=Side.BUY,
    order_type=OrderType.OTHER,
    venue_type="twap",
    status=OrderStatus.OTHER,
    venue_status="paused",
    quantity=Decimal(1),
    venue_ns=1,
    received_ns=1,
)


def test_a_status_that_is_not_known_is_no_end() -> None:
    assert not OrderStatus.OTHER.is_final
    assert not OrderType.OTHER.has_limit
    assert not OrderType.OTHER.is_triggered


def test_in_a_list_of_ended_orders_every_status_is_an_end() -> None:
    found = ended(UPDATE)

    assert (found.status, found.venue_status) == (OrderStatus.CANCELED, "paused")
    filled = replace(UPDATE, status=OrderStatus.FILLED)
    assert ended(filled) is filled


@pytest.mark.parametrize(
    ("known", "word", "shown"),
    [
        (OrderType.OTHER, "twap", "other (twap)"),
        (OrderType.LIMIT, "", "limit"),
        (OrderStatus.CANCELED, "paused", "canceled (paused)"),
        (TimeInForce.GTC, "", "gtc"),
    ],
)
def test_the_venues_word_is_shown_beside_what_is_known(
    known: OrderType | OrderStatus | TimeInForce, word: str, shown: str
) -> None:
    assert word_of(known, word) == shown
