"""Tests of how lists of all subscriptions answer the requests of a link."""

from collections import deque

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.topics import Topics, wire_request
from fluxum.venues.instrument_list import InstrumentList, ListPage
from fluxum.venues.venue import Effect, Send

NOW = 1_786_309_548_000_000_000


def ticker(product: str) -> Subscription:
    return Subscription(Channel.TICKER, Symbol(f"{product}/USD"))


A, B = ticker("A"), ticker("B")


class Link:
    """Streams of one link, each request of which is its own frame."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.streams = Streams(
            "venue",
            self.outbox,
            Topics({Channel.TICKER: "ticker"}),
            lambda request: Send(" ".join([request.op, *wire_request(request)[1]]).encode()),
            lambda _channel, _symbol: None,
            InstrumentList(
                "venue", self.outbox, (), lambda _fetch, _body: ListPage(()), lambda _row, _ns: None
            ),
        )

    def listed(self, *products: str) -> list[str]:
        listing = {"ticker": [f"{one}-USD" for one in products]}
        return shown(self.streams.listed(listing, NOW))

    def omitted(self, *products: str) -> list[str]:
        listing = {"ticker": [f"{one}-USD" for one in products]}
        return shown(self.streams.omitted(listing, NOW))

    def sent(self) -> list[str]:
        frames = [one.frame.decode() for one in self.outbox if isinstance(one, Send)]
        self.outbox.clear()
        return frames


def shown(events: list[Event]) -> list[str]:
    """Events in short: `Subscribed A/USD`."""
    streams = [getattr(one, "subscription", None) for one in events]
    return [
        f"{type(event).__name__} {getattr(one, 'symbol', None)}"
        for event, one in zip(events, streams, strict=True)
    ]


def test_a_list_answers_the_oldest_request_it_agrees_with() -> None:
    link = Link()
    link.streams.subscribe([A])
    link.streams.subscribe([B])

    assert link.listed("A") == ["Subscribed A/USD"]
    assert list(link.streams.subscriptions.unanswered()) == [B]
    assert link.listed("A", "B") == ["Subscribed B/USD"]
    assert not link.streams.subscriptions.unanswered()
    assert link.listed("A", "B") == []


def test_an_end_and_a_new_beginning_are_answered_in_turn() -> None:
    link = Link()
    link.streams.subscribe([A])
    link.listed("A")
    link.streams.resync(A)
    assert link.sent() == ["subscribe A-USD", "unsubscribe A-USD", "subscribe A-USD"]

    assert link.listed() == []
    link.streams.resync(A)
    assert link.sent() == []
    assert link.listed("A") == []
    link.streams.resync(A)
    assert len(link.sent()) == 2


def test_a_lost_answer_holds_up_no_other_request() -> None:
    link = Link()
    link.streams.subscribe([A])
    link.listed("A")
    link.streams.resync(A)

    assert link.listed("A") == []
    assert not link.streams.subscriptions.unanswered()


def test_data_acknowledge_too_and_the_list_is_still_that_of_its_request() -> None:
    link = Link()
    link.streams.subscribe([A])
    link.streams.subscribe([B])

    assert shown([*link.streams.data(A, NOW)]) == ["Subscribed A/USD"]
    assert not link.streams.data(A, NOW)
    assert list(link.streams.subscriptions.unanswered()) == [B]
    assert link.omitted("A") == []
    assert link.listed("A") == []
    assert link.listed("A", "B") == ["Subscribed B/USD"]


def test_a_list_that_accepts_nothing_refuses_the_oldest_in_part() -> None:
    link = Link()
    link.streams.subscribe([A, B])

    assert link.listed("A") == []
    assert link.omitted("A") == ["Subscribed A/USD", "Refused B/USD"]
    assert link.omitted() == []


def test_a_list_that_accepts_something_refuses_no_request() -> None:
    link = Link()
    link.streams.subscribe([A])

    assert link.omitted("A") == []
    assert list(link.streams.subscriptions.unanswered()) == [A]


def test_an_answer_that_may_be_lost_holds_up_no_resync() -> None:
    link = Link()
    link.streams.subscribe([A])
    link.sent()

    link.streams.subscriptions.doubt()

    link.streams.resync(A)
    assert link.sent() == ["unsubscribe A-USD", "subscribe A-USD"]
    assert list(link.streams.subscriptions.unanswered()) == [A]
    assert shown([*link.streams.data(A, NOW)]) == ["Subscribed A/USD"]
