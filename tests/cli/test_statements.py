"""Balances in one asset, fills and profit of a period, of an account in virtual time."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

import fluxum
from fluxum import Credentials, Symbol
from fluxum.cli.account import write_valued
from fluxum.cli.columns import columns
from fluxum.cli.ledger import Period
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.cli.records import ValuedRecord
from fluxum.cli.statements import write_fills, write_pnl
from fluxum.model.instrument import Asset
from fluxum.session.session import Session
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

D = Decimal
BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
MARKETS = [BTC, ETH, Symbol("ETH/BTC"), Symbol("USDT/USD"), Symbol("SOL/USDT")]
KEYS = Credentials("key", "c2VjcmV0")
Write = Callable[[Session, Output], Awaitable[None]]


class World:
    """A simulated exchange that stands still, with an account."""

    def __init__(
        self, exchange: SimulatedExchange, account: SimulatedAccount, clock: SimulatedClock
    ) -> None:
        self.exchange = exchange
        self.account = account
        self.runtime = SimulatedRuntime(exchange, clock=clock, seed=3)

    async def trade(self, *quantities: str) -> int:
        """Buy (or sell, where negative) at the market; returns the instant after it."""
        async with fluxum.trade(
            "kraken", [BTC], keys=KEYS, journal=fluxum.MemoryOrderJournal(), runtime=self.runtime
        ) as trader:
            for quantity in quantities:
                place = trader.sell if quantity.startswith("-") else trader.buy
                await place(BTC, quantity.lstrip("-"))
                await asyncio.sleep(5)
        return self.runtime.clock.now_ns()

    async def write(self, write: Write, form: Format = Format.NDJSON) -> None:
        config = fluxum.AccountConfig(KEYS, tier="pro")
        async with fluxum.connect("kraken", runtime=self.runtime, account_config=config) as session:
            with Output(form) as output:
                await write(session, output)
        assert session.subscriptions == ()

    def mid(self, symbol: str) -> Decimal:
        top = self.exchange.top(Symbol(symbol))
        return (top.bids[0][0] + top.asks[0][0]) / 2


@asynccontextmanager
async def world(**money: str) -> AsyncGenerator[World]:
    clock = SimulatedClock()
    async with SimulatedExchange(
        find_venue("kraken"), MARKETS, seed=7, clock=clock, rate_per_s=0
    ) as exchange:
        held = {asset: D(amount) for asset, amount in money.items()}
        account = exchange.open_account("key", "c2VjcmV0", held, tier="pro")
        yield World(exchange, account, clock)


def records(capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], str]:
    said = capsys.readouterr()
    return [json.loads(line) for line in said.out.splitlines()], said.err


def test_balances_are_valued_over_the_venues_own_markets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> dict[str, Decimal]:
        async with world(BTC="2", SOL="10", USD="5", LONE="3") as now:
            await now.write(lambda session, output: write_valued(session, Asset("USD"), output))
            return {str(one): now.mid(one) for one in MARKETS}

    mids = run(story())

    found, said = records(capsys)
    by_asset = {one["asset"]: one for one in found}
    assert by_asset["BTC"]["path"] == ["BTC/USD"]
    assert D(by_asset["BTC"]["value"]) == 2 * mids["BTC/USD"]
    assert by_asset["SOL"]["path"] == ["SOL/USDT", "USDT/USD"]
    assert D(by_asset["SOL"]["value"]) == 10 * mids["SOL/USDT"] * mids["USDT/USD"]
    assert (by_asset["USD"]["path"], D(by_asset["USD"]["value"])) == ([], D(5))
    assert (by_asset["LONE"]["value"], by_asset["LONE"]["path"]) == (None, [])
    values = [one["value"] for one in found]
    assert values[-1] is None
    assert [D(one) for one in values[:-1]] == sorted(map(D, values[:-1]), reverse=True)
    total = sum(map(D, values[:-1]))
    assert f"total {total:f}".rstrip("0") in said
    assert "in 3 of 4 balances" in said
    assert "not valued: 3.00 LONE: no market leads from LONE to USD" in said


def test_a_market_without_a_price_is_gone_around_or_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> tuple[Decimal, Decimal]:
        async with world(ETH="4", SOL="1") as now:

            async def write(session: Session, output: Output) -> None:
                fetch = session.fetch_ticker

                async def without(symbol: str) -> fluxum.Ticker:
                    if symbol == "USDT/USD":
                        raise fluxum.VenueRefused("Unknown asset pair")
                    if symbol == "ETH/USD":
                        return fluxum.Ticker(venue="kraken", symbol=Symbol(symbol), received_ns=0)
                    return await fetch(symbol)

                session.fetch_ticker = without  # type: ignore[method-assign]
                await write_valued(session, Asset("USD"), output)

            await now.write(write)
            return now.mid("ETH/BTC"), now.mid("BTC/USD")

    eth, btc = run(story())

    found, said = records(capsys)
    by_asset = {one["asset"]: one for one in found}
    assert by_asset["ETH"]["path"] == ["ETH/BTC", "BTC/USD"]
    assert D(by_asset["ETH"]["value"]) == 4 * eth * btc
    assert by_asset["SOL"]["value"] is None
    assert "not valued: 1.00 SOL: USDT/USD has no price" in said


def test_an_asset_of_no_market_is_bad_input() -> None:
    async def story() -> None:
        async with world(BTC="2") as now:
            await now.write(lambda session, output: write_valued(session, Asset("usd"), output))

    with pytest.raises(fluxum.BadInput, match=r"was 'usd'; did you mean 'USD'\?"):
        run(story())


def test_values_fit_a_table_of_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    async def story() -> None:
        async with world(BTC="2", SOL="10", USD="5", LONE="3") as now:
            await now.write(
                lambda session, output: write_valued(session, Asset("USD"), output), Format.TABLE
            )

    run(story())

    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["ASSET", "TOTAL", "HELD", "USD", "PATH"]
    assert [row.split()[0] for row in rows] == ["BTC", "SOL", "USD", "LONE"]
    assert max(map(len, [header, *rows])) <= 80
    assert {"value", "path", "why"} <= set(columns(ValuedRecord))


def test_fills_of_a_period_come_oldest_first_with_their_fees(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> list[list[str]]:
        async with world(USD="100000") as now:
            await now.trade("0.02")
            since_ns = now.runtime.clock.now_ns()
            await now.trade("0.01", "-0.015")
            until_ns = now.runtime.clock.now_ns()
            await now.trade("0.03")
            account = now.account
            periods = [
                (Period(symbols=(), since_ns=0, until_ns=None), None),
                (Period(symbols=(), since_ns=since_ns, until_ns=until_ns), None),
                (Period(symbols=(BTC,), since_ns=0, until_ns=until_ns), 1),
                (Period(symbols=(ETH,), since_ns=0, until_ns=None), None),
            ]
            for period, limit in periods:
                await now.write(
                    lambda session, output, period=period, limit=limit: write_fills(  # type: ignore[misc]
                        session.account, period, limit, output
                    )
                )
            made = [one.fill_id for one in account.fills]
            within = [one.fill_id for one in account.fills if since_ns < one.venue_ns <= until_ns]
            early = [one.fill_id for one in account.fills if one.venue_ns <= until_ns]
            return [made, within, early[-1:]]

    expected = run(story())

    found, said = records(capsys)
    assert [one["fill_id"] for one in found] == [one for ids in expected for one in ids]
    assert all(fee["asset"] == "USD" for one in found for fee in one["fees"])
    assert said.splitlines() == ["no fills"]


def test_the_profit_of_a_period_counts_what_was_held_before_at_its_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> tuple[Decimal, Decimal, Decimal]:
        async with world(USD="100000") as now:
            since_ns = await now.trade("0.02")
            bought = list(now.account.fills)
            await now.trade("-0.005")
            sold = [one for one in now.account.fills if one not in bought]
            period = Period(symbols=(), since_ns=since_ns, until_ns=None)
            await now.write(lambda session, output: write_pnl(session, period, output))
            cost = sum((one.price * one.quantity for one in bought), D(0)) / D("0.02")
            realised = sum(((one.price - cost) * one.quantity for one in sold), D(0))
            bid = now.exchange.top(BTC).bids[0][0]
            fees = sum((fee.amount for one in sold for fee in one.fees or ()), D(0))
            return realised, (bid - cost) * D("0.015"), fees

    realised, unrealised, fees = run(story())

    (found,), said = records(capsys)
    profit = found["profits"][0]
    assert found["symbol"] == "BTC/USD"
    assert D(found["quantity"]) == D("0.015")
    assert D(profit["realised"]) == realised
    assert D(profit["unrealised"]) == unrealised
    assert D(profit["total"]) == realised + unrealised - fees
    assert "total in USD: " in said
    assert "after fees of" in said


def test_a_period_that_is_over_is_marked_by_its_last_candle(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> Decimal:
        async with world(USD="100000") as now:
            until_ns = await now.trade("0.02")
            await asyncio.sleep(120)
            await now.trade("-0.01")
            period = Period(symbols=(), since_ns=0, until_ns=until_ns)
            await now.write(lambda session, output: write_pnl(session, period, output))
            before = [one for one in now.exchange.candles(BTC, 60, 1000) if one.start_ns < until_ns]
            return before[-1].close

    close = run(story())

    (found,), _ = records(capsys)
    assert D(found["quantity"]) == D("0.02")
    assert D(found["mark"]) == close


def test_coins_of_unknown_cost_and_positions_without_a_mark_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story() -> None:
        async with world(USD="100000", BTC="1") as now:
            await now.trade("-0.01")

            async def write(session: Session, output: Output) -> None:
                async def refuse(symbol: str) -> fluxum.Ticker:
                    raise fluxum.VenueRefused(f"no ticker of {symbol}")

                session.fetch_ticker = refuse  # type: ignore[method-assign]
                period = Period(symbols=(), since_ns=0, until_ns=None)
                await write_pnl(session, period, output)

            await now.write(write, Format.TABLE)

    run(story())

    said = capsys.readouterr()
    header, row = said.out.splitlines()
    assert header.split()[:2] == ["SYMBOL", "BOUGHT"]
    assert row.split()[0] == "BTC/USD"
    assert max(len(header), len(row)) <= 80
    assert "BTC/USD is not marked: no ticker of BTC/USD" in said.err
    assert "BTC/USD: cost basis unknown for 1 BTC" in said.err
    assert "total in USD: unknown" in said.err


def test_a_period_without_a_fill_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async def story() -> None:
        async with world(USD="5") as now:
            period = Period(symbols=(), since_ns=0, until_ns=None)
            await now.write(lambda session, output: write_pnl(session, period, output))

    run(story())

    assert records(capsys) == ([], "no fills, so no profit and no loss\n")
