"""Frames of the Exchange feed, and a protocol that has got its answers, for the tests here."""

from typing import Any

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from venues.coinbase.dialogue import frame, receive_all, sent

__all__ = [
    "BOOK",
    "BTC",
    "ETH",
    "LISTING",
    "TICKER",
    "TRADES",
    "VENUE",
    "acknowledged",
    "heartbeat",
    "listing",
    "match",
    "refusal",
    "snapshot",
    "ticker",
    "update",
]

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
LISTING = Subscription(Channel.INSTRUMENT)
VENUE = "coinbase-exchange"


def listing(**channels: list[str]) -> bytes:
    listed = [{"name": name, "product_ids": products} for name, products in channels.items()]
    return frame(type="subscriptions", channels=listed)


def snapshot(product: str = "BTC-USD") -> bytes:
    return frame(type="snapshot", product_id=product, asks=[["101", "2"]], bids=[["100", "1"]])


def update(product: str = "BTC-USD", *changes: list[str]) -> bytes:
    rows = list(changes) or [["buy", "100.000", "0.0"]]
    return frame(type="l2update", product_id=product, changes=rows, time="2021-04-17T16:43:37.075Z")


def ticker(product: str = "BTC-USD", **members: object) -> bytes:
    line: dict[str, Any] = {"product_id": product, "price": "100", "best_bid": "99"}
    return frame(type="ticker", **(line | members))


def match(number: int, kind: str = "match", product: str = "BTC-USD", **members: object) -> bytes:
    said: dict[str, Any] = {
        "trade_id": number,
        "side": "sell",
        "size": "1",
        "price": "100",
        "product_id": product,
        "sequence": 5,
        "time": "2021-04-17T16:43:37.075Z",
    }
    return frame(type=kind, **(said | members))


def heartbeat(last_trade_id: int) -> bytes:
    return frame(type="heartbeat", sequence=1, last_trade_id=last_trade_id, product_id="BTC-USD")


def refusal(reason: str) -> bytes:
    return frame(type="error", message="Failed to subscribe", reason=reason)


def acknowledged(*wanted: Subscription) -> ExchangeProtocol:
    """A protocol that has subscribed and got its answers."""
    protocol = ExchangeProtocol()
    protocol.subscribe(wanted)
    listed: dict[str, list[str]] = {}
    for request in sent(protocol):
        name: Any = request["channels"][0]
        listed["level2_50" if name == "level2_batch" else name] = request["product_ids"]
        receive_all(protocol, listing(**listed))
    assert not protocol.unanswered()
    return protocol
