"""Many venues as one: what one does, harms no other, and everything is one stream."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

import fluxum
from fluxum import BadInput, Channel, LinkLost, NotSubscribed, State, VenueFailed, VenueRefused
from fluxum.model.event import Event, Gap
from fluxum.sim.loop import run
from hubs import BTC, KEYS, exchanges

THREE = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"], "gemini": ["BTC/USD"]}


def test_events_of_all_venues_are_one_stream() -> None:
    async def story() -> None:
        async with (
            exchanges(THREE) as world,
            fluxum.hub(
                THREE, [Channel.BOOK, Channel.TRADE], depth=10, runtime=world.runtime
            ) as hub,
        ):
            events = hub.events()
            earlier = hub.statistics().counts.published
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(5)

            seen = events.drain()
            assert {one.venue for one in seen if isinstance(one, fluxum.Trade)} == set(THREE)
            assert hub.missing() == []
            assert hub.venues == ("kraken", "coinbase", "gemini")
            assert all(hub.session(venue).book(BTC).proof().is_valid for venue in THREE)
            statistics = hub.statistics()
            assert statistics.sums_close
            assert statistics.counts.published == earlier + len(seen)
        assert [one async for one in events if isinstance(one, Gap)] == []

    run(story())


def test_events_come_in_the_order_of_arrival() -> None:
    async def story() -> None:
        async with (
            exchanges(THREE) as world,
            fluxum.hub(THREE, [Channel.BOOK, Channel.TRADE], runtime=world.runtime) as hub,
        ):
            seen: list[Event] = []
            async for event in hub.events():
                seen.append(event)
                if len(seen) == 200:
                    break

            received = [one.received_ns for one in seen]
            assert received == sorted(received)
            assert {one.venue for one in seen[-100:]} == set(THREE)

    run(story())


def test_a_busy_venue_costs_a_quiet_one_nothing() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        rates = {"kraken": 500.0, "gemini": 1.0}
        async with (
            exchanges(markets, rates=rates) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            events = hub.events(capacity=100)
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(20)

            first = [await anext(events) for _ in range(40)]
            shares = Counter(one.venue for one in first)
            assert shares["gemini"] >= 15
            rest = [*first, *events.drain()]
            lost = [one for one in rest if isinstance(one, fluxum.Dropped)]
            assert {one.venue for one in lost} == {"kraken"}
            assert hub.health().venues["kraken"].dropped == sum(one.count for one in lost)
            assert hub.health().venues["gemini"].dropped == 0
            assert hub.statistics().sums_close

    run(story())


def test_a_venue_that_cannot_be_opened_harms_no_other() -> None:
    async def story() -> None:
        async with (
            exchanges({"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}) as world,
            fluxum.hub(THREE, runtime=world.runtime) as hub,
        ):
            events = hub.events()
            await hub.wait_ready(quorum=2, timeout_s=10)

            health = hub.health()
            assert health.venues["coinbase"].state is State.FAILED
            assert "no simulated coinbase is open" in health.venues["coinbase"].reason
            assert (health.ready, health.is_ready) == (2, False)
            assert [one.venue for one in hub.missing()] == ["coinbase"]
            with pytest.raises(VenueRefused, match="coinbase failed"):
                await hub.wait_ready(timeout_s=10)
            with pytest.raises(BadInput, match="no simulated coinbase"):
                hub.session("coinbase")
            await asyncio.sleep(5)
            assert {one.venue for one in events.drain()} == {"kraken", "gemini"}
            assert hub.statistics().sums_close

    run(story())


def test_a_symbol_that_a_venue_refuses_is_missing_there_alone() -> None:
    async def story() -> None:
        wanted = {"kraken": ["BTC/USD", "NO/SUCH"], "gemini": ["BTC/USD"]}
        async with (
            exchanges({"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}) as world,
            fluxum.hub(wanted, runtime=world.runtime) as hub,
        ):
            await hub.wait_ready(quorum=1, timeout_s=10)
            with pytest.raises(VenueRefused, match="kraken refused 'book NO/SUCH 10'"):
                await hub.wait_ready(timeout_s=10)

            (reason,) = hub.missing()
            assert (reason.venue, str(reason.subscription)) == ("kraken", "book NO/SUCH 10")
            assert hub.session("kraken").book(BTC).proof().is_valid

    run(story())


def test_what_a_venue_does_not_offer_is_missing_there_alone() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini-v2": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(markets, ["book", "ticker"], depth=600, runtime=world.runtime) as hub,
        ):
            tickers = hub.tickers("BTC/USD")
            await asyncio.sleep(5)

            assert [str(one) for one in hub.missing()] == [
                "gemini-v2 ticker BTC/USD: gemini-v2 offers book, candle, instrument, trade; "
                "was 'ticker'"
            ]
            assert hub.session("kraken").book(BTC).depth == 1000
            assert {one.venue for one in tickers.drain()} == {"kraken"}

    run(story())


def test_a_refusal_for_good_is_an_event_and_a_reason() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        async with (
            exchanges(markets, faults={"gemini": "refuse:403@0s+1000s"}) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            events = hub.events()
            await hub.wait_ready(quorum=1, timeout_s=10)
            await asyncio.sleep(5)

            failures = [one for one in events.drain() if isinstance(one, VenueFailed)]
            assert [one.venue for one in failures] == ["gemini"]
            assert "403" in failures[0].reason
            assert "403" in hub.health().venues["gemini"].reason
            await asyncio.sleep(5)
            assert {one.venue for one in events.drain()} == {"kraken"}

    run(story())


def test_three_of_six_venues_with_faults_harm_none_of_the_others() -> None:
    markets = {
        "kraken": ["BTC/USD"],
        "binance": ["BTC/USDT"],
        "bybit": ["BTC/USDT"],
        "coinbase": ["BTC/USD"],
        "gemini": ["BTC/USD"],
        "okx": ["BTC/USDT"],
    }
    faulty = {"kraken", "bybit", "gemini"}
    faults = dict.fromkeys(faulty, "hangup@10s,corrupt@15s,drop@20s,freeze@25s+8s,hangup@40s")

    async def story() -> None:
        async with (
            exchanges(markets, faults=faults) as world,
            fluxum.hub(markets, [Channel.BOOK, Channel.TRADE], runtime=world.runtime) as hub,
        ):
            events = hub.events(capacity=100_000)
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(60)
            await hub.wait_ready(timeout_s=60)

            seen = events.drain()
            lost = Counter(one.venue for one in seen if isinstance(one, LinkLost))
            gaps = Counter(one.venue for one in seen if isinstance(one, Gap))
            assert set(lost) == faulty
            assert set(gaps) == faulty
            health = hub.health()
            assert {name for name, one in health.venues.items() if one.reconnects} == faulty
            assert health.gaps == sum(gaps.values())
            assert health.gaps_open == 0
            assert hub.statistics().sums_close

    run(story())


def test_health_has_rates_ages_and_attempts() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        faults = {"gemini": "hangup@30s,refuse:503@30s+20s"}
        async with (
            exchanges(markets, faults=faults, rate_per_s=20.0) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(10)
            before = hub.statistics().venues["kraken"].frames
            await asyncio.sleep(10)
            frames = hub.statistics().venues["kraken"].frames - before
            kraken = hub.health().venues["kraken"]
            assert kraken.is_ready
            assert kraken.frames_per_s == pytest.approx(frames / 10, rel=0.15)
            assert frames > 50
            assert (kraken.books, kraken.books_valid) == (1, 1)
            assert kraken.evidence_age_s is not None
            assert kraken.evidence_age_s < 1
            assert kraken.received_age_s is not None
            assert kraken.received_age_s < 2
            assert kraken.attempt == 0
            assert set(kraken.latencies) == {
                "exchange",
                "decoded",
                "applied",
                "published",
                "delivered",
            }

            await asyncio.sleep(20)
            health = hub.health()
            gemini = health.venues["gemini"]
            assert gemini.state is State.RECONNECTING
            assert gemini.attempt > 0
            assert "503" in gemini.reason
            assert gemini.books_valid == 0
            assert gemini.evidence_age_s is not None
            assert gemini.evidence_age_s > 5
            assert health.evidence_age_s == gemini.evidence_age_s
            assert health.state is State.RECONNECTING
            assert [one.venue for one in health.missing] == ["gemini"] * len(health.missing)

    run(story())


def test_the_latencies_of_a_hub_are_those_of_its_venues_together() -> None:
    async def story() -> None:
        async with (
            exchanges(THREE, rate_per_s=50.0) as world,
            fluxum.hub(THREE, runtime=world.runtime) as hub,
        ):
            events = hub.events()
            await hub.wait_ready(timeout_s=10)
            for _ in range(200):
                await asyncio.sleep(0.1)  # so that an event waits for up to that long
                events.drain()

            health = hub.health()
            assert health.latencies["exchange"].is_foreign
            for hop, together in health.latencies.items():
                apart = [one.latencies[hop].count for one in health.venues.values()]
                assert together.count == sum(apart) > 0, hop
            delivered = health.latencies["delivered"]
            assert delivered.max_ns is not None
            assert 0 < delivered.max_ns <= 100_000_000
            assert health.latencies["published"].max_ns == 0

    run(story())


def test_subscriptions_change_while_the_hub_runs() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD", "ETH/USD"], "gemini": ["BTC/USD", "ETH/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(
                {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}, runtime=world.runtime
            ) as hub,
        ):
            await hub.wait_ready(timeout_s=10)
            with pytest.raises(NotSubscribed, match="'trade ETH/USD' is subscribed at no venue"):
                hub.trades("ETH/USD")

            hub.subscribe({"kraken": ["ETH/USD"], "gemini": ["ETH/USD"]}, ["trade"])
            trades = hub.trades("ETH/USD")
            every = hub.trades()
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(20)
            mine = trades.drain()
            assert {one.venue for one in mine} == set(markets)
            assert every.drain() == mine

            hub.unsubscribe({"kraken": ["ETH/USD"]})
            await asyncio.sleep(1)
            trades.drain()
            await asyncio.sleep(20)
            assert {one.venue for one in trades.drain()} == {"gemini"}
            with pytest.raises(NotSubscribed, match="ETH/USD is not subscribed at kraken"):
                hub.unsubscribe({"kraken": ["ETH/USD"]})
            with pytest.raises(BadInput, match=r"kraken, gemini\), was 'okx'"):
                hub.subscribe({"okx": ["ETH/USD"]})

    run(story())


def test_venues_come_and_go_in_streams_that_are_open() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub({"kraken": ["BTC/USD"]}, runtime=world.runtime) as hub,
        ):
            events, books = hub.events(), hub.books("BTC/USD", depth=2)
            await hub.wait_ready(timeout_s=10)

            await hub.add("gemini", ["BTC/USD"])
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(3)
            seen = {one.venue for one in events.drain()}
            assert seen == {"kraken", "gemini"}
            readings = [await anext(books) for _ in range(6)]
            assert {one.snapshot.venue for one in readings} == {"kraken", "gemini"}
            assert all(len(one.snapshot.bids) <= 2 for one in readings)
            with pytest.raises(BadInput, match="part of this hub already"):
                await hub.add("gemini", ["BTC/USD"])

            before = hub.statistics()
            await hub.remove("kraken")
            assert world["kraken"].connections == 0
            assert hub.venues == ("gemini",)
            events.drain()
            await asyncio.sleep(3)
            assert {one.venue for one in events.drain()} == {"gemini"}
            after = hub.statistics()
            assert after.sums_close
            assert after.removed.frames >= before.venues["kraken"].frames > 0
            assert after.counts.frames == after.removed.frames + after.venues["gemini"].frames

            await hub.add("kraken", ["BTC/USD"])
            await hub.wait_ready(timeout_s=10)
            assert hub.statistics().sums_close

    run(story())


def test_a_stream_opened_while_a_venue_is_added_has_each_event_once() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub({"kraken": ["BTC/USD"]}, ["trade"], runtime=world.runtime) as hub,
        ):
            streams: list[fluxum.Stream[fluxum.Trade]] = []

            async def open_streams() -> None:
                for _ in range(20):
                    streams.append(hub.trades())
                    await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                group.create_task(open_streams())
                group.create_task(hub.add("gemini", ["BTC/USD"]))
            await asyncio.sleep(60)

            for stream in streams:
                ids = [(one.venue, one.trade_id) for one in stream.drain()]
                assert len(ids) == len(set(ids))
                assert {venue for venue, _ in ids} == set(markets)
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(hub.remove("gemini"))
            assert hub.venues == ("kraken",)
            assert hub.statistics().sums_close

    run(story())


def test_a_venue_that_failed_can_be_added_again() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        async with (
            exchanges(markets, faults={"gemini": "refuse:403@0s+10s"}) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            await asyncio.sleep(15)
            assert hub.health().venues["gemini"].state is State.FAILED

            await hub.add("gemini", ["BTC/USD"])
            await hub.wait_ready(timeout_s=10)
            assert hub.missing() == []

    run(story())


def test_an_account_has_its_trader() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD", "NO/SUCH"], "gemini": ["BTC/USD"]}
        known = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        account = fluxum.HubAccount(
            keys=KEYS, journal=fluxum.MemoryOrderJournal(), limits=fluxum.RiskLimits()
        )
        async with (
            exchanges(known, rate_per_s=20.0) as world,
            fluxum.hub(markets, accounts={"kraken": account}, runtime=world.runtime) as hub,
        ):
            with pytest.raises(BadInput, match="no account at gemini"):
                hub.trader("gemini")
            with pytest.raises(BadInput, match="not ready: kraken"):
                hub.trader("kraken")
            await asyncio.sleep(20)

            order = await hub.trader("kraken").buy("BTC/USD", "0.02")
            assert order.is_ours
            await asyncio.sleep(1)
            assert hub.trader("kraken").position("BTC/USD") is not None
        assert world["kraken"].connections == 0

    run(story())


def test_an_account_whose_keys_are_refused_is_missing_and_its_venue_goes_on() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
        account = fluxum.HubAccount(
            keys=fluxum.Credentials("wrong", "c2VjcmV0"), journal=fluxum.MemoryOrderJournal()
        )
        async with (
            exchanges(markets) as world,
            fluxum.hub(markets, accounts={"kraken": account}, runtime=world.runtime) as hub,
        ):
            await hub.wait_ready(quorum=1, timeout_s=10)
            await asyncio.sleep(5)

            reasons = {one.venue for one in hub.missing()}
            assert reasons == {"kraken"}
            assert "wrong" not in repr(account)

    run(story())


def test_a_journal_that_cannot_be_opened_costs_the_account_alone(tmp_path: Path) -> None:
    async def story() -> None:
        file = tmp_path / "file"
        file.write_text("")
        account = fluxum.HubAccount(keys=KEYS, journal=file / "orders.jsonl")
        async with (
            exchanges({"kraken": ["BTC/USD"]}) as world,
            fluxum.hub(
                {"kraken": ["BTC/USD"]}, accounts={"kraken": account}, runtime=world.runtime
            ) as hub,
        ):
            await asyncio.sleep(10)

            assert hub.session("kraken").book(BTC).proof().is_valid
            (reason,) = hub.missing()
            assert reason.reason.startswith("account: ")
            with pytest.raises(fluxum.OrderJournalError):
                hub.trader("kraken")
            with pytest.raises(VenueRefused, match="kraken account"):
                await hub.wait_ready(timeout_s=10)

    run(story())


def test_a_hub_can_be_awaited_and_closed() -> None:
    async def story() -> None:
        async with exchanges({"kraken": ["BTC/USD"]}) as world:
            hub = await fluxum.hub({"kraken": ["BTC/USD"]}, runtime=world.runtime)
            await hub.wait_ready(timeout_s=10)
            await hub.close()

            assert world["kraken"].connections == 0
            assert [one async for one in hub.events()] == []
            with pytest.raises(BadInput, match="closed"):
                await hub.add("gemini", ["BTC/USD"])

    run(story())


@pytest.mark.parametrize(
    ("markets", "more", "message"),
    [
        ({"krakn": ["BTC/USD"]}, {}, "krakn"),
        ({"kraken": ["BTCUSD"]}, {}, "'BTCUSD'"),
        ({"kraken": ["BTC/USD"]}, {"channels": ["bok"]}, "'bok'"),
        ({"kraken": ["BTC/USD"]}, {"endpoints": {"okx": "ws://h:1"}}, "was okx"),
        ({"kraken": ["BTC/USD"]}, {"endpoints": {"kraken": "h:1"}}, "'h:1'"),
        ({"gemini-v2": ["BTC/USD"]}, {"accounts": {"gemini-v2": KEYS}}, "not supported at gemini"),
    ],
)
def test_what_no_venue_could_understand_is_refused_at_once(
    markets: dict[str, list[str]], more: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        fluxum.hub(markets, **more)  # type: ignore[arg-type]


def test_a_quorum_is_a_number_of_venues() -> None:
    async def story() -> None:
        async with (
            exchanges({"kraken": ["BTC/USD"]}) as world,
            fluxum.hub({"kraken": ["BTC/USD"]}, runtime=world.runtime) as hub,
        ):
            for quorum in (0, 2):
                with pytest.raises(BadInput, match="a quorum of 1 to 1 venues"):
                    await hub.wait_ready(quorum)
            world["kraken"].hangup_all()
            with pytest.raises(TimeoutError, match=r"not ready after 0.0 s: kraken"):
                await hub.wait_ready(timeout_s=0.0)

    run(story())
