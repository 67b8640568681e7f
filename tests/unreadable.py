"""What tests of frames that cannot be read ask: whom they harm, and how much was left out."""

from collections.abc import Iterable
from typing import Any

import pytest

from fluxum.model.event import Event, LeftOut, Subscription
from fluxum.venues.conversation import UnreadableStream

__all__ = ["counted", "field", "harmed", "kinds"]


def harmed(protocol: Any, nonsense: bytes, now_ns: int) -> tuple[Subscription, ...]:
    """The streams that a frame harms which cannot be read."""
    with pytest.raises(UnreadableStream) as raised:
        protocol.receive(nonsense, now_ns)
    return raised.value.subscriptions


def kinds(events: Iterable[Event]) -> list[type]:
    """What the events are, in order."""
    return [type(event) for event in events]


def counted(events: Iterable[Event]) -> int:
    """How many rows were left out of one frame, those that may be of several streams once."""
    return max((event.count for event in events if isinstance(event, LeftOut)), default=0)


def field(row: Any, name: str | int) -> Any:
    """A row's field; `None` where the row is of another form."""
    try:
        return None if isinstance(row, str) else row[name]
    except (KeyError, IndexError, TypeError):
        return None
