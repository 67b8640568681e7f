"""Tests of Advanced Trade's server: what it says is compared with frames published or recorded.

The sources are those of the captures; a frame of a product without a market is that of the
Exchange feed.
"""

import json
from typing import Any

import pytest

from fluxum.model.market import Side
from fluxum.venues.coinbase.server.advanced import AdvancedServer
from fluxum.venues.coinbase.venue import COINBASE
from fluxum.venues.server.contract import Close, Outgoing
from venues.coinbase.dialogue import frame
from venues.coinbase.market import BTC, NOW, SECOND, Market

TIME = "2026-08-09T21:05:48.228568Z"
BEAT = 200_000_000


class Client:
    """One client, the market and the server between them."""

    def __init__(self) -> None:
        self.market = Market(COINBASE)
        self.server = AdvancedServer(self.market, "public")
        assert self.server.opened(NOW) == ()

    def ask(self, method: str, channel: str, *products: str, at: int = NOW) -> list[Any]:
        asked = frame(type=method, channel=channel, product_ids=list(products))
        return [decoded(word) for word in self.server.receive(asked, at)]

    def published(self) -> list[Any]:
        return [decoded(word) for word in self.server.publish(BTC, NOW)]


def decoded(word: Outgoing) -> Any:
    assert isinstance(word, bytes)
    return json.loads(word)


def lists(number: int, **channels: list[str]) -> dict[str, Any]:
    return {
        "channel": "subscriptions",
        "timestamp": TIME,
        "sequence_num": number,
        "events": [{"subscriptions": channels}],
    }


def test_a_book_comes_whole_then_its_list_then_what_changes() -> None:
    client = Client()

    whole, listed = client.ask("subscribe", "level2", "BTC-USD")

    assert whole == {
        "channel": "l2_data",
        "timestamp": TIME,
        "sequence_num": 0,
        "events": [
            {
                "type": "snapshot",
                "product_id": "BTC-USD",
                "updates": [
                    {
                        "side": "bid",
                        "event_time": TIME,
                        "price_level": "100.5",
                        "new_quantity": "1.5",
                    },
                    {
                        "side": "offer",
                        "event_time": TIME,
                        "price_level": "101.5",
                        "new_quantity": "2",
                    },
                ],
            }
        ],
    }
    assert listed == lists(1, level2=["BTC-USD"])
    client.market.take(Side.BUY, "100.5")
    client.market.put(Side.BUY, "100.4", "3")
    (changed,) = client.published()
    assert changed["sequence_num"] == 2
    (event,) = changed["events"]
    assert event["type"] == "update"
    assert [(row["price_level"], row["new_quantity"]) for row in event["updates"]] == [
        ("100.5", "0"),
        ("100.4", "3"),
    ]
    assert client.published() == []


def test_trades_tell_the_makers_side_newest_first() -> None:
    client = Client()
    whole, _ = client.ask("subscribe", "market_trades", "BTC-USD")
    assert whole["events"] == [
        {
            "type": "snapshot",
            "trades": [
                {
                    "product_id": "BTC-USD",
                    "trade_id": "1",
                    "price": "101.5",
                    "size": "0.25",
                    "time": TIME,
                    "side": "SELL",
                }
            ],
        }
    ]

    client.market.trade(Side.SELL, "100.5", "1")
    client.market.trade(Side.BUY, "101.5", "1")

    (published,) = client.published()
    (event,) = published["events"]
    assert event["type"] == "update"
    assert [(one["trade_id"], one["side"]) for one in event["trades"]] == [
        ("3", "SELL"),
        ("2", "BUY"),
    ]


def test_tickers_and_candles_follow_trades() -> None:
    client = Client()
    ticker, _ = client.ask("subscribe", "ticker", "BTC-USD")
    candle, listed = client.ask("subscribe", "candles", "BTC-USD")
    (line,) = ticker["events"][0]["tickers"]
    assert {key: line[key] for key in ("type", "price", "best_bid", "best_ask_quantity")} == {
        "type": "ticker",
        "price": "101.5",
        "best_bid": "100.5",
        "best_ask_quantity": "2",
    }
    assert candle["events"][0]["candles"] == [
        {
            "start": "1786309500",
            "high": "101.5",
            "low": "101.5",
            "open": "101.5",
            "close": "101.5",
            "volume": "0.25",
            "product_id": "BTC-USD",
        }
    ]
    assert listed == lists(3, candles=["BTC-USD"], ticker=["BTC-USD"])

    client.market.put(Side.BUY, "100.4", "3")
    assert client.published() == []
    client.market.trade(Side.BUY, "101.5", "1")
    assert [published["channel"] for published in client.published()] == ["ticker", "candles"]


