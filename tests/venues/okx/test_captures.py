"""Messages copied by hand from documents and recordings: each says what stands beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fluxum.model.codec import plain
from fluxum.model.event import Channel, Event, Subscribed, Subscription
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.venue import Fetch

FOLDER = Path(__file__).parent / "captures"


def captures(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text().splitlines()]


def assert_events(events: Sequence[Event], expected: list[dict[str, Any]]) -> None:
    published = [plain(event) for event in events]
    assert [one["type"] for one in published] == [one["type"] for one in expected]
    for facts, claims in zip(published, expected, strict=True):
        assert {key: facts.get(key) for key in claims} == claims


@pytest.mark.parametrize("capture", captures("public.jsonl"), ids=lambda one: one["name"])
def test_of_a_frame(capture: dict[str, Any]) -> None:
    protocol = OkxProtocol()
    protocol.follow_passively()

    assert_events(protocol.receive(capture["frame"].encode(), 1), capture["events"])


@pytest.mark.parametrize("capture", captures("rest.jsonl"), ids=lambda one: one["name"])
def test_of_an_answer(capture: dict[str, Any]) -> None:
    fetch = Fetch("GET", capture["path"], capture["purpose"])

    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])

    events = protocol.receive_response(fetch, capture["body"].encode(), 1)

    assert_events([one for one in events if not isinstance(one, Subscribed)], capture["events"])
