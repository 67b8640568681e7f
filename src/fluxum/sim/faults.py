"""Faults between a venue and a client, injected on purpose and reproducibly.

Faults are written as text, `corrupt@6s,hangup@12s,silence@20s+5s,drop=0.001`: `kind@start` happens
once, `+duration` sets how long it lasts, `kind=rate` hits frames (for `refuse`: dials) with that
probability, and `kind:code` sets a close code or an HTTP status. A single drop, duplicate,
reorder, delay or corruption waits for the next frame of a book, where it can be seen. `lostack`
and `cutoff` hit commands, `stale` and `limited` an account's tokens and calls.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from random import Random

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.venues.server.accounts import OrderFault

__all__ = ["Fault", "FaultKind", "FaultPlan", "parse_faults"]


class FaultKind(Enum):
    """The kinds of faults."""

    DROP = "drop"
    """A frame never arrives."""
    DUPLICATE = "duplicate"
    """A frame arrives twice."""
    REORDER = "reorder"
    """A frame arrives after the next one."""
    DELAY = "delay"
    """A frame, and all after it, arrive late."""
    CORRUPT = "corrupt"
    """One digit of one number is wrong."""
    CUT = "cut"
    """A frame ends in the middle."""
    SILENCE = "silence"
    """No data is published for a while; heartbeats and answers go on."""
    FREEZE = "freeze"
    """Nothing at all arrives for a while, then everything at once."""
    HANGUP = "hangup"
    """The venue closes its links."""
    REFUSE = "refuse"
    """The venue refuses new links."""
    MAINTENANCE = "maintenance"
    """The engine stops, and comes back step by step."""
    LOST_ACK = "lostack"
    """The answer to an accepted order never arrives."""
    CUT_OFF = "cutoff"
    """The venue hangs up on a command, before it executes it."""
    STALE = "stale"
    """Every token of a private link expires."""
    LIMITED = "limited"
    """Signed calls are refused for a while, as too many."""


class Fault(Struct, frozen=True):
    """One fault: once at `at_s` after the start, or with a probability.

    `duration_s` of zero is a single instant; `code` is a close code or an HTTP status.
    """

    kind: FaultKind
    at_s: float | None = None
    duration_s: float = 0.0
    rate: float = 0.0
    code: int | None = None


class FaultPlan:
    """Which faults happen when. `injected` counts them; reproducible from its generator."""

    def __init__(self, faults: Iterable[Fault], random: Random) -> None:
        every = tuple(faults)
        self.injected: Counter[FaultKind] = Counter()
        self.timed = tuple(sorted((f for f in every if _is_timed(f)), key=lambda f: f.at_s or 0.0))
        """Faults of the whole exchange, by time; the exchange performs them."""
        once = [
            f for f in every if f.at_s is not None and not _is_timed(f) and not _is_order_fault(f)
        ]
        self._armed: list[Fault] = sorted(once, key=lambda f: f.at_s or 0.0)
        self._order_faults = [f for f in every if _is_order_fault(f)]
        self._rates = [
            f for f in every if f.rate and f.kind is not FaultKind.REFUSE and not _is_order_fault(f)
        ]
        self._refusals = [f for f in every if f.rate and f.kind is FaultKind.REFUSE]
        self._random = random

    @property
    def is_spent(self) -> bool:
        """Whether no more frames will be hit."""
        return not self._armed and not self._rates

    def strike(self, frame: bytes, elapsed_s: float) -> Fault | None:
        """The fault that hits this frame, if any; it is counted and, if single, used up."""
        if self._armed and elapsed_s >= (self._armed[0].at_s or 0.0) and _is_of_book(frame):
            return self._struck(self._armed.pop(0))
        for fault in self._rates:
            if self._random.random() < fault.rate:
                return self._struck(fault)
        return None

    def refusal(self) -> Fault | None:
        """The fault that refuses this dial, if any; it is counted."""
        for fault in self._refusals:
            if self._random.random() < fault.rate:
                return self._struck(fault)
        return None

    def arm(self, kind: FaultKind) -> None:
        """Inject a fault of commands once, at the next opportunity."""
        self._order_faults.append(Fault(kind, 0.0))

    def roll_fault(self, order_fault: OrderFault, elapsed_s: float) -> bool:
        """Whether this fault hits a command now; a single fault is used up."""
        kind = _ORDER_FAULTS.get(order_fault)
        for index, fault in enumerate(self._order_faults):
            if fault.kind is not kind or elapsed_s < (fault.at_s or 0.0):
                continue
            if fault.at_s is not None:
                self._struck(self._order_faults.pop(index))
                return True
            if self._random.random() < fault.rate:
                self._struck(fault)
                return True
        return False

    def corrupt(self, frame: bytes) -> bytes:
        """The frame with one digit of one of its numbers changed; it is still valid JSON."""
        numbers = [match for match in _TOKEN.finditer(frame) if match[1]]
        if not numbers:
            return frame
        number = numbers[self._choose(len(numbers))]
        places = [place for place in range(*number.span(1)) if frame[place] in _DIGITS]
        place = places[self._choose(len(places))]
        # Never a zero: it could be the first digit, which JSON forbids.
        others = [digit for digit in _DIGITS[1:] if digit != frame[place]]
        wrong = others[self._choose(len(others))]
        return frame[:place] + bytes((wrong,)) + frame[place + 1 :]

    def cut(self, frame: bytes) -> bytes:
        """The frame without its end; it is not valid JSON any more."""
        return frame[: 1 + self._choose(max(1, len(frame) - 2))]

    def _struck(self, fault: Fault) -> Fault:
        self.injected[fault.kind] += 1
        return fault

    def _choose(self, count: int) -> int:
        return int(self._random.random() * count)


def parse_faults(text: str) -> Sequence[Fault]:
    """The faults that a text describes; raises BadInput that shows the item and lists the kinds."""
    return tuple(_parse(item.strip()) for item in text.split(",") if item.strip())


_DIGITS = b"0123456789"
_BOOK = re.compile(rb'"(?:bids|asks|b|a|changes|updates)":\s*\[')
# A string, or a number outside of strings.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)')
_ITEM = re.compile(
    r"(?P<kind>[a-z]+)(?::(?P<code>\d{3,4}))?"
    r"(?:@(?P<at>\d+(?:\.\d+)?)s?(?:\+(?P<duration>\d+(?:\.\d+)?)s?)?|=(?P<rate>\d*\.?\d+))"
)

_TIMED = {
    # Faults of the whole exchange, and how long they last unless the text has a duration.
    FaultKind.SILENCE: 5.0,
    FaultKind.FREEZE: 5.0,
    FaultKind.HANGUP: 0.0,
    FaultKind.REFUSE: 5.0,
    FaultKind.MAINTENANCE: 30.0,
    FaultKind.STALE: 0.0,
    FaultKind.LIMITED: 5.0,
}
_ORDER_FAULTS = {OrderFault.LOST_ANSWER: FaultKind.LOST_ACK, OrderFault.CUT_OFF: FaultKind.CUT_OFF}
_DELAY_S = 1.0
_NO_RATE = frozenset(
    {
        FaultKind.SILENCE,
        FaultKind.FREEZE,
        FaultKind.MAINTENANCE,
        FaultKind.STALE,
        FaultKind.LIMITED,
    }
)
_CODES = {FaultKind.HANGUP: range(1000, 5000), FaultKind.REFUSE: range(400, 600)}


def _is_timed(fault: Fault) -> bool:
    return fault.at_s is not None and fault.kind in _TIMED


def _is_order_fault(fault: Fault) -> bool:
    return fault.kind in _ORDER_FAULTS.values()


def _is_of_book(frame: bytes) -> bool:
    return _BOOK.search(frame) is not None


def _parse(item: str) -> Fault:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise BadInput(
            f"a fault like corrupt@6s, silence@20s+5s, hangup:1012@9s or drop=0.001 was expected "
            f"({_kinds()}), was {item!r}"
        )
    try:
        kind = FaultKind(match["kind"])
    except ValueError as error:
        raise BadInput(f"a kind of fault was expected ({_kinds()}), was {item!r}") from error
    rate = float(match["rate"] or 0)
    if match["rate"] and (not 0 < rate <= 1 or kind in _NO_RATE):
        takes = "takes no rate" if kind in _NO_RATE else "needs a rate above 0 and at most 1"
        raise BadInput(f"{kind.value} {takes} ({_kinds()}), was {item!r}")
    code = None if match["code"] is None else int(match["code"])
    if code is not None and code not in _CODES.get(kind, ()):
        raise BadInput(f"{kind.value} has no code {code} (hangup and refuse have), was {item!r}")
    at_s = None if match["at"] is None else float(match["at"])
    usual = _DELAY_S if kind is FaultKind.DELAY else _TIMED.get(kind, 0.0)
    duration_s = usual if match["duration"] is None else float(match["duration"])
    return Fault(kind, at_s, duration_s, rate, code)


def _kinds() -> str:
    return ", ".join(kind.value for kind in FaultKind)
