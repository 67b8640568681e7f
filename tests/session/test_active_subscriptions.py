"""When a stream is asked again."""

from types import SimpleNamespace
from typing import cast

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.active_subscriptions import Stream
from fluxum.session.feed import Feed


def stream() -> Stream:
    feed = cast("Feed", SimpleNamespace())
    return Stream(Subscription(Channel.BOOK, Symbol("BTC/USD"), 10), feed)


def test_the_first_resync_is_at_once_and_later_ones_wait_longer_and_longer() -> None:
    one = stream()

    waits = [one.next_resync_s(now_s) for now_s in range(100, 110)]

    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


def test_after_a_quiet_minute_a_failure_is_the_first_again() -> None:
    one = stream()
    for now_s in (100, 101, 102):
        one.next_resync_s(now_s)

    assert one.next_resync_s(162.5) == 0.0


def test_silence_is_counted_from_when_the_last_word_was_first_seen() -> None:
    one = stream()

    assert one.silent_s(None, 10.0) == 0.0
    assert one.silent_s(None, 12.0) == 2.0
    assert one.silent_s(77, 13.0) == 0.0
    assert one.silent_s(77, 20.0) == 7.0