def test_heartbeats_come_each_second_and_count() -> None:
    client = Client()
    assert client.ask("subscribe", "heartbeats") == [lists(0, heartbeats=["heartbeats"])]

    beats = [decoded(w) for at in range(12) for w in client.server.tick(NOW + at * BEAT)]

    assert [beat["sequence_num"] for beat in beats] == [1, 2]
    assert [beat["events"][0]["heartbeat_counter"] for beat in beats] == [1, 2]
    assert beats[0]["events"][0]["current_time"].startswith("2026-08-09 21:05:49.228568 +0000 UTC")


def test_a_link_that_asks_for_nothing_is_closed_after_five_seconds() -> None:
    client = Client()

    assert client.server.tick(NOW + 5 * SECOND - 1) == ()
    assert client.server.tick(NOW + 5 * SECOND) == (Close(1000, "no subscribe within 5 s"),)


def test_a_link_without_heartbeats_is_closed_when_it_is_quiet() -> None:
    client = Client()
    client.ask("subscribe", "ticker", "BTC-USD")

    assert client.server.tick(NOW + 60 * SECOND) == ()
    (word,) = client.server.tick(NOW + 90 * SECOND)
    assert isinstance(word, Close)


def test_an_end_takes_products_off_the_list() -> None:
    client = Client()
    client.ask("subscribe", "ticker", "BTC-USD")
    client.ask("subscribe", "level2", "BTC-USD")

    assert client.ask("unsubscribe", "ticker") == [lists(4, level2=["BTC-USD"])]
    client.market.trade(Side.BUY, "101.5", "1")
    assert client.published() == []


def test_a_second_subscribe_is_answered_with_a_list_only() -> None:
    client = Client()
    client.ask("subscribe", "ticker", "BTC-USD")

    assert client.ask("subscribe", "ticker", "BTC-USD") == [lists(2, ticker=["BTC-USD"])]


def test_usdc_is_published_as_usd() -> None:
    client = Client()

    whole, listed = client.ask("subscribe", "level2", "BTC-USDC")

    assert whole["events"][0]["product_id"] == "BTC-USD"
    assert listed == lists(1, level2=["BTC-USDC"])


def test_a_request_with_an_unknown_product_fails_as_a_whole() -> None:
    client = Client()

    assert client.ask("subscribe", "ticker", "BTC-USD", "NO-SUCH") == [
        {
            "type": "error",
            "message": "Failed to subscribe",
            "reason": "NO-SUCH is not a valid product",
        }
    ]
    assert client.ask("subscribe", "ticker", "BTC-USD")[-1] == lists(1, ticker=["BTC-USD"])


def test_private_channels_need_a_token() -> None:
    error = {"type": "error", "message": "authentication failure"}

    assert Client().ask("subscribe", "user", "BTC-USD") == [error]


def test_too_many_books_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxum.venues.coinbase.server.advanced._BOOKS_MAX", 0)
    text = "too many L2 streams requested in a single session"

    assert Client().ask("subscribe", "level2", "BTC-USD") == [{"type": "error", "message": text}]


@pytest.mark.parametrize(
    "nonsense", [b"", b"[]", b"\xff", b'{"type":"ping"}', b'{"type":"subscribe","channel":"x"}']
)
def test_nonsense_is_answered_with_an_error(nonsense: bytes) -> None:
    (word,) = Client().server.receive(nonsense, NOW)

    assert decoded(word)["type"] == "error"


def test_two_names_of_one_product_share_its_data_until_both_have_ended() -> None:
    client = Client()
    whole, listed = client.ask("subscribe", "level2", "BTC-USD", "BTC-USDC")
    assert whole["events"][0]["product_id"] == "BTC-USD"
    assert listed == lists(1, level2=["BTC-USD", "BTC-USDC"])

    assert client.ask("unsubscribe", "level2", "BTC-USD") == [lists(2, level2=["BTC-USDC"])]
    client.market.put(Side.BUY, "100", "1")
    assert len(client.published()) == 1

    assert client.ask("unsubscribe", "level2", "BTC-USDC") == [lists(4)]
    client.market.put(Side.BUY, "99", "1")
    assert client.published() == []


def test_tickers_in_batches_come_every_five_seconds_without_quotes() -> None:
    client = Client()
    whole, listed = client.ask("subscribe", "ticker_batch", "BTC-USD")
    (line,) = whole["events"][0]["tickers"]
    assert (whole["channel"], line["price"]) == ("ticker_batch", "101.5")
    assert not {name for name in line if name.startswith("best_")}
    assert listed == lists(1, ticker_batch=["BTC-USD"])

    client.market.trade(Side.BUY, "101.5", "1")
    assert client.published() == []
    (later,) = client.server.publish(BTC, NOW + 5 * SECOND)
    assert decoded(later)["events"][0]["type"] == "update"


def test_the_rules_of_a_market_are_a_channel() -> None:
    # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
    whole, _ = Client().ask("subscribe", "status", "BTC-USD")

    (product,) = whole["events"][0]["products"]
    assert (whole["channel"], product["id"], product["display_name"]) == (
        "status",
        "BTC-USD",
        "BTC/USD",
    )
    assert product["quote_increment"] == "0.1"
