"""The private contract at a venue unlike Kraken: signing, two links, REST orders, snapshots."""

import asyncio
import json
from decimal import Decimal

import pytest
from msgspec import structs
from toy import NS, Toy, order
from toy_world import START_S, world

from fluxum.model.account import Balances
from fluxum.model.event import CallFailed, Channel, Refused, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import Accepted, Declined, OpenOrders, OrderRequest, OrderType, Place
from fluxum.sim.loop import run

BTC = Symbol("BTC/USD")
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
PLACE = Place(
    request=OrderRequest(
        symbol=BTC, side=Side.BUY, order_type=OrderType.LIMIT, quantity="1", limit_price="9"
    )
)


def test_links_are_opened_with_headers_and_logged_in_with_a_signed_frame_of_the_venues_time() -> (
    None
):
    async def main() -> None:
        async with world(Toy(), audit_s=None) as one:
            await one.session.wait_ready(10)
            logins = [(at, sent) for at, sent in one.toy.sent if "login" in sent]

        assert one.toy.headers["X-Key"] == "the-key"
        assert {(at, sent["key"]) for at, sent in logins} == {
            ("account", "the-key"),
            ("orders", "the-key"),
        }
        assert all(START_S <= sent["time"] <= START_S + 10 for _, sent in logins)

    run(main())


def test_what_was_signed_is_in_no_raw_frame() -> None:
    async def main() -> None:
        toy = Toy()
        async with world(toy, audit_s=None) as one:
            raw = one.session.raw(capacity=100_000)
            await one.session.wait_ready(10)
            frames = b" ".join(frame.frame for frame in raw.drain())

        assert b"login" in frames
        assert b"the-key" not in frames

    run(main())


def test_queries_are_signed_by_their_own_need_and_not_by_their_method() -> None:
    async def main() -> None:
        async with world(Toy(), audit_s=None) as one:
            await one.session.wait_ready(10)
            await one.session.account.balances()

        signed = [path for path in one.toy.calls if "key=the-key" in path]
        assert any(path.startswith("/balances?all=1&time=1700000") for path in signed)
        assert not any("Time" in path for path in signed)
        nonces = [int(path.partition("nonce=")[2].partition("&")[0]) for path in signed]
        assert nonces == sorted(set(nonces))

    run(main())


def test_snapshots_that_the_venue_does_not_send_are_asked_for_before_the_session_is_ready() -> None:
    async def main() -> None:
        toy = Toy()
        toy.open = [order("A", at_s=START_S)]
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(10)
            events = one.pipe.drain()

        (opened,) = [event for event in events if isinstance(event, OpenOrders)]
        (held,) = [event for event in events if isinstance(event, Balances)]
        assert [update.order_id for update in opened.orders] == ["A"]
        assert [(one.asset, one.total) for one in held.balances] == [("USD", Decimal(100))]

    run(main())


def test_only_the_snapshots_of_what_is_subscribed_to_are_asked_for() -> None:
    async def main() -> None:
        async with world(Toy(), audit_s=None, wanted=[Channel.EXECUTION]) as one:
            await one.session.wait_ready(10)
            await asyncio.sleep(5)

        asked = {path.partition("?")[0] for path in one.toy.calls}
        assert "/open" in asked
        assert "/balances" not in asked

    run(main())


def test_of_an_order_and_a_balance_the_newer_word_counts_be_it_of_the_stream_or_of_the_list() -> (
    None
):
    async def main() -> None:
        toy = Toy()
        toy.open = [order(name, at_s=START_S) for name in "ABCE"]
        toy.failures = [503, 503, 503]  # the lists come late
        async with world(toy, audit_s=None) as one:
            await asyncio.sleep(0.01)
            account = toy.servers["account"]
            for name, status, at_s in (
                ("A", "canceled", 1),
                ("B", "open", -5),
                ("D", "open", 1),
                ("E", "open", 0),  # at one instant the stream has more than the list
            ):
                data = {"name": name, "status": status, "filled": "1", "at_s": START_S + at_s}
                account.due.append(json.dumps({"order": data}).encode())
            account.due.append(b'{"undated":"77"}')
            await one.session.wait_ready(60)
            events = one.pipe.drain()
            following = one.session.account.following

        (opened,) = [event for event in events if isinstance(event, OpenOrders)]
        filled = {one.order_id: int(one.filled) for one in opened.orders}
        assert filled == {"B": 0, "C": 0, "D": 1, "E": 1}
        assert set(following.orders) == {"B", "C", "D", "E"}
        (held,) = [event for event in events if isinstance(event, Balances)]
        assert [one.total for one in held.balances] == [Decimal(100)]  # the list is the newer one

    run(main())


