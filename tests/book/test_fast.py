"""The compiled parts against the plain ones: the same for whatever a venue may say."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from fluxum.book.fast import IS_COMPILED, BookLadder, changes, digited, eager_changes
from fluxum.book.ladder import Ladder
from fluxum.errors import RemoteProtocolError
from fluxum.model.levels import Level, Levels, Row
from fluxum.model.market import Side
from fluxum.venues.kraken import native
from fluxum.venues.kraken.normalize import Numbers

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

Read = Callable[[Sequence[Row]], Sequence[Level]]

# As venues write numbers, and as none does.
plain_numbers = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
odd_numbers = st.sampled_from(
    ["0", "0.0", "00", ".0", "0.", ".5", "5.", "007", "1e2", "5E-2", "+3", "1_0", " 7", "0e5"]
)
nonsense = st.sampled_from(
    ["", ".", "1.2.3", "-1", "-0.5", "x", "NaN", "Infinity", "1,5", "1" * 41, "1e31", "1\u0000"]
)
prices = st.integers(1, 12).flatmap(
    lambda n: st.sampled_from([f"{n}", f"{n}.0", f"{n}.00", f"0{n}", f"{n}e0"])
)
quantities = st.sampled_from(["1", "0.5", "20.00", "0", "0.000", "1e1", "0e3", "00.10"])
rows = st.lists(
    st.tuples(prices, quantities) | st.tuples(prices, quantities, st.integers(0, 9)), max_size=8
)


def of(read: Read, some: Sequence[Row]) -> object:
    try:
        return tuple(map(exactly, read(some)))
    except RemoteProtocolError as error:
        return str(error)


def exactly(level: Level) -> tuple[object, ...]:
    """Every digit of it: equal decimals may be written differently."""
    return str(level.price), str(level.quantity), level.orders, level.text


def check_same(some: Sequence[Row]) -> None:
    found = of(changes, some)
    if isinstance(found, str) and found.startswith("a price below 1e20"):
        assert any(has_no_place(price) for price, *_ in some)
    else:
        assert found == of(eager_changes, some)


def has_no_place(price: str) -> bool:
    try:
        number = Decimal(price)
    except InvalidOperation:
        return False
    return number.is_finite() and (number >= 10**20 or int(number.as_tuple().exponent) < -18)


@given(
    st.lists(
        st.tuples(plain_numbers | odd_numbers | nonsense, plain_numbers | odd_numbers | nonsense)
    )
)
def test_rows_are_read_the_same_way_or_refused_for_the_same_reason(some: list[Row]) -> None:
    check_same(some)


wire_numbers = st.sampled_from(["0", "0.0", "1e5", "1E-7", "-1", '"1"', "null", "0.00000000"])


@given(st.lists(st.tuples(plain_numbers | wire_numbers, plain_numbers | wire_numbers)))
@example([("0.00100000", "0.0100"), ("9" * 31, "1"), ("1", "9" * 30)])
@example([("0." + "0" * 18 + "1", "1")])
def test_levels_with_digits_are_those_of_python_or_left_to_it(some: list[tuple[str, str]]) -> None:
    wire = tuple(native.Level(Raw(one.encode()), Raw(other.encode())) for one, other in some)
    found = digited(wire)
    is_plain = all(set(text) <= set("0123456789.") for row in some for text in row)

    if found is None:
        is_long = any(len(text) > 20 for row in some for text in row)
        assert is_long or not is_plain
    else:
        assert is_plain
        assert list(map(exactly, found)) == list(map(exactly, Numbers().plain_levels(wire)))


@given(st.text(max_size=6) | st.text("0123456789.eE+-_ \u0660\u0669", max_size=34))
@example("-0")
@example("1e25")
@example("0." + "0" * 25 + "1")
@example("1" * 21)
def test_a_text_is_a_number_to_both_or_to_none(text: str) -> None:
    assert of(changes, [("1", text)]) == of(eager_changes, [("1", text)])
    check_same([(text, "1")])


@pytest.mark.parametrize("side", Side)
@given(data=st.data())
def test_ladders_hold_the_same_after_every_change(side: Side, data: st.DataObject) -> None:
    depth = data.draw(st.none() | st.integers(1, 4))
    plain, compiled = Ladder(side, depth), BookLadder(side, depth)
    for _ in range(data.draw(st.integers(1, 6))):
        some = data.draw(rows)
        laid = data.draw(st.sampled_from(["rows", "levels", "replace", "put", "read"]))
        levels = eager_changes(some)
        if laid == "replace":
            plain.replace(levels)
            compiled.replace(levels)
        elif laid == "put":
            for level in levels:
                before, after = plain.put(level), compiled.put(level)
                assert before == after
        elif laid == "read":  # levels that are read are kept as levels
            assert list(map(exactly, plain.top(2))) == list(map(exactly, compiled.top(2)))
        else:
            plain.lay(levels)
            compiled.lay(changes(some) if laid == "rows" else levels)
        if data.draw(st.booleans()):
            compiled.trim()
            plain.trim()
        else:
            dropped = compiled.cut()
            assert sorted(map(exactly, dropped)) == sorted(map(exactly, plain.cut()))

        assert len(compiled) == len(plain)
        assert compiled.best == plain.best
        assert [one.price for one in compiled] == [one.price for one in plain]
        for number in range(14):
            price = Decimal(number)
            assert compiled.at(price) == plain.at(price)
            assert compiled.reach(price) == plain.reach(price)
    assert list(map(exactly, compiled)) == list(map(exactly, plain))


@pytest.mark.parametrize("kind", [Ladder, BookLadder])
@pytest.mark.parametrize(
    ("bid", "ask", "is_crossed"),
    [
        ("9", "10", False),
        ("10", "10.0", True),
        ("11", "10", True),
        ("", "1", False),
        ("1", "", False),
    ],
)
def test_a_book_is_crossed_when_its_bids_begin_no_lower(
    kind: type[Ladder], bid: str, ask: str, is_crossed: bool
) -> None:
    bids, asks = kind(Side.BUY), kind(Side.SELL)
    bids.lay(changes([(bid, "1"), ("0.5", "1")] if bid else []))
    asks.lay(changes([(ask, "1"), ("99", "1")] if ask else []))

    assert bids.crosses(asks) is is_crossed


def test_a_deep_side_grows_and_shrinks() -> None:
    ladder = BookLadder(Side.SELL)
    ladder.lay(changes([(f"{price}.25", "1") for price in range(5_000)]))
    assert (len(ladder), ladder.top(1)) == (5_000, [Level(Decimal("0.25"), Decimal(1))])

    ladder.lay(changes([(f"{price}.250", "0.0") for price in range(4_999)]))
    assert list(ladder) == [Level(Decimal("4999.25"), Decimal(1))]


@pytest.mark.parametrize("price", ["1" + "0" * 20, "0." + "0" * 18 + "1"])
def test_a_price_that_cannot_be_placed_is_refused_and_shown(price: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"a price below 1e20 .* was '{price}'"):
        changes([(price, "1")])


@pytest.mark.parametrize("kind", [Ladder, BookLadder])
def test_any_price_can_be_asked_for(kind: type[Ladder]) -> None:
    ladder = kind(Side.BUY)
    ladder.lay(changes([("10", "2"), ("0.5", "1")]))

    ten = Level(Decimal(10), Decimal(2))
    for same in ("10.0", "1E+1", "10." + "0" * 25):
        assert ladder.at(Decimal(same)) == ten
    for other in ("-10", "0", "NaN", "Infinity", "1E+25", "1E-25", "10." + "0" * 20 + "1"):
        assert ladder.at(Decimal(other)) is None


@pytest.mark.parametrize("price", ["9" * 20, "9" * 20 + ".5", "0." + "0" * 17 + "1"])
def test_the_greatest_and_smallest_prices_have_their_place(price: str) -> None:
    for side in Side:
        ladder = BookLadder(side)
        ladder.lay(changes([("1", "1"), (price, "2")]))
        assert ladder.at(Decimal(price)) == Level(Decimal(price), Decimal(2))
        assert ladder.reach(Decimal(1)) == (1 if (Decimal(price) < 1) is (side is Side.BUY) else 2)


def test_rows_that_are_no_rows_are_an_error_and_no_crash() -> None:
    for some in ([("1",)], [()], [None], [(1, 2)], [(b"1", "1")]):
        with pytest.raises((IndexError, TypeError, ValueError)):
            changes(some)  # type: ignore[arg-type]
        with pytest.raises((IndexError, TypeError, ValueError)):
            BookLadder(Side.BUY).lay(Levels(some))  # type: ignore[arg-type]
