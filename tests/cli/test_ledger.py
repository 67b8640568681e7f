"""What a period begins with, against an account of a simulated exchange in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import fluxum
from fluxum import Credentials, Symbol
from fluxum.cli.ledger import Period, opening_ledger, position_text
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.view import Position
from fluxum.model.account import Fill
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Symbol("BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")


@asynccontextmanager
async def box(coins: str) -> AsyncGenerator[tuple[SimulatedAccount, SimulatedRuntime]]:
    clock = SimulatedClock()
    venue = find_venue("kraken")
    async with SimulatedExchange(venue, [BTC], seed=7, clock=clock, rate_per_s=5) as exchange:
        money = {"USD": Decimal(100_000), "BTC": Decimal(coins)}
        account = exchange.open_account("key", "c2VjcmV0", money, tier="pro")
        yield account, SimulatedRuntime(exchange, clock=clock, seed=3)


async def traded(runtime: SimulatedRuntime, *quantities: str) -> int:
    """Buy (or sell, where negative) at the market; returns the instant after it."""
    async with fluxum.trade(
        "kraken", [BTC], keys=KEYS, journal=fluxum.MemoryOrderJournal(), runtime=runtime
    ) as trader:
        for quantity in quantities:
            side = trader.sell if quantity.startswith("-") else trader.buy
            await side(BTC, quantity.lstrip("-"))
            await asyncio.sleep(5)
    return runtime.clock.now_ns()


async def opened(
    runtime: SimulatedRuntime, since_ns: int, until_ns: int | None = None
) -> tuple[Ledger, Position]:
    period = Period(symbols=(BTC,), since_ns=since_ns, until_ns=until_ns)
    account_config = fluxum.AccountConfig(KEYS, tier="pro")
    async with fluxum.connect("kraken", runtime=runtime, account_config=account_config) as session:
        ledger = await opening_ledger(session.account, "kraken", period, Output(Format.TABLE))
    position = ledger.position("kraken", BTC)
    assert position is not None
    return ledger, position.view()


def paid(fills: list[Fill]) -> Decimal:
    return sum((one.price * one.quantity for one in fills), Decimal(0))


def test_what_was_bought_before_the_period_has_its_cost() -> None:
    async def story() -> None:
        async with box(coins="0") as (account, runtime):
            since_ns = await traded(runtime, "0.02")
            bought = list(account.fills)
            await traded(runtime, "-0.005")
            sold = [one for one in account.fills if one not in bought]

            _, view = await opened(runtime, since_ns)

            average = paid(bought) / Decimal("0.02")
            assert view.quantity == Decimal("0.015")
            assert (view.bought, view.sold) == (Decimal(0), Decimal("0.005"))
            assert view.profit.realised == paid(sold) - average * Decimal("0.005")
            assert view.cost_note == ""

    run(story())


def test_coins_that_were_never_bought_are_held_at_an_unknown_cost_and_are_no_short() -> None:
    async def story() -> None:
        async with box(coins="1") as (_, runtime):
            since_ns = await traded(runtime)
            await traded(runtime, "-0.005")

            _, view = await opened(runtime, since_ns)

            assert view.quantity == Decimal("0.995")
            assert view.profit.total is None
            assert view.cost_note == "cost basis unknown for 1 BTC"
            assert position_text(view).endswith("USD (cost basis unknown for 1 BTC)")

    run(story())


def test_a_deposit_within_the_period_is_no_short_either() -> None:
    async def story() -> None:
        async with box(coins="1") as (_, runtime):
            before_ns = runtime.clock.now_ns() - 3600 * 10**9  # before the account was opened
            await traded(runtime, "-0.005")

            _, view = await opened(runtime, before_ns)

            assert view.quantity == Decimal("0.995")

    run(story())


def test_a_period_that_is_over_ends_where_it_was_told_to() -> None:
    async def story() -> None:
        async with box(coins="0") as (account, runtime):
            since_ns = await traded(runtime, "0.02")
            bought = list(account.fills)
            until_ns = await traded(runtime, "-0.005")
            await traded(runtime, "-0.010")

            _, view = await opened(runtime, since_ns, until_ns)

            assert view.quantity == Decimal("0.015")
            assert view.sold == Decimal("0.005")
            assert view.profit.cost == paid(bought) / Decimal("0.02") * Decimal("0.015")

    run(story())
