"""Pacing: delays, budgets, buckets and breakers, by a clock that is handed in."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fluxum.errors import BadInput, CircuitOpen
from fluxum.model.breaker import BreakerState
from fluxum.pacing import (
    AttemptBudget,
    Backoff,
    BackoffPolicy,
    BreakerPolicy,
    CallCounter,
    CircuitBreaker,
    TokenBucket,
    bounded_wait_s,
)


class Highest(Random):
    """Always the most that was allowed, so that ceilings can be written down."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Lowest(Random):
    """Always the least."""

    def uniform(self, a: float, b: float) -> float:
        return a


POLICY = BackoffPolicy(
    quick_tries=2, quick_s=1.0, floor_s=5.0, first_s=8.0, multiplier=2.0, ceiling_s=30.0
)


def test_two_quick_tries_then_ever_longer_up_to_the_ceiling() -> None:
    longest = Backoff(POLICY, Highest())
    shortest = Backoff(POLICY, Lowest())

    assert [longest.next_delay() for _ in range(6)] == [1.0, 1.0, 8.0, 16.0, 30.0, 30.0]
    assert [shortest.next_delay() for _ in range(4)] == [0.0, 0.0, 5.0, 5.0]


def test_a_success_begins_again() -> None:
    backoff = Backoff(POLICY, Highest())
    for _ in range(4):
        backoff.next_delay()
    backoff.reset()

    assert backoff.attempt == 0
    assert backoff.next_delay() == 1.0


def test_a_floor_from_outside_raises_every_delay() -> None:
    backoff = Backoff(POLICY, Lowest())

    assert [backoff.next_delay(60.0) for _ in range(3)] == [60.0, 60.0, 60.0]


def test_it_gives_up_only_when_told_to() -> None:
    patient = Backoff(POLICY, Highest())
    limited = Backoff(BackoffPolicy(attempts_max=2), Highest())

    assert [patient.next_delay() for _ in range(5000)][-1] == 30.0
    assert [limited.next_delay() for _ in range(4)] == [1.0, 1.0, None, None]


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_delays_stay_between_floor_and_ceiling(seed: int, tries: int) -> None:
    backoff = Backoff(POLICY, Random(seed))

    delays = [backoff.next_delay() for _ in range(tries)]

    assert all(delay is not None and 0.0 <= delay <= 1.0 for delay in delays[:2])
    assert all(delay is not None and 5.0 <= delay <= 30.0 for delay in delays[2:])


def test_impossible_policies_are_refused() -> None:
    with pytest.raises(BadInput):
        BackoffPolicy(quick_tries=-1)
    with pytest.raises(BadInput):
        BackoffPolicy(quick_s=-0.1)
    with pytest.raises(BadInput):
        BackoffPolicy(floor_s=-1.0)
    with pytest.raises(BadInput):
        BackoffPolicy(floor_s=9.0, first_s=8.0)
    with pytest.raises(BadInput):
        BackoffPolicy(first_s=31.0, ceiling_s=30.0)
    with pytest.raises(BadInput):
        BackoffPolicy(multiplier=0.5)


def test_jitter_is_the_random_part_of_a_delay() -> None:
    half = structs.replace(POLICY, quick_tries=0, jitter=0.5)

    least, most = Backoff(half, Lowest()), Backoff(half, Highest())

    # From the ceiling of 8, 16 and 30 half of the way down to 5.
    assert [least.next_delay() for _ in range(3)] == [6.5, 10.5, 17.5]
    assert [most.next_delay() for _ in range(3)] == [8.0, 16.0, 30.0]


def test_without_jitter_every_delay_is_its_ceiling() -> None:
    backoff = Backoff(structs.replace(POLICY, quick_tries=0, jitter=0.0), Random(1))

    assert [backoff.next_delay() for _ in range(3)] == [8.0, 16.0, 30.0]


@pytest.mark.parametrize("jitter", [-0.1, 1.1])
def test_a_jitter_outside_its_range_is_refused(jitter: float) -> None:
    with pytest.raises(BadInput, match="a jitter from 0 to 1"):
        BackoffPolicy(jitter=jitter)


