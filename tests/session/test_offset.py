"""What answers and messages say of how far two clocks are apart."""

from hypothesis import given
from hypothesis import strategies as st

from fluxum.session.offset import ClockOffsetKeeper, Measured

S = 10**9
MS = 10**6
NOW = 1_767_225_600 * S


def test_nothing_is_known_before_the_first_answer() -> None:
    keeper = ClockOffsetKeeper()

    assert keeper.measured is None
    assert keeper.ns == 0


def test_an_answer_bounds_the_offset_by_half_its_way() -> None:
    keeper = ClockOffsetKeeper()

    keeper.answered(NOW + 10 * S + 1, NOW - 100 * MS, NOW + 100 * MS)

    assert keeper.measured == Measured(10 * S + 1, 100 * MS + 1)


def test_a_venue_that_counts_in_seconds_may_be_up_to_one_later() -> None:
    keeper = ClockOffsetKeeper()

    keeper.answered(NOW, NOW - 100 * MS, NOW + 100 * MS)

    # Between 0.1 s behind and 1.1 s ahead.
    assert keeper.measured == Measured(500 * MS, 600 * MS)


def test_several_answers_narrow_it() -> None:
    keeper = ClockOffsetKeeper()

    for part in (0, 300, 600, 900):  # the clocks agree, and the venue's has whole seconds
        at = NOW + part * MS
        keeper.answered(NOW, at - 10 * MS, at + 10 * MS)

    measured = keeper.measured
    assert measured is not None
    # Asked at .9 the venue said .0, so it is 0.11 s ahead at most; at .0 it was 0.01 s behind.
    assert measured == Measured(50 * MS, 60 * MS)


def test_messages_bound_it_from_below() -> None:
    keeper = ClockOffsetKeeper()
    keeper.answered(NOW, NOW - 100 * MS, NOW + 100 * MS)

    keeper.received(NOW + 900 * MS, NOW + S)

    assert keeper.measured == Measured(500 * MS, 600 * MS)  # 0.1 s behind is known already
    keeper.received(NOW + 1500 * MS, NOW + S)
    assert keeper.measured == Measured(800 * MS, 300 * MS)


def test_messages_alone_are_a_guess_and_none_is_a_measurement() -> None:
    keeper = ClockOffsetKeeper()

    keeper.received(NOW - 120 * S, NOW)
    keeper.received(NOW - 119 * S, NOW + S)
    keeper.received(NOW - 1000 * S, NOW)  # no clock is so far off: it speaks of the past

    assert keeper.measured is None
    assert keeper.ns == -120 * S


def test_a_clock_that_was_set_is_measured_anew() -> None:
    keeper = ClockOffsetKeeper()
    keeper.answered(NOW + 1, NOW - 10 * MS, NOW + 10 * MS)
    keeper.received(NOW, NOW + MS)

    keeper.answered(NOW + 100 * S + 1, NOW + 50 * S - 10 * MS, NOW + 50 * S + 10 * MS)

    assert keeper.ns == 50 * S + 1
    # And back again: what messages said of the clock as it was counts no more.
    keeper.received(NOW + 50 * S, NOW + MS)
    keeper.answered(NOW + 100 * S + 1, NOW + 100 * S - 10 * MS, NOW + 100 * S + 10 * MS)
    assert keeper.measured == Measured(1, 10 * MS + 1)


def test_old_answers_are_forgotten() -> None:
    keeper = ClockOffsetKeeper()
    keeper.answered(NOW + 1, NOW - MS, NOW + MS)  # sure
    later = NOW + 2 * 3600 * S

    keeper.answered(later + 1, later - 100 * MS, later + 100 * MS)

    assert keeper.measured == Measured(1, 100 * MS + 1)


@given(
    st.integers(-100 * S, 100 * S),
    st.lists(st.tuples(st.integers(1, S), st.integers(1, S), st.integers(0, 60 * S)), min_size=1),
    st.sampled_from([1, MS, S]),
)
def test_the_true_offset_is_always_within_the_uncertainty(
    offset: int, answers: list[tuple[int, int, int]], unit: int
) -> None:
    keeper = ClockOffsetKeeper()
    now = NOW
    for there, back, pause in answers:
        asked, received = now, now + there + back
        venue = asked + there + offset
        keeper.answered(venue - venue % unit, asked, received)
        keeper.received(venue, received)
        now = received + pause

    measured = keeper.measured
    assert measured is not None
    assert abs(measured.offset_ns - offset) <= measured.uncertainty_ns
