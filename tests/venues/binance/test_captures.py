"""Published and recorded messages, each with the facts that were read from it by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Subscribed, Subscription
from fluxum.venues.binance import native
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM
from fluxum.venues.venue import Fetch, Venue

FOLDER = Path(__file__).parents[1]
NOW = 1_790_000_000_000_000_000
Record = dict[str, Any]


def records(name: str) -> list[tuple[Venue, Record]]:
    return [
        (venue, json.loads(line))
        for venue in (BINANCE, BINANCE_USDM)
        for line in (FOLDER / venue.name / "captures" / name).read_text().splitlines()
    ]


def name_of(value: Venue | Record) -> str:
    return value.name if isinstance(value, Venue) else str(value["name"])


def assert_contains(expected: list[Record], events: list[Record]) -> None:
    """What was written by hand is in the events, which may have more fields."""
    assert len(events) == len(expected), events
    for hand, event in zip(expected, events, strict=True):
        assert {key: event.get(key, "missing") for key in hand} == hand


@pytest.mark.parametrize(("venue", "record"), records("public.jsonl"), ids=name_of)
def test_a_frame_becomes_what_was_read_by_hand(venue: Venue, record: Record) -> None:
    protocol = venue.protocol()
    protocol.follow_passively()

    events = [plain(event) for event in protocol.receive(record["frame"].encode(), NOW)]

    assert_contains(record["events"], events)


@pytest.mark.parametrize(("venue", "record"), records("rest.jsonl"), ids=name_of)
def test_an_answer_becomes_what_was_read_by_hand(venue: Venue, record: Record) -> None:
    fetch = Fetch("GET", record["path"], record["purpose"])
    protocol = venue.protocol()
    protocol.subscribe([Subscription(Channel(one)) for one in record.get("subscribed", ())])

    events = protocol.receive_response(fetch, record["body"].encode(), NOW)

    published = [plain(event) for event in events if not isinstance(event, Subscribed)]
    assert_contains(record["events"], published)


def test_a_capture_of_every_kind_of_event_is_there() -> None:
    published = {native.decode_tag(one["frame"].encode()).e for _, one in records("public.jsonl")}

    assert published >= native.EVENTS


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"null",
        b'{"id":1}',
        b'{"result":5,"id":1}',
        b'{"stream":"btcusdt@trade"}',
        b'{"stream":"btcusdt@trade","data":[1,2]}',
        b'{"stream":5,"data":{}}',
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":"1"}}',
        b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}',
    ],
)
def test_what_makes_no_sense_is_a_typed_error(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        BINANCE.protocol().receive(frame, NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"p":"0.001"', '"p":"-0.001"'),
        ('"p":"0.001"', '"p":"NaN"'),
        ('"p":"0.001"', '"p":"1e400"'),
        ('"p":"0.001"', '"p":"one"'),
        ('"q":"100"', '"q":100'),
        ('"p":"0.001"', '"p":"0.000"'),
        ('"t":12345', '"t":1e30'),
        ('"t":12345', '"t":123456789012345678901234567890'),
        ('"s":"BNBBTC"', '"s":"NOSUCHTHING"'),
        ('"s":"BNBBTC"', '"s":""'),
    ],
)
def test_a_trade_with_a_strange_number_or_market_is_refused(old: str, new: str) -> None:
    frame = (
        '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
        '"T":1672515782136,"m":true,"M":true}'
    )
    protocol = BINANCE.protocol()
    protocol.follow_passively()
    assert old in frame

    with pytest.raises(RemoteProtocolError):
        protocol.receive(frame.replace(old, new).encode(), NOW)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"stream":"btcusdt@depth20","data":{"lastUpdateId":160,"bids":[],"asks":[]}}',
        b'{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1,"s":"BNBBTC"}]}',
        b'{"stream":"btcusdt@kline_2M","data":{"e":"newKind","E":1}}',
    ],
)
def test_another_clients_streams_of_other_kinds_are_passed_over(frame: bytes) -> None:
    protocol = BINANCE.protocol()
    protocol.follow_passively()

    assert protocol.receive(frame, NOW) == ()
