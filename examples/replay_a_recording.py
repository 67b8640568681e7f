"""A recording in the exchange's place: the same program, the same losses, in virtual time."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import fluxum
from fluxum.clock import SystemClock
from fluxum.runtime import Runtime
from fluxum.sim.loop import run
from fluxum.tape import TapeRecorder, TapeWriter

SECONDS = 2


async def spreads(runtime: Runtime | None, recorder: fluxum.Recorder | None) -> list[str]:
    """The program: live without a runtime, over a recording with one."""
    found: list[str] = []
    async with fluxum.connect("kraken", ["BTC/USD"], runtime=runtime, recorder=recorder) as session:
        until_ns = session.now_ns() + SECONDS * 10**9
        try:
            async for reading in session.books("BTC/USD", depth=1):
                if reading.proof.is_valid:
                    found.append(str(reading.snapshot))
                if runtime is None and session.now_ns() > until_ns:
                    break
        except fluxum.TapeEnded as end:
            print(end)
    return found


with TemporaryDirectory() as folder:
    with TapeWriter(Path(folder) / "btc.jsonl.gz", "kraken", SystemClock()) as tape:
        live = asyncio.run(spreads(None, TapeRecorder(tape)))
    again = run(spreads(fluxum.ReplayedRuntime(*tape.paths), None))
print(len(live), "readings live,", len(again), "from the recording")
print("the same:", live == again[: len(live)])
