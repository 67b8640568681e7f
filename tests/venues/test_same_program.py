"""One program of thirty lines trades at every exchange in the register that has accounts."""

import asyncio
import inspect
from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec import Struct

import fluxum
from fluxum import Balance, Fill, Order, OrderStatus, Symbol
from fluxum.runtime import Runtime
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from venues.accounts import KEYS, LOT, play

ACCOUNTS = [venue for venue in VENUES.values() if venue.private is not None]


class Found(Struct):
    """What the program knows in the end."""

    canceled: Order
    bought: Order | None
    left: list[Order | None]
    position: fluxum.Position | None
    fills: Sequence[Fill]
    balances: Sequence[Balance]


async def program(exchange: str, symbol: Symbol, runtime: Runtime) -> Found:
    async with fluxum.trade(
        exchange, [symbol], keys=KEYS, journal=fluxum.MemoryOrderJournal(), runtime=runtime
    ) as trader:
        rules, bid = trader.session.instrument(symbol), trader.book(symbol).bid
        assert rules is not None
        assert bid is not None
        low = bid.price * Decimal("0.9") // rules.tick * rules.tick

        resting = await trader.buy(symbol, LOT, limit=low, post_only=True)
        canceled = await trader.cancel(resting.client_order_id)
        bought = await trader.buy(symbol, 2 * LOT)
        await trader.sell(symbol, LOT)
        left = [await trader.buy(symbol, LOT, limit=low) for _ in range(2)]
        await trader.cancel_all()
        await asyncio.sleep(5)

        return Found(
            canceled=canceled,
            bought=trader.orders.order(bought.client_order_id),
            left=[trader.orders.order(one.client_order_id) for one in left],
            position=trader.position(symbol),
            fills=await trader.session.account.history(),
            balances=await trader.balances(),
        )


def test_the_program_has_thirty_lines() -> None:
    assert len(inspect.getsource(program).splitlines()) <= 30


@pytest.mark.parametrize("venue", ACCOUNTS, ids=lambda venue: venue.name)
def test_the_same_program_trades_everywhere(venue: Venue) -> None:
    async def story() -> None:
        clock, symbol = SimulatedClock(), venue.sample_symbols[0]
        async with SimulatedExchange(
            venue, [symbol], seed=7, clock=clock, rate_per_s=20, resolution_ns=1_000_000
        ) as exchange:
            money = {str(symbol.quote): Decimal(100_000), str(symbol.base): Decimal(1)}
            account = exchange.open_account(KEYS.key, KEYS.secret, money)
            await asyncio.sleep(1)

            found = await program(
                venue.name, symbol, SimulatedRuntime(exchange, clock=clock, seed=3)
            )

        fees = [fee for fill in account.fills for fee in fill.fees or ()]
        charged = sum((fee.amount for fee in fees if fee.asset == symbol.base), Decimal(0))
        assert found.canceled.status is OrderStatus.CANCELED
        assert found.bought is not None
        assert (found.bought.status, found.bought.filled) == (OrderStatus.FILLED, 2 * LOT)
        assert [one and one.status for one in found.left] == [OrderStatus.CANCELED] * 2
        assert not account.open_orders()
        assert {one.fill_id for one in found.fills} == {one.fill_id for one in account.fills}
        assert found.position is not None
        assert found.position.quantity == LOT - charged
        held = {one.asset: one.total for one in account.balances()}
        assert {one.asset: one.total for one in found.balances} == held

    play(story)
