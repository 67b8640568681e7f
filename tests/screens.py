"""Views of simulated exchanges in virtual time, for the tests of the screen."""

import asyncio
from collections.abc import Mapping
from functools import cache

from fluxum.flow.background import background
from fluxum.hub.opening import hub
from fluxum.model.account import Credentials
from fluxum.sim.loop import run
from fluxum.view import Extent, View, ViewKeeper, view
from hubs import KEYS, exchanges

__all__ = ["ONE", "THREE", "moment"]

ONE = (("kraken", ("BTC/USD", "ETH/USD")),)
THREE = (("kraken", ("BTC/USD", "ETH/USD")), ("coinbase", ("BTC/USD",)), ("gemini", ("BTC/USD",)))
_CHANNELS = ("book", "trade", "candle")
_EXTENT = Extent(depth=25, trades=60, candles=120, losses=60)


@cache
def moment(
    at_s: float,
    markets: tuple[tuple[str, tuple[str, ...]], ...] = ONE,
    faults: tuple[tuple[str, str], ...] = (),
    *,
    has_account: bool = False,
    rate_per_s: float = 20.0,
) -> View:
    """What these markets are after so many seconds, with faults by venue."""
    accounts = {"kraken": KEYS} if has_account else {}
    wanted = {venue: list(symbols) for venue, symbols in markets}
    return run(_moment(at_s, wanted, dict(faults), accounts, rate_per_s))


async def _moment(
    at_s: float,
    markets: Mapping[str, list[str]],
    faults: Mapping[str, str],
    accounts: Mapping[str, Credentials],
    rate_per_s: float,
) -> View:
    async with (
        exchanges(markets, faults=faults, rate_per_s=rate_per_s, seed=3) as world,
        hub(
            markets, ("book", "trade", "candle"), accounts=accounts, runtime=world.runtime
        ) as opened,
    ):
        keeper = ViewKeeper(world.clock.now_ns)

        async def follow() -> None:
            async for event in opened.events(ViewKeeper.wants, capacity=100_000):
                keeper.take(event)

        async with background(follow()):
            if accounts:
                await opened.wait_ready(timeout_s=30)
                trader = opened.trader("kraken")
                await trader.buy("BTC/USD", "0.25")
                await trader.sell("BTC/USD", "0.1")
            await asyncio.sleep(at_s)
            return view(opened, keeper, _EXTENT)
