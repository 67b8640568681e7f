"""Views for the tests of the screen: one written by hand, and of simulated exchanges."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from fluxum.book.proof import BookStatus
from fluxum.flow.background import background
from fluxum.hub.opening import hub
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, GapCause, Repair, State
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.sim.loop import run
from fluxum.view import (
    AccountView,
    BalanceView,
    BookView,
    CandleView,
    ConsolidatedLevelView,
    ConsolidatedView,
    Extent,
    GapView,
    LagView,
    LevelView,
    LinkView,
    LossView,
    MarketView,
    PositionView,
    ProofView,
    Severity,
    TradeView,
    VenueView,
    View,
    ViewKeeper,
    view,
)
from hubs import KEYS, exchanges

__all__ = ["ONE", "THREE", "moment", "sample", "venue_view"]

ONE = (("kraken", ("BTC/USD", "ETH/USD")),)
THREE = (("kraken", ("BTC/USD", "ETH/USD")), ("coinbase", ("BTC/USD",)), ("gemini", ("BTC/USD",)))
_CHANNELS = ("book", "trade", "candle")
_EXTENT = Extent(depth=25, trades=60, candles=120, losses=60)


@cache
def moment(
    at_s: float,
    markets: tuple[tuple[str, tuple[str, ...]], ...] = ONE,
    faults: tuple[tuple[str, str], ...] = (),
    *,
    has_account: bool = False,
    rate_per_s: float = 20.0,
) -> View:
    """What these markets are after so many seconds, with faults by venue."""
    accounts = {"kraken": KEYS} if has_account else {}
    wanted = {venue: list(symbols) for venue, symbols in markets}
    return run(_moment(at_s, wanted, dict(faults), accounts, rate_per_s))


async def _moment(
    at_s: float,
    markets: Mapping[str, list[str]],
    faults: Mapping[str, str],
    accounts: Mapping[str, Credentials],
    rate_per_s: float,
) -> View:
    async with (
        exchanges(markets, faults=faults, rate_per_s=rate_per_s, seed=3) as world,
        hub(
            markets, ("book", "trade", "candle"), accounts=accounts, runtime=world.runtime
        ) as opened,
    ):
        keeper = ViewKeeper(world.clock.now_ns)

        async def follow() -> None:
            async for event in opened.events(ViewKeeper.wants, capacity=100_000):
                keeper.take(event)

        async with background(follow()):
            if accounts:
                await opened.wait_ready(timeout_s=30)
                trader = opened.trader("kraken")
                await trader.buy("BTC/USD", "0.25")
                await trader.sell("BTC/USD", "0.1")
            await asyncio.sleep(at_s)
            return view(opened, keeper, _EXTENT)


# A view by hand: every number is chosen here, so pictures of it can be checked by eye

_AT_NS = 1_767_229_240_000_000_000  # 2026-01-01T01:00:40Z
_SECOND_NS = 1_000_000_000
BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
_NO_LAG = LagView(count=0, p50_ns=None, p99_ns=None)


def sample() -> View:
    """Three venues: one is ready but one of its books has failed its check, one is ready, one
    failed for good."""
    kraken = venue_view(
        "kraken",
        gaps=2,
        gaps_open=1,
        desyncs=1,
        missing=("book ETH/USD 10: desynced: checksum 1408038839 is not the venue's 1458038839",),
    )
    gemini = venue_view("gemini", state=State.FAILED, missing=("symbol BTC/USD is not listed",))
    return View(
        at_ns=_AT_NS,
        is_ready=False,
        sums_close=True,
        venues=(kraken, venue_view("coinbase", lag_ms=12), gemini),
        markets=(
            _market("kraken", BTC, _book("84000.1", "0.1", 12), trades=True, candles=True),
            _market("kraken", ETH, _DESYNCED),
            _market("coinbase", BTC, _book("84000.40", "0.01", 12)),
            _market("gemini", BTC, None, failure="book BTC/USD 10 refused: not listed"),
        ),
        consolidated=(_consolidated(),),
        accounts=(_account(),),
        losses=_losses(),
        losses_seen=4,
    )


def venue_view(
    name: str,
    *,
    state: State = State.READY,
    missing: tuple[str, ...] = (),
    gaps: int = 0,
    gaps_open: int = 0,
    desyncs: int = 0,
    lag_ms: int = 3,
    published: int = 1_200,
) -> VenueView:
    """A venue that is ready unless something is missing."""
    is_up = state is not State.FAILED
    return VenueView(
        venue=name,
        state=state,
        is_ready=not missing,
        reason="" if is_up else "the venue refused all that was requested",
        missing=missing,
        links=(
            LinkView(name="public-1", state=state, is_connected=True, age_s=0.4, subscriptions=5),
        )
        if is_up
        else (),
        frames=1_000,
        data=990,
        control=10,
        rejected=0,
        published=published,
        left_out=0,
        dropped=0,
        gaps=gaps,
        gaps_open=gaps_open,
        desyncs=desyncs,
        reconnects=0,
        replaced=0,
        checks_passed=500,
        checks_failed=desyncs,
        lag=LagView(count=9, p50_ns=lag_ms * 1_000_000, p99_ns=None) if is_up else _NO_LAG,
        own_lag=_NO_LAG,
        clock_offset_s=None,
        sums_close=True,
    )


def _proof(status: BookStatus, reason: str = "") -> ProofView:
    return ProofView(
        status=status,
        reason=reason,
        checks=1_234,
        generation=3,
        age_s=0.5,
        updated_age_s=0.1,
        checksum=None,
        sequence=None,
        depth_proved=10,
    )


_DESYNCED = BookView(
    bids=(),
    asks=(),
    spread=None,
    mid=None,
    spread_bps=None,
    proof=_proof(BookStatus.DESYNCED, "checksum 1408038839 is not the venue's 1458038839"),
)


def _book(ask: str, tick: str, depth: int) -> BookView:
    """Asks from a price on, bids from a tick below; quantities 0.1, 0.2, and so on."""
    best, step = Decimal(ask), Decimal(tick)
    asks = [LevelView(best + step * n, Decimal(f"0.{n + 1:02}000000")) for n in range(depth)]
    bids = [
        LevelView(best - step * (n + 1), Decimal(f"0.{2 * n + 1:02}500000")) for n in range(depth)
    ]
    proof = _proof(BookStatus.VALID)
    return BookView(
        bids=tuple(bids), asks=tuple(asks), spread=step, mid=None, spread_bps=None, proof=proof
    )


def _market(
    venue: str,
    symbol: Symbol,
    book: BookView | None,
    *,
    failure: str = "",
    trades: bool = False,
    candles: bool = False,
) -> MarketView:
    return MarketView(
        venue=venue,
        symbol=symbol,
        book=book,
        ticker=None,
        trades=_trades() if trades else (),
        trades_seen=1_024 if trades else 0,
        interval_s=60 if candles else None,
        candles=_candles() if candles else (),
        gaps=_gaps() if candles else (),
        failure=failure,
    )


def _trades() -> tuple[TradeView, ...]:
    return tuple(
        TradeView(
            at_ns=_AT_NS - n * _SECOND_NS,
            side=Side.BUY if n % 3 else Side.SELL,
            price=Decimal("84000.0") + Decimal("0.1") * (n % 2),
            quantity=Decimal(f"{n + 1}.00250000"),
            trade_id=str(n),
            backfilled=n > 3,
        )
        for n in range(12)
    )


def _candles() -> tuple[CandleView, ...]:
    """Eight minutes, of which the fourth is missing."""
    rows = (
        ("84000.0", "84004.0", "83999.0", "84003.0", "1.5"),
        ("84003.0", "84006.0", "84002.0", "84005.0", "2.0"),
        ("84005.0", "84005.5", "84001.0", "84002.0", "4.0"),
        (),
        ("84002.0", "84003.0", "83998.0", "83999.0", "1.0"),
        ("83999.0", "84001.0", "83997.0", "84001.0", "0.5"),
        ("84001.0", "84003.0", "84001.0", "84002.0", "3.0"),
        ("84002.0", "84002.0", "83999.0", "84000.0", "0.2"),
    )
    begin_ns = _AT_NS - 40 * _SECOND_NS - 420 * _SECOND_NS
    return tuple(
        CandleView(
            start_ns=begin_ns + n * 60 * _SECOND_NS,
            end_ns=begin_ns + (n + 1) * 60 * _SECOND_NS,
            open=Decimal(row[0]),
            high=Decimal(row[1]),
            low=Decimal(row[2]),
            close=Decimal(row[3]),
            volume=Decimal(row[4]),
        )
        for n, row in enumerate(rows)
        if row
    )


def _gaps() -> tuple[GapView, ...]:
    begin_ns = _AT_NS - 280 * _SECOND_NS
    closed = GapView(
        channel=Channel.CANDLE,
        cause=GapCause.LINK_LOST,
        repair=Repair.LOST,
        since_ns=begin_ns,
        until_ns=begin_ns + 60 * _SECOND_NS,
        missing=1,
        detail="the link was closed",
    )
    still = GapView(
        channel=Channel.BOOK,
        cause=GapCause.DESYNC,
        repair=None,
        since_ns=_AT_NS - 2 * _SECOND_NS,
        until_ns=None,
        missing=None,
        detail="",
    )
    return closed, still


def _consolidated() -> ConsolidatedView:
    def level(price: str, *venues: str) -> ConsolidatedLevelView:
        return ConsolidatedLevelView(Decimal(price), Decimal("0.50000000"), venues)

    return ConsolidatedView(
        symbol=BTC,
        bids=(level("84000.39", "coinbase"), level("84000.0", "kraken", "coinbase")),
        asks=(level("84000.1", "kraken"), level("84000.40", "coinbase")),
        spread=Decimal("-0.29"),
        generation=2,
        venues=("kraken", "coinbase"),
        removed={"gemini": "the venue failed: not listed"},
    )


def _account() -> AccountView:
    def position(symbol: Symbol, quantity: str, total: str | None, note: str = "") -> PositionView:
        return PositionView(
            symbol=symbol,
            quantity=Decimal(quantity),
            average_price=Decimal("83990.5"),
            mark=Decimal("84000.0"),
            realised=Decimal("-1.25"),
            unrealised=None,
            total=None if total is None else Decimal(total),
            fees=Decimal(2),
            note=note,
        )

    return AccountView(
        venue="kraken",
        positions=(
            position(BTC, "0.15000000", "12.5"),
            position(ETH, "-1.5", None, "the mark is not known"),
        ),
        balances=(
            BalanceView(asset=Asset("BTC"), total=Decimal("1.15"), held=None, reason=""),
            BalanceView(
                asset=Asset("USD"), total=Decimal("87399.58"), held=Decimal(10), reason="link lost"
            ),
        ),
    )


def _losses() -> tuple[LossView, ...]:
    rows = (
        (Severity.RECOVERY, "coinbase", "ready"),
        (Severity.LOSS, "gemini", "failed: the venue refused all that was requested"),
        (Severity.NOTICE, "kraken", "venue online"),
        (
            Severity.LOSS,
            "kraken",
            "desynced book ETH/USD 10: checksum 1408038839 is not the venue's 1458038839",
        ),
    )
    return tuple(
        LossView(
            number=n + 1,
            at_ns=_AT_NS - (5 - n) * _SECOND_NS,
            venue=venue,
            symbol=None,
            kind="",
            severity=severity,
            text=text,
        )
        for n, (severity, venue, text) in enumerate(rows)
    )
