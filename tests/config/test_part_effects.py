"""Settings of the hub, of clients and of metrics take effect, in virtual time."""

import asyncio
from collections.abc import Mapping

import pytest
from configured_worlds import QuietDials, World, configured, shows

from fluxum import BadInput, Channel, FailedOver
from fluxum.sim.loop import run
from hubs import BTC, exchanges

TWO = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
HUB = {"hub.venues": "gemini,kraken", "hub.symbols": "BTC/USD"}


@shows("hub.venues", "hub.symbols")
def test_the_hub_has_the_venues_and_symbols_that_are_set() -> None:
    settings = {
        **HUB,
        "venue.kraken.symbols": "ETH/USD",
        "venue.kraken.channels": "book,trade",
        "venue.kraken.depth": "25",
        "venue.kraken.link.silence_s": "33",
        "venue.kraken.endpoint": "ws://127.0.0.1:9",
        "venue.okx.symbols": "BTC/USDT",
        "reader.capacity": "7",
    }

    async def story() -> None:
        dials = QuietDials()
        async with configured(settings).hub(runtime=World(dials)) as hub:
            await asyncio.sleep(1)
            assert hub.venues == ("gemini", "kraken")
            found = {
                (one.channel, one.symbol, one.depth) for one in hub.session("kraken").subscriptions
            }
            assert found == {(Channel.BOOK, "ETH/USD", 25), (Channel.TRADE, "ETH/USD", None)}
            assert [one.symbol for one in hub.session("gemini").subscriptions] == ["BTC/USD"]
            assert hub.session("kraken").venue.limits.link_silence_s == 33
            assert "ws://127.0.0.1:9/v2" in dials.urls
            assert hub.session("kraken").events().statistics().capacity == 7

    run(story())


def test_without_hub_venues_it_has_those_with_symbols() -> None:
    settings = {"venue.okx.symbols": "BTC/USDT", "venue.kraken.depth": "25"}

    async def story() -> None:
        async with configured(settings).hub(runtime=World(QuietDials())) as hub:
            assert hub.venues == ("okx",)

    run(story())


@shows("hub.quorum")
def test_the_hub_is_ready_with_the_quorum_that_is_set() -> None:
    async def story(settings: Mapping[str, str]) -> bool:
        faults = {"gemini": "refuse:403@0s+900s"}
        async with (
            exchanges(TWO, faults=faults) as world,
            configured({**HUB, **settings}).hub(runtime=world.runtime) as hub,
        ):
            await asyncio.sleep(5)
            return hub.health().has_quorum

    assert not run(story({}))
    assert run(story({"hub.quorum": "1"}))


@shows("hub.failover", "hub.hold_s")
def test_quotes_fail_over_in_the_order_that_is_set() -> None:
    settings = {
        **HUB,
        "hub.failover": '{"BTC/USD" = ["gemini", "kraken"]}',
        "hub.hold_s": "15",
    }

    async def story() -> None:
        faults = {"gemini": "hangup@20s,refuse:503@20s+5s"}
        async with (
            exchanges(TWO, faults=faults) as world,
            configured(settings).hub(runtime=world.runtime) as hub,
        ):
            quotes, events = hub.failover("BTC/USD"), hub.events()
            await asyncio.sleep(70)

            changes = [one for one in events.drain() if isinstance(one, FailedOver)]
            steps = [(one.before, one.venue) for one in changes]
            assert steps[-2:] == [("gemini", "kraken"), ("kraken", "gemini")]
            held_s = (changes[-1].received_ns - changes[-2].received_ns) / 1e9
            assert 15 + 5 <= held_s < 30  # by default it is held for 30
            assert quotes.quote() is not None
            hub.subscribe({"kraken": ["ETH/USD"]})
            with pytest.raises(BadInput, match="venues to fail over between were expected"):
                hub.failover("ETH/USD")

    run(story())


@shows("client.kept")
def test_a_client_keeps_as_many_trades_as_are_set() -> None:
    async def story() -> None:
        async with exchanges({"kraken": ["BTC/USD"]}) as world:
            client = configured({"client.kept": "3"}).client("kraken", runtime=world.runtime)
            async with client:
                assert await client.subscribe_trades(["BTC/USD"])
                await asyncio.sleep(20)
                assert len(client.get_recent_trades(BTC, limit=50)) == 3

    run(story())


@shows("client.slow_s")
@pytest.mark.parametrize(("slow_s", "is_slow"), [("2", True), ("9", False)])
def test_a_callback_is_slow_after_the_time_that_is_set(slow_s: str, is_slow: bool) -> None:
    errors: list[object] = []

    async def slow(_tickers: object) -> None:
        await asyncio.sleep(5)

    async def story() -> None:
        async with exchanges({"kraken": ["BTC/USD"]}) as world:
            client = configured({"client.slow_s": slow_s}).client("kraken", runtime=world.runtime)
            client.register_callback("error", errors.append)
            client.register_callback("ticker", slow)
            async with client:
                assert await client.subscribe_ticker(["BTC/USD"])
                await asyncio.sleep(4.5)

    run(story())

    assert bool(errors) == is_slow
