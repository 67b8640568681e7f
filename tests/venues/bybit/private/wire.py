"""Captures of Bybit's private half, and conversations for tests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import AccountLink
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.protocol import account_link, order_link
from fluxum.venues.conversation import Auth, Send
from fluxum.venues.venue import ORDERS

__all__ = ["BALANCES", "CAPTURES", "EXECUTIONS", "LINK", "NOW", "account", "sent", "trading"]

NOW = 1_790_358_506_844 * 1_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
LINK = Subscription(Channel.EXECUTION, depth=ORDERS)
_LINES = (Path(__file__).parents[1] / "captures" / "private.jsonl").read_text().splitlines()
CAPTURES: dict[str, bytes] = {one["name"]: one["frame"].encode() for one in map(json.loads, _LINES)}


def sent(protocol: AccountLink) -> list[dict[str, Any]]:
    """The frames that were queued, each with how it is to be authenticated."""
    frames: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send), effect
        frames.append({**json.loads(effect.frame), "auth": effect.auth is Auth.SIGNED})
    return frames


def account(
    wanted: Iterable[Subscription] = (EXECUTIONS, BALANCES), category: Category = SPOT
) -> tuple[AccountLink, list[Event]]:
    """A link that is logged in and subscribed, and the events until then."""
    protocol = account_link(category)
    protocol.subscribe(wanted)
    events = [
        *protocol.receive(CAPTURES["auth"], NOW),
        *protocol.receive(CAPTURES["subscribe"], NOW),
    ]
    protocol.outbox.clear()
    return protocol, events


def trading(category: Category = SPOT) -> AccountLink:
    """A link of orders that is logged in."""
    protocol = order_link(category)
    protocol.subscribe([LINK])
    protocol.receive(CAPTURES["order_auth"], NOW)
    protocol.outbox.clear()
    return protocol
