"""`positions`, over a simulated exchange of contracts."""

import asyncio
import json
from decimal import Decimal

import pytest

import fluxum
from fluxum import Credentials, Symbol
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.cli.positions import write_positions
from fluxum.model.position import PositionUpdate
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

BTC, ETH = Symbol("BTC/USDT:PERP"), Symbol("ETH/USDT:PERP")
KEYS = Credentials("key", "secret")


def shown(form: Format, *orders: tuple[str, Symbol, str]) -> None:
    """Trade at the market, then write the positions."""

    async def story() -> None:
        clock = SimulatedClock()
        venue = find_venue("bybit-linear")
        async with SimulatedExchange(
            venue, [BTC, ETH], seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account("key", "secret", {"USDT": Decimal(100_000)})
            runtime = SimulatedRuntime(exchange, clock=clock, seed=3)
            async with fluxum.trade(
                "bybit-linear",
                [BTC, ETH],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader:
                for side, symbol, quantity in orders:
                    await (trader.buy if side == "buy" else trader.sell)(symbol, quantity)
                    await asyncio.sleep(2)
                with Output(form, [PositionUpdate]) as output:
                    await write_positions(trader.session, output)

    run(story())


def test_positions_are_a_table_in_the_order_of_their_markets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown(Format.TABLE, ("sell", ETH, "2"), ("buy", BTC, "0.25"), ("buy", BTC, "0.25"))

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("SYMBOL", "SIDE", "QUANTITY", "ENTRY", "MARK", "LIQ", "PRICE", "PROFIT", "MARGIN"),
    ]
    found = [row.split() for row in rows]
    assert [one[:3] for one in found] == [[BTC, "long", "0.5"], [ETH, "short", "2.0"]]
    assert {one[-1] for one in found} == {"cross"}
    assert max(map(len, [head, *rows])) <= 80


@pytest.mark.parametrize("form", [Format.JSON, Format.NDJSON, Format.CSV])
def test_the_other_formats_have_every_digit(
    form: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(form, ("sell", ETH, "2"))

    text = capsys.readouterr().out
    if form is Format.CSV:
        head, row = text.splitlines()
        found = dict(zip(head.split(","), row.split(","), strict=True))
    else:
        read = json.loads(text)
        found = read[0] if form is Format.JSON else read
    assert (found["symbol"], found["side"], found["margin_mode"]) == (ETH, "short", "cross")
    entry, mark = Decimal(found["entry_price"]), Decimal(found["mark_price"])
    assert Decimal(found["unrealised"]) == 2 * (entry - mark)


def test_without_a_position_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Format.TABLE, ("buy", BTC, "0.25"), ("sell", BTC, "0.25"))

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no open positions\n")
