"""What Binance says, written down: frames and answers for the tests of this folder."""

import json
from typing import Any

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
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


def markets(*names: str) -> bytes:
    """A list of markets, each of which is worth three letters and the rest."""
    return json.dumps(
        {
            "serverTime": 1_565_246_363_776,
            "symbols": [
                {
                    "symbol": name,
                    "status": "TRADING",
                    "baseAsset": name[:3],
                    "quoteAsset": name.partition("_")[0][3:],
                    "filters": [],
                }
                for name in names
            ],
        }
    ).encode()


def asking(*wanted: Subscription, policy: Policy = SPOT) -> BinanceProtocol:
    """A protocol that has asked; what it asked is drained."""
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
