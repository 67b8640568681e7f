"""Scanned updates of books: the same event as read in Python, or none at all."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.levels import Level
from fluxum.venues.fast import IS_COMPILED
from venues.scanned import BOOKS, BookPair, mutations

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

RECORDED, DOCUMENTED = BOOKS.frames


def test_an_update_is_as_recorded() -> None:
    update = BookPair().scan(RECORDED)

    assert update is not None
    assert (update.venue, update.symbol, update.checksum) == ("kraken", "BTC/USD", 3_906_264_065)
    assert update.venue_ns == 1_784_483_679_799_885_000
    assert update.bids == (
        Level(Decimal("64524.0"), Decimal(0)),
        Level(Decimal("64521.2"), Decimal("0.002"), None, b"645212200000"),
    )
    assert update.asks == ()


@pytest.mark.parametrize("frame", BOOKS.frames)
def test_the_frames_of_today_are_scanned(frame: bytes) -> None:
    assert BookPair().check(frame)


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
        (b'"asks":', b'"orders":5,"asks":'),
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

    assert not BookPair().check(DOCUMENTED.replace(old, new))


@pytest.mark.parametrize("price", [b"0", b"0.0", b"9" * 20, b"0." + b"1" * 18])
def test_odd_prices_are_the_same_in_both_ways(price: bytes) -> None:
    assert BookPair().check(DOCUMENTED.replace(b"0.5657", price))


@given(seed=st.integers(0, 2**32))
def test_a_mutated_frame_is_read_as_in_python(seed: int) -> None:
    changed = mutations(BOOKS, Random(seed))
    pair = BookPair()
    for _ in range(30):
        pair.check(next(changed))
