"""Checks of engines, with what they may be; real engines are in `network/test_inspect.py`."""

import asyncio
from collections.abc import Mapping

import pytest

import fluxum.doctor
from fluxum.doctor import Check, Outcome
from fluxum.doctor.sinks import check_sink
from fluxum.errors import BadInput
from fluxum.sim.loop import run
from fluxum.sink.engine import EngineState

SECRET = "c2VjcmV0LW9mLW1pbmU"
URL = f"postgresql://me:{SECRET}@db.example/market"
GOOD = EngineState(version="15.2", facts=("7 streams",))


def checked(found: EngineState | Exception, url: str = URL) -> Check:
    async def inspect(asked: str) -> EngineState:
        assert asked == url
        if isinstance(found, Exception):
            raise found
        return found

    return run(check_sink("bus", url, inspect))


def test_an_engine_that_takes_events_is_well_with_its_version() -> None:
    check = checked(GOOD)

    assert (check.name, check.outcome, check.advice) == ("sink bus", Outcome.OK, "")
    assert check.result == ("postgresql://***@db.example/market (fluxum), postgres 15.2; 7 streams")
    assert check.figures == {"engine": "postgres", "version": "15.2"}


FAILURES: Mapping[str, tuple[EngineState | Exception, str, str]] = {
    "down": (ConnectionRefusedError(f"me:{SECRET} refused"), "cannot be reached: me:", "Start the"),
    "silent": (TimeoutError(), "cannot be reached: TimeoutError", "Start the engine"),
    "read only": (
        EngineState(version="15.2", refusal="the database is read only"),
        "postgres 15.2: does not take events: the database is read only",
        "Mend what the engine refuses it for",
    ),
    "no library": (BadInput("asyncpg of the extra postgres is needed"), "asyncpg", "Install the"),
}


@pytest.mark.parametrize(("found", "result", "advice"), FAILURES.values(), ids=FAILURES)
def test_an_engine_fails_for_its_own_reason(
    found: EngineState | Exception, result: str, advice: str
) -> None:
    check = checked(found)

    assert check.outcome is Outcome.FAILED
    assert result in check.result
    assert advice in check.advice
    assert SECRET not in repr(check)


def test_an_engine_that_never_answers_fails_after_a_while() -> None:
    async def inspect(_url: str) -> EngineState:
        await asyncio.sleep(1_000_000)
        return GOOD

    check = run(check_sink("bus", URL, inspect))

    assert check.outcome is Outcome.FAILED
    assert "TimeoutError" in check.result


def test_an_engine_that_may_lose_what_it_has_acknowledged_is_warned_of() -> None:
    check = checked(EngineState(version="7.0", risks=("appendonly is no",)))

    assert check.outcome is Outcome.WARNING
    assert "appendonly is no" in check.result
    assert "may be lost" in check.advice


def test_a_wrong_url_is_shown_without_its_password() -> None:
    check = checked(GOOD, f"http://me:{SECRET}@db.example")

    assert check.outcome is Outcome.FAILED
    assert "a URL of an engine was expected" in check.result
    assert SECRET not in repr(check)


def test_the_sinks_of_an_examination_are_checked() -> None:
    found = run(fluxum.doctor.examine([], sinks={"bus": "http://nowhere"}))

    (check,) = [one for one in found.checks if one.name == "sink bus"]
    assert check.outcome is Outcome.FAILED
