"""The order of a book's events: first event, hole, repetition, restart, new snapshots."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Desync
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.binance.depth import HELD_MAX
from fluxum.venues.binance.policy import SPOT, USDM
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.venue import Fetch
from venues.binance.wire import (
    BOOK,
    NOW,
    PERP_BOOK,
    changes,
    drain,
    fetched,
    listening,
    live,
    numbers,
    sent,
    snapshot,
    yes,
)

# Splicing


def test_a_snapshot_is_requested_after_the_acknowledgement_and_events_are_kept() -> None:
    protocol, fetch = listening()

    assert fetch.path == "/api/v3/depth?symbol=BTCUSDT&limit=1000"
    assert protocol.receive(changes(5, 7), NOW) == ()
    assert protocol.receive(changes(8, 9), NOW) == ()
    assert protocol.receive(changes(10, 12), NOW) == ()

    events = protocol.receive_response(fetch, snapshot(9), NOW + 1)

    assert numbers(events) == [("snapshot", 9), 12]
    published = events[0]
    assert isinstance(published, BookSnapshot)
    assert (published.cut_at, published.depth, published.venue_ns, published.received_ns) == (
        1000,
        None,
        None,
        NOW + 1,
    )
    assert numbers(protocol.receive(changes(13, 13), NOW)) == [13]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (3, 0)


def test_an_event_that_overlaps_the_snapshot_is_laid_over_it() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(5, 12), NOW)

    assert numbers(protocol.receive_response(fetch, snapshot(9), NOW)) == [("snapshot", 9), 12]


def test_an_event_right_after_the_snapshot_follows_on() -> None:
    """Its range does not hold the snapshot's update, as the documents would have it."""
    protocol, fetch = listening()
    protocol.receive(changes(10, 12), NOW)

    assert numbers(protocol.receive_response(fetch, snapshot(9), NOW)) == [("snapshot", 9), 12]


def test_an_event_that_ends_with_the_snapshot_is_in_it() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(5, 9), NOW)

    assert numbers(protocol.receive_response(fetch, snapshot(9), NOW)) == [("snapshot", 9)]


def test_a_snapshot_older_than_the_first_event_is_fetched_again() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(10, 12), NOW)

    assert protocol.receive_response(fetch, snapshot(8), NOW) == ()
    (again,) = fetched(drain(protocol))

    assert again.path == fetch.path
    assert numbers(protocol.receive_response(again, snapshot(11), NOW)) == [("snapshot", 11), 12]


def test_a_snapshot_that_stays_too_old_has_to_wait_and_is_an_error() -> None:
    """The call is the caller's to repeat, with a back-off; at once it is repeated only once."""
    protocol, fetch = listening()
    protocol.receive(changes(10, 12), NOW)
    protocol.receive_response(fetch, snapshot(8), NOW)
    (again,) = fetched(drain(protocol))
    assert again.subscription == BOOK
    text = "a snapshot of BTCUSDT as of update 9 or later was expected, was as of 8"

    for _ in range(3):
        with pytest.raises(UnreadableStream, match=text) as error:
            protocol.receive_response(again, snapshot(8), NOW)
        assert error.value.subscriptions == (BOOK,)
        assert not drain(protocol)

    assert numbers(protocol.receive_response(again, snapshot(11), NOW)) == [("snapshot", 11), 12]


def test_the_answer_to_a_fetch_that_was_answered_is_passed_over() -> None:
    protocol, fetch = listening()
    protocol.receive_response(fetch, snapshot(9), NOW)

    assert protocol.receive_response(fetch, snapshot(9), NOW) == ()
    assert not drain(protocol)


def test_a_quiet_market_has_its_snapshot_without_an_event() -> None:
    protocol, fetch = listening()

    assert numbers(protocol.receive_response(fetch, snapshot(9), NOW)) == [("snapshot", 9)]
    assert numbers(protocol.receive(changes(10, 10), NOW)) == [10]
    assert protocol.sequence.steps == 0


def test_the_first_event_of_all_may_show_that_the_snapshot_was_too_old() -> None:
    protocol, fetch = listening()
    protocol.receive_response(fetch, snapshot(9), NOW)

    assert numbers(protocol.receive(changes(12, 13), NOW)) == [("desync", 9, 11)]


def test_events_a_snapshot_is_ahead_of_are_passed_over_and_counted() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(5, 6), NOW)
    protocol.receive_response(fetch, snapshot(9), NOW)

    assert protocol.receive(changes(7, 8), NOW) == ()
    assert protocol.receive(changes(9, 9), NOW) == ()
    assert numbers(protocol.receive(changes(10, 11), NOW)) == [11]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (3, 0)


def test_a_hole_that_the_snapshot_covers_is_counted_and_harmless() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(5, 6), NOW)
    protocol.receive_response(fetch, snapshot(20), NOW)

    assert protocol.receive(changes(10, 12), NOW) == ()
    assert numbers(protocol.receive(changes(13, 22), NOW)) == [22]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (1, 1)


