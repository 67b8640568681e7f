"""Frames and answers of Binance for the tests of this folder."""

import json
from collections.abc import Sequence
from typing import Any

from fluxum.model.event import Channel, Desync, Event, Refused, Subscribed, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.binance.policy import SPOT, Policy
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.venue import Effect, Fetch, Send

NOW = 1_790_000_000_000_000_000
BTC, ETH, SOL = Symbol("BTC/USDT"), Symbol("ETH/USDT"), Symbol("SOL/USDT")
PERP = Symbol("BTC/USDT:PERP")
BOOK = Subscription(Channel.BOOK, BTC, 1000)
PERP_BOOK = Subscription(Channel.BOOK, PERP, 1000)
TRADES = Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
MINUTES = Subscription(Channel.CANDLE, BTC, interval_s=60)
LIST = Subscription(Channel.INSTRUMENT)

Rows = list[tuple[str, str]]


def drain(protocol: BinanceProtocol) -> list[Effect]:
    """What the protocol wants done, in order."""
    effects = list(protocol.outbox)
    protocol.outbox.clear()
    return effects


def sent(effects: list[Effect]) -> list[dict[str, Any]]:
    """The requests among what is to be done."""
    return [json.loads(one.frame) for one in effects if isinstance(one, Send)]


def fetched(effects: list[Effect]) -> list[Fetch]:
    """The calls among what is to be done."""
    return [one for one in effects if isinstance(one, Fetch)]


def yes(number: int) -> bytes:
    """The answer to a request."""
    return json.dumps({"result": None, "id": number}).encode()


def no(number: int, message: str = "Invalid request: invalid stream") -> bytes:
    """The refusal of a request."""
    return json.dumps({"error": {"code": 2, "msg": message}, "id": number}).encode()


def wrapped(stream: str, data: dict[str, Any]) -> bytes:
    """An event of a combined link."""
    return json.dumps({"stream": stream, "data": data}).encode()


def changes(
    first: int,
    last: int,
    bids: Rows | None = None,
    asks: Rows | None = None,
    *,
    name: str = "BTCUSDT",
    follows: int | None = None,
) -> bytes:
    """A depth event of the updates `first` to `last`, of futures with what it `follows`."""
    data: dict[str, Any] = {
        "e": "depthUpdate",
        "E": 1_672_515_782_136,
        "s": name,
        "U": first,
        "u": last,
        "b": bids or [("100.0", str(last))],
        "a": asks or [],
    }
    if follows is not None:
        data |= {"pu": follows, "T": 1_672_515_782_130}
    return wrapped(f"{name.lower()}@depth@100ms", data)


def snapshot(last: int, *, time: int | None = None) -> bytes:
    """A REST snapshot as of an update."""
    data: dict[str, Any] = {
        "lastUpdateId": last,
        "bids": [["100.0", "1"], ["99.0", "2"]],
        "asks": [["101.0", "3"]],
    }
    if time is not None:
        data |= {"E": time + 5, "T": time}
    return json.dumps(data).encode()


def market(name: str) -> dict[str, Any]:
    """One market's row: three letters and the rest; a contract where its date is behind `_`."""
    pair, _, dated = name.partition("_")
    row: dict[str, Any] = {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": pair[:3],
        "quoteAsset": pair[3:],
        "filters": [],
    }
    if dated:
        row |= {"contractType": "CURRENT_QUARTER", "deliveryDate": 1_798_185_600_000}
    return row


def listed(rows: list[Any]) -> bytes:
    """The list of markets that has these rows."""
    return json.dumps({"serverTime": 1_565_246_363_776, "symbols": rows}).encode()


def markets(*names: str) -> bytes:
    """A list of markets, see `market`."""
    return listed([market(name) for name in names])


def rest_client(*wanted: Subscription, policy: Policy = SPOT) -> BinanceProtocol:
    """A protocol whose requests are drained."""
    protocol = BinanceProtocol(policy)
    protocol.subscribe(wanted)
    drain(protocol)
    return protocol


def listening(policy: Policy = SPOT, book: Subscription = BOOK) -> tuple[BinanceProtocol, Fetch]:
    """A protocol whose book was acknowledged, and the fetch of its snapshot."""
    protocol = BinanceProtocol(policy)
    protocol.subscribe([book])
    (request,) = sent(drain(protocol))
    protocol.receive(yes(request["id"]), NOW)
    return protocol, fetched(drain(protocol))[0]


def subscribed(one: Subscription) -> Subscribed:
    """The event that a stream was acknowledged."""
    return Subscribed(venue="binance", subscription=one, received_ns=NOW)


def refused(one: Subscription | None, message: str) -> Refused:
    """The event that a stream was refused."""
    return Refused(venue="binance", subscription=one, message=message, received_ns=NOW)


def numbers(events: Sequence[Event]) -> list[object]:
    """Snapshots and updates by their last update, a broken sequence by what it expected."""
    found: list[object] = []
    for event in events:
        match event:
            case BookSnapshot(sequence=last):
                found.append(("snapshot", last))
            case BookUpdate(sequence=last):
                found.append(last)
            case Desync(expected=expected, computed=was):
                found.append(("desync", expected, was))
            case other:
                found.append(other)
    return found


def live(policy: Policy = SPOT) -> BinanceProtocol:
    """A book that stands at update 10, which was the last event as well."""
    is_spot = policy is SPOT
    protocol, fetch = listening(policy, BOOK if is_spot else PERP_BOOK)
    protocol.receive(changes(5, 10, follows=None if is_spot else 3), NOW)
    protocol.receive_response(fetch, snapshot(10), NOW)
    return protocol