def test_a_resized_counter_remembers_its_calls() -> None:
    counter = CallCounter(2, 1.0)
    assert [counter.take(1, 0.0) for _ in range(2)] == [0.0, 0.0]

    counter.resize(4, 0.5)
    assert [counter.take(1, 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]

    with pytest.raises(BadInput, match="a maximum and a decay, was 0"):
        counter.resize(0, 1.0)


def test_a_resized_budget_remembers_its_attempts() -> None:
    budget = AttemptBudget(3, 10.0)
    assert [budget.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]

    budget.resize(4, 10.0)
    assert budget.take(1.0) == 0.0
    assert budget.take(1.0) == 9.0

    budget.resize(1, 20.0)
    assert budget.take(1.0) == 29.0  # the last one was booked for 10


def test_a_budget_lets_its_limit_through_and_then_spreads_the_rest() -> None:
    budget = AttemptBudget(limit=2, window_s=10.0)

    assert [budget.take(0.0), budget.take(1.0)] == [0.0, 0.0]
    assert budget.take(2.0) == 8.0  # at 10, when the one of 0 is out of the window
    assert budget.take(2.0) == 9.0  # at 11
    assert budget.take(12.0) == 8.0  # at 20
    assert budget.take(100.0) == 0.0


@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 50), min_size=1, max_size=40),
)
def test_no_window_ever_holds_more_than_the_limit(limit: int, pauses: list[int]) -> None:
    budget = AttemptBudget(limit, 60.0)
    now, starts = 0.0, list[float]()
    for pause in pauses:
        now += pause
        starts.append(now + budget.take(now))

    assert starts == sorted(starts)
    for first, later in zip(starts, starts[limit:], strict=False):
        assert later - first >= 60.0


