"""What OKX's orders do besides what the conformance cards ask of every account."""

import asyncio
from decimal import Decimal

import pytest

import fluxum
from fluxum import BadInput, Fill, OrderRequest, OrderStatus, Symbol
from fluxum.model.event import Event
from fluxum.model.order import OrderUpdate
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.okx.venue import OKX
from venues.accounts import KEYS, LOT, play, trading

PERP = Symbol("BTC/USDT:PERP")


@pytest.mark.parametrize("symbol", [None, PERP])
def test_all_orders_are_canceled_and_the_dead_man_switch_ends_the_others(
    symbol: Symbol | None,
) -> None:
    async def story() -> None:
        async with trading(OKX, symbol) as one:
            low = one.bid - 500
            for _ in range(23):
                await one.trader.buy(one.symbol, LOT, limit=low)
            assert await one.trader.cancel_all() == 23
            await asyncio.sleep(1)
            assert one.trader.orders.open_orders() == []

            resting = await one.trader.buy(one.symbol, LOT, limit=low)
            with pytest.raises(BadInput, match="10 to 120 s"):
                await one.trader.orders.cancel_all_after(5)
            state = await one.trader.orders.cancel_all_after(10)
            assert state.is_armed(one.trader.session.account.venue_now_ns())
            await asyncio.sleep(30)  # it is renewed
            assert one.order(resting).status is OrderStatus.OPEN
            one.account.cancels_ns = 1  # as if it were not
            await asyncio.sleep(2)
            assert one.order(resting).status is OrderStatus.CANCELED

    play(story)


def test_orders_that_never_rest_end_with_the_venues_reason() -> None:
    async def story() -> None:
        async with trading(OKX, rate_per_s=0) as one:
            for in_force, reason in (("ioc", "immediate or cancel"), ("fok", "fill or kill")):
                order = await one.trader.orders.place(
                    OrderRequest(
                        symbol=one.symbol,
                        side="buy",
                        quantity=LOT,
                        limit_price=one.bid,
                        time_in_force=in_force,
                    )
                )
                await asyncio.sleep(1)
                ended = one.order(order)
                assert (ended.status, ended.filled) == (OrderStatus.CANCELED, Decimal(0))
                assert reason in ended.reason

    play(story)


class Apart:
    """Our clock, so many seconds ahead of the exchange's."""

    def __init__(self, clock: SimulatedClock, ahead_s: int) -> None:
        self._clock = clock
        self._ahead_ns = ahead_s * 1_000_000_000

    def now_ns(self) -> int:
        return self._clock.now_ns() + self._ahead_ns


@pytest.mark.parametrize("ahead_s", [-120, 120])
def test_a_clock_that_is_off_signs_by_the_venues(ahead_s: int) -> None:
    """Calls and logins are good for 30 seconds."""

    async def story() -> None:
        clock, symbol = SimulatedClock(), OKX.sample_symbols[0]
        async with SimulatedExchange(OKX, [symbol], seed=7, clock=clock) as exchange:
            money = {"USDT": Decimal(100_000)}
            account = exchange.open_account(
                KEYS.key, KEYS.secret, money, passphrase=KEYS.passphrase
            )
            async with fluxum.trade(
                "okx",
                [symbol],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=SimulatedRuntime(exchange, clock=Apart(clock, ahead_s), seed=3),
            ) as trader:
                order = await trader.buy(symbol, LOT)
                assert order.status is OrderStatus.FILLED
                assert len(account.orders) == 1

    play(story)


def test_updates_that_come_twice_count_once() -> None:
    async def story() -> None:
        async with trading(OKX) as one:
            events = one.trader.session.events(capacity=10_000)
            for _ in range(20):
                await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(2)
            published: list[Event] = events.drain()
            fills = [event for event in published if isinstance(event, Fill)]
            updates = [event for event in published if isinstance(event, OrderUpdate)]

            counts = one.trader.session.account.following.counts
            assert counts.repeated > 0  # the simulated half repeats a fourth of them
            assert counts.contradicted == 0
            assert len(fills) == len(one.account.fills)
            assert len(updates) > len(fills)

    play(story)
