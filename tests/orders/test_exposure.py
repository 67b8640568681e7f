"""What is held, and what open orders could make of it."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import Fee
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.orders.cache import OrderCache, Retention
from fluxum.orders.exposure import Exposure
from fluxum.orders.order import TrackedOrder, Uncertainty
from orders.gateways import BTC, ETH, SECOND_NS, START_NS, fill, request, update

LATER_NS = START_NS + 100 * SECOND_NS


def begun(orders: OrderCache, name: str = "mine", **changes: Any) -> TrackedOrder:
    return orders.begin(request(client_order_id=name, **changes), START_NS, LATER_NS)


def ends(orders: OrderCache, symbol: Symbol = BTC) -> list[Decimal]:
    """The least, what is held, and the most."""
    exposure = orders.exposure
    return [exposure.lowest(symbol), exposure.position(symbol), exposure.highest(symbol)]


def test_an_order_counts_from_when_it_is_begun_and_not_once_it_is_refused() -> None:
    orders = OrderCache()

    order = begun(orders)
    begun(orders, "sold", side=Side.SELL, quantity="3")
    assert ends(orders) == [-3, 0, 1]

    spent = begun(orders, "spent", order_type="market", quote_quantity="50", quantity=None)
    assert ends(orders) == [-3, 0, 1]  # how much that buys is known from its updates
    orders.exposure.note(order)
    orders.exposure.note(spent)
    assert ends(orders) == [-3, 0, 1]

    orders.refuse(order, "no")
    assert ends(orders) == [-3, 0, 0]
    assert ends(orders, ETH) == [0, 0, 0]


def test_a_fill_moves_what_is_held_and_is_open_no_longer() -> None:
    orders = OrderCache()
    orders.accept(begun(orders), "O-1")

    orders.fill(fill("a", "0.4"))
    assert ends(orders) == [Decimal("0.4"), Decimal("0.4"), 1]
    orders.fill(fill("a", "0.4"))  # again
    orders.apply(update(at_s=1, filled=Decimal("0.4"), status=OrderStatus.PARTIALLY_FILLED))
    assert ends(orders) == [Decimal("0.4"), Decimal("0.4"), 1]

    orders.apply(update(at_s=2, filled=Decimal("0.4"), status=OrderStatus.CANCELED))
    assert ends(orders) == [Decimal("0.4"), Decimal("0.4"), Decimal("0.4")]


def test_what_an_update_says_is_filled_counts_until_a_fill_shows_it() -> None:
    orders = OrderCache()
    orders.accept(begun(orders), "O-1")

    orders.apply(update(at_s=1, filled=Decimal(1), status=OrderStatus.FILLED))
    assert ends(orders) == [0, 0, 1]
    orders.fill(fill("a", "0.6"))
    assert ends(orders) == [Decimal("0.6"), Decimal("0.6"), 1]
    orders.fill(fill("b", "0.4"))
    assert ends(orders) == [1, 1, 1]


@pytest.mark.parametrize("reason", ["refused", "absent", "doubted"])
def test_an_order_in_doubt_counts_and_a_refused_one_does_not(reason: str) -> None:
    orders = OrderCache()
    order = begun(orders)

    if reason == "refused":
        orders.refuse(order, "no")
    elif reason == "doubted":
        order.mark_uncertain(Uncertainty.EXISTENCE, LATER_NS, "silence")
        orders.moved(order)

    assert ends(orders) == [0, 0, 0 if reason == "refused" else 1]


def test_a_refused_order_that_is_met_counts_again() -> None:
    orders = OrderCache()
    order = begun(orders)
    orders.refuse(order, "never arrived")

    orders.apply(update(client_order_id="mine"))

    assert ends(orders) == [0, 0, 1]


def test_a_larger_quantity_on_its_way_counts_and_a_smaller_one_does_not_yet() -> None:
    orders = OrderCache()
    order = begun(orders)
    orders.accept(order, "O-1")
    orders.fill(fill("a", "0.4"))

    order.expect(Decimal(3))
    orders.moved(order)
    assert ends(orders)[2] == 3

    order.expect(Decimal("0.5"))
    orders.moved(order)
    assert ends(orders)[2] == 1

    order.expect(None)
    orders.moved(order)
    assert ends(orders)[2] == 1


def test_an_edit_is_another_order_of_which_nothing_is_filled() -> None:
    orders = OrderCache()
    order = begun(orders)
    orders.accept(order, "O-1")
    orders.fill(fill("a", "0.4"))

    orders.expect_edit(order, 77)
    order.expect(Decimal(1))
    orders.moved(order)

    assert ends(orders)[2] == 2  # this one may be filled, and then the other
    order.expect(Decimal("0.5"))
    orders.moved(order)
    assert ends(orders)[2] == Decimal("1.5")


def test_orders_of_others_count_as_well() -> None:
    orders = OrderCache()

    orders.apply(update("O-7", side=Side.SELL, quantity=Decimal(2), filled=Decimal("0.5")))

    assert ends(orders) == [-2, 0, 0]  # no fill has shown the half
    orders.fill(fill("a", "0.5", "O-7", side=Side.SELL))
    assert ends(orders) == [-2, Decimal("-0.5"), Decimal("-0.5")]


def test_what_was_filled_before_is_part_of_what_was_held() -> None:
    orders = OrderCache()
    orders.is_opening = True
    orders.exposure.begin({BTC: Decimal("0.4")}, START_NS)

    orders.apply(update(filled=Decimal("0.4")))
    assert ends(orders) == [Decimal("0.4"), Decimal("0.4"), 1]

    # A fill that is told after, but was in that already, makes no less of what is left.
    orders.fill(fill("a", "0.1"))
    assert ends(orders)[2] == Decimal("1.1")
    orders.fill(fill("b", "0.2"))
    orders.apply(update(at_s=2, filled=Decimal("0.6")))
    assert ends(orders)[2] == Decimal("1.1")


def test_what_an_order_of_a_process_before_had_filled_is_taken_from_its_first_update() -> None:
    orders = OrderCache()
    named = request(client_order_id="mine")
    orders.begin(named, START_NS, LATER_NS, is_of_before=True)
    assert ends(orders)[2] == 1  # nobody knows how much of it is in what is held

    orders.apply(update(client_order_id="mine", filled=Decimal(1), status=OrderStatus.FILLED))

    assert ends(orders) == [0, 0, 0]


def test_what_is_held_begins_as_it_is_handed_in() -> None:
    exposure = Exposure()

    exposure.begin({BTC: Decimal(2), ETH: Decimal(-1)}, START_NS)
    exposure.fill(fill("old", backfilled=True, venue_ns=START_NS))  # is part of it
    exposure.fill(fill("new", backfilled=True, venue_ns=START_NS + 1))
    exposure.fill(fill("live", venue_ns=START_NS - SECOND_NS))  # clocks may differ

    assert [exposure.position(BTC), exposure.position(ETH)] == [3, -1]
    assert set(exposure.symbols) == {BTC, ETH}
    with pytest.raises(BadInput, match="what is held of BTC/USD"):
        exposure.begin({BTC: Decimal("NaN")}, START_NS)


def test_fees_of_the_base_asset_are_held_no_longer() -> None:
    orders = OrderCache()
    orders.apply(update())
    fee = (Fee(Asset("BTC"), Decimal("0.1")), Fee(Asset("USD"), Decimal(5)))

    orders.fill(fill("a", "0.5", fees=None))
    assert ends(orders)[1] == Decimal("0.5")
    orders.fill(fill("a", "0.5", fees=fee))
    assert ends(orders)[1] == Decimal("0.4")

    contract = Symbol("BTC/USD:PERP")
    orders.fill(fill("a", "0.5", "O-2", symbol=contract, fees=fee))
    assert ends(orders, contract)[1] == Decimal("0.5")


def test_an_order_that_is_forgotten_leaves_what_was_filled_of_it() -> None:
    orders = OrderCache(Retention(ended=1))
    for name in ("O-1", "O-2"):
        orders.apply(update(name, filled=Decimal(1), status=OrderStatus.FILLED))

    assert orders.counts.forgotten == 1
    assert ends(orders) == [1, 1, 2]


def test_two_tellings_of_one_order_count_once() -> None:
    orders = OrderCache()
    order = begun(orders)
    orders.apply(update())  # without our name, so as another's
    assert ends(orders)[2] == 2

    orders.accept(order, "O-1")

    assert ends(orders)[2] == 1
