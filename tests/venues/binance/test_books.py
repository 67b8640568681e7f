"""Books of which some level cannot be read: that level is left out, and counted."""

import json

import pytest

from fluxum.model.event import LeftOut
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.conversation import UnreadableStream
from venues.binance.wire import (
    BOOK,
    NOW,
    changes,
    drain,
    fetched,
    listening,
    live,
    numbers,
    snapshot,
)


@pytest.mark.parametrize(
    "odd", [["0.-10000", "1"], ["100", "-1"], ["100", 1], ["100"], None, {"price": "100"}]
)
def test_a_level_that_cannot_be_read_is_left_out_of_its_event(odd: object) -> None:
    protocol = live()

    published, update = protocol.receive(with_level(changes(11, 12), odd), NOW)

    assert isinstance(published, LeftOut)
    assert (published.subscription, published.count) == (BOOK, 1)
    assert isinstance(update, BookUpdate)
    assert [str(one.price) for one in update.bids] == ["100.0"]
    assert numbers(protocol.receive(changes(13, 13), NOW)) == [13]


def test_a_snapshot_without_its_odd_levels_begins_the_book() -> None:
    protocol, fetch = listening()
    body = (
        snapshot(9)
        .replace(b'"bids": [', b'"bids": [["0.-10000", "1"], ')
        .replace(b'"asks": [', b'"asks": [["101.5", null], ')
    )

    published, begun = protocol.receive_response(fetch, body, NOW)

    assert isinstance(published, LeftOut)
    assert (published.subscription, published.count, published.sample) == (
        BOOK,
        2,
        '["0.-10000", "1"]',
    )
    assert isinstance(begun, BookSnapshot)
    assert [len(side) for side in (begun.bids, begun.asks)] == [2, 1]
    assert numbers(protocol.receive(changes(10, 10), NOW)) == [10]


def test_an_odd_level_of_a_kept_event_is_published_with_that() -> None:
    protocol, fetch = listening()
    assert protocol.receive(with_level(changes(5, 7), ["x", "1"]), NOW) == ()
    assert protocol.receive(with_level(changes(8, 10), ["y", "1"]), NOW) == ()

    published, *events = protocol.receive_response(fetch, snapshot(8), NOW)

    assert isinstance(published, LeftOut)
    assert (published.count, published.sample) == (1, '["y", "1"]')
    assert numbers(events) == [("snapshot", 8), 10]


def test_a_snapshot_that_is_none_harms_its_book_alone_and_a_live_one_not_at_all() -> None:
    protocol, fetch = listening()

    with pytest.raises(UnreadableStream) as error:
        protocol.receive_response(fetch, b'{"lastUpdateId":5,"bids":[],"asks":null}', NOW)
    assert error.value.subscriptions == (BOOK,)

    protocol.receive_response(fetch, snapshot(9), NOW)
    protocol.resync(BOOK)
    (again,) = fetched(drain(protocol))
    with pytest.raises(UnreadableStream) as error:
        protocol.receive_response(again, b"[]", NOW)
    assert error.value.subscriptions == ()


def with_level(frame: bytes, odd: object) -> bytes:
    """A depth event with one level more."""
    wire = json.loads(frame)
    wire["data"]["b"].insert(0, odd)
    return json.dumps(wire).encode()
