"""A trader on paper, over every simulated exchange, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

import fluxum
from fluxum import Asset, Fee, LedgerEntry, OrderStatus, PaperFaults, Side, Symbol, Uncertainty
from fluxum.fill.latency import ConstantLatency
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

SPOT = ("binance", "bybit", "coinbase", "gemini", "kraken", "okx")
D = Decimal
BTC = Symbol("BTC/USD")
Box = tuple[SimulatedExchange, SimulatedRuntime]


@asynccontextmanager
async def box(name: str, symbol: Symbol, rate_per_s: float = 20) -> AsyncGenerator[Box]:
    clock = SimulatedClock()
    async with SimulatedExchange(
        find_venue(name), [symbol], seed=7, clock=clock, rate_per_s=rate_per_s
    ) as exchange:
        yield exchange, SimulatedRuntime(exchange, clock=clock, seed=3)


@pytest.mark.parametrize("name", SPOT)
def test_the_first_order_program_runs_on_paper(name: str) -> None:
    async def story() -> None:
        symbol = Symbol("BTC/USDT" if name in ("binance", "bybit", "okx") else "BTC/USD")
        async with (
            box(name, symbol) as (_, runtime),
            fluxum.paper(
                name,
                [symbol],
                deposit={symbol.quote: 100_000, "BTC": 1},
                latency=ConstantLatency(20_000_000),
                runtime=runtime,
                limits=fluxum.RiskLimits(notional_max=50_000),
            ) as trader,
        ):
            begun_ns = runtime.clock.now_ns()
            order = await trader.sell(symbol, "0.02")
            assert runtime.clock.now_ns() - begun_ns == pytest.approx(40_000_000, abs=2000)
            await asyncio.sleep(1)

            known = trader.orders.order(order.client_order_id)
            assert known is not None
            assert known.status is OrderStatus.FILLED
            position = trader.position(symbol)
            assert position is not None
            assert position.quantity == D("-0.02")
            held = {str(one.asset): one.total for one in await trader.balances()}
            assert held["BTC"] == D("0.98")
            record = trader.record(order.client_order_id)
            assert record is not None
            assert record.bounds.is_exact

    run(story())


def test_a_resting_order_is_filled_by_the_trades_of_others() -> None:
    async def story() -> None:
        async with (
            box("kraken", BTC) as (exchange, runtime),
            fluxum.paper("kraken", [BTC], deposit={"USD": 100_000}, runtime=runtime) as trader,
        ):
            bid = trader.book(BTC).bid
            assert bid is not None
            order = await trader.buy(BTC, "0.001", limit=bid.price, post_only=True)
            shown = exchange.market(BTC).engine.level(Side.BUY, bid.price)
            assert shown is not None, "nothing is sent to the exchange"
            for _ in range(600):
                await asyncio.sleep(1)
                known = trader.orders.order(order.client_order_id)
                if known is not None and known.status is OrderStatus.FILLED:
                    break

            record = trader.record(order.client_order_id)
            assert record is not None
            assert record.bounds.expected == D("0.001")
            assert all(one.is_maker for one in record.fills)
            position = trader.position(BTC)
            assert position is not None
            charged = D("0.001") * bid.price * D("0.0025")
            assert position.fees == (Fee(Asset("USD"), charged),)

    run(story())


def test_an_order_whose_command_was_lost_is_unknown_and_then_found_not_to_exist() -> None:
    async def story() -> None:
        async with (
            box("kraken", BTC) as (_, runtime),
            fluxum.paper(
                "kraken",
                [BTC],
                deposit={"USD": 100_000},
                runtime=runtime,
                faults=PaperFaults(lost_command_every=2, lost_answer_every=3),
            ) as trader,
        ):
            await trader.buy(BTC, "0.01", limit=50_000)
            lost = await trader.buy(BTC, "0.01", limit=50_000)
            unanswered = await trader.buy(BTC, "0.01", limit=50_000)
            assert (lost.status, lost.uncertainty) == (OrderStatus.UNKNOWN, Uncertainty.EXISTENCE)
            assert unanswered.status is OrderStatus.OPEN, "its update came, though no answer did"

            await trader.orders.wait_reconciled(60)

            known = trader.orders.order(lost.client_order_id)
            assert known is not None
            assert known.status is OrderStatus.REFUSED
            assert len(trader.orders.open_orders()) == 2

    run(story())


def test_a_lost_link_puts_resting_orders_in_a_gap() -> None:
    async def story() -> None:
        async with (
            box("kraken", BTC) as (exchange, runtime),
            fluxum.paper("kraken", [BTC], deposit={"USD": 100_000}, runtime=runtime) as trader,
        ):
            order = await trader.buy(BTC, "0.01", limit=50_000)

            exchange.hangup_all()
            await asyncio.sleep(30)

            record = trader.record(order.client_order_id)
            assert record is not None
            assert record.was_in_gap
            assert record.bounds.pessimistic == 0
            assert record.bounds.optimistic == D("0.01")
            assert len(trader.orders.open_orders()) == 1

    run(story())


def test_an_awaited_paper_trader_is_closed_by_hand_and_takes_bad_input_by_name() -> None:
    async def story() -> None:
        async with box("kraken", BTC) as (_, runtime):
            trader = await fluxum.paper("kraken", [BTC], deposit={"USD": 5}, runtime=runtime)
            await trader.close()
            with pytest.raises(fluxum.BadInput, match=r"USD: a number .* was the float 0.5"):
                await fluxum.paper("kraken", [BTC], deposit={"USD": 0.5}, runtime=runtime)  # type: ignore[dict-item]
            with pytest.raises(fluxum.BadInput, match="USD: a number that is not negative"):
                await fluxum.paper("kraken", [BTC], deposit={"USD": -1}, runtime=runtime)
            with pytest.raises(fluxum.BadInput, match="fills: one of pessimistic"):
                await fluxum.paper(
                    "kraken", [BTC], deposit={"USD": 1}, fills="best", runtime=runtime
                )

    run(story())


def test_entries_of_a_paper_account_come_out_of_the_session_s_stream() -> None:
    async def story() -> None:
        async with (
            box("kraken", BTC) as (_, runtime),
            fluxum.paper("kraken", [BTC], deposit={"USD": 100_000}, runtime=runtime) as trader,
        ):
            events = trader.session.events(lambda event: isinstance(event, LedgerEntry))
            await trader.buy(BTC, "0.01")

            entries = [one for one in events.drain() if isinstance(one, LedgerEntry)]
            assert [str(one.asset) for one in entries] == ["BTC", "USD"]
            assert trader.session.statistics().sums_close

    run(story())
