"""Requests one at a time, as an answer may name neither its request nor its topics.

On futures an acknowledgement repeats no id, and one bad topic refuses its whole request, so the
next request waits until the last is answered: then an answer can only be to that one. A refusal
mostly names the bad topic in its text; the others are asked for again, by halves if it does not
(https://bybit-exchange.github.io/docs/v5/ws/connect; the texts as users report them).
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct

from fluxum.venues.bybit import native
from fluxum.venues.venue import Effect, Send

__all__ = ["Asked", "Requests", "halves", "named"]

_CHARACTERS_MAX = 20_000
_BETWEEN_WORDS = re.compile(r"[\s,\[\]]+")


class Asked(Struct):
    """A request. `quiet` ones are part of a resync, which nobody else asked for."""

    number: int
    op: str
    topics: list[str]
    quiet: bool


class Requests:
    """What is to be asked, oldest first; the first of it is on its way."""

    def __init__(self, outbox: deque[Effect], args_max: int) -> None:
        self._outbox = outbox
        self._args_max = args_max
        self._waiting: deque[Asked] = deque()
        self._last_number = 0
        self._is_old = False

    @property
    def current(self) -> Asked | None:
        """The request that is on its way, or none."""
        return self._waiting[0] if self._waiting else None

    def add(self, op: str, topics: Iterable[str], *, quiet: bool = False) -> None:
        """Ask for topics, in as few requests as are allowed."""
        was_idle = not self._waiting
        for group in self._groups(topics):
            self._last_number += 1
            self._waiting.append(Asked(self._last_number, op, group, quiet))
        if was_idle:
            self._send()

    def answered(self) -> Asked | None:
        """The request on its way is answered; the next one goes out."""
        if not self._waiting:
            return None
        done = self._waiting.popleft()
        self._send()
        return done

    def outstanding(self, op: str) -> set[str]:
        """The topics that are being asked for, or are to be."""
        return {topic for asked in self._waiting if asked.op == op for topic in asked.topics}

    def waiting(self) -> set[str]:
        """The topics that are to be asked for, once the request on its way is answered."""
        later = list(self._waiting)[1:]
        return {topic for asked in later if asked.op == "subscribe" for topic in asked.topics}

    def time_passed(self) -> bool:
        """Told every twenty seconds or so; whether the request on its way is older than that.

        Its answer is lost then, or there was none, as for what is carried already.
        """
        if not self._waiting:
            self._is_old = False
            return False
        was_old, self._is_old = self._is_old, True
        return was_old

    def _send(self) -> None:
        self._is_old = False
        if self._waiting:
            asked = self._waiting[0]
            request = native.Request(asked.op, tuple(asked.topics), str(asked.number))
            self._outbox.append(Send(native.encode(request)))

    def _groups(self, topics: Iterable[str]) -> Sequence[list[str]]:
        groups: list[list[str]] = []
        size = 0
        for topic in topics:
            size += len(topic)
            if not groups or len(groups[-1]) == self._args_max or size > _CHARACTERS_MAX:
                groups.append([])
                size = len(topic)
            groups[-1].append(topic)
        return groups


def named(topics: Iterable[str], reason: str) -> list[str]:
    """Those topics that a refusal names.

    `error:handler not found,topic:orderbook.500.BTCUSDT`, `Invalid symbol :[publicTrade.NOPEUSDT]`:
    whole words only, as one topic may begin like another.
    """
    words = _BETWEEN_WORDS.split(reason)
    return [
        topic
        for topic in topics
        if any(word == topic or word.endswith(f":{topic}") for word in words)
    ]


def halves(topics: Sequence[str]) -> Sequence[Sequence[str]]:
    """Two requests for one, to find which topic is the bad one."""
    middle = (len(topics) + 1) // 2
    return [half for half in (topics[:middle], topics[middle:]) if half]
