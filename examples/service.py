"""A service: metrics for Prometheus and health over HTTP, a clean end at SIGTERM or Ctrl-C."""

import asyncio
import signal

import fluxum
from fluxum.metrics import serve


async def main() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, ended.set)  # not on Windows
    async with (
        fluxum.connect("kraken", ["BTC/USD", "ETH/USD"], ["book", "trade"]) as session,
        serve(session, port=0) as server,
    ):
        await session.wait_ready(timeout_s=20)
        print(f"metrics at {server.url}", flush=True)
        await ended.wait()
        print("frames:", session.statistics().frames)


asyncio.run(main())
