"""What the web page costs its process: CPU and bytes a view, and what it does to the frame path.

    python bench/page.py [--seconds 10] [--rounds 3] [--rate 200]

A simulated exchange and the pages run in processes of their own; phases without a page, with one
and with five take turns, so that the load of the machine hits all of them alike.
"""

import argparse
import asyncio
import subprocess
import sys
import time

from aiohttp import ClientSession

import fluxum
from fluxum import Channel, web
from fluxum.flow.histogram import Histogram

PAGES = (0, 1, 5)


class Phase:
    """What was measured with so many pages, all rounds together."""

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 0.0
        self.views = 0
        self.frames = 0
        self.lags = Histogram()


async def main() -> None:
    options = _options()
    words = ["-m", "fluxum", "sim", "serve", "--port", "0", "--rate", str(options.rate)]
    exchange = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
        [sys.executable, *words], stderr=subprocess.PIPE, text=True
    )
    try:
        assert exchange.stderr is not None
        url = next(one for one in exchange.stderr.readline().split() if one.startswith("ws://"))
        await measure(url.rstrip(","), options.seconds, options.rounds)
    finally:
        exchange.terminate()


async def measure(url: str, seconds: float, rounds: int) -> None:
    phases = {pages: Phase() for pages in PAGES}
    async with (
        fluxum.connect(
            "kraken",
            ["BTC/USD", "ETH/USD"],
            [Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE],
            endpoint=url,
        ) as session,
        web.serve(session, port=0) as page,
    ):
        await session.wait_ready(60)
        size = await _bytes_a_view(page.address, page.token)
        for _ in range(rounds):
            for pages, phase in phases.items():
                await _phase(session, page, phase, pages, seconds)
    for pages, phase in phases.items():
        idle = phases[0].cpu_s / phases[0].wall_s
        share = phase.cpu_s / phase.wall_s
        views = phase.views / phase.wall_s
        cost = f", {(share - idle) / views * 1e3:.2f} ms of CPU a view" if phase.views else ""
        p50, p99 = phase.lags.quantile(0.5), phase.lags.quantile(0.99)
        print(
            f"{pages} pages: {phase.frames / phase.wall_s:.0f} frames/s, {views:.1f} views/s,"
            f" {share * 100:.1f} % of a core, {(share - idle) * 100:.1f} % more than without{cost};"
            f" receipt to readers p50 {(p50 or 0) / 1e3:.0f} us, p99 {(p99 or 0) / 1e3:.0f} us"
        )
    print(f"a view of two books with 10 levels a side has {size} bytes")


async def _phase(
    session: fluxum.Session, page: web.PageServer, phase: Phase, pages: int, seconds: float
) -> None:
    readers = None
    if pages:
        words = [sys.executable, __file__, "--read", page.address, page.token, str(pages)]
        readers = subprocess.Popen(words)  # noqa: ASYNC220
        while page.pages.count < pages:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    histogram = session.histograms()["published"]
    before, frames, views = list(histogram.counts), session.statistics().frames, page.pages.views
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    phase.cpu_s += time.process_time() - cpu_s
    phase.wall_s += time.perf_counter() - wall_s
    phase.views += page.pages.views - views
    phase.frames += session.statistics().frames - frames
    difference = Histogram()
    difference.counts = [now - then for now, then in zip(histogram.counts, before, strict=True)]
    difference.count = sum(difference.counts)
    difference.max_ns = histogram.max_ns
    phase.lags.add(difference)
    if readers is not None:
        readers.terminate()
        while page.pages.count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _bytes_a_view(address: str, token: str) -> int:
    sizes: list[int] = []
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        socket = await client.ws_connect(f"{address}/ws")
        while len(sizes) < 30:
            text = await socket.receive_str()
            if '"kind":"view"' in text:
                sizes.append(len(text))
    return sum(sizes) // len(sizes)


async def read(address: str, token: str, pages: int) -> None:
    """Open so many pages, and read what they get."""

    async def one(client: ClientSession) -> None:
        async for _ in await client.ws_connect(f"{address}/ws"):
            pass

    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers) as client, asyncio.TaskGroup() as group:
        for _ in range(pages):
            group.create_task(one(client))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        asyncio.run(main())
