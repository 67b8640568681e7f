"""Optional fields, empty sides and times that mean nothing, as real frames have them."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.event import Channel, Event, LeftOut, Subscription
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookUpdate, Level3Snapshot, Ticker, Trade
from fluxum.venues.kraken.protocol import KrakenProtocol

NOW = 1_700_000_000_000_000_000
ANET, BTC = Symbol("ANETx/USD"), Symbol("BTC/USD")


def receive(channel: str, data: object, *wanted: Subscription) -> list[Event]:
    protocol = KrakenProtocol()
    protocol.subscribe(wanted)
    frame = json.dumps({"channel": channel, "type": "update", "data": data})
    return list(protocol.receive(frame.encode(), NOW))


def test_a_market_without_quotes_has_no_prices() -> None:
    # As captured by tardis-node, test/mappers.test.ts 'map kraken v2 messages'
    row: dict[str, Any] = {"symbol": "ANETx/USD", "timestamp": "1970-01-01T00:00:00.000000Z"}
    row |= dict.fromkeys(("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap"), 0)
    row |= dict.fromkeys(("low", "high", "change", "change_pct", "trades"), 0)

    (ticker,) = receive("ticker", [row], Subscription(Channel.TICKER, ANET))

    assert ticker == Ticker(
        venue="kraken",
        symbol=ANET,
        volume=Decimal(0),
        change=Decimal(0),
        change_percent=Decimal(0),
        trades=0,
        received_ns=NOW,
    )
    assert isinstance(ticker, Ticker)
    assert (ticker.mid, ticker.spread) == (None, None)


def test_a_side_that_is_empty_is_none() -> None:
    row = {"symbol": "ANETx/USD", "bid": 100.5, "bid_qty": 1, "ask": 0, "ask_qty": 0}

    (ticker,) = receive("ticker", [row], Subscription(Channel.TICKER, ANET))

    assert isinstance(ticker, Ticker)
    assert (ticker.bid, ticker.bid_quantity) == (Decimal("100.5"), Decimal(1))
    assert (ticker.ask, ticker.ask_quantity, ticker.mid, ticker.last) == (None, None, None, None)


@pytest.mark.parametrize("cut", ["last", "change", "vwap", "trades", "timestamp"])
def test_a_ticker_may_lack_fields(cut: str) -> None:
    row: dict[str, Any] = {"symbol": "BTC/USD", "bid": 1, "bid_qty": 1, "ask": 2, "last": 2}
    row |= {"volume": 5, "vwap": 2, "low": 1, "high": 2, "change": 1, "change_pct": 100}
    for odd in (row | {cut: None}, {name: one for name, one in row.items() if name != cut}):
        (ticker,) = receive("ticker", [odd], Subscription(Channel.TICKER, BTC))

        assert isinstance(ticker, Ticker)
        assert ticker.bid == 1
        assert ticker.open == (None if cut in {"last", "change"} else 1)


def test_a_trade_may_lack_its_order_type_and_time() -> None:
    row = {"symbol": "BTC/USD", "side": "buy", "price": 1, "qty": 2, "trade_id": 7}

    (trade,) = receive("trade", [row], Subscription(Channel.TRADE, BTC))

    assert isinstance(trade, Trade)
    assert (trade.order_type, trade.venue_ns, trade.trade_id) == ("", None, "7")


@pytest.mark.parametrize("sides", [{"bids": []}, {"bids": [], "asks": None}, {}])
def test_an_update_may_be_of_one_side_alone(sides: dict[str, Any]) -> None:
    data = {"symbol": "BTC/USD", "checksum": 5, **sides}

    (update,) = receive("book", [data], Subscription(Channel.BOOK, BTC, 10))

    assert isinstance(update, BookUpdate)
    assert (update.bids, update.asks, update.checksum) == ((), (), 5)


def test_a_level3_snapshot_may_be_of_one_side_alone() -> None:
    protocol = KrakenProtocol()
    protocol.subscribe([Subscription(Channel.LEVEL3, BTC, 10)])
    data = {"symbol": "BTC/USD", "checksum": 5}
    frame = {"channel": "level3", "type": "snapshot", "data": [data]}

    _, snapshot = protocol.receive(json.dumps(frame).encode(), NOW)

    assert isinstance(snapshot, Level3Snapshot)
    assert snapshot.bids == snapshot.asks == ()


PAIR = {
    "symbol": "BTC/USD",
    "base": "BTC",
    "quote": "USD",
    "status": "online",
    "qty_precision": 8,
    "qty_increment": 1e-08,
    "price_precision": 1,
    "price_increment": 0.1,
    "qty_min": 0.0001,
}


@pytest.mark.parametrize(
    "odd",
    [
        {"qty_min": None},
        {"qty_min": -1},
        {"price_increment": 0},
        {"qty_increment": "NaN"},
        {"price_precision": -1},
        {"qty_precision": 10**9},
        {"status": None},
        {"base": None},
        {"base": "XBT"},  # no symbol is made from spelling, and none is believed against its fields
        {"symbol": "BTCUSD"},
        {"cost_min": "a lot"},
    ],
)
def test_a_market_with_impossible_rules_is_left_out(odd: dict[str, Any]) -> None:
    rows = [PAIR | odd, PAIR | {"symbol": "ETH/USD", "base": "ETH"}]
    instruments = Subscription(Channel.INSTRUMENT)

    left_out, market = receive("instrument", {"pairs": rows}, instruments)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (instruments, 1)
    assert isinstance(market, Instrument)
    assert market.symbol == "ETH/USD"


@pytest.mark.parametrize(
    "spare", [{"marginable": None}, {"has_index": None}, {"cost_min": None}, {"tick_size": "?"}]
)
def test_a_market_may_lack_fields_that_are_not_used(spare: dict[str, Any]) -> None:
    (market,) = receive(
        "instrument",
        {"pairs": [PAIR | spare | {"status": "a new one"}], "assets": "?"},
        Subscription(Channel.INSTRUMENT),
    )

    assert isinstance(market, Instrument)
    assert market.status is InstrumentStatus.OTHER
