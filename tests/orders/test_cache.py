"""Many orders: how evidence finds its own, and what is forgotten."""

from decimal import Decimal

from fluxum.model.account import Fee
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderStatus, OrderType, OrderUpdate, opened_ns
from fluxum.orders.cache import OrderCache, Retention
from fluxum.orders.order import TrackedOrder, Uncertainty
from fluxum.orders.statistics import Standing
from orders.gateways import BTC, ETH, SECOND_NS, START_NS, VENUE, fill, request, update

LATER_NS = START_NS + 100 * SECOND_NS


def begun(orders: OrderCache, name: str = "mine", reference: int | None = None) -> TrackedOrder:
    return orders.begin(request(client_order_id=name), START_NS, LATER_NS, reference)


def snapshot(*updates: OrderUpdate, at_s: int = 50) -> OpenOrders:
    return OpenOrders(venue=VENUE, orders=updates, received_ns=START_NS + at_s * SECOND_NS)


def test_an_update_finds_its_order_by_our_name_and_then_by_the_venues_id() -> None:
    orders = OrderCache()
    order = begun(orders)

    assert orders.apply(update(client_order_id="mine")) is order
    assert orders.apply(update(at_s=1, status=OrderStatus.CANCELED)) is order

    assert orders.find("O-1") is orders.named("mine") is order
    assert not orders.live
    assert orders.tally[Standing.ACCEPTED] == 1


def test_an_update_finds_its_order_by_the_reference_that_stands_for_a_name() -> None:
    orders = OrderCache()
    order = begun(orders, reference=7)

    assert orders.apply(update("O-9", user_reference=8)) is not order
    assert orders.apply(update("O-1", user_reference=7)) is order
    # Another order of the same reference is somebody else's.
    assert orders.apply(update("O-2", user_reference=7)) is not order


def test_a_reference_stays_with_its_newest_order_when_an_older_one_is_forgotten() -> None:
    orders = OrderCache(Retention(ended=1))
    begun(orders, "old", reference=7)
    orders.apply(update("O-1", user_reference=7, status=OrderStatus.CANCELED))
    newest = begun(orders, "new", reference=7)
    begun(orders, "other")
    orders.apply(update("O-2", client_order_id="other", status=OrderStatus.CANCELED))  # "old" goes

    assert orders.find("O-1") is None
    assert orders.is_reference_taken(7)
    assert orders.apply(update("O-3", user_reference=7)) is newest


def test_a_fill_waits_for_an_order_whose_id_is_not_known_yet() -> None:
    orders = OrderCache()
    order = begun(orders)

    assert orders.fill(fill("a")) is None
    assert orders.unmatched == 1
    orders.accept(order, "O-1")

    assert (orders.unmatched, order.fills, order.filled) == (0, 1, Decimal("0.5"))
    assert orders.counts.counted == 1


def test_a_fill_with_our_name_proves_the_order() -> None:
    orders = OrderCache()
    order = begun(orders)

    assert orders.fill(fill("a", client_order_id="mine")) is order

    assert (order.order_id, order.status) == ("O-1", OrderStatus.PARTIALLY_FILLED)


def test_a_fill_counts_once() -> None:
    orders = OrderCache()
    orders.apply(update())

    orders.fill(fill("a"))
    assert orders.fill(fill("a")) is None

    assert (orders.counts.counted, orders.counts.repeated) == (1, 1)
    found = orders.find("O-1")
    assert found is not None
    assert found.filled == Decimal("0.5")


def test_fills_of_one_id_on_two_markets_are_two() -> None:
    orders = OrderCache()
    orders.apply(update())
    orders.apply(update("O-2", symbol=ETH))

    orders.fill(fill("7"))
    found = orders.fill(fill("7", order_id="O-2", symbol=ETH))
    orders.fill(fill("7", order_id="O-2", symbol=ETH))

    assert found is not None
    assert (found.order_id, found.fills) == ("O-2", 1)
    assert (orders.counts.counted, orders.counts.repeated) == (2, 1)


def test_a_fill_that_comes_again_is_counted_by_what_it_brings() -> None:
    orders = OrderCache()
    orders.apply(update())
    charged = (Fee(Asset("USD"), Decimal(1)),)

    orders.fill(fill("a", fees=None))
    orders.fill(fill("a", fees=charged))
    orders.fill(fill("a", quantity="0.4", fees=charged))

    counts = orders.counts
    assert [counts.counted, counts.repeated, counts.completed, counts.differing] == [1, 2, 1, 1]
    found = orders.find("O-1")
    assert found is not None
    assert (found.fills, found.filled) == (1, Decimal("0.5"))


