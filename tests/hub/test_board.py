"""The board of a hub: the last of each venue, withdrawn with its link, kept while it is used."""

import asyncio
import gc

import pytest

import fluxum
from fluxum import BadInput
from fluxum.sim.loop import run
from hubs import KEYS, exchanges

TWO = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"]}


def test_a_board_has_the_last_of_each_venue_and_withdraws_it_with_its_link() -> None:
    async def story() -> None:
        faults = {"coinbase": "hangup@20s,refuse:503@20s+20s"}
        async with (
            exchanges(TWO, faults=faults, rate_per_s=20.0) as world,
            fluxum.hub(TWO, ["ticker", "trade", "candle"], runtime=world.runtime) as hub,
        ):
            board = hub.board()
            await hub.wait_ready(timeout_s=10)
            await asyncio.sleep(19 - asyncio.get_running_loop().time())
            for venue in TWO:
                ticker, trade = board.ticker(venue, "BTC/USD"), board.trade(venue, "BTC/USD")
                assert ticker is not None
                assert trade is not None
                assert ticker.is_valid
                assert ticker.age_ns < 5_000_000_000
                assert trade.value.venue == venue
            assert board.candle("kraken", "BTC/USD", 60) is not None

            world["coinbase"].hangup_all()
            for _ in range(5):
                await asyncio.sleep(0)
            lost = board.ticker("coinbase", "BTC/USD")
            assert lost is not None
            assert lost.reason.startswith("link lost")
            kraken = board.ticker("kraken", "BTC/USD")
            assert kraken is not None
            assert kraken.is_valid

            await asyncio.sleep(60)
            back = board.ticker("coinbase", "BTC/USD")
            assert back is not None
            assert back.is_valid

    run(story())


def test_a_board_has_balances_of_the_account() -> None:
    async def story() -> None:
        account = fluxum.HubAccount(keys=KEYS, journal=fluxum.MemoryOrderJournal())
        async with (
            exchanges(TWO) as world,
            fluxum.hub(
                TWO, ["ticker", "balance"], accounts={"kraken": account}, runtime=world.runtime
            ) as hub,
        ):
            board = hub.board()
            await hub.wait_ready(timeout_s=20)

            held = {asset: int(one.value.total) for asset, one in board.balances("kraken").items()}
            assert held == {"USD": 100_000, "BTC": 1}
            assert not board.balances("coinbase")

    run(story())


def test_a_board_that_is_dropped_is_not_kept() -> None:
    async def story() -> None:
        async with (
            exchanges(TWO, rate_per_s=20.0) as world,
            fluxum.hub(TWO, ["ticker"], runtime=world.runtime) as hub,
        ):
            before = len(asyncio.all_tasks())
            board = hub.board(trades_kept=5, candles_kept=5)
            await hub.wait_ready(timeout_s=10)
            assert any(task.get_name() == "hub board" for task in asyncio.all_tasks())

            del board
            gc.collect()
            await asyncio.sleep(10)
            assert not any(task.get_name() == "hub board" for task in asyncio.all_tasks())
            assert before > 0
        with pytest.raises(BadInput, match="closed"):
            hub.board()

    run(story())
