"""Tests of both REST halves, in the shapes their documents publish."""

import json
from typing import Any

import pytest

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.venues.coinbase.advanced.protocol import AdvancedProtocol
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from fluxum.venues.coinbase.server.advanced_rest import AdvancedRest
from fluxum.venues.coinbase.server.exchange_rest import ExchangeRest
from fluxum.venues.coinbase.venue import COINBASE, COINBASE_EXCHANGE
from fluxum.venues.venue import Fetch
from venues.coinbase.market import NOW, Market

ROOT = "/api/v3/brokerage"
ROW = {"price": "101.5", "size": "2"}


def advanced(path: str, status: int = 200, method: str = "GET") -> Any:
    answer = AdvancedRest(Market(COINBASE)).answer(Fetch(method, path, ""), NOW)
    assert answer.status == status
    return json.loads(answer.body)


def exchange(path: str, status: int = 200, method: str = "GET") -> Any:
    rest = ExchangeRest(Market(COINBASE_EXCHANGE))
    answer = rest.answer(Fetch(method, path, ""), NOW)
    assert answer.status == status
    return json.loads(answer.body)


def test_advanced_trade_tells_the_time_as_text() -> None:
    assert advanced(f"{ROOT}/time") == {
        "iso": "2026-08-09T21:05:48.228568Z",
        "epochSeconds": "1786309548",
        "epochMillis": "1786309548228",
    }


def test_the_list_of_advanced_trade_is_what_its_protocol_reads() -> None:
    body = json.dumps(advanced(f"{ROOT}/market/products")).encode()

    protocol = AdvancedProtocol()
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])
    _, published = protocol.receive_response(Fetch("GET", "", ""), body, NOW)

    assert isinstance(published, Instrument)
    truth = Market(COINBASE).instrument
    assert (published.symbol, published.tick, published.lot) == (
        truth.symbol,
        truth.tick,
        truth.lot,
    )
    one = advanced(f"{ROOT}/market/products/BTC-USD")
    assert (one["product_type"], one["price"]) == ("SPOT", "101.5")


def test_advanced_trade_tells_books_trades_and_candles() -> None:
    book = advanced(f"{ROOT}/market/product_book?product_id=BTC-USD&limit=1")["pricebook"]
    assert (book["product_id"], book["asks"]) == ("BTC-USD", [ROW])
    published = advanced(f"{ROOT}/market/products/BTC-USD/ticker?limit=5")
    assert (published["best_bid"], published["trades"][0]["side"]) == ("100.5", "SELL")
    candles = f"{ROOT}/market/products/BTC-USD/candles?granularity=ONE_HOUR"
    (candle,) = advanced(candles)["candles"]
    assert candle == {
        "start": "1786309200",
        "low": "101.5",
        "high": "101.5",
        "open": "101.5",
        "close": "101.5",
        "volume": "0.25",
    }
    assert advanced(f"{candles}&start=1786309201&end=1786309999") == {"candles": []}


def test_advanced_trade_lists_what_is_requested() -> None:
    every = advanced(f"{ROOT}/market/products?product_type=SPOT&limit=5")
    assert every["num_products"] == 1
    assert every["pagination"]["has_next"] is False
    assert every["products"][0]["alias_to"] == ["BTC-USDC"]
    assert advanced(f"{ROOT}/market/products?product_type=FUTURE")["products"] == []
    assert advanced(f"{ROOT}/market/products?product_ids=ETH-USD")["products"] == []
    named = advanced(f"{ROOT}/market/products?product_ids=ETH-USD&product_ids=BTC-USD")
    assert [one["product_id"] for one in named["products"]] == ["BTC-USD"]


def test_advanced_trade_lists_candles_of_350_intervals_at_most() -> None:
    path = f"{ROOT}/market/products/BTC-USD/candles?granularity=ONE_MINUTE&start=1786309500"

    assert len(advanced(f"{path}&end={1786309500 + 349 * 60}")["candles"]) == 1
    refused = advanced(f"{path}&end={1786309500 + 350 * 60}", 400)
    assert refused["message"] == "number of candles requested should be less than 350 "


def test_advanced_trade_lists_trades_between_two_seconds() -> None:
    path = f"{ROOT}/market/products/BTC-USD/ticker?limit=5"

    assert len(advanced(f"{path}&start=1786309548&end=1786309548")["trades"]) == 1
    assert advanced(f"{path}&start=1786309549")["trades"] == []
    assert advanced(f"{path}&end=1786309547")["trades"] == []


def test_the_older_calls_of_the_host_are_answered() -> None:
    # https://docs.cdp.coinbase.com/coinbase-app/track-apis/time and its neighbours
    assert advanced("/v2/time")["data"] == {"iso": "2026-08-09T21:05:48Z", "epoch": 1786309548}
    assert {one["id"] for one in advanced("/v2/currencies")["data"]} == {"USD", "EUR", "GBP"}
    (bitcoin,) = advanced("/v2/currencies/crypto")["data"]
    assert (bitcoin["code"], bitcoin["type"]) == ("BTC", "crypto")
    rates = advanced("/v2/exchange-rates?currency=BTC")["data"]
    assert rates == {"currency": "BTC", "rates": {"BTC": "1", "USD": "101.5"}}
    assert advanced("/v2/exchange-rates")["data"]["rates"]["BTC"] == "0.0098522167487685"
    spot = {"amount": "101.5", "base": "BTC", "currency": "USD"}
    assert advanced("/v2/prices/BTC-USD/spot")["data"] == spot
    assert advanced("/v2/prices/BTC-USD/sell")["data"]["amount"] == "100.5"
    assert advanced("/v2/prices/NO-SUCH/spot", 404)["errors"][0]["id"] == "not_found"
    advanced("/v2/nothing", 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        (f"{ROOT}/market/nothing", 404),
        (f"{ROOT}/market/products/NO-SUCH", 404),
        (f"{ROOT}/market/products/BTC-USD/nothing", 404),
        (f"{ROOT}/market/products/BTC-USD/candles?granularity=ONE_YEAR", 400),
        (f"{ROOT}/accounts", 401),
    ],
)
def test_advanced_trade_refuses_the_rest(path: str, status: int) -> None:
    advanced(path, status)


