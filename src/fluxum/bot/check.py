"""Checks of a strategy before it runs: that nothing but its events decides what it intends. Pure.

1. purity: its source reads no clock, file, network or chance, and no set in its order;
2. memory: its fields can be written down and read again, and are then the same;
3. look-ahead: what it decides is the same whatever comes later: cut off, or in another order;
4. warm-up: after history its memory is what it would be after running from there, and it sent
   nothing;
5. restart: a run that stops and resumes at any place decides as one that does not stop.

The checks run the strategy over events that are made up from its wants (see `samples`), or over
others that are given. A venue of the simplest kind answers its orders.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

from msgspec import Struct, structs

from fluxum.bot.books import Books
from fluxum.bot.echo import Echo
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import EngineState, Step, decode, encode
from fluxum.bot.purity import impurities
from fluxum.bot.samples import sample_events, sample_instrument
from fluxum.bot.strategy import Strategy, Want
from fluxum.errors import BadInput
from fluxum.model.event import Event

__all__ = ["CheckResult", "Play", "check_strategy", "leaks", "play"]

_T = TypeVar("_T", bound=Strategy)
_EVENTS = 600
_CUTS = 12
_RICH = Decimal(1_000_000)
Play = Callable[[Iterable[Event]], Iterator[Sequence[str]]]
"""What is decided after each event: the events in, for each the texts of its decisions out."""


class CheckResult(Struct, frozen=True, kw_only=True):
    """One check: whether it passed, and what was found."""

    name: str
    is_passed: bool
    detail: str


def check_strategy(
    strategy: Strategy,
    events: Sequence[Event] | None = None,
    *,
    seed: int = 1,
    cuts: int = _CUTS,
) -> list[CheckResult]:
    """Check a strategy in all five ways; `cuts` is how many other futures and restarts are tried.

    Those that need a run are left out if the strategy cannot be written down, or fails.
    """
    results = [_check_purity(type(strategy)), _check_memory(strategy)]
    if not results[-1].is_passed:
        return results
    given = sample_events(strategy.wants(), _EVENTS, seed) if events is None else events
    failed = _failure(strategy, given)
    if failed:
        return [*results, CheckResult(name="runs", is_passed=False, detail=failed)]
    results.append(_check_leaks(strategy, given, seed, cuts))
    results.append(_check_warm_up(strategy, given))
    results.append(_check_restart(strategy, given, cuts))
    return results


def play(strategy: Strategy) -> Play:
    """The way events take in a run: through an engine, with a venue that answers."""

    def played(events: Iterable[Event]) -> Iterator[Sequence[str]]:
        steps: list[Step] = []
        engine, echo = _engine(_copy(strategy), keep=steps.append), Echo()
        for event in events:
            steps.clear()
            _step(engine, echo, event)
            yield [one.decision for one in steps if one.decision]

    return played


def leaks(way: Play, events: Sequence[Event], *, cuts: int = _CUTS, seed: int = 1) -> str:
    """How a way of events lets something of the future reach a decision; empty: it does not.

    At every event, the decisions after it have to be known before the next event is looked at. And
    at so many places, they have to be the same if what comes later is cut off, or shuffled.
    """
    drawn = [0]
    whole: list[Sequence[str]] = []
    for number, decided in enumerate(way(_counted(events, drawn)), start=1):
        if drawn[0] > number:
            return f"event {number} was decided on after event {drawn[0]} was looked at"
        whole.append(list(decided))
    random = Random(seed)  # noqa: S311 - no security depends on it
    for cut in sorted(random.sample(range(1, len(events)), min(cuts, len(events) - 1))):
        later = list(events[cut:])
        random.shuffle(later)
        for name, rest in (("cut off", []), ("shuffled", later)):
            again = [list(one) for one, _ in zip(way([*events[:cut], *rest]), range(cut))]  # noqa: B905 - the first so many
            if again != whole[:cut]:
                first = next(at for at in range(cut) if again[at] != whole[at])
                return f"with the events after {cut} {name}, event {first + 1} is decided otherwise"
    return ""


# The checks


def _check_purity(kind: type[Strategy]) -> CheckResult:
    try:
        source = inspect.getsource(inspect.getmodule(kind) or kind)
    except (OSError, TypeError):
        return CheckResult(name="purity", is_passed=False, detail="its source cannot be read")
    found = impurities(source)
    detail = "; ".join(map(str, found)) or "reads its events and its view alone"
    return CheckResult(name="purity", is_passed=not found, detail=detail)


def _check_memory(strategy: Strategy) -> CheckResult:
    try:
        is_same = _copy(strategy) == strategy
    except BadInput as error:
        return CheckResult(name="memory", is_passed=False, detail=str(error))
    detail = "is the same after it was written and read" if is_same else "a field changes"
    return CheckResult(name="memory", is_passed=is_same, detail=detail)


def _check_leaks(strategy: Strategy, events: Sequence[Event], seed: int, cuts: int) -> CheckResult:
    found = leaks(play(strategy), events, cuts=cuts, seed=seed)
    detail = found or f"{len(events)} events, {cuts} of them with another future"
    return CheckResult(name="look-ahead", is_passed=not found, detail=detail)


def _check_warm_up(strategy: Strategy, events: Sequence[Event]) -> CheckResult:
    half = events[: len(events) // 2]
    ran, warmed, echo = _engine(_copy(strategy)), _engine(_copy(strategy)), Echo(is_refusing=True)
    for event in half:
        _step(ran, echo, event)
    warmed.warm(half)
    if warmed.account.orders():
        return CheckResult(name="warm-up", is_passed=False, detail="orders were sent")
    differing = [
        name
        for name in type(strategy).__struct_fields__
        if getattr(ran.strategy, name) != getattr(warmed.strategy, name)
    ]
    detail = f"{warmed.warmed} events, {warmed.intents_dropped} intents dropped, none sent"
    if differing:
        detail = f"{', '.join(differing)} is not what a run from the start has"
    return CheckResult(name="warm-up", is_passed=not differing, detail=detail)


def _check_restart(strategy: Strategy, events: Sequence[Event], cuts: int) -> CheckResult:
    whole = _engine(_copy(strategy))
    echo = Echo()
    for event in events:
        _step(whole, echo, event)
    engine, echo = _engine(_copy(strategy)), Echo()
    every = max(len(events) // cuts, 1)
    for at, event in enumerate(events):
        if at % every == every - 1:
            engine = _resumed(engine, events[:at])
        _step(engine, echo, event)
    is_same = (engine.hash, engine.strategy) == (whole.hash, whole.strategy)
    detail = f"{cuts} restarts, {engine.decisions} decisions, the same hash"
    if not is_same:
        detail = "a resumed run decides otherwise: is all of its memory in its fields?"
    return CheckResult(name="restart", is_passed=is_same, detail=detail)


# Pieces


def _failure(strategy: Strategy, events: Sequence[Event]) -> str:
    """The error of a strategy that fails on these events."""
    engine, echo = _engine(_copy(strategy)), Echo()
    for event in events:
        _step(engine, echo, event)
        if engine.failed:
            return engine.failed
    return ""


def _engine(
    strategy: Strategy,
    state: EngineState | None = None,
    keep: Callable[[Step], None] | None = None,
) -> Engine:
    wants = [one for one in strategy.wants() if isinstance(one, Want)]
    markets = list(dict.fromkeys(one.market for one in wants))
    rules = {market: sample_instrument(market) for market in markets}
    engine = Engine(strategy, Books(markets, rules), state=state, keep=keep)
    if state is None:
        for market in markets:
            engine.account.own(
                market.venue, [(market.symbol.base, _RICH), (market.symbol.quote, _RICH)]
            )
    return engine


def _resumed(engine: Engine, before: Sequence[Event]) -> Engine:
    """The engine that begins where this one stopped, after both were written down."""
    state = structs.replace(engine.state(), account=engine.account.state())
    again = _engine(_copy(engine.strategy), decode(encode(state), EngineState))
    again.show(before)
    return again


def _step(engine: Engine, echo: Echo, event: Event) -> None:
    """One event, with the answers and timers that come before it."""
    while True:
        timer = engine.due()
        if timer is None or timer.received_ns >= event.received_ns:
            break
        echo.send(engine.step(timer), engine.now_ns)
    for answer in echo.due(event.received_ns):
        echo.send(engine.step(answer), engine.now_ns)
    echo.see(event)
    echo.send(engine.step(event), engine.now_ns)


def _copy(strategy: _T) -> _T:
    return decode(encode(strategy), type(strategy))


def _counted(events: Iterable[Event], drawn: list[int]) -> Iterator[Event]:
    for event in events:
        drawn[0] += 1
        yield event
