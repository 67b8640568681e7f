"""The balance manager against the simulated exchange: its own books must agree."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

import fluxum
from fluxum import (
    BadInput,
    BalanceManager,
    BreakerState,
    CircuitOpen,
    Credentials,
    InsufficientFunds,
    MemoryOrderJournal,
    OrderRequest,
    RiskRefused,
    Symbol,
    Trader,
)
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Symbol("BTC/USD")
ZERO = Decimal(0)


@asynccontextmanager
async def traded() -> AsyncGenerator[tuple[SimulatedExchange, SimulatedAccount, Trader]]:
    clock = SimulatedClock()
    async with SimulatedExchange(
        find_venue("kraken"), [BTC], seed=7, clock=clock, rate_per_s=20
    ) as exchange:
        money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
        account = exchange.open_account("key", "c2VjcmV0", money, tier="pro")
        async with fluxum.trade(
            "kraken",
            ["BTC/USD"],
            keys=Credentials("key", "c2VjcmV0"),
            journal=MemoryOrderJournal(),
            runtime=SimulatedRuntime(exchange, clock=clock, seed=3),
        ) as trader:
            yield exchange, account, trader


def bid(trader: Trader, below: int = 0) -> Decimal:
    best = trader.book("BTC/USD").bid
    assert best is not None
    return best.price - below


def buy(price: Decimal, quantity: str = "0.5") -> OrderRequest:
    return OrderRequest(symbol="BTC/USD", side="buy", quantity=quantity, limit_price=price)


def test_reserved_held_spent_as_the_exchange_has_it() -> None:
    async def story() -> None:
        async with traded() as (_, account, trader), BalanceManager(trader.session) as manager:
            await asyncio.sleep(5)
            assert manager.breaker.state is BreakerState.CLOSED
            assert manager.funds("USD").free == 100_000
            assert manager.all_funds().keys() == {"USD", "BTC"}
            changes = manager.changes("USD")
            price = bid(trader, 900)

            order = await manager.place(trader.orders, buy(price))
            await asyncio.sleep(1)
            funds = manager.funds("USD")
            assert (funds.held, funds.reserved) == (price / 2, ZERO)
            assert funds.free == 100_000 - price / 2
            (reservation,) = manager.reservations
            assert reservation.order.client_order_id == order.client_order_id

            await trader.cancel(order.client_order_id)
            await asyncio.sleep(1)
            assert manager.funds("USD").free == 100_000
            assert manager.reservations == ()

            await manager.place(trader.orders, buy(bid(trader, -900), "0.01"))  # it takes
            await asyncio.sleep(5)
            funds = manager.funds("USD")
            theirs = {str(one.asset): one.total for one in account.balances()}
            assert (funds.total, funds.free, funds.held) == (theirs["USD"], theirs["USD"], ZERO)
            assert manager.funds("BTC").total == Decimal("1.01") == theirs["BTC"]
            assert manager.reservations == ()
            assert [one.asset for one in changes.drain()] == ["USD"]  # conflated

    run(story())


def test_two_bots_cannot_spend_one_balance() -> None:
    async def story() -> None:
        async with traded() as (_, _, trader), BalanceManager(trader.session) as manager:
            await asyncio.sleep(5)
            price = bid(trader, 100)
            quantity = str(round(Decimal(60_000) / price, 4))
            placed: list[fluxum.Order | InsufficientFunds] = []

            async def bot() -> None:
                try:
                    placed.append(await manager.place(trader.orders, buy(price, quantity)))
                except InsufficientFunds as error:
                    placed.append(error)

            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(bot())

            assert {type(one) for one in placed} == {fluxum.Order, InsufficientFunds}

    run(story())


def test_an_order_that_was_not_placed_sets_nothing_aside() -> None:
    async def story() -> None:
        async with traded() as (_, _, trader), BalanceManager(trader.session) as manager:
            await asyncio.sleep(5)
            notices = manager.notices()
            trader.halt("lunch")
            with pytest.raises(RiskRefused, match="lunch"):
                await manager.place(trader.orders, buy(bid(trader)))

            assert manager.funds("USD").free == 100_000
            (notice,) = notices.drain()
            assert "was not placed" in notice.reason
            assert not notice.is_overdue

    run(story())


def test_a_reservation_without_an_order_is_reported_and_kept() -> None:
    async def story() -> None:
        async with (
            traded() as (_, _, trader),
            BalanceManager(trader.session, patience_s=30) as manager,
        ):
            await asyncio.sleep(5)
            notices = manager.notices()
            reservation = manager.reserve(buy(Decimal(1000)))
            await asyncio.sleep(29)
            assert notices.drain() == []
            await asyncio.sleep(3)
            (notice,) = notices.drain()
            assert (notice.is_overdue, notice.amount) == (True, Decimal(500))
            assert manager.funds("USD").reserved == 500

            reservation.release()

            assert manager.funds("USD").free == 100_000
            (notice,) = notices.drain()
            assert (notice.is_overdue, notice.reason) == (False, "released by the program")

    run(story())


def test_without_its_link_nothing_is_reserved_until_new_snapshots() -> None:
    async def story() -> None:
        async with traded() as (exchange, _, trader), BalanceManager(trader.session) as manager:
            await asyncio.sleep(5)
            resting = await manager.place(trader.orders, buy(bid(trader, 900)))
            exchange.hangup_all(1001)
            await asyncio.sleep(0.01)

            assert manager.breaker.state is BreakerState.OPEN
            with pytest.raises(CircuitOpen, match="balances at kraken are not known: link lost"):
                manager.reserve(buy(Decimal(1)))

            await asyncio.sleep(30)
            assert manager.breaker.reason == ""
            assert manager.breaker.openings == 1
            assert [one.order.client_order_id for one in manager.reservations] == [
                resting.client_order_id
            ]
            manager.reserve(buy(Decimal(1000)))

    run(story())


def test_arguments_and_ends() -> None:
    async def story() -> None:
        async with traded() as (_, _, trader):
            with pytest.raises(BadInput, match="fee_rate: 0 or more and below 1"):
                BalanceManager(trader.session, fee_rate=2)
            async with BalanceManager(trader.session) as manager:
                with pytest.raises(BadInput, match="block"):
                    await manager.close()
                changes = manager.changes()
            changes.drain()
            assert changes.is_closed

    run(story())