def test_fills_that_nobody_claims_are_bounded_and_the_dropped_ones_counted() -> None:
    orders = OrderCache(Retention(unmatched=3))

    for number in range(5):
        orders.fill(fill(str(number), order_id=f"O-{number}"))

    assert (orders.unmatched, orders.counts.dropped) == (3, 2)
    assert orders.counts.fills == orders.counts.dropped + orders.unmatched


def test_an_answer_joins_what_was_heard_of_the_order_under_its_id() -> None:
    orders = OrderCache()
    orders.apply(update())  # without our name
    orders.fill(fill("a"))
    order = begun(orders)

    orders.accept(order, "O-1")

    assert orders.find("O-1") is order
    assert (order.fills, order.status) == (1, OrderStatus.PARTIALLY_FILLED)
    assert list(orders.live.values()) == [order]


def test_what_is_missing_from_a_snapshot_is_in_doubt_until_its_end_is_told() -> None:
    orders = OrderCache()
    orders.apply(update("O-1"))
    orders.apply(update("O-2"))

    touched = orders.snapshot(snapshot(update("O-2")), LATER_NS)

    gone = orders.find("O-1")
    assert gone is not None
    assert [order.order_id for order in touched] == ["O-2", "O-1"]
    assert (gone.status, gone.uncertainty) == (OrderStatus.UNKNOWN, Uncertainty.ABSENCE)
    orders.apply(update("O-1", at_s=20, status=OrderStatus.FILLED, filled=Decimal(1)))
    assert gone.status is OrderStatus.FILLED


def test_an_order_that_a_snapshot_could_not_be_read_of_is_not_missing_from_it() -> None:
    orders = OrderCache(Retention())
    order = orders.apply(update("O-1"), 0)
    odd = OpenOrders(venue="kraken", orders=(), unread=("O-1",), received_ns=50)

    assert orders.snapshot(odd, LATER_NS) == []
    assert order.uncertainty is None


def test_an_order_that_was_never_heard_of_is_not_missing_from_a_snapshot() -> None:
    orders = OrderCache()
    order = begun(orders)

    orders.snapshot(snapshot(), LATER_NS)

    assert order.uncertainty is None


def test_a_snapshot_replaces_what_is_known() -> None:
    orders = OrderCache()
    orders.apply(update(at_s=5, limit_price=Decimal(101)))

    orders.snapshot(snapshot(update(at_s=0, limit_price=Decimal(99))), LATER_NS)

    found = orders.find("O-1")
    assert found is not None
    assert found.view().limit_price == 99


def test_an_edited_order_hands_its_name_to_the_new_one() -> None:
    orders = OrderCache()
    old = begun(orders)
    orders.apply(update(client_order_id="mine"))
    orders.expect_edit(old, 77)

    new = orders.replace(old, "O-2", request(client_order_id="mine"), LATER_NS)

    assert orders.named("mine") is new
    assert orders.find("O-1") is old
    assert (old.replaced_by, new.replaces, new.name) == ("O-2", "O-1", "mine")
    assert old.edit_reference is None
    assert not orders.is_reference_taken(77)


def test_an_update_with_the_edits_reference_comes_before_the_answer() -> None:
    orders = OrderCache()
    old = begun(orders)
    orders.apply(update(client_order_id="mine"))
    orders.expect_edit(old, 77)

    new = orders.apply(update("O-2", at_s=1, opened_ns=START_NS + 1, user_reference=77))
    again = orders.replace(old, "O-2", None, LATER_NS)

    assert again is new is orders.named("mine")
    assert (new.replaces, old.replaced_by, new.is_ours) == ("O-1", "O-2", True)


def test_an_older_order_of_the_same_name_takes_nothing_over() -> None:
    orders = OrderCache()
    newer = orders.apply(update("O-2", opened_ns=START_NS + 9, client_order_id="mine"))

    older = orders.apply(update("O-1", opened_ns=START_NS, client_order_id="mine"))

    assert orders.named("mine") is newer
    assert orders.find("O-1") is older


def test_ended_orders_are_forgotten_in_turn_and_counted() -> None:
    orders = OrderCache(Retention(ended=2))

    for number in range(5):
        name = f"O-{number}"
        orders.apply(update(name, client_order_id=name))
        orders.apply(update(name, at_s=1, status=OrderStatus.CANCELED))

    assert orders.counts.forgotten == 3
    assert [order.order_id for order in orders.all()] == ["O-3", "O-4"]
    assert orders.find("O-0") is None
    assert orders.named("O-0") is None


