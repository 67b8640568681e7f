"""OKX's REST half: the documented shape of each answer, and its refusals.

https://www.okx.com/docs-v5/en/#public-data-rest-api and #order-book-trading-market-data
"""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.okx.server.rest import OkxRest
from fluxum.venues.okx.venue import OKX
from fluxum.venues.server.contract import Answer
from fluxum.venues.venue import Fetch

BTC, UNI, DATED = Symbol("BTC/USDT"), Symbol("UNI/USD:PERP"), Symbol("BTC/USD:220527")
NOW = 1_790_358_506_844 * 1_000_000


class Stopped:
    """A clock that shows one instant."""

    def now_ns(self) -> int:
        return NOW


def exchange() -> SimulatedExchange:
    return SimulatedExchange(
        OKX, (BTC, UNI, DATED), seed=1, clock=Stopped(), resolution_ns=1_000_000
    )


def call(path: str, view: SimulatedExchange | None = None) -> Answer:
    return OkxRest(view or exchange()).answer(Fetch("GET", f"/api/v5/{path}", ""), NOW)


def data_of(path: str, view: SimulatedExchange | None = None) -> list[Any]:
    answer = call(path, view)
    assert answer.status == 200, answer
    envelope = json.loads(answer.body)
    assert list(envelope) == ["code", "msg", "data"]
    assert (envelope["code"], envelope["msg"]) == ("0", "")
    data: list[Any] = envelope["data"]
    return data


def test_the_time_is_milliseconds_in_text() -> None:
    assert data_of("public/time") == [{"ts": "1790358506844"}]


def test_no_maintenance_is_planned() -> None:
    assert data_of("system/status") == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("SPOT", ["BTC-USDT"]),
        ("SWAP", ["UNI-USD-SWAP"]),
        ("FUTURES", ["BTC-USD-220527"]),
        ("OPTION", []),
        ("MARGIN", []),
    ],
)
def test_instruments_are_listed_by_kind(kind: str, names: list[str]) -> None:
    listed = data_of(f"public/instruments?instType={kind}")

    assert [one["instId"] for one in listed] == names
    assert {one["instType"] for one in listed} <= {kind}


def test_a_derivative_names_a_family_and_no_currencies() -> None:
    (spot,) = data_of("public/instruments?instType=SPOT&instId=BTC-USDT")
    (swap,) = data_of("public/instruments?instType=SWAP")

    assert (spot["baseCcy"], spot["quoteCcy"], spot["uly"], spot["ctVal"]) == (
        "BTC",
        "USDT",
        "",
        "",
    )
    assert (swap["baseCcy"], swap["quoteCcy"], swap["uly"], swap["settleCcy"]) == (
        "",
        "",
        "UNI-USD",
        "USD",
    )
    assert (spot["tickSz"], spot["lotSz"], spot["minSz"], spot["state"]) == (
        "0.1",
        "0.00000001",
        "0.0001",
        "live",
    )


def test_a_book_is_that_of_the_stream() -> None:
    view = exchange()

    (book,) = data_of("market/books?instId=BTC-USDT&sz=3", view)

    assert list(book) == ["asks", "bids", "ts", "seqId"]
    assert [Decimal(row[0]) for row in book["bids"]] == [
        level.price for level in view.levels(BTC, Side.BUY, 3)
    ]
    assert [len(row) for row in book["asks"]] == [4, 4, 4]
    assert book["seqId"] == view.revision(BTC)
    assert len(data_of("market/books?instId=BTC-USDT", view)[0]["asks"]) == 1


def test_tickers_by_kind_and_one_by_name() -> None:
    (one,) = data_of("market/ticker?instId=UNI-USD-SWAP")

    assert data_of("market/tickers?instType=SWAP") == [one]
    assert (one["instType"], one["instId"]) == ("SWAP", "UNI-USD-SWAP")


def test_candles_are_rows_newest_first() -> None:
    view = exchange()
    everything = data_of("market/candles?instId=BTC-USDT&bar=1m", view)

    starts = [int(row[0]) for row in everything]
    assert starts == sorted(starts, reverse=True)
    assert {len(row) for row in everything} == {9}
    assert {row[8] for row in everything[1:]} == {"1"}
    assert data_of("market/candles?instId=BTC-USDT&limit=2", view) == everything[:2]
    older = data_of(f"market/candles?instId=BTC-USDT&after={starts[1]}&limit=1", view)
    assert older == everything[2:3]
    newer = data_of(f"market/history-candles?instId=BTC-USDT&before={starts[2]}", view)
    assert newer == everything[:2]


def test_trades_are_sent_newest_first() -> None:
    view = exchange()

    trades = data_of("market/trades?instId=BTC-USDT&limit=2", view)

    last = view.trades(BTC, 2)
    assert [one["tradeId"] for one in trades] == [last[1].trade_id, last[0].trade_id]
    assert list(trades[0]) == ["instId", "tradeId", "px", "sz", "side", "ts", "source"]


