"""A dead man switch that the client keeps, at every exchange that has none of its own."""

import asyncio

import pytest

from fluxum.sim.account import SimulatedAccount
from fluxum.venues.register import VENUES
from fluxum.venues.trading import SwitchKeeper
from fluxum.venues.venue import Venue
from venues.accounts import LOT, play, trading


def _is_clients(venue: Venue) -> bool:
    tiers = venue.private.tiers.values() if venue.private is not None else ()
    return any(tier.orders.dead_man_switch is SwitchKeeper.CLIENT for tier in tiers)


CLIENTS = [venue for venue in VENUES.values() if _is_clients(venue)]


@pytest.mark.parametrize("venue", CLIENTS, ids=lambda venue: venue.name)
def test_a_program_that_fails_leaves_no_order_open(venue: Venue) -> None:
    accounts: list[SimulatedAccount] = []

    async def story() -> None:
        async with trading(venue) as one:
            accounts.append(one.account)
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await one.trader.orders.cancel_all_after(10)
            await asyncio.sleep(60)
            assert len(one.account.open_orders()) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play(story)
    assert accounts[0].open_orders() == []


@pytest.mark.parametrize("venue", CLIENTS, ids=lambda venue: venue.name)
def test_a_program_that_ends_in_order_leaves_its_orders_open(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            account = one.account
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await one.trader.orders.cancel_all_after(10)
            await asyncio.sleep(5)
        assert len(account.open_orders()) == 1

    play(story)
