"""Whole examinations in virtual time: each fault is found by the check that is for it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from fluxum.clock import Clock
from fluxum.doctor import Check, Diagnosis, Handshake, Outcome, Resolved, examine
from fluxum.errors import BadInput, RateLimited, TransportError, VenueRefused
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.http import Http
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


class Late:
    """A clock that is behind."""

    def __init__(self, clock: Clock, behind_s: float) -> None:
        self._clock = clock
        self._behind_ns = int(behind_s * 1e9)

    def now_ns(self) -> int:
        return self._clock.now_ns() - self._behind_ns


class Broken:
    """REST calls that end with an error, or with a body."""

    def __init__(self, answer: Exception | bytes) -> None:
        self._answer = answer

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class World(SimulatedRuntime):
    """Simulated exchanges, with other REST calls if any are given."""

    http: Http | None = None

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with super().reach(venue) as reach:
            yield Reach(reach.dial, self.http or reach.http)


class Nowhere:
    """A network without names."""

    async def resolve(self, host: str, port: int) -> Resolved:
        raise TransportError(f"{host} has no address: no such name")

    async def connect(self, host: str, port: int, *, is_encrypted: bool) -> Handshake:
        raise TransportError("not reached")


class Findings:
    """Every check by the exchange and its name."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.outcome = diagnosis.outcome
        self.text = str(diagnosis)
        self._checks = {f"{one.exchange} {one.name}".strip(): one for one in diagnosis.checks}
        assert len(self._checks) == len(diagnosis.checks)
        for one in diagnosis.checks:
            assert (one.outcome is Outcome.OK) == (not one.advice), one

    def __getitem__(self, name: str) -> Check:
        return self._checks[name]

    def __contains__(self, name: str) -> bool:
        return name in self._checks

    def bad(self) -> set[str]:
        return {name for name, one in self._checks.items() if one.outcome is Outcome.FAILED}


def found(
    *names: str,
    faults: str = "",
    behind_s: float = 0.0,
    http: Http | None = None,
    network: Nowhere | None = None,
    keys: str | None = None,
    audit_s: float | None = None,
    rate_per_s: float = 5.0,
) -> Findings:
    async def story() -> Findings:
        clock = SimulatedClock()
        exchanges = [
            SimulatedExchange(
                find_venue(name),
                find_venue(name).sample_symbols[:1],
                seed=7,
                clock=clock,
                rate_per_s=rate_per_s,
                faults=FaultPlan(parse_faults(faults), Random(7)),
                resolution_ns=1_000_000,
            )
            for name in names
        ]
        async with exchanges[0], exchanges[-1] if len(exchanges) > 1 else nothing():
            if names[0] == "kraken":
                exchanges[0].open_account("key", SECRET, {"USD": Decimal(987654)})
            world = World(*exchanges, clock=Late(clock, behind_s))
            world.http = http
            noted: list[Check] = []
            diagnosis = await examine(
                names,
                runtime=world,
                network=network,
                keys=keys,
                audit_s=audit_s,
                folders={"here": Path()},
                note=noted.append,
            )
            assert tuple(noted) == diagnosis.checks
            return Findings(diagnosis)

    return run(story())


@asynccontextmanager
async def nothing() -> AsyncGenerator[None]:
    yield


def test_two_exchanges_that_are_well() -> None:
    one = found("kraken", "binance", audit_s=20)

    assert one.bad() == set()
    for exchange, symbol in (("kraken", "BTC/USD"), ("binance", "BTC/USDT")):
        for name in ("rest", "clock", "status", "link public", f"book {symbol}", "limits"):
            assert one[f"{exchange} {name}"].outcome is Outcome.OK, name
        audit = one[f"{exchange} audit {symbol}"]
        assert (audit.outcome, audit.figures["percent"]) == (Outcome.OK, 100.0)
        assert audit.figures["comparisons"] == 4
    assert 0 < float(str(one["kraken rest"].figures["round_trip_s"])) < 0.4
    assert one["kraken limits"].figures["links_left"] == 118  # a link, and the session's
    assert "kraken keys" not in one


