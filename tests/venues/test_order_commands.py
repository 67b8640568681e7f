"""Commands about orders as operations: of one order each, or of several."""

from collections.abc import Sequence
from functools import partial

import pytest
from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.venues.conversation import Send
from fluxum.venues.order_commands import Members, Operation, OrderCommands, deadline_ns

BTC = Symbol("BTC/USD")


def named(command: Cancel | CancelBatch) -> Sequence[Members]:
    if not command.order_ids:
        raise BadInput("an id was expected, was none")
    return [{"id": one} for one in command.order_ids]


def about(name: str, command: Amend | Edit) -> tuple[str, Members]:
    return name, {"id": command.order_id}


def send(number: str, operation: Operation, command: Command) -> Send:
    return Send(f"{number} {operation} {deadline_ns(command)}".encode())


ONE_BY_ONE = OrderCommands(
    venue="toy",
    place=lambda request: ("new", {"price": str(request.limit_price)}),
    cancel="cancel",
    named=named,
    batch_max=3,
    send=send,
)
SEVERAL = structs.replace(
    ONE_BY_ONE,
    amend=partial(about, "amend"),
    edit=partial(about, "edit"),
    test="test",
    place_batch="batch",
    cancel_batch="cancel-batch",
    cancels_max=2,
)


def order(price: int) -> OrderRequest:
    return OrderRequest(symbol=BTC, side="buy", quantity=1, limit_price=price)


def batch(count: int, *, validate: bool = False) -> PlaceBatch:
    return PlaceBatch(requests=tuple(map(order, range(1, count + 1))), validate=validate)


@pytest.mark.parametrize("orders", [ONE_BY_ONE, SEVERAL])
def test_one_order_is_one_operation(orders: OrderCommands) -> None:
    assert orders.operations(Place(request=order(5))) == [("new", [{"price": "5"}])]
    assert orders.operations(Cancel(order_ids=("a", "b"))) == [
        ("cancel", [{"id": "a"}]),
        ("cancel", [{"id": "b"}]),
    ]


def test_several_orders_are_an_operation_each_where_there_is_none_for_several() -> None:
    assert ONE_BY_ONE.operations(batch(2)) == [
        ("new", [{"price": "1"}]),
        ("new", [{"price": "2"}]),
    ]
    assert ONE_BY_ONE.operations(CancelBatch(order_ids=("a", "b"))) == [
        ("cancel", [{"id": "a"}]),
        ("cancel", [{"id": "b"}]),
    ]


def test_several_orders_are_one_operation_and_a_long_cancel_is_several() -> None:
    assert SEVERAL.operations(batch(2)) == [("batch", [{"price": "1"}, {"price": "2"}])]
    assert SEVERAL.operations(CancelBatch(order_ids=("a", "b", "c"))) == [
        ("cancel-batch", [{"id": "a"}, {"id": "b"}]),
        ("cancel-batch", [{"id": "c"}]),
    ]


def test_orders_are_changed_replaced_and_only_checked_where_the_venue_can() -> None:
    amend, edit = Amend(order_id="a", quantity=2), Edit(order_id="a", symbol=BTC, quantity=2)
    check = Place(request=order(5), validate=True)

    assert SEVERAL.operations(amend) == [("amend", [{"id": "a"}])]
    assert SEVERAL.operations(edit) == [("edit", [{"id": "a"}])]
    assert SEVERAL.operations(check) == [("test", [{"price": "5"}])]
    for command in (amend, edit, check):
        with pytest.raises(BadInput, match=f"toy cannot do this: {type(command).__name__}"):
            ONE_BY_ONE.operations(command)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (batch(4), "a batch of 1 to 3 orders was expected, was 4"),
        (batch(2, validate=True), "toy cannot do this: PlaceBatch"),
        (Cancel(user_references=(5,)), "toy cannot do this: Cancel"),
        (Cancel(), "an id was expected"),
        (CancelAll(), "toy cannot do this: CancelAll"),
    ],
)
def test_what_cannot_be_done_is_refused(command: Command, text: str) -> None:
    with pytest.raises(BadInput, match=text):
        SEVERAL.operations(command)


def test_each_operation_has_a_number_and_the_deadline_of_its_command() -> None:
    timed = structs.replace(batch(2), deadline_ns=9)

    assert ONE_BY_ONE.effects(timed, "7") == [
        Send(b"7.0 ('new', [{'price': '1'}]) 9"),
        Send(b"7.1 ('new', [{'price': '2'}]) 9"),
    ]
    assert SEVERAL.effects(Cancel(order_ids=("a",)), "8") == [
        Send(b"8.0 ('cancel', [{'id': 'a'}]) None")
    ]
