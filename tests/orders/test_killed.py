"""A process that dies at any moment: its journal is opened by the next, and nothing is lost.

What is killed leaves what is on disk at that instant and the commands that are on their way; the
venue goes on. The next process has a new link, the journal, and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from fluxum.errors import FluxumError
from fluxum.model.order import Amend, Command, Edit, OrderStatus
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import FileOrderJournal
from fluxum.orders.journal_lines import Changing, Intent, JournalLine
from fluxum.sim.loop import run
from orders.gateways import BTC, VENUE, FakeGateway, Fate, request

Story = Callable[[OrderDesk], Awaitable[object]]


pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process is gone."""


class Disk:
    """The journal's bytes as they were when the process died."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "intents.jsonl"
        self.left = folder / "left.jsonl"

    def die(self) -> None:
        if not self.left.exists():
            self.left.write_bytes(self.path.read_bytes() if self.path.exists() else b"")


async def place_one(desk: OrderDesk) -> object:
    return await desk.place(request(), timeout_s=1)


async def place_batch(desk: OrderDesk) -> object:
    return await desk.place_batch([request(), request(), request()], timeout_s=1)


async def place_and_edit(desk: OrderDesk) -> object:
    order = await desk.place(request(), timeout_s=1)
    if order.status is not OrderStatus.OPEN:
        return order
    edit = Edit(order_id=order.order_id, symbol=BTC, limit_price=Decimal(90))
    return await desk.edit(edit, timeout_s=1)


async def place_and_amend_and_cancel(desk: OrderDesk) -> object:
    order = await desk.place(request(), timeout_s=1)
    if order.status is not OrderStatus.OPEN:
        return order
    amend = Amend(order_id=order.order_id, limit_price=Decimal(101))
    await desk.amend(amend, timeout_s=1)
    return await desk.cancel(order.client_order_id, timeout_s=1)


STORIES = [place_one, place_batch, place_and_edit, place_and_amend_and_cancel]
FATES: list[Sequence[Fate]] = [
    [],
    [Fate.LOST],
    [Fate.MUTE],
    [Fate.CUT],
    [Fate.CUT_AFTER],
    [Fate.ARRIVES, Fate.LOST],
    [Fate.ARRIVES, Fate.MUTE],
    [Fate.ARRIVES, Fate.CUT_AFTER],
]


# Turns of the loop at the first instant, and then times on both sides of everything that happens.
MOMENTS = [
    *((turns, 0.0) for turns in (0, 1, 2, 4)),
    *((0, 0.01 * step) for step in (1, 4.9, 5.1, 7.6, 10.1, 15.1, 21, 26, 50, 120, 150, 230)),
]


async def first_life(
    gateway: FakeGateway, disk: Disk, story: Story, after: Callable[[], Awaitable[None]]
) -> None:
    """Live until `after` is over, then die; what is left behind is cleared away unheard."""

    async def live() -> None:
        with FileOrderJournal(disk.path, VENUE) as journal:
            async with OrderDesk(gateway, journal, random=Random(1)) as desk:
                await desk.wait_reconciled(10)
                began.set()
                with suppress(FluxumError):
                    await story(desk)
                await asyncio.sleep(1000)

    began = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        process = group.create_task(live())
        await began.wait()
        await after()
        disk.die()
        process.cancel()


async def second_life(gateway: FakeGateway, disk: Disk) -> None:
    """Open what was left, and compare with the venue in the end."""
    sent = len(gateway.sent)
    if not gateway.is_following and gateway.back_after_s is None:
        gateway.restore()
    with FileOrderJournal(disk.left, VENUE) as journal:
        kept = [one.intent.request.client_order_id for one in journal.unfinished.values()]
        async with OrderDesk(gateway, journal, random=Random(2)) as desk:
            await desk.wait_reconciled(200)

            assert len(gateway.sent) == sent, "nothing is sent again, or at all"
            assert all(count == 1 for count in gateway.arrived.values())
            views = [desk.order(name) for name in kept]
            for view in views:
                assert view is not None
                assert view.status is not OrderStatus.UNKNOWN
                if view.client_order_id not in gateway.arrived:
                    assert view.status is OrderStatus.REFUSED
            known = {view.order_id: view for view in desk.open_orders()}
            assert known.keys() == gateway.open.keys()
            for order_id, order in gateway.open.items():
                assert known[order_id].limit_price == order.limit_price
                assert known[order_id].is_ours
            names = {view.client_order_id for view in known.values()}
            unfinished = {one.intent.request.client_order_id for one in journal.unfinished.values()}
            assert unfinished == names
            assert desk.statistics().sums_close, desk.statistics().differences


@pytest.mark.parametrize("fates", FATES, ids=lambda fates: "-".join(one.value for one in fates))
@pytest.mark.parametrize("story", STORIES)
def test_killed_at_any_moment_no_order_is_sent_twice_and_none_is_lost(
    tmp_path: Path, story: Story, fates: Sequence[Fate]
) -> None:
    for number, (turns, wait_s) in enumerate(MOMENTS):
        folder = tmp_path / str(number)
        folder.mkdir()

        async def after(turns: int = turns, wait_s: float = wait_s) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            if wait_s:
                await asyncio.sleep(wait_s)

        async def main(folder: Path = folder, after: Callable[[], Awaitable[None]] = after) -> None:
            gateway, disk = FakeGateway(), Disk(folder)
            gateway.fates = list(fates)
            await first_life(gateway, disk, story, after)
            await second_life(gateway, disk)

        run(main())


class Trap:
    """Kills the process at the `fatal`-th passing of a point, and keeps what was on disk then."""

    def __init__(self, disk: Disk, point: str, fatal: int) -> None:
        self._disk = disk
        self._point = point
        self._left = fatal

    def passes(self, point: str) -> None:
        if point == self._point:
            if self._left == 0:
                self._disk.die()
                raise Killed
            self._left -= 1


class TrappedIntents(FileOrderJournal):
    def __init__(self, path: Path, trap: Trap) -> None:
        super().__init__(path, VENUE)
        self._trap = trap

    def write(self, lines: Sequence[JournalLine]) -> None:
        is_synced = isinstance(lines[0], Intent | Changing)
        if is_synced:
            self._trap.passes("before the line")
        super().write(lines)
        if is_synced:
            self._trap.passes("after the line")


@pytest.mark.parametrize("fatal", [0, 1], ids=["first command", "second command"])
@pytest.mark.parametrize("point", ["before the line", "after the line", "after sending"])
@pytest.mark.parametrize("story", [place_one, place_batch, place_and_edit])
def test_killed_between_intent_and_sending_nothing_is_lost(
    tmp_path: Path, story: Story, point: str, fatal: int
) -> None:
    async def main() -> None:
        gateway, disk = FakeGateway(), Disk(tmp_path)
        trap = Trap(disk, point, fatal)
        send = gateway.send

        def command(wanted: Command) -> int:
            number = send(wanted)
            trap.passes("after sending")
            return number

        async def live() -> None:
            gateway.send = command
            with TrappedIntents(disk.path, trap) as journal:
                async with OrderDesk(gateway, journal, random=Random(1)) as desk:
                    await desk.wait_reconciled(10)
                    await story(desk)
                    disk.die()
                    raise Killed

        with pytest.raises(Killed):
            await live()
        gateway.send = send
        await second_life(gateway, disk)

    run(main())


def test_a_line_torn_anywhere_was_never_sent(tmp_path: Path) -> None:
    path = tmp_path / "intents.jsonl"
    with FileOrderJournal(path, VENUE) as journal:
        journal.write([Intent(request=request(client_order_id="whole"), deadline_ns=1, at_ns=0)])
        whole = path.read_bytes()
        journal.write([Intent(request=request(client_order_id="torn"), deadline_ns=1, at_ns=0)])
        both = path.read_bytes()

    for length in range(len(whole), len(both)):
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(both[:length])
        with FileOrderJournal(torn, VENUE) as journal:
            kept = [one.intent.request.client_order_id for one in journal.unfinished.values()]
            is_whole = length == len(both) - 1  # all of it but its end: it is looked up
            assert kept == (["whole", "torn"] if is_whole else ["whole"])
            assert journal.torn == (length > len(whole) and not is_whole)
