"""Consolidated books of a hub: against the exchanges' own, and never a venue without a proof."""

import asyncio
from decimal import Decimal

import pytest
from hub_days import FAULTY, SIX, compare

import fluxum
from fluxum import (
    BadInput,
    Channel,
    ConsolidatedReading,
    NotSubscribed,
    VenueRemoved,
    VenueReturned,
)
from fluxum.sim.loop import run
from hubs import exchanges

TWO = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}


def test_a_venue_leaves_with_its_proof_and_returns_with_it() -> None:
    async def story() -> None:
        async with (
            exchanges(TWO, faults={"gemini": "hangup@20s,refuse:503@20s+5s"}) as world,
            fluxum.hub(TWO, depth=10, runtime=world.runtime) as hub,
        ):
            book = hub.book("BTC/USD")
            await hub.wait_ready(timeout_s=10)
            assert list(book.venues) == ["kraken", "gemini"]
            events = hub.events()
            await asyncio.sleep(20.5)

            assert list(book.venues) == ["kraken"]
            assert "link lost" in book.removed["gemini"]
            await asyncio.sleep(20)
            assert list(book.venues) == ["kraken", "gemini"]
            assert not book.removed

            changes = [one for one in events.drain() if isinstance(one, fluxum.HubEvent)]
            assert [type(one) for one in changes] == [VenueRemoved, VenueReturned]
            assert {one.venue for one in changes} == {"gemini"}

    run(story())


def test_the_stream_tells_who_left_before_the_first_reading_without_it() -> None:
    async def story() -> None:
        faults = {"gemini": "hangup@5s,hangup@15s", "kraken": "corrupt@10s,hangup@22s"}
        async with (
            exchanges(TWO, faults=faults, rate_per_s=20.0) as world,
            fluxum.hub(TWO, depth=10, runtime=world.runtime) as hub,
        ):
            taking_part: set[str] = set()
            changes = readings = 0
            async for item in hub.consolidated("BTC/USD", depth=3):
                match item:
                    case VenueReturned():
                        taking_part.add(item.venue)
                        changes += 1
                    case VenueRemoved():
                        taking_part.discard(item.venue)
                        changes += 1
                    case ConsolidatedReading():
                        assert set(item.venues) == taking_part
                        assert len(item.bids) <= 3
                        readings += 1
                        if asyncio.get_running_loop().time() > 40:
                            break
            assert readings > 400
            assert changes >= 2 + 2 * 4
            assert hub.statistics().sums_close

    run(story())


def test_readmission_by_an_update_alone_is_an_event_without_any_read() -> None:
    async def story() -> None:
        async with (
            exchanges(TWO, faults={"gemini": "cut@10s"}) as world,
            fluxum.hub(TWO, depth=10, runtime=world.runtime) as hub,
        ):
            book = hub.book("BTC/USD")
            await hub.wait_ready(timeout_s=10)
            events = hub.events()
            await asyncio.sleep(30)

            changes = [one for one in events.drain() if isinstance(one, fluxum.HubEvent)]
            assert [type(one) for one in changes] == [VenueRemoved, VenueReturned]
            assert list(book.venues) == ["kraken", "gemini"]

    run(story())


def test_quotes_fail_over_and_come_back_without_any_read() -> None:
    async def story() -> None:
        faults = {"gemini": "hangup@20s,refuse:503@20s+5s"}
        async with (
            exchanges(TWO, faults=faults) as world,
            fluxum.hub(TWO, depth=10, runtime=world.runtime) as hub,
        ):
            quotes = hub.failover("BTC/USD", ["gemini", "kraken"], hold_s=15)
            events = hub.events()
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(70)

            changes = [one for one in events.drain() if isinstance(one, fluxum.FailedOver)]
            steps = [(one.before, one.venue) for one in changes]
            assert steps[-2:] == [("gemini", "kraken"), ("kraken", "gemini")]
            held_s = (changes[-1].received_ns - changes[-2].received_ns) / 1e9
            assert 15 + 5 <= held_s < 45
            quote = quotes.quote()
            assert quote is not None
            assert quote.bid == hub.session("gemini").book("BTC/USD").bid
            with pytest.raises(BadInput, match=r"gemini\), was 'okx'"):
                hub.failover("BTC/USD", ["okx"])

    run(story())


