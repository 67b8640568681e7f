"""One program of thirty lines trades at every exchange in the register that has accounts."""

import asyncio
import inspect
from decimal import Decimal

import pytest

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


async def program(exchange: str, symbol: Symbol, runtime: Runtime) -> dict[str, object]:
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

        return {
            "canceled": canceled,
            "bought": trader.orders.order(bought.client_order_id),
            "left": [trader.orders.order(one.client_order_id) for one in left],
            "position": trader.position(symbol),
            "fills": await trader.session.account.history(),
            "balances": await trader.balances(),
        }


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

        canceled, bought, left = found["canceled"], found["bought"], found["left"]
        assert isinstance(canceled, Order)
        assert canceled.status is OrderStatus.CANCELED
        assert isinstance(bought, Order)
        assert (bought.status, bought.filled) == (OrderStatus.FILLED, 2 * LOT)
        assert isinstance(left, list)
        assert [one.status for one in left] == [OrderStatus.CANCELED] * 2
        assert not account.open_orders()
        fills, balances = found["fills"], found["balances"]
        assert isinstance(fills, tuple | list)
        known = {fill.fill_id for fill in fills if isinstance(fill, Fill)}
        assert known == {fill.fill_id for fill in account.fills}
        position = found["position"]
        assert isinstance(position, fluxum.Position)
        fees = [fee for fill in account.fills for fee in fill.fees or ()]
        assert position.quantity == LOT - sum(
            (one.amount for one in fees if one.asset == symbol.base), Decimal(0)
        )
        assert isinstance(balances, tuple)
        assert {one.asset: one.total for one in balances if isinstance(one, Balance)} == {
            one.asset: one.total for one in account.balances()
        }

    play(story)
