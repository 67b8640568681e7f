"""Captures of the private half of USD-M futures, and conversations for tests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import AccountLink
from fluxum.venues.binance.policy import USDM
from fluxum.venues.binance.private.futures.protocol import account_link, order_link
from fluxum.venues.conversation import Auth, Effect, Fetch, Send

__all__ = [
    "BALANCES",
    "CAPTURES",
    "EXECUTIONS",
    "NOW",
    "account",
    "answered",
    "orders",
    "queued",
    "written",
]

NOW = 1_790_358_506_844 * 1_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_FILE = Path(__file__).parents[3] / "binance-usdm/captures/private.jsonl"
CAPTURES: dict[str, bytes] = {
    one["name"]: one["frame"].encode() for one in map(json.loads, _FILE.read_text().splitlines())
}
_MARKETS = b'{"symbols":[{"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT"}]}'


def queued(link: AccountLink) -> list[Effect]:
    """What was queued."""
    effects = list(link.outbox)
    link.outbox.clear()
    return effects


def written(effect: Effect) -> dict[str, Any]:
    """A frame that was queued, which is signed or not."""
    assert isinstance(effect, Send), effect
    return {**json.loads(effect.frame), "auth": effect.auth is Auth.SIGNED}


def answered(name: str, number: str) -> bytes:
    """A capture of an answer, to a request of another number."""
    return json.dumps({**json.loads(CAPTURES[name]), "id": number}).encode()


def account(
    wanted: Iterable[Subscription] = (EXECUTIONS, BALANCES),
) -> tuple[AccountLink, list[Event]]:
    """A stream that is open and subscribed, and the events until then."""
    link = account_link(USDM)
    link.subscribe(wanted)
    (listing,) = queued(link)
    assert isinstance(listing, Fetch)
    events = [*link.receive_response(listing, _MARKETS, NOW)]
    while waiting := queued(link):
        for effect in waiting:
            number = written(effect)["id"]
            answer = json.dumps({"result": False, "id": number}).encode()
            events += link.receive(answer, NOW)
    return link, events


def orders() -> AccountLink:
    """A link of orders that is open."""
    link = order_link(USDM)
    link.subscribe([EXECUTIONS])
    queued(link)
    link.receive(answered("session.status", "login"), NOW)
    return link
