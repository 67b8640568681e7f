"""What a scrape of a thousand samples costs the event loop: `fluxum.metrics`.

    python bench/scrape.py [--samples 1000]

Books and trades of a simulated exchange's markets, as many as it takes for so many samples; then
fifty scrapes while frames arrive, in milliseconds of CPU.
"""

import argparse
import asyncio
import time

import fluxum
from fluxum import Channel
from fluxum.clock import SystemClock
from fluxum.metrics import serve
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

ROUNDS = 50


async def measure(samples: int) -> None:
    """Print one line."""
    venue, clock = find_venue("kraken"), SystemClock()
    symbols = [fluxum.Symbol(f"COIN{number}/USD") for number in range((samples - 200) // 6)]
    async with (
        SimulatedExchange(venue, symbols, seed=1, clock=clock, rate_per_s=200) as exchange,
        fluxum.connect(
            venue.name,
            symbols,
            [Channel.BOOK, Channel.TRADE],
            runtime=SimulatedRuntime(exchange, clock=clock),
        ) as session,
        serve(session, port=0, symbols_max=len(symbols)) as server,
    ):
        await session.wait_ready(60)
        took_ms: list[float] = []
        text = b""
        for _ in range(ROUNDS):
            await asyncio.sleep(0.05)
            begun_s = time.process_time()
            text, _ = server.metrics()
            took_ms.append((time.process_time() - begun_s) * 1e3)
    took_ms.sort()
    count = sum(not line.startswith(b"#") for line in text.splitlines())
    print(
        f"{count} samples, {len(text) / 1e3:.0f} kB: median {took_ms[ROUNDS // 2]:.1f} ms of CPU,"
        f" worst of {ROUNDS} {took_ms[-1]:.1f} ms"
    )


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000)
    asyncio.run(measure(parser.parse_args().samples))


if __name__ == "__main__":
    main()
