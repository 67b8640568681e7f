"""Commands that wait for answers: one each, order by order, in parts, or never."""

from collections import deque
from typing import Any

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    Declined,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.venues.command_answers import CommandAnswer, CommandAnswers, OrderAnswer, SentCommand
from fluxum.venues.conversation import Effect, Send

NOW = 1_700_000_000_000_000_000


def request(name: str) -> OrderRequest:
    return OrderRequest(
        symbol=Symbol("BTC/USD"), side="buy", quantity="1", limit_price="9", client_order_id=name
    )


def accepted(**facts: Any) -> Accepted:
    """The only command is accepted."""
    return Accepted(venue="toy", command_id=1, received_ns=NOW, **facts)


def declined(**facts: Any) -> Declined:
    """The only command is refused."""
    return Declined(venue="toy", command_id=1, received_ns=NOW, **facts)


def sent(answers: CommandAnswers, number: int = 7) -> SentCommand:
    found = answers.find(number)
    assert found is not None
    return found


def test_an_answer_names_the_order_and_is_the_last() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, Place(request=request("mine")))

    (event,) = answers.accept(sent(answers), NOW, OrderAnswer("O-1"))

    assert event == accepted(order_id="O-1", client_order_id="mine")
    assert answers.find(7) is None
    assert answers.find(None) is None


def test_a_refusal_names_what_the_command_named() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, Amend(order_id="O-1", quantity="2"))

    (event,) = answers.decline(sent(answers), "too late", NOW)

    assert event == declined(order_id="O-1", message="too late")


def test_a_cancel_of_several_is_answered_one_by_one() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, Cancel(order_ids=("a", "b")), 2)

    (first,) = answers.accept(sent(answers), NOW, OrderAnswer("a"))
    (second,) = answers.decline(sent(answers), "gone", NOW)

    assert isinstance(first, Accepted)
    assert isinstance(second, Declined)
    assert (first.is_last, second.is_last) == (False, True)
    assert answers.oldest() is None


def test_each_order_of_a_batch_that_is_sent_in_parts_is_named_by_its_answer() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, PlaceBatch(requests=(request("a"), request("b"))), 2)

    (taken,) = answers.accept(sent(answers), NOW, OrderAnswer("O-2", "b"))
    (refused,) = answers.decline(sent(answers), "no funds", NOW, OrderAnswer("", "a"))

    assert taken == accepted(order_id="O-2", client_order_id="b", is_last=False)
    assert refused == declined(client_order_id="a", message="no funds")


def test_a_batch_that_is_refused_as_a_whole_names_no_order() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, PlaceBatch(requests=(request("a"), request("b"))))

    assert answers.settle(CommandAnswer("7.0", "restarting"), deque(), NOW) == (
        declined(message="restarting"),
    )


def test_parts_of_a_cancel_are_counted_together() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, CancelAll(), 2)

    assert answers.cancel(sent(answers), 3, NOW) == ()
    assert answers.cancel(sent(answers), 2, NOW) == (accepted(count=5),)


def test_each_order_of_a_batch_has_its_own_answer() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, PlaceBatch(requests=(request("a"), request("b"))))

    with pytest.raises(RemoteProtocolError, match="2 rows were expected, was 1"):
        answers.batch(sent(answers), [OrderAnswer("O-1")], NOW)
    first, second = answers.batch(
        sent(answers), [OrderAnswer("O-1"), OrderAnswer(error="too small")], NOW
    )

    assert first == accepted(order_id="O-1", client_order_id="a", is_last=False)
    assert second == declined(client_order_id="b", message="too small")


def test_an_answer_is_to_the_command_and_the_part_of_its_number() -> None:
    answers, outbox = CommandAnswers("toy"), deque[Effect]()
    answers.expect(7, 1, PlaceBatch(requests=(request("a"), request("b"))), 2)

    (refused,) = answers.settle(CommandAnswer("7.1", "no funds"), outbox, NOW)
    (taken,) = answers.settle(CommandAnswer("7.0", order=OrderAnswer("O-1")), outbox, NOW)

    assert refused == declined(client_order_id="b", message="no funds", is_last=False)
    assert taken == accepted(order_id="O-1", client_order_id="a")
    assert answers.settle(CommandAnswer("7.0"), outbox, NOW) == ()


def test_what_an_answer_makes_necessary_is_sent_and_answered_in_its_place() -> None:
    answers, outbox = CommandAnswers("toy"), deque[Effect]()
    answers.expect(7, 1, CancelAll())
    then = [Send(b"0"), Send(b"1")]

    assert answers.settle(CommandAnswer("7", then=then), outbox, NOW) == ()
    assert list(outbox) == then
    assert answers.settle(CommandAnswer("7.0", canceled=2), outbox, NOW) == ()
    assert answers.settle(CommandAnswer("", canceled=1), outbox, NOW) == (accepted(count=3),)


def test_a_command_is_sent_once_more_under_another_number() -> None:
    answers = CommandAnswers("toy")
    answers.expect(7, 1, CancelAll())

    answers.renumber(sent(answers), 8)

    assert answers.find(7) is None
    assert sent(answers, 8).is_again


def test_ten_thousand_commands_are_remembered() -> None:
    answers = CommandAnswers("toy")
    for number in range(10_001):
        answers.expect(number, number, CancelAll())

    assert answers.find(0) is None
    assert sent(answers, 1) is answers.oldest()
