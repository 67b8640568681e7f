"""The REST calls of protocols that play a tape, and which of the recorded ones they are.

A tape has the time at which each call was made. So an answer belongs to the call that was waiting
then, as it did live; and a call that no protocol waits with was made by the session itself, which
fetches a book again that it has doubts about: see `stream_of`. On older tapes, which have answers
alone, a call gets the oldest answer that is alike.
"""

from msgspec import Struct

from fluxum.model.event import Subscription
from fluxum.tape.answers import NEVER_NS, RecordedAnswers, call_of
from fluxum.tape.lines import TapeFrame
from fluxum.venues.conversation import Fetch

__all__ = ["RecordedCalls", "WantedCall"]


class WantedCall(Struct, frozen=True):
    """A call that the protocol of a link wants, since an instant; 0 for its beginning."""

    fetch: Fetch
    link: int
    since_ns: int = 0


class RecordedCalls:
    """The calls of one recording; `answers` are those that no line of a request precedes."""

    def __init__(self, answers: RecordedAnswers) -> None:
        self._answers = answers
        self._wanted: list[WantedCall] = []
        self._changes = -1  # of the answers, when there was none to any call that waits
        self._again_ns = 0
        self._made: dict[int, WantedCall] = {}
        self._streams: dict[tuple[int, tuple[str, tuple[str, ...]]], Subscription] = {}

    @property
    def soonest_ns(self) -> int:
        """From when on a call that waits may have an answer that no line of a request precedes."""
        if not self._wanted:
            return NEVER_NS
        return 0 if self._answers.changes != self._changes else self._again_ns

    def want(self, call: WantedCall) -> None:
        """Keep a call until it is made; one that is alike in all waits already."""
        if not any(one.fetch == call.fetch and one.link == call.link for one in self._wanted):
            self._wanted.append(call)
            self._changes = -1
        subscription = call.fetch.subscription
        if subscription is not None and _is_of_book(call.fetch):
            self._streams[call.link, call_of(call.fetch.path)] = subscription

    def forget(self, link: int) -> None:
        """A link was closed, and its calls with it."""
        self._wanted = [one for one in self._wanted if one.link != link]
        self._made = {number: one for number, one in self._made.items() if one.link != link}
        self._streams = {key: one for key, one in self._streams.items() if key[0] != link}

    def made(self, request: TapeFrame) -> bool:
        """A call was made; whether a protocol waits with it.

        A session makes the last of those that are alike, and the others not at all.
        """
        key = call_of(request.url)
        alike = [one for one in self._wanted if call_of(one.fetch.path) == key]
        same = [one for one in alike if one.link == alike[0].link]
        if same:
            self._wanted = [one for one in self._wanted if one not in same]
            self._made[request.call] = same[-1]
        return bool(same)

    def stream_of(self, request: TapeFrame) -> tuple[int, Subscription] | None:
        """The newest link that has made such a call, and its book; `None` if none has."""
        key = call_of(request.url)
        links = [link for link, known in self._streams if known == key]
        return (max(links), self._streams[max(links), key]) if links else None

    def failed(self, end: TapeFrame) -> None:
        """A call had no answer: it is made again, unless a newer one that is alike waits."""
        call = self._made.pop(end.call, None)
        if call is not None:
            self._wanted.insert(0, call)
            self._changes = -1

    def answered(self, answer: TapeFrame) -> WantedCall | None:
        """The call that an answer is to; `None` if no protocol has made it."""
        return self._made.pop(answer.call, None) if answer.call else None

    def next_answered(self, now_ns: int | None) -> tuple[WantedCall, bytes] | None:
        """A call that waits, and an answer that no line of a request precedes, or `None`.

        The snapshot of a book is none that was requested before the call; a list of markets may be
        older, as a session reads it before it subscribes.
        """
        for call in self._wanted:
            since_ns = call.since_ns if _is_of_book(call.fetch) else 0
            body = self._answers.take(call.fetch.path, now_ns, since_ns)
            if body is not None:
                self._wanted.remove(call)
                return call, body
        self._changes = self._answers.changes
        self._again_ns = self._answers.soonest_ns(now_ns)
        return None


def _is_of_book(fetch: Fetch) -> bool:
    return fetch.subscription is not None and fetch.subscription.channel.is_book
