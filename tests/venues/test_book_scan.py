"""Scanned updates of books: the same event as read in Python, or none at all."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.event import LeftOut
from fluxum.model.levels import Level
from fluxum.model.market import BookUpdate
from fluxum.venues.fast import IS_COMPILED
from venues.scanned import BOOKS, NS, BookCase, BookPair, mutations

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

EACH = pytest.mark.parametrize("case", BOOKS.values(), ids=BOOKS)
KRAKEN = BOOKS["kraken"]
RECORDED, DOCUMENTED = KRAKEN.frames


def test_an_update_is_as_recorded() -> None:
    scanned = BookPair(KRAKEN).scan(RECORDED)

    assert scanned is not None
    (update,) = scanned
    assert (update.venue, update.symbol, update.checksum) == ("kraken", "BTC/USD", 3_906_264_065)
    assert update.venue_ns == 1_784_483_679_799_885_000
    assert update.bids == (
        Level(Decimal("64524.0"), Decimal(0)),
        Level(Decimal("64521.2"), Decimal("0.002"), None, b"645212200000"),
    )
    assert update.asks == ()


@EACH
def test_the_frames_of_today_are_scanned(case: BookCase) -> None:
    for frame in case.frames:
        assert BookPair(case).scan(*case.frames) is not None, frame


@EACH
def test_frames_that_were_received_together_are_one_run(case: BookCase) -> None:
    pair = BookPair(case)

    assert pair.check(*case.frames, b'{"x":1}')


@EACH
def test_frames_that_came_one_by_one_are_followed_too(case: BookCase) -> None:
    pair = BookPair(case)

    assert [pair.check(frame) for frame in case.frames] == [True] * len(case.frames)


@EACH
def test_a_frame_that_does_not_follow_on_is_read_in_python(case: BookCase) -> None:
    if case.venue in {"kraken", "coinbase-exchange", "gemini-v2"}:
        return  # their frames have no numbers
    pair, (first, second) = BookPair(case), case.frames

    assert not pair.check(second)  # first is missing: a gap, after which nothing is scanned
    assert not pair.check(first)
    again = BookPair(case)
    assert again.check(first)
    assert not again.check(first)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.5657", b"0.5657e0"),
        (b"0.5657", b"-0.5657"),
        (b"0.5657", b"00.5657"),
        (b"0.5657", b'"0.5657"'),
        (b"0.5657", b"0." + b"1" * 19),
        (b"0.5657", b"1" * 31),
        (b"0.5657", b"1" + b"0" * 20),
        (b"1098.3947558", b"1e400"),
        (b'"update"', b'"snapshot"'),
        (b"BTC/USD", b"ETH/USD"),
        (b'"asks":', b'"orders":[],"asks":'),
        (b'"asks":', b'"bids":[],"asks":'),
        (b'"checksum":2114181697,', b""),
        (b"2114181697", b"-1"),
        (b"2114181697", b"2114181697.0"),
        (b"2023-10-06", b"2023-02-30"),
        (b"}]}", b"}]}x"),
        (b"7}]", b"7}"),
        (b"7}]", b"7},]"),
    ],
)
def test_a_frame_of_another_form_is_read_in_python(old: bytes, new: bytes) -> None:
    assert old in DOCUMENTED

    assert not BookPair(KRAKEN).check(DOCUMENTED.replace(old, new))


@pytest.mark.parametrize("price", [b"0", b"0.0", b"9" * 20, b"0." + b"1" * 18])
def test_odd_prices_are_the_same_in_both_ways(price: bytes) -> None:
    assert BookPair(KRAKEN).check(DOCUMENTED.replace(b"0.5657", price))


def test_members_that_the_venue_adds_are_passed_over() -> None:
    frame = DOCUMENTED.replace(b'"asks":', b'"orders":5,"note":"x","asks":')

    assert BookPair(KRAKEN).check(frame)


def test_a_level_has_its_orders_and_its_text_where_the_venue_sends_them() -> None:
    okx, bybit = (BookPair(BOOKS[name]).scan(BOOKS[name].frames[0]) for name in ("okx", "bybit"))

    assert okx is not None
    assert bybit is not None
    assert okx[0].asks[1] == Level(Decimal(8477), Decimal(7), 2)
    assert bybit[0].bids[0] == Level(Decimal("30247.20"), Decimal("30.028"))
    assert bybit[0].sequence == 177_400_507
    assert bybit[0].venue_ns == 1_687_940_967_464_000_000


def test_a_price_without_a_place_in_a_book_costs_its_level_alone() -> None:
    case = BOOKS["coinbase"]
    pair = BookPair(case)
    frame = case.frames[0].replace(b'"65083.7"', b'"999999999999999999999"')

    left_out, update = pair.receiving.receive(frame, NS)

    assert isinstance(left_out, LeftOut)
    assert left_out.count == 1
    assert isinstance(update, BookUpdate)
    assert [str(level.price) for level in update.bids] == ["65083.66"]
    assert not BookPair(case).check(frame)


@EACH
@given(seed=st.integers(0, 2**32))
def test_a_mutated_frame_is_read_as_in_python(case: BookCase, seed: int) -> None:
    changed = mutations(case, Random(seed))
    for _ in range(5):
        BookPair(case).check(next(changed))
