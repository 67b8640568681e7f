"""What is scraped is what the session counts, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

import fluxum
from fluxum import BadInput, Channel, Credentials, Symbol
from fluxum.clock import SystemClock
from fluxum.flow.pipe import Overflow
from fluxum.metrics import METRICS, Collector
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape.writer import TapeWriter
from fluxum.venues.register import find_venue
from scrapes import scrape

BTC = Symbol("BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")
KRAKEN = {"venue": "kraken", "session": "1"}


@asynccontextmanager
async def box(faults: str = "") -> AsyncGenerator[SimulatedRuntime]:
    clock = SimulatedClock()
    plan = FaultPlan(parse_faults(faults), Random(7))
    venue = find_venue("kraken")
    async with SimulatedExchange(
        venue, [BTC, Symbol("ETH/USD")], seed=7, clock=clock, rate_per_s=20, faults=plan
    ) as exchange:
        exchange.open_account("key", "c2VjcmV0", {"USD": Decimal(10_000)}, tier="pro")
        yield SimulatedRuntime(exchange, clock=clock, seed=3)


def test_a_scrape_has_what_the_session_counts() -> None:
    """A corrupted book and a cut link on the way, so that the losses are not all zero."""

    async def story() -> None:
        async with (
            box("corrupt@12s,hangup@22s") as runtime,
            fluxum.connect(
                "kraken", ["BTC/USD"], [Channel.BOOK, Channel.TRADE], runtime=runtime
            ) as session,
        ):
            slow = session.events(capacity=10, overflow=Overflow.DROP_OLDEST)
            leaving = session.trades("BTC/USD")
            await asyncio.sleep(30)
            leaving.close()
            await asyncio.sleep(10)

            found, counts = scrape(session), session.statistics()

            for outcome in ("data", "control", "rejected"):
                assert found.value("frames_total", outcome=outcome) == getattr(counts, outcome)
            assert sum(found.values("frames_total").values()) == counts.frames > 100
            assert found.value("events_published_total", **KRAKEN) == counts.published
            assert found.value("frames_sent_total") == counts.sent
            assert found.value("reconnects_total") == counts.reconnects == 1
            assert found.value("desyncs_total") == counts.desyncs == 1
            assert found.value("book_checks_total", outcome="passed") == counts.checks_passed
            assert found.value("book_checks_total", outcome="failed") == counts.checks_failed == 1
            gaps = found.values("gaps_total")
            assert sum(gaps.values()) == counts.gaps >= 3  # of the check, of the cut twice
            assert found.value("gaps_total", channel="book", cause="desync", repair="snapshot") == 1
            assert found.value("gaps_total", channel="trade", cause="desync", repair="lost") == 0
            assert found.value("gaps_open", channel="trade") == 0

            (reader,) = counts.readers
            assert reader.dropped > 0
            offered = found.value("reader_events_offered_total")
            became = sum(found.values("reader_events_total").values())
            assert offered == became + found.value("reader_events_waiting")
            assert offered == reader.offered + counts.departed.offered
            assert counts.departed.offered > 0
            assert slow.waiting == 10

            assert found.value("session_state", state="ready") == 1
            assert sum(found.values("session_state").values()) == 1
            assert found.value("session_ready") == found.value("sums_close", sums="session") == 1
            assert found.value("books", status="valid") == 1
            assert found.value("link_up", link="public-1") == 1
            assert 0 <= found.value("book_age_max_seconds") < 5
            assert found.value("link_silence_seconds") < 2

    run(story())


def test_counters_never_fall_when_a_reader_leaves() -> None:
    async def story() -> None:
        async with (
            box() as runtime,
            fluxum.connect("kraken", ["BTC/USD"], runtime=runtime) as session,
        ):
            with session.events(capacity=5):
                await asyncio.sleep(10)
                before = scrape(session)
            after = scrape(session)

        dropped = {"outcome": "dropped"}
        assert before.value("reader_events_total", **dropped) > 0
        assert after.value("reader_events_total", **dropped) == (
            before.value("reader_events_total", **dropped)
            + before.value("reader_events_waiting")  # what waited was never read
        )

    run(story())


def test_a_link_that_is_lost_is_seen() -> None:
    async def story() -> None:
        async with (
            box("refuse@9s+60s,hangup@10s") as runtime,
            fluxum.connect("kraken", ["BTC/USD"], runtime=runtime) as session,
        ):
            await asyncio.sleep(20)

            found = scrape(session)

            assert found.value("link_up") == found.value("session_ready") == 0
            assert found.value("session_missing") > 0
            assert found.value("books", status="syncing") == 1
            assert found.value("gaps_open", channel="book") == 1

    run(story())


def test_sums_that_do_not_close_are_seen() -> None:
    async def story() -> None:
        async with box() as runtime, fluxum.connect("kraken", ["BTC/USD"], runtime=runtime) as one:
            await asyncio.sleep(1)
            one._processor.counts.withheld += 1

            assert scrape(one).value("sums_close") == 0

    run(story())


def test_symbols_are_labels_only_up_to_the_limit() -> None:
    async def story() -> None:
        async with (
            box() as runtime,
            fluxum.connect("kraken", ["BTC/USD", "ETH/USD"], runtime=runtime) as session,
        ):
            await session.wait_ready(10)

            none, one, both = (scrape(session, count) for count in (0, 1, 9))

        assert not none.values("book_status")
        assert one.value("book_status", symbol="BTC/USD", status="valid") == 1
        assert not one.values("book_status", symbol="ETH/USD")
        assert both.value("book_status", symbol="ETH/USD", status="valid") == 1
        assert both.value("book_age_seconds", symbol="ETH/USD") >= 0

    run(story())


def test_two_sessions_with_one_venue_are_two() -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            runtime = await stack.enter_async_context(box())
            opened: list[Session] = []
            collector = Collector(lambda: opened)

            async def connect() -> None:
                opening = fluxum.connect("kraken", ["BTC/USD"], runtime=runtime)
                opened.append(await stack.enter_async_context(opening))

            def numbers() -> list[str]:
                families = {one.name: one for one in collector.collect()}
                return [one.labels["session"] for one in families["fluxum_readers"].samples]

            await connect()
            assert numbers() == ["1"]
            await connect()
            assert numbers() == ["1", "2"]
            opened.pop(0)
            assert numbers() == ["2"]  # as before, or its counters would fall

    run(story())


def test_a_trader_has_metrics_of_orders_and_of_its_account() -> None:
    async def story() -> None:
        async with (
            box() as runtime,
            fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader,
        ):
            await trader.buy("BTC/USD", "0.01")
            await asyncio.sleep(1)
            trader.halt("lunch")
            with pytest.raises(fluxum.RiskRefused):
                await trader.buy("BTC/USD", "0.01")

            found = scrape([trader, trader.session])

            assert found.value("order_requests_total", **KRAKEN) == 2
            assert found.value("order_requests_unsent_total", reason="risky") == 1
            assert found.value("orders_placed_total") == 1
            assert found.value("orders", standing="accepted") == 1
            assert found.value("orders_uncertain") == 0
            assert found.value("fills_total", outcome="counted") >= 1
            assert found.value("trading_halted") == 1
            assert found.value("sums_close", sums="orders") == 1
            assert found.value("account_following") == 1
            assert found.value("tokens_total", outcome="fetched") == 1
            assert found.value("token_age_seconds") > 0
            assert found.value("rest_queries_total", scope="account", outcome="answered") > 0
            used = found.value("rest_limit_used", scope="account")
            assert 0 < used < found.value("rest_limit", scope="account")

    run(story())


def test_a_recorder_has_metrics(tmp_path: Path) -> None:
    with TapeWriter(tmp_path / "a.jsonl", "kraken", SystemClock()) as tape:
        tape.add(b"{}", 1, sent=False)
        waiting = scrape(tape)
    found = scrape(tape)

    assert waiting.value("recorder_up", recorder="1") == 1
    assert waiting.value("recorder_frames_waiting") == 1
    assert found.value("recorder_frames_total", outcome="written") == 1
    assert found.value("recorder_frames_total", outcome="lost") == 0


def test_every_name_is_described_and_typed() -> None:
    described = {one.name: one.type for one in Collector([]).describe()}

    assert len(described) == len(METRICS)  # a counter and a gauge would share a name
    for name in METRICS:
        kind = "counter" if name.endswith("_total") else "gauge"
        kind = "histogram" if METRICS[name].is_histogram else kind
        assert described[name.removesuffix("_total")] == kind
    assert scrape([]).value("build_info", version=fluxum.__version__) == 1


def test_a_negative_number_of_symbols_is_refused() -> None:
    with pytest.raises(BadInput, match="at least 0 was expected, was -1"):
        Collector([], symbols_max=-1)
