"""Orders that wait for a price at OKX, through the public API at the simulated exchange."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from fluxum import (
    Amend,
    Asset,
    BadInput,
    Fill,
    MemoryOrderJournal,
    OrderDesk,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    VenueRefused,
)
from fluxum.model.request import PriceKind, Trigger
from fluxum.venues.okx.server.business import BusinessServer
from fluxum.venues.okx.venue import OKX
from venues.accounts import LOT, Traded, play, trading

PERP = Symbol("BTC/USDT:PERP")


def stop(one: Traded, below: int = 3, kind: str = "stop_loss", **more: Any) -> OrderRequest:
    """A sale that waits for a price below the best bid."""
    given: dict[str, Any] = {"trigger": Trigger(one.bid - below), **more}
    return OrderRequest(symbol=one.symbol, side="sell", order_type=kind, quantity=LOT, **given)


async def sink(one: Traded, to: Decimal) -> None:
    """Another client sells until the last price is no higher than this."""
    while (one.exchange.market(one.symbol).last_price or Decimal(0)) > to:
        one.exchange.change(
            one.symbol,
            lambda market, now_ns: market.take(
                "them", Side.SELL, Decimal("0.05"), None, "market", now_ns
            ),
        )
    await asyncio.sleep(3)


@pytest.mark.parametrize("symbol", [None, PERP])
def test_a_stop_waits_is_triggered_and_trades_as_one_order(symbol: Symbol | None) -> None:
    async def story() -> None:
        async with trading(OKX, symbol, rate_per_s=0) as one:
            events = one.trader.session.events(capacity=100_000)
            if symbol is not None:
                await one.trader.buy(one.symbol, LOT)
            order = await one.trader.orders.place(stop(one))
            await asyncio.sleep(1)
            waiting = one.order(order)
            assert (waiting.status, waiting.order_type) == (
                OrderStatus.PENDING,
                OrderType.STOP_LOSS,
            )
            assert waiting.order_id.startswith("algo-")
            assert order.request is not None
            assert order.request.trigger == Trigger(waiting.trigger_price or 0)
            assert [o.order_id for o in one.trader.orders.open_orders()] == [waiting.order_id]

            await sink(one, one.bid - 3)
            traded = one.order(order)
            assert (traded.status, traded.filled) == (OrderStatus.FILLED, LOT)
            assert traded.replaces == waiting.order_id
            assert one.trader.orders.open_orders() == []
            assert one.trader.session.account.following.orders == {}
            fills = [
                e for e in events.drain() if isinstance(e, Fill) and e.order_id == traded.order_id
            ]
            assert sum(fill.quantity for fill in fills) == LOT
            assert {fill.client_order_id for fill in fills} == {order.client_order_id}

    play(story)


def test_a_stop_is_canceled_by_itself_and_with_all_others() -> None:
    async def story() -> None:
        async with trading(OKX) as one:
            first = await one.trader.orders.place(stop(one, 500))
            await one.trader.cancel(first.client_order_id)
            await asyncio.sleep(1)
            assert one.order(first).status is OrderStatus.CANCELED

            for _ in range(12):
                await one.trader.orders.place(stop(one, 500))
            resting = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            assert await one.trader.cancel_all() == 13
            await asyncio.sleep(1)
            assert one.trader.orders.open_orders() == []
            assert one.order(resting).status is OrderStatus.CANCELED

    play(story)


def test_a_stop_is_amended_and_a_trailing_stop_is_not() -> None:
    async def story() -> None:
        async with trading(OKX) as one:
            low = one.bid - 500
            order = await one.trader.orders.place(
                stop(one, 500, "stop_loss_limit", limit_price=low - 9)
            )
            name = order.client_order_id
            await one.trader.orders.amend(
                Amend(client_order_id=name, quantity=LOT * 2, trigger_price=low - 1)
            )
            await asyncio.sleep(1)
            known = one.order(order)
            assert (known.quantity, known.trigger_price) == (LOT * 2, low - 1)
            assert known.limit_price == low - 9

            trailing = await one.trader.orders.place(
                stop(one, kind="trailing_stop", trigger=Trigger(2, PriceKind.PERCENT))
            )
            await asyncio.sleep(1)
            assert one.order(trailing).order_type is OrderType.TRAILING_STOP
            assert one.order(trailing).trigger_price is not None
            with pytest.raises(BadInput, match="amends stops"):
                await one.trader.orders.amend(
                    Amend(client_order_id=trailing.client_order_id, quantity=LOT * 2)
                )

    play(story)


@pytest.mark.parametrize(
    ("kind", "side", "away", "code"),
    [
        ("take_profit", "buy", 50, "51277"),
        ("stop_loss", "buy", -50, "51278"),
        ("take_profit", "sell", -50, "51279"),
        ("stop_loss", "sell", 50, "51280"),
    ],
)
def test_a_price_that_is_reached_already_is_refused_in_the_venues_words(
    kind: str, side: str, away: int, code: str
) -> None:
    async def story() -> None:
        async with trading(OKX, rate_per_s=0) as one:
            with pytest.raises(VenueRefused, match=code):
                await one.trader.orders.place(
                    OrderRequest(
                        symbol=one.symbol,
                        side=side,
                        order_type=kind,
                        quantity=LOT,
                        trigger=Trigger(one.bid + away),
                    )
                )

    play(story)


def test_a_stop_without_funds_at_its_price_ends_with_the_code_of_that() -> None:
    async def story() -> None:
        async with trading(OKX, rate_per_s=0) as one:
            order = await one.trader.orders.place(stop(one))
            await asyncio.sleep(1)
            (live,) = one.account.live.values()
            base, live.held = Asset(one.symbol.base), Decimal(0)  # at the venue it holds nothing
            one.account._totals[base] = one.account._held[base] = Decimal(0)
            await sink(one, one.bid - 3)

            known = one.order(order)
            assert (known.status, known.reason) == (OrderStatus.CANCELED, "51008")

    play(story)


@pytest.mark.parametrize("kind", ["stop_loss", "stop_loss_limit"])
def test_a_stop_that_was_triggered_in_an_outage_is_found_with_what_it_traded(kind: str) -> None:
    """One that is filled meanwhile, and one whose limit rests afterwards."""

    async def story() -> None:
        async with trading(OKX, rate_per_s=0) as one:
            has_limit = kind.endswith("limit")
            limit: dict[str, Any] = {"limit_price": one.bid + 500} if has_limit else {}
            order = await one.trader.orders.place(stop(one, kind=kind, **limit))
            await asyncio.sleep(1)
            low, one.cable.is_cut = one.bid - 3, True
            one.exchange.hangup_all()
            await sink(one, low)
            await asyncio.sleep(30)
            one.cable.is_cut = False
            await one.trader.session.wait_ready(120)
            await one.trader.orders.wait_reconciled(120)

            known, (truth,) = one.order(order), one.account.orders
            status = OrderStatus.OPEN if has_limit else OrderStatus.FILLED
            assert (known.status, known.filled) == (status, truth.filled)
            assert known.order_id == truth.order_id
            assert known.difference is None
            live = [one.order_id for one in one.trader.orders.open_orders()]
            assert live == ([truth.order_id] if has_limit else [])
            assert list(one.trader.session.account.following.orders) == live

    play(story)


def test_a_cancel_that_only_the_other_link_told_of_is_found_when_it_is_back() -> None:
    """While the link of business is down, orders are not followed."""

    async def story() -> None:
        async with trading(OKX) as one:
            order = await one.trader.orders.place(stop(one, 500))
            await asyncio.sleep(1)
            account = one.trader.session.account
            for connection in one.exchange._connections:
                if isinstance(connection.server, BusinessServer):
                    connection.close(1006, "cut")
            await asyncio.sleep(0.1)
            assert not account.is_following
            one.account.cancel_all("by the owner elsewhere")
            await one.trader.session.wait_ready(60)
            await one.trader.orders.wait_reconciled(60)

            assert one.order(order).status is OrderStatus.CANCELED
            assert account.following.orders == {}

    play(story)


def test_an_order_without_an_answer_is_looked_up_and_never_sent_again() -> None:
    async def story() -> None:
        async with trading(OKX) as one:
            one.exchange.lose_next_ack()
            order = await one.trader.orders.place(stop(one, 500))
            await one.trader.orders.wait_reconciled(60)

            assert one.order(order).status is OrderStatus.PENDING
            assert len(one.account.orders) == 1

    play(story)


@pytest.mark.parametrize("is_triggered", [False, True])
def test_a_desk_that_begins_again_knows_its_stop(*, is_triggered: bool) -> None:
    async def story() -> None:
        async with trading(OKX, rate_per_s=0) as one:
            journal = MemoryOrderJournal()
            account = one.trader.session.account
            first = OrderDesk(account, journal, random=Random(1), rules=account.rules)
            async with first:
                order = await first.place(stop(one))
                await asyncio.sleep(1)
            if is_triggered:
                await sink(one, one.bid - 3)
            second = OrderDesk(account, journal, random=Random(2), rules=account.rules)
            async with second:
                await second.wait_reconciled(60)
                known = second.order(order.client_order_id)
                assert known is not None
                (truth,) = one.account.orders
                assert (known.status, known.filled) == (truth.status, truth.filled)
                assert len(second.open_orders()) == (0 if is_triggered else 1)

    play(story)
