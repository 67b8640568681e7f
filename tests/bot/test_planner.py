"""Plans: the least that has to be sent, and no place in a queue given away."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot.bots import ONE, instrument, level, resting
from fluxum.bot import OpenOrder, OrderRole, Quote, Target
from fluxum.bot.planner import Change, End, New, Plan, plan_quote, plan_target
from fluxum.model.levels import Level
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus


def plan(
    bid: Level | None, ask: Level | None, orders: Sequence[OpenOrder], can_amend: bool = True
) -> Plan:
    return plan_quote(Quote(ONE, bid, ask), orders, instrument(), can_amend=can_amend)


def new(side: str, price: str, quantity: str) -> New:
    return New(
        side=Side(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        role=OrderRole.QUOTE,
        post_only=True,
    )


def test_nothing_rests_and_both_sides_should() -> None:
    found = plan(level("99.97", "1.005"), level("100.01", "2"), [])

    # The bid goes down to the tick, the ask up, and quantities down to the lot.
    assert found == Plan((new("buy", "99.9", "1.00"), new("sell", "100.1", "2.00")))


def test_what_rests_as_it_should_is_left_alone() -> None:
    orders = [resting("a", "buy", 99), resting("b", "sell", 101)]

    assert plan(level(99), level(101), orders) == Plan()


def test_a_smaller_quantity_at_the_same_price_is_made_smaller_in_place() -> None:
    order = resting("a", "buy", 99, 3, filled=1)

    found = plan(level(99, "0.5"), None, [order])

    # 2 remain, 0.5 should: the quantity with what is filled is 1.5.
    assert found == Plan((Change(order=order, quantity=Decimal("1.5"), price=None),))


def test_a_larger_quantity_at_the_same_price_is_a_second_order_behind_the_first() -> None:
    order = resting("a", "buy", 99, 2, filled="0.5")

    assert plan(level(99, 2), None, [order]) == Plan((new("buy", "99.0", "0.50"),))


def test_a_rest_below_the_least_quantity_is_left_missing() -> None:
    assert plan(level(99, 1), None, [resting("a", "buy", 99, "0.96")]) == Plan()


def test_too_much_in_two_orders_is_taken_from_the_last_of_the_queue() -> None:
    first, last = resting("a", "buy", 99, 1), resting("b", "buy", 99, 1)

    assert plan(level(99, 1), None, [first, last]) == Plan((End(last),))
    half = Change(order=last, quantity=Decimal("0.5"), price=None)
    assert plan(level(99, "1.5"), None, [first, last]) == Plan((half,))


def test_another_price_moves_the_order_and_counts_what_is_filled() -> None:
    order = resting("a", "buy", 99, 2, filled="0.5")

    found = plan(level(98, 1), None, [order])

    assert found == Plan((Change(order=order, quantity=Decimal("1.5"), price=Decimal("98.0")),))


def test_a_venue_that_moves_no_orders_cancels_first_and_places_when_that_is_done() -> None:
    order = resting("a", "buy", 99)

    assert plan(level(98), None, [order], can_amend=False) == Plan((End(order),), is_blocked=True)
    assert plan(level(98), None, [], can_amend=False) == Plan((new("buy", "98.0", "1.00"),))


def test_a_side_with_a_command_on_its_way_waits_and_the_other_does_not() -> None:
    unsure = resting("a", "buy", 99, is_certain=False)

    found = plan(level(98), level(101), [unsure])

    assert found == Plan((new("sell", "101.0", "1.00"),), is_blocked=True)


def test_both_sides_move_up_the_ask_first_and_down_the_bid_first() -> None:
    bid, ask = resting("a", "buy", 99), resting("b", "sell", 100)

    up = plan(level(100), level(101), [bid, ask]).changes
    down = plan(level(98), level(99), [bid, ask]).changes

    assert [one.order.client_order_id for one in up if isinstance(one, Change)] == ["b", "a"]
    assert [one.order.client_order_id for one in down if isinstance(one, Change)] == ["a", "b"]


def test_no_level_and_a_level_below_the_least_amount_end_what_rests() -> None:
    order = resting("a", "buy", 99)

    assert plan(None, None, [order]) == Plan((End(order),))
    # 0.05 at 99 is 4.95, below the least amount of 5.
    assert plan(level(99, "0.05"), None, [order]) == Plan((End(order),))


def test_orders_of_other_intents_are_no_quotes() -> None:
    other = resting("a", "buy", 97, role=OrderRole.PLACE)

    assert plan(None, None, [other]) == Plan()


def test_a_target_is_the_difference_to_what_is_held_at_once() -> None:
    found = plan_target(Target(ONE, 2), Decimal("0.5"), [], instrument(), Decimal(100))

    order = New(
        side=Side.BUY,
        quantity=Decimal("1.50"),
        price=None,
        role=OrderRole.TARGET,
        at_once=True,
    )
    assert found == Plan((order,), is_blocked=True)


def test_a_short_target_sells_at_its_limit_or_better() -> None:
    target = Target(ONE, -1, limit="99.95")

    found = plan_target(target, Decimal(1), [], instrument(), None)

    assert found is not None
    (order,) = found.changes
    assert isinstance(order, New)
    assert (order.side, order.quantity, order.price) == (Side.SELL, Decimal(2), Decimal(100))


def test_a_target_waits_for_its_own_order_and_ends_when_lots_allow_no_more() -> None:
    working = resting("a", role=OrderRole.TARGET)

    assert plan_target(Target(ONE, 2), Decimal(0), [working], instrument(), None) == Plan(
        is_blocked=True
    )
    assert plan_target(Target(ONE, 2), Decimal("1.96"), [], instrument(), None) is None


PRICES = st.integers(90, 110)
QUANTITIES = st.integers(5, 300).map(lambda cents: Decimal(cents) / 100)
LEVELS = st.none() | st.builds(Level, PRICES.map(Decimal), QUANTITIES)


@st.composite
def resting_orders(draw: st.DrawFn) -> list[OpenOrder]:
    orders: list[OpenOrder] = []
    for at in range(draw(st.integers(0, 5))):
        quantity = draw(QUANTITIES)
        filled = draw(st.integers(0, 100)) * quantity / 100
        side = draw(st.sampled_from(Side))
        orders.append(resting(f"o{at}", side, draw(PRICES), quantity + filled, filled))
    return orders


def apply(orders: list[OpenOrder], found: Plan, made: int) -> list[OpenOrder]:
    """What rests once the venue has done all of it."""
    by_name = {one.client_order_id: one for one in orders}
    for at, change in enumerate(found.changes):
        match change:
            case End(order):
                del by_name[order.client_order_id]
            case Change():
                name = change.order.client_order_id
                before = by_name[name]
                price = before.price if change.price is None else change.price
                by_name[name] = structs.replace(before, quantity=change.quantity, price=price)
            case New():
                name = f"n{made}-{at}"
                by_name[name] = resting(
                    name, change.side, change.price, change.quantity, status=OrderStatus.OPEN
                )
    return list(by_name.values())


@given(bid=LEVELS, ask=LEVELS, orders=resting_orders(), can_amend=st.booleans())
def test_plans_end_where_they_should_and_rest_there(
    bid: Level | None, ask: Level | None, orders: list[OpenOrder], can_amend: bool
) -> None:
    if bid is not None and ask is not None and bid.price >= ask.price:
        return
    rules = instrument(notional_min=None)
    quote = Quote(ONE, bid, ask)
    before = orders
    sent = 0
    for made in range(3):
        found = plan_quote(quote, orders, rules, can_amend=can_amend)
        sent += len(found.changes)
        orders = apply(orders, found, made)
        if not found.changes:
            break

    assert plan_quote(quote, orders, rules, can_amend=can_amend) == Plan()
    # No more commands than one for each order there was, and two for what is new.
    assert sent <= len(before) + 2
    for side, wanted in ((Side.BUY, bid), (Side.SELL, ask)):
        rests = [one for one in orders if one.side is side]
        if wanted is None:
            assert rests == []
            continue
        assert {one.price for one in rests} <= {wanted.price}
        total = sum((one.remaining for one in rests), Decimal(0))
        # Never more than wished; less only by what is below the least quantity or a lot.
        assert wanted.quantity - Decimal("0.05") <= total <= wanted.quantity


@given(level=st.builds(Level, PRICES.map(Decimal), QUANTITIES), orders=resting_orders())
def test_an_order_at_the_price_keeps_its_place_unless_others_suffice(
    level: Level, orders: list[OpenOrder]
) -> None:
    found = plan_quote(Quote(ONE, level), orders, instrument(notional_min=None), can_amend=True)

    at = [one for one in orders if one.side is Side.BUY and one.price == level.price]
    ahead = Decimal(0)
    touched = {
        one.order.client_order_id
        for one in found.changes
        if isinstance(one, End) or (isinstance(one, Change) and one.price is not None)
    }
    for one in at:
        if ahead + one.remaining <= level.quantity:  # wanted, and first in the queue
            assert one.client_order_id not in touched
        ahead += one.remaining
