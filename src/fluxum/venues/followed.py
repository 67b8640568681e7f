"""What another client requested, on a tape: whether the end of a stream is one still.

A client that may have missed something requests the end of a stream and its new beginning at once.
The answer to the end may then be late, and the answer to the new beginning may be damaged or lost;
until the new beginning, the stream goes on. A session follows what it requested, so a replay does
too: an end behind which the stream was requested anew closes nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, ParamSpec, TypeVar

from fluxum.model.event import Subscription
from fluxum.venues.subscriptions import Subscriptions

__all__ = ["FollowedRequests", "NumberedRequests"]

P = ParamSpec("P")
T = TypeVar("T")

_NUMBERED_MAX = 1_000


class FollowedRequests:
    """The requests of another client for the topics of one link; sans-IO."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self.has_ends = False
        """Whether the end of a topic was requested since `end_unanswered` was called last."""
        self._renewed: dict[str, bool] = {}
        """Topics whose end was requested; true once they were requested anew."""

    def request(self, op: str, topics: Iterable[str]) -> None:
        """Another client requested to `subscribe` or `unsubscribe` these; no other `op` counts."""
        for topic in topics:
            if op == "unsubscribe":
                self._renewed[topic] = False
                self.has_ends = True
            elif op == "subscribe" and topic in self._renewed:
                self._renewed[topic] = True

    def is_renewed(self, topic: str) -> bool:
        """Whether a topic was requested anew behind an end that may not be answered yet."""
        return self._renewed.get(topic, False)

    def end(self, topic: str) -> Subscription | None:
        """The venue answered an end: close the topic, unless it was requested anew.

        Returns the subscription that ended.
        """
        if self.is_renewed(topic):
            return None
        self._renewed.pop(topic, None)
        return self._subscriptions.close(topic)

    def ending(self) -> list[str]:
        """Topics whose end was requested and not closed yet, without those requested anew."""
        return [topic for topic, is_renewed in self._renewed.items() if not is_renewed]

    def end_unanswered(self) -> None:
        """Close the topics whose end was requested, unless they were requested anew.

        For a venue that does not answer by topic: to be called before the next frame is read.
        """
        self.has_ends = False
        for topic in self.ending():
            self.end(topic)

    def settling(self, scan: Callable[P, T | None] | None) -> Callable[P, T | None] | None:
        """A scanner that leaves frames to be received while `has_ends` is true."""
        if scan is None:
            return None
        settled = scan

        def scan_settled(*args: P.args, **kwargs: P.kwargs) -> T | None:
            return None if self.has_ends else settled(*args, **kwargs)

        return scan_settled


class NumberedRequests(Generic[T]):
    """Requests of another client by their number, for answers that name nothing else.

    The answer to one may be missing on a tape, so the newest 1,000 are kept.
    """

    def __init__(self) -> None:
        self._requests: OrderedDict[int | str, T] = OrderedDict()

    def keep(self, number: int | str, request: T) -> None:
        """Another client sent this request."""
        self._requests[number] = request
        self._requests.move_to_end(number)
        if len(self._requests) > _NUMBERED_MAX:
            self._requests.popitem(last=False)

    def find(self, number: int | str | None) -> T | None:
        """The request of this number; none for no number or one that is not kept."""
        return None if number is None else self._requests.get(number)

    def answer(self, number: int | str | None) -> T | None:
        """The same, for the only answer to it: the request is kept no more."""
        return None if number is None else self._requests.pop(number, None)
