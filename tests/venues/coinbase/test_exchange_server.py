"""Tests of the Exchange feed's server: what it says is compared with frames seen on the wire."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.market import Side
from fluxum.venues.coinbase.exchange.signing import signature
from fluxum.venues.coinbase.server.exchange import KEY, PASSPHRASE, SECRET, ExchangeServer
from fluxum.venues.coinbase.venue import COINBASE_EXCHANGE
from fluxum.venues.server.contract import Close, Outgoing
from venues.coinbase.dialogue import frame
from venues.coinbase.market import BTC, NOW, SECOND, Market

TIME = "2026-08-09T21:05:48.228568Z"


class Client:
    """One client, the market and the server between them."""

    def __init__(self) -> None:
        self.market = Market(COINBASE_EXCHANGE)
        self.server = ExchangeServer(self.market, "public")
        assert self.server.opened(NOW) == ()

    def ask(self, method: str, *channels: Any, **members: Any) -> list[Any]:
        members = {"product_ids": ["BTC-USD"], **members}
        asked = frame(type=method, channels=list(channels), **members)
        return [decoded(word) for word in self.server.receive(asked, NOW)]

    def published(self) -> list[Any]:
        return [decoded(word) for word in self.server.publish(BTC, NOW)]


def decoded(word: Outgoing) -> Any:
    assert isinstance(word, bytes)
    return json.loads(word)


def lists(*channels: str) -> dict[str, Any]:
    listed = [{"name": name, "product_ids": ["BTC-USD"]} for name in channels]
    return {"type": "subscriptions", "channels": listed}


def error(reason: str) -> dict[str, str]:
    return {"type": "error", "message": "Failed to subscribe", "reason": reason}


def test_a_book_comes_whole_and_is_listed_by_another_name() -> None:
    client = Client()

    whole, listed = client.ask("subscribe", "level2_batch", "heartbeat")

    assert whole == {
        "type": "snapshot",
        "product_id": "BTC-USD",
        "asks": [["101.5", "2"]],
        "bids": [["100.5", "1.5"]],
    }
    assert listed == lists("level2_50", "heartbeat")


def test_texts_of_prices_and_zeros_vary_and_their_values_do_not() -> None:
    client = Client()
    client.ask("subscribe", "level2_batch")
    prices: set[str] = set()
    zeros: set[str] = set()
    for _ in range(3):
        client.market.take(Side.BUY, "100.5")
        (gone,) = client.published()
        assert gone["type"] == "l2update"
        assert gone["time"] == TIME
        ((side, price, quantity),) = gone["changes"]
        assert (side, Decimal(price), Decimal(quantity)) == ("buy", Decimal("100.5"), Decimal(0))
        prices.add(price)
        zeros.add(quantity)
        client.market.put(Side.BUY, "100.5", "1")
        assert len(client.published()) == 1
    assert client.published() == []
    assert prices == {"100.50000"}
    assert len(zeros) == 3


def test_matches_tell_the_makers_side_and_begin_with_the_last() -> None:
    client = Client()
    last, _ = client.ask("subscribe", "matches")
    assert last["type"] == "last_match"
    assert (last["trade_id"], last["side"], last["price"]) == (1, "sell", "101.5")

    client.market.trade(Side.SELL, "100.5", "1")
    client.market.trade(Side.BUY, "101.5", "1")

    published = client.published()
    assert [(one["type"], one["trade_id"], one["side"]) for one in published] == [
        ("match", 2, "buy"),
        ("match", 3, "sell"),
    ]
    assert last["sequence"] < published[0]["sequence"] < published[1]["sequence"]


def test_a_ticker_tells_the_takers_side() -> None:
    client = Client()

    line, _ = client.ask("subscribe", "ticker")

    assert (line["trade_id"], line["side"], line["best_bid"]) == (1, "buy", "100.5")
    assert client.published() == []
    client.market.trade(Side.SELL, "100.5", "1")
    assert [one["side"] for one in client.published()] == ["sell"]


def test_a_heartbeat_tells_the_last_trade_that_was_told() -> None:
    client = Client()
    client.ask("subscribe", "heartbeat", "matches")
    client.market.trade(Side.BUY, "101.5", "1")

    beats = [client.server.tick(NOW + at * SECOND) for at in (0, 1)]
    client.published()
    beats.append(client.server.tick(NOW + 2 * SECOND))

    found = [decoded(word) for words in beats for word in words]
    assert [beat["type"] for beat in found] == ["heartbeat"] * 3
    assert [beat["last_trade_id"] for beat in found] == [1, 1, 2]


def test_a_link_that_asks_for_nothing_is_closed_after_five_seconds() -> None:
    client = Client()

    assert client.server.tick(NOW + 5 * SECOND - 1) == ()
    assert client.server.tick(NOW + 5 * SECOND) == (Close(1000, "no subscribe within 5 s"),)


def test_an_end_takes_a_channel_off_the_list() -> None:
    client = Client()
    client.ask("subscribe", "ticker", "heartbeat", {"name": "matches", "product_ids": []})

    assert client.ask("unsubscribe", "ticker") == [lists("matches", "heartbeat")]
    assert client.ask("unsubscribe", "heartbeat", product_ids=[]) == [lists("matches")]


@pytest.mark.parametrize(
    ("channels", "products", "reason"),
    [
        ([], ["BTC-USD"], "No channels provided"),
        (["ticker"], ["BTC-USD", "NO-SUCH"], "NO-SUCH is not a valid product"),
        ([{"name": "ticker", "product_ids": [""]}], [], " is not a valid product"),
        (
            ["heartbeat"],
            [],
            "You need to specify at least one product ID for channel heartbeat",
        ),
        (
            ["level2"],
            ["BTC-USD"],
            "level2, level3, and full channels now require authentication. "
            "https://docs.cloud.coinbase.com/exchange/docs/websocket-auth",
        ),
    ],
)
def test_a_request_fails_as_a_whole(channels: list[Any], products: list[str], reason: str) -> None:
    client = Client()

    assert client.ask("subscribe", *channels, product_ids=products) == [error(reason)]
    assert client.ask("subscribe", "heartbeat") == [lists("heartbeat")]


def account_config(time_s: int, **changed: str) -> dict[str, str]:
    return {
        "key": KEY,
        "passphrase": PASSPHRASE,
        "timestamp": str(time_s),
        "signature": signature(SECRET, str(time_s)),
        **changed,
    }


def test_a_login_opens_the_unbatched_book_for_thirty_seconds() -> None:
    now_s = NOW // SECOND

    for time_s in (now_s - 30, now_s, now_s + 30):
        _, listed = Client().ask("subscribe", "level2", **account_config(time_s))
        assert listed == lists("level2")
    for wrong in (
        account_config(now_s - 31),
        account_config(now_s, key="another"),
        account_config(now_s, passphrase="another"),
        account_config(now_s, signature="another"),
        account_config(now_s, timestamp="now"),
        account_config(now_s, timestamp="NaN"),
    ):
        (refused,) = Client().ask("subscribe", "level2", **wrong)
        assert "require authentication" in refused["reason"]


@pytest.mark.parametrize("nonsense", [b"", b"\xff", b'{"type":"subscribe","timestamp":1}'])
def test_nonsense_is_answered_in_plaas_text(nonsense: bytes) -> None:
    assert Client().server.receive(nonsense, NOW) == (b"invalid (un)subscribe msg",)


def test_an_unknown_type_is_an_error() -> None:
    assert Client().ask("ping")[0]["type"] == "error"
