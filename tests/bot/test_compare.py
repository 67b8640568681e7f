"""A run beside its tape: live and on paper, no decision differs; a planted difference is found."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from bot.test_live import BTC, KEYS, Near, box
from fluxum import Channel, MemoryOrderJournal, Session, Subscription, Trader, connect
from fluxum.bot import run
from fluxum.bot.compare import Comparison, compare
from fluxum.bot.journal import read_lines
from fluxum.fill.latency import ConstantLatency
from fluxum.model.instrument import Instrument
from fluxum.paper_trader import PaperTerms, paper_trader_of
from fluxum.replay import Replay
from fluxum.session.account_config import AccountConfig
from fluxum.sim.loop import run as run_in_virtual_time
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tape.recording import TapeRecorder
from fluxum.tape.writer import TapeWriter
from fluxum.trader import ACCOUNT_CHANNELS, trader_of

CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.INSTRUMENT)


@asynccontextmanager
async def live(session: Session, runtime: SimulatedRuntime) -> AsyncGenerator[Trader]:
    session.subscribe(*map(Subscription, ACCOUNT_CHANNELS))
    await session.wait_ready(60)
    async with trader_of(session, MemoryOrderJournal(), runtime) as trader:
        yield trader


@asynccontextmanager
async def on_paper(session: Session, runtime: SimulatedRuntime) -> AsyncGenerator[Trader]:
    terms = PaperTerms(
        deposit={"USD": Decimal(100_000), "BTC": Decimal(1)}, latency=ConstantLatency(20_000_000)
    )
    async with paper_trader_of(session, [BTC.symbol], runtime, terms) as trader:
        yield trader


class Odd(Near, kw_only=True):
    """Quotes at no whole tick, so that the rules of its market count."""

    away: Decimal = Decimal("1.0000123")


def recorded(folder: Path, mode: str, seconds: float = 90, strategy: Near | None = None) -> Path:
    """Runs a bot with a journal and a tape; returns the tape."""
    bot = Near() if strategy is None else strategy
    tape = folder / "tape.jsonl.gz"

    async def story() -> None:
        async with box() as (exchange, runtime):
            with TapeWriter(tape, "kraken", runtime.clock) as writer:
                keys = AccountConfig(KEYS, tier="pro") if mode == "live" else None
                async with connect(
                    "kraken",
                    ["BTC/USD"],
                    CHANNELS,
                    runtime=runtime,
                    account_config=keys,
                    recorder=TapeRecorder(writer),
                ) as session:
                    await session.wait_ready(60)
                    opening = live if mode == "live" else on_paper
                    async with (
                        opening(session, runtime) as trader,
                        run(bot, {"kraken": trader}, journal=folder, runtime=runtime) as made,
                    ):
                        await asyncio.sleep(seconds / 3)
                        exchange.hangup_all()
                        await asyncio.sleep(seconds * 2 / 3)
                        assert made.engine.decisions > 50
                        assert made.engine.earnings.state()

    run_in_virtual_time(story())
    return tape


def compared(folder: Path, tape: Path, strategy: Near | None = None) -> Comparison:
    head, lines = read_lines(folder / "decisions.jsonl")
    events = (event for moment in Replay(tape) for event in moment.events)
    return compare(head, lines, Near() if strategy is None else strategy, events)


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_a_run_decides_the_same_again_from_its_tape(tmp_path: Path, mode: str) -> None:
    tape = recorded(tmp_path, mode)

    found = compared(tmp_path, tape)

    assert (found.differing, found.unreached) == (0, 0), found.differences[:2]
    assert found.decisions > 50
    assert found.hash_written == found.hash_again


def test_another_parameter_is_a_difference_that_is_shown(tmp_path: Path) -> None:
    tape = recorded(tmp_path, "paper", seconds=30)

    found = compared(tmp_path, tape, Near(away=Decimal(2)))

    assert not found.is_same
    assert found.differences[0].written != found.differences[0].again
    assert '"type":"quote"' in found.differences[0].again


def test_the_rules_of_markets_are_known_where_the_tape_has_none(tmp_path: Path) -> None:
    tape = recorded(tmp_path, "paper", seconds=30, strategy=Odd())
    head, lines = read_lines(tmp_path / "decisions.jsonl")
    events = [event for moment in Replay(tape) for event in moment.events]
    without = [event for event in events if not isinstance(event, Instrument)]

    assert compare(head, lines, Odd(), without).is_same
    bare = structs.replace(head, instruments=())
    assert compare(bare, lines, Odd(), without).differing > 0
