"""Hubs and clients as sources: what is scraped is what they count, and health has their reasons."""

import asyncio

import fluxum
from fluxum import State
from fluxum.client.client import Client
from fluxum.flow.histogram import Histogram
from fluxum.metrics import VenueCondition, health, readiness
from fluxum.sim.loop import run
from hubs import KEYS, exchanges
from scrapes import scrape

THREE = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"], "gemini": ["BTC/USD"]}
REFUSED = {"gemini": "refuse:403@0s+900s"}  # for good


def test_a_hub_has_the_metrics_of_its_sessions_and_of_each_venue() -> None:
    async def story() -> None:
        async with (
            exchanges(THREE, faults=REFUSED) as world,
            fluxum.hub(THREE, runtime=world.runtime, quorum=2) as hub,
        ):
            events = hub.events()
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(30)
            events.drain()

            found, counts = scrape(hub), hub.statistics()

            assert found.value("hub_ready", hub="1") == 1
            assert found.value("hub_quorum") == 2
            assert found.value("hub_sums_close") == 1
            ready = {venue: found.value("hub_venue_ready", venue=venue, hub="1") for venue in THREE}
            assert ready == {"kraken": 1, "coinbase": 1, "gemini": 0}
            assert found.value("hub_venue_missing", venue="gemini") >= 1
            assert found.value("hub_venue_state", venue="gemini", state="failed") == 1
            assert found.value("hub_venue_state", venue="kraken", state="ready") == 1
            for venue in ("kraken", "coinbase"):
                frames = sum(found.values("frames_total", venue=venue).values())
                assert frames == counts.venues[venue].frames > 0

    run(story())


def test_latencies_are_histograms_of_each_hop() -> None:
    """In virtual time all is at once but the way from the exchange, whose clock is ours."""

    async def story() -> None:
        async with (
            exchanges({"kraken": ["BTC/USD"]}, rate_per_s=200) as world,
            fluxum.hub({"kraken": ["BTC/USD"]}, runtime=world.runtime) as hub,
        ):
            events = hub.events()
            async with asyncio.timeout(60):
                async for _ in events:
                    if all(one.count for one in hub.histograms()["kraken"].values()):
                        break

            found, mine = scrape([hub, hub.session("kraken")]), hub.histograms()["kraken"]

            assert found.types["fluxum_latency_seconds"] == "histogram"
            for hop in ("exchange", "decoded", "applied", "published", "delivered"):
                assert found.value("latency_seconds_count", hop=hop) == mine[hop].count > 0
                buckets = found.values("latency_seconds_bucket", hop=hop)
                by_bound = {float(dict(labels)["le"]): value for labels, value in buckets.items()}
                assert by_bound[float("inf")] == mine[hop].count
                ordered = [by_bound[bound] for bound in sorted(by_bound)]
                assert ordered == sorted(ordered)

    run(story())


def test_bounds_of_a_histogram_are_exact() -> None:
    histogram = Histogram()
    for ns in (1023, 1024, 1025, 5_000_000):
        histogram.record(ns)

    assert [histogram.below(bits) for bits in (0, 9, 10, 11, 22, 23, 42)] == [0, 0, 1, 3, 3, 4, 4]
    assert histogram.sum_ns == 5_003_072


def test_a_hub_is_ready_and_healthy_by_its_quorum_and_has_the_reasons() -> None:
    async def story(quorum: int | None) -> tuple[bool, bool, tuple[str, ...]]:
        async with (
            exchanges(THREE, faults=REFUSED) as world,
            fluxum.hub(THREE, runtime=world.runtime, quorum=quorum) as hub,
        ):
            await asyncio.sleep(10)
            found, live = readiness([hub]), health([hub])
            (gemini,) = [one for one in found.venues if one.venue == "gemini"]
            assert (gemini.state, gemini.is_ready) == (State.FAILED, False)
            assert "403" in gemini.reason
            assert gemini.missing
            assert [one.is_ready for one in live.venues] == [True, True, False]
            assert isinstance(gemini, VenueCondition)
            return found.ready, live.healthy, live.problems

    assert run(story(2)) == (True, True, ())
    is_ready, is_healthy, (problem,) = run(story(None))
    assert (is_ready, is_healthy) == (False, False)
    assert problem.startswith("1 of 3 venues have failed, 3 needed: gemini: ")


def test_a_client_has_the_metrics_of_its_session_its_orders_and_its_callbacks() -> None:
    async def fails(_tickers: object) -> None:
        raise ValueError("wrong")

    async def takes(_tickers: object) -> None:
        await asyncio.sleep(0)

    async def story() -> None:
        journal = fluxum.MemoryOrderJournal()
        async with exchanges({"kraken": ["BTC/USD"]}) as world:
            client = Client("kraken", keys=KEYS, journal=journal, runtime=world.runtime)
            assert readiness([client]).missing == ("kraken: the client is not connected",)
            async with client:
                client.register_callback("ticker", fails)
                client.register_callback("ticker", takes)
                assert await client.subscribe_ticker(["BTC/USD"])
                await asyncio.sleep(20)

                found, counts = scrape(client), client.get_statistics()

                assert readiness([client]).ready
                assert health([client]).healthy
                by_name = {one.callback.rpartition(".")[2]: one for one in counts.callbacks}
                for name, outcome in (("fails", "failed"), ("takes", "returned")):
                    (value,) = [
                        value
                        for labels, value in found.values(
                            "callback_calls_total", outcome=outcome, event="ticker", client="1"
                        ).items()
                        if dict(labels)["callback"].endswith(name)
                    ]
                    assert value == getattr(by_name[name], outcome) > 0
                assert found.value("client_errors_total") == counts.errors > 0
                assert found.value("orders_placed_total") == 0
                assert counts.session is not None
                assert sum(found.values("frames_total").values()) == counts.session.frames > 0
            assert not scrape(client).values("session_state")

    run(story())
