"""The numbered cards about accounts, for every exchange in the register that has them.

The same program trades everywhere: nothing in here names an exchange.
"""

import asyncio
from decimal import Decimal

import pytest

import fluxum
from findings import Findings
from fluxum import Channel, OrderRequest, OrderStatus, Subscription, VenueRefused
from fluxum.model.account import LedgerEntry
from fluxum.model.event import Event
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import VENUES
from fluxum.venues.trading import SwitchKeeper
from fluxum.venues.venue import Venue
from venues.accounts import KEYS, LOT, play, trading
from venues.cards import card

ACCOUNTS = [venue for venue in VENUES.values() if venue.private is not None]
BALANCES = Subscription(Channel.BALANCE)


@card(15, ACCOUNTS)
def test_15_account_its_streams_are_accepted_and_its_balances_are_the_exchanges(
    venue: Venue, notes: Findings
) -> None:
    """A fill moves the position, each balance and the entries as it did at the exchange."""

    async def story() -> None:
        async with trading(venue) as one:
            session = one.trader.session
            events = session.events(capacity=10_000)
            session.subscribe(BALANCES)
            await session.wait_ready(10)
            await one.trader.buy(one.symbol, LOT)
            await asyncio.sleep(10)

            position = one.trader.position(one.symbol)
            assert position is not None
            assert position.quantity == LOT - one.charged(one.symbol.base)
            assert {one.asset: one.total for one in await one.trader.balances()} == one.totals()
            streamed = session.account.following.balances
            assert {asset: one.total for asset, one in streamed.items()} == one.totals()
            lists_entries = session.account.queries.entries is not None
            told: list[Event] = events.drain()
            changes = [event.change for event in told if isinstance(event, LedgerEntry)]
            deposits = len(one.totals())
            if lists_entries:
                true = [entry.change for entry in one.account.entries][deposits:]
                assert sorted(changes) == sorted(true)  # those of one instant have no order
            assert venue.private is not None
            for channel in (Channel.EXECUTION, Channel.BALANCE):
                is_numbered = channel in venue.private.numbered
                notes.channel_is(channel, "numbered" if is_numbered else "audited")
            notes.channel_is(Channel.BALANCE, "entries" if lists_entries else "made entries")

    play(story)


