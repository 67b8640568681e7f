"""What one link carries, by the venue's own name of each stream, and what it still owes.

A topic is whatever makes a stream on the wire: `btcusdt@depth@100ms`, `orderbook.50.BTCUSDT`,
`books BTC-USDT`. Requests are numbered here; an answer settles all the topics of its request, one
of them, or (a snapshot) whichever request asked for that topic.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Subscription

__all__ = ["Ask", "Streams"]

_ENDED_KEPT = 10_000


class Ask(Struct):
    """A request on its way. `quiet` ones are part of a resync, which nobody else asked for."""

    number: int
    method: str
    topics: list[str]
    quiet: bool


class Streams:
    """The streams of one link: carried, ended, and asked for.

    `by_topic` may be read on the frame path; change it only through the methods.
    """

    def __init__(self) -> None:
        self.by_topic: dict[str, Subscription] = {}
        self._topics: dict[Subscription, str] = {}
        self._ended: dict[str, None] = {}
        self._asks: dict[int, Ask] = {}
        self._last_number = 0

    # What is carried

    def begin(self, topic: str, subscription: Subscription) -> bool:
        """Carry a stream; false if it is carried already.

        Raises LocalProtocolError when the topic stands for another subscription, as their data
        could not be told apart.
        """
        known = self.by_topic.get(topic)
        if known is None:
            self.by_topic[topic] = subscription
            self._topics[subscription] = topic
            self._ended.pop(topic, None)
            return True
        if known != subscription:
            raise LocalProtocolError(
                f"'{subscription}' cannot be told apart from '{known}' on one link"
            )
        return False

    def end(self, topic: str) -> Subscription | None:
        """Carry a stream no longer; returns what it was, none if it was not carried."""
        subscription = self.by_topic.pop(topic, None)
        if subscription is not None:
            del self._topics[subscription]
            self._ended[topic] = None
            if len(self._ended) > _ENDED_KEPT:
                del self._ended[next(iter(self._ended))]
        return subscription

    def topic(self, subscription: Subscription) -> str | None:
        """The topic a subscription is carried under, or none."""
        return self._topics.get(subscription)

    def is_ended(self, topic: str) -> bool:
        """Whether data of this topic is only late: it was carried and is no more."""
        return topic in self._ended

    # What is asked

    def next_number(self) -> int:
        """A number no request has had on this link."""
        self._last_number += 1
        return self._last_number

    def ask(self, method: str, topics: Iterable[str], *, quiet: bool = False) -> Ask:
        """Note a request that is about to be sent."""
        ask = Ask(self.next_number(), method, list(topics), quiet)
        self._asks[ask.number] = ask
        return ask

    def answered(self, number: int) -> Ask | None:
        """The answer to a whole request is here; none if nobody waits for it."""
        return self._asks.pop(number, None)

    def settled(self, method: str, topic: str) -> Ask | None:
        """One topic is answered: the oldest request that asked this of it, none if there is none.

        The topic is taken off the request, which is done with when it was the last one.
        """
        for ask in self._asks.values():
            if ask.method == method and topic in ask.topics:
                ask.topics.remove(topic)
                if not ask.topics:
                    del self._asks[ask.number]
                return ask
        return None

    def oldest(self, method: str) -> Ask | None:
        """The request that has waited longest, for venues that answer in order without a number."""
        for ask in self._asks.values():
            if ask.method == method:
                return self._asks.pop(ask.number)
        return None

    def unanswered(self) -> Sequence[Subscription]:
        """The carried streams of every request still without an answer."""
        if not self._asks:
            return ()
        by_topic = self.by_topic
        return [
            by_topic[topic]
            for ask in self._asks.values()
            for topic in ask.topics
            if topic in by_topic
        ]
