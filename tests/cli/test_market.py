"""`stream` of several exchanges: every channel, as lines and as records, in virtual time."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from fluxum.cli.columns import CHANNEL_KINDS, kind_of_type
from fluxum.cli.market import until, write_events
from fluxum.cli.options import Format, parse_markets
from fluxum.cli.output import live_output
from fluxum.cli.sessions import Selection, open_sessions
from fluxum.model.event import Channel
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

SAME = ("BTC/USD", "kraken,gemini")  # as --symbol and --exchange
# Where an exchange does not offer a channel, or has other symbols.
ASKED = {
    Channel.CANDLE: ("BTC/USD", "kraken,gemini-v2"),
    Channel.LEVEL3: ("kraken:BTC/USD", ""),
    Channel.BALANCE: ("", "kraken,bybit"),
    Channel.EXECUTION: ("", "kraken,bybit"),
}


def streamed(symbols: str, exchanges: str, channel: Channel, form: Format) -> None:
    """Write a channel of some exchanges for a minute."""

    async def story() -> None:
        markets, clock = parse_markets(symbols, exchanges), SimulatedClock()
        async with AsyncExitStack() as stack:
            running: list[SimulatedExchange] = []
            for name, chosen in markets.items():
                venue = find_venue(name)
                one = SimulatedExchange(
                    venue,
                    chosen or venue.sample_symbols[:1],
                    seed=1,
                    clock=clock,
                    rate_per_s=5,
                    resolution_ns=1_000_000,
                )
                running.append(await stack.enter_async_context(one))
                if channel in venue.needs_token:
                    one.open_account("key", "c2VjcmV0", {"USD": Decimal(1000)})
            selection = Selection(markets=markets, channels=[channel], keys="env:TESTED")
            runtime = SimulatedRuntime(*running, clock=clock)
            with live_output(form) as output:
                async with open_sessions(selection, output.message, runtime) as sessions:
                    await until(60, write_events(sessions, None, output))
                    sessions.raise_failures()
                await asyncio.sleep(1)

    run(story())


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTED_KEY", "key")
    monkeypatch.setenv("TESTED_SECRET", "c2VjcmV0")


@pytest.mark.parametrize("channel", Channel)
def test_records_of_every_channel_have_their_exchange_and_symbol(
    channel: Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    symbols, exchanges = ASKED.get(channel, SAME)

    streamed(symbols, exchanges, channel, Format.NDJSON)

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    kinds = {kind_of_type(kind) for kind in CHANNEL_KINDS[channel]}
    counts = Counter(one["venue"] for one in lines if one["type"] in kinds)
    assert counts.keys() == parse_markets(symbols, exchanges).keys()
    if channel.has_symbol:
        assert {one["symbol"] for one in lines if one["type"] in kinds} == {"BTC/USD"}


@pytest.mark.parametrize("channel", Channel)
def test_lines_of_every_channel_name_their_exchange(
    channel: Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    symbols, exchanges = ASKED.get(channel, SAME)

    streamed(symbols, exchanges, channel, Format.TABLE)

    lines = capfd.readouterr().out.splitlines()
    named = parse_markets(symbols, exchanges)
    assert {name for name in named if any(f" {name} " in f" {line} " for line in lines)} == set(
        named
    )


def test_each_exchange_can_have_symbols_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    symbols = "kraken:BTC/USD,okx:BTC/USDT,okx:ETH/USDT"

    streamed(symbols, "", Channel.TICKER, Format.NDJSON)

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    found = {(one["venue"], one["symbol"]) for one in lines if one["type"] == "ticker"}
    assert found == {("kraken", "BTC/USD"), ("okx", "BTC/USDT"), ("okx", "ETH/USDT")}
