"""Questions to several exchanges in virtual time: who fails is named, and hides no other."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fluxum.cli.answers import (
    Period,
    ask_book,
    ask_candles,
    ask_instruments,
    ask_status,
    ask_ticker,
    ask_time,
    ask_trades,
)
from fluxum.cli.asking import Where
from fluxum.cli.configured import begin_config
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.cli.records import StatusRecord, TimeRecord
from fluxum.cli.sessions import Failures
from fluxum.clock import Clock
from fluxum.errors import BadInput, FluxumError, TransportError
from fluxum.model.instant import format_second
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import START_NS, SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.http import Http
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

SECOND = 1_000_000_000
Ask = Callable[[Where, Output, "World"], Awaitable[None]]


class Silence:
    """REST calls that are never answered."""

    async def call(self, *_call: object) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError("never")


class Refused:
    """REST calls to an address where nothing listens."""

    async def call(self, *_call: object) -> bytes:
        raise TransportError("cannot connect to example.com")


class Altered:
    """REST calls whose answers are altered."""

    def __init__(self, http: Http, alter: Callable[[bytes], bytes]) -> None:
        self._http = http
        self._alter = alter

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        return self._alter(await self._http.call(method, url, headers, body))


class World:
    """Simulated exchanges; `calls` replaces the REST calls to some of them."""

    def __init__(self, inner: SimulatedRuntime, calls: Mapping[str, Http]) -> None:
        self.clock: Clock = inner.clock
        self.random = inner.random
        self._inner = inner
        self.calls = dict(calls)

    def budget(self, venue: Venue) -> AttemptBudget:
        return self._inner.budget(venue)

    def counter(self, venue: Venue, url: str) -> CallCounter:
        return self._inner.counter(venue, url)

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with self._inner.reach(venue) as reach:
            yield Reach(reach.dial, self.calls.get(venue.name, reach.http))


def ask(
    question: Ask,
    *names: str,
    form: Format = Format.TABLE,
    kind: type[Any] = Ticker,
    symbols: Mapping[str, Sequence[str]] | None = None,
    calls: Mapping[str, Http] | None = None,
    alter: Callable[[bytes], bytes] | None = None,
    seconds: float = 10.0,
) -> FluxumError | None:
    """Put a question to simulated exchanges; returns what it raised, if anything."""

    async def story() -> FluxumError | None:
        clock = SimulatedClock()
        exchanges = [
            SimulatedExchange(
                find_venue(name),
                find_venue(name).sample_symbols,
                seed=1,
                clock=clock,
                rate_per_s=5,
                resolution_ns=1_000_000,
            )
            for name in names
        ]
        given = dict(calls or {})
        if alter is not None:
            given |= {one.venue.name: Altered(one, alter) for one in exchanges}
        world = World(SimulatedRuntime(*exchanges, clock=clock, seed=2), given)
        chosen = {
            name: [find_venue(name).sample_symbols[0]]
            if symbols is None
            else [Symbol(one) for one in symbols[name]]
            for name in names
        }
        where = Where(markets=chosen)
        for exchange in exchanges:
            await exchange.__aenter__()
        try:
            await asyncio.sleep(seconds)
            with Output(form, [kind]) as output:
                await question(where, output, world)
        except FluxumError as error:
            return error
        finally:
            for exchange in exchanges:
                await exchange.__aexit__(None, None, None)
        return None

    return run(story())


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


QUESTIONS: dict[str, tuple[Ask, type[Any]]] = {
    "ticker": (ask_ticker, Ticker),
    "book": (lambda where, output, world: ask_book(where, 5, output, world), BookSnapshot),
    "trades": (lambda where, output, world: ask_trades(where, Period(), output, world), Trade),
    "candles": (
        lambda where, output, world: ask_candles(where, 60, Period(), output, world),
        Candle,
    ),
    "instruments": (ask_instruments, Instrument),
    "time": (ask_time, TimeRecord),
    "status": (ask_status, StatusRecord),
}
WITHOUT_MARKET = {"time", "status"}


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_fits_eighty_columns_at_each_exchange(
    name: str, question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put, kind = QUESTIONS[question]
    symbols: dict[str, list[str]] | None = {name: []} if question in WITHOUT_MARKET else None

    failed = ask(put, name, kind=kind, symbols=symbols, seconds=200)

    written = lines(capsys)
    if failed is not None:
        assert question in WITHOUT_MARKET
        assert f"{name} has no call for " in str(failed)
        return
    assert len(written) >= 2
    assert max(map(len, written)) <= 80
    starts = [line.index(title) for line in written for title in ("EXCHANGE",) if title in line]
    assert starts in ([], [0])


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_the_same_records_in_each_format(
    question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put, kind = QUESTIONS[question]
    found: list[list[dict[str, Any]]] = []
    symbols: dict[str, list[str]] | None = {"kraken": []} if question in WITHOUT_MARKET else None
    for form in (Format.JSON, Format.NDJSON, Format.CSV):
        assert ask(put, "kraken", form=form, kind=kind, symbols=symbols, seconds=100) is None
        text = capsys.readouterr().out
        match form:
            case Format.JSON:
                found.append(json.loads(text))
            case Format.NDJSON:
                found.append([json.loads(line) for line in text.splitlines()])
            case _:
                rows = list(csv.DictReader(io.StringIO(text)))
                assert [(one["type"], one["venue"]) for one in rows] == [
                    (one["type"], one["venue"]) for one in found[0]
                ]
    assert found[0] == found[1] != []
    assert {one["venue"] for one in found[0]} == {"kraken"}


def test_exchanges_are_side_by_side_in_the_order_of_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ask(ask_ticker, "okx", "kraken", "gemini") is None

    header, *rows = lines(capsys)
    assert [row.split()[0] for row in rows] == ["okx", "kraken", "gemini"]
    at = header.index("BID") + len("BID")
    assert all(row[at - 1].isdigit() and row[at : at + 1] in {"", " "} for row in rows)


@pytest.mark.parametrize("broken", [Silence(), Refused()], ids=["silent", "unreachable"])
@pytest.mark.parametrize("question", ["ticker", "book", "trades", "candles", "instruments"])
def test_an_exchange_that_fails_is_named_and_hides_no_other(
    broken: Http, question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put, kind = QUESTIONS[question]

    failed = ask(put, "okx", "kraken", form=Format.NDJSON, kind=kind, calls={"okx": broken})

    assert isinstance(failed, Failures)
    assert str(failed).startswith("1 of 2 failed: okx")
    assert {json.loads(line)["venue"] for line in lines(capsys)} == {"kraken"}


def test_a_question_that_no_exchange_offers_is_a_wrong_one() -> None:
    failed = ask(ask_status, "gemini", "coinbase", symbols={"gemini": [], "coinbase": []})

    assert isinstance(failed, BadInput)
    assert str(failed) == (
        "2 of 2 failed: gemini has no call for the status of its engine; "
        "coinbase has no call for the status of its engine"
    )


def test_a_market_that_an_exchange_does_not_have_is_named_with_the_one_that_may_be_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = ask(ask_ticker, "kraken", symbols={"kraken": ["BTC/USDX", "ETH/USD"]})

    assert isinstance(failed, Failures)
    assert "1 of 2 failed: kraken BTC/USDX: " in str(failed)
    assert "did you mean 'BTC/USD'?" in str(failed)
    assert len(lines(capsys)) == 2


def test_instruments_of_some_markets_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(ask_instruments, "kraken", symbols={"kraken": ["ETH/USD"]}) is None
    assert [line.split()[0] for line in lines(capsys)] == ["kraken", "SYMBOL", "ETH/USD"]

    failed = ask(ask_instruments, "kraken", symbols={"kraken": ["ETH/USDX"]})
    assert str(failed) == "kraken lists no market ETH/USDX; did you mean 'ETH/USD'?"


def test_the_time_is_compared_with_this_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ask(ask_time, "binance", form=Format.NDJSON, kind=TimeRecord, symbols={"binance": []})
        is None
    )

    (line,) = lines(capsys)
    record = json.loads(line)
    assert abs(record["venue_ns"] - START_NS - 10 * SECOND) < SECOND
    # A simulated call takes 0.01 to 0.3 s, and both clocks are the same.
    assert 0.005 <= record["uncertainty_s"] <= 0.15
    assert abs(record["ahead_s"]) <= record["uncertainty_s"]


def test_rows_that_cannot_be_read_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def spoil(body: bytes) -> bytes:
        return body.replace(b'"lot_decimals":8', b'"lot_decimals":"?"', 1)

    assert (
        ask(ask_instruments, "kraken", kind=Instrument, alter=spoil, symbols={"kraken": []}) is None
    )

    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2 + len(find_venue("kraken").sample_symbols) - 1
    assert "kraken left out 1 row" in said.err


def test_trades_end_where_they_were_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    since_ns, until_ns = START_NS + 50 * SECOND, START_NS + 150 * SECOND
    period = Period(since_ns, until_ns)

    async def put(where: Where, output: Output, world: World) -> None:
        await ask_trades(where, period, output, world)

    assert ask(put, "kraken", form=Format.NDJSON, kind=Trade, seconds=200) is None
    instants = [json.loads(line)["venue_ns"] for line in lines(capsys)]
    assert len(instants) > 20
    assert since_ns <= instants[0] <= instants[-1] < until_ns

    period = Period(since_ns, until_ns, 3)
    assert ask(put, "kraken", form=Format.NDJSON, kind=Trade, seconds=200) is None
    assert [json.loads(line)["venue_ns"] for line in lines(capsys)] == instants[-3:]


@pytest.mark.parametrize(
    ("settings", "depth", "interval"), [([], 10, "1h"), (["depth=25", "interval=5m"], 25, "5m")]
)
def test_depth_and_interval_are_as_configured_unless_asked_for(
    settings: list[str], depth: int, interval: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_config("", "", [f"venue.kraken.{one}" for one in settings], is_anew=True)

    async def put(where: Where, output: Output, world: World) -> None:
        await ask_book(where, None, output, world)
        await ask_candles(where, None, Period(limit=1), output, world)

    try:
        assert ask(put, "kraken", seconds=200) is None
    finally:
        begin_config("", "", None, is_anew=True)

    found = lines(capsys)
    title = found.index(f"kraken BTC/USD {interval}")
    levels = [one for one in found[2:title] if one]  # below the book's title and header
    assert len(levels) == depth


def test_candles_that_the_exchange_does_not_have_are_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def put(where: Where, output: Output, world: World) -> None:
        since_ns = START_NS - 86_400 * SECOND
        await ask_candles(where, 60, Period(since_ns, START_NS + 86_400 * SECOND), output, world)

    assert ask(put, "kraken", seconds=200) is None

    said = capsys.readouterr()
    title, header, *rows = said.out.splitlines()
    assert title == "kraken BTC/USD 1m"
    assert header.split() == ["BEGIN", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME"]
    assert rows[-1].endswith("running")
    # The simulated market begins half an hour before the exchange opens.
    assert "kraken BTC/USD: no candles from 2025-12-31T00:00:00Z to 2025-12-31T23:3" in said.err


def test_trades_that_an_exchange_does_not_list_any_more_are_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def put(where: Where, output: Output, world: World) -> None:
        await ask_trades(where, Period(START_NS - 86_400 * SECOND), output, world)

    assert ask(put, "okx", form=Format.NDJSON, kind=Trade) is None

    said = capsys.readouterr()
    first = json.loads(said.out.splitlines()[0])["venue_ns"]
    assert first > START_NS - 3600 * SECOND
    assert (
        f"okx BTC/USDT: no trades from 2025-12-31T00:00:00Z to {format_second(first)}" in said.err
    )


def test_a_long_list_reports_how_far_it_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    class Slow:
        def __init__(self, http: Http) -> None:
            self._http = http

        async def call(
            self, method: str, url: str, headers: Mapping[str, str], body: bytes
        ) -> bytes:
            await asyncio.sleep(3)
            return await self._http.call(method, url, headers, body)

    async def put(where: Where, output: Output, world: World) -> None:
        async with world.reach(find_venue("okx")) as reach:
            world.calls["okx"] = Slow(reach.http)
        period = Period(START_NS - 40 * 86_400 * SECOND, START_NS)
        await ask_candles(where, 3600, period, output, world)

    assert ask(put, "okx", form=Format.NDJSON, kind=Candle) is None

    # Four windows of 300 hours, after one answer that there is nothing so old; 3 s each.
    reports = [line for line in capsys.readouterr().err.splitlines() if " candles, up to " in line]
    assert reports
    assert all(line.startswith("okx BTC/USDT: ") for line in reports)
