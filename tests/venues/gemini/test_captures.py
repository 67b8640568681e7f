"""Published and recorded messages, each with the facts that were read from it by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from fluxum.model.codec import plain
from fluxum.model.event import Channel, Subscribed, Subscription
from fluxum.venues.gemini.venue import GEMINI, GEMINI_V2
from fluxum.venues.venue import Fetch, Venue

FOLDER = Path(__file__).parents[1]
NOW = 1_790_000_000_000_000_000
Record = dict[str, Any]


def records(name: str) -> list[tuple[Venue, Record]]:
    return [
        (venue, json.loads(line))
        for venue in (GEMINI, GEMINI_V2)
        for line in (FOLDER / venue.name / "captures" / name).read_text().splitlines()
    ]


def name_of(value: Venue | Record) -> str:
    return value.name if isinstance(value, Venue) else str(value["name"])


def assert_says(expected: list[Record], events: list[Record]) -> None:
    """What was written by hand is in the events, which may say more."""
    assert len(events) == len(expected), events
    for hand, event in zip(expected, events, strict=True):
        assert {key: event.get(key, "missing") for key in hand} == hand


@pytest.mark.parametrize(
    ("venue", "record"),
    records("public.jsonl"),
    ids=name_of,
)
def test_a_frame_says_what_was_read_by_hand(venue: Venue, record: Record) -> None:
    protocol = venue.protocol()
    protocol.follow_passively()

    events = [plain(event) for event in protocol.receive(record["frame"].encode(), NOW)]

    assert_says(record["events"], events)


@pytest.mark.parametrize(
    ("venue", "record"),
    records("rest.jsonl"),
    ids=name_of,
)
def test_an_answer_says_what_was_read_by_hand(venue: Venue, record: Record) -> None:
    protocol = venue.protocol()
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])
    fetch = Fetch("GET", record["path"], "")

    events = [
        plain(event)
        for event in protocol.receive_response(fetch, record["body"].encode(), NOW)
        if not isinstance(event, Subscribed)
    ]

    assert_says(record["events"], events)
