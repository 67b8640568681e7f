"""Captures of Advanced Trade's private half, and conversations for tests."""

import json
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.coinbase.advanced.private.protocol import AdvancedAccount
from fluxum.venues.conversation import Auth, Fetch, Send

__all__ = [
    "BALANCES",
    "CAPTURES",
    "EXECUTIONS",
    "NOW",
    "Wire",
    "calls",
    "order",
]

NOW = 1_790_358_506_844 * 1_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_LINES = (Path(__file__).parents[1] / "captures" / "private.jsonl").read_text().splitlines()
CAPTURES: dict[str, bytes] = {one["name"]: one["body"].encode() for one in map(json.loads, _LINES)}


def order(name: str = "O-1", **members: str) -> dict[str, str]:
    """An order as the stream has it: a limit buy of 2 at 100, of which nothing is filled."""
    return {
        "order_id": name,
        "client_order_id": f"mine-{name}",
        "product_id": "BTC-USD",
        "order_side": "BUY",
        "order_type": "Limit",
        "status": "OPEN",
        "cumulative_quantity": "0",
        "leaves_quantity": "2",
        "limit_price": "100",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
        "creation_time": "2026-09-25T15:00:00Z",
        **members,
    }


def calls(protocol: AdvancedAccount) -> list[Fetch]:
    """The REST calls that were queued; they are signed."""
    queued, kept = [one for one in protocol.outbox if isinstance(one, Fetch)], protocol.outbox
    for one in queued:
        kept.remove(one)
        assert one.auth is Auth.SIGNED, one
    return queued


class Wire:
    """A link that follows an account, and the venue's end of it: each frame has the next number."""

    def __init__(self, *wanted: Subscription) -> None:
        self.protocol = AdvancedAccount()
        self.number = 0
        self.protocol.subscribe(wanted or (EXECUTIONS,))

    def sent(self) -> list[dict[str, Any]]:
        """The frames that were queued, each with whether it is to be signed."""
        frames = [one for one in self.protocol.outbox if isinstance(one, Send)]
        for one in frames:
            self.protocol.outbox.remove(one)
        return [{**json.loads(one.frame), "signed": one.auth is Auth.SIGNED} for one in frames]

    def hear(self, channel: str, *events: object, number: int | None = None) -> list[Event]:
        """What a frame of the venue says."""
        if number is not None:
            self.number = number
        frame = {
            "channel": channel,
            "timestamp": "2026-09-25T16:00:00Z",
            "sequence_num": self.number,
            "events": events,
        }
        self.number += 1
        return list(self.protocol.receive(json.dumps(frame).encode(), NOW))

    def orders(self, *rows: object, kind: str = "update") -> list[Event]:
        """What a frame with these orders says."""
        return self.hear("user", {"type": kind, "orders": rows})

    def listed(self, *channels: str) -> list[Event]:
        """What a list of subscriptions says."""
        return self.hear("subscriptions", {"subscriptions": {name: ["x"] for name in channels}})

    def beat(self) -> list[Event]:
        """What a heartbeat says."""
        return self.hear("heartbeats", {"heartbeat_counter": 7})

    def begun(self, *rows: object) -> "Wire":
        """The same link, subscribed, with these orders open."""
        self.orders(*rows, kind="snapshot")
        self.listed("heartbeats")
        self.listed("heartbeats", "user")
        self.protocol.outbox.clear()
        return self

    def answer(self, call: Fetch, body: object) -> list[Event]:
        """What the answer to a call says."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return list(self.protocol.receive_response(call, content, NOW))
