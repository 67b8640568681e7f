"""Checks of an exchange by single calls and links: clock, status, and how fast it answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from fluxum.clock import Clock
from fluxum.doctor.check import Check, Outcome
from fluxum.errors import (
    BadInput,
    FluxumError,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.model.event import VenueStatus
from fluxum.pacing import AttemptBudget
from fluxum.runtime import Reach
from fluxum.session.offset import ClockOffsetKeeper, Measured
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.queries import RestQuery
from fluxum.venues.venue import Venue

__all__ = ["check_calls", "check_limits", "check_links"]

T = TypeVar("T")
_TIMEOUT_S = 10.0
_SAMPLES, _SAMPLE_EVERY_S = 4, 0.3
_OFFSET_WARNING_S, _OFFSET_FAILED_S = 1.0, 5.0
_SLOW_S = 2.0
_FEW = 0.1


class _Calls:
    """Single REST calls to one venue: what is diagnosed is not repeated until it works."""

    def __init__(self, venue: Venue, reach: Reach, url: str, clock: Clock) -> None:
        self.venue = venue
        self.clock = clock
        self.took_s: list[float] = []
        self._reach = reach
        self._url = url

    async def ask(self, query: RestQuery[T]) -> T:
        """The answer; raises FluxumError."""
        fetch = query.fetch
        began_s = _now_s()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                body = await self._reach.http.call(
                    fetch.method, self._url + fetch.path, fetch.headers, fetch.body
                )
        except TimeoutError as error:
            raise TransportError(f"{fetch.purpose}: no answer in {_TIMEOUT_S:g} s") from error
        self.took_s.append(_now_s() - began_s)
        try:
            return query.read(body, self.clock.now_ns())
        except FluxumError:
            raise
        except UNREADABLE as error:
            raise RemoteProtocolError(f"{fetch.purpose} cannot be read: {error}") from error


async def check_calls(
    venue: Venue, reach: Reach, endpoints: Mapping[str, str], clock: Clock
) -> AsyncIterator[Check]:
    """Whether the exchange answers over REST, what time it has, and its status."""
    if venue.queries is None or "rest" not in endpoints:
        return
    queries = venue.queries()
    calls = _Calls(venue, reach, endpoints["rest"], clock)
    keeper = ClockOffsetKeeper()
    error: FluxumError | None = None
    try:
        time = queries.time()
        for number in range(_SAMPLES):
            if number:
                await asyncio.sleep(_SAMPLE_EVERY_S)
            requested_ns = clock.now_ns()
            venue_ns = await calls.ask(time)
            keeper.answered(venue_ns, requested_ns, clock.now_ns())
    except BadInput:  # the venue has no call for its time
        try:
            await calls.ask(queries.ticker(venue.sample_symbols[0]))
        except FluxumError as failed:
            error = failed
    except FluxumError as failed:
        error = failed
    yield _rest(venue.name, calls, error)
    if keeper.measured is not None:
        yield _clock(venue.name, keeper.measured)
    if error is None:
        async for check in _status(venue.name, calls):
            yield check


async def check_links(
    venue: Venue, reach: Reach, endpoints: Mapping[str, str], budget: AttemptBudget
) -> AsyncIterator[Check]:
    """Whether each WebSocket can be opened that needs no keys."""
    guarded = () if venue.private is None else venue.private.authenticated
    for name, url in endpoints.items():
        if name == "rest" or name in guarded or not url.startswith("ws"):
            continue
        await asyncio.sleep(budget.take(_now_s()))
        began_s = _now_s()
        try:
            async with asyncio.timeout(_TIMEOUT_S), reach.dial(url):
                took_s = _now_s() - began_s
        except TimeoutError:
            yield _failed(venue.name, f"link {name}", f"{url}: no answer in {_TIMEOUT_S:g} s")
        except FluxumError as error:
            yield _failed(venue.name, f"link {name}", str(error), _advice(error))
        else:
            is_slow = took_s > _SLOW_S
            yield Check(
                exchange=venue.name,
                name=f"link {name}",
                outcome=Outcome.WARNING if is_slow else Outcome.OK,
                result=f"opened in {took_s * 1000:.0f} ms",
                advice="A slow way: check the route, or a nearer machine." if is_slow else "",
                figures={"opened_s": took_s},
            )


def check_limits(venue: Venue, budget: AttemptBudget, cost: float, cost_max: float) -> Check:
    """How much of the venue's limits this process has left."""
    left, limits = budget.left(_now_s()), venue.limits
    is_few = left < _FEW * limits.attempts
    return Check(
        exchange=venue.name,
        name="limits",
        outcome=Outcome.WARNING if is_few else Outcome.OK,
        result=f"{left} of {limits.attempts} links in {limits.attempt_window_s:.0f} s left,"
        f" {max(0.0, cost_max - cost):.1f} of {cost_max:.1f} for calls, by this process' count",
        advice="Wait before you connect again: the exchange bans addresses that do not."
        if is_few
        else "",
        figures={
            "links_left": left,
            "links_max": limits.attempts,
            "calls_used": cost,
            "calls_max": cost_max,
        },
    )


