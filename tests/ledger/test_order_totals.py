"""Order totals: sums that close, whatever order the updates come in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.order_totals import OrderTally, OrderTotals
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED


def order(
    order_id: str,
    quantity: str = "1",
    filled: str = "0",
    status: OrderStatus = OPEN,
    client_order_id: str = "",
) -> OrderUpdate:
    return OrderUpdate(
        venue="here",
        order_id=order_id,
        client_order_id=client_order_id,
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=status,
        quantity=Decimal(quantity),
        filled=Decimal(filled),
        venue_ns=1,
        received_ns=1,
    )


def totals(
    orders: int, is_open: int, original: str, executed: str, remaining: str, ended: str
) -> OrderTotals:
    return OrderTotals(
        orders=orders,
        open=is_open,
        original=Decimal(original),
        executed=Decimal(executed),
        remaining=Decimal(remaining),
        ended=Decimal(ended),
    )


def tally(*orders: OrderUpdate) -> OrderTally:
    made = OrderTally()
    for one in orders:
        made.update(one)
    return made


def test_nothing_was_ordered_at_first() -> None:
    assert OrderTally().totals() == OrderTotals()


def test_an_order_is_filled_bit_by_bit() -> None:
    made = tally(order("A", "2"), order("A", "2", "0.5"))
    assert made.totals() == totals(1, 1, "2", "0.5", "1.5", "0")

    made.update(order("A", "2", "2", FILLED))
    assert made.totals() == totals(1, 0, "2", "2", "0", "0")


def test_what_a_canceled_order_lacked_has_ended() -> None:
    made = tally(order("A", "2"), order("B", "3", "1", CANCELED))

    assert made.totals() == totals(2, 1, "5", "1", "2", "2")


def test_an_amended_quantity_replaces_the_old_one() -> None:
    made = tally(order("A", "2", "1"), order("A", "5", "1"))

    assert made.totals() == totals(1, 1, "5", "1", "4", "0")


def test_the_same_update_changes_nothing() -> None:
    made = tally(order("A", "2", "1"), order("B", "1", "1", FILLED))

    assert not made.update(order("A", "2", "1"))
    assert not made.update(order("B", "1", "1", FILLED))
    assert made.stale == 0


@pytest.mark.parametrize(
    "late", [order("A", "2", "1", CANCELED), order("A", "2", "2"), order("A", "2")]
)
def test_an_update_that_was_overtaken_is_counted_and_ignored(late: OrderUpdate) -> None:
    made = tally(order("A", "2", "2", FILLED))

    assert not made.update(late)
    assert made.totals() == totals(1, 0, "2", "2", "0", "0")
    assert made.stale == 1


def test_a_late_fill_finds_its_closed_order() -> None:
    made = tally(order("A", "2", "1", CANCELED))

    assert made.update(order("A", "2", "1.5", CANCELED))
    assert made.totals() == totals(1, 0, "2", "1.5", "0", "0.5")


def test_an_order_of_ours_is_the_same_once_the_venue_names_it() -> None:
    made = tally(order("", status=OrderStatus.UNKNOWN, client_order_id="mine"))
    assert made.totals() == totals(1, 1, "1", "0", "1", "0")

    made.update(order("A", client_order_id="mine"))
    made.update(order("A", filled="1", status=FILLED))
    assert made.totals() == totals(1, 0, "1", "1", "0", "0")


def test_an_order_the_venue_refused_was_none() -> None:
    made = tally(order("", status=OrderStatus.UNKNOWN, client_order_id="mine"))

    made.update(order("", status=OrderStatus.REFUSED, client_order_id="mine"))

    assert made.totals() == OrderTotals()


def test_an_order_by_what_to_spend_counts_what_it_got() -> None:
    made = tally(order("A", "0"), order("A", "0", "0.3", FILLED))

    assert made.totals() == totals(1, 0, "0.3", "0.3", "0", "0")


def test_an_order_missing_among_the_open_ones_has_ended_until_more_is_known() -> None:
    made = tally(order("A", "2", "1"), order("B"))

    assert made.keep_only([order("B"), order("C", "4")])
    assert made.totals() == totals(3, 2, "7", "1", "5", "1")

    made.update(order("A", "2", "2", FILLED))
    assert made.totals() == totals(3, 2, "7", "2", "5", "0")
    assert not made.keep_only([order("B"), order("C", "4")])


def test_an_order_that_was_only_out_of_sight_comes_back() -> None:
    made = tally(order("A", "2"))
    made.keep_only([])
    assert made.totals() == totals(1, 0, "2", "0", "0", "2")

    made.update(order("A", "2"))
    assert made.totals() == totals(1, 1, "2", "0", "2", "0")


def test_memory_is_bounded_and_the_sums_stay() -> None:
    made = OrderTally(ended_max=2, open_max=3)
    for number in range(5):
        made.update(order(f"A{number}", "2", "2", FILLED))
    for number in range(4):
        made.update(order(f"B{number}", "1"))

    # The first of the four open ones is not believed any more.
    assert made.totals() == totals(9, 3, "14", "10", "3", "1")

    # One that ended lately is known, one of long ago counts anew.
    made.update(order("A4", "2", "2", FILLED))
    assert made.totals().orders == 9
    made.update(order("A0", "2", "2", FILLED))
    assert made.totals().orders == 10


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (order(""), "an order with an id was expected"),
        (order("A", "NaN"), "the quantity of an order"),
        (order("A", "1", "Infinity"), "what is filled of an order"),
        (order("A", "-1"), "was 0 of -1"),
        (order("A", "1", "-1"), "was -1 of 1"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(bad: OrderUpdate, words: str) -> None:
    made = tally(order("A"))

    with pytest.raises(BadInput, match=words):
        made.update(bad)

    assert made.totals() == totals(1, 1, "1", "0", "1", "0")


def test_no_room_is_refused() -> None:
    with pytest.raises(BadInput, match="were 0 and 1"):
        OrderTally(0, 1)


updates = st.lists(
    st.builds(
        order,
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["0", "1", "2.5"]),
        st.sampled_from(["0", "0.5", "1"]),
        st.sampled_from(list(OrderStatus)),
    ),
    max_size=12,
)


@given(updates=updates, kept=st.lists(st.sampled_from(["A", "B"]), unique=True))
def test_the_sums_always_close(updates: list[OrderUpdate], kept: list[str]) -> None:
    made = tally(*updates)
    made.keep_only([replace(order(name), filled=Decimal(1)) for name in kept])

    told = made.totals()

    assert told.original == told.executed + told.remaining + told.ended
    assert min(told.executed, told.remaining, told.ended) >= 0
    assert told.open <= len(kept)
    assert told.open or told.remaining == 0
