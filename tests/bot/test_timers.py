"""Timers are due at whole multiples of their intervals, whenever they begin."""

from fluxum.bot import Every, Timer
from fluxum.bot.engine_state import Ahead
from fluxum.bot.timers import Timers

S = 1_000_000_000


def test_nothing_is_due_before_the_first_event() -> None:
    timers = Timers([Every(60, "minute")])

    assert timers.due() is None
    timers.begin(61 * S)
    assert timers.due() == Timer(name="minute", received_ns=120 * S)


def test_the_nearest_is_due_first_and_comes_again() -> None:
    timers = Timers([Every(60, "minute"), Every(25, "other")])
    timers.begin(61 * S)

    due = timers.due()
    assert due == Timer(name="other", received_ns=75 * S)
    assert due is not None
    timers.take(due)
    assert [one.due_ns for one in timers.ahead] == [120 * S, 100 * S]


def test_one_that_comes_late_is_due_once_not_once_for_each_interval() -> None:
    timers = Timers([Every(60, "minute")], [Ahead("minute", 60 * S, 120 * S)])

    timers.take(Timer(name="minute", received_ns=1_000 * S))

    assert timers.due() == Timer(name="minute", received_ns=1_020 * S)
