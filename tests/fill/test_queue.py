"""Places in queues, on the worked cases of the design: buy 50 at 100 with 100 displayed ahead."""

import pytest

from fluxum.fill.queue import NO_KEY, UNSEEN, QueuePlace, QueueSide


def resting(
    *, behind: int = 1000, apart: int = 0, quantity: int = 50
) -> tuple[QueueSide, QueuePlace]:
    """Our order at 100 behind 100 lots; others then join behind us."""
    side = QueueSide(apart)
    place = side.enter(1, 100, quantity, 100, best=100)
    side.level(100, 100 + behind)
    side.settle(100)
    return side, place


def taken(side: QueueSide) -> list[tuple[int, int, int]]:
    """The fills since the last look, by order and history."""
    news = [(place.order_id, world, quantity) for place, world, quantity in side.news]
    side.news.clear()
    return news


def test_q1_trades_at_our_price_eat_what_stands_ahead_first() -> None:
    side, place = resting()
    fills = list[tuple[int, int, int]]()

    for quantity in (80, 30, 50):
        side.trade(100, quantity)
        fills.append(place.fills)

    assert fills == [(0, 0, 0), (10, 10, 10), (50, 50, 50)]
    assert taken(side) == [
        (1, 0, 10),
        (1, 1, 10),
        (1, 2, 10),
        (1, 0, 40),
        (1, 1, 40),
        (1, 2, 40),
    ]


def test_q1_a_queue_that_shrank_lets_the_optimistic_history_fill_sooner() -> None:
    side, place = resting()

    side.trade(100, 80)
    side.level(100, 1000)  # 1100 - 80 traded - 20 canceled: ahead of us, or behind
    side.settle(100)
    side.trade(100, 30)

    assert place.fills == (10, 11, 30)


def test_q2_what_stands_ahead_is_never_more_than_what_is_displayed() -> None:
    side, place = resting(behind=0)

    side.level(100, 40)
    side.settle(100)
    side.trade(100, 50)

    assert place.fills == (10, 10, 10)


def test_q2_a_taker_that_swept_the_level_may_have_wanted_more() -> None:
    side, place = resting(behind=0)
    side.level(100, 40)
    side.settle(100)
    side.trade(100, 50)

    side.level(100, 0)
    side.settle(99)

    assert place.fills == (10, 10, 50)


def test_q3_all_who_come_after_the_level_was_gone_stand_behind_us() -> None:
    side, place = resting(behind=0)

    side.level(100, 0)
    side.settle(99)
    side.level(100, 80)
    side.settle(100)
    side.trade(100, 5)

    assert place.fills == (5, 5, 5)


def test_q6_a_trade_below_our_price_fills_at_least_its_quantity_and_perhaps_all() -> None:
    side, place = resting()

    side.trade(99, 20)
    assert place.fills == (20, 20, 50)

    side.trade(100, 10)
    assert place.fills == (30, 30, 50)


def test_q7_one_lot_never_fills_two_orders() -> None:
    side = QueueSide()
    orders = [side.enter(number, 100, 1, 100, best=100) for number in (1, 2)]

    side.trade(100, 1)
    assert [one.fills for one in orders] == [(0, 0, 0), (0, 0, 0)]

    side.level(100, 0)
    side.settle(99)
    side.level(100, 5)
    side.settle(100)
    side.trade(100, 1)

    assert orders[0].fills == (1, 1, 1)
    assert orders[1].fills[:2] == (0, 0)


def test_an_ask_at_or_below_our_bid_fills_all_at_best_and_nothing_at_worst() -> None:
    side, place = resting()

    side.opposite(101, 7)
    assert place.fills == (0, 0, 0)

    side.opposite(100, 7)
    assert place.fills == (0, 7, 50)

    side.opposite(100, 7)  # shown again, not more of it
    assert place.fills == (0, 7, 50)


