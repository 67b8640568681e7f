"""Captures of Binance's private half, and a conversation for tests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import AccountLink
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.protocol import account_link
from fluxum.venues.conversation import Auth, Fetch, Send

__all__ = ["BALANCES", "CAPTURES", "EXECUTIONS", "MARKETS", "NOW", "account", "numbered", "sent"]

NOW = 1_790_358_506_844 * 1_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_LINES = (Path(__file__).parents[1] / "captures" / "private.jsonl").read_text().splitlines()
CAPTURES: dict[str, str] = {one["name"]: one["frame"] for one in map(json.loads, _LINES)}
MARKETS = json.dumps(
    {
        "symbols": [
            {"symbol": "LTCBNB", "baseAsset": "LTC", "quoteAsset": "BNB"},
            {"symbol": "XTUSD", "baseAsset": "XT", "quoteAsset": "USD"},
            {"symbol": "odd"},
        ]
    }
).encode()


def numbered(name: str, number: str) -> bytes:
    """A capture of an answer, to a request of another number."""
    return json.dumps({**json.loads(CAPTURES[name]), "id": number}).encode()


def sent(protocol: AccountLink) -> list[dict[str, Any]]:
    """The frames that were queued, each with how it is to be authenticated."""
    frames: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send), effect
        frames.append({**json.loads(effect.frame), "auth": effect.auth is Auth.SIGNED})
    return frames


def account(
    wanted: Iterable[Subscription] = (EXECUTIONS, BALANCES),
) -> tuple[AccountLink, list[Event]]:
    """A link that is logged in and subscribed, and the events until then."""
    protocol = account_link(SPOT)
    protocol.subscribe(wanted)
    fetch = protocol.outbox.popleft()
    assert isinstance(fetch, Fetch)
    events = [
        *protocol.receive_response(fetch, MARKETS, NOW),
        *protocol.receive(numbered("userDataStream.subscribe.signature", "login"), NOW),
    ]
    for request in sent(protocol)[1:]:
        events += protocol.receive(json.dumps({"id": request["id"], "status": 200}).encode(), NOW)
    return protocol, events
