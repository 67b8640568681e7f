"""A whole account at a simulated Bybit: orders, fills, positions, outages and lost answers."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec import Struct

import fluxum
from fluxum import (
    Asset,
    Channel,
    Credentials,
    Fee,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Subscription,
    Symbol,
    VenueRefused,
)
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.trader import Trader
from fluxum.venues.register import find_venue

KEYS = Credentials("the-key", "the-secret")
VENUES = {"bybit": Symbol("BTC/USDT"), "bybit-linear": Symbol("BTC/USDT:PERP")}
LOT = Decimal("0.01")


class World(Struct):
    """A trader, the exchange and the account there."""

    symbol: Symbol
    exchange: SimulatedExchange
    account: SimulatedAccount
    trader: Trader
    journal: fluxum.MemoryOrderJournal

    @property
    def bid(self) -> Decimal:
        """The best bid."""
        level = self.trader.book(self.symbol).bid
        assert level is not None
        return level.price


@asynccontextmanager
async def world(venue: str, rate_per_s: float = 20.0) -> AsyncGenerator[World]:
    clock, symbol = SimulatedClock(), VENUES[venue]
    exchange = SimulatedExchange(
        find_venue(venue),
        [symbol],
        seed=7,
        clock=clock,
        rate_per_s=rate_per_s,
        resolution_ns=1_000_000,
    )
    async with exchange:
        money = {"USDT": Decimal(100_000), "BTC": Decimal(1)}
        account = exchange.open_account(KEYS.key, KEYS.secret, money)
        journal = fluxum.MemoryOrderJournal()
        runtime = SimulatedRuntime(exchange, clock=clock, seed=3)
        async with fluxum.trade(
            venue, [symbol], keys=KEYS, journal=journal, runtime=runtime
        ) as trader:
            yield World(symbol, exchange, account, trader, journal)


@pytest.fixture(params=sorted(VENUES))
def venue(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_an_order_is_placed_amended_and_cancelled(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            low = one.bid - 500
            order = await one.trader.buy(one.symbol, LOT, limit=low, post_only=True)
            assert order.status is OrderStatus.OPEN
            assert order.limit_price == low

            changed = await one.trader.orders.amend(
                fluxum.Amend(order_id=order.order_id, quantity="0.02", limit_price=low - 1)
            )
            await asyncio.sleep(1)
            assert refreshed(one, changed).limit_price == low - 1

            ended = await one.trader.cancel(order.client_order_id)
            assert ended.status is OrderStatus.CANCELED
            assert ended.quantity == Decimal("0.02")

    run(story())


def test_a_fill_moves_position_and_balances(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            one.trader.session.subscribe(Subscription(Channel.BALANCE))
            await one.trader.session.wait_ready(10)
            await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(2)

            position = one.trader.position(one.symbol)
            assert position is not None
            in_base = [fee.amount for fee in fees(one) if fee.asset == "BTC"]
            assert position.quantity == LOT - sum(in_base, Decimal(0))
            assert {fee.asset for fee in fees(one)} == {"BTC" if venue == "bybit" else "USDT"}
            held = {one.asset: one.total for one in one.account.balances()}
            assert {one.asset: one.total for one in await one.trader.balances()} == held
            streamed = one.trader.session.account.following.balances
            assert {asset: one.total for asset, one in streamed.items()} == held
            assert held[Asset("BTC")] == (1 + LOT - sum(in_base) if venue == "bybit" else 1)

    run(story())


def test_closing_a_contract_earns_what_its_prices_differ_by() -> None:
    async def story() -> None:
        async with world("bybit-linear") as one:
            sold = await one.trader.sell(one.symbol, LOT)
            await asyncio.sleep(60)
            request = OrderRequest(
                symbol=one.symbol,
                side="buy",
                order_type="market",
                quantity=LOT,
                margin=True,
                reduce_only=True,
            )
            bought = await one.trader.orders.place(request)
            await asyncio.sleep(2)

            position = one.trader.position(one.symbol)
            assert position is not None
            assert position.quantity == 0
            sold, bought = refreshed(one, sold), refreshed(one, bought)
            paid = sum((fee.amount for fee in fees(one)), Decimal(0))
            usdt = {one.asset: one.total for one in await one.trader.balances()}[Asset("USDT")]
            assert usdt == 100_000 + sold.cost - bought.cost - paid
            with pytest.raises(VenueRefused, match="110017"):
                await one.trader.orders.place(request)

    run(story())


def test_a_market_buy_of_an_amount_ends_filled() -> None:
    async def story() -> None:
        async with world("bybit") as one:
            request = OrderRequest(
                symbol=one.symbol, side="buy", order_type="market", quote_quantity="1000"
            )
            order = await one.trader.orders.place(request)
            await asyncio.sleep(1)

            order = refreshed(one, order)
            assert order.status is OrderStatus.FILLED
            assert Decimal(990) < order.cost <= 1000

    run(story())


def test_stops_wait_and_all_is_cancelled_at_once(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            low = one.bid - 500
            stop = await one.trader.sell(one.symbol, LOT, trigger=low)
            other = await one.trader.sell(one.symbol, LOT, trigger=low, limit=low - 1)
            batch = await one.trader.orders.place_batch(
                [
                    OrderRequest(symbol=one.symbol, side="buy", quantity=LOT, limit_price=low),
                    OrderRequest(symbol=one.symbol, side="buy", quantity=99, limit_price=low),
                ]
            )

            assert stop.order_type is OrderType.STOP_LOSS
            assert other.order_type is OrderType.STOP_LOSS_LIMIT
            assert refreshed(one, stop).status is OrderStatus.PENDING
            assert [one.status for one in batch] == [OrderStatus.OPEN, OrderStatus.REFUSED]
            assert await one.trader.cancel_all() == 3
            await asyncio.sleep(1)
            assert one.trader.orders.open_orders() == []

    run(story())


def test_several_orders_are_cancelled_at_once(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            low = one.bid - 500
            placed = [await one.trader.buy(one.symbol, LOT, limit=low) for _ in range(3)]
            names = [order.client_order_id for order in placed]

            ended = await one.trader.orders.cancel_batch(names)

            assert {order.status for order in ended} == {OrderStatus.CANCELED}

    run(story())


def test_a_hang_up_loses_no_fill_and_no_end_of_an_order(venue: str) -> None:
    async def story() -> None:
        async with world(venue, rate_per_s=0) as one:
            resting = await one.trader.buy(one.symbol, LOT, limit=one.bid)
            cancelled = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await asyncio.sleep(9 * 86_400 if venue == "bybit" else 1)  # beyond a week's list
            other = await one.trader.buy(one.symbol, LOT, limit=one.bid)
            one.exchange.hangup_all()
            one.account.cancel(cancelled.order_id)  # while no link is there
            one.exchange.change(
                one.symbol,
                lambda market, now_ns: market.take(
                    "them", Side.SELL, Decimal(50), None, "market", now_ns
                ),
            )
            await one.trader.session.wait_ready(60)
            await asyncio.sleep(5)

            known = {order.order_id: order.status for order in one.trader.orders.orders()}
            assert known[resting.order_id] is OrderStatus.FILLED
            assert known[other.order_id] is OrderStatus.FILLED
            assert known[cancelled.order_id] is OrderStatus.CANCELED
            position = one.trader.position(one.symbol)
            assert position is not None
            in_base = sum((fee.amount for fee in fees(one) if fee.asset == "BTC"), Decimal(0))
            assert position.quantity == 2 * LOT - in_base
            counts = one.trader.session.account.following.counts
            assert counts.fills == len(one.account.fills)
            assert counts.backfilled >= 1
            assert counts.contradicted == 0

    run(story())


def test_an_order_whose_answer_is_lost_is_found_by_its_name_and_not_sent_twice(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            one.exchange.lose_next_ack()
            order = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            assert order.status is OrderStatus.OPEN  # its update was an answer as well

            one.exchange.lose_next_ack()
            placing = asyncio.ensure_future(one.trader.buy(one.symbol, LOT, limit=one.bid - 400))
            for _ in range(100):
                await asyncio.sleep(0)
                if len(one.account.orders) == 2:
                    break
            one.exchange.hangup_all()  # the update is lost with its link
            await placing
            await asyncio.sleep(60)

            statuses = [each.status for each in one.trader.orders.orders()]
            assert statuses == [OrderStatus.OPEN] * len(one.account.orders)
            assert one.trader.orders.statistics().sums_close
            assert one.trader.orders.statistics().open_uncertain == 0

    run(story())


def test_an_order_that_never_arrived_is_refused_and_not_sent_again(venue: str) -> None:
    async def story() -> None:
        async with world(venue) as one:
            one.exchange.cut_next_command()
            order = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            assert order.status is OrderStatus.UNKNOWN
            await asyncio.sleep(60)

            (order,) = one.trader.orders.orders()
            assert order.status is OrderStatus.REFUSED
            assert one.account.orders == []

    run(story())


def test_nothing_that_is_printed_logged_or_recorded_has_key_or_signature(
    venue: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> str:
        async with world(venue) as one:
            session = one.trader.session
            raw = session.raw(capacity=100_000)
            events = session.events(capacity=100_000)
            await one.trader.buy(one.symbol, LOT)
            one.exchange.hangup_all()
            await asyncio.sleep(1)
            await session.wait_ready(60)
            one.exchange.limit_calls(5)
            with pytest.raises(VenueRefused, match="10006 Too many visits"):
                await one.trader.cancel_all()
            frames = b" ".join(frame.frame for frame in raw.drain()).decode()
            assert '"op":"auth"' in frames
            return f"{frames} {events.drain()!r} {one.trader.session.account!r}"

    shown = run(story()) + caplog.text
    assert "the-key" not in shown
    assert "the-secret" not in shown
    assert not re.search(r"\b[0-9a-f]{64}\b", shown)


def test_a_wrong_secret_is_named_and_nothing_is_sent() -> None:
    async def story() -> None:
        clock, symbol = SimulatedClock(), VENUES["bybit"]
        venue = find_venue("bybit")
        async with SimulatedExchange(venue, [symbol], seed=7, clock=clock) as exchange:
            exchange.open_account(KEYS.key, "another", {"USDT": Decimal(1)})
            runtime = SimulatedRuntime(exchange, clock=clock, seed=3)
            with pytest.raises(VenueRefused, match="the login: error sign"):
                async with fluxum.trade(
                    "bybit",
                    [symbol],
                    keys=KEYS,
                    journal=fluxum.MemoryOrderJournal(),
                    runtime=runtime,
                    ready_s=30,
                ):
                    raise AssertionError

    run(story())


def fees(one: World) -> list[Fee]:
    """Every fee that the account was charged."""
    return [fee for fill in one.account.fills for fee in fill.fees or ()]


def refreshed(one: World, order: Order) -> Order:
    """An order as it is now."""
    known = one.trader.orders.order(order.client_order_id)
    assert known is not None
    return known
