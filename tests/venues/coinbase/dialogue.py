"""Frames written like the captures, and what a protocol has queued, for the tests here."""

import json
from typing import Any

from fluxum.model.event import Event
from fluxum.venues.venue import Fetch, Send, VenueProtocol

__all__ = ["NOW", "envelope", "frame", "receive_all", "sent"]

NOW = 1_786_309_548_000_000_000
TIME = "2026-08-09T21:05:48.5Z"


def sent(protocol: VenueProtocol) -> list[dict[str, Any]]:
    """What was queued, frames as JSON and calls by their path, oldest first."""
    said: list[dict[str, Any]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        if isinstance(effect, Fetch):
            said.append({"fetch": effect.path})
        else:
            assert isinstance(effect, Send)
            said.append(json.loads(effect.frame))
    return said


def frame(**members: Any) -> bytes:
    return json.dumps(members).encode()


def envelope(number: int, channel: str, *events: dict[str, Any]) -> bytes:
    """A numbered frame of Advanced Trade."""
    return frame(channel=channel, timestamp=TIME, sequence_num=number, events=list(events))


def receive_all(protocol: VenueProtocol, *frames: bytes) -> list[Event]:
    return [event for one in frames for event in protocol.receive(one, NOW)]
