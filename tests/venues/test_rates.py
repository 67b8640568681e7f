"""Counters that decay and counters of a window, by hand."""

from decimal import Decimal

import pytest

from fluxum.venues.rates import Decaying, RateCounter, Windowed, units_of

SECOND_NS = 1_000_000_000
ONE = Decimal(1)


def test_a_decaying_counter_falls_with_time_and_never_below_zero() -> None:
    # https://docs.kraken.com/api/docs/guides/spot-ratelimits: 50 orders, then ten seconds at 2.34
    counter = RateCounter(Decaying(Decimal(125), Decimal("2.34")))
    counter.add(Decimal(50), 0)

    assert counter.used(10 * SECOND_NS) == Decimal("26.6")
    assert counter.used(100 * SECOND_NS) == 0


def test_a_decaying_counter_has_room_after_what_is_too_much_has_decayed() -> None:
    counter = RateCounter(Decaying(Decimal(60), Decimal(2)))
    counter.add(Decimal(57), 0)
    assert counter.has_room(units_of(Decimal(3)), 0)
    assert not counter.has_room(units_of(Decimal("3.000000000000000001")), 0)
    counter.add(Decimal(3), 0)

    assert counter.wait_ns(Decimal(3), 0) == 3 * SECOND_NS // 2
    assert counter.wait_ns(Decimal(3), 3 * SECOND_NS // 2) == 0
    assert counter.wait_ns(Decimal(61), 0) is None


def test_a_window_holds_what_was_done_within_it_and_no_more() -> None:
    counter = RateCounter(Windowed(Decimal(3), Decimal(10)))
    for second in (0, 4, 8):
        assert counter.wait_ns(ONE, second * SECOND_NS) == 0
        counter.add(ONE, second * SECOND_NS)

    assert counter.used(8 * SECOND_NS) == 3
    assert counter.wait_ns(ONE, 8 * SECOND_NS) == 2 * SECOND_NS
    assert counter.wait_ns(Decimal(2), 8 * SECOND_NS) == 6 * SECOND_NS
    assert counter.wait_ns(Decimal(4), 8 * SECOND_NS) is None
    assert counter.used(10 * SECOND_NS - 1) == 3
    assert counter.used(10 * SECOND_NS) == 2
    assert counter.used(100 * SECOND_NS) == 0


@pytest.mark.parametrize(
    "rate", [Decaying(Decimal(9), ONE), Windowed(Decimal(9), Decimal(10))], ids=["decay", "window"]
)
def test_the_venues_figure_replaces_ours(rate: Decaying | Windowed) -> None:
    counter = RateCounter(rate)
    counter.add(Decimal(5), SECOND_NS)

    counter.replace(Decimal(8), 2 * SECOND_NS)

    assert counter.used(2 * SECOND_NS) == 8
    assert counter.used(12 * SECOND_NS) == 0


@pytest.mark.parametrize(
    "rate", [Decaying(Decimal(9), ONE), Windowed(Decimal(9), Decimal(10))], ids=["decay", "window"]
)
def test_a_clock_that_is_set_back_gives_nothing_away(rate: Decaying | Windowed) -> None:
    counter = RateCounter(rate)
    counter.add(Decimal(5), 100 * SECOND_NS)

    assert counter.used(50 * SECOND_NS) == 5
    counter.add(ONE, 50 * SECOND_NS)
    assert counter.used(100 * SECOND_NS) == 6
