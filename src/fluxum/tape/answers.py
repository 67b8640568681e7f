"""The answers to REST calls on a tape or beside it."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fluxum.tape.lines import TapeFrame
from fluxum.tape.reader import TapeReader

__all__ = ["NEVER_NS", "RecordedAnswers", "call_of"]

NEVER_NS = 1 << 63
"""Later than any instant of a recording."""

# The names of parameters that select a market, or a kind of markets.
_MARKETS = ("symbol", "instId", "product_id", "category", "instType")


class RecordedAnswers:
    """The answers to REST calls of one recording, each used once.

    They come from `NAME.rest.jsonl.gz` beside `NAME.jsonl.gz`, and from the tape itself; the latter
    are added as they are read.
    """

    def __init__(self, path: Path) -> None:
        self.changes = 0
        """How many answers and requests were added."""
        self._answers: list[TapeFrame] = []
        self._asked: dict[int, int] = {}  # by the number of the call
        for suffix in (".jsonl.gz", ".jsonl"):
            beside = path.with_name(path.name.removesuffix(suffix) + ".rest" + suffix)
            if path.name.endswith(suffix) and beside.is_file():
                self._answers += [line for line in TapeReader(beside) if line.is_answer]

    def add(self, answer: TapeFrame) -> None:
        """Add an answer, or a request, that was read from the tape."""
        self.changes += 1
        if answer.is_answer:
            self._answers.append(answer)
        elif answer.sent and answer.ns is not None:
            self._asked[answer.call] = answer.ns
        else:
            self._asked.pop(answer.call, None)

    def soonest_ns(self, now_ns: int | None) -> int:
        """When the next answer arrives that had not by then; `NEVER_NS` if there is none."""
        if now_ns is None:
            return NEVER_NS
        return min(
            (one.ns for one in self._answers if one.ns is not None and one.ns > now_ns),
            default=NEVER_NS,
        )

    def take(self, path: str, now_ns: int | None, since_ns: int = 0) -> bytes | None:
        """The oldest answer to such a call that had arrived by then; `None` if there is none.

        One is left out if it is known that its call was made before `since_ns`.
        Calls are alike if the last part of their path and their market or kind of market, if any,
        are equal: the recorded client may have used another version of the call, or another limit.
        """
        if not self._answers:
            return None
        wanted = call_of(path)
        for index, answer in enumerate(self._answers):
            is_there = answer.ns is None or now_ns is None or answer.ns <= now_ns
            is_late = self._asked.get(answer.call, since_ns) >= since_ns
            if is_there and is_late and call_of(answer.url) == wanted:
                self._asked.pop(answer.call, None)
                return self._answers.pop(index).frame
        return None

    def take_exact(self, path: str, now_ns: int | None) -> bytes | None:
        """The oldest answer to exactly this call that had arrived by then; `None` without one."""
        for index, answer in enumerate(self._answers):
            is_there = answer.ns is None or now_ns is None or answer.ns <= now_ns
            if is_there and answer.url.endswith(path):
                return self._answers.pop(index).frame
        return None


@lru_cache(256)
def call_of(url: str) -> tuple[str, tuple[str, ...]]:
    """What alike calls have in common; see `RecordedAnswers.take`."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    named = [query.get(name, []) for name in _MARKETS]
    return parts.path.rstrip("/").rpartition("/")[2], tuple(",".join(one) for one in named)
