"""What the Exchange's accounts do besides what the conformance cards ask of every account."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum import Asset, EntryQuery, OrderRequest, OrderStatus, OrderType, RiskLimits, VenueRefused
from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.coinbase.exchange.private.signing import ExchangeSigner
from fluxum.venues.coinbase.venue import COINBASE_EXCHANGE
from fluxum.venues.conversation import Fetch
from fluxum.venues.register import find_venue
from venues.accounts import KEYS, LOT, play, trading

NOW_NS = 1_700_000_000_000_000_000
LIST = Fetch("GET", "/accounts", "")
SIGNER = ExchangeSigner(KEYS)


def statuses(*calls: Fetch) -> list[int]:
    """What the simulated exchange answers at that instant."""

    async def main() -> list[int]:
        clock = SimulatedClock(start_ns=NOW_NS)
        async with SimulatedExchange(
            find_venue("coinbase-exchange"), [Symbol("BTC/USD")], seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(
                KEYS.key, KEYS.secret, {"USD": Decimal(1000)}, passphrase=KEYS.passphrase
            )
            async with asyncio.TaskGroup() as group:
                answers = [group.create_task(exchange.answer(call)) for call in calls]
            return [one.result().status for one in answers]

    return run(main())


def signed(now_ns: int = NOW_NS, headers: Mapping[str, str] = {}) -> Fetch:
    one = SIGNER.call(LIST, now_ns, 1)
    return structs.replace(LIST, headers={**one.headers, **headers})


def flipped(text: str) -> str:
    return ("A" if text[0] != "A" else "B") + text[1:]


def test_a_signature_with_another_bit_is_refused() -> None:
    good = signed()
    bad = signed(headers={"CB-ACCESS-SIGN": flipped(good.headers["CB-ACCESS-SIGN"])})
    other_path = structs.replace(good, path="/accounts?limit=1")
    other_body = structs.replace(good, body=b"{}")

    assert statuses(good, bad, other_path, other_body) == [200, 400, 400, 400]


def test_another_passphrase_key_or_time_is_refused() -> None:
    calls = (
        signed(headers={"CB-ACCESS-PASSPHRASE": "another"}),
        signed(headers={"CB-ACCESS-KEY": "another"}),
        signed(NOW_NS - 31 * 10**9),
        signed(NOW_NS + 31 * 10**9),
        signed(NOW_NS - 29 * 10**9),
        LIST,
    )

    assert statuses(*calls) == [401, 401, 401, 401, 200, 401]


def test_more_than_thirty_calls_at_once_are_too_many() -> None:
    assert sorted(statuses(*[signed()] * 31)) == [200] * 30 + [429]


def test_keys_of_another_form_are_refused_without_being_shown() -> None:
    with pytest.raises(Exception, match="base64") as error:
        ExchangeSigner(Credentials("k", "$$$", "p"))
    assert "$$$" not in str(error.value)


def test_a_stop_waits_is_triggered_and_trades() -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE, rate_per_s=0) as one:
            low = one.bid - 10
            stop = await one.trader.sell(one.symbol, LOT, limit=low - 500, trigger=low)
            await asyncio.sleep(1)
            waiting = one.order(stop)
            assert (waiting.status, waiting.trigger_price) == (OrderStatus.PENDING, low)
            assert waiting.order_type is OrderType.STOP_LOSS_LIMIT

            one.take_bids()
            await asyncio.sleep(5)

            assert one.order(stop).status in {OrderStatus.OPEN, OrderStatus.FILLED}

    play(story)


def test_an_amount_is_spent_and_the_order_ends_with_what_it_bought() -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE) as one:
            order = await one.trader.orders.place(
                OrderRequest(
                    symbol=one.symbol, side="buy", order_type="market", quote_quantity=Decimal(500)
                )
            )
            await asyncio.sleep(5)

            known = one.order(order)
            filled = sum((fill.quantity for fill in one.account.fills), Decimal(0))
            assert (known.status, known.filled) == (OrderStatus.FILLED, filled)
            assert filled > 0

    play(story)


def test_orders_that_must_not_rest_end_at_once() -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE, rate_per_s=0) as one:
            for in_force in ("ioc", "fok"):
                order = await one.trader.buy(
                    one.symbol, LOT, limit=one.bid - 100, time_in_force=in_force
                )
                await asyncio.sleep(1)
                assert one.order(order).status is OrderStatus.CANCELED
            assert one.account.open_orders() == []

    play(story)


@pytest.mark.parametrize(
    ("quantity", "away", "is_post_only", "reason"),
    [
        (Decimal(90), -500, False, "400.*Insufficient funds"),
        (LOT, 500, True, "400.*Post only mode"),
    ],
)
def test_refusals_have_the_venues_reason(
    quantity: Decimal, away: int, is_post_only: bool, reason: str
) -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE) as one:
            with pytest.raises(VenueRefused, match=reason):
                await one.trader.buy(
                    one.symbol, quantity, limit=one.bid + away, post_only=is_post_only
                )

    play(story)


def test_limits_take_a_book_that_nothing_proves() -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE) as one:
            assert not one.trader.book(one.symbol).proof().is_valid
            assert one.trader.orders.risk.limits == RiskLimits()
            with pytest.raises(Exception, match="percent worse"):
                await one.trader.buy(one.symbol, LOT, limit=one.bid * 2)

    play(story)


def test_deposits_of_an_outage_are_entries() -> None:
    async def story() -> None:
        async with trading(COINBASE_EXCHANGE) as one:
            session = one.trader.session
            one.exchange.hangup_all()
            one.account.deposit({one.symbol.quote: Decimal(7)})
            await session.wait_ready(60)
            query = EntryQuery(since_ns=session.account.now_ns() - 60 * 10**9)
            entries = await session.account.entries(query)

            assert (entries[-1].asset, entries[-1].change) == (Asset("USD"), Decimal(7))
            assert entries[-1].kind.value == "deposit"

    play(story)