def _rest(exchange: str, calls: _Calls, error: FluxumError | None) -> Check:
    if error is not None:
        return _failed(exchange, "rest", str(error), _advice(error))
    fastest_s = min(calls.took_s)
    is_slow = fastest_s > _SLOW_S
    return Check(
        exchange=exchange,
        name="rest",
        outcome=Outcome.WARNING if is_slow else Outcome.OK,
        result=f"answers in {fastest_s * 1000:.0f} ms, the fastest of {len(calls.took_s)}",
        advice="A slow way: check the route, or a nearer machine." if is_slow else "",
        figures={"round_trip_s": fastest_s, "calls": len(calls.took_s)},
    )


def _clock(exchange: str, measured: Measured) -> Check:
    offset_s, bound_s = measured.offset_ns / 1e9, measured.uncertainty_ns / 1e9
    surely_s = max(0.0, abs(offset_s) - bound_s)
    outcome = Outcome.OK
    if surely_s > _OFFSET_WARNING_S:
        outcome = Outcome.WARNING if surely_s <= _OFFSET_FAILED_S else Outcome.FAILED
    return Check(
        exchange=exchange,
        name="clock",
        outcome=outcome,
        result=f"the exchange is {abs(offset_s):.3f} s {'ahead' if offset_s >= 0 else 'behind'},"
        f" within {bound_s:.3f} s",
        advice=""
        if outcome is Outcome.OK
        else "Set this machine's clock by NTP: signed calls are refused when clocks differ.",
        figures={"offset_s": offset_s, "uncertainty_s": bound_s},
    )


async def _status(exchange: str, calls: _Calls) -> AsyncIterator[Check]:
    assert calls.venue.queries is not None
    try:
        status = await calls.ask(calls.venue.queries().status())
    except BadInput:  # the venue has no call for its status
        return
    except FluxumError as error:
        yield _failed(exchange, "status", str(error), _advice(error))
        return
    outcome = Outcome.OK if status is VenueStatus.ONLINE else Outcome.WARNING
    yield Check(
        exchange=exchange,
        name="status",
        outcome=Outcome.FAILED if status is VenueStatus.MAINTENANCE else outcome,
        result=status.value,
        advice="" if outcome is Outcome.OK else "Wait: the exchange limits trading for now.",
        figures={"status": status.value},
    )


def _failed(exchange: str, name: str, result: str, advice: str = "") -> Check:
    return Check(
        exchange=exchange,
        name=name,
        outcome=Outcome.FAILED,
        result=result,
        advice=advice or "Check the network, the proxy and the firewall.",
    )


def _advice(error: FluxumError) -> str:
    if isinstance(error, RateLimited):
        return "Wait: the exchange has had too many requests from this address."
    if isinstance(error, VenueRefused):
        return (
            "It answers and refuses: check the URL; an exchange may block addresses or countries."
        )
    if isinstance(error, RemoteProtocolError):
        return "Something else answers than the exchange, or it has changed: check the address."
    return ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