def test_a_refused_order_that_is_met_lives_again_and_is_counted() -> None:
    orders = OrderCache()
    order = begun(orders)
    orders.refuse(order, "never arrived")
    assert orders.tally[Standing.REFUSED] == 1

    orders.apply(update(client_order_id="mine"))

    assert list(orders.live.values()) == [order]
    assert (orders.counts.revived, orders.counts.unlawful) == (1, 0)
    assert (orders.tally[Standing.REFUSED], orders.tally[Standing.ACCEPTED]) == (0, 1)


def test_a_list_that_says_less_takes_nothing_away() -> None:
    orders = OrderCache()
    kind = OrderType.STOP_LOSS
    orders.apply(
        update(
            at_s=5,
            client_order_id="mine",
            order_type=kind,
            status=OrderStatus.PENDING,
            trigger_price=Decimal(90),
        )
    )

    orders.apply_listed(update(at_s=0, order_type=kind), LATER_NS)

    found = orders.find("O-1")
    assert found is not None
    assert found.update is not None
    assert found.status is OrderStatus.PENDING
    assert found.update.client_order_id == "mine"
    assert found.update.trigger_price == 90
    assert found.update.venue_ns == START_NS + 5 * SECOND_NS
    assert found.symbol == BTC


def test_what_was_asked_before_the_last_thing_was_heard_is_older() -> None:
    orders = OrderCache()
    orders.apply(update(at_s=5, limit_price=Decimal(101)))

    orders.apply_listed(update(at_s=0, limit_price=Decimal(99)), START_NS + 3 * SECOND_NS)

    found = orders.find("O-1")
    assert found is not None
    assert [found.view().limit_price, found.stale] == [101, 1]


def test_a_list_that_says_less_ends_what_waits_all_the_same() -> None:
    orders = OrderCache()
    kind = OrderType.STOP_LOSS
    orders.apply(
        update(at_s=5, order_type=kind, status=OrderStatus.PENDING, reduce_only=True, opened_ns=7)
    )

    asked = update(at_s=6, order_type=kind, status=OrderStatus.CANCELED, opened_ns=None)
    orders.apply_listed(asked, LATER_NS)

    found = orders.find("O-1")
    assert found is not None
    assert found.update is not None
    assert (found.status, found.update.reduce_only) == (OrderStatus.CANCELED, True)
    assert opened_ns(found.update) == 7


def test_the_reference_that_names_an_edited_order_stays_its_name() -> None:
    orders = OrderCache()
    old = begun(orders)
    orders.apply(update(client_order_id="mine"))
    orders.expect_edit(old, 77)

    new = orders.apply(update("O-2", at_s=1, opened_ns=START_NS + 1, user_reference=77))
    assert new.reference == 77
    orders.replace(old, "O-2", request(client_order_id="mine"), LATER_NS)

    assert (new.reference, new.replaces, old.replaced_by) == (77, "O-1", "O-2")


def test_fills_of_an_order_nobody_claims_are_dropped_together_and_each_is_counted() -> None:
    orders = OrderCache(Retention(unmatched=3))

    for number in range(3):
        orders.fill(fill(f"a{number}", order_id="O-1"))
    orders.fill(fill("b", order_id="O-2"))

    assert (orders.unmatched, orders.counts.dropped) == (1, 3)
    orders.apply(update("O-2"))
    assert orders.unmatched == 0


def test_of_what_was_accepted_nothing_more_is_kept_than_the_order() -> None:
    orders = OrderCache()

    order = begun(orders)
    orders.accept(order, "O-1")
    orders.moved(order)

    assert not orders._standings


def test_a_forgotten_order_waits_for_no_edit_and_takes_no_name_along() -> None:
    orders = OrderCache(Retention(ended=1))
    old = begun(orders)
    orders.apply(update(client_order_id="mine"))
    new = orders.replace(old, "O-2", request(client_order_id="mine"), LATER_NS)
    orders.apply(update("O-1", at_s=1, status=OrderStatus.CANCELED))
    orders.expect_edit(old, 77)

    orders.apply(update("O-3", at_s=2, status=OrderStatus.CANCELED))  # O-1 is forgotten

    assert orders.counts.forgotten == 1
    assert orders.find("O-1") is None
    assert orders.named("mine") is new
    assert not orders.is_reference_taken(77)