@pytest.mark.parametrize("name", ["bybit", "okx", "coinbase", "coinbase-exchange", "gemini"])
def test_every_exchange_can_be_examined(name: str) -> None:
    assert found(name, audit_s=8).bad() == set()


@pytest.mark.parametrize(
    ("behind_s", "outcome"), [(0.4, Outcome.OK), (2.6, Outcome.WARNING), (8.0, Outcome.FAILED)]
)
def test_a_wrong_clock(behind_s: float, outcome: Outcome) -> None:
    """The simulated exchange answers within 0.3 s, and in whole seconds or finer."""
    check = found("binance", behind_s=behind_s)["binance clock"]

    assert check.outcome is outcome
    offset_s, bound_s = (float(str(check.figures[f])) for f in ("offset_s", "uncertainty_s"))
    assert abs(offset_s - behind_s) <= bound_s < 0.16


@pytest.mark.parametrize(
    ("answer", "result", "advice"),
    [
        (VenueRefused("GET answered 403", "403"), "GET answered 403", "refuses"),
        (RateLimited("GET answered 429", "429", 60.0), "GET answered 429", "too many requests"),
        (TransportError("GET failed: reset"), "GET failed: reset", "firewall"),
        (
            b"<html>Log in to the hotel's network</html>",
            "JSON is malformed",
            "Something else answers",
        ),
    ],
    ids=["refused", "limited", "unreachable", "a hotel"],
)
def test_rest_calls_that_do_not_work(answer: Exception | bytes, result: str, advice: str) -> None:
    one = found("kraken", http=Broken(answer))

    assert one["kraken rest"].outcome is Outcome.FAILED
    assert result in one["kraken rest"].result
    assert advice in one["kraken rest"].advice
    assert "kraken clock" not in one
    assert one["kraken link public"].outcome is one["kraken book BTC/USD"].outcome is Outcome.OK


def test_an_audit_without_snapshots_has_failed() -> None:
    one = found("kraken", http=Broken(VenueRefused("no", "403")), audit_s=8)

    assert one["kraken audit BTC/USD"].outcome is Outcome.FAILED
    assert "nothing was compared" in one["kraken audit BTC/USD"].result


def test_links_that_are_refused() -> None:
    one = found("kraken", faults="refuse:403@0s+900s")

    assert {"kraken link public", "kraken book BTC/USD"} <= one.bad()
    assert "403" in one["kraken link public"].result
    assert one.outcome is Outcome.FAILED


def test_a_corrupted_book_is_found_by_the_audit_alone() -> None:
    one = found("binance", faults="corrupt=0.2", rate_per_s=1, audit_s=120)

    audit = one["binance audit BTC/USDT"]
    assert audit.outcome is not Outcome.OK
    assert float(str(audit.figures["percent"])) < 100
    assert "live" in str(audit.figures["worst"])


def test_names_that_are_unknown() -> None:
    one = found("kraken", network=Nowhere())

    assert "kraken name ws.kraken.com" in one.bad()


def test_keys_are_tried_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXUM_KRAKEN_KEY", "key")
    monkeypatch.setenv("FLUXUM_KRAKEN_SECRET", SECRET)
    good = found("kraken", keys="env")
    monkeypatch.setenv("FLUXUM_KRAKEN_KEY", "another-key")
    bad = found("kraken", keys="env")

    assert good["kraken keys"].outcome is Outcome.OK
    assert bad["kraken keys"].outcome is Outcome.FAILED
    assert "Invalid key" in bad["kraken keys"].result
    for one in (good, bad):
        assert SECRET not in one.text
        assert "another-key" not in one.text
        assert "987654" not in one.text  # nor what is held


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInput, match="more than 0 seconds was expected, was 0"):
        found("kraken", audit_s=0)
    with pytest.raises(BadInput, match="FLUXUM_KRAKEN_KEY"):
        found("kraken", keys="env")
