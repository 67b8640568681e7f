"""Frames of Advanced Trade, and a protocol that has got its answers, for the tests here."""

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.advanced.protocol import AdvancedProtocol
from venues.coinbase.dialogue import NOW, envelope, receive_all, sent

__all__ = [
    "BOOK",
    "BTC",
    "CANDLES",
    "ETH",
    "LISTING",
    "TICKER",
    "TRADES",
    "USDC",
    "acknowledged",
    "book",
    "candles",
    "heartbeat",
    "listing",
    "snapshot",
    "tickers",
    "trades",
    "update",
]

BTC, ETH, USDC = Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("BTC/USDC")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
CANDLES = Subscription(Channel.CANDLE, BTC, interval_s=300)
LISTING = Subscription(Channel.INSTRUMENT)


def book(number: int, kind: str, *rows: tuple[str, str, str], product: str = "BTC-USD") -> bytes:
    updates = [{"side": s, "price_level": p, "new_quantity": q} for s, p, q in rows]
    return envelope(number, "l2_data", {"type": kind, "product_id": product, "updates": updates})


def snapshot(number: int, product: str = "BTC-USD") -> bytes:
    return book(number, "snapshot", ("bid", "100", "1"), ("offer", "101", "2"), product=product)


def update(number: int, product: str = "BTC-USD") -> bytes:
    return book(number, "update", ("bid", "100.0", "3"), product=product)


def listing(number: int, **channels: list[str]) -> bytes:
    return envelope(number, "subscriptions", {"subscriptions": channels})


def trades(number: int, kind: str, *ids: int, product: str = "BTC-USD") -> bytes:
    published = [
        {
            "product_id": product,
            "trade_id": str(one),
            "price": "100",
            "size": "1",
            "time": "2026-08-09T21:05:48Z",
            "side": "SELL",
        }
        for one in ids
    ]
    return envelope(number, "market_trades", {"type": kind, "trades": published})


def tickers(number: int, kind: str, product: str = "BTC-USD", **members: object) -> bytes:
    line = {"type": "ticker", "product_id": product, "price": "100", "best_bid": "99"} | members
    return envelope(number, "ticker", {"type": kind, "tickers": [line]})


def candles(number: int, kind: str, *starts: int, product: str = "BTC-USD") -> bytes:
    published = [
        {
            "start": str(start),
            "high": "3",
            "low": "1",
            "open": "2",
            "close": "2",
            "volume": "9",
            "product_id": product,
        }
        for start in starts
    ]
    return envelope(number, "candles", {"type": kind, "candles": published})


def heartbeat(number: int) -> bytes:
    return envelope(number, "heartbeats", {"heartbeat_counter": 7})


def acknowledged(*wanted: Subscription) -> AdvancedProtocol:
    """A protocol that has subscribed and got its answers; the next number is 2."""
    protocol = AdvancedProtocol()
    protocol.subscribe(wanted)
    asked: dict[str, list[str]] = {}
    for request in sent(protocol):
        if "channel" in request:
            asked[request["channel"]] = request.get("product_ids", ["heartbeats"])
    receive_all(protocol, listing(0, heartbeats=["heartbeats"]), listing(1, **asked))
    for _ in range(3):  # one list for all: how lists answer requests is tested in test_streams
        protocol._streams.listed(asked, NOW)
    assert not protocol.unanswered()
    return protocol
