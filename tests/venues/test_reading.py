"""Tests of frames whose rows are of several streams."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.reading import Reading, missed
from fluxum.venues.rows import LeftOutRows

BTC = Subscription(Channel.TICKER, Symbol("BTC/USD"))
ETH = Subscription(Channel.TICKER, Symbol("ETH/USD"))
STREAMS = {"BTC": (BTC,), "ETH": (ETH,), "XRP": ()}


def notice(text: str) -> VenueNotice:
    return VenueNotice(venue="toy", message=text, received_ns=7)


def read(row: str) -> list[Event]:
    if row.endswith("?"):
        raise RemoteProtocolError(f"no row, was {row}")
    return [notice(row)]


def reading(*rows: str) -> Reading:
    one = Reading("toy", 7)
    one.rows(rows, read, lambda row: STREAMS[row[:3]])
    return one


def test_good_rows_are_published_in_their_order() -> None:
    assert reading("ETH", "BTC").finish() == [notice("ETH"), notice("BTC")]


def test_rows_that_cannot_be_read_come_first_each_with_its_stream() -> None:
    told = reading("BTC?1", "ETH", "ETH?2", "BTC?", "BTC??").finish()

    assert told == [
        LeftOut(
            venue="toy",
            subscription=BTC,
            count=2,
            reason="no row, was BTC?",
            sample="'BTC?'",
            received_ns=7,
        ),
        notice("BTC?1"),
        notice("ETH"),
        notice("ETH?2"),
    ]


def test_rows_of_no_stream_of_ours_are_counted_all_the_same() -> None:
    (left_out, _) = reading("XRP?", "BTC").finish()

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (None, 1)


def test_a_frame_of_which_nothing_can_be_read_names_the_streams_it_harms() -> None:
    with pytest.raises(UnreadableStream, match=r"no row, was BTC\?, in 'BTC\?'") as raised:
        reading("BTC?", "ETH?", "XRP?").finish()

    assert raised.value.subscriptions == (BTC, ETH)


def test_rows_left_out_elsewhere_are_added() -> None:
    one = reading("BTC")
    assert not one.has_left_out

    one.leave_out(LeftOutRows(3, "odd", "?"), (BTC, ETH))

    assert one.has_left_out
    told = one.finish()
    counts = [(event.subscription, event.count) for event in told if isinstance(event, LeftOut)]
    assert counts == [(BTC, 3), (ETH, 3)]


def test_what_was_missed_of_a_stream_is_an_event() -> None:
    event = missed("toy", Subscription(Channel.EXECUTION), "5 was expected, was 7", 9)

    assert (event.venue, event.subscription.channel) == ("toy", Channel.EXECUTION)
    assert (event.reason, event.received_ns) == ("5 was expected, was 7", 9)
