"""Tests of the servers of both feeds and of REST: what they say is compared with published frames.

Sources: https://developer.gemini.com/websocket/introduction, /websocket/streams and
/websocket/archived/v2, https://docs.gemini.com/rest/market-data, and the recorded frames quoted in
the native types.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.sim.accounts import SimulatedAccounts
from fluxum.sim.instruments import listing
from fluxum.venues.gemini.server.link import GeminiServer
from fluxum.venues.gemini.server.rest import GeminiRest
from fluxum.venues.gemini.server.v2 import GeminiV2Server
from fluxum.venues.gemini.venue import GEMINI
from fluxum.venues.server.accounts import Accounts
from fluxum.venues.server.contract import NoticeServer, Outgoing, StatusServer
from fluxum.venues.venue import Fetch

BTC, PERP = Symbol("BTC/USD"), Symbol("BTC/USDC:PERP")
BUY, SELL = Side.BUY, Side.SELL
NOW = 1_790_358_506_844_000_000
SECOND = 1_000_000_000
Message = dict[str, Any]


class View:
    """A book of plain levels, and whatever trades and candles are put in; no accounts."""

    status = "online"

    @property
    def accounts(self) -> Accounts:
        return SimulatedAccounts(
            "here",
            {},
            Random(1),
            lambda _symbol, _act: NOW,
            lambda: NOW,
            lambda: None,
            lambda _fault: False,
        )

    def __init__(self) -> None:
        self.number = 1000
        self.sides: dict[Side, dict[Decimal, Level]] = {BUY: {}, SELL: {}}
        self.made_trades: list[Trade] = []
        self.made_candles: list[Candle] = []
        self.made_ticker = Ticker(venue="here", symbol=BTC, received_ns=NOW)

    def instruments(self) -> Sequence[Instrument]:
        return [listing(GEMINI, symbol, 0).instrument for symbol in (BTC, PERP)]

    def book(self, symbol: Symbol) -> Level3Book:
        raise NotImplementedError(symbol)

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        best_first = sorted(self.sides[side], reverse=side is BUY)
        return [self.sides[side][price] for price in best_first[:count]]

    def revision(self, symbol: Symbol) -> int:
        return self.number

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        return self.made_trades[-count:] if count else []

    def ticker(self, symbol: Symbol) -> Ticker:
        return self.made_ticker

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        return [one for one in self.made_candles if one.interval_s == interval_s][-count:]

    def put(self, side: Side, price: str, quantity: str) -> None:
        """Change a level, or take it away with a quantity of 0; a move of the market."""
        self.number += 1
        level = Level(Decimal(price), Decimal(quantity))
        if level.quantity:
            self.sides[side][level.price] = level
        else:
            del self.sides[side][level.price]

    def trade(self, number: int, side: Side) -> None:
        self.number += 1
        self.made_trades.append(
            Trade(
                venue="here",
                symbol=BTC,
                side=side,
                price=Decimal("100.5"),
                quantity=Decimal("0.25"),
                trade_id=str(number),
                venue_ns=NOW + number * SECOND,
                received_ns=NOW,
            )
        )

    def candle(self, minute: int, close: str) -> None:
        start_ns = minute * 60 * SECOND
        self.made_candles.append(
            Candle(
                venue="here",
                symbol=BTC,
                interval_s=60,
                start_ns=start_ns,
                end_ns=start_ns + 60 * SECOND,
                open=Decimal("10.0"),
                high=Decimal("11.0"),
                low=Decimal("9.0"),
                close=Decimal(close),
                volume=Decimal("0.50"),
                received_ns=NOW,
            )
        )


def small_view() -> View:
    """100 and 99.5 against 101, as of revision 1003."""
    view = View()
    view.put(BUY, "100", "1")
    view.put(BUY, "99.5", "2")
    view.put(SELL, "101", "0.5")
    return view


def read(words: Sequence[Outgoing]) -> list[Message]:
    messages: list[Message] = []
    for word in words:
        assert isinstance(word, bytes)
        messages.append(json.loads(word))
    return messages


# The sequenced feed


def ask(server: GeminiServer, method: str, params: object = None, number: object = 1) -> Any:
    request = {"id": number, "method": method}
    if params is not None:
        request["params"] = params
    return read(server.receive(json.dumps(request).encode(), NOW))


def test_the_snapshot_comes_before_the_answer() -> None:
    server = GeminiServer(small_view())
    assert server.opened(NOW) == ()

    snapshot, answer = ask(server, "subscribe", ["btcusd@depth@100ms"], "1")

    assert snapshot == {
        "e": "depthUpdate",
        "E": NOW,
        "s": "btcusd",
        "U": 1003,
        "u": 1003,
        "b": [["100.000", "1.0000000000"], ["99.500", "2.0000000000"]],
        "a": [["101.000", "0.5000000000"]],
    }
    assert answer == {"id": "1", "status": 200}


def test_the_next_update_begins_where_the_last_one_ended() -> None:
    view = small_view()
    server = GeminiServer(view)
    ask(server, "subscribe", ["btcusd@depth"])
    view.put(BUY, "99.5", "0")
    view.number += 5  # moves that change nothing that is shown

    (first,) = read(server.publish(BTC, NOW + 7))
    assert server.publish(BTC, NOW + 8) == []
    view.number += 5
    assert server.publish(BTC, NOW + 9) == []
    view.put(SELL, "101", "0.75")
    (second,) = read(server.publish(BTC, NOW + 10))

    assert (first["E"], first["U"], first["u"]) == (NOW + 7, 1003, 1009)
    assert (first["b"], first["a"]) == ([["99.500", "0.0000000000"]], [])
    assert (second["U"], second["u"]) == (1009, 1015)
    assert (second["b"], second["a"]) == ([], [["101.000", "0.7500000000"]])
    assert server.publish(PERP, NOW) == []


def test_one_bad_name_refuses_the_whole_request() -> None:
    server = GeminiServer(small_view())

    answers = ask(server, "subscribe", ["btcusd@depth", "nosuchperp@depth@100ms"], 4)

    assert answers == [
        {
            "id": 4,
            "status": 400,
            "error": {"code": -1013, "msg": "Invalid stream name: nosuchperp@depth@100ms"},
        }
    ]
    assert ask(server, "list_subscriptions") == [{"id": 1, "status": 200, "result": None}]


@pytest.mark.parametrize("name", ["btcusd", "btcusd@", "BTCUSD@trade", "btcusd@depth7", "x@trade"])
def test_what_is_no_stream_is_refused(name: str) -> None:
    (answer,) = ask(GeminiServer(small_view()), "unsubscribe", [name])

    assert answer["error"] == {"code": -1013, "msg": f"Invalid stream name: {name}"}


def test_a_stream_ends_and_begins_with_a_snapshot_again() -> None:
    view = small_view()
    server = GeminiServer(view)
    ask(server, "SUBSCRIBE", ["btcusd@depth"])
    assert len(ask(server, "subscribe", ["btcusd@depth"])) == 1  # nothing anew
    (listed,) = ask(server, "list_subscriptions")
    assert listed["result"] == ["btcusd@depth"]

    assert ask(server, "UNSUBSCRIBE", ["btcusd@depth"]) == [{"id": 1, "status": 200}]
    view.put(BUY, "99", "1")
    assert server.publish(BTC, NOW) == []
    snapshot, _ = ask(server, "subscribe", ["btcusd@depth"])

    assert snapshot["U"] == snapshot["u"] == 1004
    assert len(snapshot["b"]) == 3


def test_a_ticker_is_published_at_once_and_when_the_best_changes() -> None:
    view = small_view()
    server = GeminiServer(view)
    first, _ = ask(server, "subscribe", ["btcusd@bookTicker"])
    view.put(BUY, "99.5", "3")
    assert server.publish(BTC, NOW) == []
    view.put(SELL, "101", "0")

    (second,) = read(server.publish(BTC, NOW + 1))

    assert first == {
        "u": 1003,
        "E": NOW,
        "s": "btcusd",
        "b": "100.000",
        "B": "1.0000000000",
        "a": "101.000",
        "A": "0.5000000000",
    }
    assert (second["b"], second["a"], second["A"]) == ("100.000", "", "")


def test_trades_are_published_from_now_on_one_to_a_frame() -> None:
    view = small_view()
    view.trade(1, BUY)
    server = GeminiServer(view)
    assert len(ask(server, "subscribe", ["btcusd@trade"])) == 1
    assert server.publish(BTC, NOW) == []
    view.trade(2, SELL)
    view.trade(3, BUY)

    first, second = read(server.publish(BTC, NOW))

    assert first == {
        "E": NOW + 2 * SECOND,
        "s": "btcusd",
        "t": 2,
        "p": "100.500",
        "q": "0.2500000000",
        "m": True,
    }
    assert (second["t"], second["m"]) == (3, False)


def test_a_partial_book_is_published_whole() -> None:
    view = small_view()
    server = GeminiServer(view)
    first, _ = ask(server, "subscribe", ["btcusd@depth5@100ms"])
    assert server.publish(BTC, NOW) == []
    view.put(BUY, "100", "0")

    (second,) = read(server.publish(BTC, NOW))

    assert first == {
        "lastUpdateId": 1003,
        "bids": [["100.000", "1.0000000000"], ["99.500", "2.0000000000"]],
        "asks": [["101.000", "0.5000000000"]],
        "symbol": "btcusd",
    }
    assert second["bids"] == [["99.500", "2.0000000000"]]


def test_other_methods_are_answered_as_documented() -> None:
    server = GeminiServer(small_view())

    assert ask(server, "ping", number=100) == [{"id": 100, "status": 200}]
    assert ask(server, "time") == [{"id": 1, "status": 200, "result": NOW // 10**6}]
    (limits,) = ask(server, "conninfo")
    assert limits["rateLimits"][3] == {
        "rateLimitType": "CONNECTION_ATTEMPTS",
        "interval": "MINUTE",
        "intervalNum": 5,
        "limit": 300,
        "count": 1,
    }
    (book,) = ask(server, "depth", {"symbol": "btcusd", "limit": 1})
    assert book["result"] == {
        "lastUpdateId": 1003,
        "bids": [["100.000", "1.0000000000"]],
        "asks": [["101.000", "0.5000000000"]],
    }
    assert server.tick(NOW) == ()
    assert not isinstance(server, StatusServer | NoticeServer)


@pytest.mark.parametrize(
    ("method", "params", "status", "code"),
    [
        ("subscribe", [], 400, -1013),
        ("subscribe", {"symbol": "btcusd"}, 400, -1013),
        ("unsubscribe", None, 400, -1013),
        ("subscribe", ["orders@account"], 401, -1002),
        ("subscribe", ["btcusd@trade", "balances@account@1s"], 401, -1002),
        ("order.place", {"symbol": "btcusd"}, 401, -1002),
        ("depth", {"symbol": "btcusd", "limit": 5001}, 400, -1013),
        ("depth", {"symbol": "nosuch"}, 400, -1013),
        ("depth", ["btcusd"], 400, -1013),
        ("nosuch", None, 400, -1020),
    ],
)
def test_what_cannot_be_is_refused(method: str, params: object, status: int, code: int) -> None:
    (answer,) = ask(GeminiServer(small_view()), method, params)

    assert (answer["status"], answer["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("frame", "number"), [(b"nonsense", None), (b'{"id":"x","method":7}', "x"), (b"\xff", None)]
)
def test_nonsense_is_answered(frame: bytes, number: object) -> None:
    (answer,) = read(GeminiServer(small_view()).receive(frame, NOW))

    assert answer == {
        "id": number,
        "status": 400,
        "error": {"code": -1013, "msg": "Invalid parameters"},
    }


# Market data v2


def tell(server: GeminiV2Server, kind: str, name: str, *markets: str) -> list[Message]:
    request = {"type": kind, "subscriptions": [{"name": name, "symbols": list(markets)}]}
    return read(server.receive(json.dumps(request).encode(), NOW))


def test_the_whole_book_comes_with_the_last_fifty_trades_newest_first() -> None:
    view = small_view()
    for number in range(1, 61):
        view.trade(number, BUY)

    (published,) = tell(GeminiV2Server(view), "subscribe", "l2", "BTCUSD")

    assert list(published) == ["type", "symbol", "changes", "trades", "auction_events"]
    assert published["changes"] == [
        ["buy", "100", "1"],
        ["buy", "99.5", "2"],
        ["sell", "101", "0.5"],
    ]
    assert [trade["event_id"] for trade in published["trades"]] == list(range(60, 10, -1))
    assert published["trades"][0] == {
        "type": "trade",
        "symbol": "BTCUSD",
        "event_id": 60,
        "timestamp": NOW // 10**6 + 60_000,
        "price": "100.5",
        "quantity": "0.25",
        "side": "buy",
    }
    assert published["auction_events"] == []


def test_bare_changes_follow_with_trades_between_them() -> None:
    view = small_view()
    server = GeminiV2Server(view)
    tell(server, "subscribe", "l2", "BTCUSD")
    assert server.publish(BTC, NOW) == []
    view.trade(61, SELL)
    view.put(BUY, "100", "0")

    trade, changes = read(server.publish(BTC, NOW))

    assert (trade["type"], trade["event_id"], trade["side"]) == ("trade", 61, "sell")
    assert changes == {"type": "l2_updates", "symbol": "BTCUSD", "changes": [["buy", "100", "0"]]}
    assert tell(server, "unsubscribe", "l2", "BTCUSD") == []
    view.put(BUY, "98", "1")
    assert server.publish(BTC, NOW) == []


def test_candles_come_newest_first_and_then_the_running_one() -> None:
    view = small_view()
    view.candle(1, "10.5")
    view.candle(2, "10.6")
    server = GeminiV2Server(view)

    (published,) = tell(server, "subscribe", "candles_1m", "BTCUSD")
    assert server.publish(BTC, NOW) == []
    view.candle(3, "10.7")
    (running,) = read(server.publish(BTC, NOW))

    assert published == {
        "type": "candles_1m_updates",
        "symbol": "BTCUSD",
        "changes": [[120_000, 10.0, 11.0, 9.0, 10.6, 0.5], [60_000, 10.0, 11.0, 9.0, 10.5, 0.5]],
    }
    assert running["changes"] == [[180_000, 10.0, 11.0, 9.0, 10.7, 0.5]]


def test_a_heartbeat_comes_every_five_seconds_from_the_beginning() -> None:
    server = GeminiV2Server(small_view())
    assert server.opened(NOW) == ()

    assert server.tick(NOW + 5 * SECOND - 1) == ()
    assert read(server.tick(NOW + 5 * SECOND)) == [
        {"type": "heartbeat", "timestamp": NOW // 10**6 + 5000}
    ]
    assert server.tick(NOW + 6 * SECOND) == ()
    assert len(server.tick(NOW + 11 * SECOND)) == 1
    assert server.tick(NOW + 14 * SECOND) == ()
    assert len(server.tick(NOW + 15 * SECOND)) == 1
    assert not isinstance(server, StatusServer | NoticeServer)


def test_only_wholly_unknown_markets_are_refused() -> None:
    server = GeminiV2Server(small_view())
    no_pairs = [{"reason": "NoValidTradingPairs", "result": "error"}]

    assert tell(server, "subscribe", "l2", "btcusd") == no_pairs
    assert tell(server, "subscribe", "l2") == no_pairs
    assert [one["symbol"] for one in tell(server, "subscribe", "l2", "X", "BTCUSD")] == ["BTCUSD"]
    assert tell(server, "subscribe", "mark_price", "BTCUSDCPERP") == []


@pytest.mark.parametrize("frame", [b"nonsense", b"\xff", b"{}", b'{"type":"ping"}'])
def test_invalid_json_is_answered(frame: bytes) -> None:
    server = GeminiV2Server(small_view())

    assert server.receive(frame, NOW) == (b'{"result":"error","reason":"InvalidJson"}',)


# REST


def get(view: View, path: str, status: int = 200, method: str = "GET") -> Any:
    answer = GeminiRest(view).answer(Fetch(method, path, ""), NOW)
    assert answer.status == status, answer.body
    return json.loads(answer.body, parse_float=str)


def test_markets_and_their_rules_are_listed() -> None:
    assert get(small_view(), "/v1/symbols") == ["btcusd", "btcusdcperp"]

    spot = get(small_view(), "/v1/symbols/details/BTCUSD")
    perpetual = get(small_view(), "/v1/symbols/details/btcusdcperp")

    assert spot == {
        "symbol": "BTCUSD",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "tick_size": "1E-8",
        "quote_increment": "0.1",
        "min_order_size": "0.0001",
        "status": "open",
        "wrap_enabled": False,
        "product_type": "spot",
        "contract_type": "vanilla",
        "contract_price_currency": "USD",
    }
    assert (perpetual["product_type"], perpetual["contract_type"]) == ("swap", "linear")
    assert perpetual["symbol"] == "BTCUSDCPERP"


def test_a_book_is_cut_to_the_limits() -> None:
    view = small_view()

    book = get(view, "/v1/book/btcusd?limit_bids=1&limit_asks=0")

    assert book == {
        "bids": [{"price": "100", "amount": "1", "timestamp": "1790358506"}],
        "asks": [{"price": "101", "amount": "0.5", "timestamp": "1790358506"}],
    }
    assert len(get(view, "/v1/book/btcusd")["bids"]) == 2


def test_trades_come_newest_first() -> None:
    view = small_view()
    for number in (1, 2, 3):
        view.trade(number, SELL)

    newest, older = get(view, "/v1/trades/btcusd?since_tid=1")

    assert newest == {
        "timestamp": 1_790_358_509,
        "timestampms": 1_790_358_509_844,
        "tid": 3,
        "price": "100.5",
        "amount": "0.25",
        "exchange": "gemini",
        "type": "sell",
    }
    assert older["tid"] == 2
    assert len(get(view, "/v1/trades/btcusd?limit_trades=1")) == 1
    assert len(get(view, "/v1/trades/btcusd?timestamp=1790358508")) == 2
    assert not get(view, "/v1/trades/btcusd?limit_trades=0")


def test_trades_since_an_id_are_the_first_ones_behind_it() -> None:
    view = small_view()
    for number in (1, 2, 3):
        view.trade(number, SELL)

    (first,) = get(view, "/v1/trades/btcusd?since_tid=1&limit_trades=1")
    (latest,) = get(view, "/v1/trades/btcusd?limit_trades=1")

    assert (first["tid"], latest["tid"]) == (2, 3)


def test_tickers_and_prices() -> None:
    view = small_view()
    view.made_ticker = Ticker(
        venue="here",
        symbol=BTC,
        bid=Decimal(100),
        ask=Decimal(101),
        last=Decimal("100.5"),
        open=Decimal(90),
        high=Decimal(110),
        low=Decimal(80),
        volume=Decimal(2),
        vwap=Decimal("99.5"),
        change_percent=Decimal("11.66667"),
        received_ns=NOW,
    )

    assert get(view, "/v2/ticker/btcusd") == {
        "symbol": "BTCUSD",
        "open": "90",
        "high": "110",
        "low": "80",
        "close": "100.5",
        "changes": [],
        "bid": "100",
        "ask": "101",
    }
    assert get(view, "/v1/pubticker/btcusd") == {
        "bid": "100",
        "ask": "101",
        "last": "100.5",
        "volume": {"BTC": "2", "USD": "199.0", "timestamp": NOW // 10**6},
    }
    assert get(view, "/v1/pricefeed")[0] == {
        "pair": "BTCUSD",
        "price": "100.5",
        "percentChange24h": "11.6667",
    }


@pytest.mark.parametrize("interval", ["1m", "1hr", "1h"])
def test_candles_come_newest_first(interval: str) -> None:
    view = small_view()
    view.candle(1, "10.5")
    view.candle(2, "10.6")

    rows = get(view, f"/v2/candles/btcusd/{interval}")

    expected = [
        [120_000, "10.0", "11.0", "9.0", "10.6", "0.50"],
        [60_000, "10.0", "11.0", "9.0", "10.5", "0.50"],
    ]
    assert rows == (expected if interval == "1m" else [])


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/v1/book/nosuch", 400, "InvalidSymbol"),
        ("/v2/candles/nosuch/1m", 400, "InvalidSymbol"),
        ("/v2/candles/btcusd/2m", 400, "InvalidParameters"),
        ("/v1/book/btcusd?limit_bids=x", 400, "InvalidParameters"),
        ("/v1/nosuch", 404, "EndpointNotFound"),
        ("/", 404, "EndpointNotFound"),
    ],
)
def test_a_call_that_cannot_be_is_refused(path: str, status: int, reason: str) -> None:
    answer = get(small_view(), path, status)

    assert (answer["result"], answer["reason"]) == ("error", reason)


def test_only_questions_are_answered() -> None:
    assert get(small_view(), "/v1/symbols", 404, "POST")["reason"] == "EndpointNotFound"
