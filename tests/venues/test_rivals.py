"""Tests of `venues.rivals`: which subscriptions cannot be on one link together."""

from collections import deque

import pytest

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import Send
from fluxum.venues.rivals import check_rival, follow
from fluxum.venues.subscriptions import RequestLimits, Subscriptions

BTC = Symbol("BTC/USD")
SHALLOW, DEEP = Subscription(Channel.BOOK, BTC, 5), Subscription(Channel.BOOK, BTC, 50)
MINUTES, HOURS = (Subscription(Channel.CANDLE, BTC, None, seconds) for seconds in (60, 3600))


def active(*subscriptions: Subscription) -> Subscriptions:
    link = Subscriptions(
        "venue", deque(), RequestLimits(topics=10), lambda request: Send(request.op.encode())
    )
    for one in subscriptions:
        link.open(str(one), one)
    return link


def test_two_books_of_one_market_cannot_be_told_apart() -> None:
    with pytest.raises(LocalProtocolError, match="cannot be distinguished from"):
        check_rival(active(SHALLOW), DEEP)


@pytest.mark.parametrize(
    "wanted",
    [
        SHALLOW,
        Subscription(Channel.BOOK, Symbol("ETH/USD"), 50),
        Subscription(Channel.TRADE, BTC),
        HOURS,
    ],
    ids=str,
)
def test_a_repetition_and_other_events_are_no_rivals(wanted: Subscription) -> None:
    check_rival(active(SHALLOW, MINUTES), wanted)


def test_on_a_tape_a_deeper_book_replaces_a_shallower_one() -> None:
    link = active(SHALLOW)

    assert follow(link, "deep", DEEP)

    assert link.by_topic == {"deep": DEEP}
    assert link.is_closed(str(SHALLOW))


def test_on_a_tape_a_shallower_book_and_a_repetition_change_nothing() -> None:
    link = active(DEEP, HOURS)

    assert not follow(link, "shallow", SHALLOW)
    assert not follow(link, "hours again", HOURS)
    assert follow(link, "minutes", MINUTES)

    assert list(link.by_topic.values()) == [DEEP, HOURS, MINUTES]
