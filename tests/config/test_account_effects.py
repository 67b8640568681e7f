"""Each setting of an account takes effect, at a simulated exchange in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from configured_worlds import QuietDials, World, configured, now_s, shows

import fluxum
from fluxum import OrderRequest, RateLimited, RiskRefused, Symbol, Trader
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

BTC = Symbol("BTC/USD")
MAIN = {"account.main.venue": "kraken", "account.main.keys": "env:MAIN"}
R = "account.main.risk."


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIN_KEY", "key")
    monkeypatch.setenv("MAIN_SECRET", "c2VjcmV0")
    monkeypatch.setenv("OTHER_KEY", "another")
    monkeypatch.setenv("OTHER_SECRET", "c2VjcmV0")


class Calls(SimulatedRuntime):
    """A simulated runtime that records REST calls; those of `limited` are refused for long."""

    def __init__(self, *exchanges: SimulatedExchange, clock: SimulatedClock) -> None:
        super().__init__(*exchanges, clock=clock)
        self.made: list[tuple[float, str]] = []
        self.limited = ""

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with super().reach(venue) as reach:
            self._http = reach.http
            yield Reach(reach.dial, self)

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.made.append((now_s(), url))
        if self.limited and self.limited in url:
            raise RateLimited("not now", "429", 100.0)
        return await self._http.call(method, url, headers, body)

    def times(self, name: str) -> list[float]:
        return [at_s for at_s, url in self.made if name in url]


@asynccontextmanager
async def box() -> AsyncGenerator[Calls]:
    clock = SimulatedClock()
    venue = find_venue("kraken")
    async with SimulatedExchange(venue, [BTC], seed=7, clock=clock, rate_per_s=5) as exchange:
        money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
        exchange.open_account("key", "c2VjcmV0", money, tier="pro")
        yield Calls(exchange, clock=clock)


def traded(
    settings: Mapping[str, object], tmp_path: Path, act: Callable[[Trader], Awaitable[None]]
) -> None:
    """Act as an account that is configured."""

    async def story() -> None:
        config = configured({**MAIN, "account.main.journal": tmp_path / "orders.jsonl", **settings})
        async with box() as runtime, config.trade("main", [BTC], runtime=runtime) as trader:
            await act(trader)

    run(story())


@shows("account.NAME.venue", "account.NAME.journal")
def test_an_account_trades_at_its_venue_and_writes_its_journal(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        assert trader.session.venue.name == "kraken"
        await trader.buy("BTC/USD", "0.01")

    traded({}, tmp_path, act)

    assert b"place" in (tmp_path / "orders.jsonl").read_bytes()


@shows("venue.NAME.account", "account.NAME.keys")
def test_a_session_logs_in_with_the_keys_of_the_account_that_its_venue_names() -> None:
    async def story() -> None:
        async with box() as runtime:
            good = configured({**MAIN, "venue.kraken.account": "main"})
            async with good.connect("kraken", [], runtime=runtime) as session:
                assert len(await session.account.balances()) == 2
            bad = configured(
                {**MAIN, "venue.kraken.account": "main", "account.main.keys": "env:OTHER"}
            )
            async with bad.connect("kraken", [], runtime=runtime) as session:
                with pytest.raises(fluxum.VenueRefused, match="Invalid key"):
                    await session.account.balances()
            async with configured(MAIN).connect("kraken", [], runtime=runtime) as session:
                with pytest.raises(fluxum.BadInput, match="no login"):
                    _ = session.account

    run(story())


@shows("account.NAME.tier")
def test_the_tier_sets_the_rate_of_orders(tmp_path: Path) -> None:
    private = find_venue("kraken").private
    assert private is not None

    async def act(trader: Trader) -> None:
        assert trader.session.account.rules is private.tiers["pro"].orders

    traded({"account.main.tier": "pro"}, tmp_path, act)


@shows("account.NAME.ready_s")
def test_an_account_that_cannot_trade_in_time_is_given_up(tmp_path: Path) -> None:
    async def story() -> float:
        journal = tmp_path / "o.jsonl"
        config = configured({**MAIN, "account.main.ready_s": 7, "account.main.journal": journal})
        with pytest.raises(TimeoutError, match="not ready after 7"):
            async with config.trade("main", [BTC], runtime=World(QuietDials())):
                pass
        return now_s()

    assert run(story()) == pytest.approx(7)


@shows("account.NAME.audit_s")
def test_open_orders_are_compared_as_often_as_is_set(tmp_path: Path) -> None:
    async def story(audit_s: float) -> int:
        settings = {"account.main.audit_s": audit_s, "account.main.journal": tmp_path / "o.jsonl"}
        async with (
            box() as runtime,
            configured({**MAIN, **settings}).trade("main", [BTC], runtime=runtime),
        ):
            before = len(runtime.times("OpenOrders"))
            await asyncio.sleep(100)
            return len(runtime.times("OpenOrders")) - before

    assert run(story(1000)) == 0
    assert run(story(24)) == 4


@shows("account.NAME.token.renew_s", "account.NAME.token.retry_s")
def test_a_token_is_renewed_and_a_failure_repeated_as_is_set(tmp_path: Path) -> None:
    async def story() -> tuple[list[float], list[float]]:
        settings = {"account.main.token.renew_s": 100, "account.main.token.retry_s": 33}
        config = configured({**MAIN, **settings, "account.main.journal": tmp_path / "orders.jsonl"})
        async with box() as runtime, config.trade("main", [BTC], runtime=runtime):
            await asyncio.sleep(250)
            renewed = runtime.times("GetWebSocketsToken")
            runtime.limited = "GetWebSocketsToken"
            await asyncio.sleep(150)
            failed = runtime.times("GetWebSocketsToken")[len(renewed) :]
        return differences(renewed[-3:]), differences(failed[:3])

    renewed, failed = run(story())

    assert renewed == pytest.approx([100, 100], abs=1)
    assert failed == pytest.approx([38, 38], abs=1)  # and 5 s, as a new token may be on its way


def differences(at_s: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(at_s)]


async def place(trader: Trader, quantity: str, *, side: str = "buy", limit: str = "") -> None:
    wanted = OrderRequest(
        symbol="BTC/USD",
        side=side,
        order_type="limit" if limit else "market",
        quantity=quantity,
        limit_price=limit or None,
    )
    await trader.orders.place(wanted)


async def away(trader: Trader, factor: str) -> str:
    """A price that is so many times the bid, to the tick of ten cents."""
    bid = trader.book("BTC/USD").bid
    assert bid is not None
    return str((bid.price * Decimal(factor)).quantize(Decimal("0.1")))


async def one(trader: Trader) -> None:
    await place(trader, "0.02")


async def far(trader: Trader) -> None:
    await place(trader, "0.02", limit=await away(trader, "1.05"))


async def two_resting(trader: Trader) -> None:
    low = await away(trader, "0.95")
    await place(trader, "0.01", limit=low)
    await place(trader, "0.01", limit=low)


async def one_then_a_loss(trader: Trader) -> None:
    await place(trader, "0.02")
    await asyncio.sleep(2)
    await place(trader, "0.02", side="sell")
    await asyncio.sleep(5)
    await place(trader, "0.02")


@pytest.mark.parametrize(
    ("settings", "act"),
    [
        ({R + "quantity_max": "0.01"}, one),
        ({R + "notional_max": 100}, one),
        ({R + "collar_percent": 1}, far),
        ({R + "orders_max": 1}, two_resting),
        ({R + "per_second_max": 1}, two_resting),
        ({R + "per_minute_max": 1}, two_resting),
        ({R + "position_max": "0.01"}, one),
        ({R + "exposure_max": '{BTC = "0.01"}'}, one),
        ({R + "account_exposure_max": 100, R + "account_asset": "USD"}, one),
        ({R + "daily_loss_max": "0.01"}, one_then_a_loss),
        ({R + "drawdown_max": "0.01"}, one_then_a_loss),
        ({R + "symbols": "ETH/USD"}, one),
    ],
    ids=lambda value: value.__name__ if callable(value) else next(iter(value)).rpartition(".")[2],
)
@shows(
    "account.NAME.risk.quantity_max",
    "account.NAME.risk.notional_max",
    "account.NAME.risk.collar_percent",
    "account.NAME.risk.orders_max",
    "account.NAME.risk.per_second_max",
    "account.NAME.risk.per_minute_max",
    "account.NAME.risk.position_max",
    "account.NAME.risk.exposure_max",
    "account.NAME.risk.account_exposure_max",
    "account.NAME.risk.account_asset",
    "account.NAME.risk.daily_loss_max",
    "account.NAME.risk.drawdown_max",
    "account.NAME.risk.symbols",
)
def test_an_order_beyond_a_limit_is_refused_by_its_name(
    settings: Mapping[str, object], act: Callable[[Trader], Awaitable[None]], tmp_path: Path
) -> None:
    limit = next(iter(settings)).removeprefix(R)

    async def refused(trader: Trader) -> None:
        with pytest.raises(RiskRefused) as caught:
            await act(trader)
        assert caught.value.limit == limit

    traded(settings, tmp_path, refused)


@pytest.mark.parametrize("act", [one, far, two_resting, one_then_a_loss])
def test_the_same_orders_are_sent_without_a_limit(
    act: Callable[[Trader], Awaitable[None]], tmp_path: Path
) -> None:
    traded({}, tmp_path, act)


def test_the_collar_can_be_taken_off(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        assert trader.orders.risk.limits.collar_percent is None

    traded({R + "collar_percent": "none"}, tmp_path, act)
