"""One account at one venue, whole: in a block, awaited, and in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

import fluxum
from fluxum import BadInput, Credentials, OrderStatus, OrderType, RiskRefused, Side, Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC = Symbol("BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")


@asynccontextmanager
async def box() -> AsyncGenerator[tuple[SimulatedExchange, SimulatedRuntime]]:
    """A simulated exchange with an account of a bitcoin and 100,000 dollars."""
    clock = SimulatedClock()
    venue = find_venue("kraken")
    async with SimulatedExchange(venue, [BTC], seed=7, clock=clock, rate_per_s=5) as exchange:
        money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
        exchange.open_account("key", "c2VjcmV0", money, tier="pro")
        yield exchange, SimulatedRuntime(exchange, clock=clock, seed=3)


def test_everything_is_there_when_the_block_begins(tmp_path: Path) -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            journal = tmp_path / "orders.jsonl"
            async with fluxum.trade(
                "kraken", ["BTC/USD"], keys=KEYS, journal=journal, runtime=runtime
            ) as trader:
                assert trader.session.state is fluxum.State.READY
                assert trader.book("BTC/USD").proof().is_valid
                assert trader.position("BTC/USD") is None
                held = {str(one.asset): one.total for one in await trader.balances()}
                assert held["BTC"] == 1

                order = await trader.buy("BTC/USD", "0.02")
                await asyncio.sleep(1)

                position = trader.position("BTC/USD")
                assert position is not None
                assert position.quantity == Decimal("0.02")
                assert order.side is Side.BUY
            assert b"place" in journal.read_bytes()

    run(story())


def test_accounts_and_endpoints_have_journals_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxum.trader.JOURNALS", tmp_path)

    async def one(keys: Credentials, endpoint: str | None) -> None:
        async with box() as (exchange, runtime):
            if keys is not KEYS:
                exchange.open_account(keys.key, keys.secret, {"USD": Decimal(9)}, tier="pro")
            async with fluxum.trade(
                "kraken", ["BTC/USD"], keys=keys, endpoint=endpoint, runtime=runtime
            ):
                pass

    run(one(KEYS, None))
    run(one(KEYS, None))
    assert len(list(tmp_path.glob("orders-kraken-*.jsonl"))) == 1

    run(one(Credentials("another", "c2VjcmV0"), None))
    run(one(KEYS, "ws://127.0.0.1:8765"))

    names = [path.name for path in tmp_path.glob("*.jsonl")]
    assert len(names) == 3
    assert all("key" not in name and "another" not in name for name in names)


def test_orders_by_limit_and_trigger() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader,
        ):
            bid = trader.book("BTC/USD").bid
            assert bid is not None
            low = bid.price - 500
            resting = await trader.buy("BTC/USD", "0.01", limit=low, post_only=True)
            stop = await trader.sell("BTC/USD", 1, limit=low - 1, trigger=low)

            assert (resting.order_type, resting.limit_price) == (OrderType.LIMIT, low)
            assert (stop.order_type, stop.trigger_price) == (OrderType.STOP_LOSS_LIMIT, low)

            ended = await trader.cancel(resting.client_order_id)
            assert ended.status is OrderStatus.CANCELED
            await trader.cancel_all()
            assert trader.orders.open_orders() == []

    run(story())


def test_a_halted_trader_places_nothing() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader,
        ):
            trader.halt("lunch")
            with pytest.raises(RiskRefused, match="lunch"):
                await trader.buy("BTC/USD", "0.02")

            trader.resume()
            assert (await trader.buy("BTC/USD", "0.02")).is_ours

    run(story())


def test_limits_of_positions_begin_with_what_the_ledger_holds() -> None:
    async def story() -> None:
        ledger = fluxum.Ledger()
        ledger.open_with("kraken", BTC, Decimal("0.9"), Decimal(60_000), 0)
        async with (
            box() as (_, runtime),
            fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                limits=fluxum.RiskLimits(position_max="1", drawdown_max="5000"),
                ledger=ledger,
                runtime=runtime,
            ) as trader,
        ):
            with pytest.raises(RiskRefused, match=r"at most 1 was expected, was 1\.1"):
                await trader.buy("BTC/USD", "0.2")
            trader.reduce_only("lunch")
            with pytest.raises(RiskRefused, match="lunch"):
                await trader.buy("BTC/USD", "0.05")
            sold = await trader.sell("BTC/USD", "0.2", time_in_force="ioc")
            await asyncio.sleep(1)

            assert sold.side is Side.SELL
            position = trader.position("BTC/USD")
            assert position is not None
            assert position.quantity == Decimal("0.7")

    run(story())


def test_what_makes_no_order_is_refused_by_name() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader,
        ):
            with pytest.raises(BadInput, match=r"quantity: .* was 'much'"):
                await trader.buy("BTC/USD", "much")
            with pytest.raises(BadInput, match="was the float"):
                await trader.buy("BTC/USD", 0.1)  # type: ignore[arg-type]
            assert trader.orders.statistics().asked == 0

    run(story())


def test_an_awaited_trader_is_closed_by_hand() -> None:
    async def story() -> None:
        async with box() as (exchange, runtime):
            trader = await fluxum.trade(
                "kraken",
                ["BTC/USD"],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            )
            assert (await trader.buy("BTC/USD", "0.02")).is_ours

            await trader.close()

            assert trader.session.state is fluxum.State.CLOSED
            assert exchange.connections == 0

    run(story())


def test_a_session_can_be_awaited_as_well() -> None:
    async def story() -> None:
        async with box() as (exchange, runtime):
            session = await fluxum.connect(
                "kraken", ["BTC/USD"], ["book", "trades"], runtime=runtime
            )
            await session.wait_ready(5)
            assert [one.channel.value for one in session.subscriptions] == ["book", "trade"]

            await session.close()

            assert exchange.connections == 0

    run(story())


def test_what_was_entered_ends_with_its_block_alone() -> None:
    async def story() -> None:
        async with (
            box() as (_, runtime),
            fluxum.connect("kraken", ["BTC/USD"], runtime=runtime) as session,
        ):
            with pytest.raises(BadInput, match="block"):
                await session.close()

    run(story())


def test_an_exchange_that_is_not_simulated_is_refused() -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            with pytest.raises(BadInput, match="no simulated binance is open; open: kraken"):
                await fluxum.connect("binance", ["BTC/USDT"], runtime=runtime)

    run(story())


def test_a_channel_by_a_wrong_name_is_refused_at_once() -> None:
    with pytest.raises(BadInput, match="'boks'"):
        fluxum.connect("kraken", ["BTC/USD"], ["boks"])
