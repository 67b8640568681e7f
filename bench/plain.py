"""The plain ways: what a careful user writes in an hour to read books and trades of an exchange.

`json`, Decimals, SortedDict, and the same checks: the numbering of a book, trades that come twice.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from recorded import Take

__all__ = ["BOOKS", "TRADES", "PlainBook", "PlainTrade", "PlainTrades"]

Rows = list[Any]
# What the plain way reads of a message: whether it replaces the book, bids, asks, number before
# and number of its own (none where the exchange sends none).
ReadBook = Callable[[Any], tuple[bool, Rows, Rows, int | None, int | None] | None]


class PlainTrade(NamedTuple):
    """One trade; `number` is that of the market, where the exchange numbers its trades."""

    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    trade_id: str
    number: int | None
    time_s: float


ReadTrades = Callable[[Any], Iterator[PlainTrade]]


# Books


def binance(message: Any) -> Any:
    data = message.get("data")
    if not data or data.get("e") != "depthUpdate":
        return None
    return False, data["b"], data["a"], data.get("pu", data["U"] - 1), data["u"]


def bybit(message: Any) -> Any:
    if not str(message.get("topic", "")).startswith("orderbook"):
        return None
    data = message["data"]
    return message["type"] == "snapshot", data["b"], data["a"], data["u"] - 1, data["u"]


def okx(message: Any) -> Any:
    if "data" not in message:
        return None
    data = message["data"][0]
    whole = message.get("action") == "snapshot"
    return whole, data["bids"], data["asks"], data["prevSeqId"], data["seqId"]


def coinbase(message: Any) -> Any:
    number = message["sequence_num"]
    if message["channel"] != "l2_data":
        return None
    event = message["events"][0]
    sides: dict[str, Rows] = {"bid": [], "offer": []}
    for one in event["updates"]:
        sides[one["side"]].append((one["price_level"], one["new_quantity"]))
    return event["type"] == "snapshot", sides["bid"], sides["offer"], None, number


def coinbase_exchange(message: Any) -> Any:
    if message["type"] == "snapshot":
        return True, message["bids"], message["asks"], None, None
    if message["type"] != "l2update":
        return None
    sides: dict[str, Rows] = {"buy": [], "sell": []}
    for side, price, size in message["changes"]:
        sides[side].append((price, size))
    return False, sides["buy"], sides["sell"], None, None


def gemini(message: Any) -> Any:
    if "U" not in message:
        return None
    first, last = message["U"], message["u"]  # an update begins with the last one's number
    return first == last, message.get("b", []), message.get("a", []), first, last


def gemini_v2(message: Any) -> Any:
    if message["type"] != "l2_updates":
        return None
    sides: dict[str, Rows] = {"buy": [], "sell": []}
    for side, price, size in message["changes"]:
        sides[side].append((price, size))
    return "trades" in message, sides["buy"], sides["sell"], None, None


def kraken(message: Any) -> Any:
    if message.get("channel") != "book":
        return None
    data = message["data"][0]
    sides = [[(row["price"], row["qty"]) for row in data[side]] for side in ("bids", "asks")]
    return message["type"] == "snapshot", *sides, None, None


BOOKS: dict[str, ReadBook] = {
    "kraken": kraken,  # without its checksum: frames.py is about that
    "binance": binance,
    "binance-usdm": binance,
    "bybit": bybit,
    "bybit-linear": bybit,
    "okx": okx,
    "coinbase": coinbase,
    "coinbase-exchange": coinbase_exchange,
    "gemini": gemini,
    "gemini-v2": gemini_v2,
}


class PlainBook:
    """A book: its callback is given the best level of both sides."""

    def __init__(self, read: ReadBook, callback: Callable[[Any], None]) -> None:
        self.bids: Any = SortedDict()
        self.asks: Any = SortedDict()
        self._read = read
        self._callback = callback
        self._last: int | None = None

    def receive(self, raw: bytes) -> None:
        found = self._read(json.loads(raw, parse_float=Decimal))
        if found is None:
            return
        is_whole, bids, asks, before, number = found
        if is_whole:
            self.bids.clear()
            self.asks.clear()
        elif before is not None and self._last is not None:
            assert before <= self._last, f"a gap from {self._last} to {before}"
        self._last = number
        for side, rows in ((self.bids, bids), (self.asks, asks)):
            for row in rows:
                price, quantity = Decimal(row[0]), Decimal(row[1])
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
        if self.bids and self.asks:
            self._callback((self.bids.peekitem(-1), self.asks.peekitem(0)))

    def begin(self, take: Take) -> None:
        """Take what answers the requests: the frames and the snapshot of a call."""
        for answer in take.answers:
            if answer.startswith(b"{"):
                self.receive(answer)
        for body in take.bodies.values():
            snapshot = json.loads(body)
            for side, name in ((self.bids, "bids"), (self.asks, "asks")):
                for price, quantity, *_ in snapshot.get(name, ()):
                    side[Decimal(price)] = Decimal(quantity)


# Trades


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def binance_trades(message: Any) -> Iterator[PlainTrade]:
    data = message.get("data")
    if data and data.get("e") in {"trade", "aggTrade"}:
        number = data["t"] if data["e"] == "trade" else data["a"]
        side = "sell" if data["m"] else "buy"
        price, quantity = Decimal(data["p"]), Decimal(data["q"])
        yield PlainTrade(data["s"], side, price, quantity, str(number), number, data["T"] / 1000)


def bybit_trades(message: Any) -> Iterator[PlainTrade]:
    if str(message.get("topic", "")).startswith("publicTrade"):
        for row in message["data"]:
            side, price, quantity = row["S"].lower(), Decimal(row["p"]), Decimal(row["v"])
            yield PlainTrade(row["s"], side, price, quantity, row["i"], None, row["T"] / 1000)


def okx_trades(message: Any) -> Iterator[PlainTrade]:
    for row in message.get("data", ()):
        price, quantity = Decimal(row["px"]), Decimal(row["sz"])
        time_s = int(row["ts"]) / 1000
        yield PlainTrade(row["instId"], row["side"], price, quantity, row["tradeId"], None, time_s)


def coinbase_trades(message: Any) -> Iterator[PlainTrade]:
    if message["channel"] == "market_trades":
        for event in message["events"]:
            for row in reversed(event["trades"]):
                side = "buy" if row["side"] == "SELL" else "sell"  # the maker's on the wire
                price, quantity = Decimal(row["price"]), Decimal(row["size"])
                trade_id, time_s = row["trade_id"], seconds(row["time"])
                yield PlainTrade(
                    row["product_id"], side, price, quantity, trade_id, int(trade_id), time_s
                )


def coinbase_exchange_trades(message: Any) -> Iterator[PlainTrade]:
    if message["type"] in {"match", "last_match"}:
        side = "buy" if message["side"] == "sell" else "sell"  # the maker's on the wire
        price, quantity = Decimal(message["price"]), Decimal(message["size"])
        number, time_s = message["trade_id"], seconds(message["time"])
        yield PlainTrade(message["product_id"], side, price, quantity, str(number), number, time_s)


def gemini_trades(message: Any) -> Iterator[PlainTrade]:
    if "t" in message and "p" in message:
        side = "sell" if message["m"] else "buy"
        price, quantity = Decimal(message["p"]), Decimal(message["q"])
        time_s = message["E"] / 1e9
        yield PlainTrade(message["s"], side, price, quantity, str(message["t"]), None, time_s)


def gemini_v2_trades(message: Any) -> Iterator[PlainTrade]:
    rows = [message] if message["type"] == "trade" else message.get("trades", ())
    for row in rows:
        price, quantity = Decimal(row["price"]), Decimal(row["quantity"])
        trade_id, time_s = str(row["event_id"]), row["timestamp"] / 1000
        yield PlainTrade(row["symbol"], row["side"], price, quantity, trade_id, None, time_s)


def kraken_trades(message: Any) -> Iterator[PlainTrade]:
    if message.get("channel") == "trade":
        for row in message["data"]:
            number, time_s = row["trade_id"], seconds(row["timestamp"])
            yield PlainTrade(
                row["symbol"], row["side"], row["price"], row["qty"], str(number), number, time_s
            )


TRADES: dict[str, ReadTrades] = {
    "kraken": kraken_trades,
    "binance": binance_trades,
    "binance-usdm": binance_trades,
    "bybit": bybit_trades,
    "bybit-linear": bybit_trades,
    "okx": okx_trades,
    "coinbase": coinbase_trades,
    "coinbase-exchange": coinbase_exchange_trades,
    "gemini": gemini_trades,
    "gemini-v2": gemini_v2_trades,
}


class PlainTrades:
    """The trades of one market, each once: by its number, or by its id where there is none."""

    def __init__(self, read: ReadTrades, callback: Callable[[PlainTrade], None]) -> None:
        self._read = read
        self._callback = callback
        self._last: int | None = None
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def receive(self, raw: bytes) -> None:
        for trade in self._read(json.loads(raw, parse_float=Decimal)):
            if trade.number is not None:
                if self._last is not None and trade.number <= self._last:
                    continue
                self._last = trade.number
            elif trade.trade_id in self._seen:
                continue
            else:
                self._seen.add(trade.trade_id)
                self._order.append(trade.trade_id)
                if len(self._order) > 1000:
                    self._seen.discard(self._order.popleft())
            self._callback(trade)

    def begin(self, take: Take) -> None:
        """Take what answers the requests."""
        for answer in take.answers:
            if answer.startswith(b"{"):
                self.receive(answer)
