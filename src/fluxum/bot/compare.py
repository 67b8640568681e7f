"""Whether a run decides the same again from its tape: each decision, in its order. Pure.

The journal has what the bot received beside market data, and after how many events of market data;
the tape has the market data. So the same engine is stepped through both, and each decision is
compared with the one that was written down.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from fluxum.bot.books import Books
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import EngineState, Step, decode
from fluxum.bot.journal import Input, JournalLine, RunHead, input_of
from fluxum.bot.limits import BotLimits
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
    the events have none.
    """
    again: list[Step] = []
    first, rest = (lines[0], lines[1:]) if lines and _is_warm_up(lines[0]) else (None, lines)
    if first is not None:
        strategy = decode(bytes(first.strategy), type(strategy))
    engine = Engine(
        strategy,
        _books(head, instruments),
        decode(bytes(head.limits), BotLimits),
        seed=head.seed,
        can_amend=lambda venue: venue in head.amends,
        state=None if first is None else decode(bytes(first.state), EngineState),
        keep=again.append,
    )
    market = (one for one in events if type(one) in _DATA)
    waiting: list[Event] = []
    unreached = 0
    for at, line in enumerate(rest):
        event = input_of(line)
        if isinstance(event, AccountKnown):
            waiting += _before(market, event.received_ns, _known_ns(rest[at:]), engine)
        if not _reach(engine, line, event, market, waiting):
            unreached += bool(line.decision)
            continue
        if event is not None:
            engine.step(event)
    return _compared(lines, again, unreached)


def _is_warm_up(line: JournalLine) -> bool:
    return bool(line.strategy) and not line.decision and not line.input


def _books(head: RunHead, instruments: Iterable[Instrument]) -> Books:
    rules = {one.symbol: one for one in instruments}
    known = {market: rules[market.symbol] for market in head.markets if market.symbol in rules}
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


def _before(market: Iterator[Event], at_ns: int, known_ns: int, engine: Engine) -> list[Event]:
    """Leave out what was received before a run began; returns the first event after that."""
    for event in market:
        if event.received_ns > at_ns or known_ns < event.received_ns == at_ns:
            return [event]
        engine.show([event])
    return []


def _reach(
    engine: Engine,
    line: JournalLine,
    event: Input | None,
    market: Iterator[Event],
    waiting: list[Event],
) -> bool:
    """Step market data up to a line of the journal; false if the tape ends before that."""
    told = 1 if isinstance(event, BookKnown) else 0
    while engine.wanted.received < line.received - told:
        following = waiting.pop() if waiting else next(market, None)
        if following is None:
            return False
        engine.step(following)
    return True


def _compared(lines: Sequence[JournalLine], again: list[Step], unreached: int) -> Comparison:
    written = [bytes(one.decision).decode() for one in lines if one.decision]
    found = [one.decision for one in again if one.decision]
    chains = [one.chain for one in lines if one.chain]
    found_chains = [one.chain for one in again if one.chain]
    count = max(len(written) - unreached, len(found))
    pairs = [
        (written[at] if at < len(written) else "", found[at] if at < len(found) else "")
        for at in range(count)
    ]
    differences = [
        Difference(number=at + 1, written=one, again=other)
        for at, (one, other) in enumerate(pairs)
        if one != other
    ]
    return Comparison(
        decisions=len(written),
        differing=len(differences),
        unreached=unreached,
        differences=tuple(differences[:_SHOWN_MAX]),
        hash_written=chains[-1] if chains else "",
        hash_again=found_chains[-1] if found_chains else "",
    )
