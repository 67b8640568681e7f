"""A venue that says of an account what a test wrote, over links of the simulated exchange.

Frames and bodies are those of Kraken's documentation, with other values.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.venues.server.contract import Answer, Outgoing
from fluxum.venues.venue import Fetch

CREDENTIALS = Credentials("the-key", "c2VjcmV0")
START_S = 1_700_000_000


class Script:
    """What the venue says: orders that are open, what history knows, tokens it takes."""

    def __init__(self) -> None:
        self.open: list[dict[str, Any]] = []
        self.fills: dict[str, dict[str, Any]] = {}
        self.closed: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, dict[str, Any]] = {}
        self.recent: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.spared = {"GetWebSocketsToken"}
        self.odd: set[str] = set()
        """Open orders of which the list says nothing that makes sense."""
        self.tokens = 0
        self.asked: list[str] = []
        self.since: list[float] = []
        self.lines_since: list[float] = []
        self.heard: list[dict[str, Any]] = []
        self.servers: list[Server] = []

    @property
    def token(self) -> str:
        return f"planted-token-{self.tokens}"

    def rest(self, call: Fetch) -> bytes:
        name = call.path.rpartition("/")[2].partition("?")[0]
        self.asked.append(name)
        if name not in {"Assets", "AssetPairs"}:
            form = parse_qs(call.body.decode())
            assert form["nonce"]
            if name == "TradesHistory":
                self.since.append(float(form["start"][0]))
            if name == "Ledgers":
                self.lines_since.append(float(form["start"][0]))
            if self.errors and name not in self.spared:
                return json.dumps({"error": [self.errors.pop(0)]}).encode()
        if name == "GetWebSocketsToken":
            self.tokens += 1
        results: dict[str, Any] = {
            "Assets": {"XXBT": {"altname": "XBT"}, "ZUSD": {"altname": "USD"}},
            "AssetPairs": {"XXBTZUSD": {"altname": "XBTUSD", "base": "XXBT", "quote": "ZUSD"}},
            "GetWebSocketsToken": {"token": self.token, "expires": 900},
            "TradesHistory": {"trades": self.fills, "count": len(self.fills)},
            "ClosedOrders": {"closed": self.closed, "count": len(self.closed)},
            "OpenOrders": {
                "open": {
                    one["order_id"]: None if one["order_id"] in self.odd else open_row(one)
                    for one in self.open
                }
            },
            "Ledgers": {"ledger": self.lines, "count": len(self.lines)},
        }
        return json.dumps({"error": [], "result": results[name]}).encode()


class Server:
    """One private link of the scripted venue."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._sequence = 0
        script.servers.append(self)

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        message = json.loads(frame)
        method, params = message["method"], message.get("params", {})
        if method == "ping":
            return [b'{"method":"pong","req_id":%d}' % message["req_id"]]
        self._script.heard.append(message)
        answer: dict[str, Any] = {"method": method, "req_id": message["req_id"]}
        if params["token"] != self._script.token:
            return [encode(answer | {"success": False, "error": "EAPI:Invalid token"})]
        if method == "subscribe":
            result = {"channel": params["channel"]}
            return [
                encode(answer | {"success": True, "result": result}),
                self._snapshot(params["channel"]),
            ]
        if method == "unsubscribe":
            return [encode(answer | {"success": True, "result": {"channel": params["channel"]}})]
        return [encode(answer | {"success": True, "result": {"order_id": "O-NEW"}})]

    def report(self, *reports: dict[str, Any], skip: int = 0) -> bytes:
        self._sequence += 1 + skip
        frame = {"channel": "executions", "type": "update", "data": list(reports)}
        return encode(frame | {"sequence": self._sequence})

    def _snapshot(self, channel: str) -> bytes:
        if channel == "balances":
            rows: list[dict[str, Any]] = [{"asset": "USD", "balance": 100, "wallets": []}]
            frame = {"channel": "balances", "type": "snapshot", "data": rows, "sequence": 1}
            return encode(frame)
        self._sequence = 1
        data = [*self._script.recent, *self._script.open]
        frame = {"channel": "executions", "type": "snapshot", "data": data, "sequence": 1}
        return encode(frame)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        return [b'{"channel":"heartbeat"}']


class Rest:
    def __init__(self, script: Script) -> None:
        self._script = script

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        if call.path.endswith("/Time"):  # anybody may ask, and the session does by itself
            time = {"unixtime": now_ns // 10**9, "rfc1123": ""}
            return Answer(200, encode({"error": [], "result": time}))
        return Answer(200, self._script.rest(call))


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, default=str).encode()


def order(name: str, status: str = "new", filled: str = "0", **more: Any) -> dict[str, Any]:
    return {
        "order_id": name,
        "exec_type": "new" if status == "new" else status,
        "order_status": status,
        "symbol": "BTC/USD",
        "side": "buy",
        "order_type": "limit",
        "order_qty": 2,
        "cum_qty": float(filled),
        "limit_price": 100,
        "timestamp": "2023-11-14T22:13:30Z",
        **more,
    }


def fill_report(name: str, order_id: str, at: str = "2023-11-14T22:13:40Z") -> dict[str, Any]:
    return {
        "order_id": order_id,
        "exec_id": name,
        "exec_type": "trade",
        "symbol": "BTC/USD",
        "side": "buy",
        "last_qty": 1,
        "last_price": 100,
        "order_status": "partially_filled",
        "cum_qty": 1,
        "timestamp": at,
        "fees": [{"asset": "USD", "qty": 0.26}],
    }


def fill_row(order_id: str, time_s: int) -> dict[str, Any]:
    return {
        "ordertxid": order_id,
        "pair": "XXBTZUSD",
        "time": time_s,
        "type": "buy",
        "price": "100",
        "fee": "0.26",
        "vol": "1",
        "maker": True,
    }


def ledger_row(reference: str, asset: str, amount: str, fee: str) -> dict[str, Any]:
    row = {"refid": reference, "time": START_S - 10, "type": "trade", "asset": asset}
    return {**row, "amount": amount, "fee": fee, "balance": "5"}


def open_row(report: dict[str, Any]) -> dict[str, Any]:
    return {**closed_row("open", str(report["cum_qty"]), 0), "closetm": None}


def closed_row(status: str, filled: str, time_s: int) -> dict[str, Any]:
    description = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "100"}
    return {
        "status": status,
        "opentm": START_S,
        "closetm": time_s,
        "descr": description,
        "vol": "2",
        "vol_exec": filled,
        "cost": "200",
        "price": "100",
        "reason": "",
    }
