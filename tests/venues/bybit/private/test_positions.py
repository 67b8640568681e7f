"""Positions of linear contracts: published and observed rows, the list, and funding."""

import asyncio
import json
from decimal import Decimal

import pytest

from fluxum import EntryQuery, Subscription, Symbol
from fluxum.errors import BadInput
from fluxum.model.account import EntryKind, Fill, LedgerEntry
from fluxum.model.event import Channel
from fluxum.model.order import OrderUpdate
from fluxum.model.position import (
    Forced,
    MarginMode,
    OpenPositions,
    PositionSide,
    PositionUpdate,
)
from fluxum.sim.loop import START_NS
from fluxum.venues.bybit.category import LINEAR, SPOT
from fluxum.venues.bybit.private.queries import account_queries
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.conversation import UnreadableStream
from venues.accounts import play, trading
from venues.bybit.private.wire import BALANCES, CAPTURES, NOW, account, sent

MS = 1_000_000
SECOND, HOUR = 1000 * MS, 3600 * 1000 * MS
PERP = "BTC/USDT:PERP"
ROW: dict[str, object] = {
    "positionIdx": 0,
    "tradeMode": 0,
    "symbol": "BTCUSDT",
    "side": "Sell",
    "size": "0.25",
    "avgPrice": "84010.5",
    "markPrice": "84110.5",
    "liqPrice": "91234.1",
    "unrealisedPnl": "-25",
    "positionStatus": "Normal",
    "updatedTime": "1697682317038",
}


def decoded(**changed: object) -> PositionUpdate:
    """The fact of a row of the stream."""
    protocol, _ = account((BALANCES,), LINEAR)
    row = {**ROW, "category": "linear", **changed}
    frame = {"topic": "position.linear", "creationTime": 1, "data": [row]}
    (found,) = protocol.receive(json.dumps(frame).encode(), NOW)
    assert isinstance(found, PositionUpdate), found
    return found


def test_positions_come_with_the_balances_of_contracts_alone() -> None:
    for category, topics in ((SPOT, ["wallet"]), (LINEAR, ["wallet", "position.linear"])):
        protocol, _ = account((), category)
        protocol.subscribe([BALANCES])
        (request,) = sent(protocol)
        assert request["args"] == topics


def test_the_published_position_is_read() -> None:
    protocol, _ = account((BALANCES,), LINEAR)
    frame = CAPTURES["position"].replace(b'"position",', b'"position.linear",')

    (found,) = protocol.receive(frame, NOW)

    assert found == PositionUpdate(
        venue="bybit-linear",
        symbol=Symbol(PERP),
        side=None,
        quantity=Decimal(0),
        leg=PositionSide.SHORT,
        mark_price=Decimal("28184.5"),
        unrealised=Decimal(0),
        venue_ns=1697682317038 * MS,
        received_ns=NOW,
    )


def test_a_short_position_has_its_numbers() -> None:
    found = decoded()

    assert (found.side, found.quantity) == (PositionSide.SHORT, Decimal("0.25"))
    assert found.signed_quantity == Decimal("-0.25")
    assert (found.entry_price, found.mark_price) == (Decimal("84010.5"), Decimal("84110.5"))
    assert (found.liquidation_price, found.unrealised) == (Decimal("91234.1"), Decimal(-25))
    # (84010.5 - 84110.5) x 0.25
    assert (found.leg, found.margin_mode, found.forced) == (None, None, None)


def test_what_the_exchange_does_to_a_position_is_named() -> None:
    assert decoded(positionStatus="Liq").forced is Forced.LIQUIDATION
    assert decoded(positionStatus="Adl").forced is Forced.DELEVERAGING
    assert decoded(tradeMode=1).margin_mode is MarginMode.ISOLATED
    assert decoded(liqPrice="").liquidation_price is None


def test_rows_that_are_no_position_break_the_stream_and_other_categories_pass() -> None:
    protocol, _ = account((BALANCES,), LINEAR)
    for changed in ({"side": "Both"}, {"positionIdx": 3}, {"size": "-1"}):
        frame = {"topic": "position.linear", "data": [{**ROW, **changed}]}
        with pytest.raises(UnreadableStream) as raised:
            protocol.receive(json.dumps(frame).encode(), NOW)
        assert raised.value.subscriptions == (BALANCES,)
    inverse = {"topic": "position.linear", "data": [{**ROW, "category": "inverse"}]}
    assert protocol.receive(json.dumps(inverse).encode(), NOW) == ()


