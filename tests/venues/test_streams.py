"""What a link carries and what it still owes, by the venue's own names."""

import pytest

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.streams import Ask, Streams

BOOK = Subscription(Channel.BOOK, Symbol("BTC/USD"), 50)
TRADES = Subscription(Channel.TRADE, Symbol("BTC/USD"))


def test_a_stream_is_carried_once_and_late_after_its_end() -> None:
    streams = Streams()

    assert streams.begin("book.BTC", BOOK)
    assert not streams.begin("book.BTC", BOOK)
    assert (streams.by_topic, streams.topic(BOOK)) == ({"book.BTC": BOOK}, "book.BTC")
    assert not streams.is_ended("book.BTC")

    assert streams.end("book.BTC") == BOOK
    assert streams.end("book.BTC") is None
    assert streams.is_ended("book.BTC")
    assert streams.topic(BOOK) is None

    assert streams.begin("book.BTC", BOOK)
    assert not streams.is_ended("book.BTC")


def test_two_streams_that_look_alike_on_the_wire_are_refused() -> None:
    streams = Streams()
    streams.begin("book.BTC", BOOK)
    with pytest.raises(LocalProtocolError, match="'book BTC/USD 10' cannot be told apart"):
        streams.begin("book.BTC", Subscription(Channel.BOOK, Symbol("BTC/USD"), 10))


def test_a_request_is_answered_as_a_whole_by_its_number() -> None:
    streams = Streams()
    streams.begin("book.BTC", BOOK)
    streams.begin("trade.BTC", TRADES)
    ask = streams.ask("subscribe", ["book.BTC", "trade.BTC"])

    assert streams.unanswered() == [BOOK, TRADES]
    assert streams.answered(ask.number) is ask
    assert streams.answered(ask.number) is None
    assert streams.unanswered() == ()


def test_a_request_is_answered_topic_by_topic_oldest_first() -> None:
    streams = Streams()
    streams.begin("book.BTC", BOOK)
    streams.begin("trade.BTC", TRADES)
    first = streams.ask("subscribe", ["book.BTC", "trade.BTC"])
    again = streams.ask("subscribe", ["book.BTC"], quiet=True)

    assert streams.settled("unsubscribe", "book.BTC") is None
    assert streams.settled("subscribe", "book.BTC") is first
    assert streams.settled("subscribe", "book.BTC") is again
    assert again.quiet
    assert streams.settled("subscribe", "book.BTC") is None
    assert streams.unanswered() == [TRADES]


def test_a_venue_that_answers_in_order_needs_no_number() -> None:
    streams = Streams()
    one = streams.ask("subscribe", ["a"])
    streams.ask("unsubscribe", ["b"])
    two = streams.ask("subscribe", ["c"])

    assert [streams.oldest("subscribe") for _ in range(3)] == [one, two, None]
    assert one == Ask(1, "subscribe", ["a"], quiet=False)


def test_the_memory_of_ended_streams_is_bounded() -> None:
    streams = Streams()
    for number in range(10_001):
        streams.begin(f"{number}", BOOK)
        streams.end(f"{number}")

    assert not streams.is_ended("0")
    assert streams.is_ended("1")
    assert streams.is_ended("10000")
