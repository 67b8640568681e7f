"""Scanned frames of trades: the same events as read in Python, or none at all."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.venues.fast import IS_COMPILED
from venues.scanned import CASES, NS, Case, Pair, mutations

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
KRAKEN = CASES["kraken"]


@EACH
def test_the_frames_of_today_are_scanned(case: Case) -> None:
    pair = Pair(case)

    assert pair.check(case.frames[1])


@EACH
def test_frames_that_were_received_together_are_one_run_of_trades(case: Case) -> None:
    apart, together = Pair(case), Pair(case)
    more = [one for frame in case.frames[1:] for one in apart.receiving.receive(frame, NS)]

    scanned = together.scan(*case.frames[1:], b'{"x":1}')

    assert scanned is not None
    assert scanned == more
    assert scanned.frames == len(case.frames) - 1
    assert scanned.is_unbroken


def test_a_trade_of_kraken_is_as_documented() -> None:
    scanned = Pair(KRAKEN).scan(KRAKEN.frames[0])

    assert scanned == [
        Trade(
            venue="kraken",
            symbol=Symbol("MATIC/USD"),
            side=Side.SELL,
            price=Decimal("0.5117"),
            quantity=Decimal("40.0"),
            trade_id="4665906",
            sequence=4665906,
            order_type="market",
            venue_ns=1_695_628_177_708_706_000,
            received_ns=NS,
        )
    ]
    assert scanned is not None
    assert str(scanned[0].quantity) == "40.0"


def test_the_newest_first_are_published_oldest_first_at_coinbase() -> None:
    case = CASES["coinbase"]

    scanned = Pair(case).scan(case.frames[1])

    assert scanned is not None
    assert [one.sequence for one in scanned] == [1_068_572_092, 1_068_572_093]
    assert [one.side for one in scanned] == [Side.BUY, Side.SELL]
    assert (scanned.first, scanned.last) == (1_068_572_092, 1_068_572_093)


def test_a_number_that_does_not_follow_on_breaks_the_run() -> None:
    first, second = KRAKEN.frames
    later = second.replace(b"4665907", b"4665917")

    scanned = Pair(KRAKEN).scan(first, later, first)

    assert scanned is not None
    assert scanned.frames == 2
    assert not scanned.is_unbroken


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.5117", b"0"),
        (b"0.5117", b"0.5117e0"),
        (b"0.5117", b"00.5117"),
        (b"0.5117", b".5117"),
        (b"0.5117", b"5."),
        (b"0.5117", b"-0.5117"),
        (b"0.5117", b'"0.5117"'),
        (b"0.5117", b"0." + b"1" * 30),
        (b"40.0", b"0.000"),
        (b"4665906", b"4665906.0"),
        (b"4665906", b"9999999999999999999"),
        (b'"sell"', b'"SELL"'),
        (b'"market"', b'"mar\\u006bet"'),
        (b'"market"', b"null"),
        (b"MATIC/USD", b"ETH/USD"),
        (b'"update"', b'"snapshot"'),
        (b"2023-09-25T07:49:37.708706Z", b"2023-09-25T07:49:37.708706"),
        (b"2023-09-25T07:49:37.708706Z", b"1970-01-01T00:00:00.000000Z"),
        (b"2023-09-25T07:49:37.708706Z", b"2023-13-25T07:49:37.708706Z"),
        (b',"trade_id"', b', "trade_id"'),
        (b'"side":"sell"', b'"side":"sell","side":"sell"'),
        (b"}]}", b"}]} "),
        (b"}]}", b"}],"),
        (b'"qty":40.0,', b""),
    ],
)
def test_a_frame_of_another_form_is_not_scanned(old: bytes, new: bytes) -> None:
    frame = KRAKEN.frames[0]
    assert old in frame

    assert Pair(KRAKEN).scan(frame.replace(old, new)) is None


def test_members_that_the_venue_adds_are_passed_over() -> None:
    frame = KRAKEN.frames[0].replace(b'"side"', b'"note":"x","depth":-1.5,"is_new":true,"side"')

    assert Pair(KRAKEN).check(frame)


def test_members_may_come_in_any_order() -> None:
    frame = (
        b'{"channel":"trade","type":"update","data":[{"timestamp":"2023-09-25T07:49:37.7Z",'
        b'"trade_id":4665907,"ord_type":"stop-loss","qty":1,"price":7,"side":"buy",'
        b'"symbol":"MATIC/USD"}]}'
    )

    assert Pair(KRAKEN).check(frame)


def test_a_match_of_futures_has_no_number() -> None:
    case = CASES["binance"]
    frame = case.frames[1].replace(b'"M":true', b'"M":true,"X":"MARKET"')
    pair = Pair(case)

    assert pair.check(frame)
    scanned = pair.scan(frame)
    assert scanned is not None
    assert scanned[0].sequence is None
    assert not scanned.is_unbroken


def test_a_frame_out_of_step_is_not_scanned() -> None:
    case = CASES["coinbase"]
    pair = Pair(case)

    assert pair.scan(case.frames[1].replace(b'"sequence_num":10', b'"sequence_num":11')) is None
    assert pair.check(case.frames[1])


@EACH
@given(seed=st.integers(0, 2**32))
def test_a_mutated_frame_is_read_as_in_python_or_not_at_all(case: Case, seed: int) -> None:
    changed = mutations(case, Random(seed))
    for _ in range(30):
        Pair(case).check(next(changed))