def test_only_questions_are_answered() -> None:
    advanced(f"{ROOT}/time", 401, "POST")  # what posts is a command, and needs a token
    exchange("/time", 404, "POST")


def test_the_exchange_tells_the_time_as_a_number() -> None:
    answer = ExchangeRest(Market(COINBASE_EXCHANGE)).answer(Fetch("GET", "/time", ""), NOW)

    assert answer.body == b'{"iso":"2026-08-09T21:05:48.228568Z","epoch":1786309548.228}'


def test_the_list_of_the_exchange_is_what_its_protocol_reads() -> None:
    body = json.dumps(exchange("/products")).encode()

    protocol = ExchangeProtocol()
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])
    _, published = protocol.receive_response(Fetch("GET", "", ""), body, NOW)

    assert isinstance(published, Instrument)
    truth = Market(COINBASE_EXCHANGE).instrument
    assert (published.symbol, published.tick, published.lot) == (
        truth.symbol,
        truth.tick,
        truth.lot,
    )
    assert exchange("/products/BTC-USD")["id"] == "BTC-USD"


def test_the_exchange_tells_books_tickers_trades_and_candles() -> None:
    book = exchange("/products/BTC-USD/book?level=2")
    ((price, size, orders),) = book["asks"]
    assert (price, float(size), orders) == ("101.5", 2.0, 1)
    assert book["sequence"] == Market(COINBASE_EXCHANGE).moves * 100
    ticker = exchange("/products/BTC-USD/ticker")
    assert (ticker["bid"], ticker["trade_id"]) == ("100.5", 1)
    assert exchange("/products/BTC-USD/stats")["open"] == "101.5"
    (trade,) = exchange("/products/BTC-USD/trades?limit=5")
    assert (trade["trade_id"], trade["side"]) == (1, "sell")
    answer = ExchangeRest(Market(COINBASE_EXCHANGE)).answer(
        Fetch("GET", "/products/BTC-USD/candles?granularity=3600", ""), NOW
    )
    assert answer.body == b"[[1786309200,101.5,101.5,101.5,101.5,0.25]]"
    late = "granularity=3600&start=2026-08-10T00:00:00Z&end=2026-08-11T00:00:00Z"
    assert exchange(f"/products/BTC-USD/candles?{late}") == []


def test_the_exchange_lists_candles_of_300_intervals_at_most() -> None:
    path = "/products/BTC-USD/candles?granularity=60&start=2026-08-09T21:05:00Z"

    assert len(exchange(f"{path}&end=2026-08-10T02:04:00Z")) == 1
    refused = exchange(f"{path}&end=2026-08-10T02:05:00Z", 400)
    assert "Count of aggregations requested exceeds 300" in refused["message"]
    in_seconds = "granularity=60&start=1786309500&end=1786309560"
    assert len(exchange(f"/products/BTC-USD/candles?{in_seconds}")) == 1


def test_the_exchange_lists_trades_by_cursors() -> None:
    market = Market(COINBASE_EXCHANGE)
    for _ in range(4):
        market.trade(Side.BUY, "101.5", "1")

    def listed(query: str) -> tuple[list[int], dict[str, str]]:
        call = Fetch("GET", f"/products/BTC-USD/trades?{query}", "")
        answer = ExchangeRest(market).answer(call, NOW)
        return [one["trade_id"] for one in json.loads(answer.body)], dict(answer.headers)

    assert listed("limit=2") == ([5, 4], {"CB-BEFORE": "5", "CB-AFTER": "4"})
    assert listed("limit=2&after=4") == ([3, 2], {"CB-BEFORE": "3", "CB-AFTER": "2"})
    assert listed("before=3") == ([5, 4], {"CB-BEFORE": "5", "CB-AFTER": "4"})
    assert listed("after=1") == ([], {})


def test_the_exchange_lists_currencies() -> None:
    assert [one["id"] for one in exchange("/currencies")] == ["BTC", "USD"]
    assert exchange("/currencies/USD")["details"]["type"] == "fiat"
    exchange("/currencies/NONE", 404)


def test_the_exchange_draws_the_last_day_in_hours() -> None:
    answer = ExchangeRest(Market(COINBASE_EXCHANGE)).answer(
        Fetch("GET", "/products/spark-lines", ""), NOW
    )

    assert answer.body == b'{"BTC-USD":[[1786309200,101.5,101.5,101.5,101.5]]}'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/products/NO-SUCH/book", 404),
        ("/products/BTC-USD/nothing", 404),
        ("/products/BTC-USD/book?level=3", 400),
        ("/products/BTC-USD/candles?granularity=61", 400),
        ("/products/BTC-USD/candles?granularity=60&start=yesterday", 400),
    ],
)
def test_the_exchange_refuses_the_rest(path: str, status: int) -> None:
    assert exchange(path, status)["message"]