@card(16, ACCOUNTS)
def test_16_orders_are_placed_amended_and_canceled(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            low = one.bid - 500
            order = await one.trader.buy(one.symbol, LOT, limit=low, post_only=True)
            await asyncio.sleep(1)  # its answer may come before its update
            order = one.order(order)
            assert (order.status, order.limit_price) == (OrderStatus.OPEN, low)

            change = fluxum.Amend(order_id=order.order_id, quantity=2 * LOT, limit_price=low - 1)
            can_amend = one.trader.session.account.rules.can_amend
            if can_amend:
                await one.trader.orders.amend(change)
                await asyncio.sleep(1)
            else:
                with pytest.raises(fluxum.BadInput):
                    await one.trader.orders.amend(change)
            assert one.order(order).limit_price == (low - 1 if can_amend else low)

            ended = await one.trader.cancel(order.client_order_id)
            quantity = 2 * LOT if can_amend else LOT
            assert (ended.status, ended.quantity) == (OrderStatus.CANCELED, quantity)
            assert one.account.open_orders() == []

    play(story)
    notes.saw()


@card(17, ACCOUNTS)
def test_17_batch_each_order_has_its_own_answer_and_all_are_canceled_at_once(
    venue: Venue, notes: Findings
) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            low = one.bid - 500
            batch = await one.trader.orders.place_batch(
                [
                    OrderRequest(symbol=one.symbol, side="buy", quantity=size, limit_price=low)
                    for size in (LOT, LOT, Decimal(99))
                ]
            )
            await asyncio.sleep(1)
            states = [one.order(order).status for order in batch]
            assert states == [OrderStatus.OPEN, OrderStatus.OPEN, OrderStatus.REFUSED]

            assert await one.trader.cancel_all() == 2
            await asyncio.sleep(1)
            assert one.trader.orders.open_orders() == []
            assert one.account.open_orders() == []

    play(story)
    notes.saw()


@card(18, ACCOUNTS)
def test_18_outage_what_happened_without_a_link_is_published_once(
    venue: Venue, notes: Findings
) -> None:
    async def story() -> None:
        async with trading(venue, rate_per_s=0) as one:
            resting = await one.trader.buy(one.symbol, LOT, limit=one.bid)
            canceled = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            one.exchange.hangup_all()
            one.account.cancel(canceled.order_id)
            one.take_bids()
            await one.trader.session.wait_ready(60)
            await asyncio.sleep(5)

            assert one.order(resting).status is OrderStatus.FILLED
            assert one.order(canceled).status is OrderStatus.CANCELED
            position = one.trader.position(one.symbol)
            assert position is not None
            assert position.quantity == LOT - one.charged(one.symbol.base)
            counts = one.trader.session.account.following.counts
            assert counts.fills == len(one.account.fills)
            assert counts.backfilled >= 1
            assert counts.contradicted == 0

    play(story)
    notes.saw()


@card(19, ACCOUNTS)
def test_19_unknown_an_order_without_an_answer_is_found_or_not_and_never_sent_again(
    venue: Venue, notes: Findings
) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            one.exchange.lose_next_ack()
            placing = asyncio.ensure_future(one.trader.buy(one.symbol, LOT, limit=one.bid - 400))
            for glance in range(1000):
                await asyncio.sleep(0 if glance < 100 else 0.001)  # a call takes its time
                if one.account.orders:
                    break
            one.exchange.hangup_all()  # its update is lost with its link
            await placing
            await one.trader.session.wait_ready(60)
            one.exchange.cut_next_command()
            never = await one.trader.buy(one.symbol, LOT, limit=one.bid - 300)
            assert never.status is OrderStatus.UNKNOWN
            await asyncio.sleep(60)

            states = [order.status for order in one.trader.orders.orders()]
            assert sorted(states, key=str) == [OrderStatus.OPEN, OrderStatus.REFUSED]
            assert len(one.account.orders) == 1
            statistics = one.trader.orders.statistics()
            assert statistics.sums_close
            assert (statistics.unknown, statistics.open_uncertain) == (0, 0)

    play(story)
    notes.saw()


@card(20, ACCOUNTS)
def test_20_keys_that_are_wrong_are_refused_by_name_and_nothing_is_sent(
    venue: Venue, notes: Findings
) -> None:
    async def story() -> None:
        clock, symbol = SimulatedClock(), venue.sample_symbols[0]
        async with SimulatedExchange(venue, [symbol], seed=7, clock=clock) as exchange:
            account = exchange.open_account(
                KEYS.key, "YW5vdGhlcg==", {symbol.quote: Decimal(1)}, passphrase=KEYS.passphrase
            )
            with pytest.raises(VenueRefused) as refusal:
                async with fluxum.trade(
                    venue.name,
                    [symbol],
                    keys=KEYS,
                    journal=fluxum.MemoryOrderJournal(),
                    runtime=SimulatedRuntime(exchange, clock=clock, seed=3),
                    ready_s=30,
                ):
                    raise AssertionError
            for part in (KEYS.secret, KEYS.passphrase):
                assert part not in f"{refusal.value!r} {refusal.value}"
            assert account.orders == []

    play(story)
    notes.saw()


@card(21, ACCOUNTS)
def test_21_kill_switch_orders_end_after_an_outage_that_is_longer_than_its_time(
    venue: Venue, notes: Findings
) -> None:
    """Kept by the venue it cancels while there is no link; by the client, as the link is back."""

    async def story() -> None:
        async with trading(venue) as one:
            order = await one.trader.buy(one.symbol, LOT, limit=one.bid - 500)
            state = await one.trader.orders.cancel_all_after(30)
            await one.cut(5)
            await asyncio.sleep(60)
            kept = len(one.account.open_orders())

            await one.cut(40)
            left = len(one.account.open_orders())
            await one.trader.session.wait_ready(60)
            await asyncio.sleep(5)

            assert (kept, left) == (1, 1 if state.keeper is SwitchKeeper.CLIENT else 0)
            assert one.account.open_orders() == []
            assert one.order(order).status is OrderStatus.CANCELED
            notes.dead_man_switch_is_kept_by(state.keeper)

    play(story)
