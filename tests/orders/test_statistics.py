"""Counts of a desk, whose sums close."""

from typing import Any

import pytest
from msgspec import structs

from fluxum.model.order import Place
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import InFlight
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.statistics import CommandCounts, DeskStatistics, OrderCounts
from fluxum.sim.loop import run
from fluxum.venues.trading import OrderRules
from orders.gateways import START_NS, FakeGateway, fill, request


def closed() -> DeskStatistics:
    """Every count another number, and every sum closed."""
    return DeskStatistics(
        asked=1 + 2 + 4 + 8 + 16,
        malformed=1,
        risky=2,
        foreseen=4,
        unsent=8,
        placed=16,
        replayed=4,
        waiting=3,
        accepted=5,
        refused=7,
        unknown=5,
        uncertain=9,
        reconciled=6,
        open_uncertain=3,
        looks=11,
        live=2,
        unmatched=2,
        commands_waiting=1,
        commands=CommandCounts(sent=10, accepted=5, declined=3, lost=1),
        orders=OrderCounts(fills=10, counted=5, repeated=2, dropped=1, completed=1, differing=1),
    )


def test_sums_that_close() -> None:
    assert closed().differences == {}
    assert closed().sums_close


@pytest.mark.parametrize(
    ("changes", "sums"),
    [
        ({"asked": 32}, {"asked": 1}),
        ({"malformed": 2}, {"asked": -1}),
        ({"risky": 3}, {"asked": -1}),
        ({"foreseen": 5}, {"asked": -1}),
        ({"unsent": 9}, {"asked": -1}),
        ({"placed": 17}, {"asked": -1, "placed": 1}),
        ({"replayed": 5}, {"placed": 1}),
        ({"waiting": 4}, {"placed": -1}),
        ({"accepted": 6}, {"placed": -1}),
        ({"refused": 8}, {"placed": -1}),
        ({"unknown": 6}, {"placed": -1}),
        ({"uncertain": 10}, {"uncertain": 1}),
        ({"reconciled": 7}, {"uncertain": -1}),
        ({"open_uncertain": 4}, {"uncertain": -1}),
        ({"commands_waiting": 2}, {"commands": -1}),
        ({"commands": CommandCounts(sent=10, accepted=6, declined=3, lost=1)}, {"commands": -1}),
        ({"commands": CommandCounts(sent=10, accepted=5, declined=4, lost=1)}, {"commands": -1}),
        ({"commands": CommandCounts(sent=10, accepted=5, declined=3, lost=2)}, {"commands": -1}),
        ({"unmatched": 3}, {"fills": -1}),
        ({"orders": OrderCounts(fills=11, counted=5, repeated=2, dropped=1)}, {"fills": 1}),
        ({"orders": OrderCounts(fills=10, counted=5, repeated=2, dropped=2)}, {"fills": -1}),
        ({"looks": 99, "live": 99}, {}),
    ],
)
def test_a_sum_that_does_not_close_is_named_with_its_difference(
    changes: dict[str, Any], sums: dict[str, int]
) -> None:
    off = structs.replace(closed(), **changes)

    assert off.differences == sums
    assert off.sums_close is not bool(sums)


def test_they_are_gathered_from_where_they_are_counted_and_stay() -> None:
    async def story() -> None:
        execution = OrderExecution(
            FakeGateway(), MemoryOrderJournal(), OrderRules(), ReconcilePolicy()
        )
        orders, placing, commands = execution.orders, execution.counts, execution.commands.counts
        accepted = orders.begin(request(client_order_id="a"), START_NS, None)
        refused = orders.begin(request(client_order_id="b"), START_NS, None)
        waiting = orders.begin(request(client_order_id="c"), START_NS, None)
        orders.accept(accepted, "O-1")
        orders.moved(accepted)
        orders.refuse(refused, "no")
        orders.fill(fill("T", order_id="O-9"))
        placing.asked, placing.risky, placing.placed = 4, 1, 3
        for number in range(3):
            command = Place(request=request(client_order_id="c"))
            execution.commands.add(InFlight(number, command, (waiting,), START_NS))
        execution.reconciler.looks = 5

        found = execution.statistics()
        placing.asked = commands.sent = 99
        orders.counts.fills = 99

        assert [found.asked, found.risky, found.placed, found.looks] == [4, 1, 3, 5]
        assert [found.waiting, found.accepted, found.refused, found.unknown] == [1, 1, 1, 0]
        assert [found.live, found.unmatched] == [2, 1]
        assert [found.commands.sent, found.orders.fills] == [3, 1]
        assert found.sums_close

    run(story())
