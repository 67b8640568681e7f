"""Whether a program is alive and its sums close, and whether it is ready, with what is missing."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from fluxum.metrics.sources import Source
from fluxum.model.event import State
from fluxum.session.session import Session
from fluxum.tape.writer import TapeWriter
from fluxum.trader import Trader

__all__ = ["LAG_MAX_S", "Health", "Readiness", "health", "readiness"]

LAG_MAX_S = 5.0
"""If the event loop is later than this, the program counts as hung."""


class Health(Struct, frozen=True, kw_only=True):
    """Whether the program works: `problems` are a failed session, open sums, a loop that hangs."""

    healthy: bool
    problems: tuple[str, ...]
    loop_lag_s: float


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether nothing is missing, and what is missing."""

    ready: bool
    missing: tuple[str, ...]


def health(sources: Sequence[Source], loop_lag_s: float = 0.0) -> Health:
    """The health of some sources, in an event loop that was lately late by `loop_lag_s`."""
    problems = [problem for one in sources for problem in _problems(one)]
    if loop_lag_s > LAG_MAX_S:
        problems.append(f"the event loop was late by {loop_lag_s:.1f} s")
    return Health(healthy=not problems, problems=tuple(problems), loop_lag_s=loop_lag_s)


def readiness(sources: Sequence[Source]) -> Readiness:
    """What is missing at some sources; without a source, that is missing."""
    missing = [reason for one in sources for reason in _missing(one)]
    if not sources:
        missing = ["no session is open"]
    return Readiness(ready=not missing, missing=tuple(missing))


def _problems(source: Source) -> Iterator[str]:
    if isinstance(source, Trader):
        yield from _problems(source.session)
        differences = source.orders.statistics().differences
        if differences:
            sums = ", ".join(f"{name} by {count}" for name, count in differences.items())
            yield f"{source.session.venue.name}: sums of orders do not close: {sums}"
    elif isinstance(source, Session):
        name = source.venue.name
        if source.state is State.FAILED:
            reasons = "; ".join(map(str, source.missing()))
            yield f"{name}: the session has failed: {reasons}"
        if not source.statistics().sums_close:
            yield f"{name}: sums do not close"


def _missing(source: Source) -> Iterator[str]:
    if isinstance(source, TapeWriter):
        if source.trouble:
            yield f"the recorder: {source.trouble}"
        return
    session = source.session if isinstance(source, Trader) else source
    name = session.venue.name
    reasons = [f"{name} {reason}" for reason in session.missing()]
    if not reasons and session.state is not State.READY:
        reasons = [f"{name}: {session.state.value}, nothing is subscribed"]
    yield from reasons
    if isinstance(source, Trader) and source.orders.risk.halted is not None:
        yield f"{name}: trading is halted: {source.orders.risk.halted}"
