"""Live runs and runs on paper have the files of a run, whose sums close; killed ones go on."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import fluxum
from bot.test_live import BTC, KEYS, Holds, Near, box, trade
from fluxum import Opening
from fluxum.bot import BotRun, Strategy, run
from fluxum.bot.journal import input_of, read_lines
from fluxum.fill.latency import ConstantLatency
from fluxum.model.account import Fill
from fluxum.report.files import read_run
from fluxum.report.numbers import run_numbers
from fluxum.report.run import RunFacts, World
from fluxum.sim.loop import run as run_in_virtual_time
from fluxum.sim.runtime import SimulatedRuntime

MONEY = {"USD": Decimal(100_000), "BTC": Decimal(1)}


def on_paper(runtime: SimulatedRuntime, fills: str = "expected") -> Opening[fluxum.PaperTrader]:
    return fluxum.paper(
        "kraken",
        ["BTC/USD"],
        deposit=MONEY,
        fills=fills,
        latency=ConstantLatency(20_000_000),
        runtime=runtime,
    )


def recorded(folder: Path, strategy: Strategy, mode: str, seconds: float = 130) -> RunFacts:
    """Run a bot live or on paper; returns the facts of its folder."""

    async def story() -> None:
        async with box() as (exchange, runtime):
            opened = trade(runtime) if mode == "live" else on_paper(runtime)
            async with (
                opened as trader,
                run(strategy, {"kraken": trader}, journal=folder, runtime=runtime, mode=mode),
            ):
                await asyncio.sleep(seconds / 2)
                exchange.hangup_all()
                await asyncio.sleep(seconds / 2)

    run_in_virtual_time(story())
    return read_run(folder)


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_a_run_has_its_orders_fills_equity_and_gaps_and_its_sums_close(
    tmp_path: Path, mode: str
) -> None:
    facts = recorded(tmp_path, Near(), mode)

    header = facts.header
    assert header.strategy == "Near"
    assert header.parameters["away"] == "1"
    assert header.markets == (("kraken", BTC.symbol),)
    assert header.world is (World.EXPECTED if mode == "paper" else None)
    assert len(header.code) == 64
    assert header.ends_ns is not None
    (held,) = header.held_begins
    assert (held.quantity, held.mark is not None) == (Decimal(1), True)
    assert held.mark is not None
    assert header.equity_begins == 100_000 + held.mark
    _, lines = read_lines(tmp_path / "decisions.jsonl")
    received = {one.fill_id for line in lines if isinstance(one := input_of(line), Fill)}
    known = [fill for order in facts.orders for fill in order.fills.of(facts.world)]
    assert len(known) >= len(received) > 5
    assert received <= {fill.fill_id for fill in known}
    assert len(facts.equity) == 4  # at the begin, at 60 and 120 s, at the end
    assert [gap.ends_ns is not None for gap in facts.gaps] == [True]
    assert any(order.was_in_gap for order in facts.orders)
    assert all(order.status.is_final for order in facts.orders)
    assert any(fill.mid_1s for fill in known)
    numbers = run_numbers(facts)
    assert numbers.findings == ()
    assert [one.closing.unexplained for one in numbers.worlds.all] == [0, 0, 0]


def test_the_equity_of_a_live_run_is_what_the_account_is_worth(tmp_path: Path) -> None:
    worth: list[Decimal] = []

    async def story() -> None:
        async with (
            box() as (_, runtime),
            trade(runtime) as trader,
            run(Holds(), {"kraken": trader}, journal=tmp_path, runtime=runtime),
        ):
            await asyncio.sleep(5)
            totals = {str(one.asset): one.total for one in await trader.balances()}
            mid = trader.book(BTC.symbol).mid
            assert mid is not None
            worth.extend([totals["USD"] + totals["BTC"] * mid, totals["BTC"]])

    run_in_virtual_time(story())
    facts = read_run(tmp_path)
    last, fills = facts.equity[-1], sum(len(one.fills.expected) for one in facts.orders)
    assert last.equity.expected is not None
    assert abs(worth[0] - last.equity.expected) <= fills * Decimal("0.0001")  # Kraken rounds costs
    assert worth[1] == last.held[0].quantity


def test_the_worlds_of_a_run_on_paper_are_those_of_its_venue(tmp_path: Path) -> None:
    bounds: dict[str, tuple[Decimal, Decimal, Decimal]] = {}

    async def story() -> None:
        async with box() as (_, runtime), on_paper(runtime) as trader:
            async with run(Near(), {"kraken": trader}, journal=tmp_path, runtime=runtime):
                await asyncio.sleep(60)
            for one in trader.paper.records():
                sums = one.bounds
                bounds[one.client_order_id] = sums.pessimistic, sums.expected, sums.optimistic

    run_in_virtual_time(story())
    facts = read_run(tmp_path)
    found = {
        order.name: tuple(
            sum((fill.quantity for fill in fills), Decimal(0)) for fills in order.fills.all
        )
        for order in facts.orders
        if order.arrived_ns is not None
    }
    assert found == bounds
    assert len({sums for sums in bounds.values() if len(set(sums)) > 1}) > 0
    assert facts.header.fees[0].taker == Decimal("0.004")


@asynccontextmanager
async def resumed(
    folder: Path, runtime: SimulatedRuntime, strategy: Strategy
) -> AsyncGenerator[BotRun]:
    """A bot with an account whose orders have a journal, as of a process of its own."""
    journal = folder.parent / "desk.jsonl"
    async with fluxum.trade(
        "kraken", ["BTC/USD"], keys=KEYS, journal=journal, runtime=runtime
    ) as trader:
        opened = run(
            strategy, {"kraken": trader}, journal=folder, runtime=runtime, leaves_orders=True
        )
        async with opened as made:
            yield made


def test_a_killed_run_goes_on_and_what_was_filled_meanwhile_counts(tmp_path: Path) -> None:
    killed, last = tmp_path / "killed", tmp_path / "run"

    async def story() -> None:
        async with box() as (_, runtime):
            async with resumed(last, runtime, Near()):
                await asyncio.sleep(30)
                shutil.copytree(last, killed)  # what a kill leaves
            await asyncio.sleep(60)
            async with resumed(last, runtime, Near()):
                await asyncio.sleep(30)

    run_in_virtual_time(story())
    before, facts = read_run(killed), read_run(last)
    assert before.header.ends_ns is None
    assert 0 < len(before.orders) < len(facts.orders)
    assert [one.reason for one in facts.gaps] == ["the bot did not run"]
    gap = facts.gaps[0]
    assert gap.ends_ns is not None
    assert 59 < (gap.ends_ns - gap.begins_ns) / 1e9 < 70
    numbers = run_numbers(facts)
    assert [one.closing.unexplained for one in numbers.worlds.all] == [0, 0, 0]
    assert numbers.findings == ()


def test_a_step_that_is_in_the_journal_alone_is_added(tmp_path: Path) -> None:
    facts = recorded(tmp_path, Near(), "paper", seconds=40)
    path = tmp_path / "orders.jsonl"
    filled = [one for one in facts.orders if one.fills.expected]
    lines = [
        line
        for line in path.read_bytes().splitlines(keepends=True)
        if msgspec.json.decode(line)["name"] != filled[-1].name
    ]
    path.write_bytes(b"".join(lines))
    held = msgspec.json.decode((tmp_path / "run.json").read_bytes())
    held["lines"]["orders.jsonl"] = len(lines)
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(held))

    async def story() -> None:
        async with box() as (_, runtime), on_paper(runtime) as trader:
            await asyncio.sleep(300)
            opened = run(
                Near(), {"kraken": trader}, journal=tmp_path, runtime=runtime, mode="paper"
            )
            async with opened:
                await asyncio.sleep(1)

    run_in_virtual_time(story())
    again = {one.name: one for one in read_run(tmp_path).orders}[filled[-1].name]
    assert again.quantity == filled[-1].quantity
    assert [one.fill_id for one in again.fills.expected] == [
        one.fill_id for one in filled[-1].fills.expected
    ]
    assert again.decided_ns == filled[-1].decided_ns


def test_an_account_that_follows_another_world_does_not_continue_a_run(tmp_path: Path) -> None:
    recorded(tmp_path, Near(), "paper", seconds=10)

    async def story() -> None:
        async with box() as (_, runtime), on_paper(runtime, "optimistic") as trader:
            opened = run(
                Near(), {"kraken": trader}, journal=tmp_path, runtime=runtime, mode="paper"
            )
            async with opened:
                pass

    with pytest.raises(fluxum.BadInput, match="so far are expected: choose these"):
        run_in_virtual_time(story())