def test_a_level_that_is_not_shown_may_have_anything_ahead() -> None:
    side = QueueSide()
    place = side.enter(1, 90, 50, UNSEEN, best=100)

    side.trade(90, 10)
    assert place.fills == (0, 0, 10)

    side.level(90, 30)
    assert place.ahead == (30, 30, 0)


def test_a_level_that_leaves_the_view_keeps_its_pessimistic_place() -> None:
    side, place = resting()

    side.hide(100)
    assert place.ahead == (100, 100, 0)

    side.level(100, 60)
    assert place.ahead == (60, 60, 0)


def test_a_reduced_order_keeps_its_place_and_what_is_filled() -> None:
    side, place = resting()
    side.trade(100, 120)

    place.resize(30)
    side.trade(100, 500)
    assert place.fills == (30, 30, 30)

    place.resize(10)
    assert place.fills == (30, 30, 30)


def test_a_moved_order_starts_behind_all_and_those_for_whom_it_traded() -> None:
    side, place = resting()
    side.trade(100, 120)  # 20 of 50

    moved = side.move(place, 99, 60, 500, best=100)
    assert (moved.fills, moved.ahead) == ((20, 20, 20), (520, 500, 500))
    assert [one.order_id for one in side.places] == [1]

    side.trade(99, 600)
    assert moved.fills == (60, 60, 60)


def test_the_better_price_is_filled_first_and_the_rest_only_with_what_is_left() -> None:
    side = QueueSide()
    low = side.enter(1, 99, 50, 0, best=101)
    high = side.enter(2, 100, 30, 0, best=101)
    assert side.top == 100

    side.trade(99, 40)

    assert high.fills == (30, 30, 30)
    assert low.fills == (10, 10, 10)


def test_what_our_better_order_took_still_stands_ahead_of_our_other() -> None:
    side = QueueSide()
    first = side.enter(1, 100, 30, 0, best=99)
    second = side.enter(2, 99, 10, 20, best=99)

    side.trade(100, 30)  # others at 100 traded on the tape; here our first order did
    assert first.fills == (30, 30, 30)
    side.trade(99, 25)  # they would take this before those at 99

    assert second.fills == (0, 5, 5)


def test_a_trade_after_its_level_is_not_counted_twice_if_data_come_apart() -> None:
    side, place = resting(behind=50, apart=2)

    side.level(100, 70)  # 80 of 150 are gone: the trade of 80 is published later
    side.settle(100)
    assert place.ahead[0] == 70
    side.trade(100, 80)

    assert place.ahead[0] == 20
    assert place.fills[0] == 0


def test_after_so_many_frames_what_left_was_canceled() -> None:
    side, place = resting(behind=50, apart=1)

    side.level(100, 70)
    side.settle(100)
    side.settle(100)
    side.trade(100, 80)

    assert place.fills[0] == 10


def test_after_a_gap_all_may_have_traded_and_nothing_must_have() -> None:
    side, place = resting()

    side.lose()
    assert place.fills == (0, 0, 50)

    side.level(100, 30)
    assert place.ahead[:2] == (30, 30)


def test_an_order_that_leaves_is_not_filled_any_more() -> None:
    side, place = resting()

    side.leave(place)
    side.trade(99, 100)

    assert (side.top, side.places, place.fills) == (NO_KEY, [], (0, 0, 0))


def test_a_completed_order_is_filled_in_every_history() -> None:
    side, place = resting()
    side.trade(100, 110)
    taken(side)

    side.complete(place)

    assert taken(side) == [
        (1, 0, 40),
        (1, 1, 40),
        (1, 2, 40),
    ]


@pytest.mark.parametrize(("best", "is_alone"), [(99, True), (100, False), (101, False)])
def test_an_order_alone_with_the_best_price_is_marked(best: int, is_alone: bool) -> None:
    place = QueueSide().enter(1, 100, 1, 0, best=best)

    assert place.was_alone is is_alone
