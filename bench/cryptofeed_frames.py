"""Frames as cryptofeed's exchanges write them, from frames of the exchanges that Fluxum speaks."""

import json
from collections.abc import Callable
from typing import Any

__all__ = ["CONVERTED", "kraken_v1"]


def kraken_v1(frame: str) -> str | None:
    message = json.loads(frame, parse_float=str)
    if message.get("channel") == "book":
        (data,) = message["data"]
        is_whole = message["type"] == "snapshot"
        names = {"bids": "bs", "asks": "as"} if is_whole else {"bids": "b", "asks": "a"}
        sides: dict[str, Any] = {
            names[side]: [[one["price"], one["qty"], "1767225600.000001"] for one in data[side]]
            for side in names
            if data[side] or is_whole
        }
        if not is_whole:
            sides["c"] = str(data["checksum"])
        return json.dumps([340, sides, "book-10", "XBT/USD"], separators=(",", ":"))
    if message.get("channel") == "trade":
        rows = [
            [one["price"], one["qty"], "1767225600.025000", one["side"][0], "m", ""]
            for one in message["data"]
        ]
        return json.dumps([337, rows, "trade", "XBT/USD"], separators=(",", ":"))
    return None


def binance_aggregated(frame: str) -> str | None:
    message = json.loads(frame)
    data = message.get("data")
    if data is None or data["e"] not in {"trade", "depthUpdate"}:
        return None
    if data["e"] == "trade":
        number = data.pop("t")
        data |= {"e": "aggTrade", "a": number, "f": number, "l": number}
        message["stream"] = message["stream"].replace("@trade", "@aggTrade")
    return json.dumps(message, separators=(",", ":"))


CONVERTED: dict[str, Callable[[str], str | None]] = {
    "kraken": kraken_v1,
    "binance": binance_aggregated,
    **dict.fromkeys(("coinbase", "okx", "bybit", "bybit-linear", "gemini-v2"), str),
}
