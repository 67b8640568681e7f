"""Binance's REST half: the documented shapes, and the answers to what makes no sense."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.server.rest import BinanceRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.venue import Fetch
from venues.binance.market import BUY, MINUTE, SECOND, SELL, START, Market

MILLIS = START // 1_000_000


def call(path: str, policy: Policy = SPOT, *, status: int = 200) -> Any:
    market = Market(policy)
    market.trade(BUY, "100.5", "0.25")
    market.trade(SELL, "100", "2")
    answer = BinanceRest(policy, Snapshots(), market).answer(Fetch("GET", path, ""), START)
    assert answer.status == status, answer
    return json.loads(answer.body) if answer.body else None


def keys_of(example: str) -> set[str]:
    return set(json.loads(example))


def test_the_venue_answers_and_tells_the_time() -> None:
    assert call("/api/v3/ping") == {}
    assert call("/fapi/v1/ping", USDM) == {}
    assert call("/api/v3/time") == {"serverTime": MILLIS}


def test_a_spot_snapshot_is_as_published() -> None:
    assert call("/api/v3/depth?symbol=BTCUSDT&limit=1000") == {
        "lastUpdateId": 1002,
        "bids": [["99", "1"]],
        "asks": [["101", "1"]],
    }


def test_a_futures_snapshot_has_a_time() -> None:
    depth = call("/fapi/v1/depth?symbol=BTCUSDT&limit=5", USDM)

    assert (depth["E"], depth["T"], depth["lastUpdateId"]) == (MILLIS, MILLIS, 1002)


def test_a_spot_limit_is_cut_and_a_futures_limit_is_refused() -> None:
    assert call("/api/v3/depth?symbol=BTCUSDT&limit=9999")["bids"]
    assert call("/fapi/v1/depth?symbol=BTCUSDT&limit=25", USDM, status=400) == {
        "code": -4021,
        "msg": "25 is not valid depth limit",
    }


def test_what_weighs_too_much_for_a_minute_is_refused_until_it_is_over() -> None:
    rest = BinanceRest(SPOT, Snapshots(), Market(SPOT))
    deep = Fetch("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000", "")
    begin = START - START % MINUTE

    allowed = [rest.answer(deep, begin + 15 * SECOND) for _ in range(24)]
    refused = rest.answer(Fetch("GET", "/api/v3/ping", ""), begin + 15 * SECOND)
    later = rest.answer(deep, begin + MINUTE)

    assert {one.status for one in allowed} == {200}
    assert allowed[-1].headers["X-MBX-USED-WEIGHT-1M"] == "6000"
    assert (refused.status, refused.headers["Retry-After"]) == (429, "45")
    assert json.loads(refused.body)["code"] == -1003
    assert (later.status, later.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "250")


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("depth?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("depth?symbol=btcusdt", -1121, "Invalid symbol."),
        (
            "depth",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        (
            "depth?symbol=BTCUSDT&limit=ten",
            -1100,
            "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.",
        ),
        ("klines?symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("klines?symbol=BTCUSDT", -1120, "Invalid interval."),
        ("klines?symbol=NOSUCH&interval=1m", -1121, "Invalid symbol."),
        ("trades?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("aggTrades?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("exchangeInfo?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("ticker/24hr?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("ticker/price?symbols=%5B%22NOSUCH%22%5D", -1121, "Invalid symbol."),
        (
            "ticker/price?symbols=BTCUSDT",
            -1100,
            "Illegal characters found in parameter 'symbols'.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_venues_code(
    path: str, code: int, message: str
) -> None:
    assert call(f"/api/v3/{path}", status=400) == {"code": code, "msg": message}


@pytest.mark.parametrize("path", ["/api/v3/nosuch", "/", "/fapi/v1/depth?symbol=BTCUSDT"])
def test_other_paths_are_not_found(path: str) -> None:
    call(path, status=404)


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        (SPOT, "/fapi/v1/exchangeInfo"),
        (SPOT, "/dapi/v1/exchangeInfo"),
        (USDM, "/api/v3/exchangeInfo"),
        (USDM, "/dapi/v1/exchangeInfo?x=1"),
    ],
)
def test_lists_of_the_other_markets_are_empty(policy: Policy, path: str) -> None:
    assert call(path, policy)["symbols"] == []


def test_prices_of_futures_are_answered_in_both_versions() -> None:
    assert call("/fapi/v2/ticker/price", USDM) == call("/fapi/v1/ticker/price", USDM)


def test_only_questions_are_answered() -> None:
    answer = BinanceRest(SPOT, Snapshots(), Market(SPOT)).answer(
        Fetch("POST", "/api/v3/ping", ""), START
    )

    assert answer.status == 404


def test_trades_are_as_published() -> None:
    first, last = call("/api/v3/trades?symbol=BTCUSDT")

    assert first == {
        "id": 1,
        "price": "100.5",
        "qty": "0.25",
        "quoteQty": "25.125",
        "time": MILLIS,
        "isBuyerMaker": False,
        "isBestMatch": True,
    }
    assert (last["id"], last["isBuyerMaker"]) == (2, True)
    assert len(call("/api/v3/trades?symbol=BTCUSDT&limit=1")) == 1


def test_aggregated_trades_are_as_published() -> None:
    _, last = call("/api/v3/aggTrades?symbol=BTCUSDT")

    assert last == {
        "a": 2,
        "p": "100",
        "q": "2",
        "f": 2,
        "l": 2,
        "T": MILLIS,
        "m": True,
        "M": True,
    }


def test_candles_are_rows_as_published() -> None:
    (row,) = call("/api/v3/klines?symbol=BTCUSDT&interval=1m")

    begin = MILLIS - MILLIS % 60_000
    assert row[:6] == [begin, "100.5", "100.5", "100", "100", "2.25"]
    assert row[6] == begin + 59_999
    assert row[8] == 2
    assert len(row) == 12


def test_a_ticker_has_the_published_fields() -> None:
    published = keys_of(
        '{"symbol":"BNBBTC","priceChange":"-94.99999800","priceChangePercent":"-95.960",'
        '"weightedAvgPrice":"0.29628482","prevClosePrice":"0.10002000","lastPrice":"4.00000200",'
        '"lastQty":"200.00000000","bidPrice":"4.00000000","bidQty":"100.00000000",'
        '"askPrice":"4.00000200","askQty":"100.00000000","openPrice":"99.00000000",'
        '"highPrice":"100.00000000","lowPrice":"0.10000000","volume":"8913.30000000",'
        '"quoteVolume":"15.30000000","openTime":1499783499040,"closeTime":1499869899040,'
        '"firstId":28385,"lastId":28460,"count":76}'
    )

    one = call("/api/v3/ticker/24hr?symbol=BTCUSDT")

    assert one.keys() == published
    assert (one["lastPrice"], one["bidPrice"], one["count"], one["firstId"]) == ("100", "99", 2, 1)
    assert call("/api/v3/ticker/24hr") == [one]
    future = call("/fapi/v1/ticker/24hr?symbol=BTCUSDT", USDM)
    assert published - future.keys() == {
        "prevClosePrice",
        "bidPrice",
        "bidQty",
        "askPrice",
        "askQty",
    }


def test_the_best_levels_and_the_last_price_are_as_published() -> None:
    best = {
        "symbol": "BTCUSDT",
        "bidPrice": "99",
        "bidQty": "1",
        "askPrice": "101",
        "askQty": "1",
    }

    assert call("/api/v3/ticker/bookTicker?symbol=BTCUSDT") == best
    assert call("/fapi/v1/ticker/bookTicker", USDM) == [
        {**best, "time": MILLIS, "lastUpdateId": 1002}
    ]
    assert call("/api/v3/ticker/price?symbols=%5B%22BTCUSDT%22%5D") == [
        {"symbol": "BTCUSDT", "price": "100"}
    ]


def test_the_list_of_spot_markets_has_the_published_fields() -> None:
    info = call("/api/v3/exchangeInfo?symbol=BTCUSDT")

    assert info.keys() == {"timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"}
    (one,) = info["symbols"]
    assert one.keys() == keys_of(
        '{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,'
        '"quoteAsset":"BTC","quotePrecision":8,"quoteAssetPrecision":8,'
        '"baseCommissionPrecision":8,"quoteCommissionPrecision":8,"orderTypes":[],'
        '"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,'
        '"quoteOrderQtyMarketAllowed":true,"allowTrailingStop":false,'
        '"cancelReplaceAllowed":false,"amendAllowed":false,"pegInstructionsAllowed":true,'
        '"isSpotTradingAllowed":true,"isMarginTradingAllowed":true,"filters":[],'
        '"permissions":[],"permissionSets":[["SPOT","MARGIN"]],'
        '"defaultSelfTradePreventionMode":"NONE","allowedSelfTradePreventionModes":["NONE"]}'
    )
    filters = {rule["filterType"]: rule for rule in one["filters"]}
    assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == Decimal("0.1")
    assert Decimal(filters["LOT_SIZE"]["stepSize"]) == Decimal("0.00000001")
    assert filters["NOTIONAL"]["minNotional"] == "0.5"


def test_the_list_of_futures_has_the_kind_of_each() -> None:
    (one,) = call("/fapi/v1/exchangeInfo", USDM)["symbols"]

    assert (one["symbol"], one["pair"], one["contractType"]) == ("BTCUSDT", "BTCUSDT", "PERPETUAL")
    assert (one["marginAsset"], one["pricePrecision"], one["quantityPrecision"]) == ("USDT", 1, 8)
    assert {"filterType": "MIN_NOTIONAL", "notional": "0.5"} in one["filters"]
