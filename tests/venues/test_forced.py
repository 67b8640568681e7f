"""Positions that a simulated exchange closes itself, as an account hears of them."""

import asyncio
from decimal import Decimal

import pytest

from fluxum import Fill, OrderUpdate, PositionUpdate, Subscription, Symbol
from fluxum.model.event import Channel
from fluxum.model.position import Forced
from fluxum.venues.register import VENUES
from fluxum.venues.server.accounts import CommandRefused
from venues.accounts import play, trading

PERP = Symbol("BTC/USDT:PERP")


@pytest.mark.parametrize("forced", Forced)
@pytest.mark.parametrize("name", ["binance-usdm", "bybit-linear", "okx"])
def test_a_forced_close_is_named_on_stream_and_list(name: str, forced: Forced) -> None:
    async def story() -> None:
        async with trading(VENUES[name], PERP) as one:
            session = one.trader.session
            session.subscribe(Subscription(Channel.BALANCE))
            await session.wait_ready(60)
            with pytest.raises(CommandRefused):
                one.account.force(PERP, forced)
            await one.trader.buy(PERP, "0.5")
            await asyncio.sleep(2)
            with session.events() as events:
                one.account.force(PERP, forced)
                await asyncio.sleep(5)
                told = events.drain()

            fills = [event for event in told if isinstance(event, Fill)]
            assert sum(fill.quantity for fill in fills) == Decimal("0.5")
            assert {fill.forced for fill in fills} == {forced}
            last = [event for event in told if isinstance(event, OrderUpdate)][-1]
            assert (last.status.value, last.forced) == ("filled", forced)
            closed = [event for event in told if isinstance(event, PositionUpdate)][-1]
            assert (closed.side, closed.quantity) == (None, Decimal(0))
            listed = await session.account.history(one.account.trades[0].venue_ns - 10**9)
            assert [fill.forced for fill in listed] == [each.forced for each in one.account.fills]
            assert one.trader.position(PERP).quantity == 0  # type: ignore[union-attr]
            assert all(line.is_clean for line in await one.trader.audit_positions())

    play(story)
