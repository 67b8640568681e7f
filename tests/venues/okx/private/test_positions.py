"""Positions at OKX: published rows, contracts in base units, the list, funding, forced closes."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum import EntryQuery, Subscription, Symbol
from fluxum.model.account import EntryKind, Fill, LedgerEntry
from fluxum.model.event import Channel
from fluxum.model.order import OrderUpdate
from fluxum.model.position import Forced, MarginMode, PositionSide, PositionUpdate
from fluxum.sim.loop import START_NS
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.okx.private.queries import account_queries
from fluxum.venues.okx.venue import OKX
from fluxum.venues.private import FillQuery
from venues.accounts import play, trading
from venues.okx.private.wire import CAPTURES, CONTRACTS, NOW, account, listed

MS = 1_000_000
SECOND, HOUR = 1000 * MS, 3600 * 1000 * MS
SWAP, PERP = "BTC-USDT-SWAP", "BTC/USDT:PERP"


def published(**changed: object) -> dict[str, Any]:
    """The row of the published frame, about a contract that is offered."""
    row: dict[str, Any] = json.loads(CAPTURES["positions"])["data"][0]
    return {**row, "instId": SWAP, "instType": "SWAP", **changed}


def read(row: dict[str, Any]) -> PositionUpdate:
    protocol, _ = account()
    frame = {"arg": {"channel": "positions", "instType": "ANY"}, "data": [row]}
    (found,) = protocol.receive(json.dumps(frame).encode(), NOW)
    assert isinstance(found, PositionUpdate), found
    return found


def test_the_published_numbers_are_read_and_contracts_count_in_the_base_asset() -> None:
    assert read(published()) == PositionUpdate(
        venue="okx",
        symbol=Symbol(PERP),
        side=PositionSide.LONG,
        quantity=Decimal("0.01"),  # one contract
        leg=PositionSide.LONG,
        position_id="307173036051017730",
        entry_price=Decimal("2566.31"),
        mark_price=Decimal("2353.849"),
        liquidation_price=Decimal("2352.8496681818233"),
        margin_mode=MarginMode.ISOLATED,
        unrealised=Decimal("-0.0000009932766034"),
        venue_ns=1619507761462 * MS,
        received_ns=NOW,
    )


def test_the_published_inverse_position_is_passed_over() -> None:
    protocol, _ = account()
    frame = CAPTURES["positions"].replace(b"ETH-USD-210430", b"BTC-USD-SWAP")

    assert protocol.receive(frame, NOW) == ()


def test_the_published_margin_position_is_read_by_what_is_held_and_by_what_is_owed() -> None:
    # https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-positions
    row = {
        "instType": "MARGIN",
        "instId": "BTC-USDT",
        "posId": "1752810569801498626",
        "posSide": "net",
        "pos": "0.00190433573",
        "posCcy": "BTC",
        "liab": "-99.9998177776581948",
        "liabCcy": "USDT",
        "mgnMode": "isolated",
        "avgPx": "62961.4",
        "markPx": "62891.9",
        "liqPx": "53615.448336593756",
        "upl": "-0.0000033452492717",
        "uTime": "1724742632153",
    }
    ask = account_queries().positions
    assert ask is not None
    (long, short) = ask().read(
        listed([row, {**row, "posCcy": "USDT", "liabCcy": "BTC", "liab": "-0.002"}]), NOW
    )

    assert (long.symbol, long.side, long.leg) == ("BTC/USDT", PositionSide.LONG, None)
    assert (long.quantity, long.entry_price) == (Decimal("0.00190433573"), Decimal("62961.4"))
    assert long.unrealised == Decimal("-0.0000033452492717")
    assert (short.side, short.quantity) == (PositionSide.SHORT, Decimal("0.002"))


def test_one_position_a_market_has_a_sign_and_is_gone_at_zero() -> None:
    short, closed = (read(published(posSide="net", pos=held)) for held in ("-250", "0"))

    assert (short.side, short.quantity, short.leg) == (PositionSide.SHORT, Decimal("2.50"), None)
    assert short.signed_quantity == Decimal("-2.50")
    assert (closed.side, closed.quantity) == (None, Decimal(0))
    assert read(published(mgnMode="new")).margin_mode is MarginMode.OTHER
    assert read(published(posSide="short", pos="3")).signed_quantity == Decimal("-0.03")


@pytest.mark.parametrize(
    "changed",
    [
        {"posSide": "both"},
        {"pos": "many"},
        {"instType": "MARGIN", "instId": "BTC-USDT", "posCcy": "EUR", "liabCcy": "USDT"},
    ],
    ids=str,
)
def test_a_row_that_is_no_position_breaks_the_stream(changed: dict[str, object]) -> None:
    with pytest.raises(UnreadableStream):
        read(published(**changed))


@pytest.mark.parametrize(
    ("name", "forced"),
    [
        ("recorded_liquidation", Forced.LIQUIDATION),
        ("recorded_adl", Forced.DELEVERAGING),
        ("recorded_optimal", None),
    ],
)
def test_recorded_forced_closes_are_named_on_order_and_fill(
    name: str, forced: Forced | None
) -> None:
    protocol, _ = account()

    fill, order = protocol.receive(CAPTURES[name], NOW)

    assert isinstance(fill, Fill)
    assert isinstance(order, OrderUpdate)
    assert (fill.forced, order.forced) == (forced, forced)


@pytest.mark.parametrize(
    ("word", "forced"),
    [("1", None), ("104", Forced.LIQUIDATION), ("125", Forced.DELEVERAGING)],
)
def test_a_listed_fill_says_whether_it_was_forced(word: str, forced: Forced | None) -> None:
    (row,) = json.loads(CAPTURES["rest_fills"])["data"]
    queries = account_queries()
    (contracts, _) = queries.preparations()
    contracts.read(listed(CONTRACTS), NOW)
    query = queries.fills(FillQuery(since_ns=NOW))
    assert query.first is not None
    recent = query.first.read(listed([{"ts": "1790358506844"}]), NOW)

    (fill,) = recent.read(listed([{**row, "subType": word}]), NOW)

    assert fill.forced is forced


def test_a_position_is_reported_and_pays_funding_at_eight() -> None:
    async def story() -> None:
        start_ns = START_NS + 8 * HOUR - 60 * SECOND
        async with trading(OKX, Symbol(PERP), start_ns=start_ns) as one:
            session = one.trader.session
            session.subscribe(Subscription(Channel.BALANCE))
            with session.events() as events:
                await session.wait_ready(60)
                await one.trader.sell(one.symbol, "0.5")
                await asyncio.sleep(180)
                told = events.drain()

            (found,) = await session.account.positions()
            (state,) = one.account.positions()
            assert (found.side, found.quantity) == (PositionSide.SHORT, Decimal("0.5"))
            received = sum((trade.cost for trade in one.account.trades), Decimal(0))
            assert found.entry_price == (received / Decimal("0.5")).quantize(Decimal("1e-8"))
            assert found.mark_price is not None
            profit = received - Decimal("0.5") * found.mark_price
            assert found.unrealised == profit.quantize(Decimal("1e-8"))
            assert (found.margin_mode, found.liquidation_price) == (
                MarginMode.CROSS,
                state.liquidation_price,
            )
            updates = [event for event in told if isinstance(event, PositionUpdate)]
            assert {update.signed_quantity for update in updates[-2:]} == {Decimal("-0.5")}
            assert session.account.following.positions.keys() == {found.key}

            (entry,) = await session.account.entries(EntryQuery(kind=EntryKind.FUNDING))
            (paid,) = filter(None, map(one.account.funding, one.account.entries))
            assert entry.amount == Decimal("0.5") * paid.mark_price * Decimal("0.0001")
            assert entry.venue_kind == "8/174"
            streamed = [event.entry_id for event in told if isinstance(event, LedgerEntry)]
            assert streamed.count(entry.entry_id) == 1
            assert session.account.following.counts.missed == 0

    play(story)
