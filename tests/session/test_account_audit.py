"""What the audit finds of an account whose streams are not numbered, at the toy venue."""

import asyncio
import json
from decimal import Decimal

import pytest
from toy import NS, Toy, entry, fill, order, position
from toy_world import BOTH, START_S, world

from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import Desync, VenueNotice
from fluxum.model.order import OpenOrders
from fluxum.model.position import MarginMode, OpenPositions, PositionUpdate
from fluxum.sim.loop import run


def test_a_fill_that_the_stream_lost_is_listed_and_published_once_without_an_interruption() -> None:
    async def main() -> None:
        async with world(Toy()) as one:
            await one.session.wait_ready(9)
            one.toy.fills = [fill("T", START_S + 9)]
            events = await one.live(60)

            assert [event.fill_id for event in events if isinstance(event, Fill)] == ["T"]
            assert not [event for event in events if isinstance(event, Desync)]
            assert one.session.account.following.counts.audits >= 5

    run(main())


def test_each_audit_lists_fills_from_a_minute_before_the_last_one() -> None:
    async def main() -> None:
        async with world(Toy()) as one:
            await one.session.wait_ready(9)
            one.toy.since_ns.clear()
            await one.live(35)

        first, second, third = [since_ns or 0 for _, since_ns in one.toy.since_ns]
        assert first == (START_S - 300 - 60) * NS  # clocks may be apart
        assert 9 * NS < second - (START_S - 60) * NS < 12 * NS
        assert 10 * NS < third - second < 12 * NS

    run(main())


def test_a_lasting_difference_makes_the_stream_begin_again() -> None:
    async def main() -> None:
        async with world(Toy()) as one:
            await one.session.wait_ready(9)
            one.pipe.drain()
            one.toy.usd = "42"
            one.toy.open = [order("A", at_s=START_S)]
            events = await one.live(30)
            following = one.session.account.following

        desyncs = {event.subscription.channel for event in events if isinstance(event, Desync)}
        assert desyncs == BOTH
        (held,) = [event for event in events if isinstance(event, Balances)]
        assert [one.total for one in held.balances] == [Decimal(42)]
        (opened,) = [event for event in events if isinstance(event, OpenOrders)]
        assert [one.order_id for one in opened.orders] == ["A"]
        assert following.counts.missed == 2

    run(main())


def test_positions_are_requested_follow_the_stream_and_are_compared_with_the_list() -> None:
    async def main() -> None:
        toy = Toy()
        toy.positions = [position("2", START_S - 9, MarginMode.CROSS), position("0", START_S)]
        async with world(toy) as one:
            await one.session.wait_ready(9)
            (opened,) = [event for event in one.pipe.drain() if isinstance(event, OpenPositions)]
            assert [each.quantity for each in opened.positions] == [2]

            toy.servers["account"].due = [b'{"position": "3"}']
            toy.positions = [position("3", START_S + 2, MarginMode.CROSS)]
            events = await one.live(20)
            (known,) = one.session.account.following.positions.values()
            assert (known.quantity, known.margin_mode) == (Decimal(3), MarginMode.CROSS)
            assert [each.quantity for each in events if isinstance(each, PositionUpdate)] == [3]
            assert not [event for event in events if isinstance(event, Desync)]

            toy.positions = []  # it was closed, and the stream lost the message
            events = await one.live(30)

        (desync,) = [event for event in events if isinstance(event, Desync)]
        assert desync.reason == "the venue lists otherwise position in BTC/USD:PERP"
        assert [event.positions for event in events if isinstance(event, OpenPositions)] == [()]
        assert one.session.account.following.positions == {}

    run(main())


def test_an_account_whose_positions_may_not_be_read_goes_on_without_them() -> None:
    async def main() -> None:
        toy = Toy()
        toy.positions, toy.forbidden = [], "/positions"
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(9)
            events = one.pipe.drain()
            following = one.session.account.following
            assert (following.is_balances_valid, following.is_positions_valid) == (True, False)

        (notice,) = [event for event in events if isinstance(event, VenueNotice)]
        assert notice.message.startswith("positions are not known: ")

    run(main())


def test_a_numbered_stream_is_compared_by_its_open_orders_alone() -> None:
    async def main() -> None:
        toy = Toy()
        toy.numbered = BOTH
        toy.entries = []
        async with world(toy) as one:
            await one.session.wait_ready(9)
            toy.calls.clear()
            toy.usd = "42"
            await one.live(60)

        assert {path.partition("?")[0] for path in toy.calls if "Time" not in path} == {"/open"}

    run(main())


def test_entries_are_looked_up_after_a_balance_that_came_without_one() -> None:
    async def main() -> None:
        toy = Toy()
        toy.entries = []
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(9)
            one.pipe.drain()
            toy.entries = [entry("L", START_S + 1)]
            assert not [event for event in await one.live(60) if isinstance(event, LedgerEntry)]
            toy.failures = [503] * 9
            for total in ("43", "42"):
                toy.servers["account"].due.append(json.dumps({"balance": total}).encode())
            events = await one.live(120)

        assert [event.entry_id for event in events if isinstance(event, LedgerEntry)] == ["L"]

    run(main())


def test_entries_that_may_not_be_listed_are_asked_for_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        toy = Toy()
        toy.entries = []
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(9)
            toy.calls.clear()
            toy.failures = [403] * 9
            for _ in range(3):
                toy.servers["account"].due.append(b'{"balance":"42"}')
                await one.live(30)

        assert [path[:8] for path in toy.calls if "Time" not in path] == ["/entries"]
        assert "entries are not known yet" in caplog.text

    run(main())


def test_what_the_stream_sends_before_its_snapshot_proves_no_history() -> None:
    async def main() -> None:
        toy = Toy()
        since_ns = (START_S - 5000) * NS
        toy.entries = []
        toy.failures = [503] * 6  # the snapshots come late
        async with world(toy, audit_s=None, since_ns=since_ns) as one:
            await asyncio.sleep(0.01)
            data = {"name": "A", "at_s": START_S}
            frames = (json.dumps({"order": data}).encode(), b'{"balance":"42"}')
            toy.servers["account"].due += frames
            await one.session.wait_ready(60)

        wanted = {("fills", since_ns - 60 * NS), ("entries", since_ns - 60 * NS)}
        assert wanted <= set(toy.since_ns)

    run(main())
