"""A reader's numbering by hand: what is missing, repeated, late, dropped, or of another run."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from fluxum.model.event import (
    Channel,
    Dropped,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Rejected,
    Repair,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.sink.intake import Intake
from fluxum.sink.wire import OutboxDropped, Tally, encode_batch, encode_event_line, encode_notice

BTC = Symbol("BTC/USD")
STREAM, LINK = "kraken/BTC-USD/trade", "kraken/link"
NOW = 1_000
EPOCH = 500


def trade(number: int) -> Trade:
    return Trade(
        venue="kraken",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
        trade_id=str(number),
        received_ns=number,
    )


def batch(n: int, *items: Event | Tally | OutboxDropped, epoch: int = EPOCH) -> bytes:
    lines = [
        encode_notice(one) if isinstance(one, Tally | OutboxDropped) else encode_event_line(one)
        for one in items
    ]
    stream = LINK if isinstance(items[0], VenueNotice) else STREAM
    return encode_batch(stream, epoch, n, lines, 0).payload


def taken(intake: Intake, *payloads: bytes) -> list[Event]:
    return [event for one in payloads for event in intake.take(one, NOW)]


def joined(*, is_whole: bool = False, joined_ns: int = EPOCH) -> Intake:
    return Intake(is_whole=is_whole, joined_ns=joined_ns)


def gap(missing: int | None, detail: str, since_ns: int = NOW) -> Gap:
    return Gap(
        venue="kraken",
        subscription=Subscription(Channel.TRADE, BTC),
        cause=GapCause.ENGINE,
        repair=Repair.LOST,
        since_ns=since_ns,
        until_ns=NOW,
        missing=missing,
        detail=detail,
        received_ns=NOW,
    )


def test_events_come_in_their_order() -> None:
    intake = joined()

    found = taken(intake, batch(1, trade(1), trade(2)), batch(3, trade(3)))

    assert found == [trade(1), trade(2), trade(3)]
    assert intake.statistics().sums_close


def test_missing_numbers_are_a_gap_before_anything_newer() -> None:
    intake = joined()

    found = taken(intake, batch(1, trade(1)), batch(4, trade(4)))

    assert found == [trade(1), gap(2, "2 numbers are missing", since_ns=1), trade(4)]
    counts = intake.statistics()
    assert (counts.numbers, counts.events, counts.missing, counts.own) == (4, 2, 2, 1)
    assert counts.sums_close
    assert not counts.streams[0].is_whole


def test_repeats_are_skipped_whole_or_in_part() -> None:
    intake = joined()

    found = taken(
        intake, batch(1, trade(1), trade(2)), batch(1, trade(1)), batch(2, trade(2), trade(3))
    )

    assert found == [trade(1), trade(2), trade(3)]
    assert intake.statistics().repeats == 2
    assert intake.statistics().sums_close


def test_a_reader_may_join_anywhere() -> None:
    intake = joined(joined_ns=EPOCH + 1)

    assert taken(intake, batch(7, trade(7))) == [trade(7)]
    (sums,) = intake.statistics().streams
    assert (sums.before, sums.last, sums.is_whole) == (6, 7, True)


def test_a_run_that_began_after_the_reader_has_to_begin_with_one() -> None:
    intake = joined(joined_ns=EPOCH - 1)

    assert taken(intake, batch(7, trade(7))) == [gap(6, "6 numbers are missing"), trade(7)]


def test_a_reader_of_all_gets_a_gap_for_what_the_engine_has_no_more() -> None:
    intake = joined(is_whole=True)

    found = taken(intake, batch(7, trade(7)), batch(8, trade(8)))

    assert found == [gap(6, "the engine has nothing before number 7"), trade(7), trade(8)]
    assert intake.statistics().sums_close


def test_what_the_outbox_dropped_is_told_at_its_place() -> None:
    intake = joined()

    found = taken(intake, batch(1, trade(1), OutboxDropped(count=5, sent_ns=3), trade(7)))

    assert found == [trade(1), Dropped(venue="kraken", count=5, received_ns=NOW), trade(7)]
    counts = intake.statistics()
    assert (counts.numbers, counts.events, counts.notices, counts.dropped) == (3, 2, 1, 5)
    assert counts.sums_close


def tally(offered: int, dropped: int, notices: int, *, is_last: bool = False) -> Tally:
    return Tally(offered=offered, dropped=dropped, notices=notices, is_last=is_last, sent_ns=9)


@pytest.mark.parametrize(
    ("payloads", "unexplained"),
    [
        ([batch(1, trade(1), tally(1, 0, 0))], 0),
        ([batch(1, trade(1), OutboxDropped(count=5, sent_ns=3), tally(6, 5, 1))], 0),
        ([batch(1, trade(1)), batch(4, tally(3, 0, 0))], 0),  # two are missing, and are explained
        ([batch(1, trade(1), tally(2, 0, 0))], 1),  # it offered two and numbered one
        ([batch(1, trade(1), tally(0, 0, 1))], 1),  # an event came that it never offered
    ],
)
def test_the_publishers_sums_are_compared(payloads: Sequence[bytes], unexplained: int) -> None:
    intake = joined()

    taken(intake, *payloads)

    assert intake.statistics().streams[0].unexplained == unexplained
    assert intake.statistics().sums_close == (not unexplained)


@pytest.mark.parametrize("is_closed", [True, False])
def test_another_run_is_a_gap_of_unknown_size(is_closed: bool) -> None:
    intake = joined()

    found = taken(
        intake,
        batch(1, trade(1), tally(1, 0, 0, is_last=is_closed)),
        batch(1, trade(5), epoch=EPOCH + 1),
    )

    detail = "the publisher was started again"
    if not is_closed:
        detail = "the publisher ended without its last tally, and was started again"
    assert found == [trade(1), gap(None, detail, since_ns=9), trade(5)]
    assert [one.is_closed for one in intake.statistics().streams] == [is_closed, False]
    assert intake.statistics().sums_close


def test_an_older_run_that_comes_late_is_counted_and_not_delivered() -> None:
    intake = joined()

    found = taken(intake, batch(1, trade(1)), batch(1, trade(9), trade(10), epoch=EPOCH - 1))

    assert found == [trade(1)]
    assert intake.statistics().superseded == 2
    assert not intake.statistics().streams[0].is_whole


def test_losses_of_the_stream_of_links_need_no_subscription() -> None:
    intake = joined()
    notice = VenueNotice(venue="kraken", received_ns=1)

    found = taken(intake, batch(1, notice), batch(3, notice), batch(1, notice, epoch=EPOCH + 1))

    detail = "the publisher ended without its last tally, and was started again"
    assert found == [
        notice,
        Dropped(venue="kraken", count=1, received_ns=NOW),
        notice,
        LinkLost(venue="kraken", link="publisher", reason=detail, received_ns=NOW),
        notice,
    ]


@pytest.mark.parametrize(
    "payload",
    [b"nonsense", encode_batch("nonsense", 1, 1, [encode_event_line(trade(1))], 0).payload],
)
def test_what_is_no_batch_is_counted_and_shown(payload: bytes) -> None:
    intake = joined()

    (found,) = taken(intake, payload)

    assert isinstance(found, Rejected)
    assert found.sample == payload.decode()[:200]
    assert intake.statistics().unreadable == 1
    assert intake.statistics().sums_close


def test_runs_that_are_not_kept_any_more_stay_in_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxum.sink.intake._RUNS_KEPT", 2)
    intake = Intake(is_whole=True, joined_ns=0)

    taken(intake, *(batch(1, trade(1), epoch=EPOCH + run) for run in range(6)))

    counts = intake.statistics()
    assert len(counts.streams) == 3
    assert counts.events == counts.numbers == 6
    assert counts.sums_close
