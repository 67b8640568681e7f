"""Captures of Gemini's private half, and conversations for tests."""

import json
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import AccountLink
from fluxum.venues.conversation import Effect, Fetch, Send
from fluxum.venues.gemini.private.events import OrderEvents
from fluxum.venues.gemini.private.protocol import order_link
from fluxum.venues.venue import ORDERS

__all__ = ["BALANCES", "CAPTURES", "EXECUTIONS", "LINK", "MS", "NOW", "events", "sent", "trading"]

MS = 1_000_000
NOW = 1_790_358_506_844 * MS
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
LINK = Subscription(Channel.EXECUTION, depth=ORDERS)
_LINES = (Path(__file__).parents[1] / "captures" / "private.jsonl").read_text().splitlines()
CAPTURES: dict[str, bytes] = {one["name"]: one["frame"].encode() for one in map(json.loads, _LINES)}


def events(*names: str) -> list[Event]:
    """The events of captured frames on a link that is acknowledged."""
    protocol = OrderEvents()
    protocol.subscribe([EXECUTIONS])
    protocol.receive(CAPTURES["ack"], NOW)
    return [event for name in names for event in protocol.receive(CAPTURES[name], NOW)]


def sent(protocol: AccountLink) -> list[dict[str, Any]]:
    """What was queued: frames, and calls with their path, purpose and parameters."""
    return [_shown(protocol.outbox.popleft()) for _ in range(len(protocol.outbox))]


def trading(*wanted: Subscription) -> AccountLink:
    """A link of orders that is acknowledged."""
    protocol = order_link()
    protocol.subscribe(wanted or [LINK])
    protocol.receive(b'{"id":"login","status":200}', NOW)
    protocol.outbox.clear()
    return protocol


def _shown(effect: Effect) -> dict[str, Any]:
    if isinstance(effect, Fetch):
        given: dict[str, Any] = json.loads(effect.body) if effect.body else {}
        return {"call": effect.path, "id": effect.purpose, "once": effect.is_once, **given}
    assert isinstance(effect, Send), effect
    frame: dict[str, Any] = json.loads(effect.frame)
    return frame