def test_a_hole_among_the_kept_events_needs_a_snapshot_from_behind_it() -> None:
    protocol, fetch = listening()
    protocol.receive(changes(5, 7), NOW)
    protocol.receive(changes(11, 12), NOW)

    assert protocol.receive_response(fetch, snapshot(7), NOW) == ()
    (again,) = fetched(drain(protocol))
    assert numbers(protocol.receive_response(again, snapshot(10), NOW)) == [("snapshot", 10), 12]


def test_too_many_kept_events_cost_the_older_half_and_no_wrong_book() -> None:
    protocol, fetch = listening()
    for number in range(1, HELD_MAX + 2):
        protocol.receive(changes(number, number), NOW)

    assert protocol.receive_response(fetch, snapshot(HELD_MAX // 2 - 1), NOW) == ()
    (again,) = fetched(drain(protocol))
    events = protocol.receive_response(again, snapshot(HELD_MAX // 2), NOW)
    assert numbers(events)[:2] == [("snapshot", HELD_MAX // 2), HELD_MAX // 2 + 1]
    assert len(events) == 1 + HELD_MAX // 2 + 1


# Futures


def test_a_future_follows_on_the_event_it_names() -> None:
    protocol, fetch = listening(USDM, PERP_BOOK)
    assert fetch.path == "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    protocol.receive(changes(50, 60, follows=40), NOW)
    protocol.receive(changes(75, 80, follows=60), NOW)

    events = protocol.receive_response(fetch, snapshot(78, time=1_617_647_797_881), NOW)

    assert numbers(events) == [("snapshot", 78), 80]
    assert events[0].received_ns == NOW
    published = events[0]
    assert isinstance(published, BookSnapshot)
    assert published.venue_ns == 1_617_647_797_881_000_000
    update = events[1]
    assert isinstance(update, BookUpdate)
    assert update.venue_ns == 1_672_515_782_130_000_000
    assert numbers(protocol.receive(changes(95, 99, follows=80), NOW)) == [99]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 0)


def test_an_event_that_ends_with_a_futures_snapshot_is_kept_as_documented() -> None:
    protocol, fetch = listening(USDM, PERP_BOOK)
    protocol.receive(changes(50, 60, follows=40), NOW)

    events = protocol.receive_response(fetch, snapshot(60, time=1), NOW)

    assert numbers(events) == [("snapshot", 60), 60]


def test_a_quiet_future_is_spliced_though_no_event_holds_the_snapshots_update() -> None:
    protocol, fetch = listening(USDM, PERP_BOOK)
    protocol.receive(changes(75, 80, follows=60), NOW)

    events = protocol.receive_response(fetch, snapshot(60, time=1), NOW)

    assert numbers(events) == [("snapshot", 60), 80]


def test_a_future_that_follows_on_another_event_breaks() -> None:
    protocol = live(USDM)

    published = protocol.receive(changes(75, 80, follows=60), NOW)

    assert numbers(published) == [("desync", 10, 60)]


def test_a_future_that_names_no_event_makes_no_sense() -> None:
    protocol = live(USDM)

    with pytest.raises(RemoteProtocolError, match="BTCUSDT"):
        protocol.receive(changes(11, 12), NOW)


# Live


def test_a_hole_is_published_in_place_of_the_update_and_nothing_after_it_until_a_snapshot() -> None:
    protocol = live()
    drain(protocol)

    (published,) = protocol.receive(changes(13, 14), NOW)

    assert published == Desync(
        venue="binance",
        subscription=BOOK,
        generation=0,
        reason="updates that follow on 10 were expected, was 12",
        expected=10,
        computed=12,
        venue_ns=1_672_515_782_136_000_000,
        received_ns=NOW,
    )
    assert protocol.receive(changes(15, 16), NOW) == ()
    assert not drain(protocol)
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (1, 1)

    protocol.resync(BOOK)
    (fetch,) = fetched(drain(protocol))
    events = protocol.receive_response(fetch, snapshot(14), NOW)
    assert numbers(events) == [("snapshot", 14), 16]
    assert numbers(protocol.receive(changes(17, 17), NOW)) == [17]


def test_a_snapshot_from_before_the_hole_does_not_heal_it() -> None:
    protocol = live()
    protocol.receive(changes(13, 14), NOW)
    protocol.resync(BOOK)
    fetch = fetched(drain(protocol))[-1]

    assert protocol.receive_response(fetch, snapshot(11), NOW) == ()
    assert len(fetched(drain(protocol))) == 1


def test_a_repeated_event_is_passed_over() -> None:
    protocol = live()
    protocol.receive(changes(11, 12), NOW)

    assert protocol.receive(changes(11, 12), NOW) == ()
    assert protocol.receive(changes(5, 10), NOW) == ()
    assert numbers(protocol.receive(changes(13, 13), NOW)) == [13]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 0)


def test_an_event_that_was_overtaken_is_a_hole_and_then_late() -> None:
    protocol = live()

    assert numbers(protocol.receive(changes(12, 13), NOW)) == [("desync", 10, 11)]
    assert protocol.receive(changes(11, 11), NOW) == ()
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (0, 1)


def test_an_event_that_reaches_back_and_beyond_is_taken() -> None:
    protocol = live()

    assert numbers(protocol.receive(changes(8, 12), NOW)) == [12]
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (0, 0)


def test_a_venue_that_counts_anew_is_found_out_with_the_second_event() -> None:
    protocol = live()

    assert protocol.receive(changes(1, 2), NOW) == ()
    assert numbers(protocol.receive(changes(3, 4), NOW)) == [("desync", 10, 2)]
    protocol.resync(BOOK)
    fetch = fetched(drain(protocol))[-1]
    assert numbers(protocol.receive_response(fetch, snapshot(3), NOW)) == [("snapshot", 3), 4]
    assert numbers(protocol.receive(changes(5, 5), NOW)) == [5]


def test_an_event_without_levels_leaves_a_hole() -> None:
    protocol = live()

    with pytest.raises(UnreadableStream) as error:
        protocol.receive(changes(11, 12).replace(b'"b": [', b'"c": ['), NOW)

    assert error.value.subscriptions == (BOOK,)
    assert numbers(protocol.receive(changes(13, 13), NOW)) == [("desync", 10, 12)]


def test_an_event_that_ends_before_it_begins_makes_no_sense() -> None:
    protocol = live()

    with pytest.raises(RemoteProtocolError):
        protocol.receive(changes(11, 10), NOW)


def test_an_event_of_another_market_on_the_stream_makes_no_sense() -> None:
    protocol = live()

    with pytest.raises(RemoteProtocolError, match="ETHUSDT"):
        protocol.receive(changes(11, 12).replace(b'"s": "BTCUSDT"', b'"s": "ETHUSDT"'), NOW)


# New snapshots of a live book


def refreshing() -> tuple[BinanceProtocol, Fetch]:
    protocol = live()
    drain(protocol)
    protocol.receive(changes(11, 11), NOW)
    protocol.resync(BOOK)
    (fetch,) = fetched(drain(protocol))
    return protocol, fetch


def test_a_live_book_goes_on_while_its_new_snapshot_is_fetched() -> None:
    protocol, fetch = refreshing()

    assert numbers(protocol.receive(changes(12, 12), NOW)) == [12]
    assert numbers(protocol.receive(changes(13, 14), NOW)) == [14]

    events = protocol.receive_response(fetch, snapshot(12), NOW)

    assert numbers(events) == [("snapshot", 12), 14]
    assert numbers(protocol.receive(changes(15, 15), NOW)) == [15]
    assert protocol.sequence.breaks == 0


def test_a_new_snapshot_older_than_what_was_kept_is_fetched_again() -> None:
    protocol, fetch = refreshing()

    assert protocol.receive_response(fetch, snapshot(10), NOW) == ()
    (again,) = fetched(drain(protocol))
    assert numbers(protocol.receive(changes(12, 12), NOW)) == [12]
    assert numbers(protocol.receive_response(again, snapshot(11), NOW)) == [("snapshot", 11), 12]


def test_a_new_snapshot_that_is_refused_changes_nothing() -> None:
    protocol, fetch = refreshing()

    assert protocol.receive_refusal(fetch, "answered 403", NOW) == ()

    assert numbers(protocol.receive(changes(12, 12), NOW)) == [12]
    protocol.resync(BOOK)
    assert len(fetched(drain(protocol))) == 1


def test_two_resyncs_fetch_once() -> None:
    protocol, _ = refreshing()

    protocol.resync(BOOK)
    protocol.resync(BOOK)

    assert not fetched(drain(protocol))


def test_a_hole_while_a_new_snapshot_is_fetched_needs_one_from_behind_it() -> None:
    protocol, fetch = refreshing()
    protocol.receive(changes(12, 12), NOW)
    assert numbers(protocol.receive(changes(15, 16), NOW)) == [("desync", 12, 14)]
    protocol.resync(BOOK)
    assert not fetched(drain(protocol))

    assert protocol.receive_response(fetch, snapshot(12), NOW) == ()
    (again,) = fetched(drain(protocol))
    assert numbers(protocol.receive_response(again, snapshot(15), NOW)) == [("snapshot", 15), 16]


def test_a_book_that_stays_silent_is_requested_again_once() -> None:
    protocol = live()
    protocol.resync(BOOK)
    (fetch,) = fetched(drain(protocol))
    protocol.receive_response(fetch, snapshot(10), NOW)

    protocol.resync(BOOK)
    effects = drain(protocol)
    protocol.resync(BOOK)

    (request,) = sent(effects)
    assert request["params"] == ["btcusdt@depth@100ms"]
    assert len(fetched(effects)) == 1
    assert not drain(protocol)
    assert list(protocol.unanswered()) == [BOOK]
    assert protocol.receive(yes(request["id"]), NOW) == ()
    assert not protocol.unanswered()


def test_a_book_that_is_not_active_is_not_fetched() -> None:
    protocol = BinanceProtocol(SPOT)

    protocol.resync(BOOK)

    assert not drain(protocol)
