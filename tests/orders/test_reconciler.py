"""Orders in doubt, looked up until it is known what became of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from fluxum.flow.background import background
from fluxum.model.order import OrderStatus
from fluxum.orders.cache import OrderCache
from fluxum.orders.order import TrackedOrder, Uncertainty
from fluxum.orders.reconciler import ReconcilePolicy, Reconciler
from fluxum.sim.loop import run
from fluxum.venues.rows import LeftOutRows
from orders.gateways import SECOND_NS, FakeGateway, request, update


class World:
    def __init__(self, gateway: FakeGateway, policy: ReconcilePolicy) -> None:
        self.gateway = gateway
        self.orders = OrderCache()
        self.told: list[TrackedOrder] = []
        self.reconciler = Reconciler(gateway, self.orders, policy, self.told.append)

    def uncertain(
        self, name: str = "mine", settle_s: float = 5, reference: int | None = None
    ) -> TrackedOrder:
        """An order of ours nobody answered for, which cannot arrive after some seconds."""
        now_ns = self.gateway.venue_now_ns()
        settle_ns = now_ns + round(settle_s * SECOND_NS)
        order = self.orders.begin(request(client_order_id=name), now_ns, settle_ns, reference)
        order.mark_uncertain(Uncertainty.EXISTENCE, settle_ns, "silence")
        self.orders.moved(order)
        self.reconciler.add(order, settle_ns)
        return order

    def ended(self, order_id: str, at_s: float = 0, **changes: Any) -> None:
        """The venue has ended an order so many seconds from now."""
        at_ns = self.gateway.clock.now_ns() + round(at_s * SECOND_NS)
        more: dict[str, Any] = {"opened_ns": at_ns, "venue_ns": at_ns, **changes}
        status = OrderStatus.CANCELED
        self.gateway.closed.append(update(order_id, status=status, **more))


@asynccontextmanager
async def world(gateway: FakeGateway | None = None, **policy: Any) -> AsyncGenerator[World]:
    one = World(FakeGateway() if gateway is None else gateway, ReconcilePolicy(**policy))
    async with background(one.reconciler.run()):
        yield one


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run(main())


def test_what_is_found_open_is_in_doubt_no_longer() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain()
            one.gateway.open["O-1"] = update("O-1", client_order_id="mine")
            await asyncio.sleep(1)

            assert (order.status, order.order_id) == (OrderStatus.OPEN, "O-1")
            assert (one.reconciler.open, order in one.told) == (0, True)
            assert one.gateway.asked == ["open mine"]

    play(story)


def test_an_order_is_looked_for_from_five_minutes_before_it_was_sent() -> None:
    """So far may clocks be apart."""

    async def story() -> None:
        async with world() as one:
            order = one.uncertain()
            await asyncio.sleep(2)
            query = one.gateway.looked_for[0]
            assert (query.client_order_id, query.since_ns) == (
                "mine",
                order.sent_ns - 300 * SECOND_NS,
            )

    play(story)


def test_what_is_found_nowhere_never_arrived_but_only_once_it_cannot_arrive() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(settle_s=5)

            await asyncio.sleep(5)
            assert order.status is OrderStatus.UNKNOWN
            await asyncio.sleep(0.5)

            assert (order.status, order.refusal) == (OrderStatus.REFUSED, "never arrived")
            # At once, after one second, two more, and as soon as it settles the matter.
            assert one.reconciler.looks == 4

    play(story)


def test_a_list_with_a_row_that_cannot_be_read_does_not_show_that_an_order_never_arrived() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.left_out = LeftOutRows(1, "no number", "{}")
            order = one.uncertain(settle_s=5, reference=7)
            await asyncio.sleep(30)
            assert order.status is OrderStatus.UNKNOWN

            one.gateway.left_out = None
            await asyncio.sleep(300)
            assert (order.status, order.refusal) == (OrderStatus.REFUSED, "never arrived")

    play(story)


def test_the_venues_reason_stays_with_what_never_arrived() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(settle_s=1)
            order.venue_reason = "busy"
            await asyncio.sleep(2)

            assert order.refusal == "busy (never arrived)"

    play(story)


def test_a_link_that_was_lost_while_it_was_looked_for_decides_nothing() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway.ask_s = 1.0
        async with world(gateway) as one:
            order = one.uncertain(settle_s=0)
            await asyncio.sleep(0.5)
            one.reconciler.losses += 1  # and it is back already

            await asyncio.sleep(2)  # open, then ended
            assert (one.reconciler.looks, order.status) == (1, OrderStatus.UNKNOWN)
            await asyncio.sleep(3)

            assert (one.reconciler.looks, order.status) == (2, OrderStatus.REFUSED)

    play(story)


def test_a_link_that_is_not_back_decides_nothing_and_nothing_is_asked() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(settle_s=0)
            one.gateway.is_following = False

            await asyncio.sleep(30)
            assert (one.gateway.asked, order.is_final) == ([], False)
            one.gateway.is_following = True
            one.reconciler.wake()
            await asyncio.sleep(1)

            assert order.status is OrderStatus.REFUSED

    play(story)


def test_a_link_that_is_lost_at_the_end_of_a_look_decides_nothing() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway.ask_s = 1.0
        async with world(gateway) as one:
            order = one.uncertain(settle_s=0)
            await asyncio.sleep(1.5)
            one.gateway.is_following = False
            await asyncio.sleep(1)

            assert (one.reconciler.looks, order.status) == (1, OrderStatus.UNKNOWN)

    play(story)


def test_ended_orders_are_looked_for_on_every_page() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(reference=7)
            one.ended("O-1", user_reference=7)
            for number in range(9):  # two a page, the newest first
                one.ended(f"O-{number + 2}")
            await asyncio.sleep(2)

            assert (order.order_id, order.status) == ("O-1", OrderStatus.CANCELED)
            assert one.gateway.asked == ["open", *["closed"] * 5]

    play(story)


def test_a_list_of_ended_orders_without_an_end_is_read_for_twenty_pages() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(reference=7, settle_s=0)
            for number in range(100):
                one.ended(f"O-{number}")
            await asyncio.sleep(2.5)

            # What was not found on so many pages was found nowhere.
            assert one.gateway.asked == ["open", *["closed"] * 20]
            assert order.status is OrderStatus.REFUSED

    play(story)


def test_ended_orders_are_looked_for_from_a_minute_before_it_was_sent() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(reference=7, settle_s=0)
            one.ended("O-1", -59, user_reference=7)
            other = one.uncertain("theirs", reference=8, settle_s=0)
            one.ended("O-2", -61, user_reference=8)
            await asyncio.sleep(2)

            assert order.order_id == "O-1"
            assert other.status is OrderStatus.REFUSED

    play(story)


def test_references_that_are_used_again_are_told_apart_by_time() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(reference=7, settle_s=0)
            long_ago = one.gateway.clock.now_ns() - 3600 * SECOND_NS
            one.gateway.open["O-1"] = update("O-1", user_reference=7, opened_ns=long_ago)
            await asyncio.sleep(1)

            assert order.status is OrderStatus.REFUSED

    play(story)


def test_an_order_that_ended_with_an_unknown_word_has_ended() -> None:
    async def story() -> None:
        async with world() as one:
            by_name, by_reference = one.uncertain(), one.uncertain("other", reference=7)
            words: dict[str, Any] = {"status": OrderStatus.OTHER, "venue_status": "gone"}
            one.gateway.closed.append(update("O-1", client_order_id="mine", **words))
            one.gateway.closed.append(update("O-2", at_s=1, user_reference=7, **words))
            await asyncio.sleep(4)

            for order in (by_name, by_reference):
                assert order.status is OrderStatus.CANCELED
                assert order.update is not None
                assert order.update.venue_status == "gone"

    play(story)


def test_questions_that_fail_are_asked_again_less_and_less_often() -> None:
    async def story() -> None:
        async with world(poll_s=1.0, poll_max_s=4.0) as one:
            order = one.uncertain(settle_s=0)
            one.gateway.unreachable = True
            began_ns = one.gateway.now_ns()
            asked_s: list[int] = []
            while len(asked_s) < 6:
                looks = one.reconciler.looks
                while one.reconciler.looks == looks:  # noqa: ASYNC110 - it tells of no change
                    await asyncio.sleep(0.05)
                asked_s.append(round((one.gateway.now_ns() - began_ns) / SECOND_NS))

            assert asked_s == [0, 1, 3, 7, 11, 15]
            assert not order.is_final
            one.gateway.unreachable = False
            one.reconciler.wake()
            await asyncio.sleep(0.5)
            assert order.status is OrderStatus.REFUSED

    play(story)


def test_nothing_is_looked_for_that_nobody_doubts() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain()
            order.accept()
            await asyncio.sleep(10)

            assert (one.gateway.asked, one.reconciler.open) == ([], 0)

    play(story)


def test_an_order_that_is_missing_is_kept_in_doubt_while_no_list_has_it() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.orders.apply(update("O-1"))
            settle_ns = one.gateway.venue_now_ns()
            order.mark_uncertain(Uncertainty.ABSENCE, settle_ns, "it is open no longer")
            one.reconciler.add(order, settle_ns)
            await asyncio.sleep(5)
            assert (order.status, one.reconciler.open) == (OrderStatus.UNKNOWN, 1)

            one.gateway.closed.append(
                update("O-1", 1, status=OrderStatus.FILLED, filled=Decimal(1))
            )
            await asyncio.sleep(60)
            assert (order.status, one.reconciler.open) == (OrderStatus.FILLED, 0)

    play(story)


def test_of_an_edit_both_orders_are_looked_for() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.orders.apply(update("O-1", client_order_id="mine"))
            settle_ns = one.gateway.venue_now_ns()
            one.orders.expect_edit(order, 77)
            order.mark_uncertain(Uncertainty.CHANGE, settle_ns, "silence")
            one.reconciler.add(order, settle_ns)
            one.ended("O-1", 0, client_order_id="mine")
            one.gateway.open["O-2"] = update("O-2", user_reference=77)
            await asyncio.sleep(1)

            new = one.orders.find("O-2")
            assert new is not None
            assert (order.status, order.replaced_by) == (OrderStatus.CANCELED, "O-2")
            assert (new.status, new.replaces, one.reconciler.open) == (OrderStatus.OPEN, "O-1", 0)

    play(story)


def test_of_an_edit_the_other_order_is_looked_for_on_the_pages_behind_the_first() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.orders.apply(update("O-1", client_order_id="mine"))
            settle_ns = one.gateway.venue_now_ns()
            one.orders.expect_edit(order, 77)
            order.mark_uncertain(Uncertainty.CHANGE, settle_ns, "silence")
            one.reconciler.add(order, settle_ns)
            one.ended("O-2", user_reference=77)
            one.ended("O-3")
            one.ended("O-1", client_order_id="mine")
            await asyncio.sleep(1)

            assert (order.status, order.replaced_by) == (OrderStatus.CANCELED, "O-2")

    play(story)


def test_the_later_instant_settles_what_was_added_twice() -> None:
    async def story() -> None:
        async with world() as one:
            order = one.uncertain(settle_s=10)
            one.reconciler.add(order, one.gateway.venue_now_ns())

            await asyncio.sleep(9)
            assert not order.is_final
            await asyncio.sleep(2)
            assert order.status is OrderStatus.REFUSED

    play(story)
