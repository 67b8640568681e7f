"""Accounts at simulated USD-M futures, through the public API: listen keys, orders, positions."""

import asyncio
from decimal import Decimal

import pytest

import fluxum
from fluxum import (
    EntryQuery,
    LinkLost,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Subscription,
    TimeInForce,
    Trigger,
    VenueRefused,
)
from fluxum.errors import TransportError
from fluxum.model.account import EntryKind, LedgerEntry
from fluxum.model.event import Channel
from fluxum.model.position import MarginMode, PositionSide
from fluxum.session.authenticator import Authenticator
from fluxum.session.feed import hide_query
from fluxum.sim.loop import START_NS
from fluxum.venues.binance.venue import BINANCE_USDM
from fluxum.venues.private import OrderQuery
from venues.accounts import LOT, Traded, play, trading

D = Decimal
SECOND = 10**9
HOUR = 3600 * SECOND
BALANCES = Subscription(Channel.BALANCE)


def authenticator(one: Traded) -> Authenticator:
    found = one.trader.session.account.authenticator
    assert found.tokens is not None
    return found


# Listen keys


def test_a_listen_key_is_kept_alive_for_hours_over_one_link() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0.01) as one:
            tokens = authenticator(one).tokens
            assert tokens is not None
            before, dialled = tokens.text, one.exchange.dialled
            with one.trader.session.events(capacity=100_000) as events:
                await asyncio.sleep(3 * 3600 + 60)
                lost = [event for event in events.drain() if isinstance(event, LinkLost)]
            assert (lost, one.exchange.dialled) == ([], dialled)
            assert tokens.text == before
            assert tokens.statistics().renewed == 6  # every half hour
            order = await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(1)
            assert one.order(order).status is OrderStatus.FILLED

    play(story)


def test_an_expired_key_costs_a_reconnection_and_nothing_else() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM) as one:
            session, tokens = one.trader.session, authenticator(one).tokens
            assert tokens is not None
            before = tokens.text
            one.exchange.expire_tokens()
            missed = one.account.place(  # as the key's stream is silent from now on
                OrderRequest(
                    symbol=one.symbol, side="buy", quantity=LOT, order_type=OrderType.MARKET
                )
            )
            with session.events(capacity=10_000) as events:
                await asyncio.sleep(5)
                await session.wait_ready(60)
                await asyncio.sleep(5)
                lost = [event for event in events.drain() if isinstance(event, LinkLost)]

            assert [event.reason for event in lost] == ["we hung up: the listen key expired"]
            assert tokens.text != before
            fills = session.account.following.counts
            assert (fills.fills, fills.contradicted) == (len(missed.fill_ids), 0)

    play(story)


def test_the_key_is_in_the_url_alone_and_no_error_shows_it() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM) as one:
            found = authenticator(one)
            url = found.url("private", "wss://host/private/ws")
            assert found.tokens is not None
            assert url == f"wss://host/private/ws?listenKey={found.tokens.text}"
            assert found.url("trade", "wss://host/v1") == "wss://host/v1"

            error = TransportError(f"cannot reach {url}: timed out")
            error.__cause__ = OSError(url)
            hide_query(error, url.removeprefix("wss://host/private/ws"))
            assert str(error) == "cannot reach wss://host/private/ws: timed out"
            assert error.__cause__ is None

    play(story)


# Orders


def test_each_type_of_order_is_placed_and_read_back_as_it_was_asked_for() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0) as one:
            low, high = one.bid - 500, one.bid + 500
            soon_ns = one.trader.session.account.venue_now_ns() + 3600 * SECOND
            till = {"time_in_force": "gtd", "expires_ns": soon_ns // SECOND * SECOND}
            fields: list[dict[str, object]] = [
                {"limit_price": low},
                {"limit_price": low, "post_only": True},
                {"limit_price": low, **till},
                {"order_type": "stop_loss", "trigger": Trigger(high)},
                {"order_type": "stop_loss_limit", "trigger": Trigger(high), "limit_price": high},
                {"order_type": "take_profit", "trigger": Trigger(low)},
                {"order_type": "take_profit_limit", "trigger": Trigger(low), "limit_price": low},
                {"order_type": "trailing_stop", "trigger": Trigger("1.5", "percent")},
            ]
            account = one.trader.session.account
            for given in fields:
                request = OrderRequest(symbol=one.symbol, side="buy", quantity=2 * LOT, **given)  # type: ignore[arg-type]
                order = await one.trader.orders.place(request)
                await asyncio.sleep(1)
                listed = {row.order_id: row for row in await account.open_orders()}
                for seen in (account.following.orders[order.order_id], listed[order.order_id]):
                    assert (seen.order_type, seen.time_in_force) == (
                        request.order_type,
                        request.time_in_force,
                    )
                    assert (seen.limit_price, seen.post_only) == (
                        request.limit_price,
                        request.post_only,
                    )
                    waits = request.order_type.is_triggered
                    assert (seen.status is OrderStatus.PENDING) is waits
                    assert (":conditional-" in seen.order_id) is waits
                    if request.order_type is not OrderType.TRAILING_STOP:
                        wanted = None if request.trigger is None else request.trigger.price
                        assert seen.trigger_price == wanted
            assert await one.trader.cancel_all() == len(fields)
            await asyncio.sleep(1)
            assert one.account.open_orders() == []
            assert one.trader.orders.open_orders() == []

    play(story)


def test_a_stop_that_is_reached_goes_on_as_another_order_of_its_name() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0) as one:
            stop = Trigger(one.bid - 1)
            request = OrderRequest(
                symbol=one.symbol,
                side="sell",
                order_type="stop_loss",
                quantity=LOT,
                trigger=stop,
            )
            waiting = await one.trader.orders.place(request)
            await asyncio.sleep(1)
            assert one.order(waiting).status is OrderStatus.PENDING
            one.exchange.change(
                one.symbol,
                lambda market, now_ns: market.take(
                    "them", Side.SELL, D("0.3"), None, "market", now_ns
                ),
            )
            await asyncio.sleep(3)

            ended = one.order(waiting)
            assert (ended.status, ended.filled) == (OrderStatus.FILLED, LOT)
            assert ended.order_id != waiting.order_id
            first = one.trader.orders.order(waiting.order_id)
            assert first is not None
            assert first.status is OrderStatus.EXPIRED
            position = one.trader.position(one.symbol)
            assert position is not None
            assert position.quantity == -LOT
            query = OrderQuery(symbol=one.symbol, client_order_id=waiting.client_order_id)
            (found,) = await one.trader.session.account.find_order(query)
            assert found.order_id == ended.order_id

    play(story)