def test_a_single_balance_is_published_and_held() -> None:
    async def main() -> None:
        async with world(Toy(), audit_s=None) as one:
            await one.session.wait_ready(10)
            one.pipe.drain()
            one.toy.servers["account"].due.append(b'{"balance":"42.5"}')
            events = await one.live(1)
            held = one.session.account.following.balances[Asset("USD")]

        assert [getattr(event, "total", None) for event in events] == [Decimal("42.5")]
        assert held.total == Decimal("42.5")

    run(main())


def test_commands_go_over_the_link_of_orders_and_wait_for_it() -> None:
    async def main() -> None:
        async with world(Toy(), audit_s=None) as one:
            await one.session.wait_ready(10)
            account = one.session.account
            number = account.command(PLACE)
            events = await one.live(1)

            assert ("orders", {"command": number}) in one.toy.sent
            assert [event.command_id for event in events if isinstance(event, Accepted)] == [number]
            assert account.is_following
            await one.session.disconnect()
            assert not account.is_following

    run(main())


def test_a_command_over_rest_is_signed_and_answered() -> None:
    async def main() -> None:
        async with world(Toy(), over_rest=True, audit_s=None) as one:
            await one.session.wait_ready(10)
            number = one.session.account.command(PLACE)
            events = await one.live(1)

        (call,) = [path for path in one.toy.calls if path.startswith("/orders")]
        assert "key=the-key" in call
        assert [event.command_id for event in events if isinstance(event, Accepted)] == [number]

    run(main())


def test_a_command_over_rest_that_fails_on_the_way_is_named_and_never_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with world(Toy(), over_rest=True, audit_s=None) as one:
            await one.session.wait_ready(10)
            one.pipe.drain()
            one.toy.failures = [503]
            one.session.account.command(PLACE)
            one.session.account.command(PLACE)
            events = await one.live(120)
            text = repr(events) + caplog.text

        assert "the-key" not in text
        calls = [path for path in one.toy.calls if path.startswith("/orders")]
        assert len(calls) == 2
        assert [event.call for event in events if isinstance(event, CallFailed)] == [
            "POST /orders?new=1"
        ]
        assert len([event for event in events if isinstance(event, Accepted)]) == 1

    run(main())


def test_a_command_over_rest_that_came_too_often_is_refused() -> None:
    async def main() -> None:
        async with world(Toy(), over_rest=True, audit_s=None) as one:
            await one.session.wait_ready(10)
            one.pipe.drain()
            one.toy.failures = [429]
            number = one.session.account.command(PLACE)
            events = await one.live(120)

        (declined,) = [event for event in events if isinstance(event, Declined)]
        assert declined.command_id == number
        assert "429" in declined.message
        assert len([path for path in one.toy.calls if path.startswith("/orders")]) == 1

    run(main())


def test_a_snapshot_that_the_venue_refuses_is_missing_by_name_and_not_asked_for_again() -> None:
    async def main() -> None:
        toy = Toy()
        toy.failures = [403] * 50
        async with world(toy, audit_s=None) as one:
            events = await one.live(300)
            missing = one.session.missing()

        refused = {str(event.subscription) for event in events if isinstance(event, Refused)}
        assert refused == {"execution", "balance"}
        assert {str(one.subscription): "its snapshot: " in one.reason for one in missing} == {
            "execution": True,
            "balance": True,
        }
        assert [path.partition("?")[0] for path in toy.calls].count("/open") == 1

    run(main())


def test_the_end_of_an_order_is_looked_for_since_it_was_placed() -> None:
    """Lists of ended orders may go by when these were placed."""

    async def main() -> None:
        toy = Toy()
        placed_ns = (START_S - 86_400) * NS
        toy.open = [structs.replace(order("A", at_s=START_S), opened_ns=placed_ns)]
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(10)
            toy.open = []
            await one.session.disconnect()
            await one.session.connect()
            await one.session.wait_ready(60)

        since_ns = [instant_ns for kind, instant_ns in toy.since_ns if kind == "closed"]
        assert since_ns[0] == placed_ns - 60 * NS

    run(main())
