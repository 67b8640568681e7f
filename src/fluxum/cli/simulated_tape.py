"""`sim record`: a tape of a simulated exchange, in virtual time."""

import asyncio
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from rich.console import Console

from fluxum.cli.options import FIRST_EXCHANGE, Format, parse_channels, parse_market
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.simulator import FaultScript, SimulatedName
from fluxum.connect import connect
from fluxum.flow.background import background
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, SimulatedLoop
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape import TapeRecorder, TapeWriter
from fluxum.venues.register import find_venue

__all__ = ["record_simulated"]


def record_simulated(
    tape: Annotated[Path, typer.Argument(help="The tape to write: NAME.jsonl or NAME.jsonl.gz.")],
    exchange: SimulatedName = FIRST_EXCHANGE,
    symbol: Annotated[
        str,
        typer.Option("--symbol", "--symbols", "-s", help="Comma list; a few known ones if none."),
    ] = "",
    channel: str = "book,trade,instrument",
    minutes: Annotated[float, typer.Option(min=0.01, help="Of virtual time.")] = 60.0,
    rate: Annotated[
        float, typer.Option(min=0.0, help="Market moves per second, all symbols.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same markets.")] = 1,
    faults: FaultScript = "",
) -> None:
    """Record a simulated exchange in virtual time: an hour in seconds, without a network.

    The tape is what 'record' would have written, faults and healing included, so that back-tests,
    'verify' and 'replay' can be tried at once. Its times begin on 2026-01-01. Markets are random:
    a profit on them means nothing.

    Example: fluxum sim record btc.jsonl.gz -s BTC/USD --minutes 30

    Example: fluxum sim record btc.jsonl.gz --faults corrupt@60s,hangup@120s
    """
    name, symbols = parse_market(symbol, exchange)
    channels = parse_channels(channel)
    plan = FaultPlan(parse_faults(faults) if faults else (), Random(f"{seed} faults"))  # noqa: S311
    markets = symbols or find_venue(name).sample_symbols[:1]
    with closing(SimulatedLoop()) as loop:
        clock = SimulatedClock(loop)
        box = SimulatedExchange(
            find_venue(name), markets, seed=seed, clock=clock, rate_per_s=rate, faults=plan
        )
        runtime = SimulatedRuntime(box, clock=clock, seed=seed)

        async def main(recorder: TapeRecorder) -> None:
            async with (
                box,
                connect(name, markets, channels, runtime=runtime, recorder=recorder),
                background(_show(minutes)),
            ):
                await asyncio.sleep(minutes * 60)

        with Output(Format.TABLE) as output, TapeWriter(tape, name, clock) as writer:
            run_async(main(TapeRecorder(writer)), lambda: loop)
            lines = writer.counts().offered
            output.message(f"{tape}: {minutes:g} minutes of {name}, {lines:,} lines")


async def _show(minutes: float) -> None:
    """Show on a terminal how much of the time has been recorded."""
    talk = Console(stderr=True)
    passed = 0
    while talk.is_terminal and passed < minutes:
        await asyncio.sleep(60)
        passed += 1
        talk.print(f"{passed:,} of {minutes:,.0f} minutes", end="\r")
