"""The life of an order: whatever evidence comes in whatever order, the same end."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fluxum.model.account import Fill
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.orders.cache import OrderCache
from fluxum.orders.order import Difference, TrackedOrder, Uncertainty, is_lawful
from orders.gateways import BTC, SECOND_NS, START_NS, fill, request, update

FINAL = [status for status in OrderStatus if status.is_final]
LATER_NS = START_NS + 100 * SECOND_NS


def tracked() -> TrackedOrder:
    return TrackedOrder(1, "mine", BTC, Side.BUY, START_NS, request=request())


def test_an_order_nobody_spoke_of_is_unknown_and_what_was_asked_for() -> None:
    order = tracked()

    view = order.view()

    assert view.status is OrderStatus.UNKNOWN
    assert [view.quantity, view.limit_price, view.filled] == [1, 100, 0]
    assert view.average_price is None
    assert view.remaining == 1
    assert not order.is_confirmed


def test_an_accepted_order_is_pending_until_it_is_told_open() -> None:
    order = tracked()

    order.accept()
    assert order.status is OrderStatus.PENDING

    order.apply(update())
    assert order.view().status is OrderStatus.OPEN


def test_a_refused_order_has_ended_with_the_reason() -> None:
    order = tracked()

    order.refuse("insufficient funds")

    assert (order.status, order.view().reason) == (OrderStatus.REFUSED, "insufficient funds")


def test_a_refused_order_that_is_met_was_not_refused() -> None:
    order = tracked()
    order.refuse("never arrived")

    order.apply(update())

    assert order.status is OrderStatus.OPEN


def test_fills_make_it_partly_filled_and_only_the_venue_says_that_it_is_done() -> None:
    order = tracked()
    order.apply(update())

    order.fill(fill("a", "1"))
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.difference == Difference(Decimal(1), Decimal(0))

    order.apply(update(at_s=1, status=OrderStatus.FILLED, filled=Decimal(1), cost=Decimal(100)))
    assert order.view().status is OrderStatus.FILLED
    assert order.difference is None


def test_a_late_fill_counts_and_the_end_stays() -> None:
    order = tracked()
    order.apply(update(status=OrderStatus.CANCELED))

    order.fill(fill("late", "0.25"))

    view = order.view()
    assert view.status is OrderStatus.CANCELED
    assert [view.filled, view.cost, view.average_price] == [Decimal("0.25"), 25, 100]
    assert view.late_fills == 1
    assert view.difference == Difference(Decimal("0.25"), Decimal(0))


def test_what_updates_count_and_no_fill_shows_is_named() -> None:
    order = tracked()
    order.apply(update(filled=Decimal("0.5"), cost=Decimal(50), average_price=Decimal(100)))
    order.fill(fill("a", "0.25"))

    assert order.filled == Decimal("0.5")
    assert order.view().cost == 50
    assert order.difference == Difference(by_fills=Decimal("0.25"), by_updates=Decimal("0.5"))


@pytest.mark.parametrize("old", [update(at_s=1), update(at_s=3, filled=Decimal("0.1"))])
def test_an_update_that_goes_back_does_not_move_the_order_back(old: OrderUpdate) -> None:
    order = tracked()
    known = update(at_s=2, filled=Decimal("0.5"), limit_price=Decimal(101))
    order.apply(known)

    order.apply(old)

    assert (order.update, order.stale) == (known, 1)


def test_what_was_asked_for_later_is_newer_whatever_its_time_says() -> None:
    order = tracked()
    order.apply(update(at_s=2))
    asked = update(at_s=0, limit_price=Decimal(99))

    order.apply(asked, as_of_ns=START_NS + 1 * SECOND_NS)
    assert order.view().limit_price == 100

    order.apply(asked, as_of_ns=START_NS + 3 * SECOND_NS)
    assert order.view().limit_price == 99


def test_an_answer_with_less_filled_is_older_than_what_is_known() -> None:
    order = tracked()
    known = update(at_s=1, filled=Decimal("0.5"), limit_price=Decimal(101))
    order.apply(known)

    # Asked for after the last thing was heard, from a list that lags.
    order.apply(update(at_s=2, filled=Decimal("0.2")), as_of_ns=LATER_NS)

    assert (order.update, order.stale) == (known, 1)
    assert order.filled == Decimal("0.5")


def test_of_two_ends_the_one_with_less_filled_changes_nothing() -> None:
    order = tracked()
    filled = update(at_s=1, status=OrderStatus.FILLED, filled=Decimal(1))
    order.apply(filled)

    order.apply(update(at_s=2, status=OrderStatus.CANCELED, filled=Decimal("0.5")))

    assert (order.update, order.contradicted, order.stale) == (filled, 1, 1)


def test_an_end_that_is_told_again_contradicts_nothing() -> None:
    order = tracked()
    order.apply(update(at_s=1, status=OrderStatus.CANCELED))

    order.apply(update(at_s=2, status=OrderStatus.CANCELED, reason="User requested"))

    assert (order.contradicted, order.view().reason) == (0, "User requested")


@pytest.mark.parametrize(
    ("changes", "is_change"),
    [
        ({"quantity": Decimal(2)}, True),
        ({"limit_price": Decimal(101)}, True),
        ({"filled": Decimal("0.5")}, False),
    ],
)
def test_an_order_is_as_old_as_its_last_change(changes: dict[str, Any], is_change: bool) -> None:
    order = tracked()
    order.apply(update(at_s=1))
    assert order.changed_ns == START_NS

    # The venue's time counts, not when we heard of it.
    order.apply(structs.replace(update(at_s=5, **changes), received_ns=LATER_NS))

    assert order.changed_ns == START_NS + (5 * SECOND_NS if is_change else 0)


def test_only_what_comes_after_an_end_is_late() -> None:
    order = tracked()
    order.fill(fill("a", "0.1"))
    order.apply(update(filled=Decimal("0.1")))
    order.fill(fill("b", "0.1"))
    assert order.late_fills == 0

    order.apply(update(at_s=1, status=OrderStatus.CANCELED, filled=Decimal("0.2")))
    order.fill(fill("c", "0.1"))

    assert order.late_fills == 1


def test_what_turns_out_to_be_the_same_order_is_taken_over_whole() -> None:
    order, other = tracked(), tracked()
    order.fill(fill("a", "0.1"))
    other.apply(update(status=OrderStatus.CANCELED, filled=Decimal("0.3"), cost=Decimal(30)))
    other.fill(fill("b", "0.2", price=Decimal(50)))

    order.absorb(other)

    view = order.view()
    assert (view.status, view.fills, view.late_fills) == (OrderStatus.CANCELED, 2, 1)
    # 0.1 at 100 and 0.2 at 50.
    assert [view.filled, order.cost_by_fills, view.difference] == [Decimal("0.3"), 20, None]


def test_nothing_brings_an_ended_order_back() -> None:
    order = tracked()
    order.apply(update(at_s=1, status=OrderStatus.CANCELED))

    order.apply(update(at_s=9), as_of_ns=LATER_NS)
    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "no answer")

    assert (order.status, order.stale, order.uncertainty) == (OrderStatus.CANCELED, 1, None)


def test_of_two_ends_the_one_with_more_filled_counts_and_the_other_is_told() -> None:
    order = tracked()
    filled = update(at_s=1, status=OrderStatus.FILLED, filled=Decimal(1))
    order.apply(update(at_s=2, status=OrderStatus.CANCELED))

    order.apply(filled)

    assert (order.status, order.contradicted) == (OrderStatus.FILLED, 1)


def test_a_status_that_is_not_known_lives_until_one_is_known() -> None:
    order = tracked()
    order.apply(update(at_s=1, status=OrderStatus.OTHER, venue_status="paused"))
    order.fill(fill("a", "0.25"))
    assert (order.status, order.is_final) == (OrderStatus.OTHER, False)

    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "no answer")
    assert order.view().status is OrderStatus.UNKNOWN
    order.uncertainty = None

    order.apply(update(at_s=1))  # at the same instant, what is known counts
    assert order.view().status is OrderStatus.PARTIALLY_FILLED
    order.apply(update(at_s=1, status=OrderStatus.OTHER))
    assert (order.status, order.stale) == (OrderStatus.PARTIALLY_FILLED, 1)


WORDS: list[Callable[[TrackedOrder], object]] = [
    lambda order: order.apply(update()),
    lambda order: order.fill(fill("a")),
    lambda order: order.accept(),
    lambda order: order.refuse("no"),
]


@pytest.mark.parametrize("speak", WORDS)
def test_any_word_ends_the_doubt_about_existence(speak: Callable[[TrackedOrder], object]) -> None:
    order = tracked()
    order.mark_uncertain(Uncertainty.EXISTENCE, LATER_NS, "no answer")
    assert order.view().reason == "no answer"

    speak(order)

    assert order.uncertainty is None
    assert order.status is not OrderStatus.UNKNOWN


def test_what_exists_is_not_doubted_to_exist() -> None:
    order = tracked()
    order.apply(update())

    order.mark_uncertain(Uncertainty.EXISTENCE, LATER_NS, "no answer")

    assert order.uncertainty is None


def test_a_doubted_change_is_settled_by_a_look_after_it_could_arrive_or_by_the_end() -> None:
    order = tracked()
    order.apply(update())
    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "no answer")

    order.apply(update(at_s=1))
    order.apply(update(), as_of_ns=LATER_NS - 1)
    assert order.status is OrderStatus.UNKNOWN

    order.apply(update(), as_of_ns=LATER_NS)
    assert order.view().status is OrderStatus.OPEN

    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "no answer")
    order.apply(update(at_s=2, status=OrderStatus.CANCELED))
    assert order.view().status is OrderStatus.CANCELED


def test_a_change_of_what_was_never_met_is_a_doubt_about_its_existence() -> None:
    order = tracked()

    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "a cancel")
    order.mark_uncertain(Uncertainty.EXISTENCE, LATER_NS - 1, "no answer")

    assert (order.uncertainty, order.settle_ns) == (Uncertainty.EXISTENCE, LATER_NS)
    order.refuse("never arrived")
    assert order.view().status is OrderStatus.REFUSED


def test_the_doubt_that_takes_longer_is_kept() -> None:
    order = tracked()
    order.apply(update())

    order.mark_uncertain(Uncertainty.CHANGE, LATER_NS, "an amendment")
    order.mark_uncertain(Uncertainty.ABSENCE, LATER_NS - 1, "missing")

    assert (order.uncertainty, order.settle_ns) == (Uncertainty.CHANGE, LATER_NS)


def test_the_table_of_lawful_moves() -> None:
    unknown, pending, live, part = (
        OrderStatus.UNKNOWN,
        OrderStatus.PENDING,
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
    )

    assert all(is_lawful(unknown, status) for status in OrderStatus if status is not unknown)
    assert is_lawful(pending, live)
    assert is_lawful(live, part)
    assert is_lawful(live, pending)  # a list calls it open that waits for its trigger
    assert not is_lawful(part, live)
    assert not is_lawful(part, pending)
    assert not is_lawful(live, OrderStatus.REFUSED)
    assert is_lawful(part, OrderStatus.OTHER)
    assert is_lawful(OrderStatus.OTHER, live)
    assert not is_lawful(OrderStatus.OTHER, OrderStatus.REFUSED)
    assert is_lawful(OrderStatus.REFUSED, live)
    for status in OrderStatus:
        assert not is_lawful(OrderStatus.FILLED, status)
    for end in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED):
        assert not is_lawful(end, unknown)


# Laws


@st.composite
def lives(draw: st.DrawFn) -> list[OrderUpdate | Fill]:
    """What an honest venue tells of one order: openings, fills each with its update, an end."""
    told: list[OrderUpdate | Fill] = []
    at_s = 0
    if draw(st.booleans()):
        told.append(update(at_s=at_s, status=OrderStatus.PENDING))
    told.append(update(at_s=(at_s := at_s + 1)))
    if draw(st.booleans()):
        told.append(update(at_s=(at_s := at_s + 1), status=OrderStatus.OTHER, venue_status="held"))
    filled = cost = Decimal(0)
    price = Decimal(100)
    for number in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            price = Decimal(draw(st.integers(90, 110)))
            told.append(
                update(at_s=(at_s := at_s + 1), filled=filled, cost=cost, limit_price=price)
            )
        filled, cost = filled + Decimal("0.1"), cost + Decimal("0.1") * price
        told.append(fill(f"T-{number}", "0.1", price=price))
        status = OrderStatus.PARTIALLY_FILLED
        told.append(
            update(
                at_s=(at_s := at_s + 1), status=status, filled=filled, cost=cost, limit_price=price
            )
        )
    if draw(st.booleans()):
        end = draw(st.sampled_from([OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.FILLED]))
        told.append(update(at_s=at_s + 1, status=end, filled=filled, cost=cost, limit_price=price))
    return told


def told_to(orders: OrderCache, evidence: Sequence[OrderUpdate | Fill]) -> None:
    for one in evidence:
        if isinstance(one, Fill):
            orders.fill(one)
        else:
            orders.apply(one)


@given(lives(), st.data())
def test_any_order_of_the_same_evidence_repeated_or_not_ends_the_same(
    life: list[OrderUpdate | Fill], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(life), max_size=6))
    shuffled = data.draw(st.permutations([*life, *repeated]))
    straight, crooked = OrderCache(), OrderCache()

    told_to(straight, life)
    told_to(crooked, shuffled)

    expected, found = straight.find("O-1"), crooked.find("O-1")
    assert expected is not None
    assert found is not None
    left = structs.replace(expected.view(), late_fills=0)
    right = structs.replace(found.view(), late_fills=0)  # which fill was late is of the way there
    assert left == right
    assert left.difference is None
    assert crooked.counts.unlawful == straight.counts.unlawful == 0
    fills = sum(1 for one in [*life, *repeated] if isinstance(one, Fill))
    counts = crooked.counts
    assert fills == counts.fills == counts.counted + counts.repeated
    assert not crooked.unmatched


STEPS = ["tell", "fill", "accept", "refuse", "doubt", "look", "other", "end"]


@given(st.lists(st.sampled_from(STEPS)))
def test_every_move_is_lawful_and_an_end_is_never_left(steps: list[str]) -> None:
    orders = OrderCache()
    order = orders.begin(request(client_order_id="mine"), START_NS, LATER_NS)
    random = Random(len(steps))
    filled = Decimal(0)
    for number, step in enumerate(steps):
        was_met = order.is_confirmed
        before = order.status
        match step:
            case "tell":
                orders.apply(update(at_s=number, client_order_id="mine", filled=filled))
            case "fill":
                orders.fill(fill(str(number), "0.001", client_order_id="mine"))
                filled += Decimal("0.001")
            case "accept":
                orders.accept(order, "O-1")
            case "refuse":
                orders.refuse(order, "no")
            case "doubt":
                order.mark_uncertain(random.choice(list(Uncertainty)), START_NS + number, "silence")
                orders.moved(order)
            case "look":
                known = update(at_s=number, client_order_id="mine", filled=filled)
                orders.apply(known, START_NS + number)
            case "other":
                known = update(at_s=number, client_order_id="mine", filled=filled)
                orders.apply(structs.replace(known, status=OrderStatus.OTHER))
            case _:
                end = OrderStatus.CANCELED
                orders.apply(update(at_s=number, client_order_id="mine", filled=filled, status=end))

        assert before is order.status or is_lawful(before, order.status)
        if before in FINAL and (was_met or not order.is_confirmed):
            assert order.status is before
    assert orders.counts.unlawful == 0
    assert sum(orders.tally.values()) == 1


# What readers see


def test_words_that_are_not_known_are_shown_beside_other() -> None:
    order = TrackedOrder(1, "", BTC, Side.BUY, START_NS)
    order.apply(
        update(
            order_type=OrderType.OTHER,
            venue_type="twap",
            status=OrderStatus.OTHER,
            venue_status="paused",
        )
    )

    assert (order.view().type_text, order.view().status_text) == ("other (twap)", "other (paused)")


def test_a_word_is_not_shown_beside_a_status_that_is_not_its_own() -> None:
    order = TrackedOrder(1, "", BTC, Side.BUY, START_NS)
    order.apply(update(status=OrderStatus.OTHER, venue_status="paused"))
    order.mark_uncertain(Uncertainty.CHANGE, START_NS, "no answer")

    assert (order.view().type_text, order.view().status_text) == ("limit", "unknown")