def test_older_trades_are_listed_by_their_id_or_time() -> None:
    view = exchange()
    newest, second, third = data_of("market/history-trades?instId=BTC-USDT&limit=3", view)
    path = "market/history-trades?instId=BTC-USDT"

    assert data_of(f"{path}&after={newest['tradeId']}&limit=2", view) == [second, third]
    assert data_of(f"{path}&before={third['tradeId']}", view) == [newest, second]
    by_time = data_of(f"{path}&type=2&after={newest['ts']}&limit=1", view)
    assert int(by_time[0]["ts"]) < int(newest["ts"])
    assert len(data_of(f"{path}&limit=500", view)) == 100


def test_the_mark_and_the_index_of_a_market_are_its_last_price() -> None:
    view = exchange()
    (ticker,) = data_of("market/ticker?instId=UNI-USD-SWAP", view)

    (mark,) = data_of("public/mark-price?instType=SWAP&instId=UNI-USD-SWAP", view)
    (index,) = data_of("market/index-tickers?instId=UNI-USD", view)

    # https://www.okx.com/docs-v5/en/#public-data-rest-api-get-mark-price and -get-index-tickers
    assert mark == {
        "instType": "SWAP",
        "instId": "UNI-USD-SWAP",
        "markPx": ticker["last"],
        "ts": "1790358506844",
    }
    assert (index["instId"], index["idxPx"]) == ("UNI-USD", ticker["last"])
    by_quote = data_of("market/index-tickers?quoteCcy=USD", view)
    assert [one["instId"] for one in by_quote] == ["UNI-USD", "BTC-USD"]


def test_contracts_are_listed_with_their_size_and_counted_in_it() -> None:
    linear, inverse = Symbol("BTC/USDT:PERP"), Symbol("BTC/USD:220527-INVERSE")
    view = SimulatedExchange(
        OKX, (linear, inverse), seed=1, clock=Stopped(), resolution_ns=1_000_000
    )

    (swap,) = data_of("public/instruments?instType=SWAP", view)
    (future,) = data_of("public/instruments?instType=FUTURES", view)
    (book,) = data_of("market/books?instId=BTC-USDT-SWAP", view)

    facts = ("ctType", "ctVal", "ctMult", "ctValCcy", "settleCcy", "lotSz", "minSz", "expTime")
    listed = ["linear", "0.01", "1", "BTC", "USDT", "0.000001", "0.01", ""]
    assert [swap[name] for name in facts] == listed
    assert [future[name] for name in facts][:5] == ["inverse", "100", "1", "USD", "BTC"]
    assert future["expTime"] == "1653638400000"  # 2022-05-27 08:00 UTC
    (best,) = view.levels(linear, Side.BUY, 1)
    assert Decimal(book["bids"][0][1]) == best.quantity * 100


@pytest.mark.parametrize(
    ("path", "status", "code", "text"),
    [
        ("market/books?instId=NO-SUCH", 200, "51001", "Instrument ID does not exist"),
        ("market/ticker", 400, "50014", "Parameter instId can not be empty."),
        ("public/instruments", 400, "50014", "Parameter instType can not be empty."),
        ("public/instruments?instType=X", 400, "51000", "Parameter instType error"),
        ("public/instruments?instType=SPOT&instId=X-Y", 200, "51001", "Instrument ID does not"),
        ("market/candles?instId=BTC-USDT&bar=7m", 400, "51000", "Parameter bar error"),
        ("market/trades?instId=BTC-USDT&limit=-1", 400, "51000", "Parameter limit error"),
        ("market/index-tickers", 400, "50014", "Either parameter instId or quoteCcy is required"),
        ("trade/order", 401, "50111", "Invalid OK-ACCESS-KEY"),
        ("trade/dance", 404, "404", "Not Found"),
    ],
)
def test_refusals_are_in_the_same_envelope(path: str, status: int, code: str, text: str) -> None:
    answer = call(path)

    envelope = json.loads(answer.body)
    assert (answer.status, envelope["code"], envelope["data"]) == (status, code, [])
    assert envelope["msg"].startswith(text)


def test_only_questions_are_answered() -> None:
    assert OkxRest(exchange()).answer(Fetch("POST", "/api/v5/public/time", ""), NOW).status == 404


def test_the_eleventh_call_in_two_seconds_is_one_too_many() -> None:
    rest = OkxRest(exchange())
    call = Fetch("GET", "/api/v5/public/time", "")
    for _ in range(10):
        assert rest.answer(call, NOW).status == 200

    refused = rest.answer(call, NOW + 1_999_999_999)
    later = rest.answer(call, NOW + 2_000_000_000)

    assert (refused.status, json.loads(refused.body)["code"]) == (429, "50011")
    assert later.status == 200
