"""A real Prometheus scrapes a session, and promtool reads what it scrapes.

Debian has both: `apt-get install prometheus`. Without them these tests are skipped.
"""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import fluxum
from fluxum import Session
from fluxum.clock import SystemClock
from fluxum.metrics import MetricsServer, serve
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue
from scrapes import Scrape

pytestmark = [pytest.mark.network, pytest.mark.slow]
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - {{job_name: fluxum, static_configs: [{{targets: ["{target}"]}}]}}
"""


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install prometheus")
    return path


@asynccontextmanager
async def served() -> AsyncGenerator[tuple[Session, MetricsServer]]:
    venue, clock = find_venue("kraken"), SystemClock()
    async with (
        SimulatedExchange(venue, venue.sample_symbols[:1], seed=1, clock=clock) as exchange,
        fluxum.connect(
            "kraken", ["BTC/USD"], runtime=SimulatedRuntime(exchange, clock=clock)
        ) as session,
        serve(session, port=0, symbols_max=10) as server,
    ):
        await session.wait_ready(10)
        yield session, server


def test_promtool_finds_no_fault() -> None:
    promtool = program("promtool")

    async def main() -> bytes:
        async with served() as (_, server):
            return server.metrics()[0]

    text = asyncio.run(main())
    ours = b"\n".join(line for line in text.splitlines() if b"process_" not in line) + b"\n"
    done = subprocess.run(
        [promtool, "check", "metrics"], input=ours, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_promtool_takes_the_alerts() -> None:
    alerts = Path(__file__).parents[2] / "docs" / "monitoring" / "alerts.yml"
    words = [program("promtool"), "check", "rules", str(alerts)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"{alerts.read_text().count('- alert:')} rules found" in done.stdout


def test_prometheus_scrapes_a_session(tmp_path: Path) -> None:
    prometheus = program("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "prometheus.yml"

    async def main() -> None:
        async with served() as (session, server):
            config.write_text(CONFIG.format(target=server.url.removeprefix("http://")))
            with running(
                prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address={address}",
            ):
                async with asyncio.timeout(60), aiohttp.ClientSession() as client:
                    frames = await query(client, address, "sum(fluxum_frames_total)")
                    ready = await query(client, address, "fluxum_session_ready")
                    assert 0 < frames <= session.statistics().frames
                    assert ready == 1
                    names = 'count(count by (__name__) ({__name__=~"fluxum_.*"}))'
                    served_names = {
                        name
                        for name, _ in Scrape(server.metrics()[0].decode()).samples
                        if name.startswith("fluxum_")
                    }
                    # The clock's offset may have been measured after the scrape.
                    assert await query(client, address, names) >= len(served_names) - 2 > 30

    asyncio.run(main())


@contextmanager
def running(*words: str) -> Generator[None]:
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def query(client: aiohttp.ClientSession, address: str, text: str) -> float:
    """The value of a query, as soon as it has one."""
    while True:
        try:
            url = f"http://{address}/api/v1/query"
            async with client.get(url, params={"query": text}) as answer:
                found: dict[str, Any] = await answer.json()
            if found["data"]["result"]:
                return float(found["data"]["result"][0]["value"][1])
        except (aiohttp.ClientError, KeyError):
            pass
        await asyncio.sleep(0.5)
