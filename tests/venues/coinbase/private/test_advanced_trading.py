"""What orders at Advanced Trade do besides what the conformance cards ask of every account."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from fluxum import Amend, Asset, OrderRequest, OrderStatus, OrderType, Trigger, VenueRefused
from fluxum.model.account import Credentials
from fluxum.venues.coinbase.advanced.private.signing import AdvancedSigner
from fluxum.venues.coinbase.venue import COINBASE
from fluxum.venues.conversation import Fetch
from venues.accounts import KEYS, LOT, Traded, play, trading

SIGNER = AdvancedSigner(Credentials(KEYS.key, KEYS.secret))
_ROOT = "/api/v3/brokerage"
_USER_ID = "5844eceecf7e803e259d0365"


async def post(one: Traded, path: str, body: object) -> dict[str, Any]:
    """The answer to a command of another program with the same keys."""
    fetch = Fetch("POST", f"{_ROOT}/{path}", "", body=json.dumps(body).encode())
    signed = SIGNER.call(fetch, one.trader.session.account.venue_now_ns(), 7)
    answer = await one.exchange.answer(structs.replace(fetch, headers=signed.headers))
    assert answer.status == 200, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def limit_order(name: str, price: object, **members: object) -> dict[str, Any]:
    sizes = {"base_size": "0.01", "limit_price": str(price)}
    return {
        "client_order_id": name,
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"limit_limit_gtc": sizes},
        **members,
    }


def test_a_market_buy_of_an_amount_ends_filled_and_pays_its_fee_in_the_quote_asset() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            request = OrderRequest(
                symbol=one.symbol, side="buy", order_type="market", quote_quantity="1000"
            )
            order = await one.trader.orders.place(request)
            await asyncio.sleep(3)

            order = one.order(order)
            assert order.status is OrderStatus.FILLED
            assert Decimal(990) < order.cost <= 1000
            assert one.totals()[Asset("USD")] == 100_000 - order.cost - one.charged("USD")

    play(story)


def test_stops_wait_in_both_ways_and_one_trades_once_the_price_is_there() -> None:
    async def story() -> None:
        async with trading(COINBASE, rate_per_s=0) as one:
            bid = one.bid
            loses = await one.trader.sell(one.symbol, LOT, limit=bid - 900, trigger=bid - 1)
            gains = await one.trader.orders.place(
                OrderRequest(
                    symbol=one.symbol,
                    side="sell",
                    order_type="take_profit_limit",
                    quantity=LOT,
                    limit_price=bid + 500,
                    trigger=Trigger(bid + 600),
                )
            )
            await asyncio.sleep(1)
            listed = {
                order.order_id: order for order in await one.trader.session.account.open_orders()
            }
            assert listed[loses.order_id].order_type is OrderType.STOP_LOSS_LIMIT
            assert listed[gains.order_id].order_type is OrderType.TAKE_PROFIT_LIMIT
            assert listed[loses.order_id].status is OrderStatus.PENDING
            assert one.order(gains).order_type is OrderType.TAKE_PROFIT_LIMIT

            one.take_bids()
            await asyncio.sleep(5)
            assert one.order(loses).status in {OrderStatus.FILLED, OrderStatus.OPEN}
            assert one.order(gains).status is OrderStatus.PENDING

    play(story)


def test_an_order_expires_at_its_time() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            now_ns = one.trader.session.account.venue_now_ns()
            request = OrderRequest(
                symbol=one.symbol,
                side="buy",
                quantity=LOT,
                limit_price=one.bid - 500,
                time_in_force="gtd",
                expires_ns=now_ns + 30 * 10**9,
            )
            order = await one.trader.orders.place(request)
            assert order.status is OrderStatus.OPEN
            await asyncio.sleep(40)
            assert one.order(order).status is OrderStatus.EXPIRED

    play(story)


def test_refusals_have_the_venues_words() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            with pytest.raises(VenueRefused, match="INSUFFICIENT_FUND"):
                await one.trader.buy(one.symbol, Decimal(50), limit=one.bid - 500)
            with pytest.raises(VenueRefused, match="INVALID_LIMIT_PRICE_POST_ONLY"):
                await one.trader.buy(one.symbol, LOT, limit=one.bid + 5000, post_only=True)
            unknown = await post(one, "orders", limit_order("a", 1, product_id="X-USD"))
            assert unknown["failure_reason"] == "UNKNOWN_PRODUCT_ID"
            odd = limit_order("b", 1, order_configuration={"twap_limit_gtd": {}})
            assert (await post(one, "orders", odd))["success"] is False
            none = limit_order("b", 1, order_configuration={})
            assert (await post(one, "orders", none))["success"] is False
            never = {"base_size": "1", "limit_price": "1", "end_time": "never"}
            odd = limit_order("b", 1, order_configuration={"limit_limit_gtd": never})
            assert (await post(one, "orders", odd))["success"] is False

    play(story)


def test_a_name_that_was_used_gives_the_order_that_has_it() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            price = one.bid - 500
            first = await post(one, "orders", limit_order("mine", price))
            second = await post(one, "orders", limit_order("mine", price - 1))

            assert first["order_id"] == second["order_id"]
            assert len(one.account.orders) == 1

    play(story)


def test_orders_are_edited_if_they_rest_until_canceled_and_above_what_is_filled() -> None:
    async def story() -> None:
        async with trading(COINBASE, rate_per_s=0) as one:
            resting = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            edited = await one.trader.orders.amend(
                Amend(client_order_id=resting.client_order_id, limit_price=one.bid - 600)
            )
            assert edited.limit_price == one.bid - 600
            listed = await one.trader.session.account.open_orders()
            assert [order.limit_price for order in listed] == [one.bid - 600]
            stop = await one.trader.sell(
                one.symbol, LOT, limit=one.bid - 900, trigger=one.bid - 800
            )
            unknown = await post(one, "orders/edit", {"order_id": "O", "size": "1"})
            of_a_stop = await post(one, "orders/edit", {"order_id": stop.order_id, "size": "1"})
            off_tick = {"order_id": resting.order_id, "price": "1.00000001"}
            reasons = [
                unknown["errors"],
                of_a_stop["errors"],
                (await post(one, "orders/edit", off_tick))["errors"],
            ]
            assert [one[0]["edit_failure_reason"] for one in reasons] == [
                "UNKNOWN_CANCEL_ORDER",
                "ONLY_LIMIT_ORDER_EDITS_SUPPORTED",
                "INVALID_PRICE_PRECISION",
            ]

    play(story)


def test_more_than_fifty_open_orders_come_in_pages_and_all_are_canceled() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            low = one.bid - 500
            for number in range(101):
                sizes = await post(one, "orders", limit_order(f"n{number}", low - number))
                assert sizes["success"] is True
            one.exchange.hangup_all()
            await asyncio.sleep(1)
            await one.trader.session.wait_ready(60)
            await asyncio.sleep(2)

            assert len(one.trader.session.account.following.orders) == 101
            assert await one.trader.cancel_all() == 101
            assert one.account.open_orders() == []

    play(story)


def test_orders_of_other_markets_are_not_sent_to_who_named_some() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            fetch = b'{"type":"subscribe","channel":"user","product_ids":["ETH-USD"]}'
            async with one.exchange.dial("wss://advanced-trade-ws-user.coinbase.com") as link:
                now_ns = one.trader.session.account.venue_now_ns()
                await link.send(SIGNER.frame(fetch, now_ns, 1))
                snapshot = json.loads(await link.receive())
                listing = json.loads(await link.receive())
                assert snapshot["events"][0]["orders"] == []
                assert listing["events"][0]["subscriptions"]["user"] == [_USER_ID]
                await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
                await link.send(b'{"type":"unsubscribe","channel":"user"}')
                assert json.loads(await link.receive())["events"] == [{"subscriptions": {}}]
                await link.send(b'{"type":"subscribe","channel":"futures_balance_summary"}')
                assert json.loads(await link.receive())["message"] == "authentication failure"

    play(story)


def test_lists_that_other_clients_ask_for() -> None:
    async def story() -> None:
        async with trading(COINBASE) as one:
            order = await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(1)

            async def get(path: str) -> dict[str, Any]:
                fetch = Fetch("GET", f"{_ROOT}/{path}", "")
                now_ns = one.trader.session.account.venue_now_ns()
                headers = SIGNER.call(fetch, now_ns, 7).headers
                answer = await one.exchange.answer(structs.replace(fetch, headers=headers))
                found: dict[str, Any] = json.loads(answer.body)
                return found

            assert (await get("key_permissions"))["can_trade"] is True
            assert "fee_tier" in await get("transaction_summary")
            (account,) = (await get("accounts?limit=1"))["accounts"]
            assert (await get(f"accounts/{account['uuid']}"))["account"] == account
            fills = await get(f"orders/historical/fills?order_id={order.order_id}")
            assert len(fills["fills"]) >= 1
            nothing = await get("orders/historical/fills?product_ids=ETH-USD")
            assert nothing["fills"] == []
            found = await get(f"orders/historical/{order.order_id}")
            assert found["order"]["status"] == "FILLED"

    play(story)
