"""Whether a run decides the same again from its tape: each decision, in its order. Pure.

The journal has what the bot received beside market data, and after how many events of market data;
the tape has the market data. So the same engine is stepped through both, and each decision is
compared with the one that was written down.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from fluxum.bot.books import Books
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import EngineState, Step, decode, encode
from fluxum.bot.journal import Input, JournalLine, RunHead, input_of
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market
from fluxum.bot.strategy import AccountKnown, BookKnown, Strategy
from fluxum.bot.wanted import MARKET_DATA
from fluxum.model.event import Event
from fluxum.model.instrument import Instrument

__all__ = ["Comparison", "Difference", "compare"]

_SHOWN_MAX = 100
_DATA = frozenset(MARKET_DATA)


class Difference(Struct, frozen=True, kw_only=True, tag="difference"):
    """One decision that differs; an empty text is none."""

    number: int
    written: str
    again: str


class Comparison(Struct, frozen=True, kw_only=True, tag="comparison"):
    """A run beside its tape: how many decisions, how many differ, and the first hundred of those.

    `unreached` counts decisions that the tape ends before.
    """

    decisions: int
    differing: int
    unreached: int
    differences: tuple[Difference, ...]
    hash_written: str
    hash_again: str

    @property
    def is_same(self) -> bool:
        """Whether every decision is the same."""
        return not self.differing and not self.unreached


def compare(
    head: RunHead,
    lines: Sequence[JournalLine],
    strategy: Strategy,
    events: Iterable[Event],
    instruments: Iterable[Instrument] = (),
) -> Comparison:
    """Step a run again from its journal and its market data, in the order of receipt.

    `strategy` is as it began. `instruments` are the rules of markets that were known then, where
    the journal and the events have none.
    """
    first = bytes(lines[0].strategy) if lines and _is_warm_up(lines[0]) else b""
    begun = strategy if not first else decode(first, type(strategy))
    again = _Again(head, instruments, begun, lines[0] if first else None)
    market = _Market(one for one in events if type(one) in _DATA)
    parts = _parts(lines[1:] if first else lines)
    pairs = [pair for part in parts for pair in again.run(part, market, _ended_ns(part))]
    differences = [
        Difference(number=number, written=one, again=other)
        for number, (one, other) in enumerate(pairs, start=1)
        if other is not None and one != other
    ]
    chains = [one.chain for one in lines if one.chain]
    return Comparison(
        decisions=sum(bool(one.decision) for one in lines),
        differing=len(differences),
        unreached=sum(other is None for _, other in pairs),
        differences=tuple(differences[:_SHOWN_MAX]),
        hash_written=chains[-1] if chains else "",
        hash_again=again.engine.hash,
    )


_Pair = tuple[str, str | None]
"""A decision as written and again; the latter is `None` if the tape has not its market data."""


class _Market:
    """Market data in its order, of which the next can be looked at."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._next: Event | None = next(events, None)

    def take(self, until_ns: int) -> Event | None:
        """The next event that was received up to an instant; `None` if there is none."""
        event = self._next
        if event is None or event.received_ns > until_ns:
            return None
        self._next = next(self._events, None)
        return event


class _Again:
    """The engine that decides again, part by part of a run that was resumed."""

    def __init__(
        self,
        head: RunHead,
        instruments: Iterable[Instrument],
        strategy: Strategy,
        warmed: JournalLine | None,
    ) -> None:
        self._head = head
        self._books = _books(head, instruments)
        self._steps: list[Step] = []
        self._kind = type(strategy)
        self._memory = encode(strategy) if warmed is None else bytes(warmed.strategy)
        self._state = b"" if warmed is None else bytes(warmed.state)
        self.engine = self._made()

    def run(self, lines: Sequence[JournalLine], market: _Market, until_ns: int) -> list[_Pair]:
        """One part: from where the run began or resumed to where it stopped."""
        self._steps.clear()
        is_whole = True
        known_ns = _known_ns(lines)
        for line in lines:
            event = input_of(line)
            if isinstance(event, AccountKnown):
                self._pass(market, event.received_ns, known_ns)
            is_whole = is_whole and self._reach(line, event, market, until_ns)
            if is_whole and event is not None:
                self.engine.step(event)
            self._memory = bytes(line.strategy) or self._memory
            self._state = bytes(line.state) or self._state
        written = [bytes(one.decision).decode() for one in lines if one.decision]
        found: list[str | None] = [one.decision for one in self._steps if one.decision]
        if not is_whole:  # go on from what is written down
            self.engine = self._made()
            found += [None] * (len(written) - len(found))
        count = max(len(written), len(found))
        written += [""] * (count - len(written))
        found += [""] * (count - len(found))
        return list(zip(written, found, strict=True))

    def _made(self) -> Engine:
        head = self._head
        return Engine(
            decode(self._memory, self._kind),
            self._books,
            decode(bytes(head.limits), BotLimits),
            seed=head.seed,
            can_amend=lambda venue: venue in head.amends,
            state=decode(self._state, EngineState) if self._state else None,
            keep=self._steps.append,
        )

    def _pass(self, market: _Market, at_ns: int, known_ns: int) -> None:
        """Leave out what was received before the run began, but for the books."""
        last_ns = at_ns if known_ns >= at_ns else at_ns - 1
        while (event := market.take(last_ns)) is not None:
            self.engine.show([event])

    def _reach(
        self, line: JournalLine, event: Input | None, market: _Market, until_ns: int
    ) -> bool:
        """Step market data up to a line of the journal; false if the tape ends before that."""
        steered = 1 if isinstance(event, BookKnown) else 0
        while self.engine.wanted.received < line.received - steered:
            following = market.take(until_ns)
            if following is None:
                return False
            self.engine.step(following)
        return True


def _parts(lines: Sequence[JournalLine]) -> list[list[JournalLine]]:
    """The lines from each beginning of a run to the next."""
    parts: list[list[JournalLine]] = []
    is_begin = False
    for line in lines:
        was_begin, is_begin = is_begin, isinstance(input_of(line), AccountKnown)
        if not parts or (is_begin and not was_begin):
            parts.append([])
        parts[-1].append(line)
    return parts


def _ended_ns(lines: Sequence[JournalLine]) -> int:
    """When the last event of a part was received, as far as the journal has it."""
    last_ns = 0
    for line in lines:
        event = input_of(line)
        if event is not None:
            last_ns = max(last_ns, event.received_ns)
        if line.decision:
            decided = msgspec.json.decode(bytes(line.decision), type=_Decided)
            last_ns = max(last_ns, decided.input.received_ns)
    return last_ns


class _Input(Struct):
    received_ns: int


class _Decided(Struct):
    """The part of a decision that has its time."""

    input: _Input


def _is_warm_up(line: JournalLine) -> bool:
    return bool(line.strategy) and not line.decision and not line.input


def _books(head: RunHead, instruments: Iterable[Instrument]) -> Books:
    known = {Market(one.venue, one.symbol): one for one in (*head.instruments, *instruments)}
    return Books(head.markets, known)


def _known_ns(lines: Sequence[JournalLine]) -> int:
    """When the last message came that is in the books as they were when a run began."""
    last_ns = 0
    for line in lines:
        event = input_of(line)
        if isinstance(event, BookKnown):
            last_ns = max(last_ns, event.snapshot.received_ns)
        elif not isinstance(event, AccountKnown):
            break
    return last_ns
