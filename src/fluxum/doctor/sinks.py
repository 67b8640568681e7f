"""Checks of the engines that events are published to."""

import asyncio
from collections.abc import Awaitable, Callable

from fluxum.doctor.check import Check, Figure, Outcome
from fluxum.errors import BadInput
from fluxum.logs import masked
from fluxum.sink.engine import EngineState, EngineUrl, inspect_engine

__all__ = ["check_sink"]

_ANSWER_S = 10.0


async def check_sink(
    name: str, url: str, inspect: Callable[[str], Awaitable[EngineState]] = inspect_engine
) -> Check:
    """Whether an engine can be reached and takes events, its version, and how it keeps them.

    Nothing is written.
    """
    try:
        shown = EngineUrl.parse(url)
    except BadInput as error:
        return _failed(name, str(error), "Mend the URL of the sink.")
    try:
        async with asyncio.timeout(_ANSWER_S):
            found = await inspect(url)
    except BadInput as error:
        return _failed(name, str(error), "Install the library of the engine.")
    except Exception as error:  # noqa: BLE001 - whatever the engine's library raises
        reason = masked(str(error)) or type(error).__name__
        advice = "Start the engine, and check its address, user and password."
        return _failed(name, f"{shown!r} cannot be reached: {reason}", advice)
    figures: dict[str, Figure] = {"engine": shown.engine, "version": found.version}
    heading = f"{shown!r}, {shown.engine} {found.version or 'of unknown version'}"
    if found.refusal:
        advice = "Mend what the engine refuses it for: rights, room, or its role."
        return _failed(name, f"{heading}: does not take events: {masked(found.refusal)}", advice)
    return Check(
        name=f"sink {name}",
        outcome=Outcome.WARNING if found.risks else Outcome.OK,
        result="; ".join((heading, *found.facts, *found.risks)),
        advice="What is acknowledged may be lost: see the sentences before." if found.risks else "",
        figures=figures,
    )


def _failed(name: str, result: str, advice: str) -> Check:
    return Check(name=f"sink {name}", outcome=Outcome.FAILED, result=result, advice=advice)