def test_a_waiting_order_is_canceled_by_its_name() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0) as one:
            request = OrderRequest(
                symbol=one.symbol,
                side="sell",
                order_type="stop_loss",
                quantity=LOT,
                trigger=Trigger(one.bid - 500),
            )
            waiting = await one.trader.orders.place(request)
            ended = await one.trader.cancel(waiting.client_order_id)
            assert ended.status is OrderStatus.CANCELED
            assert one.account.open_orders() == []

    play(story)


def test_what_does_not_rest_ends_at_once_and_what_reduces_needs_a_position() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0) as one:
            for in_force in (TimeInForce.IOC, TimeInForce.FOK):
                order = await one.trader.buy(
                    one.symbol, LOT, limit=one.bid - 500, time_in_force=in_force
                )
                await asyncio.sleep(1)
                assert one.order(order).status is OrderStatus.EXPIRED
            with pytest.raises(VenueRefused, match="-2022 ReduceOnly Order is rejected"):
                await one.trader.orders.place(
                    OrderRequest(
                        symbol=one.symbol,
                        side="sell",
                        order_type="market",
                        quantity=LOT,
                        reduce_only=True,
                        margin=True,
                    )
                )
            with pytest.raises(VenueRefused, match="-5022"):
                await one.trader.buy(one.symbol, LOT, limit=one.bid + 500, post_only=True)
            with pytest.raises(VenueRefused, match="-2019 Margin is insufficient"):
                await one.trader.buy(one.symbol, 1000, limit=one.bid - 500)

    play(story)


def test_the_switch_ends_orders_market_by_market_when_it_is_not_renewed() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM, rate_per_s=0) as one:
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            await one.trader.orders.cancel_all_after(30)
            await asyncio.sleep(60)
            assert len(one.account.open_orders()) == 1  # it was renewed
            armed = one.account.market_cancels_ns[one.symbol]
            assert one.trader.session.account.venue_now_ns() < armed
            await one.trader.orders.cancel_all_after(0)
            assert one.account.market_cancels_ns == {}

            one.account.cancel_market_after(
                one.symbol, 5 * SECOND, one.trader.session.account.venue_now_ns()
            )
            await asyncio.sleep(6)
            assert one.account.open_orders() == []
            assert one.trader.orders.open_orders() == []

    play(story)


# Positions and lines


def test_a_position_is_reported_and_pays_funding_at_eight() -> None:
    async def story() -> None:
        start_ns = START_NS + 8 * HOUR - 60 * SECOND
        async with trading(BINANCE_USDM, start_ns=start_ns) as one:
            session = one.trader.session
            session.subscribe(BALANCES)
            with session.events(capacity=100_000) as events:
                await session.wait_ready(60)
                await one.trader.buy(one.symbol, "0.5")
                await asyncio.sleep(180)
                told = events.drain()

            (listed,) = await session.account.positions()
            assert (listed.side, listed.quantity) == (PositionSide.LONG, D("0.5"))
            cost = sum((trade.cost for trade in one.account.trades), D(0))
            assert listed.entry_price == (cost / D("0.5")).quantize(D("1e-8"))
            assert listed.margin_mode is MarginMode.CROSS
            (known,) = session.account.following.positions.values()
            assert (known.quantity, known.entry_price) == (D("0.5"), listed.entry_price)
            assert all(line.is_clean for line in await one.trader.audit_positions())

            (entry,) = await session.account.entries(EntryQuery(kind=EntryKind.FUNDING))
            (paid,) = filter(None, map(one.account.funding, one.account.entries))
            assert entry.amount == -D("0.5") * paid.mark_price * D("0.0001")
            assert entry.venue_kind == "FUNDING_FEE"
            streamed = [event.entry_id for event in told if isinstance(event, LedgerEntry)]
            assert streamed.count(entry.entry_id) == 1

    play(story)


def test_what_a_trade_earned_and_what_it_cost_are_two_lines_that_add_up() -> None:
    async def story() -> None:
        async with trading(BINANCE_USDM) as one:
            await one.trader.buy(one.symbol, "0.5")
            await asyncio.sleep(60)
            await one.trader.sell(one.symbol, "0.5")
            await asyncio.sleep(5)
            lines = await one.trader.session.account.entries(EntryQuery(kind=EntryKind.TRADE))

            earned = [line for line in lines if line.venue_kind == "REALIZED_PNL"]
            cost = [line for line in lines if line.venue_kind == "COMMISSION"]
            assert earned
            assert {line.fee for line in earned} == {D(0)}
            assert {line.amount for line in cost} == {D(0)}
            charged = sum((line.fee for line in cost), D(0))
            assert charged == one.charged(one.symbol.quote)
            change = sum((line.change for line in lines), D(0))
            assert one.totals()[fluxum.Asset("USDT")] == D(100_000) + change

    play(story)