def test_a_budget_without_a_limit_or_window_is_refused() -> None:
    for limit, window_s in ((0, 1.0), (1, 0.0)):
        with pytest.raises(BadInput):
            AttemptBudget(limit, window_s)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=2.0, burst=3)

    assert [bucket.take(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert bucket.take(1.0) == 0.5  # two were gained, two were owed
    assert bucket.take(100.0) == 0.0


def test_an_idle_bucket_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(rate_per_s=1.0, burst=2)
    bucket.take(0.0)

    assert [bucket.take(1000.0) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_what_is_sent_now_or_not_uses_a_token_only_if_there_is_one() -> None:
    bucket = TokenBucket(rate_per_s=2.0, burst=1)

    assert [bucket.take_now(0.0) for _ in range(3)] == [True, False, False]
    assert not bucket.take_now(0.25)
    assert bucket.take_now(0.5)
    assert bucket.take(0.5) == 0.5


def test_a_bucket_without_rate_or_burst_is_refused() -> None:
    for rate_per_s, burst in ((0.0, 1), (1.0, 0)):
        with pytest.raises(BadInput):
            TokenBucket(rate_per_s, burst)


def test_a_counter_is_raised_by_what_calls_cost_and_lowered_by_time() -> None:
    counter = CallCounter(most=10.0, decay_per_s=2.0)

    assert [counter.take(cost, 0.0) for cost in (4.0, 6.0, 1.0)] == [0.0, 0.0, 0.5]
    assert counter.count(1.0) == 9.0  # eleven were counted, two have gone
    assert counter.take(3.0, 1.0) == 1.0
    assert counter.take(10.0, 100.0) == 0.0


def test_what_costs_more_than_there_is_waits_until_nothing_is_counted() -> None:
    counter = CallCounter(most=10.0, decay_per_s=2.0)

    assert counter.take(30.0, 0.0) == 0.0
    assert counter.take(30.0, 0.0) == 15.0


def test_an_exhausted_counter_lets_nothing_pass_for_as_long_as_it_was_told() -> None:
    counter = CallCounter(most=10.0, decay_per_s=2.0)
    counter.exhausted(20.0, 0.0)

    assert counter.take(1.0, 0.0) == 20.5
    counter.exhausted(0.0, 0.0)  # says less than is known
    assert counter.take(0.0, 0.0) == 20.5


def test_a_counter_without_room_or_decay_is_refused() -> None:
    for most, decay_per_s in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(BadInput):
            CallCounter(most, decay_per_s)


def state_of(guard: CircuitBreaker) -> BreakerState:
    return guard.state


def breaker(successes: int = 1) -> CircuitBreaker:
    return CircuitBreaker("rest", BreakerPolicy(failures=3, open_s=30.0, successes=successes))


def fail(guard: CircuitBreaker, *times: float) -> None:
    for now_s in times:
        guard.enter(now_s)
        guard.failed(now_s)


def test_a_breaker_opens_after_failures_in_a_row_only() -> None:
    guard = breaker()
    fail(guard, 0.0, 1.0)
    guard.enter(2.0)
    guard.succeeded()
    fail(guard, 3.0, 4.0)
    assert state_of(guard) is BreakerState.CLOSED

    fail(guard, 5.0)
    assert state_of(guard) is BreakerState.OPEN


def test_an_open_breaker_refuses_and_says_when_to_ask_again() -> None:
    guard = breaker()
    fail(guard, 0.0, 1.0, 2.0)

    with pytest.raises(CircuitOpen, match=r"rest .* 10\.0 s") as caught:
        guard.enter(22.0)
    assert caught.value.retry_after_s == 10.0
    assert guard.refused == 1


def test_after_its_time_one_trial_passes_and_closes_it() -> None:
    guard = breaker()
    fail(guard, 0.0, 1.0, 2.0)

    guard.enter(32.0)
    assert state_of(guard) is BreakerState.HALF_OPEN
    with pytest.raises(CircuitOpen):
        guard.enter(32.0)
    guard.succeeded()

    assert state_of(guard) is BreakerState.CLOSED
    guard.enter(33.0)


def test_a_failed_trial_opens_it_for_the_full_time_again() -> None:
    guard = breaker()
    fail(guard, 0.0, 1.0, 2.0, 40.0)

    with pytest.raises(CircuitOpen) as caught:
        guard.enter(41.0)
    assert caught.value.retry_after_s == 29.0


def test_several_trials_may_be_asked_for() -> None:
    guard = breaker(successes=2)
    fail(guard, 0.0, 1.0, 2.0)
    guard.enter(40.0)
    guard.succeeded()
    assert state_of(guard) is BreakerState.HALF_OPEN

    guard.enter(41.0)
    guard.succeeded()
    assert state_of(guard) is BreakerState.CLOSED
    fail(guard, 42.0, 43.0)
    assert state_of(guard) is BreakerState.CLOSED


def test_a_short_refusal_does_not_end_a_long_one() -> None:
    counter = CallCounter(10.0, 1.0)

    counter.exhausted(100.0, 0.0)
    counter.exhausted(1.0, 10.0)

    assert counter.held_s(20.0) == 80.0
    assert counter.held_s(200.0) == 0.0
    assert counter.take(1.0, 20.0) == pytest.approx(81.0)


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [
        (None, 0.0),
        (-1.0, 0.0),
        (0.0, 0.0),
        (12.5, 12.5),
        (3600.0, 3600.0),
        (1e308, 3600.0),
        (float("inf"), 3600.0),
        (float("nan"), 0.0),
    ],
)
def test_nobody_waits_for_more_than_an_hour_at_a_servers_word(
    asked_s: float | None, wait_s: float
) -> None:
    assert bounded_wait_s(asked_s) == wait_s


def test_a_breaker_says_why_it_is_open() -> None:
    breaker = CircuitBreaker("Time", BreakerPolicy(failures=2))
    breaker.failed(0.0, "first")
    breaker.failed(1.0, "GET https://host/Time failed: no route")

    with pytest.raises(CircuitOpen) as caught:
        breaker.enter(2.0)

    assert str(caught.value) == (
        "Time keeps failing (GET https://host/Time failed: no route); not called for 29.0 s more"
    )


@pytest.mark.parametrize("policy", [{"failures": 0}, {"open_s": 0}, {"successes": 0}])
def test_a_breaker_that_makes_no_sense_is_refused(policy: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="above 0"):
        structs.replace(BreakerPolicy(), **policy)
