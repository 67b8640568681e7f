"""History for a warm-up, from a simulated exchange in virtual time."""

import asyncio
from decimal import Decimal

from bot.test_live import BTC, box
from fluxum import connect
from fluxum.bot.strategies.trend import Trend
from fluxum.bot.warmup import candle_history
from fluxum.model.market import Candle
from fluxum.sim.loop import run as run_in_virtual_time


def test_the_last_closed_candles_come_in_their_order() -> None:
    strategy = Trend(market=BTC, size=Decimal(1))

    async def story() -> None:
        async with (
            box(rate_per_s=2) as (_, runtime),
            connect("kraken", ["BTC/USD"], runtime=runtime) as session,
        ):
            await asyncio.sleep(450)
            now_ns = runtime.clock.now_ns()
            found = await candle_history({"kraken": session}, strategy.wants(), 3, now_ns)

            candles = [one for one in found if isinstance(one, Candle)]
            assert len(candles) == len(found) == 3
            assert all(one.closed and one.end_ns <= now_ns for one in candles)
            starts = [one.start_ns for one in candles]
            minute_ns = 60 * 1_000_000_000
            assert starts == [starts[0], starts[0] + minute_ns, starts[0] + 2 * minute_ns]
            assert now_ns - candles[-1].end_ns < minute_ns
            assert await candle_history({"kraken": session}, strategy.wants(), 0, now_ns) == []

    run_in_virtual_time(story())
