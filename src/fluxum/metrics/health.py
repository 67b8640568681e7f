"""Whether a program is alive and its sums close, and whether it is ready, with what is missing."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from fluxum.client.client import Client
from fluxum.hub.hub import Hub
from fluxum.metrics.members import members_of
from fluxum.metrics.sources import Source
from fluxum.model.event import State
from fluxum.session.session import Session
from fluxum.sink.publisher import Publisher
from fluxum.tape.writer import TapeWriter
from fluxum.trader import Trader

__all__ = ["LAG_MAX_S", "Health", "Readiness", "VenueCondition", "health", "readiness"]

LAG_MAX_S = 5.0
"""If the event loop is later than this, the program counts as hung."""


class VenueCondition(Struct, frozen=True, kw_only=True):
    """One venue of a hub: its state, why it is in that state, and what is missing there."""

    venue: str
    state: State
    is_ready: bool
    reason: str
    missing: tuple[str, ...]


class Health(Struct, frozen=True, kw_only=True):
    """Whether the program works: `problems` are a failed session, open sums, a loop that hangs.

    Of a hub so many venues must have failed for good that its quorum cannot be reached any more.
    `venues` are those of hubs.
    """

    healthy: bool
    problems: tuple[str, ...]
    loop_lag_s: float
    venues: tuple[VenueCondition, ...] = ()


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether nothing is missing, and what is missing; of hubs, until their quorum is ready.

    `venues` are those of hubs.
    """

    ready: bool
    missing: tuple[str, ...]
    venues: tuple[VenueCondition, ...] = ()


def health(sources: Sequence[Source], loop_lag_s: float = 0.0) -> Health:
    """The health of some sources, in an event loop that was lately late by `loop_lag_s`."""
    problems = [problem for one in sources for problem in _problems(one)]
    if loop_lag_s > LAG_MAX_S:
        problems.append(f"the event loop was late by {loop_lag_s:.1f} s")
    return Health(
        healthy=not problems,
        problems=tuple(problems),
        loop_lag_s=loop_lag_s,
        venues=tuple(_venues(sources)),
    )


def readiness(sources: Sequence[Source]) -> Readiness:
    """What is missing at some sources; without a source, that is missing."""
    missing = [reason for one in sources for reason in _missing(one)]
    if not sources:
        missing = ["no session is open"]
    return Readiness(ready=not missing, missing=tuple(missing), venues=tuple(_venues(sources)))


def _problems(source: Source) -> Iterator[str]:
    if isinstance(source, Trader):
        yield from _problems(source.session)
        yield from _problems_of_orders(source)
    elif isinstance(source, Client):
        for one in members_of(source):
            yield from _problems(one)
    elif isinstance(source, Hub):
        yield from _problems_of_hub(source)
    elif isinstance(source, Session):
        name = source.venue.name
        if source.state is State.FAILED:
            reasons = "; ".join(map(str, source.missing()))
            yield f"{name}: the session has failed: {reasons}"
        if not source.statistics().sums_close:
            yield f"{name}: sums do not close"
    elif isinstance(source, Publisher) and not source.statistics().sums_close:
        yield f"sink {source.name}: sums do not close"


def _problems_of_orders(trader: Trader) -> Iterator[str]:
    differences = trader.orders.statistics().differences
    if differences:
        sums = ", ".join(f"{name} by {count}" for name, count in differences.items())
        yield f"{trader.session.venue.name}: sums of orders do not close: {sums}"


def _problems_of_hub(hub: Hub) -> Iterator[str]:
    venues = hub.health().venues
    failed = [one for one in venues.values() if one.state is State.FAILED]
    if len(venues) - len(failed) < hub.quorum:
        reasons = "; ".join(f"{one.venue}: {one.reason}" for one in failed)
        yield f"{len(failed)} of {len(venues)} venues have failed, {hub.quorum} needed: {reasons}"
    if not hub.statistics().sums_close:
        yield "sums of the hub do not close"
    for one in members_of(hub):
        if isinstance(one, Trader):
            yield from _problems_of_orders(one)


def _venues(sources: Sequence[Source]) -> Iterator[VenueCondition]:
    for source in sources:
        if isinstance(source, Hub):
            for one in source.health().venues.values():
                yield VenueCondition(
                    venue=one.venue,
                    state=one.state,
                    is_ready=one.is_ready,
                    reason=one.reason,
                    missing=tuple(map(str, one.missing)),
                )


def _missing(source: Source) -> Iterator[str]:
    match source:
        case Hub():
            yield from _missing_of_hub(source)
        case Client():
            if not source.is_running:
                yield f"{source.exchange}: the client is not connected"
            for one in members_of(source):
                yield from _missing(one)
        case TapeWriter():
            if source.trouble:
                yield f"the recorder: {source.trouble}"
        case Publisher():
            if source.trouble:
                yield f"sink {source.name}: {source.trouble}"
        case Trader():
            yield from _missing_of(source.session)
            if source.orders.risk.halted is not None:
                name = source.session.venue.name
                yield f"{name}: trading is halted: {source.orders.risk.halted}"
        case _:
            yield from _missing_of(source)


def _missing_of_hub(hub: Hub) -> Iterator[str]:
    if not hub.health().has_quorum:
        yield from map(str, hub.missing())
        if not hub.venues:
            yield "the hub has no venue"


def _missing_of(session: Session) -> Iterator[str]:
    name = session.venue.name
    reasons = [f"{name} {reason}" for reason in session.missing()]
    if not reasons and session.state is not State.READY:
        reasons = [f"{name}: {session.state.value}, nothing is subscribed"]
    yield from reasons
