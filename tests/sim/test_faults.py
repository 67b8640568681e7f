"""Tests of `sim.faults`: what a script says, and what strikes when."""

import re
from random import Random

import msgspec
import pytest

from fluxum.errors import BadInput
from fluxum.sim.faults import Fault, FaultKind, FaultPlan, parse_faults
from fluxum.venues.server.accounts import OrderFault

BOOK = (
    b'{"channel":"book","type":"update","data":[{"symbol":"1INCH/USD","bids":[{"price":0.5657,'
    b'"qty":1098.39475580}],"asks":[],"checksum":2114181697,'
    b'"timestamp":"2023-10-06T17:35:55.440295Z"}]}'
)
BEAT = b'{"channel":"heartbeat"}'


def plan(text: str, seed: int = 1) -> FaultPlan:
    return FaultPlan(parse_faults(text), Random(seed))


def test_a_script_says_what_when_how_long_and_how_often() -> None:
    faults = parse_faults(
        "corrupt@6s, hangup:1012@12.5s,silence@20s+5s,drop=0.001,maintenance@30+10s,refuse:503@1s"
    )

    assert faults == (
        Fault(FaultKind.CORRUPT, 6.0),
        Fault(FaultKind.HANGUP, 12.5, code=1012),
        Fault(FaultKind.SILENCE, 20.0, 5.0),
        Fault(FaultKind.DROP, rate=0.001),
        Fault(FaultKind.MAINTENANCE, 30.0, 10.0),
        Fault(FaultKind.REFUSE, 1.0, 5.0, code=503),
    )


def test_no_text_is_no_fault() -> None:
    assert parse_faults("") == ()
    assert plan("").is_spent


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_can_be_said(kind: FaultKind) -> None:
    (fault,) = parse_faults(f"{kind.value}@1s+2s")

    assert fault == Fault(kind, 1.0, 2.0)


@pytest.mark.parametrize(
    "item",
    [
        "explode@6s",
        "corrupt",
        "corrupt@",
        "corrupt@-1s",
        "drop=2",
        "drop=0",
        "silence=0.1",
        "hangup:999@1s",
        "hangup:10060@1s",
        "drop:1006@1s",
        "refuse:200@1s",
        "corrupt@6s drop@7s",
    ],
)
def test_nonsense_is_bad_input_that_shows_the_item(item: str) -> None:
    with pytest.raises(BadInput, match=re.escape(repr(item))):
        parse_faults(f"hangup@1s,{item}")


def test_bad_input_lists_the_kinds() -> None:
    with pytest.raises(BadInput) as caught:
        parse_faults("explode@6s")

    assert all(kind.value in str(caught.value) for kind in FaultKind)


def test_a_single_fault_waits_for_its_time_and_for_a_frame_of_a_book() -> None:
    one = plan("corrupt@6s")

    assert one.strike(BOOK, 5.9) is None
    assert one.strike(BEAT, 6.0) is None
    assert one.injected == {}
    struck = one.strike(BOOK, 7.0)
    assert struck is not None
    assert struck.kind is FaultKind.CORRUPT
    assert one.injected == {FaultKind.CORRUPT: 1}
    assert one.strike(BOOK, 8.0) is None
    assert one.is_spent


def test_single_faults_strike_in_the_order_of_their_times() -> None:
    one = plan("drop@2s,duplicate@1s")

    kinds = [fault.kind for fault in (one.strike(BOOK, 3), one.strike(BOOK, 3)) if fault]

    assert kinds == [FaultKind.DUPLICATE, FaultKind.DROP]


def test_a_rate_strikes_any_frame_about_as_often_as_it_says() -> None:
    one = plan("drop=0.1")

    struck = sum(one.strike(BEAT, 0.0) is not None for _ in range(10_000))

    assert 900 < struck < 1100
    assert one.injected == {FaultKind.DROP: struck}


def test_faults_of_the_whole_exchange_are_told_by_time_and_strike_no_frame() -> None:
    one = plan("hangup@12s,silence@3s,drop@1s")

    assert [(fault.kind, fault.at_s) for fault in one.timed] == [
        (FaultKind.SILENCE, 3.0),
        (FaultKind.HANGUP, 12.0),
    ]
    assert [fault.kind for fault in (one.strike(BOOK, 99), one.strike(BOOK, 99)) if fault] == [
        FaultKind.DROP
    ]


def test_a_refusal_by_rate_strikes_dials_and_not_frames() -> None:
    one = plan("refuse:503=1")

    assert one.strike(BOOK, 0.0) is None
    refusal = one.refusal()
    assert refusal is not None
    assert refusal.code == 503
    assert one.injected == {FaultKind.REFUSE: 1}


def test_a_corruption_changes_one_digit_of_one_number_and_leaves_json() -> None:
    one = plan("")
    hit: set[int] = set()
    for _ in range(500):
        wrong = one.corrupt(BOOK)
        places = [place for place in range(len(BOOK)) if wrong[place] != BOOK[place]]
        hit.update(places)
        decoded = msgspec.json.decode(wrong)
        assert len(wrong) == len(BOOK)
        assert len(places) == 1
        assert decoded["data"][0]["symbol"] == "1INCH/USD"
        assert decoded["data"][0]["timestamp"] == "2023-10-06T17:35:55.440295Z"
        assert decoded != msgspec.json.decode(BOOK)

    digits_of_numbers = len("05657") + len("109839475580") + len("2114181697")
    assert len(hit) == digits_of_numbers


def test_a_frame_without_numbers_cannot_be_corrupted() -> None:
    assert plan("").corrupt(BEAT) == BEAT


def test_the_same_seed_gives_the_same_faults() -> None:
    def story(seed: int) -> list[bool]:
        one = plan("drop=0.2,duplicate=0.2", seed)
        return [one.strike(BEAT, 0.0) is not None for _ in range(100)]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_what_befalls_commands_waits_for_one_and_strikes_once() -> None:
    faults = plan("lostack@5s")

    assert not faults.roll_fault(OrderFault.LOST_ANSWER, 4.9)
    assert not faults.roll_fault(OrderFault.CUT_OFF, 6.0)
    assert faults.roll_fault(OrderFault.LOST_ANSWER, 6.0)
    assert not faults.roll_fault(OrderFault.LOST_ANSWER, 7.0)
    assert faults.injected == {FaultKind.LOST_ACK: 1}


def test_what_befalls_commands_strikes_no_frame() -> None:
    faults = plan("lostack=1,cutoff@0s")

    assert faults.is_spent
    assert faults.strike(b'{"bids":[1]}', 9.0) is None
    assert faults.roll_fault(OrderFault.LOST_ANSWER, 9.0)
    assert faults.roll_fault(OrderFault.LOST_ANSWER, 9.0)


def test_an_order_fault_can_be_requested() -> None:
    faults = plan("")

    faults.arm(FaultKind.CUT_OFF)

    assert faults.roll_fault(OrderFault.CUT_OFF, 0.0)
    assert not faults.roll_fault(OrderFault.CUT_OFF, 0.0)


def test_expiry_and_limits_are_of_the_whole_exchange() -> None:
    faults = plan("stale@9s,limited@3s")

    assert [(one.kind, one.duration_s) for one in faults.timed] == [
        (FaultKind.LIMITED, 5.0),
        (FaultKind.STALE, 0.0),
    ]