def test_books_come_and_go_with_subscriptions_and_venues() -> None:
    async def story() -> None:
        markets = {**TWO, "coinbase": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub({"kraken": ["BTC/USD"]}, depth=10, runtime=world.runtime) as hub,
        ):
            book = hub.book("BTC/USD")
            await hub.wait_ready(timeout_s=10)
            await hub.add("gemini", ["BTC/USD"])
            await hub.add("coinbase")
            hub.subscribe({"coinbase": ["BTC/USD"]})
            await hub.wait_ready(timeout_s=10)
            assert list(book.venues) == ["kraken", "gemini", "coinbase"]

            hub.unsubscribe({"gemini": ["BTC/USD"]})
            await hub.remove("kraken")
            assert list(book.venues) == ["coinbase"]
            assert not book.removed
            with pytest.raises(NotSubscribed, match="'book ETH/USD' is subscribed at no venue"):
                hub.book("ETH/USD")
            with pytest.raises(BadInput, match=r"gemini, coinbase\), was 'kraken'"):
                hub.book("BTC/USD", unverified=["kraken"])

    run(story())


def test_an_unverified_book_takes_part_if_it_is_allowed_by_name() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "gemini-v2": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(markets, depth=10, runtime=world.runtime) as hub,
        ):
            await hub.wait_ready(timeout_s=10)

            assert list(hub.book("BTC/USD").venues) == ["kraken"]
            assert list(hub.book("BTC/USD", unverified=["gemini-v2"]).venues) == [
                "kraken",
                "gemini-v2",
            ]

    run(story())


def test_another_quote_asset_takes_part_only_as_an_alias() -> None:
    async def story() -> None:
        markets = {"kraken": ["BTC/USD"], "okx": ["BTC/USDT"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            book = hub.book("BTC/USD")
            await hub.wait_ready(timeout_s=10)
            assert list(book.venues) == ["kraken"]

            hub.alias("BTC/USD", "BTC/USDT", haircut_bps=20)
            assert list(book.venues) == ["kraken", "okx"]
            theirs = hub.session("okx").book("BTC/USDT")
            assert theirs.bid is not None
            prices = {
                part.venue: level.price for level in reversed(book.bids(20)) for part in level.parts
            }
            assert prices["okx"] == theirs.bid.price * Decimal("0.998")
            assert list(hub.book("BTC/USDT").venues) == ["okx"]
            async for item in hub.consolidated("BTC/USD"):
                if isinstance(item, ConsolidatedReading) and len(item.venues) == 2:
                    break

            for other, haircut, message in (
                ("ETH/USDT", "5", "another quote of BTC"),
                ("BTC/USD", "5", "another quote of BTC"),
                ("BTC/USDT:PERP", "5", "another quote of BTC"),
                ("BTC/USDC", "-1", "haircut_bps: 0 or more"),
            ):
                with pytest.raises(BadInput, match=message):
                    hub.alias("BTC/USD", other, haircut_bps=haircut)

    run(story())


def test_a_market_price_keeps_the_lots_of_each_venue() -> None:
    markets = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"]}

    async def story() -> None:
        async with (
            exchanges(markets) as world,
            fluxum.hub(
                markets, [Channel.BOOK, "instrument"], depth=10, runtime=world.runtime
            ) as hub,
        ):
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(5)  # lists of markets come by REST

            price = hub.book("BTC/USD").market_price("buy", "0.2345678912345")

            assert price.unchecked == ()
            for share in price.shares:
                instrument = hub.session(share.venue).instrument("BTC/USD")
                assert instrument is not None
                assert share.quantity % instrument.lot == 0
            assert price.quantity + price.unfilled == Decimal("0.2345678912345")
            assert hub.book("BTC/USD").clock_difference_ns is not None

    run(story())


def test_every_read_is_what_the_exchanges_own_books_are() -> None:
    """A million of them, and faults at random, are in `tests/simulation/hub_days.py`."""
    faults = dict.fromkeys(FAULTY, "hangup@5s,cut@8s,drop@11s,freeze@14s+3s,reorder@20s")

    async def story() -> None:
        async with (
            exchanges(SIX, faults=faults, rate_per_s=10.0) as world,
            fluxum.hub(SIX, depth=10, runtime=world.runtime) as hub,
        ):
            hub.alias("BTC/USD", "BTC/USDT", haircut_bps=0)
            changes = await compare(hub, world.by_name, 1000)
            assert changes > 6 + 2 * 3

    run(story())
