"""Captures of OKX's private half, and conversations for tests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import AccountLink
from fluxum.venues.conversation import Auth, Send
from fluxum.venues.okx.listing import LISTS
from fluxum.venues.okx.private.protocol import CONFIG, account_link

__all__ = [
    "BALANCES",
    "CAPTURES",
    "CONTRACTS",
    "EXECUTIONS",
    "NOW",
    "SPOT",
    "account",
    "config",
    "listed",
    "prepared",
    "sent",
]

NOW = 1_790_358_506_844 * 1_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_LINES = (Path(__file__).parents[1] / "captures" / "private.jsonl").read_text().splitlines()
CAPTURES: dict[str, bytes] = {one["name"]: one["frame"].encode() for one in map(json.loads, _LINES)}

_STEPS = {"tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "state": "live"}
_LOTS = {"tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "state": "live", "ctMult": "1"}
SPOT: list[dict[str, Any]] = [
    {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "baseCcy": "BTC",
        "quoteCcy": "USDT",
        "instIdCode": 123456,
        **_STEPS,
    },
    {"instType": "SPOT", "instId": "ETH-EUR", "baseCcy": "ETH", "quoteCcy": "EUR", **_STEPS},
]
"""Markets as listed; the second one has no number, as those of older lists."""
CONTRACTS: list[dict[str, Any]] = [
    {
        "instType": "SWAP",
        "instId": name,
        "ctType": kind,
        "ctVal": size,
        "ctValCcy": unit,
        "settleCcy": settled_in,
        "instIdCode": code,
        **_LOTS,
    }
    for name, kind, size, unit, settled_in, code in (
        ("BTC-USDT-SWAP", "linear", "0.01", "BTC", "USDT", 654321),
        ("ETH-USDT-SWAP", "linear", "0.1", "ETH", "USDT", 654322),
        ("BTC-USD-SWAP", "inverse", "100", "USD", "BTC", 654323),
    )
]


def listed(rows: Iterable[object]) -> bytes:
    """The answer to a call."""
    return json.dumps({"code": "0", "msg": "", "data": list(rows)}).encode()


def config(level: str = "2", mode: str = "net_mode") -> bytes:
    """The published kind of account, with another level and mode."""
    answer = json.loads(CAPTURES["rest_config"])
    answer["data"][0] |= {"acctLv": level, "posMode": mode}
    return json.dumps(answer).encode()


def sent(protocol: AccountLink) -> list[dict[str, Any]]:
    """The frames that were queued, each with how it is to be authenticated."""
    frames: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send), effect
        frames.append({**json.loads(effect.frame), "auth": effect.auth is Auth.SIGNED})
    return frames


def prepared(
    wanted: Iterable[Subscription] = (EXECUTIONS, BALANCES), kind: bytes | None = None
) -> AccountLink:
    """A link that knows its markets and its account, and is about to log in."""
    protocol = account_link()
    protocol.subscribe(wanted)
    assert list(protocol.outbox) == [*LISTS, CONFIG]
    protocol.outbox.clear()
    bodies = (*map(listed, (SPOT, CONTRACTS, ())), kind or config())
    for fetch, body in zip((*LISTS, CONFIG), bodies, strict=True):
        assert protocol.receive_response(fetch, body, NOW) == ()
    return protocol


def account(kind: bytes | None = None) -> tuple[AccountLink, list[Event]]:
    """A link that is logged in and subscribed, and the events until then."""
    protocol = prepared(kind=kind)
    events = [
        *protocol.receive(CAPTURES["login"], NOW),
        *protocol.receive(CAPTURES["account_ack"], NOW),  # of orders, balances and positions
        *protocol.receive(CAPTURES["account_ack"], NOW),
        *protocol.receive(CAPTURES["account_ack"], NOW),
    ]
    protocol.outbox.clear()
    return protocol, events
