"""Tests of `rest_server`: public calls, by the published payloads."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from box import BTC, START, Box
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.venues.kraken.queries import KrakenMarketQueries
from fluxum.venues.kraken.server.legacy import asset_name, pair_altname, pair_name, ws_name
from fluxum.venues.kraken.server.rest import KrakenRest
from fluxum.venues.venue import Fetch

SECOND = START // 10**9


def call_rest(box: Box, call: str) -> dict[str, Any]:
    answer = KrakenRest(box.exchange).answer(Fetch("GET", f"/0/public/{call}", ""), box.time_ns)
    assert answer.status == 200
    return msgspec.json.decode(answer.body, type=dict[str, Any])


def result(box: Box, call: str) -> Any:
    envelope = call_rest(box, call)
    assert envelope["error"] == []
    return envelope["result"]


def still() -> Box:
    box = Box()
    box.write(["26000.0 1", "25999.9 2.5"], ["27000.0 1"])
    box.add(Side.BUY, "27000.0", "0.1")
    return box


# https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs, captured names
@pytest.mark.parametrize(
    ("symbol", "name", "altname", "ws"),
    [
        ("BTC/USD", "XXBTZUSD", "XBTUSD", "XBT/USD"),
        ("ETH/BTC", "XETHXXBT", "ETHXBT", "ETH/XBT"),
        ("DOGE/USD", "XDGUSD", "XDGUSD", "XDG/USD"),
        ("SOL/USD", "SOLUSD", "SOLUSD", "SOL/USD"),
        ("BTC/USDT", "XBTUSDT", "XBTUSDT", "XBT/USDT"),
    ],
)
def test_markets_have_older_names(symbol: str, name: str, altname: str, ws: str) -> None:
    market = Symbol(symbol)

    assert (pair_name(market), pair_altname(market), ws_name(market)) == (name, altname, ws)


@pytest.mark.parametrize(
    ("asset", "name"), [("BTC", "XXBT"), ("DOGE", "XXDG"), ("USD", "ZUSD"), ("SOL", "SOL")]
)
def test_assets_have_older_names(asset: str, name: str) -> None:
    assert asset_name(Asset(asset)) == name


def test_the_clock_is_listed_in_two_forms() -> None:
    # The second is rest_time, as published.
    box = Box()
    assert result(box, "Time") == {
        "unixtime": 1_767_225_600,
        "rfc1123": "Thu, 01 Jan 26 00:00:00 +0000",
    }
    box.time_ns = 1_688_669_448 * 10**9

    assert result(box, "Time")["rfc1123"] == "Thu, 06 Jul 23 18:50:48 +0000"


def test_the_engines_status_is_listed() -> None:
    box = Box()
    box.exchange.set_status("post_only")

    assert result(box, "SystemStatus") == {
        "status": "post_only",
        "timestamp": "2026-01-01T00:00:00Z",
    }


def test_assets_are_listed() -> None:
    listed = result(Box(), "Assets")

    assert set(listed) == {"XXBT", "ZUSD", "XETH"}
    # rest_assets
    assert listed["XXBT"] == {
        "aclass": "currency",
        "altname": "XBT",
        "decimals": 10,
        "display_decimals": 5,
        "collateral_value": 1,
        "status": "enabled",
    }
    assert set(result(Box(), "Assets?asset=BTC,ZUSD")) == {"XXBT", "ZUSD"}
    assert call_rest(Box(), "Assets?asset=XYZ")["error"] == ["EQuery:Unknown asset"]


def test_markets_are_listed() -> None:
    listed = result(Box(), "AssetPairs")

    assert set(listed) == {"XXBTZUSD", "XETHZUSD"}
    row = listed["XXBTZUSD"]
    assert (row["altname"], row["wsname"], row["base"], row["quote"]) == (
        "XBTUSD",
        "XBT/USD",
        "XXBT",
        "ZUSD",
    )
    assert (row["pair_decimals"], row["lot_decimals"], row["tick_size"]) == (1, 8, "0.1")
    assert (row["ordermin"], row["costmin"]) == ("0.0001", "0.5")
    assert row["fees"][0] == [0, 0.4]
    assert row["fees_maker"][-1] == [10_000_000, 0.0]
    assert set(result(Box(), "AssetPairs?pair=XBTUSD")) == {"XXBTZUSD"}


def test_markets_of_tokenised_assets_are_a_list_of_their_own_which_is_empty() -> None:
    assert result(Box(), "AssetPairs?aclass_base=tokenized_asset") == {}
    assert result(Box(), "Assets?aclass=tokenized_asset") == {}
    assert set(result(Box(), "AssetPairs?aclass_base=currency")) == {"XXBTZUSD", "XETHZUSD"}
    refused = call_rest(Box(), "AssetPairs?aclass_base=stones")
    assert refused["error"] == ["EGeneral:Invalid arguments:aclass_base"]


def test_a_part_of_the_fields_of_markets_can_be_requested() -> None:
    row = result(Box(), "AssetPairs?pair=XBTUSD&info=margin")["XXBTZUSD"]

    assert row == {"margin_call": 80, "margin_stop": 40}
    assert call_rest(Box(), "AssetPairs?info=all")["error"] == ["EGeneral:Invalid arguments:info"]


def test_the_best_prices_are_listed() -> None:
    # https://docs.kraken.com/api/docs/rest-api/get-recent-spreads
    assert result(still(), "Spread?pair=XBTUSD") == {
        "XXBTZUSD": [[SECOND, "26000.00000", "27000.00000"]],
        "last": SECOND,
    }


def test_a_book_is_listed() -> None:
    box = still()

    (book,) = result(box, "Depth?pair=XBTUSD&count=2").values()

    assert book == {
        "asks": [["27000.00000", "0.90000000", SECOND]],
        "bids": [
            ["26000.00000", "1.00000000", SECOND],
            ["25999.90000", "2.50000000", SECOND],
        ],
    }


def test_results_are_keyed_by_the_name_with_a_slash_that_was_requested() -> None:
    assert list(result(still(), "Depth?pair=BTC/USD")) == ["BTC/USD"]
    assert list(result(still(), "Depth?pair=XBTUSD")) == ["XXBTZUSD"]
    for call in ("AssetPairs", "Ticker"):
        assert list(result(still(), f"{call}?pair=BTC/USD")) == ["BTC/USD"]
        assert list(result(still(), f"{call}?pair=XBT/USD,XETHZUSD")) == ["XBT/USD", "XETHZUSD"]


def test_trades_are_listed_with_a_cursor() -> None:
    box = still()
    last = box.exchange.trades(BTC, 1)[0]

    rows = result(box, "Trades?pair=XBTUSD&count=2")
    later = result(box, f"Trades?pair=XBTUSD&since={rows['last']}")

    row = rows["XXBTZUSD"][-1]
    assert row[:2] == ["27000.00000", "0.10000000"]
    assert row[3:] == ["b", "l", "", int(last.trade_id)]
    assert rows["last"] == str(last.received_ns)
    assert (later["XXBTZUSD"], later["last"]) == ([], rows["last"])


def test_candles_are_listed_with_the_last_committed_one() -> None:
    box = still()

    answer = result(box, "OHLC?pair=XBTUSD&interval=1")

    rows = answer["XXBTZUSD"]
    assert rows[-1][0] == SECOND  # the running one
    assert rows[-1][1:5] == ["27000.0"] * 4
    assert answer["last"] == rows[-2][0]
    assert call_rest(box, "OHLC?pair=XBTUSD&interval=2")["error"] != []


def test_a_ticker_is_listed() -> None:
    (row,) = result(still(), "Ticker?pair=XBTUSD").values()

    assert row["a"] == ["27000.00000", "1", "0.90000000"]
    assert row["b"][0] == "26000.00000"
    assert row["c"] == ["27000.00000", "0.10000000"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("Depth?pair=XYZ", "EQuery:Unknown asset pair"),
        ("Depth", "EQuery:Unknown asset pair"),
        ("Depth?pair=XBTUSD&count=0", "EGeneral:Invalid arguments:count"),
        ("Trades?pair=XBTUSD&since=soon", "EGeneral:Invalid arguments:since"),
        ("Sing", "EGeneral:Unknown method"),
    ],
)
def test_what_cannot_be_answered_is_refused(call: str, error: str) -> None:
    assert call_rest(still(), call) == {"error": [error]}


def test_our_own_questions_are_answered() -> None:
    box, queries = still(), KrakenMarketQueries()
    rest = KrakenRest(box.exchange)

    def answer(query: Any) -> Any:
        return query.read(rest.answer(query.fetch, box.time_ns).body, box.time_ns)

    instruments = answer(queries.instruments())
    book = answer(queries.book(BTC, 10))
    trades = answer(queries.trades(BTC))

    ticker = answer(queries.ticker(BTC))

    assert answer(queries.time()) == START
    assert (ticker.bid, ticker.ask) == (book.bids[0].price, book.asks[0].price)
    assert answer(queries.status()).value == "online"
    for ours, theirs in zip(instruments.items, box.exchange.instruments(), strict=True):
        assert (ours.symbol, ours.tick, ours.lot, ours.quantity_min) == (
            theirs.symbol,
            theirs.tick,
            theirs.lot,
            theirs.quantity_min,
        )
    assert [level.price for level in book.bids] == [Decimal(26000), Decimal("25999.9")]
    assert [one.trade_id for one in trades.items] == [
        one.trade_id for one in box.exchange.trades(BTC, 1000)
    ]
    candles = answer(queries.candles(BTC, 60)).items
    assert candles[-1].closed is False
    assert answer(queries.candles(BTC, 60, candles[3].start_ns)).items == candles[3:]
