"""Commands on their way: when nobody has to wait for them any more."""

from collections.abc import Callable

from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    Command,
    Declined,
    OrderStatus,
    Place,
)
from fluxum.orders.gateway import CommandsInFlight, InFlight
from fluxum.orders.order import TrackedOrder
from fluxum.sim.loop import run
from orders.gateways import BTC, START_NS, VENUE, request, update


def order() -> TrackedOrder:
    return TrackedOrder(1, "mine", BTC, Side.BUY, START_NS, request=request())


def yes(command_id: int, *, is_last: bool = True) -> Accepted:
    return Accepted(venue=VENUE, command_id=command_id, is_last=is_last, received_ns=0)


def no(command_id: int) -> Declined:
    return Declined(venue=VENUE, command_id=command_id, message="no", received_ns=0)


def play(story: Callable[[CommandsInFlight], None]) -> None:
    async def main() -> None:
        story(CommandsInFlight())

    run(main())


def asked(
    pending: CommandsInFlight, command: Command, *orders: TrackedOrder, number: int = 1
) -> InFlight:
    one = InFlight(number, command, orders, START_NS)
    pending.add(one)
    return one


def test_a_placing_is_known_by_its_answer_or_by_any_word_of_the_order() -> None:
    def story(pending: CommandsInFlight) -> None:
        placed = order()
        one = asked(pending, Place(request=request()), placed)
        assert not one.is_known

        placed.apply(update())
        one.look()

        assert one.is_known
        assert one.done.done()
        assert len(pending) == 1  # its answer is still to come
        assert pending.answer(yes(1)) is one
        assert len(pending) == 0

    play(story)


def test_an_amendment_is_known_by_its_answer_alone() -> None:
    def story(pending: CommandsInFlight) -> None:
        known = order()
        known.apply(update())
        one = asked(pending, Amend(order_id="O-1"), known)

        assert one.is_changing
        assert not one.is_known
        pending.answer(yes(1))
        assert one.is_known

    play(story)


def test_a_cancel_is_over_when_its_order_has_ended_or_the_venue_said_no() -> None:
    def story(pending: CommandsInFlight) -> None:
        known = order()
        known.apply(update())
        one = asked(pending, Cancel(order_ids=("O-1",)), known)
        pending.answer(yes(1))
        assert not one.is_known

        known.apply(update(at_s=1, status=OrderStatus.CANCELED))
        assert one.is_known

        other = asked(pending, Cancel(order_ids=("O-1",)), order(), number=2)
        pending.answer(no(2))
        assert other.is_known

    play(story)


def test_answers_nobody_waits_for_are_passed_over() -> None:
    def story(pending: CommandsInFlight) -> None:
        assert pending.answer(yes(7)) is None

    play(story)


def test_every_command_is_accounted_for() -> None:
    def story(pending: CommandsInFlight) -> None:
        for number in range(4):
            asked(pending, Place(request=request()), order(), number=number)
        pending.answer(yes(0, is_last=False))
        pending.answer(yes(0))
        pending.answer(no(1))
        pending.drop(pending.all()[0])

        counts = pending.counts
        assert (counts.sent, counts.accepted, counts.declined, counts.lost) == (4, 1, 1, 1)
        assert len(pending) == 1

    play(story)


def test_no_more_than_ten_thousand_are_remembered() -> None:
    def story(pending: CommandsInFlight) -> None:
        first = asked(pending, Place(request=request()), order(), number=0)
        for number in range(1, 10_001):
            asked(pending, Place(request=request()), order(), number=number)

        assert len(pending) == 10_000
        assert pending.counts.lost == 1
        assert first.done.done()

    play(story)
