"""A bot over a trader of a simulated exchange, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import fluxum
from fluxum import BadInput, Credentials, MemoryOrderJournal, Trader
from fluxum.bot import (
    BotEvent,
    BotHalted,
    BotLimits,
    BotRun,
    Intent,
    Level,
    Market,
    Place,
    Quote,
    Remembered,
    Strategy,
    Target,
    View,
    Want,
    run,
)
from fluxum.bot.journal import input_of, read_lines
from fluxum.bot.strategy import AccountKnown, Switch
from fluxum.model.account import Fill
from fluxum.report.files import read_run
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.loop import run as run_in_virtual_time
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Market("kraken", "BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")


@asynccontextmanager
async def box(rate_per_s: float = 20) -> AsyncGenerator[tuple[SimulatedExchange, SimulatedRuntime]]:
    """A simulated exchange with an account of a bitcoin and 100,000 dollars."""
    clock = SimulatedClock()
    venue = find_venue("kraken")
    async with SimulatedExchange(
        venue, [BTC.symbol], seed=7, clock=clock, rate_per_s=rate_per_s
    ) as exchange:
        money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
        exchange.open_account("key", "c2VjcmV0", money, tier="pro")
        yield exchange, SimulatedRuntime(exchange, clock=clock, seed=3)


def trade(runtime: SimulatedRuntime, journal: Any = None) -> fluxum.Opening[Trader]:
    kept = MemoryOrderJournal() if journal is None else journal
    return fluxum.trade("kraken", ["BTC/USD"], keys=KEYS, journal=kept, runtime=runtime)


class Near(Strategy, kw_only=True):
    """Quotes a little away from the middle, on both sides."""

    size: Decimal = Decimal("0.01")
    away: Decimal = Decimal(1)
    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want]:
        return [Want(BTC, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.seen += 1
        book = view.book(BTC)
        if not book.is_valid or book.mid is None:
            return []
        mid = book.mid.quantize(Decimal(1))
        return [Quote(BTC, Level(mid - self.away, self.size), Level(mid + self.away, self.size))]


class Holds(Strategy, kw_only=True):
    """Wants to hold a quantity, once."""

    quantity: Decimal = Decimal("0.5")
    is_done: Remembered[bool] = False

    def wants(self) -> Sequence[Want]:
        return [Want(BTC, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        if self.is_done:
            return []
        self.is_done = True
        return [Target(BTC, view.position(BTC) + self.quantity)]


def test_a_bot_quotes_is_filled_and_leaves_no_order(tmp_path: Path) -> None:
    async def story() -> None:
        async with box() as (_, runtime), trade(runtime) as trader:
            bot = run(Near(), {"kraken": trader}, journal=tmp_path, runtime=runtime, seed=7)
            async with bot as made:
                await asyncio.sleep(60)
                open_orders = trader.orders.open_orders()
                assert 1 <= len(open_orders) <= 4
                mine = {one.name for one in made.engine.account.orders()}
                assert {one.client_order_id for one in open_orders} <= mine
                assert made.dispatch.sent > 20
                account, portfolio = made.engine.account, trader.portfolio
                assert account.position(BTC) == portfolio.held().get(BTC.symbol, Decimal(0))
                assert made.to_wire.count > 10
            assert trader.orders.open_orders() == []

    run_in_virtual_time(story())
    head, lines = read_lines(tmp_path / "decisions.jsonl")
    inputs = [input_of(line) for line in lines]
    assert head.strategy == "Near"
    assert isinstance(inputs[0], AccountKnown)
    assert dict(inputs[0].balances or ())["BTC"] == Decimal(1)
    assert any(isinstance(one, Fill) for one in inputs)


def test_a_target_is_reached_and_the_account_agrees() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            trade(runtime) as trader,
            run(Holds(), {"kraken": trader}, runtime=runtime) as made,
        ):
            await asyncio.sleep(5)
            position = trader.position("BTC/USD")
            assert position is not None
            assert position.quantity == Decimal("0.5") == made.engine.account.position(BTC)
            assert made.engine.account.orders() == []

    run_in_virtual_time(story())


def test_a_refusal_of_the_desk_reaches_the_engine_and_is_not_repeated() -> None:
    async def story() -> None:
        async with box() as (_, runtime), trade(runtime) as trader:
            trader.halt("lunch")
            async with run(Holds(), {"kraken": trader}, runtime=runtime) as made:
                await asyncio.sleep(5)
                assert (made.dispatch.sent, made.dispatch.refused) == (1, 1)
                assert made.engine.account.orders() == []

    run_in_virtual_time(story())


def test_a_person_halts_a_bot_and_its_orders_end() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            trade(runtime) as trader,
            run(Near(), {"kraken": trader}, runtime=runtime) as made,
        ):
            await asyncio.sleep(10)
            assert trader.orders.open_orders()
            facts = made.facts()
            made.halt("lunch")
            assert await made.wait_halted() == "lunch"
            await asyncio.sleep(2)

            assert trader.orders.open_orders() == []
            assert isinstance(await anext(facts), BotHalted)
            made.resume()
            await asyncio.sleep(5)
            assert trader.orders.open_orders()

    run_in_virtual_time(story())


def test_a_run_is_resumed_with_its_position_and_its_working_orders(tmp_path: Path) -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            journal = tmp_path / "desk.jsonl"
            async with trade(runtime, journal) as trader:
                leaving = run(
                    Near(),
                    {"kraken": trader},
                    journal=tmp_path,
                    runtime=runtime,
                    leaves_orders=True,
                )
                async with leaving as made:
                    await asyncio.sleep(30)
                    first = made.engine
                held = trader.portfolio.held()
                ledger = trader.portfolio.ledger
                left = {one.client_order_id for one in trader.orders.open_orders()}
                assert left

            await asyncio.sleep(5)
            async with fluxum.trade(
                "kraken", ["BTC/USD"], keys=KEYS, journal=journal, runtime=runtime, ledger=ledger
            ) as trader:
                resuming = run(Near(), {"kraken": trader}, journal=tmp_path, runtime=runtime)
                async with resuming as made:
                    again = made.engine
                    assert again.decisions >= first.decisions
                    resumed = {one.name for one in again.account.orders() if one.order_id}
                    assert resumed <= left
                    await asyncio.sleep(1)
                    known = {one.name for one in again.account.orders()}
                    alive = {one.client_order_id for one in trader.orders.open_orders()}
                    assert alive == known  # none forgotten, none placed twice
                    assert all(one.is_certain for one in again.account.orders())
                    await asyncio.sleep(20)
                    assert isinstance(again.strategy, Near)
                    assert isinstance(first.strategy, Near)
                    assert again.strategy.seen > first.strategy.seen
                    assert again.account.position(BTC) == trader.portfolio.held()[BTC.symbol]
            assert held is not None

    run_in_virtual_time(story())
    _, lines = read_lines(tmp_path / "decisions.jsonl")
    assert sum(isinstance(input_of(line), AccountKnown) for line in lines) == 2


def test_a_halted_run_stays_halted_until_a_person_resumes_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with box() as (_, runtime), trade(runtime) as trader:
            traders = {"kraken": trader}
            async with run(Near(), traders, journal=tmp_path, runtime=runtime) as made:
                made.halt("lunch")
                await made.wait_halted()
            async with run(Near(), traders, journal=tmp_path, runtime=runtime) as made:
                assert await made.wait_halted() == "lunch"
                await asyncio.sleep(5)
                assert made.dispatch.sent == 0
                made.resume("lunch is over")
                await made.wait_resumed()
                await asyncio.sleep(5)
                assert made.dispatch.sent > 0

    run_in_virtual_time(story())
    assert read_run(tmp_path).header.halted == ""
    _, lines = read_lines(tmp_path / "decisions.jsonl")
    switches = [one for line in lines if isinstance(one := input_of(line), Switch)]
    assert [(one.is_halted, one.reason) for one in switches] == [
        (True, "lunch"),
        (False, "lunch is over"),
    ]


class Fails(Strategy, kw_only=True):
    """Divides by zero."""

    def wants(self) -> Sequence[Want]:
        return [Want(BTC, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        raise ZeroDivisionError


def test_a_strategy_that_failed_is_not_resumed() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            trade(runtime) as trader,
            run(Fails(), {"kraken": trader}, runtime=runtime) as made,
        ):
            await made.wait_halted()
            made.resume("try")
            with pytest.raises(BadInput, match="a strategy that failed is not resumed: ZeroDiv"):
                await made.wait_resumed()

    run_in_virtual_time(story())


class Runaway(Strategy, kw_only=True):
    """Places an order at every event, in a loop."""

    def wants(self) -> Sequence[Want]:
        return [Want(BTC, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        return [Place(BTC, "buy", "0.001", 1000) for _ in range(50)]


def test_a_runaway_is_halted_by_its_rate_and_the_venue_never_refuses_for_it() -> None:
    async def story() -> None:
        limits = BotLimits(commands_per_second_max=20)
        async with (
            box() as (_, runtime),
            trade(runtime) as trader,
            run(Runaway(), {"kraken": trader}, runtime=runtime, limits=limits) as made,
        ):
            async with asyncio.timeout(1):
                reason = await made.wait_halted()
            assert reason == "more than 20 orders and changes in a second"
            await asyncio.sleep(5)
            assert made.dispatch.sent == 0
            assert trader.orders.statistics().placed == 0

    run_in_virtual_time(story())


def test_a_market_without_a_trader_is_refused() -> None:
    async def story() -> None:
        async with run(Near(), {}):
            pass

    with pytest.raises(BadInput, match="was none; missing: kraken"):
        run_in_virtual_time(story())


def test_a_bot_can_be_awaited_and_closed() -> None:
    async def story() -> None:
        async with box() as (_, runtime), trade(runtime) as trader:
            made: BotRun = await run(Near(), {"kraken": trader}, runtime=runtime)
            await asyncio.sleep(5)
            await made.close()
            assert trader.orders.open_orders() == []

    run_in_virtual_time(story())