def test_positions_are_listed_with_the_accounts_margin_mode_scope_by_scope() -> None:
    assert account_queries(SPOT).positions is None
    ask = account_queries(LINEAR).positions
    assert ask is not None
    info = ask()
    assert info.fetch.path == "/v5/account/info?"

    modes = {"REGULAR_MARGIN": MarginMode.CROSS, "NEW_MARGIN": MarginMode.OTHER}
    for word, mode in modes.items():
        first = info.read(b'{"retCode":0,"result":{"marginMode":"%s"}}' % word.encode(), NOW).next
        assert first is not None
        assert "position/list?category=linear&settleCoin=USDT" in first.fetch.path
        answer = json.dumps({"retCode": 0, "result": {"list": [ROW], "nextPageCursor": ""}})
        page = first.read(answer.encode(), NOW)
        (found,) = page
        assert (found.margin_mode, found.entry_price) == (mode, Decimal("84010.5"))
        assert page.next is not None
        assert "settleCoin=USDC" in page.next.fetch.path
        assert page.next.read(answer.encode(), NOW).next is None


def test_liquidation_and_deleveraging_are_named_on_order_and_fill() -> None:
    protocol, _ = account(category=LINEAR)
    order, execution = (
        json.loads(CAPTURES[name].replace(b"option", b"linear")) for name in ("order", "execution")
    )
    order["topic"], execution["topic"] = "order.linear", "execution.linear"
    row, trade = order["data"][0], execution["data"][0]
    row["symbol"] = trade["symbol"] = "BTCUSDT"
    orders = {"CreateByLiq": Forced.LIQUIDATION, "CreateByAdl_PassThrough": Forced.DELEVERAGING}
    for word, forced in {**orders, "CreateByUser": None}.items():
        row["createType"] = word
        (update,) = protocol.receive(json.dumps(order).encode(), NOW)
        assert isinstance(update, OrderUpdate)
        assert update.forced is forced
    fills = {"BustTrade": Forced.LIQUIDATION, "AdlTrade": Forced.DELEVERAGING, "Trade": None}
    for word, forced in fills.items():
        trade["execType"] = word
        (fill,) = protocol.receive(json.dumps(execution).encode(), NOW)
        assert isinstance(fill, Fill)
        assert fill.forced is forced


def test_a_position_is_reported_and_pays_funding_at_eight() -> None:
    async def story() -> None:
        async with trading(BYBIT_LINEAR, start_ns=START_NS + 8 * HOUR - 60 * SECOND) as one:
            session = one.trader.session
            session.subscribe(Subscription(Channel.BALANCE))
            with session.events() as events:
                await session.wait_ready(60)
                assert session.account.following.positions == {}
                await one.trader.buy(one.symbol, "0.5")
                await asyncio.sleep(180)
                told = events.drain()

            (listed,) = await session.account.positions()
            held = one.account.positions()[0]
            assert (listed.side, listed.quantity) == (PositionSide.LONG, Decimal("0.5"))
            cost = sum((trade.cost for trade in one.account.trades), Decimal(0))
            assert listed.entry_price == (cost / Decimal("0.5")).quantize(Decimal("1e-8"))
            assert listed.mark_price is not None
            profit = Decimal("0.5") * listed.mark_price - cost
            assert listed.unrealised == profit.quantize(Decimal("1e-8"))
            assert listed.margin_mode is MarginMode.CROSS
            assert held.liquidation_price == listed.liquidation_price

            assert any(isinstance(event, OpenPositions) for event in told)
            updates = [event for event in told if isinstance(event, PositionUpdate)]
            assert len(updates) >= 2  # one for the fill, and one for the payment
            known = session.account.following.positions
            assert [update.quantity for update in known.values()] == [Decimal("0.5")]

            (entry,) = await session.account.entries(EntryQuery(kind=EntryKind.FUNDING))
            (paid,) = filter(None, map(one.account.funding, one.account.entries))
            assert entry.amount == -Decimal("0.5") * paid.mark_price * Decimal("0.0001")
            assert entry.venue_kind == "SETTLEMENT"
            assert entry.venue_ns // SECOND == (START_NS + 8 * HOUR) // SECOND
            streamed = [event.entry_id for event in told if isinstance(event, LedgerEntry)]
            assert streamed.count(entry.entry_id) == 1
            assert session.account.following.counts.missed == 0

    play(story)


def test_a_spot_market_lists_no_positions() -> None:
    async def story() -> None:
        async with trading(BYBIT) as one:
            with pytest.raises(BadInput, match="bybit has no list of positions"):
                await one.trader.session.account.positions()

    play(story)


def test_the_ledgers_position_is_compared_with_the_exchanges(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with trading(BYBIT_LINEAR) as one:
            assert await one.trader.audit_positions() == ()
            await one.trader.buy(one.symbol, "0.5")

            (line,) = await one.trader.audit_positions()
            assert (line.symbol, line.computed, line.is_clean) == (PERP, Decimal("0.5"), True)

            other = Symbol("ETH/USDT:PERP")
            one.trader.portfolio.ledger.open_with("bybit-linear", other, Decimal(2), None, 1)
            _, line = await one.trader.audit_positions()
            assert (line.symbol, line.computed, line.reported) == (other, Decimal(2), Decimal(0))
            assert line.difference == -2

    play(story)

    (logged,) = [record.getMessage() for record in caplog.records if "computed" in record.message]
    assert logged == (
        "bybit-linear: the ledger computed a position of 2 in ETH/USDT:PERP, the exchange reports 0"
    )
