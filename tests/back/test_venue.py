"""The venue in integers fills as the paper venue does, which works in decimals and on its own."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

import kraken_tape
from back.makers import BTC, Buyer, Maker
from fluxum.back.backtest import Backtest
from fluxum.back.columns import Columns
from fluxum.back.player import Player
from fluxum.back.prepare import prepare
from fluxum.back.records import RunOrder
from fluxum.bot.decision import BotCommand
from fluxum.bot.limits import BotLimits
from fluxum.bot.strategy import Strategy
from fluxum.fill.latency import ConstantLatency
from fluxum.fill.queue import WORLDS
from fluxum.model.event import LinkLost
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus
from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.paper.records import OrderRecord, WorldFill
from fluxum.paper.venue import PaperVenue

RULES = Instrument(
    venue="kraken",
    symbol=BTC,
    venue_symbol="BTC/USD",
    base=Asset("BTC"),
    quote=Asset("USD"),
    status=InstrumentStatus.ONLINE,
    tick=Decimal("0.1"),
    lot=Decimal("0.00000001"),
    price_precision=1,
    quantity_precision=8,
    quantity_min=Decimal("0.0001"),
    received_ns=0,
)
DELAY_NS = 1_500_000
Sent = list[tuple[int, BotCommand]]


def on_tape(strategy: Strategy, columns: Columns, sent: Sent) -> list[RunOrder]:
    """The orders of a back-test; the commands and their instants are added to `sent`."""
    run = Backtest(
        strategy, columns, latency=ConstantLatency(DELAY_NS),
        limits=BotLimits(commands_per_second_max=None),
    )  # fmt: skip
    send = run.venues.send

    def note(commands: Iterable[BotCommand], now_ns: int) -> None:
        commands = list(commands)
        sent.extend((now_ns, one) for one in commands)
        send(commands, now_ns)

    run.venues.send = note  # type: ignore[method-assign]
    result = run.run()
    assert not result.failed
    return run.venues.orders


def on_paper(columns: Columns, sent: Sent) -> dict[str, OrderRecord]:
    """What the paper venue makes of the same commands at the same instants."""
    paper = PaperVenue(
        "kraken", [RULES], latency=ConstantLatency(DELAY_NS),
        deposit={"USD": Decimal(10**9), "BTC": Decimal(10**6)},
    )  # fmt: skip
    player = Player(columns)
    waiting = list(sent)
    while (event := player.next()) is not None:
        while waiting and waiting[0][0] < player.now_ns:
            now_ns, command = waiting.pop(0)
            paper.command(command.command, now_ns)
        match event:
            case BookSnapshot() | BookUpdate():
                paper.book(event)
            case Trade():
                paper.trade(event)
            case LinkLost():
                paper.lost(event.received_ns)
            case _:
                pass
    return {record.client_order_id: record for record in paper.records()}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "strategy",
    [
        Maker(every=4, size=Decimal("0.3")),
        Maker(every=11, size=Decimal("2.5")),
        Buyer(quantity=Decimal(3), at=50, times=40),
    ],
    ids=["small", "large", "taker"],
)
def test_fills_in_all_worlds_are_those_of_the_paper_venue(
    strategy: Strategy, seed: int, tmp_path: Path
) -> None:
    tape = kraken_tape.write(tmp_path / "btc.jsonl", 1200, seed=seed)
    columns = prepare(tape, tmp_path / "btc.cols")
    sent: Sent = []

    orders = on_tape(strategy, columns, sent)

    papers = on_paper(columns, sent)
    filled = 0
    for order in orders:
        if order.arrived_ns is None or order.arrived_ns > columns.ends_ns:
            continue
        record = papers.get(order.name)
        ours = [
            (
                WORLDS[fill.world],
                fill.at_ns,
                order.lane.price(fill.key),
                order.lane.quantity(fill.units),
                fill.is_maker,
            )
            for fill in order.fills
        ]
        theirs: tuple[WorldFill, ...] = () if record is None else record.fills
        assert ours == [
            (fill.world, fill.at_ns, fill.price, fill.quantity, fill.is_maker) for fill in theirs
        ]
        assert record is None or order.was_alone is record.was_alone
        filled += bool(ours)
    assert filled >= 5
