"""How many files of ours a frame, an order and a reconnect run through, the simulator aside.

A newcomer who follows one of these reads that many files, so each has a budget, which only ever
falls. What else runs meanwhile, such as the marking of positions, counts as well. Run with `-s` to
see the files.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from types import FrameType

import fluxum
from fluxum import Credentials, Symbol, Trader
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

SOURCE = str(Path(fluxum.__file__).parent)
SIMULATED = {"sim", "server"}
LOOP = "/sim/loop.py"
BTC = Symbol("BTC/USD")


@contextmanager
def files() -> Generator[set[str]]:
    """The files of ours that run inside the block, those of the simulated exchange left out."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if (
            event == "call"
            and name.startswith(SOURCE)
            and not (is_simulated(frame) or name.endswith(LOOP))
        ):
            seen.add(name[len(SOURCE) + 1 :])

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def is_simulated(frame: FrameType | None) -> bool:
    """Whether the simulated exchange runs, or calls what runs."""
    while frame is not None:
        name = frame.f_code.co_filename.removeprefix(SOURCE)
        is_ours = name != frame.f_code.co_filename and name != LOOP
        if is_ours and SIMULATED & set(Path(name).parts):
            return True
        frame = frame.f_back
    return False


def shown(walk: str, seen: set[str]) -> int:
    """Print a walk for people, and count it."""
    sys.stdout.write(f"\n{walk}: {len(seen)} files\n  " + "\n  ".join(sorted(seen)) + "\n")
    return len(seen)


@asynccontextmanager
async def trading() -> AsyncGenerator[tuple[SimulatedExchange, Trader]]:
    """A trader at a simulated exchange whose market moves only when it is told to."""
    clock = SimulatedClock()
    async with SimulatedExchange(
        find_venue("kraken"), [BTC], seed=7, clock=clock, rate_per_s=0
    ) as exchange:
        exchange.open_account(
            "key", "c2VjcmV0", {"USD": Decimal(10**6), "BTC": Decimal(10)}, tier="pro"
        )
        runtime = SimulatedRuntime(exchange, clock=clock, seed=3)
        async with fluxum.trade(
            "kraken",
            ["BTC/USD"],
            keys=Credentials("key", "c2VjcmV0"),
            journal=fluxum.MemoryOrderJournal(),
            runtime=runtime,
        ) as trader:
            yield exchange, trader


def move(exchange: SimulatedExchange, side: fluxum.Side, price: Decimal, quantity: str) -> None:
    exchange.change(
        BTC, lambda market, now_ns: market.limit(side, price, Decimal(quantity), now_ns)
    )


def test_a_frame_of_a_book_reaches_its_reader() -> None:
    async def story() -> set[str]:
        async with trading() as (exchange, trader):
            book = trader.book("BTC/USD")
            assert book.bid is not None
            with trader.session.events() as events:
                bid = book.bid.price
                with files() as seen:
                    move(exchange, fluxum.Side.BUY, bid, "0.5")
                    while not isinstance(await anext(events), fluxum.BookUpdate):
                        pass
            return seen

    assert shown("frame -> reader", run(story())) <= 12


def test_an_order_reaches_the_wire_and_its_fill_the_position() -> None:
    async def story() -> tuple[set[str], set[str]]:
        async with trading() as (exchange, trader):
            book = trader.book("BTC/USD")
            assert book.bid is not None
            bid = book.bid.price
            with trader.session.raw() as raw:
                with files() as placing:
                    task = asyncio.ensure_future(trader.buy("BTC/USD", "0.02", limit=bid))
                    while not (await anext(raw)).sent:
                        pass
                with files() as filling:
                    await task
                    move(exchange, fluxum.Side.SELL, bid, "50")
                    await asyncio.sleep(1)
                    assert trader.position("BTC/USD") is not None
            return placing, placing | filling

    placing, whole = run(story())

    assert shown("place -> bytes", placing) <= 37
    assert shown("place -> ack -> fill -> position", whole) <= 71


def test_a_reconnect_with_an_account() -> None:
    async def story() -> set[str]:
        async with trading() as (exchange, trader):
            with files() as seen:
                exchange.hangup_all()
                await asyncio.sleep(1)
                await trader.session.wait_ready(60)
            return seen

    assert shown("reconnect with an account", run(story())) <= 68
