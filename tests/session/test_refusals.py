"""What the venue has answered before and refuses now is requested again; see `VenueRefused`."""

import asyncio
import json
from decimal import Decimal

import pytest
from toy import Toy, entry, fill
from toy_world import START_S, World, world

from fluxum.errors import VenueRefused
from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import Refused
from fluxum.model.order import OpenOrders
from fluxum.sim.loop import run


def toy_with_entries() -> Toy:
    toy = Toy()
    toy.entries = []
    return toy


async def relinked(one: World) -> None:
    """The links are lost, and what was published until then is read."""
    one.pipe.drain()
    one.exchange.hangup_all()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["open", "balances"])
def test_a_snapshot(kind: str) -> None:
    async def main() -> None:
        toy = Toy()
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(9)
            toy.forbidden = f"/{kind}"
            await relinked(one)
            events = await one.live(60)
            assert not one.session.account.is_following
            (missing,) = one.session.missing()
            assert "no snapshot" in missing.reason
            assert not [event for event in events if isinstance(event, Refused)]

            toy.forbidden = "/nothing"
            events = await one.live(60)
            assert one.session.account.is_following
            wanted = {"open": OpenOrders, "balances": Balances}[kind]
            assert len([event for event in events if isinstance(event, wanted)]) == 1

    run(main())


def test_the_history_after_an_outage() -> None:
    async def main() -> None:
        toy = Toy()
        async with world(toy, audit_s=None, since_ns=(START_S - 100) * 1_000_000_000) as one:
            await one.session.wait_ready(9)
            toy.fills, toy.forbidden = [fill("T", START_S + 9)], "/fills"
            await relinked(one)
            events = await one.live(60)
            assert not [event for event in events if isinstance(event, Fill | Refused)]
            assert not one.session.account.is_following

            toy.forbidden = "/nothing"
            events = await one.live(60)
            assert [event.fill_id for event in events if isinstance(event, Fill)] == ["T"]
            assert one.session.account.is_following

    run(main())


def test_the_audit() -> None:
    async def main() -> None:
        toy = Toy()
        async with world(toy) as one:
            await one.session.wait_ready(9)
            await one.live(30)
            toy.forbidden, toy.usd = "/balances", "42"
            await one.live(60)
            assert one.session.account.following.counts.missed == 0

            toy.forbidden = "/nothing"
            events = await one.live(60)
            (held,) = [event for event in events if isinstance(event, Balances)]
            assert [each.total for each in held.balances] == [Decimal(42)]

    run(main())


def test_entries_after_a_balance() -> None:
    async def main() -> None:
        toy = toy_with_entries()
        async with world(toy, audit_s=None) as one:
            await one.session.wait_ready(9)
            told: list[str] = []
            for name, refused in (("K", []), ("L", [403] * 3)):
                toy.entries = [*(toy.entries or []), entry(name, START_S + 1)]
                toy.failures = refused
                toy.servers["account"].due.append(json.dumps({"balance": "42"}).encode())
                events = await one.live(120)
                told += [event.entry_id for event in events if isinstance(event, LedgerEntry)]

        assert told == ["K", "L"]

    run(main())


def test_what_was_never_answered_is_refused_for_good() -> None:
    async def main() -> None:
        toy = Toy()
        toy.forbidden = "/open"
        async with world(toy, audit_s=None) as one:
            with pytest.raises(VenueRefused, match="its snapshot"):
                await one.session.wait_ready(60)
            await one.live(600)
            assert len([path for path in toy.calls if path.startswith("/open")]) == 1

    run(main())
